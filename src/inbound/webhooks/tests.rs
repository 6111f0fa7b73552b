use std::{collections::BTreeMap, io::Write};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Reading, Webhook, auth, body, read, sns};
use crate::{inbound::reply::Refusal, model::AlertStatus};

fn given(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

fn hmac(secret: &str, text: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn judged(sender: &str, webhook: &Webhook, headers: &HeaderMap, text: &str) -> bool {
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    match auth::headers(sender, webhook, headers, now) {
        Ok(Some(signature)) => signature.verify(webhook.secret.as_ref().unwrap(), text.as_bytes()).is_ok(),
        Ok(None) => true,
        Err(_) => false,
    }
}

#[test]
fn a_token_is_a_bearer_or_a_password() {
    let webhook = Webhook { token: Some("s3cret".into()), ..Webhook::default() };
    for (header, right) in [
        ("Bearer s3cret", true),
        ("bearer s3cret", true),
        ("Basic dXNlcjpzM2NyZXQ=", true),
        ("Basic OnMzY3JldA==", true),
        ("Bearer s3cre", false),
        ("Basic czNjcmV0", false),
        ("Basic ???", false),
        ("s3cret", false),
        ("", false),
    ] {
        assert_eq!(judged("generic", &webhook, &given(&[("authorization", header)]), ""), right, "{header}");
    }
    assert!(!judged("generic", &webhook, &given(&[]), ""));
    let mut twice = given(&[("authorization", "Bearer s3cret")]);
    twice.append("authorization", HeaderValue::from_static("Bearer other"));
    assert!(!judged("generic", &webhook, &twice, ""), "two headers are as good as none");
}

#[test]
fn every_sender_signs_in_its_own_way() {
    let webhook = Webhook { secret: Some("key".into()), ..Webhook::default() };
    let (right, wrong) = (hmac("key", "body"), hmac("other", "body"));
    let check = |sender: &str, headers: &[(&str, &str)]| judged(sender, &webhook, &given(headers), "body");
    assert!(check("pagerduty", &[("x-pagerduty-signature", &format!("v1={wrong},v1={right}"))]));
    assert!(!check("pagerduty", &[("x-pagerduty-signature", &format!("v1={wrong}"))]));
    assert!(!check("pagerduty", &[("x-pagerduty-signature", &right)]), "without its version");
    assert!(check("sentry", &[("sentry-hook-signature", &right)]));
    assert!(check("grafana", &[("x-grafana-alerting-signature", &right)]));
    let timed = hmac("key", "1700000000:body");
    assert!(check("grafana", &[("x-grafana-alerting-signature", &timed), ("x-grafana-alerting-timestamp", "1700000000")]));
    assert!(!check("grafana", &[("x-grafana-alerting-signature", &right), ("x-grafana-alerting-timestamp", "1700000000")]));
    let old = hmac("key", "1699999600:body");
    assert!(!check("grafana", &[("x-grafana-alerting-signature", &old), ("x-grafana-alerting-timestamp", "1699999600")]));
    assert!(!check("grafana", &[("x-grafana-alerting-signature", &old)]), "the timestamp cannot be taken off");
    for header in ["x-signature-256", "x-hub-signature-256"] {
        assert!(check("generic", &[(header, &format!("sha256={right}"))]));
        assert!(!check("generic", &[(header, &format!("sha256={wrong}"))]));
    }
    assert!(!check("generic", &[]));
}

#[test]
fn what_is_configured_is_required() {
    let both = Webhook { token: Some("s3cret".into()), secret: Some("key".into()), ..Webhook::default() };
    let signature = format!("sha256={}", hmac("key", "body"));
    let token = ("authorization", "Bearer s3cret");
    let signed = ("x-signature-256", signature.as_str());
    assert!(judged("generic", &both, &given(&[token, signed]), "body"));
    assert!(!judged("generic", &both, &given(&[token]), "body"));
    assert!(!judged("generic", &both, &given(&[signed]), "body"));
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn packed_bodies_are_bounded() {
    let gzip = given(&[("content-encoding", "gzip")]);
    let (text, broken) = body::unpacked(&gzip, &packed(b"{\"a\": 1}")).map(|(text, broken)| (text.into_owned(), broken)).unwrap();
    assert_eq!((text.as_slice(), broken), (b"{\"a\": 1}".as_slice(), None));
    assert_eq!(body::unpacked(&gzip, &packed(&vec![b' '; 1024 * 1024 + 1])).unwrap_err(), Refusal::TooLarge);
    assert_eq!(body::unpacked(&gzip, &packed(&vec![b' '; 256 * 1024])).unwrap_err(), Refusal::TooLarge, "a hundred times its size");
    assert!(body::unpacked(&gzip, &packed(&vec![b' '; 32 * 1024])).is_ok());
    assert!(body::unpacked(&gzip, b"no gzip").unwrap().1.unwrap().contains("gzip"));
    assert!(body::unpacked(&given(&[("content-encoding", "br")]), b"x").is_err());
}

fn alerts(sender: &str, map: &[(&str, &str)], text: &str) -> Vec<crate::model::Alert> {
    let map: BTreeMap<_, _> = map.iter().map(|(field, pointer)| ((*field).to_owned(), (*pointer).to_owned())).collect();
    let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    match read::read(sender, &Webhook { map, ..Webhook::default() }, text.as_bytes(), &value, None).unwrap() {
        Reading::Alerts(alerts) => alerts,
        other => panic!("{sender}: {other:?}"),
    }
}

#[test]
fn handshakes_and_tests_are_nothing() {
    for (sender, body) in [
        (
            "pagerduty",
            json!({"event": {"id": "01", "event_type": "pagey.ping", "resource_type": "pagey", "occurred_at": "2026-01-01T00:00:00Z", "data": {"message": "Hello from your friend Pagey!", "type": "ping"}}}),
        ),
        (
            "sentry",
            json!({"action": "created", "actor": {"type": "user"}, "data": {"installation": {"status": "pending", "uuid": "a"}}, "installation": {"uuid": "a"}}),
        ),
        ("datadog", json!({"title": "[TEST] [Triggered] CPU is high", "event_type": "metric_alert_monitor", "alert_type": "error"})),
        (
            "cloudwatch",
            json!({"Type": "SubscriptionConfirmation", "MessageId": "1", "TopicArn": "arn", "SubscribeURL": "https://example.com"}),
        ),
    ] {
        let read = read::read(sender, &Webhook::default(), body.to_string().as_bytes(), &body, None).unwrap();
        assert!(matches!(read, Reading::Nothing(_)), "{sender}: {read:?}");
    }
}

#[test]
fn what_nobody_can_read_is_shown() {
    for (sender, text) in [("sentry", "{\"hello\": [1, 2]}"), ("zabbix", "{\"broken\": "), ("generic", ""), ("grafana", "just words")] {
        let found = alerts(sender, &[], text);
        assert_eq!(found.len(), 1);
        assert!(found[0].name.contains(sender) && found[0].description.contains(text) && found[0].source == sender, "{:?}", found[0]);
        assert_eq!((found[0].severity.as_str(), found[0].status), ("medium", AlertStatus::Firing));
    }
    assert_ne!(alerts("generic", &[], "one")[0].fingerprint, alerts("generic", &[], "two")[0].fingerprint);
    let many = json!({"alerts": vec![json!({}); 5_001]});
    assert!(read::read("alertmanager", &Webhook::default(), many.to_string().as_bytes(), &many, None).is_err());
}

#[test]
fn a_map_says_where_the_fields_are() {
    let body = json!({"meta": {"env": "prod"}, "items": [
        {"check": {"name": "disk"}, "state": "CRITICAL", "tags": {"svc": "orders"}, "since": 1_700_000_000, "id": 7, "url": "https://x.example/7"},
        {"check": {"name": "cpu"}, "state": "recovered", "level": "P2"}]});
    let map = [
        ("alerts", "/items"),
        ("name", "/check/name"),
        ("status", "/state"),
        ("severity", "/level"),
        ("service", "/tags/svc"),
        ("cluster", "/meta/env"),
        ("starts_at", "/since"),
        ("fingerprint", "/id"),
        ("link", "/url"),
        ("labels.env", "/meta/env"),
    ];
    let found = alerts("generic", &map, &body.to_string());
    assert_eq!(found.len(), 2);
    let (disk, cpu) = (&found[0], &found[1]);
    assert_eq!(
        (disk.name.as_str(), disk.service.as_str(), disk.cluster.as_str(), disk.status),
        ("disk", "orders", "prod", AlertStatus::Firing)
    );
    assert_eq!(
        (disk.labels["env"].as_str(), disk.labels["dedup_key"].as_str(), disk.links[0].url.as_str()),
        ("prod", "7", "https://x.example/7")
    );
    assert_eq!(disk.starts_at.unwrap().as_second(), 1_700_000_000);
    assert_eq!((cpu.name.as_str(), cpu.status, cpu.severity_source.as_deref()), ("cpu", AlertStatus::Resolved, Some("P2")));
    assert!(alerts("generic", &map, "{\"items\": 3}")[0].name.contains("could not be read"));
}

#[test]
fn only_amazon_is_called_back() {
    assert!(sns::confirmable("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1").is_some());
    assert!(sns::confirmable("https://sns.cn-north-1.amazonaws.com.cn/?Token=1").is_some());
    for address in [
        "http://sns.eu-west-1.amazonaws.com/",
        "https://sns.eu-west-1.amazonaws.com.evil.example/",
        "https://evil.example/sns.eu-west-1.amazonaws.com",
        "https://sns.eu-west-1.amazonaws.com@evil.example/",
        "https://sns.a.b.amazonaws.com/",
        "https://sns.eu-west-1.amazonaws.com:8443/",
        "https://s3.eu-west-1.amazonaws.com/",
        "https://sns..amazonaws.com/",
        "",
    ] {
        assert!(sns::confirmable(address).is_none(), "{address}");
    }
}
