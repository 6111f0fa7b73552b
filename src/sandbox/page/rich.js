// rich_text blocks.
import { h, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { formatDate, mention } from "./mrkdwn.js";
import { channelName, nameOf } from "./store.js";

function part(element) {
  const node = {
    text: () => element.text,
    link: () => link(element.url, element.text || element.url),
    emoji: () => emoji(element.name),
    user: () => mention("@" + nameOf(element.user_id)),
    channel: () => mention("#" + channelName(element.channel_id)),
    usergroup: () => mention("@oncall"),
    broadcast: () => mention("@" + element.range),
    date: () => h("time", {}, formatDate(new Date(element.timestamp * 1000), element.format)),
    color: () => element.value,
  }[element.type];
  let out = node ? node() : "";
  const style = element.style || {};
  for (const [name, tag] of [["code", "code"], ["bold", "b"], ["italic", "i"], ["strike", "s"], ["underline", "u"]]) {
    if (style[name]) out = h(tag, {}, out);
  }
  return out;
}

const parts = (elements) => (elements || []).map(part);

export function richText(block) {
  return (block.elements || []).map((element) => {
    if (element.type === "rich_text_list") {
      const list = h(element.style === "ordered" ? "ol" : "ul", {}, element.elements.map((item) => h("li", {}, parts(item.elements))));
      list.style.marginLeft = `${(element.indent || 0) * 22}px`;
      return list;
    }
    if (element.type === "rich_text_quote") return h("blockquote", {}, h("div", { class: "lines" }, parts(element.elements)));
    if (element.type === "rich_text_preformatted") return h("pre", {}, parts(element.elements));
    return h("div", { class: "lines" }, parts(element.elements));
  });
}
