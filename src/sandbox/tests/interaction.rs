//! Clicks, menus, slash commands, modals, response URLs, the home tab.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::app::{Reply, World, config, world, world_at};
use crate::{model::Clock, sandbox::SandboxError};

fn button(id: &str, value: &str) -> Value {
    json!({"type": "button", "action_id": id, "value": value, "text": {"type": "plain_text", "text": "Go"}})
}

fn option(value: &str) -> Value {
    json!({"text": {"type": "plain_text", "text": value}, "value": value})
}

fn blocks() -> Value {
    json!([{"type": "actions", "block_id": "b", "elements": [
        button("ack", "INC-1"),
        {"type": "overflow", "action_id": "more", "options": [option("assign"), option("rerun")]},
        {"type": "users_select", "action_id": "who"},
    ]}, {"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": "fb",
        "positive_button": {"text": {"type": "plain_text", "text": "Yes"}, "value": "yes"},
        "negative_button": {"text": {"type": "plain_text", "text": "No"}, "value": "no"}}]}])
}

#[tokio::test]
async fn a_click_carries_what_the_app_needs() {
    let world = world(config()).await;
    let root = world.say(json!({})).await;
    let ts = world.say(json!({"blocks": blocks(), "thread_ts": root})).await;
    let done = world.sandbox.click("alice", "alerts", &ts, "ack").await.unwrap();
    assert_eq!((done.attempts, done.status), (1, Some(200)));
    let got = world.app.at("/actions").remove(0);
    assert!(got.signed);
    let payload = got.payload();
    assert_eq!(payload["actions"][0]["value"], "INC-1");
    assert_eq!(payload["actions"][0]["block_id"], "b");
    assert_eq!(payload["user"]["id"], "U01ALICE");
    assert_eq!(payload["container"]["thread_ts"], root.as_str());
    let typed: SlackInteractionEvent = serde_json::from_value(payload).unwrap();
    assert!(matches!(typed, SlackInteractionEvent::BlockActions(_)));

    world.sandbox.choose("alice", "alerts", &ts, "more", "rerun").await.unwrap();
    world.sandbox.choose("alice", "alerts", &ts, "who", "U02BOB").await.unwrap();
    world.sandbox.choose("alice", "alerts", &ts, "fb", "no").await.unwrap();
    let actions: Vec<Value> = world.app.at("/actions").iter().map(|g| g.payload()["actions"][0].clone()).collect();
    assert_eq!(actions[1]["selected_option"]["value"], "rerun");
    assert_eq!(actions[2]["selected_user"], "U02BOB");
    assert_eq!(actions[3]["value"], "no");
    let missing = world.sandbox.choose("alice", "alerts", &ts, "more", "nothing").await;
    assert!(matches!(missing, Err(SandboxError::Missing(_))));
    let foreign = world.sandbox.post_as_bot("alerts", "X", json!({"blocks": blocks()})).await.unwrap();
    let refused = world.sandbox.click("alice", "alerts", &foreign, "ack").await;
    assert!(matches!(refused, Err(SandboxError::Refused(_))));
}

#[tokio::test]
async fn a_slow_app_costs_the_click_and_is_not_asked_again() {
    let world = world(config()).await;
    let ts = world.say(json!({"blocks": blocks()})).await;
    world.app.reply(Reply::Late(Duration::from_secs(2)));
    let done = world.sandbox.click("alice", "alerts", &ts, "ack").await.unwrap();
    assert_eq!((done.attempts, done.status), (1, None));
}

#[tokio::test]
async fn a_command_is_answered_in_private() {
    let world = world(config()).await;
    world.app.reply(Reply::Text("on it"));
    world.sandbox.command("alice", "alerts", "/sre", "status INC-1").await.unwrap();
    let got = world.app.at("/commands").remove(0);
    assert!(got.signed);
    assert_eq!((got.field("command"), got.field("text")), ("/sre".to_owned(), "status INC-1".to_owned()));
    assert_eq!(got.field("channel_name"), "alerts");
    assert_eq!(world.sandbox.ephemeral("alice")[0]["text"], "on it");
    assert!(world.sandbox.ephemeral("bob").is_empty());

    world.app.reply(Reply::Json(json!({"response_type": "in_channel", "text": "for all"})));
    world.sandbox.command("alice", "alerts", "/sre", "").await.unwrap();
    assert_eq!(world.sandbox.messages("alerts")[0]["text"], "for all");
    world.app.reply(Reply::Status(500));
    world.sandbox.command("alice", "alerts", "/sre", "").await.unwrap();
    world.app.reply(Reply::Json(json!({"blocks": [{"type": "nonsense"}]})));
    world.sandbox.command("alice", "alerts", "/sre", "").await.unwrap();
    let shown = world.sandbox.ephemeral("alice");
    assert_eq!(shown[1]["text"], "/sre failed with the error \"dispatch_failed\"");
    assert_eq!(shown[2]["text"], "/sre failed with the error \"invalid_blocks\"");
}

#[tokio::test]
async fn a_response_url_works_five_times() {
    let world = world(config()).await;
    let ts = world.say(json!({"blocks": blocks()})).await;
    world.sandbox.click("alice", "alerts", &ts, "ack").await.unwrap();
    let url = world.app.at("/actions")[0].payload()["response_url"].as_str().unwrap().to_owned();
    let send = async |body: Value| world.post(&url, "", "application/json", body.to_string()).await.unwrap();
    assert_eq!(send(json!({"text": "psst"})).await.body, json!({"ok": true}));
    assert_eq!(world.sandbox.ephemeral("alice")[0]["text"], "psst");
    assert_eq!(send(json!({"text": "new", "replace_original": true, "blocks": []})).await.status, 200);
    assert_eq!(world.sandbox.messages("alerts")[0]["text"], "new");
    assert_eq!(send(json!({"blocks": [{"type": "x"}]})).await.body["error"], "invalid_blocks");
    assert_eq!(send(json!({"text": "all", "response_type": "in_channel", "thread_ts": ts})).await.status, 200);
    assert_eq!(world.sandbox.thread("alerts", &ts).len(), 2);
    assert_eq!(send(json!({"delete_original": true})).await.status, 200);
    let answer = send(json!({"text": "again"})).await;
    assert_eq!((answer.status, answer.body["error"].as_str()), (404, Some("used_url")));
}

fn modal(callback: &str) -> Value {
    json!({
        "type": "modal", "callback_id": callback, "private_metadata": "INC-1", "notify_on_close": true,
        "title": {"type": "plain_text", "text": "Silence"}, "submit": {"type": "plain_text", "text": "Go"},
        "blocks": [
            {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"},
             "element": {"type": "plain_text_input", "action_id": "text"}},
            {"type": "input", "block_id": "long", "label": {"type": "plain_text", "text": "How long"},
             "element": {"type": "static_select", "action_id": "pick", "options": [option("1h"), option("4h")],
                         "initial_option": option("1h")}},
        ],
    })
}

/// Clicks, and opens a modal with the trigger that came with it; returns the view's id.
async fn open(world: &World) -> String {
    let ts = world.say(json!({"blocks": blocks()})).await;
    world.sandbox.click("alice", "alerts", &ts, "ack").await.unwrap();
    let trigger = world.app.at("/actions").last().unwrap().payload()["trigger_id"].clone();
    let answer = world.ok("views.open", json!({"trigger_id": trigger, "view": modal("silence")})).await;
    assert_eq!(world.error("views.open", json!({"trigger_id": trigger, "view": modal("silence")})).await, "exchanged_trigger_id");
    let typed: SlackApiViewsOpenResponse = serde_json::from_value(answer).unwrap();
    typed.view.state_params.id.to_string()
}

#[tokio::test]
async fn a_modal_goes_there_and_back() {
    let world = world(config()).await;
    let id = open(&world).await;
    assert_eq!(world.sandbox.open_views("alice").len(), 1);
    let empty = world.sandbox.submit_view("alice", &id, json!({})).await;
    assert!(matches!(empty, Err(SandboxError::Refused(_))), "a required field is empty");

    world.app.reply(Reply::Json(json!({"response_action": "errors", "errors": {"why": "say more"}})));
    world.sandbox.submit_view("alice", &id, json!({"why": "x"})).await.unwrap();
    assert_eq!(world.sandbox.view_errors(&id), json!({"why": "say more"}));
    let payload = world.app.at("/actions").last().unwrap().payload();
    assert_eq!(payload["view"]["private_metadata"], "INC-1");
    assert_eq!(payload["view"]["state"]["values"]["why"]["text"]["value"], "x");
    assert_eq!(payload["view"]["state"]["values"]["long"]["pick"]["selected_option"]["value"], "1h");
    let typed: SlackInteractionEvent = serde_json::from_value(payload).unwrap();
    assert!(matches!(typed, SlackInteractionEvent::ViewSubmission(_)));

    world.app.reply(Reply::Json(json!({"response_action": "update", "view": modal("second")})));
    world.sandbox.submit_view("alice", &id, json!({"why": "more", "long": {"pick": "4h"}})).await.unwrap();
    assert_eq!(world.sandbox.open_views("alice")[0]["callback_id"], "second");
    world.sandbox.submit_view("alice", &id, json!({})).await.unwrap();
    assert!(world.sandbox.open_views("alice").is_empty(), "an empty answer closes it");
    let last = world.app.at("/actions").last().unwrap().payload();
    assert_eq!(last["view"]["state"]["values"]["long"]["pick"]["selected_option"]["value"], "4h", "kept over the update");

    let id = open(&world).await;
    let wrong = json!({"view_id": id, "view": modal("x"), "hash": "old"});
    assert_eq!(world.error("views.update", wrong).await, "hash_conflict");
    world.ok("views.update", json!({"view_id": id, "view": modal("third")})).await;
    let closed = world.sandbox.close_view("alice", &id).await.unwrap().unwrap();
    assert_eq!(closed.status, Some(200));
    assert_eq!(world.app.at("/actions").last().unwrap().payload()["type"], "view_closed");
}

#[tokio::test]
async fn a_trigger_lasts_three_seconds_and_a_response_url_half_an_hour() {
    let now = Arc::new(AtomicI64::new(1_700_000_000));
    let reader = now.clone();
    let clock = Clock::new(move || Timestamp::from_second(reader.load(Ordering::SeqCst)).unwrap());
    let world = world_at(config(), clock).await;
    world.sandbox.command("alice", "alerts", "/sre", "").await.unwrap();
    let trigger = world.app.at("/commands")[0].field("trigger_id");
    now.fetch_add(4, Ordering::SeqCst);
    let late = json!({"trigger_id": trigger, "view": modal("x")});
    assert_eq!(world.error("views.open", late).await, "expired_trigger_id");
    let url = world.app.at("/commands")[0].field("response_url");
    let send = async || world.post(&url, "", "application/json", r#"{"text":"x"}"#.to_owned()).await.unwrap();
    assert_eq!(send().await.status, 200);
    now.fetch_add(30 * 60, Ordering::SeqCst);
    assert_eq!(send().await.body["error"], "expired_url");
}

#[tokio::test]
async fn the_home_tab_opens_and_shows_what_was_published() {
    let world = world(config()).await;
    world.sandbox.open_home("alice").await.unwrap();
    let opened = world.app.events("app_home_opened").remove(0);
    assert_eq!(opened["event"]["tab"], "home");
    let view = json!({"type": "home", "blocks": [{"type": "actions", "elements": [button("refresh", "1")]}]});
    world.ok("views.publish", json!({"user_id": "U01ALICE", "view": view})).await;
    assert_eq!(world.sandbox.home("alice").unwrap()["blocks"][0]["elements"][0]["action_id"], "refresh");
    let body = json!({"user": "alice", "view_id": world.sandbox.home("alice").unwrap()["id"], "action_id": "refresh"});
    let url = format!("{}/sandbox/api/action", world.base);
    let done = world.post(&url, "", "application/json", body.to_string()).await.unwrap();
    assert_eq!(done.body["status"], 200);
    assert_eq!(world.app.at("/actions")[0].payload()["container"]["type"], "view");
}
