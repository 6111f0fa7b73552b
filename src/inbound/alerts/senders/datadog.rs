//! Datadog's webhook, whose fields each team names itself, and monitors in the shape of its API.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, text},
    title, words,
};

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let key = |name: &str| has(body, &[name]);
    let datadog = key("alert_transition")
        || key("alertTransition")
        || (key("event_type") && key("alert_type"))
        || (key("monitor_id") && (key("query") || key("scopes")))
        || text(body, "alert_source") == "datadog"
        || text(body, "link").contains("datadoghq")
        || (key("last_updated") && key("event_type") && key("title"));
    if !datadog || !(key("title") || key("alert_title") || key("alert_name") || key("event_title")) {
        return None;
    }
    if json::first(body, &["title", "event_title", "alert_title"]).to_uppercase().starts_with("[TEST]") {
        return super::none("a test notification of a Datadog monitor");
    }
    let mut draft = Draft::new("datadog");
    let shown = json::first(body, &["title", "event_title", "alert_title"]);
    let read = title::read(&shown);
    draft.name = json::first(body, &["alert_name", "monitor_name"]);
    if draft.name.is_empty() {
        let titled = Some(text(body, "alert_title")).filter(|title| !title.is_empty()).map(|title| title::read(&title).name);
        draft.name = titled.unwrap_or_else(|| read.name.clone());
    }
    draft.status = words::status(&json::first(body, &["alert_transition", "alertTransition", "transition", "status"]))
        .or(read.status)
        .or_else(|| words::status(&text(body, "alert_type")))
        .or(Some(crate::model::AlertStatus::Firing));
    draft.severity_word = json::first(body, &["severity", "priority", "alert_priority"]);
    if draft.severity_word.is_empty() {
        draft.severity_word = read.severity_word;
    }
    draft.severity = match draft.severity_word.as_str() {
        "1" => Some(crate::model::Severity::Critical),
        "2" => Some(crate::model::Severity::High),
        "3" => Some(crate::model::Severity::Medium),
        "4" | "5" => Some(crate::model::Severity::Low),
        _ => None,
    };
    draft.summary = shown;
    draft.description = json::first(body, &["body", "text_only_msg", "event_msg", "message", "text", "description"]);
    for key in ["tags", "alert_scope", "scope", "commonLabels", "commonAnnotations", "scopes"] {
        for (label, value) in json::labels(at(body, &[key])) {
            if value.len() < 200 && !matches!(label.as_str(), "query" | "summary") {
                draft.label(&label, &value);
            }
        }
    }
    draft.resource = json::first(body, &["hostname", "host"]);
    draft.service = text(body, "service");
    draft.starts_at = json::time(at(body, &["date"])).or_else(|| json::time(at(body, &["last_updated"])));
    let id = json::first(body, &["aggreg_key", "alert_cycle_key", "alert_id"]);
    draft.dedup(&id);
    draft.link("monitor", &json::first(body, &["link", "url", "event_url"]));
    super::one(draft.finish(raw))
}
