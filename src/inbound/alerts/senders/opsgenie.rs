//! Opsgenie: its alert API (create, close) as a monitoring tool calls it, and its outgoing webhook.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, items, text},
    listing, subject, title, words,
};
use crate::model::AlertStatus;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    // A recorded API call: the verb is in the path.
    if has(body, &["_http", "body"]) && text(body, "_http").contains("/v2/alerts") {
        return call(&text(body, "_http"), at(body, &["body"]), raw);
    }
    if has(body, &["action", "alert"]) && (has(body, &["alert", "integrationName"]) || has(at(body, &["alert"]), &["alertId"])) {
        return hook(body, raw);
    }
    (has(body, &["message"]) && (has(body, &["alias"]) || has(body, &["responders"])) && !has(body, &["alert_id"]))
        .then(|| create(body, raw))
}

fn call(path: &str, body: &Value, raw: &str) -> Option<Recognised> {
    let path = path.split('?').next().unwrap_or("");
    let mut segments = path.rsplit('/');
    let status = match segments.next() {
        Some("close") => AlertStatus::Resolved,
        Some("acknowledge") => AlertStatus::Acknowledged,
        Some("alerts") => return Some(create(body, raw)),
        _ => return super::none("an Opsgenie call that changes no state"),
    };
    let alias = segments.next().unwrap_or("");
    let mut draft = Draft::new("opsgenie");
    draft.status = Some(status);
    draft.name = alias.to_owned();
    draft.dedup(alias);
    draft.link("source", &text(body, "source"));
    super::one(draft.finish(raw))
}

fn create(body: &Value, raw: &str) -> Recognised {
    let mut draft = filled(body);
    draft.status = Some(AlertStatus::Firing);
    Recognised::Alerts(vec![draft.finish(raw)])
}

fn filled(body: &Value) -> Draft {
    let mut draft = Draft::new("opsgenie");
    let message = text(body, "message");
    draft.labels = json::labels(at(body, &["details"]));
    draft.description = text(body, "description");
    let listed = listing::read(&draft.description);
    draft.count = listed.alerts;
    for (key, value) in listed.labels {
        draft.label(&key, &value);
    }
    draft.summary = listed.annotations.get("summary").cloned().unwrap_or_else(|| message.clone());
    draft.name = match (draft.labels.get("alertname"), subject::read(&message)) {
        (Some(name), _) => name.clone(),
        (None, Some(subject)) => {
            draft.count = subject.count;
            for (key, value) in &subject.labels {
                draft.label(key, value);
            }
            subject.name
        }
        (None, None) => title::read(&message).name,
    };
    draft.severity_word = draft.labels.get("severity").cloned().unwrap_or_else(|| text(body, "priority"));
    draft.service = draft.labels.get("service").cloned().filter(|_| !draft.labels.contains_key("alertname")).unwrap_or_default();
    let entity = text(body, "entity");
    if !draft.labels.contains_key("alertname") {
        draft.resource = entity;
    }
    draft.dedup(&json::first(body, &["alias", "alertId"]));
    draft.link("source", &text(body, "source"));
    draft
}

/// What Opsgenie tells about an alert.
fn hook(body: &Value, raw: &str) -> Option<Recognised> {
    let alert = at(body, &["alert"]);
    let action = text(body, "action");
    let status = match action.as_str() {
        "Create" | "UnAcknowledge" | "Escalate" | "EscalateNext" | "ReOpen" | "UpdatePriority" | "AssignOwnership" | "TakeOwnership" => {
            AlertStatus::Firing
        }
        "Acknowledge" => AlertStatus::Acknowledged,
        "Close" | "Delete" => AlertStatus::Resolved,
        "Snooze" => AlertStatus::Paused,
        _ => return super::none(&format!("an Opsgenie action `{}`", super::super::draft::cut(&action, 60))),
    };
    let mut draft = filled(alert);
    draft.status = Some(status);
    draft.starts_at = json::time(at(alert, &["createdAt"]));
    for tag in items(at(alert, &["tags"])) {
        if let Some(word) = Some(json::scalar(tag)).filter(|word| words::is_severity(word) && draft.severity_word.is_empty()) {
            draft.severity_word = word;
        }
    }
    super::one(draft.finish(raw))
}
