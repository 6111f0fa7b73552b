//! The Web API: tokens, scopes, limits, errors, faults, and answers that a typed client can read.

use std::time::Duration;

use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::app::{config, world};
use crate::sandbox::{Config, Fault};

#[tokio::test]
async fn tokens_and_scopes_are_checked() {
    let scopes = vec!["chat:write".to_owned(), "channels:read".to_owned()];
    let world = world(Config { scopes, ..config() }).await;
    let error = async |token: &str, method: &str| world.call_as(token, method, json!({})).await.unwrap().body;
    assert_eq!(error("", "auth.test").await["error"], "not_authed");
    assert_eq!(error("xoxb-wrong", "auth.test").await["error"], "invalid_auth");
    assert_eq!(error("xapp-sandbox", "auth.test").await["error"], "not_allowed_token_type");
    assert_eq!(error("xoxb-sandbox", "apps.connections.open").await["error"], "not_allowed_token_type");
    assert_eq!(error("xoxb-sandbox", "auth.test").await["user_id"], "U00SREBOT");
    assert_eq!(error("xoxb-sandbox", "no.such").await["error"], "unknown_method");
    let refused = error("xoxb-sandbox", "reactions.add").await;
    assert_eq!(refused["error"], "missing_scope");
    assert_eq!(refused["needed"], "reactions:write");
    assert_eq!(refused["provided"], "chat:write,channels:read");
    let custom = json!({"channel": "alerts", "text": "x", "username": "somebody"});
    assert_eq!(world.error("chat.postMessage", custom).await, "missing_scope");
}

#[tokio::test]
async fn messages_are_posted_changed_and_deleted() {
    let world = world(config()).await;
    let root = world.say(json!({"text": "alert", "metadata": {"event_type": "k", "event_payload": {"id": "1"}}})).await;
    let reply = world.say(json!({"text": "reply", "thread_ts": root})).await;
    let changed = json!({"channel": "alerts", "ts": reply, "text": "better"});
    assert_eq!(world.ok("chat.update", changed).await["message"]["text"], "better");

    let thread = world.ok("conversations.replies", json!({"channel": "alerts", "ts": root})).await;
    assert_eq!(thread["messages"][0]["reply_count"], 1);
    assert_eq!(thread["messages"][1]["thread_ts"], root.as_str());
    assert_eq!(thread["messages"][1]["edited"]["user"], "U00SREBOT");
    assert_eq!(thread["messages"][0]["metadata"], Value::Null);
    let all = json!({"channel": "alerts", "ts": root, "include_all_metadata": true});
    let thread = world.ok("conversations.replies", all).await;
    assert_eq!(thread["messages"][0]["metadata"]["event_payload"]["id"], "1");
    let history = world.ok("conversations.history", json!({"channel": "C01ALERTS"})).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 1);

    let link = world.ok("chat.getPermalink", json!({"channel": "alerts", "message_ts": reply})).await;
    assert!(link["permalink"].as_str().unwrap().contains(&format!("thread_ts={root}")));
    world.ok("chat.delete", json!({"channel": "alerts", "ts": reply})).await;
    assert_eq!(world.sandbox.thread("alerts", &root).len(), 1);
}

#[tokio::test]
async fn refusals_are_slacks_own() {
    let world = world(config()).await;
    let foreign = world.sandbox.post_as_bot("alerts", "Alertmanager", json!({"text": "x"})).await.unwrap();
    let ours = world.say(json!({})).await;
    let reply = world.say(json!({"thread_ts": ours})).await;
    world.sandbox.create_channel("away", false);
    let gone = world.sandbox.create_channel("gone", true);
    world.sandbox.archive(&gone).unwrap();
    let long = "x".repeat(40_001);
    let cases = [
        ("chat.postMessage", json!({"text": "x"}), "invalid_arguments"),
        ("chat.postMessage", json!({"channel": "nowhere", "text": "x"}), "channel_not_found"),
        ("chat.postMessage", json!({"channel": "alerts"}), "no_text"),
        ("chat.postMessage", json!({"channel": "alerts", "text": long}), "msg_too_long"),
        ("chat.postMessage", json!({"channel": "gone", "text": "x"}), "is_archived"),
        ("chat.postMessage", json!({"channel": "alerts", "text": "x", "thread_ts": "1.000001"}), "thread_not_found"),
        ("chat.postMessage", json!({"channel": "alerts", "text": "x", "thread_ts": reply}), "cannot_reply_to_message"),
        ("chat.postMessage", json!({"channel": "alerts", "blocks": "[{"}), "invalid_blocks_format"),
        ("chat.update", json!({"channel": "alerts", "ts": "1.000001", "text": "x"}), "message_not_found"),
        ("chat.update", json!({"channel": "alerts", "ts": foreign, "text": "x"}), "cant_update_message"),
        ("chat.update", json!({"channel": "alerts", "ts": ours, "text": "x".repeat(4001)}), "msg_too_long"),
        ("chat.delete", json!({"channel": "alerts", "ts": foreign}), "cant_delete_message"),
        ("chat.postEphemeral", json!({"channel": "alerts", "user": "U9", "text": "x"}), "user_not_in_channel"),
        ("conversations.replies", json!({"channel": "alerts", "ts": "1.000001"}), "thread_not_found"),
        ("conversations.history", json!({"channel": "away"}), "not_in_channel"),
        ("conversations.history", json!({"channel": "alerts", "cursor": "what"}), "invalid_cursor"),
        ("users.info", json!({"user": "U404"}), "user_not_found"),
        ("reactions.add", json!({"channel": "alerts", "timestamp": ours, "name": ":eyes:"}), "invalid_name"),
        ("reactions.add", json!({"channel": "alerts", "timestamp": "1.1", "name": "eyes"}), "message_not_found"),
        ("reactions.remove", json!({"channel": "alerts", "timestamp": ours, "name": "eyes"}), "no_reaction"),
        ("views.open", json!({"trigger_id": "1.2", "view": {}}), "invalid_trigger_id"),
        ("files.completeUploadExternal", json!({"files": [{"id": "F1"}]}), "file_not_found"),
    ];
    for (method, args, error) in cases {
        assert_eq!(world.error(method, args.clone()).await, error, "{method} {args}");
    }
    let eyes = json!({"channel": "alerts", "timestamp": foreign, "name": "eyes"});
    world.ok("reactions.add", eyes.clone()).await;
    assert_eq!(world.error("reactions.add", eyes).await, "already_reacted");
    world.ok("conversations.join", json!({"channel": "away"})).await;
    world.ok("conversations.history", json!({"channel": "away"})).await;
}

#[tokio::test]
async fn reading_methods_ignore_json_bodies_as_slack_does() {
    let world = world(config()).await;
    let url = format!("{}/api/conversations.info", world.base);
    let body = json!({"channel": "alerts"}).to_string();
    let answer = world.post(&url, "xoxb-sandbox", "application/json", body).await.unwrap();
    assert_eq!(answer.body["error"], "invalid_arguments");
    assert_eq!(answer.body["response_metadata"]["messages"][0], "[ERROR] missing required field: channel");
}

#[tokio::test]
async fn forms_carry_blocks_as_text_and_the_token_as_a_field() {
    let world = world(config()).await;
    let url = format!("{}/api/chat.postMessage", world.base);
    let blocks = r#"[{"type":"divider"}]"#;
    let fields = [("token", "xoxb-sandbox"), ("channel", "#alerts"), ("text", "t"), ("blocks", blocks)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let answer = world.post(&url, "", "application/x-www-form-urlencoded", body).await.unwrap();
    assert_eq!(answer.body["message"]["blocks"][0]["type"], "divider");
    assert!(answer.body["message"]["blocks"][0]["block_id"].is_string());
    assert_eq!(world.sandbox.calls()[0].body["token"], Value::Null);
}

#[tokio::test]
async fn posting_is_limited_per_channel() {
    let world = world(Config { rate_limits: true, ..config() }).await;
    for _ in 0..4 {
        world.say(json!({})).await;
    }
    let answer = world.call("chat.postMessage", json!({"channel": "alerts", "text": "x"})).await;
    assert_eq!((answer.status, answer.retry_after.as_deref()), (429, Some("1")));
    assert_eq!(answer.body, json!({"ok": false, "error": "ratelimited"}));
    // Another channel and another method are not affected.
    world.say(json!({"channel": "general"})).await;
    world.ok("auth.test", json!({})).await;
}

#[tokio::test]
async fn faults_come_as_ordered_and_no_more() {
    let world = world(config()).await;
    let post = json!({"channel": "alerts", "text": "x"});
    let count = || world.sandbox.messages("alerts").len();
    world.sandbox.inject("chat.postMessage", Fault::RateLimited { retry_after: Duration::from_millis(1500) }, 1);
    let answer = world.call("chat.postMessage", post.clone()).await;
    assert_eq!((answer.status, answer.retry_after.as_deref()), (429, Some("2")));
    world.sandbox.inject("*", Fault::ServerError(503), 2);
    assert_eq!(world.call("auth.test", json!({})).await.status, 503);
    assert_eq!(world.call("chat.postMessage", post.clone()).await.status, 503);
    world.sandbox.inject("chat.postMessage", Fault::Drop, 1);
    assert!(world.call_as("xoxb-sandbox", "chat.postMessage", post.clone()).await.is_none());
    assert_eq!(count(), 0);
    world.sandbox.inject("chat.postMessage", Fault::Ambiguous, 1);
    assert!(world.call_as("xoxb-sandbox", "chat.postMessage", post.clone()).await.is_none());
    assert_eq!(count(), 1);
    world.sandbox.inject("chat.postMessage", Fault::Hang(Duration::from_millis(20)), 1);
    world.ok("chat.postMessage", post).await;
    assert_eq!(count(), 2);
    world.sandbox.inject("auth.test", Fault::Hang(Duration::from_secs(60)), 1);
    let asked = tokio::time::timeout(Duration::from_millis(50), world.call("auth.test", json!({}))).await;
    assert!(asked.is_err());
    world.until(|| world.sandbox.calls().len() == 7).await;
    let statuses: Vec<u16> = world.sandbox.calls().iter().map(|c| c.status).collect();
    assert_eq!(statuses, [429, 503, 503, 0, 0, 200, 0]);
}

#[tokio::test]
async fn files_go_the_three_steps() {
    let world = world(config()).await;
    let root = world.say(json!({})).await;
    let place = world.ok("files.getUploadURLExternal", json!({"filename": "rca.md", "length": 5})).await;
    let id = place["file_id"].as_str().unwrap();
    let files = json!({"files": [{"id": id, "title": "RCA"}], "channel_id": "C01ALERTS", "thread_ts": root});
    assert_eq!(world.error("files.completeUploadExternal", files.clone()).await, "file_not_found");
    let url = place["upload_url"].as_str().unwrap();
    assert_eq!(world.post(url, "", "text/plain", "four".to_owned()).await.unwrap().status, 400);
    assert_eq!(world.post(url, "", "text/plain", "five5".to_owned()).await.unwrap().status, 200);
    world.ok("files.completeUploadExternal", files).await;
    assert_eq!(world.sandbox.thread("alerts", &root)[1]["files"][0]["title"], "RCA");
}

fn parse<T: serde::de::DeserializeOwned>(answer: Value) -> T {
    serde_json::from_value(answer.clone()).unwrap_or_else(|e| panic!("{e}: {answer}"))
}

#[tokio::test]
async fn a_typed_client_can_read_every_answer() {
    let world = world(config()).await;
    let ts = world.say(json!({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]})).await;
    let on = json!({"channel": "alerts", "ts": ts});
    let ok = async |method: &str, args: Value| world.ok(method, args).await;
    parse::<SlackApiAuthTestResponse>(ok("auth.test", json!({})).await);
    let posted = json!({"channel": "alerts", "text": "y", "thread_ts": ts});
    parse::<SlackApiChatPostMessageResponse>(ok("chat.postMessage", posted).await);
    let changed = json!({"channel": "alerts", "ts": ts, "text": "z"});
    parse::<SlackApiChatUpdateResponse>(ok("chat.update", changed).await);
    let seen = json!({"channel": "alerts", "user": "U01ALICE", "text": "psst"});
    parse::<SlackApiChatPostEphemeralResponse>(ok("chat.postEphemeral", seen).await);
    let link = json!({"channel": "alerts", "message_ts": ts});
    parse::<SlackApiChatGetPermalinkResponse>(ok("chat.getPermalink", link).await);
    let eyes = json!({"channel": "alerts", "timestamp": ts, "name": "eyes"});
    parse::<SlackApiReactionsAddResponse>(ok("reactions.add", eyes).await);
    let every = json!({"types": "public_channel,im"});
    parse::<SlackApiConversationsListResponse>(ok("conversations.list", every).await);
    parse::<SlackApiConversationsInfoResponse>(ok("conversations.info", on.clone()).await);
    parse::<SlackApiConversationsHistoryResponse>(ok("conversations.history", on.clone()).await);
    parse::<SlackApiConversationsRepliesResponse>(ok("conversations.replies", on.clone()).await);
    parse::<SlackApiConversationsJoinResponse>(ok("conversations.join", on).await);
    parse::<SlackApiUsersInfoResponse>(ok("users.info", json!({"user": "U01ALICE"})).await);
    parse::<SlackApiUsersListResponse>(ok("users.list", json!({})).await);
    let groups = ok("usergroups.list", json!({"include_users": true})).await;
    parse::<SlackApiUserGroupsListResponse>(groups);
    let home = json!({"user_id": "U01ALICE", "view": {"type": "home", "blocks": [{"type": "divider"}]}});
    parse::<SlackApiViewsPublishResponse>(ok("views.publish", home).await);
    let socket = world.call_as("xapp-sandbox", "apps.connections.open", json!({})).await.unwrap().body;
    parse::<SlackApiAppsConnectionOpenResponse>(socket);
    world.ok("chat.delete", json!({"channel": "alerts", "ts": ts})).await;
}
