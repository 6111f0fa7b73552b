// The live view of the traffic: Web API calls and deliveries, newest last, each with its JSON.
import { byId, h } from "./dom.js";
import { look, store } from "./store.js";

let open = false;
let since = 0;
let sent = 0;
const rows = [];

export async function traffic() {
  const box = byId("traffic");
  if (store.hideTraffic) {
    box.hidden = true;
    document.body.classList.add("no-traffic");
    return;
  }
  const news = await look("traffic", { since, sent });
  since += news.calls.length;
  sent += news.deliveries.length;
  for (const c of news.calls) rows.push({ at: c.at, way: "app → Slack", name: c.method, good: c.status === 200 && c.answer.ok !== false, status: c.status === 200 ? c.answer.error || "ok" : c.status || "dropped", detail: { arguments: c.body, answer: c.answer } });
  for (const d of news.deliveries) {
    const last = d.attempts.at(-1) || {};
    const name = [d.kind, d.payload.event ? d.payload.event.type : d.payload.type || d.payload.command].join(" · ");
    rows.push({ at: d.at, way: "Slack → app", name, good: last.status === 200, status: last.status || last.failure || "no app", ms: last.ms, tries: d.attempts.length, detail: d });
  }
  rows.sort((a, b) => (a.at < b.at ? -1 : 1));
  rows.splice(0, Math.max(0, rows.length - 300));
  draw(box);
}

function draw(box) {
  document.body.classList.toggle("traffic-open", open);
  const bar = h("button", { class: "bar", type: "button", "aria-expanded": String(open), onclick: () => { open = !open; draw(box); } },
    h("b", {}, open ? "▾ Traffic" : "▸ Traffic"), h("span", { class: "muted" }, `${since} calls, ${sent} deliveries`));
  const list = h("div", { class: "scroll rows" });
  if (open) {
    for (const r of rows) {
      const line = h("summary", {}, h("time", {}, r.at.slice(11, 23)), h("span", { class: "way" }, r.way), h("code", {}, r.name),
        h("span", { class: r.good ? "good" : "bad" }, String(r.status)), r.ms === undefined ? null : h("span", { class: "muted" }, `${r.ms} ms`), r.tries > 1 ? h("span", { class: "bad" }, `${r.tries} attempts`) : null);
      const detail = h("details", {}, line);
      detail.addEventListener("toggle", () => detail.append(h("pre", {}, JSON.stringify(r.detail, null, 1))), { once: true });
      list.append(detail);
    }
  }
  box.replaceChildren(bar, list);
  list.scrollTop = list.scrollHeight;
}
