// Slack's mrkdwn as DOM nodes: *bold*, _italic_, ~strike~, `code`, ``` blocks, > quotes, <links>, dates, :emoji:.
import { h, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { nameOf, channelName } from "./store.js";

const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "<([^<>\\n]+)>",
    "(https?://[^\\s<>|]+[^\\s<>|.,;:!?)])",
    ":([a-z0-9_+'-]+(?:::[a-z0-9_-]+)?):",
    "(?<![\\w*])\\*(?=\\S)([^*\\n]*[^*\\s])\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)([^_\\n]*[^_\\s])_(?![\\w_])",
    "(?<![\\w~])~(?=\\S)([^~\\n]*[^~\\s])~(?![\\w~])",
  ].join("|"),
  "g",
);

function inline(text) {
  const out = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    const [all, code, angle, bare, colon, bold, italic, strike] = match;
    out.push(plain(text.slice(last, match.index)));
    last = match.index + all.length;
    if (code !== undefined) out.push(h("code", {}, plain(code)));
    else if (angle !== undefined) out.push(reference(angle));
    else if (bare !== undefined) out.push(link(plain(bare), plain(bare)));
    else if (colon !== undefined) out.push(emoji(colon));
    else if (bold !== undefined) out.push(h("b", {}, inline(bold)));
    else if (italic !== undefined) out.push(h("i", {}, inline(italic)));
    else out.push(h("s", {}, inline(strike)));
  }
  out.push(plain(text.slice(last)));
  return out;
}

export function mention(text) {
  return h("span", { class: "mention" }, text);
}

function reference(inner) {
  const cut = inner.indexOf("|");
  const target = cut < 0 ? inner : inner.slice(0, cut);
  const label = cut < 0 ? null : plain(inner.slice(cut + 1));
  if (target.startsWith("@")) return mention("@" + nameOf(target.slice(1)));
  if (target.startsWith("#")) return mention("#" + (label || channelName(target.slice(1))));
  if (target.startsWith("!date^")) return date(target.split("^"), label);
  if (target.startsWith("!subteam^")) return mention(label || "@oncall");
  if (target.startsWith("!")) return mention("@" + target.slice(1));
  return link(plain(target), cut < 0 ? plain(target).replace(/^mailto:/, "") : inline(inner.slice(cut + 1)));
}

function date([, seconds, format, url], fallback) {
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.getTime())) return fallback || "";
  const node = h("time", { title: when.toString() }, formatDate(when, format || "{date_num} {time}"));
  return url ? link(url, node) : node;
}

export function formatDate(when, format) {
  const day = (options) => when.toLocaleDateString(undefined, options);
  const clock = (options) => when.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false, ...options });
  const apart = Math.round((startOfDay(new Date()) - startOfDay(when)) / 86400000);
  const near = { 0: "today", 1: "yesterday", "-1": "tomorrow" }[apart];
  const long = { year: "numeric", month: "long", day: "numeric" };
  const parts = {
    date_num: () => when.toISOString().slice(0, 10),
    date: () => day(long),
    date_short: () => day({ ...long, month: "short" }),
    date_long: () => day({ ...long, weekday: "long" }),
    date_pretty: () => near || day(long),
    date_short_pretty: () => near || day({ ...long, month: "short" }),
    date_long_pretty: () => near || day({ ...long, weekday: "long" }),
    time: () => clock({}),
    time_secs: () => clock({ second: "2-digit" }),
    ago: () => ago(when),
  };
  return format.replace(/\{(\w+)\}/g, (all, name) => (parts[name] ? parts[name]() : all));
}

const startOfDay = (when) => new Date(when.getFullYear(), when.getMonth(), when.getDate());

function ago(when) {
  const minutes = Math.round((Date.now() - when) / 60000);
  if (Math.abs(minutes) < 1) return "now";
  const [n, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 1440 ? [Math.round(minutes / 60), "hour"] : [Math.round(minutes / 1440), "day"];
  return `${n} ${unit}${n === 1 ? "" : "s"} ago`;
}

export function mrkdwn(text) {
  const out = [];
  const parts = text.split(/```\n?([\s\S]+?)\n?```/g);
  parts.forEach((part, i) => {
    if (i % 2) return out.push(h("pre", {}, pre(part)));
    // The line breaks around a code block belong to it.
    const trimmed = part.replace(i > 0 ? /^\n/ : /^$/, "").replace(i + 1 < parts.length ? /\n$/ : /^$/, "");
    if (trimmed) out.push(...lines(trimmed));
  });
  return out;
}

// Links still work inside code blocks, nothing else does.
function pre(text) {
  return text.split(/<([^<>\s]+)>/g).map((part, i) => (i % 2 && /^https?:/.test(part) ? link(plain(part.split("|")[0]), plain(part)) : plain(part)));
}

function lines(text) {
  const out = [];
  let quote = null;
  for (const line of text.split("\n")) {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted) {
      if (!quote) out.push((quote = h("blockquote", {})));
      quote.append(h("div", {}, inline(quoted[1])));
      continue;
    }
    if (out.length && !quote) out.push(h("br"));
    quote = null;
    out.push(...inline(line));
  }
  return out;
}

// A text object, of either sort.
export function textObject(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return plainText(object.text);
}

export function plainText(text) {
  return String(text)
    .split(/:([a-z0-9_+'-]+):/g)
    .map((part, i) => (i % 2 ? emoji(part) : part));
}
