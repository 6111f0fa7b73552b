//! A Kubernetes event: `kind: Event`, or the same fields from an event exporter.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, text},
};
use crate::model::AlertStatus;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let event = if has(body, &["event", "verb"]) { at(body, &["event"]) } else { body };
    let object = if has(event, &["involvedObject"]) { at(event, &["involvedObject"]) } else { at(event, &["regarding"]) };
    if object.is_null() || !has(event, &["reason"]) {
        return None;
    }
    // Flux sends the same fields with a `severity` of its own, `info` or `error`.
    let word = json::first(event, &["type", "severity"]);
    if !matches!(word.as_str(), "Warning" | "error") {
        return super::none("a Kubernetes event that reports no trouble");
    }
    let mut draft = Draft::new("kubernetes");
    draft.name = text(event, "reason");
    draft.status = Some(AlertStatus::Firing);
    draft.severity_word = word;
    draft.description = json::first(event, &["message", "note"]);
    draft.namespace = json::first(object, &["namespace"]);
    let kind = text(object, "kind").to_lowercase();
    draft.label(&kind, &text(object, "name"));
    draft.label("namespace", &text(object, "namespace"));
    draft.cluster = json::first(event, &["clusterName", "cluster"]);
    draft.starts_at = ["firstTimestamp", "eventTime", "lastTimestamp"].iter().find_map(|key| json::time(at(event, &[key])));
    super::one(draft.finish(raw))
}
