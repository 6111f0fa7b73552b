// Block Kit as DOM nodes.
import { append, h, image, link } from "./dom.js";
import { element } from "./inputs.js";
import { markdown } from "./markdown.js";
import { mrkdwn, plainText, textObject } from "./mrkdwn.js";
import { richText } from "./rich.js";

export function blocks(list, place, pending) {
  return (list || []).map((block) => {
    const render = KINDS[block.type];
    const body = render ? render(block, place, pending) : [h("span", { class: "unknown" }, `[${block.type}]`)];
    return append(h("div", { class: `block ${block.type}` }, null), [body]);
  });
}

function section(b, place, pending) {
  const text = h("div", { class: "text" }, b.text ? h("div", {}, textObject(b.text)) : null, b.fields ? h("div", { class: "fields" }, b.fields.map((f) => h("div", {}, textObject(f)))) : null);
  if (!b.accessory) return [text];
  const side = b.accessory.type === "image" ? image(b.accessory.image_url, b.accessory.alt_text, "thumb") : element(b.accessory, b, place, pending);
  return [text, h("div", { class: "accessory" }, side)];
}

function cell(c) {
  if (c.type === "rich_text") return richText(c);
  return c.text === undefined ? String(c.value) : c.text;
}

function table(b) {
  const settings = b.column_settings || [];
  const rows = b.rows.map((row, i) =>
    h("tr", {}, row.map((c, j) => {
      const s = settings[j] || {};
      const align = s.align || (c.type === "raw_number" ? "right" : "left");
      return h(i ? "td" : "th", { class: `${align} ${s.is_wrapped ? "wrap" : ""}` }, cell(c));
    })),
  );
  return [h("div", { class: "grid" }, h("table", {}, b.caption ? h("caption", {}, b.caption) : null, rows))];
}

const MARKS = { pending: "", in_progress: "", complete: "✓", error: "!" };

function task(t) {
  return h("div", { class: `task ${t.status}` },
    h("span", { class: "mark", title: t.status.replace("_", " ") }, MARKS[t.status]),
    h("div", {}, h("div", { class: "title" }, plainText(t.title)),
      t.details ? h("div", { class: "muted" }, richText(t.details)) : null,
      t.output ? h("div", { class: "muted" }, richText(t.output)) : null,
      t.sources && t.sources.length ? h("div", { class: "sources" }, t.sources.map((s) => link(s.url, s.text))) : null));
}

function card(b, place, pending) {
  return [
    b.hero_image ? image(b.hero_image.image_url, b.hero_image.alt_text, "hero") : null,
    h("div", { class: "inner" },
      b.icon ? image(b.icon.image_url, b.icon.alt_text, "mini") : null,
      b.title ? h("div", { class: "title" }, textObject(b.title)) : null,
      b.subtitle ? h("div", { class: "muted" }, textObject(b.subtitle)) : null,
      b.body ? h("div", {}, textObject(b.body)) : null,
      b.actions ? h("div", { class: "row" }, b.actions.map((a) => element(a, b, place, pending))) : null),
  ];
}

const LEVELS = { info: "ℹ️", warning: "⚠️", error: "⛔", success: "✅", default: "💬" };
const row = (b, place, pending) => [h("div", { class: "row" }, b.elements.map((e) => element(e, b, place, pending)))];

const KINDS = {
  section,
  header: (b) => [h("h3", {}, plainText(b.text.text))],
  divider: () => [h("hr")],
  context: (b) => b.elements.map((e) => (e.type === "image" ? image(e.image_url, e.alt_text, "mini") : h("div", {}, textObject(e)))),
  actions: row,
  context_actions: row,
  image: (b) => [b.title ? h("div", { class: "muted" }, plainText(b.title.text)) : null, image(b.image_url || (b.slack_file && b.slack_file.url), b.alt_text, "picture")],
  rich_text: (b) => richText(b),
  markdown: (b) => markdown(b.text),
  table,
  data_table: table,
  data_visualization: (b) => [h("div", { class: "muted" }, `[chart: ${b.title}]`)],
  alert: (b) => [h("span", { class: "level" }, LEVELS[b.level || "default"]), h("div", {}, textObject(b.text))],
  card,
  carousel: (b, place, pending) => b.elements.map((c) => h("div", { class: "block card" }, card(c, place, pending))),
  container: (b, place, pending) => [h("details", { open: !b.default_collapsed }, h("summary", {}, b.title ? plainText(b.title.text) : "Details"), blocks(b.child_blocks, place, pending))],
  plan: (b) => [h("div", { class: "plan-title" }, plainText(b.title)), (b.tasks || []).map(task)],
  task_card: (b) => [task(b)],
  video: (b) => [link(b.title_url || b.video_url, plainText(b.title.text)), image(b.thumbnail_url, b.alt_text, "picture")],
  file: (b) => [h("span", {}, `📄 ${b.external_id}`)],
  input: (b, place, pending) => [
    h("label", { class: "label" }, plainText(b.label.text), b.optional ? h("span", { class: "muted" }, " (optional)") : null),
    element(b.element, b, place, pending),
    b.hint ? h("small", { class: "muted" }, plainText(b.hint.text)) : null,
    h("div", { class: "error", "data-block": b.block_id }),
  ],
};

// A legacy attachment, which is what alert tools send.
export function attachment(a, place) {
  const body = h("div", { class: "attachment-body" });
  const formatted = (value) => (value ? mrkdwn(value) : []);
  if (a.blocks) append(body, blocks(a.blocks, place));
  else {
    append(body, [
      a.author_name ? h("div", { class: "author" }, a.author_link ? link(a.author_link, a.author_name) : a.author_name) : null,
      a.title ? h("div", { class: "title" }, a.title_link ? link(a.title_link, mrkdwn(a.title)) : mrkdwn(a.title)) : null,
      a.text ? h("div", { class: "text" }, formatted(a.text)) : null,
      a.fields && a.fields.length ? h("div", { class: "legacy-fields" }, a.fields.map((f) => h("div", { class: f.short ? "short" : "" }, h("b", {}, f.title), h("div", {}, formatted(String(f.value || "")))))) : null,
      a.image_url ? image(a.image_url, a.fallback || "", "picture") : null,
      a.actions ? h("div", { class: "row" }, a.actions.filter((x) => x.type === "button").map((x) => legacyButton(x))) : null,
      !a.title && !a.text && !a.fields && !a.image_url && !a.pretext && a.fallback ? h("div", { class: "text" }, formatted(a.fallback)) : null,
      a.footer ? h("div", { class: "footer" }, a.footer) : null,
    ]);
  }
  const bar = h("div", { class: "bar" });
  if (/^[0-9a-fA-F]{3,8}$/.test(a.color || "")) bar.style.background = `#${a.color}`;
  const thumb = a.thumb_url ? image(a.thumb_url, "", "thumb") : null;
  return [a.pretext ? h("div", {}, formatted(a.pretext)) : null, h("div", { class: "attachment" }, bar, body, thumb)];
}

function legacyButton(x) {
  const style = `button ${x.style && x.style !== "default" ? x.style : ""}`;
  if (!x.url) return h("button", { class: style, type: "button", disabled: true }, plainText(x.text || ""));
  const out = link(x.url, plainText(x.text || ""));
  out.className = style;
  return out;
}
