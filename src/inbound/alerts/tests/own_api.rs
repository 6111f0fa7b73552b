//! Our own API shape.

use super::*;
use crate::model::{Priority, Severity};

fn refused(body: Value) -> String {
    match from_api(body.to_string().as_bytes()) {
        Err(AlertError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_field_is_read() {
    let body = json!({"name": "CheckoutSlow", "severity": "P1", "service": "checkout", "resource": "pod/x", "namespace": "shop", "cluster": "eu", "status": "acknowledged",
        "summary": "s", "description": "d", "labels": {"team": "pay", "n": 3}, "starts_at": "2026-01-31T14:05:00Z", "source": "cron.checks"});
    let found = from_api(body.to_string().as_bytes()).unwrap().remove(0);
    assert_eq!((found.severity, found.priority, found.severity_source.as_deref()), (Severity::Critical, Priority::P0, Some("P1")));
    assert_eq!((found.source.as_str(), found.status, found.labels["n"].as_str()), ("cron.checks", AlertStatus::Acknowledged, "3"));
    assert_eq!(found.starts_at.unwrap().to_string(), "2026-01-31T14:05:00Z");
    assert!(found.id.0.is_nil());
    assert_eq!(from_api(br#"[{"name": "A"}, {"name": "B"}]"#).unwrap().len(), 2);
    assert_eq!(from_api(br#"{"alerts": [{"name": "A"}]}"#).unwrap().len(), 1);
}

#[test]
fn a_wrong_field_is_named() {
    assert_eq!(refused(json!({"name": "A", "severity": "purple"})), "severity");
    assert_eq!(refused(json!([{"name": "A"}, {"name": "B"}, {"severity": "high"}])), "[2].name");
    assert_eq!(refused(json!({"alerts": [{"name": "A", "status": "odd"}]})), "alerts[0].status");
    assert_eq!(refused(json!({"name": 7})), "name");
    assert_eq!(refused(json!({"name": "A", "sevrity": "high"})), "sevrity");
    assert_eq!(refused(json!({"name": "A", "starts_at": "noon"})), "starts_at");
    assert_eq!(refused(json!({"name": "A", "labels": {"a": {}}})), "labels.a");
    assert_eq!(refused(json!({"name": "A", "labels": []})), "labels");
    assert_eq!(refused(json!([])), "$");
    assert_eq!(refused(json!("x")), "$");
    assert_eq!(refused(json!([1])), "[0]");
    assert!(matches!(from_api(b"{"), Err(AlertError::Malformed { .. })));
}
