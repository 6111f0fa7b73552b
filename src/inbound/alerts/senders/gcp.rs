//! Google Cloud Monitoring (Stackdriver): `{"incident": {...}, "version": "1.2"}`.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, text},
    words,
};

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let incident = at(body, &["incident"]);
    if !(has(incident, &["incident_id"]) || has(incident, &["policy_name"])) {
        return None;
    }
    let mut draft = Draft::new("gcp");
    draft.name = json::first(incident, &["policy_name", "condition_name", "condition.displayName"]);
    draft.status = words::status(&text(incident, "state"));
    draft.severity_word = json::first(incident, &["severity", "policy_user_labels.severity"]).trim().to_owned();
    if words::plain(&draft.severity_word) == "no severity" {
        draft.severity_word = String::new();
    }
    draft.summary = text(incident, "summary");
    draft.description = text(incident, "documentation.content");
    for path in [["resource", "labels"], ["metric", "labels"], ["metadata", "user_labels"]] {
        for (key, value) in json::labels(at(incident, &path)) {
            draft.label(&key, &value);
        }
    }
    for (key, value) in json::labels(at(incident, &["policy_user_labels"])) {
        draft.label(&key, &value);
    }
    draft.resource = json::first(incident, &["resource_display_name", "resource_name", "resource.labels.instance_id"]);
    draft.label("condition", &text(incident, "condition_name"));
    draft.label("resource_type", &json::first(incident, &["resource_type_display_name", "resource.type"]));
    draft.starts_at = json::time(at(incident, &["started_at"]));
    draft.ends_at = json::time(at(incident, &["ended_at"]));
    draft.dedup(&text(incident, "incident_id"));
    draft.link("incident", &text(incident, "url"));
    super::one(draft.finish(raw))
}
