//! Tables of events inside of other documents: alert managers keep what they collected as `{"headers": […], "rows": […]}`.

use jiff::Timestamp;
use serde_json::Value;

use crate::model::{
    Entity,
    observation::{Document, Event},
};

const DEPTH: usize = 10;

/// The events that stand in a document's tables.
pub fn events(document: &Document) -> Vec<Event> {
    let text = |key: &str| document.body.get(key).and_then(Value::as_str).unwrap_or_default();
    let label = |key: &str| document.body.pointer(&format!("/labels/{key}")).and_then(Value::as_str).unwrap_or_default();
    let name = [text("subject_name"), label("deployment"), label("pod")].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let namespace = [text("subject_namespace"), label("namespace")].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let entity = Entity::new("", namespace, name);
    let mut out = Vec::new();
    if !name.is_empty() {
        search(&document.body, DEPTH, &mut |table| rows(table, &entity, &document.source, &mut out));
    }
    out
}

fn search(value: &Value, depth: usize, each: &mut dyn FnMut(&Value)) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Object(map) => {
            if map.contains_key("headers") && map.contains_key("rows") {
                each(value);
            }
            map.values().for_each(|inner| search(inner, depth - 1, each));
        }
        Value::Array(items) => items.iter().take(500).for_each(|inner| search(inner, depth - 1, each)),
        Value::String(text) if text.starts_with(['[', '{']) && text.contains("\"rows\"") => {
            if let Ok(inner) = serde_json::from_str::<Value>(text) {
                search(&inner, depth - 1, each);
            }
        }
        _ => {}
    }
}

fn rows(table: &Value, entity: &Entity, source: &str, out: &mut Vec<Event>) {
    let headers: Vec<&str> = table
        .get("headers")
        .and_then(Value::as_array)
        .map(|headers| headers.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let at = |name: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(name));
    let (Some(reason), Some(message)) = (at("reason"), at("message")) else { return };
    for row in table.get("rows").and_then(Value::as_array).into_iter().flatten().take(200) {
        let cell = |at: usize| row.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let time = at("time").and_then(|at| row.get(at)).and_then(Value::as_f64).and_then(|ms| Timestamp::from_millisecond(ms as i64).ok());
        out.push(Event {
            source: source.to_owned(),
            entity: entity.clone(),
            event_type: at("type").map(cell).unwrap_or_default(),
            reason: cell(reason),
            message: cell(message),
            count: 1,
            first: time,
            last: time,
            ..Event::default()
        });
    }
}
