//! Azure Monitor's common alert schema, and the classic one.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, items, text},
    words,
};
use crate::model::Severity;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let essentials = at(body, &["data", "essentials"]);
    let mut draft = Draft::new("azure");
    if !essentials.is_null() {
        draft.name = text(essentials, "alertRule");
        draft.description = text(essentials, "description");
        draft.status = words::status(&text(essentials, "monitorCondition"));
        draft.severity_word = text(essentials, "severity");
        let target = json::first(essentials, &["configurationItems.0", "alertTargetIDs.0"]);
        draft.resource = last_part(&target);
        draft.starts_at = json::time(at(essentials, &["firedDateTime"]));
        draft.ends_at = json::time(at(essentials, &["resolvedDateTime"]));
        draft.dedup(&json::first(essentials, &["originAlertId", "alertId"]));
        let context = at(body, &["data", "alertContext"]);
        draft.summary = json::first(context, &["SearchQuery", "properties.title"]);
        for condition in items(at(context, &["condition", "allOf"])) {
            draft.label("metric", &text(condition, "metricName"));
            for (key, value) in json::labels(at(condition, &["dimensions"])) {
                draft.label(&key, &value);
            }
        }
    } else if has(at(body, &["data", "context"]), &["name"]) || has(at(body, &["context"]), &["name", "resourceName"]) {
        let context = if has(body, &["context"]) { at(body, &["context"]) } else { at(body, &["data", "context"]) };
        draft.name = text(context, "name");
        draft.description = text(context, "description");
        draft.status = words::status(&json::first(body, &["data.status", "status"]));
        draft.severity_word = text(context, "severity");
        draft.resource = json::first(context, &["resourceName", "resourceId"]);
        draft.starts_at = json::time(at(context, &["timestamp"]));
        draft.dedup(&text(context, "id"));
    } else {
        return None;
    }
    // Azure counts from Sev0, the worst, to Sev4.
    draft.severity = match draft.severity_word.to_lowercase().trim_start_matches("sev") {
        "0" => Some(Severity::Critical),
        "1" => Some(Severity::High),
        "2" => Some(Severity::Medium),
        "3" | "4" => Some(Severity::Low),
        _ => None,
    };
    super::one(draft.finish(raw))
}

fn last_part(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).to_owned()
}
