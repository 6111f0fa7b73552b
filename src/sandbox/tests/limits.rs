//! Slack's limits one by one, at the last value that is taken and the first that is refused.

use serde_json::{Value, json};

use crate::sandbox::blocks;

fn plain(n: usize) -> Value {
    json!({"type": "plain_text", "text": "x".repeat(n)})
}

fn mrkdwn(n: usize) -> Value {
    json!({"type": "mrkdwn", "text": "x".repeat(n)})
}

fn option(text: usize, value: usize) -> Value {
    json!({"text": plain(text), "value": "v".repeat(value)})
}

fn many(n: usize, of: &Value) -> Value {
    Value::Array(vec![of.clone(); n])
}

fn action(element: Value) -> Value {
    json!({"type": "actions", "elements": [element]})
}

fn card(fields: Value) -> Value {
    let mut out = json!({"type": "card", "title": mrkdwn(1)});
    out.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    out
}

fn table(rows: usize, columns: usize, chars: usize) -> Value {
    let cell = json!({"type": "raw_text", "text": "x".repeat(chars)});
    json!({"type": "table", "rows": many(rows, &many(columns, &cell))})
}

fn task(status: &str) -> Value {
    json!({"type": "task_card", "task_id": "t", "title": "x", "status": status})
}

/// A message block made with a number: good at the first, refused at the second, and where.
#[test]
fn message_blocks_end_where_slack_says() {
    type Make = fn(usize) -> Value;
    let cases: &[(&str, Make, usize, usize, &str)] = &[
        ("section text", |n| json!({"type": "section", "text": mrkdwn(n)}), 3000, 3001, "/blocks/0/text/text"),
        (
            "button url",
            |n| action(json!({"type": "button", "text": plain(1), "url": "u".repeat(n)})),
            3000,
            3001,
            "/blocks/0/elements/0/url",
        ),
        ("block_id", |n| json!({"type": "divider", "block_id": "b".repeat(n)}), 255, 256, "/blocks/0/block_id"),
        (
            "option text",
            |n| action(json!({"type": "overflow", "options": [option(n, 1)]})),
            75,
            76,
            "/blocks/0/elements/0/options/0/text/text",
        ),
        (
            "option value",
            |n| action(json!({"type": "overflow", "options": [option(1, n)]})),
            150,
            151,
            "/blocks/0/elements/0/options/0/value",
        ),
        (
            "select options",
            |n| action(json!({"type": "static_select", "options": many(n, &option(1, 1))})),
            100,
            101,
            "/blocks/0/elements/0/options",
        ),
        (
            "checkboxes",
            |n| action(json!({"type": "checkboxes", "options": many(n, &option(1, 1))})),
            10,
            11,
            "/blocks/0/elements/0/options",
        ),
        (
            "confirm text",
            |n| action(json!({"type": "button", "text": plain(1), "confirm": {"title": plain(1), "text": plain(n)}})),
            300,
            301,
            "/blocks/0/elements/0/confirm/text/text",
        ),
        (
            "confirm deny",
            |n| action(json!({"type": "button", "text": plain(1), "confirm": {"text": plain(1), "deny": plain(n)}})),
            30,
            31,
            "/blocks/0/elements/0/confirm/deny/text",
        ),
        (
            "context_actions",
            |n| json!({"type": "context_actions", "elements": many(n, &json!({"type": "icon_button", "icon": "trash", "text": plain(1)}))}),
            5,
            6,
            "/blocks/0/elements",
        ),
        ("table columns", |n| table(1, n, 1), 20, 21, "/blocks/0/rows/0"),
        ("table characters", |n| table(1, 1, n), 10_000, 10_001, "/blocks/0/rows/0/0/text"),
        ("table characters in all", |n| table(n, 1, 101), 99, 100, "/blocks/0"),
        (
            "data_table rows",
            |n| json!({"type": "data_table", "caption": "c", "rows": many(n, &json!([{"type": "raw_text", "text": "x"}]))}),
            201,
            202,
            "/blocks/0/rows",
        ),
        ("plan tasks", |n| json!({"type": "plan", "title": "p", "tasks": many(n, &task("pending"))}), 50, 51, "/blocks/0/tasks"),
        ("card title", |n| card(json!({"title": mrkdwn(n)})), 150, 151, "/blocks/0/title/text"),
        ("card body", |n| card(json!({"body": mrkdwn(n)})), 200, 201, "/blocks/0/body/text"),
        ("card actions", |n| card(json!({"actions": many(n, &json!({"type": "button", "text": plain(1)}))})), 3, 4, "/blocks/0/actions"),
        ("carousel", |n| json!({"type": "carousel", "elements": many(n, &card(json!({})))}), 10, 11, "/blocks/0/elements"),
        (
            "container",
            |n| json!({"type": "container", "title": plain(1), "child_blocks": many(n, &json!({"type": "divider"}))}),
            10,
            11,
            "/blocks/0/child_blocks",
        ),
    ];
    for (name, make, good, bad, pointer) in cases {
        assert_eq!(blocks::message_blocks(&json!([make(*good)]), "/blocks"), [], "{name} at {good}");
        let problems = blocks::message_blocks(&json!([make(*bad)]), "/blocks");
        assert_eq!(problems.first().map(|p| p.pointer.as_str()), Some(*pointer), "{name} at {bad}");
    }
}

#[test]
fn unknown_and_empty_things_are_refused_deep_down() {
    let link = json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "link", "href": "x"}]}]});
    let cases = [
        (link, "/blocks/0/elements/0/elements/0"),
        (action(json!({"type": "button", "text": plain(1), "colour": "red"})), "/blocks/0/elements/0/colour"),
        (action(json!({"type": "image", "image_url": "http://x", "alt_text": "x"})), "/blocks/0/elements/0/type"),
        (json!({"type": "context", "elements": [{"type": "button", "text": plain(1)}]}), "/blocks/0/elements/0/type"),
        (json!({"type": "plan", "title": "p", "tasks": [task("completed")]}), "/blocks/0/tasks/0/status"),
        (table(1, 1, 0), "/blocks/0/rows/0/0/text"),
        (json!({"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": []}]}), "/blocks/0/elements/0/elements"),
        (json!("divider"), "/blocks/0"),
    ];
    for (block, pointer) in cases {
        let problems = blocks::message_blocks(&json!([block]), "/blocks");
        assert_eq!(problems.first().map(|p| p.pointer.as_str()), Some(pointer), "{block}");
    }
}

fn modal(fields: Value) -> Value {
    let mut out = json!({"type": "modal", "title": plain(24), "blocks": [{"type": "divider"}]});
    out.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    out
}

#[test]
fn views_end_where_slack_says() {
    let pointer = |view: Value| blocks::view(&view).first().map(|p| p.pointer.clone()).unwrap_or_default();
    let input = json!({"type": "input", "label": plain(1), "element": {"type": "plain_text_input"}});
    assert_eq!(pointer(modal(json!({"private_metadata": "x".repeat(3000), "submit": plain(24), "blocks": [input]}))), "");
    assert_eq!(pointer(modal(json!({"title": plain(25)}))), "/view/title/text");
    assert_eq!(pointer(modal(json!({"submit": plain(25)}))), "/view/submit/text");
    assert_eq!(pointer(modal(json!({"private_metadata": "x".repeat(3001)}))), "/view/private_metadata");
    assert_eq!(pointer(modal(json!({"blocks": many(101, &json!({"type": "divider"}))}))), "/view/blocks");
    assert_eq!(pointer(modal(json!({"blocks": [input]}))), "/view", "an input block needs a submit button");
    assert_eq!(pointer(modal(json!({"blocks": [{"type": "markdown", "text": "x"}]}))), "/view/blocks/0/type");
    assert_eq!(pointer(modal(json!({"colour": 1}))), "/view/colour");
    assert_eq!(pointer(json!({"type": "home", "blocks": [], "submit": plain(1)})), "/view/submit");
}

#[test]
fn attachments_are_taken_as_alert_tools_send_them() {
    let pointer = |list: Value| blocks::attachments(&list).first().map(|p| p.pointer.clone()).unwrap_or_default();
    let alert = json!({"color": "danger", "title": "x", "mrkdwn_in": ["fallback", "text"], "ts": 1, "callback_id": "", "whatever": 1});
    assert_eq!(pointer(json!([alert])), "");
    assert_eq!(pointer(many(101, &alert)), "/attachments");
    assert_eq!(pointer(json!([{"title": 5}])), "/attachments/0/title");
    assert_eq!(pointer(json!([{"color": "good"}])), "/attachments/0", "nothing to show");
    assert_eq!(pointer(json!([{"blocks": [{"type": "nonsense"}]}])), "/attachments/0/blocks/0/type");
}
