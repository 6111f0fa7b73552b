//! Streaming, sessions and older workspaces: Slack's rules for what is new.

use serde_json::json;

use super::app::{config, world};
use crate::sandbox::Config;

fn step(status: &str) -> serde_json::Value {
    json!({"type": "task_update", "id": "a", "title": "looking", "status": status})
}

#[tokio::test]
async fn a_stream_fills_in_and_ends() {
    let world = world(config()).await;
    let root = world.say(json!({"text": "question"})).await;
    let to = json!({"channel": "alerts", "thread_ts": root, "recipient_user_id": "U01ALICE", "recipient_team_id": "T01SANDBOX",
        "task_display_mode": "plan", "chunks": [{"type": "plan_update", "title": "Looking"}, step("in_progress")]});
    let ts = world.ok("chat.startStream", to).await["ts"].as_str().unwrap().to_owned();
    let at = |more: serde_json::Value| {
        let mut body = json!({"channel": "alerts", "ts": ts});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(world.error("chat.update", at(json!({"text": "no"}))).await, "streaming_state_conflict");
    assert_eq!(world.error("chat.appendStream", at(json!({}))).await, "no_text");
    assert_eq!(world.error("chat.appendStream", at(json!({"chunks": [step("completed")]}))).await, "invalid_chunks");
    let long = json!({"type": "task_update", "id": "a", "title": "x".repeat(257), "status": "pending"});
    assert_eq!(world.error("chat.appendStream", at(json!({"chunks": [long]}))).await, "invalid_chunks");
    world.ok("chat.appendStream", at(json!({"chunks": [step("complete")]}))).await;
    assert_eq!(world.error("chat.stopStream", at(json!({"blocks": [{"type": "nonsense"}]}))).await, "invalid_blocks");
    let done = json!({"blocks": [{"type": "divider"}], "metadata": {"event_type": "k", "event_payload": {}}});
    let shown = world.ok("chat.stopStream", at(done)).await["message"].clone();
    assert_eq!(shown["blocks"][0]["tasks"][0]["status"], "complete");
    assert_eq!(shown["blocks"][0]["tasks"].as_array().unwrap().len(), 1, "the same step, not another one");
    assert_eq!(shown["blocks"][1]["type"], "divider");
    for method in ["chat.appendStream", "chat.stopStream"] {
        assert_eq!(world.error(method, at(json!({"chunks": [step("error")]}))).await, "message_not_in_streaming_state");
    }
    world.ok("chat.update", at(json!({"text": "a message like any other"}))).await;
}

#[tokio::test]
async fn a_stream_in_a_channel_is_for_somebody() {
    let world = world(config()).await;
    let root = world.say(json!({"text": "question"})).await;
    let start = async |more: serde_json::Value| {
        let mut body = json!({"channel": "alerts", "thread_ts": root});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.error("chat.startStream", body).await
    };
    assert_eq!(start(json!({})).await, "missing_recipient_user_id");
    assert_eq!(start(json!({"recipient_user_id": "U01ALICE"})).await, "missing_recipient_team_id");
    assert_eq!(start(json!({"recipient_user_id": "U00NOBODY", "recipient_team_id": "T01SANDBOX"})).await, "user_not_found");
    let mode = json!({"recipient_user_id": "U01ALICE", "recipient_team_id": "T01SANDBOX", "task_display_mode": "wild"});
    assert_eq!(start(mode).await, "invalid_arguments");
}

#[tokio::test]
async fn a_session_has_one_of_four_states_and_belongs_to_an_agent() {
    let world = world(config()).await;
    let root = world.say(json!({"text": "question"})).await;
    let set = |status: &str| json!({"channel_id": "alerts", "thread_ts": root, "status": status});
    assert_eq!(world.ok("agents.sessions.setStatus", set("processing")).await["status"], "processing");
    assert_eq!(world.error("agents.sessions.setStatus", set("busy")).await, "invalid_arguments");
    let elsewhere = json!({"channel_id": "alerts", "thread_ts": "1.000001", "status": "active"});
    assert_eq!(world.error("agents.sessions.setStatus", elsewhere).await, "thread_not_found");
    let plain = super::app::world(Config { agent: false, ..config() }).await;
    let root = plain.say(json!({"text": "question"})).await;
    let set = json!({"channel_id": "alerts", "thread_ts": root, "status": "active"});
    assert_eq!(plain.error("agents.sessions.setStatus", set).await, "not_allowed");
}

#[tokio::test]
async fn an_older_workspace_knows_nothing_of_this() {
    let world = world(Config { older: true, ..config() }).await;
    for method in ["chat.startStream", "chat.appendStream", "chat.stopStream", "agents.sessions.setStatus"] {
        assert_eq!(world.error(method, json!({})).await, "unknown_method");
    }
    let table = json!({"channel": "alerts", "text": "t", "blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}]});
    assert_eq!(world.error("chat.postMessage", table).await, "invalid_blocks");
    world.ok("chat.postMessage", json!({"channel": "alerts", "text": "t", "blocks": [{"type": "divider"}]})).await;
}
