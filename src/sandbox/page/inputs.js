// Elements that people act on: buttons, menus, inputs. In a message they act at once; in a modal inputs wait for submit.
import { byId, h, link, safeUrl } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";
import { act, store } from "./store.js";

// `place` is {channel, ts} or {view_id}; `pending` collects what is entered in a modal's input blocks.
export function element(e, block, place, pending) {
  const send = async (value) => {
    if (e.confirm && !(await confirm(e.confirm))) return;
    await act("action", { ...place, action_id: e.action_id, block_id: block.block_id, value });
  };
  const make = KINDS[e.type];
  if (!make) return h("span", { class: "unknown" }, `[${e.type}]`);
  const enter = (value) => {
    if (pending) ((pending[block.block_id] ||= {})[e.action_id] = value);
    if (!pending || block.type !== "input" || block.dispatch_action) send(value);
  };
  return make(e, enter, send, Boolean(pending && block.type === "input"));
}

function button(e, _, send) {
  const classes = ["button", e.style].filter(Boolean).join(" ");
  const attributes = { class: classes, type: "button", "aria-label": e.accessibility_label, onclick: () => send(e.value) };
  if (e.url && safeUrl(e.url)) {
    const out = link(e.url, plainText(e.text.text));
    out.className = classes;
    out.addEventListener("click", () => send(e.value));
    return out;
  }
  return h("button", attributes, plainText(e.text.text));
}

function overflow(e, _, send) {
  return h("button", {
    class: "button dots", type: "button", "aria-label": "More actions", "aria-haspopup": "menu",
    onclick: (event) => menu(event.currentTarget, e.options.map((o) => [textObject(o.text), () => send(o.value)])),
  }, "⋮");
}

// A small menu below its button; closes at the next click anywhere.
export function menu(anchor, items) {
  document.querySelector(".menu")?.remove();
  const box = h("div", { class: "menu", role: "menu" }, items.map(([label, run]) => h("button", { type: "button", role: "menuitem", onclick: run }, label)));
  document.body.append(box);
  const at = anchor.getBoundingClientRect();
  const below = at.bottom + box.offsetHeight + 8 < innerHeight;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${below ? at.bottom + 4 : at.top - box.offsetHeight - 4}px`;
  setTimeout(() => document.addEventListener("click", () => box.remove(), { once: true }));
}

function pick(options, chosen, placeholder, enter, many) {
  const current = [].concat(chosen || []);
  const make = (o) => h("option", { value: o.value, selected: current.includes(o.value) }, textOf(o.text));
  const list = options.map((o) => (o.options ? h("optgroup", { label: textOf(o.label) }, o.options.map(make)) : make(o)));
  const box = h("select", { class: "select", multiple: many, "aria-label": placeholder || "Choose" }, many ? null : h("option", { value: "", disabled: true, selected: !current.length }, placeholder || "Choose…"), list);
  box.addEventListener("change", () => enter(many ? [...box.selectedOptions].map((o) => o.value) : box.value));
  return box;
}

const textOf = (t) => (typeof t === "string" ? t : t ? t.text : "");
const values = (list) => (list || []).map((o) => o.value);
const people = () => store.users.filter((u) => !u.is_bot).map((u) => ({ text: u.real_name, value: u.id }));
const rooms = () => store.channels.filter((c) => c.name).map((c) => ({ text: "#" + c.name, value: c.id }));
const hint = (e, usual) => (e.placeholder ? e.placeholder.text : usual);

function choices(kind) {
  return (e, enter) => {
    const name = Math.random().toString(36);
    const initial = values([].concat(e.initial_option || e.initial_options || []));
    const box = h("div", { class: "choices" }, e.options.map((o) => h("label", {}, h("input", { type: kind, name, value: o.value, checked: initial.includes(o.value) }), h("span", {}, textObject(o.text), o.description ? h("small", {}, textObject(o.description)) : null))));
    box.addEventListener("change", () => {
      const on = [...box.querySelectorAll("input:checked")].map((i) => i.value);
      enter(kind === "radio" ? on[0] : on);
    });
    return box;
  };
}

function field(type, from) {
  return (e, enter) => {
    const box = h("input", { class: "field", type, value: e[from] || "", placeholder: hint(e, ""), "aria-label": hint(e, "") });
    box.addEventListener("change", () => enter(box.value));
    return box;
  };
}

function text(e, enter, _, waits) {
  const props = { class: "field", placeholder: hint(e, ""), maxlength: e.max_length, rows: 4 };
  const box = e.multiline ? h("textarea", props) : h("input", { ...props, rows: null, type: "text" });
  box.value = e.initial_value || "";
  if (waits) box.addEventListener("input", () => enter(box.value));
  else box.addEventListener("change", () => enter(box.value));
  return box;
}

function feedback(e, _, send) {
  const side = (b, icon) => h("button", { class: "icon-button", type: "button", title: b.text.text, "aria-label": b.accessibility_label || b.text.text, onclick: (event) => { event.currentTarget.classList.add("on"); send(b.value); } }, icon);
  return h("span", { class: "feedback" }, side(e.positive_button, "👍"), side(e.negative_button, "👎"));
}

const KINDS = {
  button,
  workflow_button: button,
  overflow,
  feedback_buttons: feedback,
  icon_button: (e, _, send) => h("button", { class: "icon-button", type: "button", title: e.text.text, onclick: () => send(e.value) }, e.icon === "trash" ? "🗑" : e.text.text),
  static_select: (e, enter) => pick(e.options || e.option_groups || [], e.initial_option && e.initial_option.value, hint(e), enter),
  external_select: (e, enter) => field("text", "initial")(e, enter),
  multi_static_select: (e, enter) => pick(e.options || e.option_groups || [], values(e.initial_options), hint(e), enter, true),
  users_select: (e, enter) => pick(people(), e.initial_user, hint(e, "Choose a person"), enter),
  multi_users_select: (e, enter) => pick(people(), e.initial_users, hint(e), enter, true),
  channels_select: (e, enter) => pick(rooms(), e.initial_channel, hint(e, "Choose a channel"), enter),
  multi_channels_select: (e, enter) => pick(rooms(), e.initial_channels, hint(e), enter, true),
  conversations_select: (e, enter) => pick(rooms(), e.initial_conversation, hint(e, "Choose a conversation"), enter),
  multi_conversations_select: (e, enter) => pick(rooms(), e.initial_conversations, hint(e), enter, true),
  checkboxes: choices("checkbox"),
  radio_buttons: choices("radio"),
  datepicker: field("date", "initial_date"),
  timepicker: field("time", "initial_time"),
  email_text_input: field("email", "initial_value"),
  url_text_input: field("url", "initial_value"),
  number_input: field("number", "initial_value"),
  plain_text_input: text,
  rich_text_input: text,
};

export function confirm(c) {
  return new Promise((resolve) => {
    const box = byId("confirm");
    const done = (yes) => () => {
      resolve(yes);
      box.close();
    };
    box.replaceChildren(
      h("h2", {}, c.title ? plainText(c.title.text) : "Are you sure?"),
      h("div", { class: "body" }, textObject(c.text)),
      h("footer", {}, h("button", { class: "button", onclick: done(false) }, c.deny ? c.deny.text : "Cancel"), h("button", { class: `button ${c.style || "primary"}`, onclick: done(true) }, c.confirm ? c.confirm.text : "Yes")),
    );
    box.onclose = () => resolve(false);
    box.showModal();
  });
}
