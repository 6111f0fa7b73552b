//! VictorOps / Splunk On-Call: the REST endpoint that monitoring tools call.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, text},
    listing, subject, title, words,
};
use crate::model::AlertStatus;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    if !(has(body, &["message_type"]) && (has(body, &["entity_id"]) || has(body, &["monitoring_tool"]) || has(body, &["state_message"]))) {
        return None;
    }
    let kind = text(body, "message_type");
    let status = match words::plain(&kind).as_str() {
        "info" => return super::none("a VictorOps message for the timeline only"),
        word => words::status(word).unwrap_or(AlertStatus::Firing),
    };
    let mut draft = Draft::new("victorops");
    draft.status = Some(status);
    let name = json::first(body, &["entity_display_name", "entity_id"]);
    draft.description = text(body, "state_message");
    let listed = listing::read(&draft.description);
    draft.count = listed.alerts;
    draft.summary = listed.annotations.get("summary").cloned().unwrap_or_default();
    draft.labels = listed.labels;
    let subject = subject::read(&name);
    draft.name = match (draft.labels.get("alertname"), subject) {
        (Some(alertname), _) => alertname.clone(),
        (None, Some(subject)) => {
            draft.count = subject.count;
            draft.labels.extend(subject.labels);
            subject.name
        }
        (None, None) => title::read(&name).name,
    };
    draft.severity_word =
        draft.labels.get("severity").cloned().unwrap_or_else(|| if status == AlertStatus::Firing { kind } else { String::new() });
    draft.resource = json::first(body, &["host_name", "hostname"]);
    draft.service = json::first(body, &["service", "service_name"]);
    draft.starts_at = json::time(at(body, &["state_start_time"])).or_else(|| json::time(at(body, &["timestamp"])));
    draft.dedup(&text(body, "entity_id"));
    super::one(draft.finish(raw))
}
