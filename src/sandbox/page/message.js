// One message: who, when, what it says, reactions, replies, and what can be done with it.
import { h, image, link } from "./dom.js";
import { attachment, blocks } from "./blocks.js";
import { emoji, EMOJI } from "./emoji.js";
import { menu } from "./inputs.js";
import { formatDate, mrkdwn } from "./mrkdwn.js";
import { act, nameOf, store } from "./store.js";

const COLOURS = ["#e8912d", "#2bac76", "#1264a3", "#c4245b", "#7a4ddb", "#0b7c8c", "#b0542c"];
const hash = (text) => [...text].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) >>> 0, 7);

const when = (ts) => new Date(Number(ts) * 1000);

function sender(m) {
  const name = m.username || (m.bot_profile && m.bot_profile.name) || (store.users.find((u) => u.id === m.user) || {}).real_name || m.user || "someone";
  return { name, app: Boolean(m.bot_id), own: m.user === store.app.user };
}

export function avatar({ name, own }, small) {
  const icon = own ? "∿" : name.slice(0, 1).toUpperCase();
  const box = h("span", { class: `avatar${small ? " small" : ""}${own ? " own" : ""}`, "aria-hidden": "true" }, icon);
  if (!own) box.style.background = COLOURS[hash(name) % COLOURS.length];
  return box;
}

function file(f) {
  const title = f.title || f.name;
  if ((f.mimetype || "").startsWith("image/")) return h("div", { class: "file" }, h("b", {}, title), image(f.url_private, f.alt_txt || title, "picture"));
  return h("div", { class: "file" }, h("b", {}, link(f.url_private, `📄 ${title}`)), f.preview ? h("pre", {}, f.preview) : null);
}

function content(m, place) {
  // What people type is shown from its text: the rich text of the sandbox knows no styles.
  const rich = m.bot_id && m.blocks && m.blocks.length;
  const parts = [rich ? blocks(m.blocks, place) : m.text ? h("div", { class: "text" }, mrkdwn(m.text)) : null];
  for (const a of m.attachments || []) parts.push(attachment(a, place));
  for (const f of m.files || []) parts.push(file(f));
  return h("div", { class: "content" }, parts);
}

function reactions(m, place) {
  if (!m.reactions) return null;
  const one = (r) => {
    const mine = r.users.includes(store.user);
    const props = { class: `reaction${mine ? " mine" : ""}`, type: "button", title: `${r.users.map(nameOf).join(", ")} reacted with :${r.name}:`, onclick: () => act(mine ? "unreact" : "react", { ...place, name: r.name }) };
    return h("button", props, emoji(r.name), h("span", {}, r.count));
  };
  return h("div", { class: "reactions" }, m.reactions.map(one));
}

const QUICK = ["eyes", "white_check_mark", "thumbsup", "rotating_light", "raised_hands", "x"];

function tools(m, place, openThread) {
  const add = (event) => menu(event.currentTarget, QUICK.map((name) => [[EMOJI.get(name), ` ${name}`], () => act("react", { ...place, name })]));
  return h("div", { class: "tools" },
    h("button", { type: "button", title: "Add reaction", "aria-label": "Add reaction", onclick: add }, "☺"),
    openThread ? h("button", { type: "button", title: "Reply in thread", "aria-label": "Reply in thread", onclick: openThread }, "💬") : null);
}

// `inThread` leaves out the reply count; `openThread` opens the pane.
export function message(m, channel, openThread, inThread) {
  const place = { channel, ts: m.ts };
  const who = sender(m);
  const head = h("div", { class: "who" },
    h("b", {}, who.name),
    who.app ? h("span", { class: "badge" }, "APP") : null,
    h("time", { title: when(m.ts).toString() }, formatDate(when(m.ts), "{time}")));
  const body = h("div", { class: "body" }, head, content(m, place));
  if (m.edited) body.append(h("span", { class: "edited", title: when(m.edited.ts).toString() }, "(edited)"));
  const extra = [reactions(m, place)];
  if (m.reply_count && !inThread) {
    const faces = (m.reply_users || []).slice(0, 4).map((id) => avatar({ name: (store.users.find((u) => u.id === id) || { real_name: id }).real_name, own: id === store.app.user }, true));
    extra.push(h("button", { class: "replies", type: "button", onclick: openThread }, faces,
      h("b", {}, m.reply_count === 1 ? "1 reply" : `${m.reply_count} replies`),
      h("span", { class: "muted" }, `Last reply ${formatDate(when(m.latest_reply), "{date_short_pretty} at {time}")}`)));
  }
  body.append(...extra.filter(Boolean));
  if (m.is_ephemeral) {
    const bar = h("div", { class: "only-you" }, "👁 Only visible to you · ", h("button", { type: "button", onclick: () => act("dismiss", { ts: m.ts }) }, "Dismiss"));
    return h("article", { class: "message ephemeral", "data-ts": m.ts }, bar, avatar(who), body);
  }
  return h("article", { class: "message", "data-ts": m.ts }, avatar(who), body, tools(m, place, inThread ? null : openThread));
}

export function dayOf(m) {
  return formatDate(when(m.ts), "{date_long_pretty}").replace(/^./, (c) => c.toUpperCase());
}
