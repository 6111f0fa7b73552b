//! The interactive elements and small objects of Block Kit with their limits.

use super::{
    rich::RICH_TEXT,
    shape::{
        Field,
        Kind::{Bool, List, Num, Obj, OneOf, Plain, Str, Text, Typed},
        Shape, opt, req,
    },
};

const ACTION_ID: Field = opt("action_id", Str(1, 255));
const FOCUS: Field = opt("focus_on_load", Bool);
const PLACEHOLDER: Field = opt("placeholder", Plain(150));
const COLOURS: &[&str] = &["primary", "danger"];
const CONFIRM: Field = opt(
    "confirm",
    Obj(&[
        opt("title", Plain(100)),
        req("text", Text(300)),
        opt("confirm", Plain(30)),
        opt("deny", Plain(30)),
        opt("style", OneOf(COLOURS)),
    ]),
);
const DISPATCH: Field =
    opt("dispatch_action_config", Obj(&[opt("trigger_actions_on", List(&OneOf(&["on_enter_pressed", "on_character_entered"]), 1, 2))]));
const OPTION: &[Field] = &[req("text", Plain(75)), req("value", Str(0, 150)), opt("description", Plain(75)), opt("url", Str(0, 3000))];
const RICH_OPTION: &[Field] = &[req("text", Text(75)), req("value", Str(0, 150)), opt("description", Text(75))];
const GROUPS: Field = opt("option_groups", List(&Obj(&[req("label", Plain(75)), req("options", List(&Obj(OPTION), 1, 100))]), 1, 100));
const OPTIONS: Field = opt("options", List(&Obj(OPTION), 1, 100));
const INITIAL_OPTION: Field = opt("initial_option", Obj(OPTION));
const INITIAL_OPTIONS: Field = opt("initial_options", List(&Obj(OPTION), 1, 100));
const MAX_ITEMS: Field = opt("max_selected_items", Num(1.0, 100.0));
const RESPONSE_URL: Field = opt("response_url_enabled", Bool);
const DEFAULT_HERE: Field = opt("default_to_current_conversation", Bool);
const FILTER: Field = opt(
    "filter",
    Obj(&[
        opt("include", List(&OneOf(&["im", "mpim", "private", "public"]), 1, 4)),
        opt("exclude_external_shared_channels", Bool),
        opt("exclude_bot_users", Bool),
    ]),
);
const IDS: &super::shape::Kind = &Str(1, 255);

/// A button.
pub static BUTTON: Shape = Shape::new(
    "button",
    &[
        req("text", Plain(75)),
        ACTION_ID,
        opt("url", Str(0, 3000)),
        opt("value", Str(0, 2000)),
        opt("style", OneOf(COLOURS)),
        CONFIRM,
        opt("accessibility_label", Str(0, 75)),
    ],
);
static WORKFLOW_BUTTON: Shape = Shape::new(
    "workflow_button",
    &[
        req("text", Plain(75)),
        ACTION_ID,
        opt("style", OneOf(COLOURS)),
        CONFIRM,
        opt("accessibility_label", Str(0, 75)),
        req("workflow", super::shape::Kind::Map),
    ],
);
static OVERFLOW: Shape = Shape::new("overflow", &[ACTION_ID, req("options", List(&Obj(OPTION), 1, 5)), CONFIRM]);
static CHECKBOXES: Shape = Shape::new(
    "checkboxes",
    &[ACTION_ID, req("options", List(&Obj(RICH_OPTION), 1, 10)), opt("initial_options", List(&Obj(RICH_OPTION), 1, 10)), CONFIRM, FOCUS],
);
static RADIO: Shape = Shape::new(
    "radio_buttons",
    &[ACTION_ID, req("options", List(&Obj(RICH_OPTION), 1, 10)), opt("initial_option", Obj(RICH_OPTION)), CONFIRM, FOCUS],
);
static DATE: Shape = Shape::new("datepicker", &[ACTION_ID, opt("initial_date", Str(10, 10)), PLACEHOLDER, CONFIRM, FOCUS]);
static TIME: Shape =
    Shape::new("timepicker", &[ACTION_ID, opt("initial_time", Str(5, 5)), opt("timezone", Str(1, 255)), PLACEHOLDER, CONFIRM, FOCUS]);
static DATETIME: Shape = Shape::new("datetimepicker", &[ACTION_ID, opt("initial_date_time", Num(0.0, 9_999_999_999.0)), CONFIRM, FOCUS]);
static STATIC_SELECT: Shape = Shape {
    name: "static_select",
    fields: &[ACTION_ID, PLACEHOLDER, OPTIONS, GROUPS, INITIAL_OPTION, CONFIRM, FOCUS],
    any_of: &["options", "option_groups"],
};
static MULTI_STATIC: Shape = Shape {
    name: "multi_static_select",
    fields: &[ACTION_ID, PLACEHOLDER, OPTIONS, GROUPS, INITIAL_OPTIONS, MAX_ITEMS, CONFIRM, FOCUS],
    any_of: &["options", "option_groups"],
};
const MIN_QUERY: Field = opt("min_query_length", Num(0.0, 1000.0));
static EXTERNAL: Shape = Shape::new("external_select", &[ACTION_ID, PLACEHOLDER, MIN_QUERY, INITIAL_OPTION, CONFIRM, FOCUS]);
static MULTI_EXTERNAL: Shape =
    Shape::new("multi_external_select", &[ACTION_ID, PLACEHOLDER, MIN_QUERY, INITIAL_OPTIONS, MAX_ITEMS, CONFIRM, FOCUS]);
static USERS: Shape = Shape::new("users_select", &[ACTION_ID, PLACEHOLDER, opt("initial_user", Str(1, 255)), CONFIRM, FOCUS]);
static MULTI_USERS: Shape =
    Shape::new("multi_users_select", &[ACTION_ID, PLACEHOLDER, opt("initial_users", List(IDS, 1, 100)), MAX_ITEMS, CONFIRM, FOCUS]);
static CHANNELS: Shape =
    Shape::new("channels_select", &[ACTION_ID, PLACEHOLDER, opt("initial_channel", Str(1, 255)), RESPONSE_URL, CONFIRM, FOCUS]);
static MULTI_CHANNELS: Shape =
    Shape::new("multi_channels_select", &[ACTION_ID, PLACEHOLDER, opt("initial_channels", List(IDS, 1, 100)), MAX_ITEMS, CONFIRM, FOCUS]);
static CONVERSATIONS: Shape = Shape::new(
    "conversations_select",
    &[ACTION_ID, PLACEHOLDER, opt("initial_conversation", Str(1, 255)), DEFAULT_HERE, RESPONSE_URL, FILTER, CONFIRM, FOCUS],
);
static MULTI_CONVERSATIONS: Shape = Shape::new(
    "multi_conversations_select",
    &[ACTION_ID, PLACEHOLDER, opt("initial_conversations", List(IDS, 1, 100)), DEFAULT_HERE, FILTER, MAX_ITEMS, CONFIRM, FOCUS],
);
static PLAIN_INPUT: Shape = Shape::new(
    "plain_text_input",
    &[
        ACTION_ID,
        opt("initial_value", Str(0, 3000)),
        opt("multiline", Bool),
        opt("min_length", Num(0.0, 3000.0)),
        opt("max_length", Num(1.0, 3000.0)),
        DISPATCH,
        PLACEHOLDER,
        FOCUS,
    ],
);
static EMAIL: Shape = Shape::new("email_text_input", &[ACTION_ID, opt("initial_value", Str(0, 3000)), DISPATCH, PLACEHOLDER, FOCUS]);
static URL: Shape = Shape::new("url_text_input", &[ACTION_ID, opt("initial_value", Str(0, 3000)), DISPATCH, PLACEHOLDER, FOCUS]);
static NUMBER: Shape = Shape::new(
    "number_input",
    &[
        ACTION_ID,
        req("is_decimal_allowed", Bool),
        opt("initial_value", Str(0, 255)),
        opt("min_value", Str(0, 255)),
        opt("max_value", Str(0, 255)),
        DISPATCH,
        PLACEHOLDER,
        FOCUS,
    ],
);
static FILE_INPUT: Shape = Shape::new("file_input", &[ACTION_ID, opt("filetypes", List(IDS, 1, 100)), opt("max_files", Num(1.0, 10.0))]);
static RICH_INPUT: Shape = Shape::new(
    "rich_text_input",
    &[
        ACTION_ID,
        opt("initial_value", Typed(&[&RICH_TEXT])),
        opt("min_lines", Num(1.0, 100.0)),
        opt("max_lines", Num(1.0, 100.0)),
        DISPATCH,
        PLACEHOLDER,
        FOCUS,
    ],
);

const SLACK_FILE: Field = opt("slack_file", Obj(&[opt("url", Str(1, 3000)), opt("id", Str(1, 255))]));
/// An image inside another block.
pub static IMAGE: Shape = Shape {
    name: "image",
    fields: &[opt("image_url", Str(1, 3000)), SLACK_FILE, req("alt_text", Str(1, 2000))],
    any_of: &["image_url", "slack_file"],
};

const FEEDBACK: &[Field] = &[req("text", Plain(75)), req("value", Str(0, 2000)), opt("accessibility_label", Str(0, 75))];
static FEEDBACK_BUTTONS: Shape =
    Shape::new("feedback_buttons", &[ACTION_ID, req("positive_button", Obj(FEEDBACK)), req("negative_button", Obj(FEEDBACK))]);
static ICON_BUTTON: Shape = Shape::new(
    "icon_button",
    &[
        ACTION_ID,
        req("icon", Str(1, 255)),
        req("text", Plain(75)),
        opt("value", Str(0, 2000)),
        opt("visible_to_user_ids", List(IDS, 1, 100)),
        opt("accessibility_label", Str(0, 75)),
        CONFIRM,
    ],
);

/// What `context_actions` may hold.
pub const CONTEXT_ACTIONS: &[&Shape] = &[&FEEDBACK_BUTTONS, &ICON_BUTTON];
/// What `actions` may hold.
pub const ACTIONS: &[&Shape] = &[
    &BUTTON,
    &CHECKBOXES,
    &DATE,
    &DATETIME,
    &MULTI_USERS,
    &MULTI_STATIC,
    &MULTI_CONVERSATIONS,
    &MULTI_CHANNELS,
    &MULTI_EXTERNAL,
    &OVERFLOW,
    &RADIO,
    &USERS,
    &STATIC_SELECT,
    &CONVERSATIONS,
    &CHANNELS,
    &EXTERNAL,
    &TIME,
    &WORKFLOW_BUTTON,
    &RICH_INPUT,
];
/// What may stand beside a section's text.
pub const ACCESSORIES: &[&Shape] = &[
    &BUTTON,
    &CHECKBOXES,
    &DATE,
    &IMAGE,
    &MULTI_USERS,
    &MULTI_STATIC,
    &MULTI_CONVERSATIONS,
    &MULTI_CHANNELS,
    &MULTI_EXTERNAL,
    &OVERFLOW,
    &RADIO,
    &USERS,
    &STATIC_SELECT,
    &CONVERSATIONS,
    &CHANNELS,
    &EXTERNAL,
    &TIME,
    &WORKFLOW_BUTTON,
];
/// What an input block may hold.
pub const INPUTS: &[&Shape] = &[
    &CHECKBOXES,
    &DATE,
    &DATETIME,
    &EMAIL,
    &FILE_INPUT,
    &MULTI_USERS,
    &MULTI_STATIC,
    &MULTI_CONVERSATIONS,
    &MULTI_CHANNELS,
    &MULTI_EXTERNAL,
    &NUMBER,
    &PLAIN_INPUT,
    &RADIO,
    &RICH_INPUT,
    &USERS,
    &STATIC_SELECT,
    &CONVERSATIONS,
    &CHANNELS,
    &EXTERNAL,
    &TIME,
    &URL,
];
