//! Every message that the tests produce is kept, once each, so that a checker of somebody else's can look at it too
//! (`BLOCK_CHECKER`, see `tests/run`); and whatever words come in, what goes out is what Slack takes.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sre_agent::{
    model::{
        Action, ActionKind, ActionStyle, Choice, Confirm, EvidenceId, Form, Input, InputKind, Message, Part, Span, Task, TaskState, Text,
    },
    sandbox::{Sandbox, problems},
    slack::blocks,
};

/// Where the messages are kept: `target/tmp/slack-payloads`.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("slack-payloads")
}

/// Keeps what the workspace accepted, as `chat.postMessage` payloads.
pub fn keep(slack: &Sandbox) {
    let folder = folder();
    fs::create_dir_all(&folder).unwrap();
    for call in slack.calls() {
        if call.answer["ok"] != json!(true) {
            continue;
        }
        let (words, blocks) = match call.method.as_str() {
            "chat.postMessage" | "chat.update" | "chat.postEphemeral" | "chat.stopStream" => {
                (call.body["text"].as_str().unwrap_or("a streamed message").to_owned(), parsed(&call.body["blocks"]))
            }
            // A view's blocks are a message's; it holds twice as many.
            "views.open" | "views.push" | "views.update" | "views.publish" => {
                ("a view".to_owned(), parsed(&call.body["view"])["blocks"].clone())
            }
            _ => continue,
        };
        for blocks in blocks.as_array().unwrap().chunks(50) {
            let text = json!({"channel": "C0123456789", "text": words, "blocks": blocks}).to_string();
            let name = hex::encode(Sha256::digest(&text));
            fs::write(folder.join(format!("{}-{}.json", call.method, &name[..16])), text).unwrap();
        }
    }
}

/// Structured arguments may have come as JSON in a form.
fn parsed(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        Value::Null => json!([]),
        other => other.clone(),
    }
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(" \n\t ".to_owned()),
        Just("<!channel> & <@U1> <http://a|b> `code` ```block``` *b* _i_ ~s~ :fire:".to_owned()),
        "\\PC{0,40}",
        "[&<>]{0,4000}",
        "[a-zé\u{1f525}\u{0}-\u{1f}]{0,3500}",
    ]
}

fn text() -> impl Strategy<Value = Text> {
    let span = prop_oneof![
        words().prop_map(Span::Plain),
        words().prop_map(Span::Bold),
        words().prop_map(Span::Code),
        words().prop_map(|text| Span::Link { url: "https://example.com/a|b>c".into(), text }),
        Just(Span::User("U01ALICE".into())),
        Just(Span::Time(jiff::Timestamp::UNIX_EPOCH)),
        Just(Span::Evidence(EvidenceId(3))),
        Just(Span::Emoji("fire".into())),
    ];
    prop::collection::vec(span, 0..8).prop_map(Text)
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    prop::collection::vec((words(), words()), 0..120)
        .prop_map(|all| all.into_iter().map(|(label, value)| Choice { label, value }).collect())
}

fn action() -> impl Strategy<Value = Action> {
    let kind = prop_oneof![
        Just(ActionKind::Button),
        Just(ActionKind::Link { url: "https://example.com".into() }),
        choices().prop_map(ActionKind::More),
        choices().prop_map(ActionKind::Menu),
        Just(ActionKind::Person { chosen: None }),
    ];
    (0u32..9, words(), words(), kind, prop::option::of((words(), words(), words()))).prop_map(|(id, label, value, kind, confirm)| Action {
        id: format!("act{id}"),
        label,
        value,
        style: ActionStyle::Primary,
        kind,
        confirm: confirm.map(|(title, text, yes)| Confirm { title, text, yes }),
    })
}

fn part() -> impl Strategy<Value = Part> {
    let states = prop_oneof![Just(TaskState::Pending), Just(TaskState::Running), Just(TaskState::Done), Just(TaskState::Failed)];
    let task = (words(), words(), states).prop_map(|(id, title, state)| Task { id, title, state });
    prop_oneof![
        words().prop_map(Part::Header),
        text().prop_map(Part::Section),
        (text(), action()).prop_map(|(text, action)| Part::Item(text, action)),
        text().prop_map(Part::Context),
        words().prop_map(Part::Excerpt),
        (prop::collection::vec(words(), 0..22), prop::collection::vec(prop::collection::vec(words(), 0..22), 0..6))
            .prop_map(|(header, rows)| Part::Table { header, rows }),
        prop::collection::vec(action(), 0..30).prop_map(Part::Actions),
        (words(), prop::collection::vec(task, 0..60)).prop_map(|(title, tasks)| Part::Plan { title, tasks }),
        (words(), words()).prop_map(|(good, bad)| Part::Feedback { id: "feedback".into(), value: "INC-1".into(), good, bad }),
        Just(Part::Divider),
    ]
}

fn input() -> impl Strategy<Value = Part> {
    let kind = prop_oneof![
        (words(), words()).prop_map(|(value, placeholder)| InputKind::Text { value, placeholder, lines: true }),
        choices().prop_map(|choices| InputKind::Menu { choices, chosen: None }),
        choices().prop_map(|choices| InputKind::Radio { chosen: choices.first().map(|choice| choice.value.clone()), choices }),
        Just(InputKind::Person { chosen: None }),
    ];
    (0u32..1000, words(), words(), kind)
        .prop_map(|(id, label, hint, kind)| Part::Input(Input { id: format!("field{id}"), label, hint, optional: true, live: false, kind }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_message_is_one_that_slack_takes(words in words(), parts in prop::collection::vec(part(), 1..70)) {
        let message = Message { text: words, parts };
        for body in [blocks::message(&message), blocks::plain_message(&message)] {
            let found = problems(&body["blocks"]);
            prop_assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn any_form_is_one_that_slack_takes(title in words(), submit in words(), parts in prop::collection::vec(prop_oneof![part(), input()], 1..40)) {
        let submit = if submit.trim().is_empty() { "Do it".to_owned() } else { submit };
        let form = Form { callback: "callback".into(), title, submit, context: "INC-1".into(), parts };
        let found = problems(&blocks::form(&form));
        prop_assert!(found.is_empty(), "{found:?}");
        let found = problems(&blocks::home(&form.parts));
        prop_assert!(found.is_empty(), "{found:?}");
    }
}
