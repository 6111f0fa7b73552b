//! Alertmanager's webhook (also Grafana's unified one), the list of its API, and a bare `{labels, annotations}`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{
    MAX_ALERTS, Recognised,
    draft::Draft,
    json::{self, at, has, items, text},
    words,
};
use crate::model::{Alert, AlertStatus};

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let is_alert = |value: &Value| value.get("labels").is_some_and(Value::is_object);
    if let Some(list) = body.as_array() {
        return list.first().is_some_and(is_alert).then(|| group(list, &Value::Null, raw));
    }
    if has(body, &["alerts"]) && (has(body, &["status"]) || has(body, &["receiver"]) || has(body, &["groupLabels"])) {
        return Some(group(items(at(body, &["alerts"])), body, raw));
    }
    // Prometheus' own API: `{"status": "success", "data": {"alerts": […]}}` or a bare list in `data`.
    let listed = [at(body, &["data", "alerts"]), at(body, &["data"]), at(body, &["alerts"])];
    if let Some(list) = listed.into_iter().find(|list| items(list).first().is_some_and(is_alert)) {
        return Some(group(items(list), &Value::Null, raw));
    }
    (is_alert(body) && (has(body, &["annotations"]) || has(body, &["summary"]) || !text(body, "labels.alertname").is_empty()))
        .then(|| group(std::slice::from_ref(body), &Value::Null, raw))
}

fn group(alerts: &[Value], envelope: &Value, raw: &str) -> Recognised {
    if alerts.is_empty() {
        // A group without members still names itself in its common labels.
        let common = json::labels(at(envelope, &["commonLabels"]));
        if common.is_empty() {
            return Recognised::NotAnAlert { reason: "a group without alerts".into() };
        }
        return Recognised::Alerts(vec![one(&Value::Null, envelope, 1, raw)]);
    }
    let count = u32::try_from(alerts.len()).unwrap_or(u32::MAX);
    Recognised::Alerts(alerts.iter().take(MAX_ALERTS).map(|alert| one(alert, envelope, count, raw)).collect())
}

fn one(alert: &Value, envelope: &Value, count: u32, raw: &str) -> Alert {
    let grafana = has(envelope, &["orgId"]) || alert.get("silenceURL").is_some() || alert.get("valueString").is_some();
    let mut draft = Draft::new(if grafana { "grafana" } else { "alertmanager" });
    let mut labels = json::labels(at(alert, &["labels"]));
    let common = json::labels(at(envelope, &["commonLabels"]));
    // The group's name rules: an alert's own label only differs from it in hand-made bodies.
    for (key, value) in common.iter().chain(&json::labels(at(envelope, &["groupLabels"]))) {
        if key == "alertname" {
            labels.insert(key.clone(), value.clone());
        } else {
            labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    let mut annotations = json::labels(at(envelope, &["commonAnnotations"]));
    annotations.extend(json::labels(at(alert, &["annotations"])));
    let get = |map: &BTreeMap<String, String>, keys: &[&str]| keys.iter().find_map(|key| map.get(*key)).cloned().unwrap_or_default();
    draft.name = get(&labels, &["alertname", "alert_name", "rulename"]);
    draft.severity_word = get(&labels, &["severity", "priority", "level"]);
    draft.summary = get(&annotations, &["summary", "title"]);
    draft.description = get(&annotations, &["description", "message", "__value_string__"]);
    if draft.summary.is_empty() {
        draft.summary = text(alert, "summary");
    }
    if draft.description.is_empty() {
        draft.description = text(alert, "description");
    }
    draft.status = json::first(alert, &["status.state", "status", "state"])
        .split_whitespace()
        .next()
        .and_then(words::status)
        .or_else(|| words::status(&text(envelope, "status")));
    draft.starts_at = json::time(at(alert, &["startsAt"])).or_else(|| json::time(at(alert, &["activeAt"])));
    // Until it is resolved, the end is only when the sender would forget it.
    if draft.status == Some(AlertStatus::Resolved) {
        draft.ends_at = json::time(at(alert, &["endsAt"]));
    }
    draft.count = count;
    for key in ["runbook_url", "dashboard_url", "runbook", "dashboard", "playbook"] {
        draft.link(key.split('_').next().unwrap_or(key), &get(&annotations, &[key]));
    }
    for (title, key) in [("source", "generatorURL"), ("silence", "silenceURL"), ("dashboard", "dashboardURL"), ("panel", "panelURL")] {
        draft.link(title, &text(alert, key));
    }
    draft.link("alertmanager", &text(envelope, "externalURL"));
    draft.labels = labels;
    // Of a group, each alert keeps its own part.
    if count > 1 { draft.finish(&alert.to_string()) } else { draft.finish(raw) }
}
