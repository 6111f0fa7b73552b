//! Kubernetes: what runbooks change there, by the server's own dry run first, and only while the object is the one that was shown.

pub mod ready;
pub mod single;
pub mod workload;

use axum::http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::tools::kubernetes::Client;

use super::{
    operate::{Doing, Failure},
    systems::TOOL,
};

const MARK_POINTER: &str = "/metadata/annotations/sre-agent~1run";
const JSON_PATCH: &str = "application/json-patch+json";
/// How often a write is tried when only the object's status was written meanwhile.
const TRIES: usize = 4;
/// How many lines of a diff are shown.
pub const DIFF_MAX: usize = 40;

async fn get(client: &Client, path: &str) -> Result<Value, Failure> {
    let page = client.get(TOOL, path, "application/json").await?;
    serde_json::from_slice(&page.body).map_err(|error| Failure::Refused(format!("{path}: the answer is no JSON ({error})")))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn part<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The objects of a list.
fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.get("items").and_then(Value::as_array).into_iter().flatten()
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// A digest of the parts of an object that were looked at.
fn digest(parts: &[&Value]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.to_string());
        hasher.update([0]);
    }
    hex::encode(hasher.finalize())
}

/// A segment of a path, as addresses have it; names of Kubernetes need nothing escaped, anything else is refused.
fn segment(name: &str) -> Result<&str, Failure> {
    let fine = !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && !name.starts_with('.');
    if fine { Ok(name) } else { Err(Failure::Refused(format!("`{}` is no name of Kubernetes", name.chars().take(80).collect::<String>()))) }
}

/// Sends a patch that holds for this object as it was read and for no other, marked where it is not a dry run.
async fn patch(client: &Client, path: &str, object: &Value, operations: &[Value], mark: Option<&str>) -> Result<Value, Failure> {
    let mut whole = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": text(object, "/metadata/uid")}),
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": text(object, "/metadata/resourceVersion")}),
    ];
    if let Some(mark) = mark {
        if object.pointer("/metadata/annotations").is_none() {
            whole.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
        }
        whole.push(json!({"op": "add", "path": MARK_POINTER, "value": mark}));
    }
    whole.extend(operations.iter().cloned());
    let dry = if mark.is_some() { "" } else { "&dryRun=All" };
    let path = format!("{path}?fieldManager=sre-agent{dry}");
    Ok(client.write(TOOL, Method::PATCH, &path, JSON_PATCH, &Value::Array(whole)).await?)
}

/// Whether this run wrote the object last, and this very step.
fn marks(object: &Value, doing: &Doing<'_>) -> (bool, bool) {
    let mark = text(object, MARK_POINTER);
    (mark.split('/').next() == Some(&doing.run.to_string()), mark == doing.mark())
}

/// The differences of two objects, a line each: `- spec.replicas: 3`, `+ spec.replicas: 5`. Lists of named things are
/// compared by name.
pub fn diff(before: &Value, after: &Value) -> Vec<String> {
    let mut out = Vec::new();
    compare("", before, after, &mut out);
    let more = out.len().saturating_sub(DIFF_MAX);
    out.truncate(DIFF_MAX);
    if more > 0 {
        out.push(format!("  … and {more} lines more"));
    }
    out
}

fn compare(path: &str, before: &Value, after: &Value, out: &mut Vec<String>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(left), Value::Object(right)) => {
            let mut names: Vec<&String> = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))).collect();
            names.sort();
            for name in names {
                let (left, right) = (left.get(name).unwrap_or(&Value::Null), right.get(name).unwrap_or(&Value::Null));
                compare(&below(path, name), left, right, out);
            }
        }
        (Value::Array(left), Value::Array(right)) if named(left) && named(right) => {
            let find = |list: &[Value], name: &str| list.iter().find(|item| item["name"] == name).cloned().unwrap_or(Value::Null);
            let mut names: Vec<String> = left.iter().chain(right).map(|item| text(item, "/name").to_owned()).collect();
            names.sort();
            names.dedup();
            for name in names {
                compare(&below(path, &name), &find(left, &name), &find(right, &name), out);
            }
        }
        _ => {
            if !before.is_null() {
                lines('-', path, before, out);
            }
            if !after.is_null() {
                lines('+', path, after, out);
            }
        }
    }
}

fn named(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|item| item.get("name").is_some_and(Value::is_string))
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn lines(sign: char, path: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => fields.iter().for_each(|(name, inner)| lines(sign, &below(path, name), inner, out)),
        Value::String(text) => out.push(format!(
            "{sign} {path}: {}",
            crate::redact::text(&format!("{path}: {text}")).strip_prefix(&format!("{path}: ")).unwrap_or("[redacted]")
        )),
        other => out.push(format!("{sign} {path}: {other}")),
    }
}
