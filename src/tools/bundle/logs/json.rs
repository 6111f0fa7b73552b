//! Structured lines: JSON objects of any logging library, and logfmt.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{level, time};
use crate::model::observation::Level;

/// What a structured line says.
#[derive(Debug, Default)]
pub struct Structured {
    pub time: Option<Timestamp>,
    pub level: Option<Level>,
    pub service: String,
    pub message: String,
    pub fields: Value,
}

pub const TIMES: &[&str] = &[
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "@t",
    "datetime",
    "date",
    "asctime",
    "eventTime",
    "t",
    "timeUnixNano",
    "observedTimeUnixNano",
    "time_unix_nano",
    "__REALTIME_TIMESTAMP",
    "Timestamp",
    "_time",
    "TimeGenerated",
    "timegenerated",
];
pub const LEVELS: &[&str] = &[
    "level",
    "severity",
    "lvl",
    "log.level",
    "levelname",
    "loglevel",
    "logLevel",
    "log_level",
    "severityText",
    "severity_text",
    "SeverityText",
    "@l",
    "Level",
    "s",
    "severityNumber",
    "severity_number",
    "SeverityNumber",
    "PRIORITY",
    "priority",
];
pub const MESSAGES: &[&str] = &[
    "msg",
    "message",
    "log",
    "body",
    "Body",
    "MESSAGE",
    "textPayload",
    "@m",
    "@mt",
    "Message",
    "event",
    "short_message",
    "_msg",
    "_raw",
    "text",
    "line",
    "description",
];
pub const ERRORS: &[&str] = &[
    "error",
    "err",
    "exception",
    "exc_info",
    "error.message",
    "exception.message",
    "errorMessage",
    "error_message",
    "@x",
    "cause",
    "reason",
    "stack_trace",
    "stack",
    "stacktrace",
    "exception.stacktrace",
    "error.stack_trace",
];
pub const SERVICES: &[&str] = &[
    "service",
    "service.name",
    "service_name",
    "app",
    "application",
    "serviceName",
    "SYSLOG_IDENTIFIER",
    "component",
    "container_name",
    "pod",
];

/// Keys that may hold an object with any of these inside.
pub const HOLDERS: &[&str] =
    &["resource", "Resource", "resources_string", "kubernetes", "attributes", "attributes_string", "extra", "fields", "context"];

/// Reads one JSON object; `None` when the line is none.
pub fn object(line: &str) -> Option<Structured> {
    if !line.starts_with('{') || !line.ends_with('}') {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    Some(from_value(value))
}

/// The same for an object that is parsed already.
pub fn from_value(value: Value) -> Structured {
    let mut out = Structured::default();
    if let Value::Object(map) = &value {
        out.time = TIMES.iter().find_map(|key| get(map, key).and_then(time::field));
        out.level = LEVELS.iter().find_map(|key| get(map, key).and_then(|value| level::field(key, value)));
        out.service = service(map);
        out.message = message(map);
    }
    out.fields = value;
    out
}

/// A small object is searched faster than a key is hashed, and most lines are small objects.
const SMALL: usize = 12;

fn get<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    if map.len() > SMALL {
        return map.get(key);
    }
    map.iter().find(|(name, _)| name.as_str() == key).map(|(_, value)| value)
}

fn service(map: &Map<String, Value>) -> String {
    let direct = SERVICES.iter().find_map(|key| match get(map, key) {
        Some(Value::String(s)) => Some(s.as_str()),
        Some(Value::Object(inner)) => inner.get("name").and_then(Value::as_str),
        _ => None,
    });
    let resource = || {
        let inner = map.get("resource").or_else(|| map.get("Resource")).or_else(|| map.get("resources_string"))?;
        let attributes = inner.get("attributes").unwrap_or(inner);
        ["service.name", "k8s.deployment.name", "k8s.pod.name"].iter().find_map(|key| attributes.get(*key).and_then(Value::as_str))
    };
    let kubernetes = || {
        let inner = map.get("kubernetes")?;
        inner.get("pod_name").or_else(|| inner.get("container_name")).or_else(|| inner.get("pod")?.get("name")).and_then(Value::as_str)
    };
    direct.or_else(resource).or_else(kubernetes).unwrap_or("").to_owned()
}

/// The message, and behind it what the error fields add.
fn message(map: &Map<String, Value>) -> String {
    let mut text = MESSAGES.iter().find_map(|key| get(map, key).map(plain).filter(|s| !s.is_empty())).unwrap_or_default();
    for key in ERRORS {
        if let Some(value) = get(map, key) {
            append(&mut text, &plain(value), key);
        }
    }
    for holder in ["attributes", "attributes_string", "extra", "fields", "context"] {
        if let Some(Value::Object(inner)) = get(map, holder) {
            for key in ERRORS {
                if let Some(value) = inner.get(*key) {
                    append(&mut text, &plain(value), key);
                }
            }
        }
    }
    if text.is_empty() {
        let pairs =
            map.iter().filter(|(key, value)| !TIMES.contains(&key.as_str()) && !LEVELS.contains(&key.as_str()) && !value.is_object());
        text = pairs.map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(" ");
    }
    text
}

/// Adds what an error field says and the text does not say yet.
pub fn append(text: &mut String, more: &str, key: &str) {
    let more = more.trim();
    if more.is_empty() || matches!(more, "null" | "{}" | "true" | "false") || text.contains(more) {
        return;
    }
    let separator = if text.is_empty() {
        ""
    } else if key.contains("stack") {
        "\n"
    } else {
        ": "
    };
    text.push_str(separator);
    text.push_str(more);
}

/// A value as words: strings bare, error objects as `type: message`.
fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.trim_end().to_owned(),
        Value::Null => String::new(),
        Value::Object(map) => {
            let get = |keys: &[&str]| keys.iter().find_map(|key| map.get(*key).and_then(Value::as_str)).unwrap_or("").to_owned();
            if let Some(Value::String(s)) = map.get("stringValue") {
                return s.clone();
            }
            let (kind, text, stack) = (
                get(&["type", "name", "class", "code"]),
                get(&["message", "msg", "errmsg", "detail", "text"]),
                get(&["stack", "stack_trace", "stacktrace"]),
            );
            match (kind.is_empty(), text.is_empty()) {
                _ if stack.contains(&text) && !stack.is_empty() => stack,
                (false, false) => format!("{kind}: {text}"),
                (true, false) => text,
                _ => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}

/// Reads `level=error msg="…" key=value`; `None` when fewer than two pairs or neither level nor message is there.
pub fn logfmt(line: &str) -> Option<Structured> {
    let first = line.split('=').next()?;
    if first.is_empty() || first.len() > 24 || !first.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-@".contains(&b)) {
        return None;
    }
    let has = |key: &str| memchr::memmem::find(line.as_bytes(), key.as_bytes()).is_some();
    if !(has("level=") || has("lvl=") || has("severity=") || (has("msg=") && has("ts="))) {
        return None;
    }
    let mut map = Map::new();
    let mut rest = line;
    while !rest.is_empty() {
        rest = rest.trim_start();
        let Some(equals) = rest.find('=') else { break };
        let key = rest.get(..equals).unwrap_or("");
        if key.contains(' ') {
            rest = rest.split_once(' ').map_or("", |(_, after)| after);
            continue;
        }
        let after = rest.get(equals + 1..).unwrap_or("");
        let (value, next) = logfmt_value(after);
        map.insert(key.to_owned(), Value::String(value));
        rest = next;
    }
    if map.len() < 2 {
        return None;
    }
    let mut out = Structured {
        time: TIMES.iter().find_map(|key| get(&map, key).and_then(time::field)),
        level: LEVELS.iter().find_map(|key| get(&map, key).and_then(|value| level::field(key, value))),
        service: service(&map),
        ..Structured::default()
    };
    let mut text = ["msg", "message", "event"].iter().find_map(|key| get(&map, key).map(plain)).unwrap_or_default();
    for key in ERRORS {
        if let Some(value) = get(&map, key) {
            append(&mut text, &plain(value), key);
        }
    }
    for (key, value) in &map {
        let known = TIMES.contains(&key.as_str()) || LEVELS.contains(&key.as_str()) || ERRORS.contains(&key.as_str());
        if !known && !matches!(key.as_str(), "msg" | "message" | "event" | "caller") {
            text.push_str(&format!(" {key}={}", plain(value)));
        }
    }
    out.message = text.trim_start().to_owned();
    out.fields = Value::Object(map);
    Some(out)
}

fn logfmt_value(after: &str) -> (String, &str) {
    let Some(quoted) = after.strip_prefix('"') else {
        let end = after.find(' ').unwrap_or(after.len());
        return (after.get(..end).unwrap_or("").to_owned(), after.get(end..).unwrap_or(""));
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, quoted.get(at + 1..).unwrap_or("")),
            _ => value.push(c),
        }
    }
    (value, "")
}
