//! The blocks of Block Kit with their limits, and which of them fit a message, a modal, a home tab.

use super::{
    elements::{ACCESSORIES, ACTIONS, BUTTON, CONTEXT_ACTIONS, IMAGE, INPUTS},
    rich::{CELLS, RICH_TEXT},
    shape::{
        Field,
        Kind::{self, Bool, List, Map, Mrkdwn, Num, Obj, OneOf, Plain, Str, Text, Typed},
        Shape, opt, req,
    },
};

const ID: Field = opt("block_id", Str(1, 255));

static SECTION: Shape = Shape {
    name: "section",
    fields: &[
        ID,
        opt("text", Text(3000)),
        opt("fields", List(&Text(2000), 1, 10)),
        opt("accessory", Typed(ACCESSORIES)),
        opt("expand", Bool),
    ],
    any_of: &["text", "fields"],
};
static HEADER: Shape = Shape::new("header", &[ID, req("text", Plain(150)), opt("level", Num(1.0, 4.0))]);
static DIVIDER: Shape = Shape::new("divider", &[ID]);
static CONTEXT: Shape = Shape::new("context", &[ID, req("elements", List(CONTEXT_ELEMENT, 1, 10))]);
// A context element is an image or a text object; text objects are checked as typed shapes here.
const CONTEXT_ELEMENT: &Kind = &Typed(&[&IMAGE, &PLAIN_TEXT, &MRKDWN_TEXT]);
static PLAIN_TEXT: Shape = Shape::new("plain_text", &[req("text", Str(1, 3000)), opt("emoji", Bool)]);
static MRKDWN_TEXT: Shape = Shape::new("mrkdwn", &[req("text", Str(1, 3000)), opt("verbatim", Bool)]);
static ACTIONS_BLOCK: Shape = Shape::new("actions", &[ID, req("elements", List(&Typed(ACTIONS), 1, 25))]);
static CONTEXT_ACTIONS_BLOCK: Shape = Shape::new("context_actions", &[ID, req("elements", List(&Typed(CONTEXT_ACTIONS), 1, 5))]);
static IMAGE_BLOCK: Shape = Shape {
    name: "image",
    fields: &[
        ID,
        opt("image_url", Str(1, 3000)),
        opt("slack_file", Obj(&[opt("url", Str(1, 3000)), opt("id", Str(1, 255))])),
        req("alt_text", Str(1, 2000)),
        opt("title", Plain(2000)),
    ],
    any_of: &["image_url", "slack_file"],
};
static INPUT: Shape = Shape::new(
    "input",
    &[
        ID,
        req("label", Plain(2000)),
        req("element", Typed(INPUTS)),
        opt("dispatch_action", Bool),
        opt("hint", Plain(2000)),
        opt("optional", Bool),
    ],
);
static MARKDOWN: Shape = Shape::new("markdown", &[ID, req("text", Str(1, 12_000))]);
static FILE: Shape = Shape::new("file", &[ID, req("external_id", Str(1, 255)), req("source", OneOf(&["remote"]))]);
static VIDEO: Shape = Shape::new(
    "video",
    &[
        ID,
        req("alt_text", Str(1, 2000)),
        req("title", Plain(200)),
        req("thumbnail_url", Str(1, 3000)),
        req("video_url", Str(1, 3000)),
        opt("title_url", Str(1, 3000)),
        opt("author_name", Str(0, 50)),
        opt("description", Plain(200)),
        opt("provider_name", Str(0, 50)),
        opt("provider_icon_url", Str(0, 3000)),
    ],
);
static ALERT: Shape =
    Shape::new("alert", &[ID, req("text", Text(200)), opt("level", OneOf(&["default", "info", "warning", "error", "success"]))]);
static CARD: Shape = Shape {
    name: "card",
    fields: &[
        ID,
        opt("title", Mrkdwn(150)),
        opt("subtitle", Mrkdwn(150)),
        opt("body", Mrkdwn(200)),
        opt("icon", Typed(&[&IMAGE])),
        opt("hero_image", Typed(&[&IMAGE])),
        opt("actions", List(&Typed(&[&BUTTON]), 1, 3)),
    ],
    any_of: &["title", "body", "hero_image", "actions"],
};
static CAROUSEL: Shape = Shape::new("carousel", &[ID, req("elements", List(&Typed(&[&CARD]), 1, 10))]);
static CONTAINER: Shape = Shape::new(
    "container",
    &[
        ID,
        opt("title", Plain(150)),
        opt("rich_text_title", Typed(&[&RICH_TEXT])),
        opt("subtitle", Text(150)),
        opt("icon", Typed(&[&IMAGE])),
        req("child_blocks", List(&Typed(IN_CONTAINER), 1, 10)),
        opt("default_collapsed", Bool),
        opt("is_collapsible", Bool),
        opt("has_header_divider", Bool),
        opt("width", OneOf(&["narrow", "standard", "wide", "full"])),
    ],
);
static TABLE: Shape = Shape::new(
    "table",
    &[
        ID,
        req("rows", List(&List(&Typed(CELLS), 1, 20), 1, 100)),
        opt("column_settings", List(&Obj(&[opt("align", OneOf(&["left", "center", "right"])), opt("is_wrapped", Bool)]), 0, 20)),
    ],
);
static DATA_TABLE: Shape = Shape::new(
    "data_table",
    &[
        ID,
        req("caption", Str(1, 255)),
        req("rows", List(&List(&Typed(CELLS), 1, 20), 2, 201)),
        opt("page_size", Num(1.0, 100.0)),
        opt("row_header_column_index", Num(0.0, 19.0)),
    ],
);
// The inner shape of a chart is not published in the types that the rules were read from: only its frame is checked.
static DATA_VISUALIZATION: Shape = Shape::new("data_visualization", &[ID, req("title", Str(1, 50)), req("chart", Map)]);
const SOURCE: Kind = Obj(&[req("type", OneOf(&["url"])), req("url", Str(1, 3000)), req("text", Str(1, 3000))]);
static TASK_CARD: Shape = Shape::new(
    "task_card",
    &[
        ID,
        req("task_id", Str(1, 255)),
        req("title", Str(1, 3000)),
        req("status", OneOf(&["pending", "in_progress", "complete", "error"])),
        opt("details", Typed(&[&RICH_TEXT])),
        opt("output", Typed(&[&RICH_TEXT])),
        opt("sources", List(&SOURCE, 0, 50)),
    ],
);
static PLAN: Shape = Shape::new("plan", &[ID, req("title", Str(1, 3000)), opt("tasks", List(&Typed(&[&TASK_CARD]), 0, 50))]);

const IN_CONTAINER: &[&Shape] =
    &[&ACTIONS_BLOCK, &CONTEXT, &DIVIDER, &FILE, &HEADER, &IMAGE_BLOCK, &INPUT, &RICH_TEXT, &SECTION, &TABLE, &VIDEO];

/// Blocks of a message.
pub const IN_MESSAGE: &[&Shape] = &[
    &ACTIONS_BLOCK,
    &ALERT,
    &CARD,
    &CAROUSEL,
    &CONTAINER,
    &CONTEXT,
    &CONTEXT_ACTIONS_BLOCK,
    &DATA_TABLE,
    &DATA_VISUALIZATION,
    &DIVIDER,
    &FILE,
    &HEADER,
    &IMAGE_BLOCK,
    &INPUT,
    &MARKDOWN,
    &PLAN,
    &RICH_TEXT,
    &SECTION,
    &TABLE,
    &TASK_CARD,
    &VIDEO,
];
/// Blocks of a modal or a home tab: what only answers (markdown, plans, tables, feedback) is not among them.
pub const IN_VIEW: &[&Shape] = &[
    &ACTIONS_BLOCK,
    &ALERT,
    &CARD,
    &CAROUSEL,
    &CONTAINER,
    &CONTEXT,
    &DIVIDER,
    &HEADER,
    &IMAGE_BLOCK,
    &INPUT,
    &RICH_TEXT,
    &SECTION,
    &VIDEO,
];
