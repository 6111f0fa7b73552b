//! PagerDuty: Events API v1 and v2, webhooks v1, v2 and v3.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, items, text},
    listing, subject, words,
};
use crate::model::AlertStatus;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    if has(body, &["event_action"]) || (has(body, &["service_key", "event_type"])) {
        return Some(event(body, raw));
    }
    let inner = at(body, &["event"]);
    if has(inner, &["event_type", "data"]) {
        return Some(incident(&text(inner, "event_type"), at(inner, &["data"]), &text(inner, "occurred_at"), raw));
    }
    let messages = items(at(body, &["messages"]));
    let first = messages.first()?;
    let kind = json::first(first, &["event", "type"]);
    if !kind.starts_with("incident") {
        return None;
    }
    let data = if has(first, &["incident"]) { at(first, &["incident"]) } else { at(first, &["data", "incident"]) };
    Some(incident(&kind, data, &text(first, "created_on"), raw))
}

/// What a monitoring tool sends to PagerDuty.
fn event(body: &Value, raw: &str) -> Recognised {
    let payload = at(body, &["payload"]);
    let mut draft = Draft::new("pagerduty");
    let summary = json::first(body, &["payload.summary", "description"]);
    draft.status = words::status(&json::first(body, &["event_action", "event_type"]));
    draft.severity_word = text(payload, "severity");
    draft.summary.clone_from(&summary);
    draft.name = super::super::title::read(&summary).name;
    draft.resource = text(payload, "source");
    draft.service = json::first(payload, &["component", "custom_details.service"]);
    draft.starts_at = json::time(at(payload, &["timestamp"]));
    let details = at(payload, &["custom_details"]);
    let mut count = json::first(details, &["num_firing"]).parse().unwrap_or(0);
    // Alertmanager prints its labels into the details; Grafana, too.
    for key in ["firing", "resolved"] {
        let listed = listing::read(&text(details, key));
        if listed.labels.contains_key("alertname") && !draft.labels.contains_key("alertname") {
            count = count.max(listed.alerts);
            draft.description = listed.annotations.get("description").cloned().unwrap_or_default();
            draft.summary = listed.annotations.get("summary").cloned().unwrap_or(draft.summary);
            draft.labels = listed.labels;
        }
    }
    if let Some(subject) = subject::read(&summary) {
        draft.name = draft.labels.get("alertname").cloned().unwrap_or(subject.name);
        for (key, value) in subject.labels {
            if !draft.labels.contains_key("alertname") {
                draft.label(&key, &value);
            }
        }
        draft.resource = String::new();
        count = count.max(subject.count);
    }
    for (key, value) in json::labels(details) {
        if value.len() < 200 {
            draft.label(&key, &value);
        }
    }
    for key in ["component", "group", "class"] {
        draft.label(key, &text(payload, key));
    }
    draft.count = count;
    draft.dedup(&json::first(body, &["dedup_key", "incident_key"]));
    draft.link("client", &text(body, "client_url"));
    for link in items(at(body, &["links"])) {
        draft.link(&text(link, "text"), &text(link, "href"));
    }
    Recognised::Alerts(vec![draft.finish(raw)])
}

/// What PagerDuty tells about an incident.
fn incident(kind: &str, data: &Value, at_time: &str, raw: &str) -> Recognised {
    let verb = kind.rsplit('.').next().unwrap_or("");
    let stated = words::status(&text(data, "status"));
    let status = match verb {
        "trigger" | "triggered" | "reopened" | "unacknowledged" | "unacknowledge" | "escalate" | "escalated" | "assign" | "reassigned"
        | "delegate" | "delegated" => Some(AlertStatus::Firing),
        "acknowledge" | "acknowledged" => Some(AlertStatus::Acknowledged),
        "resolve" | "resolved" => Some(AlertStatus::Resolved),
        "priority_updated" | "service_updated" | "incident_type.changed" => stated,
        _ => None,
    };
    let Some(status) = status else {
        return Recognised::NotAnAlert { reason: format!("a PagerDuty event `{}`", super::super::draft::cut(kind, 60)) };
    };
    let mut draft = Draft::new("pagerduty");
    draft.status = Some(status);
    let title = json::first(
        data,
        &["title", "trigger_summary_data.subject", "trigger_summary_data.description", "description", "summary", "incident_key"],
    );
    draft.name = super::super::title::read(&title).name;
    draft.summary = title;
    draft.service = json::first(data, &["service.summary", "service.name"]);
    draft.severity_word = json::first(data, &["priority.summary", "priority.name", "severity", "urgency"]);
    draft.starts_at = json::time(&Value::String(json::first(data, &["created_at", "created_on"])))
        .or_else(|| json::time(&Value::String(at_time.to_owned())));
    draft.dedup(&json::first(data, &["id", "incident_key"]));
    draft.link("incident", &text(data, "html_url"));
    Recognised::Alerts(vec![draft.finish(raw)])
}
