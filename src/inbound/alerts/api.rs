//! `POST /api/v1/alerts`: alerts in our own shape, checked field by field.

use serde_json::{Map, Value};

use super::{
    AlertError, MAX_ALERTS,
    draft::Draft,
    json::{self, has},
    words,
};
use crate::model::{Alert, Severity};

#[rustfmt::skip]
const FIELDS: &[&str] = &[
    "name", "severity", "service", "resource", "namespace", "cluster", "status", "summary", "description", "labels", "starts_at",
    "ends_at", "source", "links",
];

/// One object, an array, or `{"alerts": […]}`.
///
/// # Errors
/// The first field that is not as documented, by its path: `severity`, `[2].name`.
pub fn from_api(body: &[u8]) -> Result<Vec<Alert>, AlertError> {
    let value = json::decode(body)?;
    let (list, prefix) = match (&value, value.get("alerts")) {
        (Value::Array(list), _) => (list.as_slice(), ""),
        (Value::Object(map), Some(alerts)) if !has(&value, &["name"]) => {
            if let Some(other) = map.keys().find(|key| *key != "alerts") {
                return Err(invalid(other, "unknown here; beside `alerts` nothing is read"));
            }
            (alerts.as_array().ok_or_else(|| invalid("alerts", "must be a list"))?.as_slice(), "alerts")
        }
        (Value::Object(_), _) => return Ok(vec![one(&value, "")?]),
        _ => return Err(invalid("$", "must be an object, a list of objects, or {\"alerts\": […]}")),
    };
    if list.is_empty() || list.len() > MAX_ALERTS {
        return Err(invalid(if prefix.is_empty() { "$" } else { prefix }, &format!("must hold 1 to {MAX_ALERTS} alerts")));
    }
    list.iter().enumerate().map(|(index, item)| one(item, &format!("{prefix}[{index}]."))).collect()
}

fn invalid(field: &str, reason: &str) -> AlertError {
    AlertError::Invalid { field: super::draft::cut(field, 200), reason: reason.to_owned() }
}

fn one(item: &Value, prefix: &str) -> Result<Alert, AlertError> {
    let at = |field: &str| format!("{prefix}{field}");
    let Some(map) = item.as_object() else {
        return Err(invalid(prefix.trim_end_matches('.'), "must be an object"));
    };
    if let Some(unknown) = map.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(invalid(&at(unknown), &format!("unknown; known are {}", FIELDS.join(", "))));
    }
    let text = |field: &str| string(map, field).ok_or_else(|| invalid(&at(field), "must be text"));
    let mut draft = Draft::new("api");
    draft.name = text("name")?;
    if draft.name.trim().is_empty() {
        return Err(invalid(&at("name"), "is required and must not be empty"));
    }
    draft.severity_word = text("severity")?;
    draft.severity = Severity::from_word(&draft.severity_word);
    if !draft.severity_word.is_empty() && draft.severity.is_none() {
        return Err(invalid(&at("severity"), "must be critical, high, medium or low (or a known word such as warning, info, P1)"));
    }
    let status = text("status")?;
    draft.status = words::status(&status);
    if !status.is_empty() && draft.status.is_none() {
        return Err(invalid(&at("status"), "must be firing, resolved, acknowledged, no_data, paused or pending"));
    }
    draft.service = text("service")?;
    draft.resource = text("resource")?;
    draft.namespace = text("namespace")?;
    draft.cluster = text("cluster")?;
    draft.summary = text("summary")?;
    draft.description = text("description")?;
    let source = text("source")?;
    if !source.is_empty() {
        if source.len() > 60 || !source.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(invalid(&at("source"), "must be one word of at most 60 letters, digits, `-`, `_` or `.`"));
        }
        draft.source = source;
    }
    for (field, slot) in [("starts_at", &mut draft.starts_at), ("ends_at", &mut draft.ends_at)] {
        if let Some(value) = map.get(field).filter(|value| !value.is_null()) {
            *slot = Some(json::time(value).ok_or_else(|| invalid(&at(field), "must be an instant such as 2026-01-31T14:05:00Z"))?);
        }
    }
    match map.get("labels") {
        None | Some(Value::Null) => {}
        Some(Value::Object(labels)) => {
            for (key, value) in labels {
                if value.is_object() || value.is_array() {
                    return Err(invalid(&at(&format!("labels.{key}")), "must be text"));
                }
                draft.label(key, &json::scalar(value));
            }
        }
        Some(_) => return Err(invalid(&at("labels"), "must be an object of texts")),
    }
    for (index, link) in map.get("links").map_or(&[][..], json::items).iter().enumerate() {
        let url = json::text(link, "url");
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(invalid(&at(&format!("links[{index}].url")), "must be an http or https address"));
        }
        draft.link(&json::text(link, "title"), &url);
    }
    Ok(draft.finish(&item.to_string()))
}

/// The text of a field; empty when it is missing or null, `None` when it is something else.
fn string(map: &Map<String, Value>, field: &str) -> Option<String> {
    match map.get(field) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => None,
    }
}
