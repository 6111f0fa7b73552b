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
    h("div", { class: "body scroll" }, blocks(view.blocks, { view_id: view.id }, pending), h("div", { class: "error general" })),
    h("footer", {}, h("span", { class: "muted" }, store.app.name),
      h("button", { type: "button", class: "button", onclick: close }, view.close ? plainText(view.close.text) : stacked ? "Back" : "Cancel"),
      view.submit ? h("button", { type: "submit", class: "button primary submit" }, plainText(view.submit.text)) : null));
  box.replaceChildren(form);
  box.oncancel = (event) => {
    event.preventDefault();
    close();
  };
}
