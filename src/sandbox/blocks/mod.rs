//! Is this message or view acceptable to Slack? Block Kit and attachments, held against Slack's published limits.

mod elements;
mod kinds;
mod rich;
mod shape;

use serde_json::Value;

pub use self::shape::Problem;
use self::{
    kinds::{IN_MESSAGE, IN_VIEW},
    shape::{
        Field,
        Kind::{Bool, List, Plain, Str, Typed},
        Walk, opt, req,
    },
};

/// Checks the blocks of a message; pointers start with `root`, for example `/blocks`.
pub fn message_blocks(blocks: &Value, root: &str) -> Vec<Problem> {
    let mut walk = Walk::default();
    walk.check(blocks, &List(&Typed(IN_MESSAGE), 0, 50), root);
    totals(&mut walk, blocks, root);
    walk.problems
}

/// The blocks that a workspace of some years ago refuses.
pub fn newer(blocks: &Value, root: &str) -> Vec<Problem> {
    const NEW: &[&str] = &[
        "plan",
        "task_card",
        "table",
        "data_table",
        "data_visualization",
        "context_actions",
        "markdown",
        "alert",
        "card",
        "carousel",
        "container",
    ];
    let mut walk = Walk::default();
    for (i, block) in blocks.as_array().into_iter().flatten().enumerate() {
        if NEW.contains(&kind_of(block)) {
            walk.add(&format!("{root}/{i}/type"), format!("unsupported type: {}", kind_of(block)));
        }
    }
    walk.problems
}

/// Checks legacy attachments. Slack ignores fields that it does not know here; blocks inside are held to the usual rules.
pub fn attachments(attachments: &Value) -> Vec<Problem> {
    let mut walk = Walk::default();
    let Some(items) = attachments.as_array() else {
        walk.add("/attachments", "must be an array");
        return walk.problems;
    };
    if items.len() > 100 {
        walk.add("/attachments", "no more than 100 items allowed");
    }
    for (i, item) in items.iter().enumerate() {
        let at = format!("/attachments/{i}");
        let Some(object) = item.as_object() else {
            walk.add(&at, "must be an object");
            continue;
        };
        for Field(name, _, kind) in ATTACHMENT {
            if let Some(value) = object.get(*name) {
                walk.check(value, kind, &format!("{at}/{name}"));
            }
        }
        for (j, field) in object.get("fields").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if !field.is_object() {
                walk.add(&format!("{at}/fields/{j}"), "must be an object");
            }
        }
        match object.get("blocks") {
            Some(blocks) => walk.problems.extend(message_blocks(blocks, &format!("{at}/blocks"))),
            None if !CONTENT.iter().any(|name| has_content(object.get(*name))) => walk.add(&at, "no_text"),
            None => {}
        }
    }
    walk.problems
}

const CONTENT: &[&str] = &["fallback", "text", "title", "pretext", "fields", "image_url", "actions", "author_name"];
const LONG: usize = 40_000;
const ATTACHMENT: &[Field] = &[
    opt("color", Str(0, 255)),
    opt("fallback", Str(0, LONG)),
    opt("text", Str(0, LONG)),
    opt("pretext", Str(0, LONG)),
    opt("title", Str(0, LONG)),
    opt("title_link", Str(0, 3000)),
    opt("author_name", Str(0, LONG)),
    opt("image_url", Str(0, 3000)),
    opt("thumb_url", Str(0, 3000)),
    opt("footer", Str(0, 300)),
    opt("mrkdwn_in", List(&Str(0, 255), 0, 100)),
];

fn has_content(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    }
}

/// Checks a modal or home view; pointers start with `/view`.
pub fn view(view: &Value) -> Vec<Problem> {
    let mut walk = Walk::default();
    let Some(object) = view.as_object() else {
        walk.add("/view", "must be an object");
        return walk.problems;
    };
    let fields: &[Field] = match object.get("type").and_then(Value::as_str) {
        Some("modal") => MODAL,
        Some("home") => HOME,
        _ => {
            walk.add("/view/type", "must be one of: modal, home");
            return walk.problems;
        }
    };
    for Field(name, required, kind) in fields {
        match object.get(*name) {
            Some(Value::Null) if !*required => {}
            Some(value) => walk.check(value, kind, &format!("/view/{name}")),
            None if *required => walk.add("/view", format!("missing required field: {name}")),
            None => {}
        }
    }
    for name in object.keys() {
        if name != "type" && !fields.iter().any(|f| f.0 == name) {
            walk.add(&format!("/view/{name}"), format!("unsupported field: {name}"));
        }
    }
    let blocks = object.get("blocks").unwrap_or(&Value::Null);
    totals(&mut walk, blocks, "/view/blocks");
    let inputs = blocks.as_array().into_iter().flatten().any(|b| kind_of(b) == "input");
    if inputs && fields.len() == MODAL.len() && !object.contains_key("submit") {
        walk.add("/view", "missing required field: submit (a modal with input blocks needs it)");
    }
    walk.problems
}

const MODAL: &[Field] = &[
    req("title", Plain(24)),
    req("blocks", List(&Typed(IN_VIEW), 0, 100)),
    opt("submit", Plain(24)),
    opt("close", Plain(24)),
    opt("private_metadata", Str(0, 3000)),
    opt("callback_id", Str(0, 255)),
    opt("external_id", Str(0, 255)),
    opt("clear_on_close", Bool),
    opt("notify_on_close", Bool),
    opt("submit_disabled", Bool),
];
const HOME: &[Field] = &[
    req("blocks", List(&Typed(IN_VIEW), 0, 100)),
    opt("private_metadata", Str(0, 3000)),
    opt("callback_id", Str(0, 255)),
    opt("external_id", Str(0, 255)),
];

/// `{event_type, event_payload}`, the only shape of message metadata that Slack keeps.
pub fn metadata(metadata: &Value) -> Vec<Problem> {
    let mut walk = Walk::default();
    match metadata.as_object() {
        None => walk.add("/metadata", "must be an object"),
        Some(object) => {
            if object.get("event_type").and_then(Value::as_str).is_none_or(str::is_empty) {
                walk.add("/metadata", "missing required field: event_type");
            }
            if !object.get("event_payload").is_some_and(Value::is_object) {
                walk.add("/metadata", "missing required field: event_payload");
            }
        }
    }
    walk.problems
}

fn kind_of(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Rules that hold over all blocks together, and uniqueness of ids.
fn totals(walk: &mut Walk, blocks: &Value, root: &str) {
    let blocks: Vec<&Value> = blocks.as_array().into_iter().flatten().collect();
    let mut ids = Vec::new();
    let (mut tables, mut charts, mut markdown) = (0, 0, 0);
    for (i, block) in blocks.iter().enumerate() {
        let at = format!("{root}/{i}");
        if let Some(id) = block.get("block_id").and_then(Value::as_str) {
            if ids.contains(&id) {
                walk.add(&format!("{at}/block_id"), format!("block_id already exists: {id}"));
            }
            ids.push(id);
        }
        let mut actions = Vec::new();
        for (j, element) in block.get("elements").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if let Some(id) = element.get("action_id").and_then(Value::as_str) {
                if actions.contains(&id) {
                    walk.add(&format!("{at}/elements/{j}/action_id"), format!("action_id already exists: {id}"));
                }
                actions.push(id);
            }
        }
        match kind_of(block) {
            "markdown" => markdown += block.get("text").and_then(Value::as_str).map_or(0, |t| t.chars().count()),
            "table" => {
                tables += 1;
                if tables > 1 {
                    walk.add(&at, "only_one_table_allowed");
                }
                if cells(block) > 10_000 {
                    walk.add(&at, "table cells must be less than 10001 characters in all");
                }
            }
            "data_table" if cells(block) > 20_000 => walk.add(&at, "cells must be less than 20001 characters in all"),
            "data_visualization" => {
                charts += 1;
                if charts > 2 {
                    walk.add(&at, "no more than 2 data_visualization blocks allowed");
                }
            }
            _ => {}
        }
    }
    if markdown > 12_000 {
        walk.add(root, "markdown blocks must be less than 12001 characters in all");
    }
}

/// Characters in all cells of a table.
fn cells(table: &Value) -> usize {
    fn text(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(text).sum(),
            Value::Object(object) => {
                let own = object.get("text").and_then(Value::as_str).map_or(0, |t| t.chars().count());
                own + object.get("elements").map_or(0, text)
            }
            _ => 0,
        }
    }
    table.get("rows").map_or(0, text)
}
