//! Sentry: issue alerts, issue webhooks, metric alerts, and the legacy plug-in.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, text},
    words,
};
use crate::model::AlertStatus;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let data = at(body, &["data"]);
    if has(body, &["action", "actor"]) && (has(data, &["installation"]) || has(data, &["comment", "issue_id"])) {
        return super::none("news of a Sentry installation or a comment");
    }
    let legacy = has(body, &["project", "culprit"]) || has(body, &["project_slug", "event"]);
    let event = has(at(data, &["event"]), &["title"])
        && (has(body, &["action"]) || has(data, &["triggered_rule"]) || has(at(data, &["event"]), &["event_id"]));
    let issue = has(data, &["issue"]) && has(body, &["action"]);
    let metric = has(data, &["metric_alert"]);
    if !(legacy || event || issue || metric) {
        return None;
    }
    let action = text(body, "action");
    let subject = if metric {
        at(data, &["metric_alert"])
    } else if issue {
        at(data, &["issue"])
    } else if event {
        at(data, &["event"])
    } else {
        body
    };
    let mut draft = Draft::new("sentry");
    draft.status = match action.as_str() {
        "" | "triggered" | "created" | "unresolved" | "critical" | "warning" => Some(AlertStatus::Firing),
        "resolved" => Some(AlertStatus::Resolved),
        "ignored" | "archived" => Some(AlertStatus::Paused),
        "assigned" => words::status(&text(subject, "status")).or(Some(AlertStatus::Firing)),
        _ => return super::none("a Sentry action that changes no state"),
    };
    draft.name = json::first(subject, &["title", "metadata.title", "alert_rule.name", "message", "event.title", "metadata.type"]);
    if metric {
        draft.name = json::first(subject, &["alert_rule.name", "title"]);
        if matches!(action.as_str(), "critical" | "warning") {
            draft.severity_word = action;
        }
    }
    draft.summary = json::first(data, &["description_title", "triggered_rule"]);
    draft.description = json::first(body, &["data.description_text", "data.event.culprit", "data.issue.culprit", "culprit", "message"]);
    if draft.severity_word.is_empty() {
        draft.severity_word = json::first(body, &["level", "data.event.level", "data.issue.level", "event.level"]);
    }
    draft.service = json::first(
        body,
        &["project_slug", "project_name", "data.issue.project.slug", "data.event.project_slug", "data.metric_alert.projects.0", "project"],
    );
    if !draft.service.is_empty() && draft.service.chars().all(|c| c.is_ascii_digit()) {
        draft.service = String::new();
    }
    for source in [at(subject, &["tags"]), at(body, &["event", "tags"])] {
        for (key, value) in json::labels(source) {
            draft.label(&key, &value);
        }
    }
    draft.label("environment", &json::first(subject, &["environment", "event.environment"]));
    draft.starts_at = ["datetime", "firstSeen", "date_started", "timestamp"].iter().find_map(|key| json::time(at(subject, &[key])));
    draft.dedup(&json::first(subject, &["issue_id", "id", "event.issue_id"]));
    draft.link("issue", &json::first(subject, &["web_url", "permalink", "url", "issue_url"]));
    super::one(draft.finish(raw))
}
