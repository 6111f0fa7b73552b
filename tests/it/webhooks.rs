//! The alert senders' own webhooks: who is let in, what becomes of what they send.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use crate::world::{World, is_ours, shown};

const TOKEN: &str = "a-token-of-the-test";
const SECRET: &str = "a-secret-of-the-test";

/// A world in which every sender has a token or a secret.
async fn open_doors() -> World {
    let mut world = World::usual().await;
    world.abandon_service().await;
    let mut text = std::fs::read_to_string(world.settings_file()).unwrap();
    text.push_str("webhooks:\n");
    for sender in ["alertmanager", "datadog", "opsgenie", "newrelic", "cloudwatch", "zabbix"] {
        text.push_str(&format!("  {sender}: {{token: {TOKEN}}}\n"));
    }
    for sender in ["grafana", "pagerduty", "sentry"] {
        text.push_str(&format!("  {sender}: {{secret: {SECRET}}}\n"));
    }
    text.push_str(&format!("  generic: {{token: {TOKEN}, secret: {SECRET}, map: {{name: /check/name, status: /state, severity: /level, service: /tags/service}}}}\n"));
    std::fs::write(world.settings_file(), text).unwrap();
    world.start_service().await;
    world
}

fn hmac(text: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text);
    hex::encode(mac.finalize().into_bytes())
}

/// The headers with which each sender proves itself.
fn proof(sender: &str, body: &str) -> Vec<(&'static str, String)> {
    let token = ("authorization", format!("Bearer {TOKEN}"));
    let signature = hmac(body.as_bytes());
    match sender {
        "grafana" => vec![("x-grafana-alerting-signature", signature)],
        "pagerduty" => vec![("x-pagerduty-signature", format!("v1={},v1={signature}", "0".repeat(64)))],
        "sentry" => vec![("sentry-hook-signature", signature)],
        "generic" => vec![token, ("x-signature-256", format!("sha256={signature}"))],
        _ => vec![token],
    }
}

async fn send(world: &World, sender: &str, headers: &[(&str, String)], body: &str) -> (u16, Value) {
    let mut request = reqwest::Client::new().post(format!("{}/api/v1/webhooks/{sender}", world.service_url)).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

async fn deliver(world: &World, sender: &str, body: &Value) -> Value {
    let body = body.to_string();
    let (status, answer) = send(world, sender, &proof(sender, &body), &body).await;
    assert_eq!((status, answer["status"].as_str()), (200, Some("received")), "{sender}: {answer}");
    answer
}

/// What each sender sends when something begins (`true`) and ends, as its documentation shows it.
fn body(sender: &str, firing: bool) -> Value {
    let word = |on: &'static str, off: &'static str| if firing { on } else { off };
    match sender {
        "alertmanager" => {
            json!({"version": "4", "receiver": "sre", "status": word("firing", "resolved"), "groupLabels": {"alertname": "QueueStuck"},
            "commonLabels": {"alertname": "QueueStuck"}, "commonAnnotations": {}, "externalURL": "http://am.example:9093",
            "alerts": [{"status": word("firing", "resolved"), "labels": {"alertname": "QueueStuck", "severity": "critical", "service": "mailer"},
                "annotations": {"summary": "The queue is stuck"}, "startsAt": "2026-01-15T14:00:00Z", "endsAt": word("0001-01-01T00:00:00Z", "2026-01-15T14:09:00Z")}]})
        }
        "grafana" => {
            json!({"receiver": "sre", "status": word("firing", "resolved"), "orgId": 1, "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
            "alerts": [{"status": word("firing", "resolved"), "labels": {"alertname": "High latency", "service": "orders"}, "annotations": {},
                "startsAt": "2026-01-15T14:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "valueString": "[ value=3 ]"}]})
        }
        "pagerduty" => {
            json!({"event": {"id": word("01FIRING", "01RESOLVED"), "event_type": word("incident.triggered", "incident.resolved"),
            "resource_type": "incident", "occurred_at": "2026-01-15T14:00:00Z", "data": {"id": "PGR0VU2", "type": "incident", "title": "A little bump in the road",
                "status": word("triggered", "resolved"), "urgency": "high", "service": {"summary": "API Service"}}}})
        }
        "datadog" => {
            json!({"id": "7", "title": word("[Triggered] CPU is high on web-1", "[Recovered] CPU is high on web-1"), "alert_id": "42",
            "alert_transition": word("Triggered", "Recovered"), "event_type": "metric_alert_monitor", "alert_type": word("error", "success"), "priority": "P2"})
        }
        "opsgenie" => json!({"action": word("Create", "Close"), "integrationName": "sre",
            "alert": {"alertId": "052652ac", "message": "Disk fills up", "alias": "disk", "priority": "P1", "createdAt": 1_768_485_600_000_u64}}),
        "sentry" => json!({"action": word("created", "resolved"), "actor": {"type": "application"},
            "data": {"issue": {"id": "1170820242", "title": "ReferenceError: heck is not defined", "level": "error", "status": word("unresolved", "resolved"),
                "project": {"slug": "front-end"}}}}),
        "newrelic" => {
            json!({"id": "e9b0b7fb", "issueUrl": "https://radar-api.service.newrelic.com/x", "title": "Apdex is low", "priority": "CRITICAL",
            "state": word("ACTIVATED", "CLOSED"), "alertConditionNames": ["Apdex low"], "impactedEntities": ["shop-web"]})
        }
        "cloudwatch" => {
            let alarm = json!({"AlarmName": "orders-5xx", "NewStateValue": word("ALARM", "OK"), "NewStateReason": "Threshold Crossed",
                "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-5xx", "Trigger": {"MetricName": "5XX", "Namespace": "AWS/ELB", "Dimensions": []}});
            json!({"Type": "Notification", "MessageId": word("firing-1", "resolved-1"), "TopicArn": "arn:aws:sns:eu-west-1:123456789012:sre", "Message": alarm.to_string()})
        }
        "zabbix" => {
            json!({"event_name": "No free memory", "event_value": word("1", "0"), "event_severity": "High", "host_name": "db-1", "trigger_id": "13491"})
        }
        _ => json!({"check": {"name": "Backup is late"}, "state": word("alarm", "ok"), "level": "major", "tags": {"service": "backup"}}),
    }
}

const SENDERS: [&str; 10] =
    ["alertmanager", "grafana", "pagerduty", "datadog", "opsgenie", "sentry", "newrelic", "cloudwatch", "zabbix", "generic"];

/// Each sender's problem has one thread, whatever is sent twice, and ends when the sender says so.
async fn opens_and_closes(senders: &[&str]) {
    let world = open_doors().await;
    let channel = world.channel.clone();
    for (number, sender) in senders.iter().copied().enumerate() {
        let first = deliver(&world, sender, &body(sender, true)).await;
        assert_eq!(first["id"].as_str().map(str::len), Some(26), "{first}");
        let again = deliver(&world, sender, &body(sender, true)).await;
        assert_eq!(again["id"], first["id"], "{sender}: a replay has the first one's effect");
        let cards = |slack: &sre_agent::sandbox::Sandbox| slack.messages(&channel).into_iter().filter(is_ours).nth(number);
        let card = world.until(&format!("the card of {sender}"), cards).await;
        let ts = card["ts"].as_str().unwrap().to_owned();
        world.until("a report below", |slack| slack.thread(&channel, &ts).into_iter().nth(1)).await;
        deliver(&world, sender, &body(sender, false)).await;
        world.card_shows(&ts, "Resolved").await;
    }
    assert_eq!(world.slack.messages(&channel).into_iter().filter(is_ours).count(), senders.len(), "one thread for each sender's problem");
    assert!(world.metrics().await.contains(&format!("duplicate_deliveries_total {}", senders.len())));
}

// Three worlds side by side: Slack takes one message a second in a channel.
#[tokio::test]
async fn what_a_sender_opened_it_also_closes_1() {
    opens_and_closes(&SENDERS[..4]).await;
}

#[tokio::test]
async fn what_a_sender_opened_it_also_closes_2() {
    opens_and_closes(&SENDERS[4..7]).await;
}

#[tokio::test]
async fn what_a_sender_opened_it_also_closes_3() {
    opens_and_closes(&SENDERS[7..]).await;
}

#[tokio::test]
async fn without_the_right_proof_nobody_is_let_in() {
    let world = open_doors().await;
    for sender in SENDERS {
        let text = body(sender, true).to_string();
        let (status, answer) = send(&world, sender, &[], &text).await;
        assert_eq!(status, 401, "{sender}: {answer}");
        let wrong: Vec<_> =
            proof(sender, "another body").into_iter().map(|(name, value)| (name, value.replace(TOKEN, "a-guess"))).collect();
        let (status, answer) = send(&world, sender, &wrong, &text).await;
        assert_eq!(status, 401, "{sender}: {answer}");
        assert!(!answer.to_string().contains(&hmac(text.as_bytes())), "what would have been right is not said");
    }
    let (status, answer) = send(&world, "nagios", &proof("generic", "{}"), "{}").await;
    assert!(status == 404 && answer["error"].as_str().unwrap().contains("alertmanager, grafana"), "{answer}");
    assert!(!world.metrics().await.contains("records_received_total{"), "nothing of it was recorded");
}

#[tokio::test]
async fn a_sender_without_settings_is_told_which_are_missing() {
    let world = World::usual().await;
    let (status, answer) = send(&world, "pagerduty", &proof("pagerduty", "{}"), "{}").await;
    assert!(status == 404 && answer["error"].as_str().unwrap().contains("webhooks.pagerduty.secret"), "{answer}");
}

#[tokio::test]
async fn what_nobody_can_read_is_shown_with_the_reason() {
    let world = open_doors().await;
    let text = "{\"what\": \"a new form &lt;!channel&gt; <!here>\", broken";
    let (status, answer) = send(&world, "zabbix", &proof("zabbix", text), text).await;
    assert_eq!((status, answer["id"].as_str().map(str::len)), (200, Some(26)), "{answer}");
    let channel = world.channel.clone();
    let card = world.until("a card", |slack| slack.messages(&channel).into_iter().find(is_ours)).await;
    assert!(shown(&card).contains("zabbix") && shown(&card).contains("could not be read"), "{}", shown(&card));
    assert!(!card.to_string().contains("<!here>"), "{card}");
}

#[tokio::test]
async fn handshakes_and_tests_record_nothing() {
    let world = open_doors().await;
    let ping =
        json!({"event": {"id": "01", "event_type": "pagey.ping", "resource_type": "pagey", "data": {"type": "ping", "message": "Hello"}}});
    let installed = json!({"action": "created", "actor": {"type": "user"}, "data": {"installation": {"uuid": "a", "status": "installed"}}});
    let subscription =
        json!({"Type": "SubscriptionConfirmation", "MessageId": "1", "TopicArn": "arn", "SubscribeURL": "https://evil.example/"});
    for (sender, handshake) in [("pagerduty", ping), ("sentry", installed), ("cloudwatch", subscription)] {
        let answer = deliver(&world, sender, &handshake).await;
        assert!(answer["id"].is_null() && answer["reason"].is_string(), "{answer}");
    }
    assert!(!world.metrics().await.contains("records_received_total{"));
}

#[tokio::test]
async fn a_packed_body_is_read_and_a_bomb_is_refused() {
    use std::io::Write;
    let world = open_doors().await;
    let pack = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    for (text, expected) in [(body("alertmanager", true).to_string().into_bytes(), 200), (vec![b' '; 8 << 20], 413)] {
        let answer = reqwest::Client::new()
            .post(format!("{}/api/v1/webhooks/alertmanager", world.service_url))
            .bearer_auth(TOKEN)
            .header("content-encoding", "gzip")
            .body(pack(&text))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), expected);
    }
}

/// A delivery of Slack to the address that says in its answer that it took it.
async fn slack(world: &World, body: String) -> (u16, Value) {
    let timestamp = sre_agent::app::system_clock().now().as_second().to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(sre_agent::sandbox::Config::default().signing_secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let answer = reqwest::Client::new()
        .post(format!("{}/api/v1/slack/webhook", world.service_url))
        .header("x-slack-request-timestamp", timestamp)
        .header("x-slack-signature", signature)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

#[tokio::test]
async fn slacks_webhook_says_that_it_took_what_slack_delivers() {
    let world = World::usual().await;
    let received = (200, json!({"status": "received"}));
    let event = json!({"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": {"type": "team_join"}});
    assert_eq!(slack(&world, event.to_string()).await, received);
    let click = json!({"type": "block_actions", "user": {"id": "U1"}, "actions": []});
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &click.to_string()).finish();
    assert_eq!(slack(&world, form).await, received);
    let challenge = json!({"type": "url_verification", "challenge": "3eZbrw1aB"});
    assert_eq!(slack(&world, challenge.to_string()).await, (200, json!({"challenge": "3eZbrw1aB"})));
    let forged = reqwest::Client::new().post(format!("{}/api/v1/slack/webhook", world.service_url)).body("{}").send().await.unwrap();
    assert_eq!(forged.status().as_u16(), 401);
}
