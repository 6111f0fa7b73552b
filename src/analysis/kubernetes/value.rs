//! Reading fields of Kubernetes JSON without ever failing.

use serde_json::{Map, Value};

/// The string at `path`; empty when there is none.
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at `path`, also where it was written as a string.
pub fn int(value: &Value, path: &str) -> Option<i64> {
    let found = value.pointer(path)?;
    found.as_i64().or_else(|| found.as_str().and_then(|text| text.parse().ok()))
}

pub fn flag(value: &Value, path: &str) -> Option<bool> {
    value.pointer(path).and_then(Value::as_bool)
}

/// The list at `path`; a single object counts as a list of one, as some descriptions print it.
pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    match value.pointer(path) {
        Some(Value::Array(items)) => items,
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    }
}

pub fn map<'a>(value: &'a Value, path: &str) -> Option<&'a Map<String, Value>> {
    value.pointer(path).and_then(Value::as_object)
}

pub fn has(value: &Value, path: &str) -> bool {
    value.pointer(path).is_some_and(|found| !found.is_null())
}

/// The condition of a type in `status.conditions`.
pub fn condition<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    list(body, "/status/conditions").iter().find(|condition| text(condition, "/type") == name)
}

/// `reason: message`, whichever of the two there is.
pub fn reason_and_message(condition: &Value) -> String {
    match (text(condition, "/reason"), text(condition, "/message")) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// `512Mi`, `1G`, `100m`, `2` as a number of bytes or cores.
pub fn quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let number: f64 = number.parse().ok()?;
    let factor = match unit.trim() {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        _ => return None,
    };
    Some(number * factor)
}

/// A selector with `matchLabels` and `matchExpressions` fits `labels`.
pub fn selects(selector: &Value, labels: Option<&Value>) -> bool {
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let equal = map(selector, "/matchLabels").is_none_or(|wanted| wanted.iter().all(|(key, value)| label(key) == value.as_str()));
    let expressions = list(selector, "/matchExpressions").iter().all(|expression| {
        let found = label(text(expression, "/key"));
        let listed = found.is_some_and(|found| list(expression, "/values").iter().any(|value| value.as_str() == Some(found)));
        match text(expression, "/operator") {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => true,
        }
    });
    equal && expressions
}

/// The first `limit` characters of `text` on one line.
pub fn short(text: &str, limit: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= limit {
        return line;
    }
    let mut out: String = line.chars().take(limit.saturating_sub(1)).collect();
    out.push('…');
    out
}
