//! What the doors let in, and what they say to the rest.

use serde_json::{Value, json};
use sre_agent::sandbox::DeliveryOptions;

use crate::world::{World, is_ours, sentence, shown};

async fn post(world: &World, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let answer = reqwest::Client::new().post(format!("{}{path}", world.service_url)).body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

fn event(world: &World, ts: &str) -> Value {
    let mut message = sentence("firing");
    message["type"] = "message".into();
    message["subtype"] = "bot_message".into();
    message["bot_id"] = "B0ELSE".into();
    message["channel"] = world.channel.clone().into();
    message["ts"] = ts.into();
    message
}

#[tokio::test]
async fn an_alert_by_api_gets_a_card_in_the_channel_and_its_report_below() {
    let world = World::usual().await;
    let alert = json!({"name": "KubePodCrashLooping", "severity": "critical", "service": "checkout", "namespace": "shop", "labels": {"pod": "checkout-7f5b9c4d68-4xk9p"}});
    let (status, answer) = post(&world, "/api/v1/alerts", alert.to_string()).await;
    assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    assert_eq!(answer["analysis_id"].as_str().unwrap().len(), 26);
    let channel = world.channel.clone();
    let card = world.until("the card", |slack| slack.messages(&channel).into_iter().find(is_ours)).await;
    let ts = card["ts"].as_str().unwrap().to_owned();
    let report = world.until("the report below", |slack| slack.thread(&channel, &ts).into_iter().nth(1)).await;
    assert!(shown(&report).contains("OOMKilled"));
    assert!(shown(&world.card_shows(&ts, "Reported").await).contains("P0"));
}

#[tokio::test]
async fn several_alerts_in_one_body_are_several_incidents() {
    let world = World::usual().await;
    let body = json!([{"name": "A", "severity": "high"}, {"name": "B", "severity": "low"}]);
    assert_eq!(post(&world, "/api/v1/alerts", body.to_string()).await.0, 200);
    let channel = world.channel.clone();
    world.until("two cards", |slack| (slack.messages(&channel).iter().filter(|message| is_ours(message)).count() == 2).then_some(())).await;
}

#[tokio::test]
async fn an_invalid_alert_is_refused_with_its_field() {
    let world = World::usual().await;
    let cases = [
        (json!({"severity": "critical"}).to_string(), 422, "name"),
        (json!({"name": "x", "severity": "catastrophic"}).to_string(), 422, "severity"),
        (json!([{"name": "x"}, {"severity": "low"}]).to_string(), 422, "[1].name"),
        ("[]".to_owned(), 422, "$"),
    ];
    for (body, status, field) in cases {
        let (got, answer) = post(&world, "/api/v1/alerts", body.clone()).await;
        assert_eq!((got, answer["field"].as_str()), (status, Some(field)), "{body} → {answer}");
    }
    let (status, answer) = post(&world, "/api/v1/alerts", "{\"name\": \n nonsense}").await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("line 2"), "{answer}");
    let (status, _) = post(&world, "/api/v1/alerts", vec![b' '; 1024 * 1024 + 1]).await;
    assert_eq!(status, 413);
    assert!(!world.metrics().await.contains("records_received_total{"), "nothing of it was recorded");
}

#[tokio::test]
async fn a_request_that_slack_did_not_sign_changes_nothing() {
    let world = World::usual().await;
    let forged = DeliveryOptions { corrupt_signature: true, ..DeliveryOptions::default() };
    let stale = DeliveryOptions { age: std::time::Duration::from_secs(301), ..DeliveryOptions::default() };
    for options in [forged, stale] {
        let delivery = world.slack.send_event(event(&world, "1700000000.000100"), options).await;
        assert_eq!(delivery.status, Some(401), "{delivery:?}");
    }
    for path in ["/slack/events", "/slack/interactions"] {
        assert_eq!(post(&world, path, "{}").await.0, 401);
    }
    let metrics = world.metrics().await;
    assert!(!metrics.contains("records_received_total{"), "{metrics}");
    assert!(metrics.contains("requests_refused_total{kind=\"unauthorized\"}"), "{metrics}");
}

#[tokio::test]
async fn a_delivery_that_comes_twice_has_one_effect() {
    let world = World::usual().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    let twice = DeliveryOptions { duplicate: true, ..DeliveryOptions::default() };
    let again = world.post(json!({"text": "not an alert, only a place for a thread"})).await;
    world.slack.send_event(event(&world, &again), twice).await;
    world.card_shows(&ts, "2 alerts").await;
    assert!(world.metrics().await.contains("duplicate_deliveries_total 1"));
}

#[tokio::test]
async fn unknown_events_are_counted_and_acknowledged() {
    let world = World::usual().await;
    for event in [json!({"type": "a_type_of_2031", "x": [1]}), json!({"type": "team_join"}), json!({})] {
        let delivery = world.slack.send_event(event, DeliveryOptions::default()).await;
        assert_eq!((delivery.status, delivery.attempts), (Some(200), 1));
    }
    assert!(world.metrics().await.contains("unknown_events_total 3"));
}

#[tokio::test]
async fn health_and_readiness_answer() {
    let world = World::usual().await;
    for path in ["healthz", "readyz"] {
        assert_eq!(reqwest::get(format!("{}/{path}", world.service_url)).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn an_escalation_in_one_body_goes_on_in_the_same_thread() {
    let world = World::usual().await;
    let alert = |status: &str| json!({"name": "HighLatency", "service": "orders", "severity": "high", "status": status});
    post(&world, "/api/v1/alerts", alert("firing").to_string()).await;
    let channel = world.channel.clone();
    let first = world.until("the card", |slack| slack.messages(&channel).into_iter().find(is_ours)).await;
    world.card_shows(first["ts"].as_str().unwrap(), "Reported").await;
    let both = json!([alert("firing"), alert("resolved")]);
    assert_eq!(post(&world, "/api/v1/alerts", both.to_string()).await.0, 200);
    let card = world.card_shows(first["ts"].as_str().unwrap(), "2 alerts").await;
    assert!(shown(&card).contains("Reported"), "{}", shown(&card));
    assert_eq!(world.slack.messages(&channel).iter().filter(|message| is_ours(message)).count(), 1);
}

#[tokio::test]
async fn a_heartbeat_is_not_investigated() {
    let world = World::usual().await;
    post(&world, "/api/v1/alerts", json!({"name": "Watchdog", "severity": "low"}).to_string()).await;
    post(&world, "/api/v1/alerts", json!({"name": "HighLatency", "severity": "low"}).to_string()).await;
    let channel = world.channel.clone();
    let card = world.until("a card", |slack| slack.messages(&channel).into_iter().find(is_ours)).await;
    assert!(shown(&card).contains("INC-1") && shown(&card).contains("HighLatency"), "{}", shown(&card));
}

#[tokio::test]
async fn many_alerts_of_one_fingerprint_at_once_are_all_counted() {
    let world = World::usual().await;
    let posts = (0..24).map(|number| {
        let alert = json!({"name": "HighLatency", "service": "orders", "severity": "high", "description": format!("number {number}")});
        post(&world, "/api/v1/alerts", alert.to_string())
    });
    for (status, answer) in futures_util::future::join_all(posts).await {
        assert_eq!(status, 200, "{answer}");
    }
    let channel = world.channel.clone();
    let card = world.until("the card", |slack| slack.messages(&channel).into_iter().find(is_ours)).await;
    world.card_shows(card["ts"].as_str().unwrap(), "24 alerts").await;
    assert_eq!(world.slack.messages(&channel).iter().filter(|message| is_ours(message)).count(), 1);
}

/// A delivery signed by hand, as Slack's documentation says.
pub async fn signed(world: &World, path: &str, body: Vec<u8>) -> (u16, Value) {
    use hmac::{Hmac, KeyInit, Mac};
    let timestamp = sre_agent::app::system_clock().now().as_second().to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(sre_agent::sandbox::Config::default().signing_secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(&body);
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let request = reqwest::Client::new().post(format!("{}{path}", world.service_url));
    let answer =
        request.header("x-slack-request-timestamp", timestamp).header("x-slack-signature", signature).body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

#[tokio::test]
async fn broken_bodies_are_refused_with_the_place_even_when_they_are_signed() {
    let world = World::usual().await;
    let (status, answer) = signed(&world, "/slack/events", b"{\"type\": \"event_callback\",\n \"event\": }".to_vec()).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("line 2 column"), "{answer}");
    let deep = format!("{{\"event\": {}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(signed(&world, "/slack/events", deep.into_bytes()).await.0, 400, "nested too deeply");
    assert_eq!(signed(&world, "/slack/events", vec![b'['; 1024 * 1024 + 1]).await.0, 413);
    assert_eq!(signed(&world, "/slack/interactions", b"nothing=here".to_vec()).await.0, 400);
    assert_eq!(signed(&world, "/slack/interactions", b"payload=%7Bbroken".to_vec()).await.0, 400);
    let challenge = json!({"type": "url_verification", "challenge": "3eZbrw1aB"}).to_string();
    assert_eq!(signed(&world, "/slack/events", challenge.into_bytes()).await, (200, json!({"challenge": "3eZbrw1aB"})));
    assert!(!world.metrics().await.contains("records_received_total{"), "nothing of it was recorded");
}
