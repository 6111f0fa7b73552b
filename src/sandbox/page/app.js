// The page: looks at the sandbox whenever it says that something changed, and redraws the panes that differ.
import { byId, h } from "./dom.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { avatar, dayOf, message } from "./message.js";
import { modal } from "./modal.js";
import { act, look, nameOf, store } from "./store.js";
import { traffic } from "./traffic.js";

const drawn = new Map();

// The composers are drawn first: they take their room from the lists, which then scroll to the right place.
// Redraws a pane only where what it shows has changed; keeps it at its end if it was there.
function pane(id, key, make) {
  const value = JSON.stringify(key);
  if (drawn.get(id) === value) return;
  const fresh = !drawn.has(id);
  drawn.set(id, value);
  const box = byId(id);
  const atEnd = box.scrollTop + box.clientHeight > box.scrollHeight - 80;
  const top = box.scrollTop;
  box.replaceChildren(...make());
  // A channel opens at its newest message, a thread at the alert that began it.
  if (fresh) box.scrollTop = id === "thread-list" ? 0 : box.scrollHeight;
  else box.scrollTop = atEnd ? box.scrollHeight : top;
}

function place() {
  const [channel, thread] = location.hash.replace(/^#\/?/, "").split("/");
  if (channel === "home") return { home: true };
  const known = store.channels.find((c) => c.id === channel || (c.name && c.name === channel));
  return { channel: known || store.channels[0], thread: thread || null };
}

const go = (hash) => {
  location.hash = hash;
  document.body.classList.remove("side-open");
};

function side(at) {
  const mine = (c) => (c.im ? c.im === store.user : c.members.includes(store.user));
  const item = (hash, label, on) => h("button", { class: on ? "on" : "", type: "button", onclick: () => go(hash) }, label);
  const list = store.channels.filter(mine);
  const here = at.channel && at.channel.id;
  const who = h("select", { "aria-label": "You are", onchange: (event) => { store.user = event.target.value; drawn.clear(); refresh(); } },
    store.users.filter((u) => !u.is_bot).map((u) => h("option", { value: u.id, selected: u.id === store.user }, u.real_name)));
  return [
    h("h1", {}, "Sandbox"),
    h("h4", {}, "Channels"),
    ...list.filter((c) => !c.im).map((c) => item(`/${c.id}`, [h("span", { class: "sign" }, "#"), c.name], c.id === here)),
    h("h4", {}, "Apps"),
    ...list.filter((c) => c.im).map((c) => item(`/${c.id}`, [avatar({ name: store.app.name, own: true }, true), store.app.name], c.id === here)),
    item("/home", [h("span", { class: "sign" }, "⌂"), "Home tab"], at.home),
    h("div", { class: "you" }, h("label", {}, "You are ", who)),
  ];
}

function messages(list, channel, inThread) {
  const out = [];
  let day = "";
  for (const m of list) {
    if (!inThread && dayOf(m) !== day) out.push(h("div", { class: "day" }, h("span", {}, (day = dayOf(m)))));
    out.push(message(m, channel, () => go(`/${channel}/${m.thread_ts || m.ts}`), inThread));
  }
  return out;
}

const byTs = (a, b) => (a.ts < b.ts ? -1 : 1);

async function drawChannel(at) {
  const { channel, thread } = at;
  const shown = await look("messages", { channel: channel.id, user: store.user });
  const top = [...shown.messages, ...shown.ephemeral.filter((e) => !e.thread_ts)].sort(byTs);
  const title = channel.im ? store.app.name : channel.name;
  pane("head", [channel, store.user], () => [hamburger(), h("b", {}, channel.im ? "" : "#", ` ${title}`), h("span", { class: "muted" }, channel.im ? "App" : `${channel.members.length} members`)]);
  pane("compose", [channel.id, store.user], () => [composer(channel.id, null, channel.im ? `Message ${title}` : `Message #${title}`)]);
  pane("list", [channel.id, store.user, store.users, top], () => (top.length ? messages(top, channel.id) : [h("p", { class: "empty" }, "Nothing has been said here yet.")]));
  byId("thread").hidden = !thread;
  document.body.classList.toggle("thread-open", Boolean(thread));
  if (!thread) return ["thread-head", "thread-list", "thread-compose"].forEach((id) => drawn.delete(id));
  const replies = await look("thread", { channel: channel.id, ts: thread, user: store.user });
  const all = [...replies.messages, ...replies.ephemeral.filter((e) => e.thread_ts === thread)].sort(byTs);
  pane("thread-head", [channel.id, thread], () => [h("b", {}, "Thread"), h("span", { class: "muted" }, channel.im ? title : `#${title}`), h("button", { class: "close", type: "button", "aria-label": "Close thread", onclick: () => go(`/${channel.id}`) }, "✕")]);
  pane("thread-compose", [channel.id, thread, store.user], () => [composer(channel.id, thread, "Reply…")]);
  pane("thread-list", [channel.id, thread, store.user, store.users, all], () => {
    const out = messages(all, channel.id, true);
    const count = all.length - 1;
    if (count > 0) out.splice(1, 0, h("div", { class: "count" }, h("span", {}, count === 1 ? "1 reply" : `${count} replies`)));
    return out;
  });
}

const hamburger = () => h("button", { class: "hamburger", type: "button", "aria-label": "Channels", onclick: () => document.body.classList.toggle("side-open") }, "☰");

function drawHome(views) {
  byId("thread").hidden = true;
  document.body.classList.remove("thread-open");
  pane("head", ["home", store.user], () => [hamburger(), h("b", {}, store.app.name), h("span", { class: "muted" }, `Home tab of ${nameOf(store.user)}`), h("button", { class: "button", type: "button", onclick: () => act("home", {}) }, "Open again")]);
  pane("list", ["home", views.home], () => (views.home ? [h("div", { class: "home" }, blocks(views.home.blocks, { view_id: views.home.id }))] : [h("p", { class: "empty" }, "The app has not published a home tab for you yet.")]));
  pane("compose", ["home"], () => []);
}

let busy = false;
let again = false;
let last = [];

async function refresh() {
  if (busy) return void (again = true);
  busy = true;
  try {
    Object.assign(store, await look("state"));
    const at = place();
    const here = [at.home ? "home" : at.channel && at.channel.id, at.thread];
    if (here[0] !== last[0]) drawn.delete("list");
    if (here[1] !== last[1]) drawn.delete("thread-list");
    if (at.home && last[0] !== "home") act("home", {});
    last = here;
    pane("side", [store.channels.map((c) => [c.id, c.members]), store.users, store.user, location.hash], () => side(at));
    const views = await look("views", { user: store.user });
    if (at.home) drawHome(views);
    else if (at.channel) await drawChannel(at);
    modal(views);
    await traffic();
  } finally {
    busy = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

// A browser that only takes a screenshot does so at the load event; this picture holds that back until all is drawn.
if (store.hideTraffic) document.body.append(h("img", { src: "/sandbox/api/hold", alt: "", hidden: true }));

addEventListener("hashchange", refresh);
new EventSource("/sandbox/api/stream").onmessage = refresh;
refresh();
