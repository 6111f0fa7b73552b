// The markdown block: CommonMark as far as messages use it.
import { h, link } from "./dom.js";
import { emoji } from "./emoji.js";

const INLINE = /`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|__(.+?)__|(?<![\w*])\*([^*\s][^*]*)\*(?!\w)|(?<!\w)_([^_\s][^_]*)_(?!\w)|~~(.+?)~~|:([a-z0-9_+-]+):|(https?:\/\/[^\s<>)]+)/g;

function inline(text) {
  const out = [];
  let last = 0;
  for (const m of text.matchAll(INLINE)) {
    out.push(text.slice(last, m.index));
    last = m.index + m[0].length;
    if (m[1]) out.push(h("code", {}, m[1]));
    else if (m[2]) out.push(link(m[3], inline(m[2])));
    else if (m[4] || m[5]) out.push(h("b", {}, inline(m[4] || m[5])));
    else if (m[6] || m[7]) out.push(h("i", {}, inline(m[6] || m[7])));
    else if (m[8]) out.push(h("s", {}, inline(m[8])));
    else if (m[9]) out.push(emoji(m[9]));
    else out.push(link(m[10], m[10]));
  }
  out.push(text.slice(last));
  return out;
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((c) => c.trim());

export function markdown(text) {
  const out = [];
  const lines = text.split("\n");
  let i = 0;
  while (i < lines.length) {
    const line = lines[i];
    const heading = line.match(/^(#{1,6})\s+(.*)$/);
    if (/^```/.test(line)) {
      const code = [];
      for (i++; i < lines.length && !/^```/.test(lines[i]); i++) code.push(lines[i]);
      out.push(h("pre", {}, code.join("\n")));
    } else if (heading) {
      out.push(h("h" + Math.min(6, heading[1].length + 2), {}, inline(heading[2])));
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      out.push(h("hr"));
    } else if (/^\s*>/.test(line)) {
      const quote = h("blockquote", {});
      for (; i < lines.length && /^\s*>/.test(lines[i]); i++) quote.append(h("div", {}, ...inline(lines[i].replace(/^\s*> ?/, ""))));
      i--;
      out.push(quote);
    } else if (/^\s*([-*+]|\d+[.)])\s+/.test(line)) {
      const list = h(/^\s*\d/.test(line) ? "ol" : "ul", {});
      for (; i < lines.length && /^\s*([-*+]|\d+[.)])\s+/.test(lines[i]); i++) list.append(h("li", {}, ...inline(lines[i].replace(/^\s*([-*+]|\d+[.)])\s+/, ""))));
      i--;
      out.push(list);
    } else if (line.includes("|") && /^\s*\|?[\s:|-]+\|[\s:|-]*$/.test(lines[i + 1] || "")) {
      const head = h("tr", {}, cells(line).map((c) => h("th", {}, inline(c))));
      const table = h("table", {}, head);
      for (i += 2; i < lines.length && lines[i].includes("|"); i++) table.append(h("tr", {}, cells(lines[i]).map((c) => h("td", {}, inline(c)))));
      i--;
      out.push(h("div", { class: "grid" }, table));
    } else if (line.trim()) {
      const words = [line];
      while (i + 1 < lines.length && lines[i + 1].trim() && !/^(#|```|\s*>|\s*[-*+]\s|\s*\d+[.)]\s|.*\|)/.test(lines[i + 1])) words.push(lines[++i]);
      out.push(h("p", {}, ...words.flatMap((w, n) => (n ? [h("br"), ...inline(w)] : inline(w)))));
    }
    i++;
  }
  return out;
}
