//! Reading untrusted JSON without surprises: a missing value is an empty string, never a panic.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::AlertError;

const MAX_BODY: usize = 16 << 20;

/// Bytes to JSON; the error says where. Depth is limited by the parser (128).
pub(super) fn decode(body: &[u8]) -> Result<Value, AlertError> {
    if body.len() > MAX_BODY {
        return Err(AlertError::Malformed { place: format!("byte {MAX_BODY}"), reason: "the body is larger than 16 MiB".into() });
    }
    serde_json::from_slice(body).map_err(|error| AlertError::Malformed {
        place: format!("line {} column {}", error.line(), error.column()),
        reason: reason(&error),
    })
}

/// serde_json ends every message with the place, which has a field of its own.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

pub(super) fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(value, |inner, key| match key.parse::<usize>() {
        Ok(index) if inner.is_array() => inner.get(index).unwrap_or(&Value::Null),
        _ => inner.get(key).unwrap_or(&Value::Null),
    })
}

/// A scalar as text; empty for everything else.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

/// The scalar at a dotted path: `payload.severity`, `alerts.0.labels`.
pub(super) fn text(value: &Value, path: &str) -> String {
    let path: Vec<&str> = path.split('.').collect();
    scalar(at(value, &path))
}

/// The first of several dotted paths that holds something.
pub(super) fn first(value: &Value, paths: &[&str]) -> String {
    paths.iter().map(|path| text(value, path)).find(|found| !found.is_empty()).unwrap_or_default()
}

pub(super) fn has(value: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| value.get(key).is_some())
}

pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Labels in any of the usual shapes: an object, a list of `key:value`, a list of `{key, value}`, or `a:b, c:d`.
pub(super) fn labels(value: &Value) -> BTreeMap<String, String> {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), scalar(value))).filter(|(_, value)| !value.is_empty()).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|item| match item {
                Value::String(text) => pair(text),
                Value::Object(_) => {
                    let key = first(item, &["key", "name", "tag", "label"]);
                    let value = first(item, &["value", "val"]);
                    (!key.is_empty() && !value.is_empty()).then_some((key, value))
                }
                Value::Array(both) => match both.as_slice() {
                    [key, value] => Some((scalar(key), scalar(value))),
                    _ => None,
                },
                _ => None,
            })
            .collect(),
        Value::String(text) => text.split(',').filter_map(pair).collect(),
        _ => BTreeMap::new(),
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.trim().split_once([':', '='])?;
    let (key, value) = (key.trim(), value.trim());
    (!key.is_empty() && !value.is_empty() && !key.contains(char::is_whitespace)).then(|| (key.to_owned(), value.to_owned()))
}

/// An instant in any of the usual shapes: RFC 3339, with a blank, or an epoch in seconds, milliseconds or more.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => epoch(number.as_f64()?),
        Value::String(text) => time_text(text.trim()),
        _ => None,
    }
}

fn time_text(text: &str) -> Option<Timestamp> {
    if text.is_empty() || text.starts_with("0001-") {
        return None;
    }
    if let Ok(number) = text.parse::<f64>() {
        return epoch(number);
    }
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    // `+0000` and `+01.00` for an offset; `… +0000 UTC` as Go prints it; a blank for the T; no offset at all.
    let text = text.trim_end_matches(" UTC").trim_end_matches(" m");
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.trim_start_matches(['T', ' ']).replace(' ', "");
    let split = rest.rfind(['+', '-']).or_else(|| rest.find('Z')).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at_checked(split)?;
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let offset = match (offset.chars().next(), digits.get(..2), digits.get(2..4)) {
        (Some(sign @ ('+' | '-')), Some(hours), minutes) => format!("{sign}{hours}:{}", minutes.unwrap_or("00")),
        _ => "Z".to_owned(),
    };
    format!("{date}T{clock}{offset}").parse().ok()
}

fn epoch(number: f64) -> Option<Timestamp> {
    let seconds = match number {
        n if n >= 1e17 => n / 1e9,
        n if n >= 1e14 => n / 1e6,
        n if n >= 1e11 => n / 1e3,
        n if n >= 1e8 => n,
        _ => return None,
    };
    Timestamp::from_microsecond((seconds * 1e6) as i64).ok()
}
