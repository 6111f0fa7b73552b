//! What senders send, in fixtures of our own; each reader has one, and hostile bodies have none of their own way.

mod bodies;
mod changes;
mod messages;
mod own_api;
mod payloads;
mod shapes;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{Alert, AlertStatus};

fn alerts(body: &Value) -> Vec<Alert> {
    match parse("auto", body.to_string().as_bytes()) {
        Ok(Recognised::Alerts(alerts)) => alerts,
        other => panic!("no alert: {other:?}"),
    }
}

fn alert(body: &Value) -> Alert {
    alerts(body).remove(0)
}

fn is_alert(body: &Value) -> bool {
    matches!(parse("auto", body.to_string().as_bytes()), Ok(Recognised::Alerts(_)))
}

#[test]
fn broken_bodies_say_where() {
    let error = parse("auto", b"{\n \"status\": \"firing\",\n \"alerts\": [}").unwrap_err();
    assert_eq!(error, AlertError::Malformed { place: "line 3 column 13".into(), reason: "expected value".into() });
    assert!(matches!(parse("auto", b"  \n"), Err(AlertError::Malformed { .. })));
    assert!(matches!(parse("nobody", b"{}"), Err(AlertError::UnknownSource(name)) if name == "nobody"));
    assert!(parse("auto", "payload=".repeat(1 << 20).as_bytes()).is_ok());
    assert!(is_alert(&json!([{"labels": {"alertname": "A"}}])));
    assert!(matches!(parse("auto", b"payload=%7B%22text%22%3A%22web-1+is+down%22%7D"), Ok(Recognised::Alerts(_))));
    let deep = "[".repeat(100_000);
    assert!(matches!(parse("auto", deep.as_bytes()), Err(AlertError::Malformed { .. })));
}

#[test]
fn texts_and_lists_are_bounded() {
    let labels: serde_json::Map<String, Value> = (0..500).map(|n| (format!("label{n}"), json!("x".repeat(10_000)))).collect();
    let one =
        json!({"status": "firing", "labels": labels, "annotations": {"summary": "é".repeat(5_000), "description": "d".repeat(50_000)}});
    let found = alert(&json!([one]));
    assert!(found.labels.len() <= 64 && found.labels.values().all(|value| value.len() <= 4 << 10));
    assert!(found.summary.len() <= 1_000 && found.description.len() <= 4_000 && found.raw.len() <= 16 << 10 && found.name.len() <= 300);
    let many: Vec<Value> = (0..6_000).map(|n| json!({"labels": {"alertname": "Full", "n": n.to_string()}, "status": "firing"})).collect();
    assert_eq!(alerts(&json!({"alerts": many, "status": "firing"})).len(), 5_000);
}

#[test]
fn firing_repeat_and_resolved_share_a_fingerprint() {
    let body = |status: &str, at: &str, value: &str| {
        json!({"status": status, "receiver": "x", "groupLabels": {}, "alerts": [{"status": status, "startsAt": at, "endsAt": "0001-01-01T00:00:00Z",
            "labels": {"alertname": "QueueStuck", "cluster": "eu", "namespace": "mail", "pod": "sender-5d9c8b7f6-abcde", "severity": "warning"},
            "annotations": {"description": format!("{value} messages wait")}}]})
    };
    let firing = alert(&body("firing", "2026-01-01T00:00:00Z", "12"));
    assert_eq!(firing.fingerprint, alert(&body("firing", "2026-01-01T00:00:00Z", "99")).fingerprint);
    let resolved = alert(&body("resolved", "2026-01-01T00:00:00Z", "0"));
    assert_eq!((resolved.fingerprint, resolved.status), (firing.fingerprint.clone(), AlertStatus::Resolved));
    let mut other = firing.clone();
    other.cluster = "us".into();
    assert_ne!(fingerprint(&other), firing.fingerprint);
    assert_eq!(firing.fingerprint.len(), 16);
}

#[test]
fn the_service_is_the_workload_and_never_the_exporter() {
    let service = |labels: Value| alert(&json!([{"status": "firing", "labels": labels}])).service;
    let scrape = |extra: Value| {
        let mut labels =
            json!({"alertname": "X", "job": "kube-state-metrics", "service": "kube-state-metrics", "instance": "10.1.2.3:8080"});
        labels.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        service(labels)
    };
    assert_eq!(scrape(json!({"deployment": "cart"})), "cart");
    assert_eq!(scrape(json!({"pod": "cart-6c9f7d8b5-x2x9k"})), "cart");
    assert_eq!(scrape(json!({"pod": "ledger-2"})), "ledger");
    assert_eq!(scrape(json!({"job_name": "report-28371120"})), "report");
    assert_eq!(scrape(json!({"persistentvolumeclaim": "data-ledger-2"})), "ledger");
    assert_eq!(scrape(json!({"exported_namespace": "shop", "exported_pod": "web-7c9d8bf6f4-hh6wd"})), "web");
    assert_eq!(scrape(json!({})), "");
    assert_eq!(scrape(json!({"node": "worker-3"})), "");
    assert_eq!(service(json!({"alertname": "X", "job": "integrations/mysql_exporter", "instance": "billing-db:9104"})), "billing-db");
    assert_eq!(service(json!({"alertname": "X", "job": "node-exporter", "instance": "web-01:9100"})), "");
    assert_eq!(service(json!({"alertname": "X", "job": "checkout", "instance": "10.0.0.1:80"})), "checkout");
    assert_eq!(service(json!({"alertname": "X", "job": "blackbox", "instance": "https://www.shop.example/health"})), "shop");
}

#[test]
fn plain_text_is_an_alert_when_it_says_so() {
    let read = |text: &str| parse("auto", text.as_bytes()).unwrap();
    let Recognised::Alerts(found) = read("[FIRING:2] DiskFull web (eu-west-1 critical)") else { panic!("not seen") };
    assert_eq!((found[0].name.as_str(), found[0].alert_count), ("DiskFull", 2));
    for chatter in ["hello", "Test message body for channel 7", "Deployed shop v1.2 to prod", "why is checkout slow?"] {
        assert!(matches!(read(chatter), Recognised::Unknown { .. }), "{chatter}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse("auto", &body);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = parse("auto", text.as_bytes());
        let _ = from_slack_message(&json!({"text": text, "attachments": [{"title": text, "text": text, "fallback": text}]}));
        let _ = parse("auto", json!({"title": text, "status": text, "message": text, "severity": text}).to_string().as_bytes());
    }

    #[test]
    fn no_json_panics(body in json_value()) {
        let text = body.to_string();
        let _ = parse("auto", text.as_bytes());
        let _ = from_api(text.as_bytes());
        let _ = from_slack_message(&body);
        for (name, _) in senders::READERS {
            let _ = parse(name, text.as_bytes());
        }
    }
}

/// Random JSON over the keys that readers look for.
fn json_value() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "alerts",
        "labels",
        "annotations",
        "status",
        "name",
        "title",
        "severity",
        "event",
        "data",
        "incident",
        "messages",
        "attachments",
        "blocks",
        "text",
        "type",
        "Records",
        "Sns",
        "Message",
        "AlarmName",
        "detail",
        "detail-type",
        "payload",
        "event_action",
        "alert",
        "action",
        "check",
        "elements",
        "fields",
        "host",
        "service",
        "state",
        "embeds",
        "essentials",
        "tags",
        "metric_alert",
        "Trigger",
        "Dimensions",
        "event_type",
        "startsAt",
        "value",
        "ruleName",
        "evalMatches",
        "issueUrl",
        "saved_search",
        "events",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "firing",
            "resolved",
            "incident.trigger",
            "section",
            "[FIRING:1] A (b c)",
            "2026-01-01T00:00:00Z",
            "9999-99-99",
            "{\"AlarmName\": 1}"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

#[test]
fn instants_come_in_many_shapes() {
    let read = |value: Value| json::time(&value).map(|time| time.to_string());
    let noon = Some("2026-01-31T12:00:00Z".to_owned());
    for value in [
        json!("2026-01-31T12:00:00Z"),
        json!("2026-01-31T13:00:00.000+0100"),
        json!("2026-01-31 12:00:00 +0000 UTC"),
        json!("2026-01-31 12:00:00"),
        json!(1_769_860_800),
        json!(1_769_860_800_000_i64),
        json!("1769860800"),
    ] {
        assert_eq!(read(value.clone()), noon, "{value}");
    }
    assert_eq!((read(json!("0001-01-01T00:00:00Z")), read(json!("soon")), read(json!(7))), (None, None, None));
}

#[test]
fn titles_lose_their_decoration() {
    let read = |line: &str| {
        let title = title::read(line);
        (title.name, title.status, title.severity_word)
    };
    let firing = Some(AlertStatus::Firing);
    assert_eq!(read("[Triggered] [P2] Queue is long"), ("Queue is long".into(), firing, "P2".into()));
    assert_eq!(read("🚨 ALARM: \"orders-5xx\" in EU (Ireland)"), ("orders-5xx".into(), firing, String::new()));
    assert_eq!(read("DiskFull [WARNING]"), ("DiskFull".into(), None, "WARNING".into()));
    assert_eq!(read("TypeError: x is undefined"), ("TypeError: x is undefined".into(), None, String::new()));
    assert_eq!(read(":white_check_mark: Resolved: all good"), ("all good".into(), Some(AlertStatus::Resolved), String::new()));
}

#[test]
fn mark_up_becomes_text() {
    let (plain, links) = mrkdwn::plain("*bold* `code` <https://x.example/a_b?c=*|go _there_> &lt;b&gt; a_b 2*3 <!channel> <@U1>");
    assert_eq!(plain, "bold code go there <b> a_b 2*3  ");
    assert_eq!(links[0].url, "https://x.example/a_b?c=*");
}
