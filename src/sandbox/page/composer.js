// Where people type: messages, replies, and slash commands with a hint of what there is.
import { h, toast } from "./dom.js";
import { act, store } from "./store.js";

export function composer(channel, thread, placeholder) {
  const hint = h("div", { class: "hint", hidden: true });
  const box = h("textarea", { rows: 1, placeholder, "aria-label": placeholder });
  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
    const start = box.value.startsWith("/") && !box.value.includes(" ");
    hint.hidden = !start;
    hint.replaceChildren(...store.app.commands.filter((c) => c.startsWith(box.value)).map((c) => h("button", { type: "button", onclick: () => { box.value = c + " "; grow(); box.focus(); } }, h("b", {}, c), h("span", { class: "muted" }, ` ${store.app.name}`))));
  };
  const send = async () => {
    const text = box.value.trim();
    if (!text) return;
    const command = text.match(/^(\/\S+)\s*([\s\S]*)$/);
    if (command && thread) return toast("Slack has no slash commands in threads; use the channel.");
    box.value = "";
    grow();
    if (command) await act("command", { channel, command: command[1], text: command[2] });
    else await act("post", { channel, text, typed: true, thread_ts: thread || undefined });
  };
  box.addEventListener("input", grow);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  });
  return h("div", { class: "composer" }, hint, h("div", { class: "line" }, box, h("button", { type: "button", class: "send", "aria-label": "Send", onclick: send }, "➤")));
}
