//! Events over HTTP: shape, signature, retries, duplicates.

use std::time::Duration;

use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::app::{Reply, config, world};
use crate::sandbox::{Config, DeliveryOptions};

#[tokio::test]
async fn another_bots_alert_arrives_as_slack_would_bring_it() {
    let world = world(config()).await;
    let alert = json!({"attachments": [{"color": "danger", "title": "[FIRING:1] X", "fallback": "[FIRING:1] X | http://am/#/alerts"}]});
    let ts = world.sandbox.post_as_bot("alerts", "Alertmanager", alert).await.unwrap();
    world.until(|| !world.app.events("message").is_empty()).await;
    let got = world.app.at("/events").remove(0);
    assert!(got.signed);
    assert_eq!(got.header("content-type"), "application/json");
    let outer = got.json();
    assert_eq!(outer["type"], "event_callback");
    assert_eq!(outer["authorizations"][0]["user_id"], "U00SREBOT");
    assert_eq!(outer["event"]["ts"], ts.as_str());
    let mut event = outer["event"].clone();
    event["ts"] = "TS".into();
    event["event_ts"] = "TS".into();
    insta::assert_json_snapshot!(event);
    let typed: SlackPushEventCallback = serde_json::from_value(outer).unwrap();
    assert!(matches!(typed.event, SlackEventCallbackBody::Message(_)));
}

#[tokio::test]
async fn a_real_apps_message_has_a_user_and_no_subtype() {
    let world = world(Config { bot_subtype: false, ..config() }).await;
    world.sandbox.post_as_bot("alerts", "Sentry", json!({"text": "x"})).await.unwrap();
    world.until(|| !world.app.events("message").is_empty()).await;
    let event = world.app.events("message").remove(0)["event"].clone();
    assert_eq!((&event["subtype"], &event["user"]), (&Value::Null, &json!("U0SENTRY")));
    assert_eq!(event["bot_profile"]["name"], "Sentry");
}

#[tokio::test]
async fn a_mention_comes_twice_and_edits_come_as_changes() {
    let world = world(config()).await;
    let ts = world.sandbox.post_as_user("alerts", "alice", "<@U00SREBOT> why?", None).await.unwrap();
    world.sandbox.post_as_user("alerts", "bob", "hm", Some(&ts)).await.unwrap();
    let alert = world.sandbox.post_as_bot("alerts", "Alertmanager", json!({"text": "firing"})).await.unwrap();
    world.sandbox.update_as_bot("alerts", &alert, json!({"text": "resolved"})).await.unwrap();
    world.until(|| world.app.at("/events").len() == 5).await;
    assert_eq!(world.app.events("app_mention")[0]["event"]["user"], "U01ALICE");
    let messages = world.app.events("message");
    let reply = messages.iter().find(|e| e["event"]["text"] == "hm").unwrap();
    assert_eq!(reply["event"]["parent_user_id"], "U01ALICE");
    let changed = messages.iter().find(|e| e["event"]["subtype"] == "message_changed").unwrap();
    assert_eq!(changed["event"]["message"]["text"], "resolved");
    assert_eq!(changed["event"]["previous_message"]["text"], "firing");
    for event in world.app.at("/events") {
        let typed: SlackPushEventCallback = serde_json::from_value(event.json()).unwrap();
        assert!(!matches!(typed.event, SlackEventCallbackBody::Unknown(_)), "{}", event.body);
    }
}

#[tokio::test]
async fn three_retries_say_why() {
    let world = world(config()).await;
    world.app.reply(Reply::Status(500));
    world.app.reply(Reply::Late(Duration::from_secs(2)));
    world.app.reply(Reply::Status(404));
    let done = world.sandbox.send_event(json!({"type": "x"}), DeliveryOptions::default()).await;
    assert_eq!((done.attempts, done.status), (4, Some(200)));
    let tries: Vec<_> =
        world.app.got().iter().map(|g| (g.header("x-slack-retry-num").to_owned(), g.header("x-slack-retry-reason").to_owned())).collect();
    let tries: Vec<_> = tries.iter().map(|(n, r)| (n.as_str(), r.as_str())).collect();
    assert_eq!(tries, [("", ""), ("1", "http_error"), ("2", "http_timeout"), ("3", "http_error")]);
    let ids: Vec<_> = world.app.got().iter().map(|g| g.json()["event_id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));

    for _ in 0..4 {
        world.app.reply(Reply::Status(500));
    }
    let done = world.sandbox.send_event(json!({"type": "x"}), DeliveryOptions::default()).await;
    assert_eq!((done.attempts, done.status), (4, Some(500)));
    world.app.reply(Reply::NoRetry);
    let done = world.sandbox.send_event(json!({"type": "x"}), DeliveryOptions::default()).await;
    assert_eq!(done.attempts, 1);
}

#[tokio::test]
async fn events_can_be_sent_badly_on_purpose() {
    let world = world(config()).await;
    let twice = DeliveryOptions { duplicate: true, ..DeliveryOptions::default() };
    assert_eq!(world.sandbox.send_event(json!({"type": "x"}), twice).await.attempts, 2);
    let got = world.app.got();
    assert_eq!(got[0].json()["event_id"], got[1].json()["event_id"]);
    let forged = DeliveryOptions { corrupt_signature: true, ..DeliveryOptions::default() };
    world.sandbox.send_event(json!({"type": "x"}), forged).await;
    assert!(!world.app.got()[2].signed);
    let old = DeliveryOptions { age: Duration::from_secs(301), ..DeliveryOptions::default() };
    world.sandbox.send_event(json!({"type": "x"}), old).await;
    let got = world.app.got();
    let stamp = |i: usize| got[i].header("x-slack-request-timestamp").parse::<i64>().unwrap();
    assert!(got[3].signed && stamp(3) <= stamp(0) - 300);
    let late = DeliveryOptions { delay: Some(Duration::from_millis(50)), ..DeliveryOptions::default() };
    tokio::join!(
        world.sandbox.send_event(json!({"type": "first"}), late),
        world.sandbox.send_event(json!({"type": "second"}), DeliveryOptions::default()),
    );
    assert_eq!(world.app.got().last().unwrap().json()["event"]["type"], "first");
}

#[tokio::test]
async fn the_app_hears_its_own_posts_unless_told_otherwise() {
    let world = super::app::world(Config { echo: true, ..config() }).await;
    let ts = world.say(json!({})).await;
    world.until(|| !world.app.events("message").is_empty()).await;
    assert_eq!(world.app.events("message")[0]["event"]["bot_id"], "B00SREBOT");
    world.ok("chat.update", json!({"channel": "alerts", "ts": ts, "text": "x"})).await;
    world.until(|| world.app.events("message").len() == 2).await;

    let quiet = super::app::world(config()).await;
    let ts = quiet.say(json!({})).await;
    quiet.ok("chat.update", json!({"channel": "alerts", "ts": ts, "text": "x"})).await;
    let done = quiet.sandbox.react("bob", "alerts", &ts, "eyes").await.unwrap();
    assert_eq!(done.status, Some(200));
    assert_eq!(quiet.app.got().len(), 1);
    assert_eq!(quiet.app.events("reaction_added")[0]["event"]["item"]["ts"], ts.as_str());
}

#[test]
fn the_signature_is_slacks() {
    // Slack's own test vector covers a real request; the scheme alone is checked against its published parts.
    let sign = crate::sandbox::delivery::sign;
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = sign("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body);
    assert_eq!(signature, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
}
