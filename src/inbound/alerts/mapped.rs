//! A body that the settings describe: our field to a JSON Pointer into what the sender sends.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{AlertError, MAX_ALERTS, Recognised, draft::Draft, json, words};

/// The fields that a map may have, besides `labels.<name>`. `alerts` points to a list; the others are then looked for in
/// each of its items first, and in the whole body where an item has nothing there.
pub const MAP_FIELDS: [&str; 13] = [
    "alerts",
    "name",
    "status",
    "severity",
    "service",
    "namespace",
    "cluster",
    "resource",
    "summary",
    "description",
    "starts_at",
    "fingerprint",
    "link",
];

/// Reads a body by a map.
///
/// # Errors
/// When the body is no JSON, or what `alerts` points to is no list.
pub fn from_map(map: &BTreeMap<String, String>, body: &[u8]) -> Result<Recognised, AlertError> {
    let value = json::decode(body)?;
    let items: Vec<&Value> = match map.get("alerts") {
        None => vec![&value],
        Some(pointer) => match value.pointer(pointer) {
            Some(Value::Array(list)) if list.len() > MAX_ALERTS => {
                return Err(AlertError::Invalid { field: "alerts".to_owned(), reason: format!("holds more than {MAX_ALERTS} alerts") });
            }
            Some(Value::Array(list)) => list.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Ok(Recognised::Unknown { reason: format!("there is no list at `{pointer}`") }),
        },
    };
    if items.is_empty() {
        return Ok(Recognised::NotAnAlert { reason: "an empty list".to_owned() });
    }
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let mut alerts = Vec::with_capacity(items.len());
    for item in items {
        let get = |field: &str| {
            let pointer = map.get(field)?;
            item.pointer(pointer).or_else(|| value.pointer(pointer)).filter(|found| !found.is_null())
        };
        let text = |field: &str| get(field).map(said).unwrap_or_default();
        let mut draft = Draft::new("generic");
        draft.name = text("name");
        draft.summary = text("summary");
        draft.description = text("description");
        if [&draft.name, &draft.summary, &draft.description].iter().all(|text| text.trim().is_empty()) {
            return Ok(Recognised::Unknown { reason: "none of the mapped `name`, `summary` and `description` is in it".to_owned() });
        }
        draft.status = words::status(&text("status")).or_else(|| words::status_of_event(&text("status")));
        draft.severity_word = text("severity");
        draft.service = text("service");
        draft.namespace = text("namespace");
        draft.cluster = text("cluster");
        draft.resource = text("resource");
        draft.starts_at = get("starts_at").and_then(json::time);
        draft.count = count;
        draft.dedup(&text("fingerprint"));
        draft.link("link", &text("link"));
        for (field, _) in map.iter().filter_map(|(field, pointer)| Some((field.strip_prefix("labels.")?, pointer))) {
            draft.label(field, &text(&format!("labels.{field}")));
        }
        alerts.push(draft.finish(&item.to_string()));
    }
    Ok(Recognised::Alerts(alerts))
}

/// A scalar as text, and anything else as its JSON: a list of names in `resource` is better than nothing.
fn said(value: &Value) -> String {
    match value {
        Value::Array(list) => list.iter().map(json::scalar).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        Value::Object(_) => value.to_string(),
        scalar => json::scalar(scalar),
    }
}
