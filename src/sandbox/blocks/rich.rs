//! Rich text and table cells. Slack refuses empty parts anywhere in them, an empty table cell included.

use super::shape::{
    Field,
    Kind::{Bool, List, Num, Obj, OneOf, Str, Typed},
    Shape, opt, req,
};

const STYLE: Field = opt("style", Obj(STYLES));
const STYLES: &[Field] = &[
    opt("bold", Bool),
    opt("code", Bool),
    opt("italic", Bool),
    opt("strike", Bool),
    opt("underline", Bool),
    opt("highlight", Bool),
    opt("client_highlight", Bool),
    opt("unlink", Bool),
];

static TEXT: Shape = Shape::new("text", &[req("text", Str(1, 12_000)), STYLE]);
static LINK: Shape = Shape::new("link", &[req("url", Str(1, 3000)), opt("text", Str(0, 12_000)), opt("unsafe", Bool), STYLE]);
static EMOJI: Shape = Shape::new(
    "emoji",
    &[req("name", Str(1, 255)), opt("unicode", Str(0, 255)), opt("url", Str(0, 3000)), opt("skin_tone", Num(1.0, 6.0)), STYLE],
);
static USER: Shape = Shape::new("user", &[req("user_id", Str(1, 255)), STYLE]);
static CHANNEL: Shape = Shape::new("channel", &[req("channel_id", Str(1, 255)), STYLE]);
static GROUP: Shape = Shape::new("usergroup", &[req("usergroup_id", Str(1, 255)), STYLE]);
static TEAM: Shape = Shape::new("team", &[req("team_id", Str(1, 255)), STYLE]);
static COLOR: Shape = Shape::new("color", &[req("value", Str(1, 255)), STYLE]);
static BROADCAST: Shape = Shape::new("broadcast", &[req("range", OneOf(&["here", "channel", "everyone"])), STYLE]);
static DATE: Shape = Shape::new(
    "date",
    &[req("timestamp", Num(0.0, 1e12)), req("format", Str(1, 255)), opt("url", Str(0, 3000)), opt("fallback", Str(0, 3000)), STYLE],
);

const INLINE: &[&Shape] = &[&TEXT, &LINK, &EMOJI, &USER, &CHANNEL, &GROUP, &TEAM, &COLOR, &BROADCAST, &DATE];
const MANY: usize = 4000;

static SECTION: Shape = Shape::new("rich_text_section", &[req("elements", List(&Typed(INLINE), 1, MANY))]);
static LIST: Shape = Shape::new(
    "rich_text_list",
    &[
        req("style", OneOf(&["bullet", "ordered"])),
        req("elements", List(&Typed(&[&SECTION]), 1, MANY)),
        opt("indent", Num(0.0, 8.0)),
        opt("offset", Num(0.0, 1e6)),
        opt("border", Num(0.0, 1.0)),
    ],
);
static QUOTE: Shape = Shape::new("rich_text_quote", &[req("elements", List(&Typed(INLINE), 1, MANY)), opt("border", Num(0.0, 1.0))]);
static PREFORMATTED: Shape = Shape::new(
    "rich_text_preformatted",
    &[req("elements", List(&Typed(&[&TEXT, &LINK]), 1, MANY)), opt("border", Num(0.0, 1.0)), opt("language", Str(0, 255))],
);

/// The rich text block, also found in table cells and task cards.
pub static RICH_TEXT: Shape = Shape::new(
    "rich_text",
    &[opt("block_id", Str(1, 255)), req("elements", List(&Typed(&[&SECTION, &LIST, &QUOTE, &PREFORMATTED]), 1, MANY))],
);

static RAW_TEXT: Shape = Shape::new("raw_text", &[req("text", Str(1, 10_000))]);
static RAW_NUMBER: Shape = Shape::new("raw_number", &[req("value", Num(f64::MIN, f64::MAX)), req("text", Str(1, 10_000))]);

/// What a table cell may be.
pub const CELLS: &[&Shape] = &[&RAW_TEXT, &RAW_NUMBER, &RICH_TEXT];
