// Modals: the topmost open view of the person at the screen.
import { byId, h } from "./dom.js";
import { blocks } from "./blocks.js";
import { plainText } from "./mrkdwn.js";
import { act, store } from "./store.js";

let shown = "";

export function modal({ views, errors }) {
  const box = byId("modal");
  const view = views.at(-1);
  if (!view) {
    shown = "";
    if (box.open) box.close();
    return;
  }
  // What is being typed survives everything but a new version of the view.
  const version = `${view.id} ${view.hash}`;
  if (version !== shown) draw(box, view, views.length > 1);
  shown = version;
  for (const place of box.querySelectorAll("[data-block]")) place.textContent = errors[place.dataset.block] || "";
  const general = box.querySelector(".general");
  if (general) general.textContent = errors[""] || "";
  if (!box.open) box.showModal();
}

// What was entered before, written into the blocks as their initial values.
const INITIAL = {
  value: "initial_value", selected_option: "initial_option", selected_options: "initial_options", selected_user: "initial_user",
  selected_users: "initial_users", selected_channel: "initial_channel", selected_conversation: "initial_conversation",
  selected_date: "initial_date", selected_time: "initial_time",
};

function remembered(view) {
  return view.blocks.map((block) => {
    const id = block.element && block.element.action_id;
    const state = ((view.state.values[block.block_id] || {})[id]) || {};
    const element = { ...block.element };
    for (const [from, to] of Object.entries(INITIAL)) if (state[from]) element[to] = state[from];
    return block.element ? { ...block, element } : block;
  });
}

function draw(box, view, stacked) {
  const pending = {};
  const close = () => act("close", { view_id: view.id });
  const submit = async (event) => {
    event.preventDefault();
    const go = box.querySelector("button.submit");
    if (go) go.disabled = true;
    await act("submit", { view_id: view.id, values: pending });
    if (go) go.disabled = false;
  };
  const form = h("form", { onsubmit: submit, novalidate: true },
    h("header", {}, h("h2", {}, plainText(view.title.text)), h("button", { type: "button", class: "close", "aria-label": "Close", onclick: close }, "✕")),
    h("div", { class: "body scroll" }, blocks(remembered(view), { view_id: view.id }, pending), h("div", { class: "error general" })),
    h("footer", {}, h("span", { class: "muted" }, store.app.name),
      h("button", { type: "button", class: "button", onclick: close }, view.close ? plainText(view.close.text) : stacked ? "Back" : "Cancel"),
      view.submit ? h("button", { type: "submit", class: "button primary submit" }, plainText(view.submit.text)) : null));
  box.replaceChildren(form);
  box.oncancel = (event) => {
    event.preventDefault();
    close();
  };
}
