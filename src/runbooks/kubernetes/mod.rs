//! Kubernetes: what runbooks change there, by the server's own dry run first, and only while the object is the one that was shown.

pub mod ready;
pub mod single;
#[cfg(test)]
mod tests;
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

/// A digest of the parts of an object that were looked at, in whatever order a server writes their fields.
fn digest(parts: &[&Value]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        let mut part = (*part).clone();
        part.sort_all_objects();
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

/// As much of a digest as a mark carries.
fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

/// The mark of a write: its step, and a digest of what it leaves. Whoever changes the object later keeps the annotation, so
/// the step alone does not say that the object is still ours.
fn mark(step: &str, left: &str) -> String {
    format!("{step}={left}")
}

/// The step that wrote the object last, and what it left. A mark that does not say what was left proves nothing of it.
fn marked(object: &Value) -> (&str, &str) {
    let mark = text(object, MARK_POINTER);
    mark.split_once('=').unwrap_or((mark, ""))
}

/// What this run left, where it was the last of ours to write the object: to be compared with what is there now.
fn left_by<'a>(object: &'a Value, doing: &Doing<'_>) -> Option<&'a str> {
    let (step, left) = marked(object);
    (step.split('/').next() == Some(doing.run.to_string().as_str())).then_some(left)
}

/// An object as it is, and the same without secrets: compared is the one, shown the other. It is redacted as a whole, since
/// what stands around a value may say that it is a secret: the name of a variable, the argument before it.
#[derive(Clone, Copy)]
struct Side<'a> {
    is: &'a Value,
    /// `None` where it cannot be told which part belongs here.
    shown: Option<&'a Value>,
}

impl<'a> Side<'a> {
    const ABSENT: Self = Self { is: &Value::Null, shown: None };

    fn field(self, name: &str) -> Self {
        self.is.get(name).map_or(Self::ABSENT, |is| Self { is, shown: self.shown.and_then(|shown| shown.get(name)) })
    }

    /// The item of a list by its name.
    fn item(self, name: &str) -> Self {
        let list = self.is.as_array().map(Vec::as_slice).unwrap_or_default();
        let found = list.iter().enumerate().find(|(_, item)| text(item, "/name") == name);
        found.map_or(Self::ABSENT, |(at, is)| Self { is, shown: self.shown.and_then(|shown| shown.get(at)) })
    }
}

/// The differences of two objects, a line each: `- spec.replicas: 3`, `+ spec.replicas: 5`. Lists of named things are
/// compared by name. Secrets are compared and not shown.
pub fn diff(before: &Value, after: &Value) -> Vec<String> {
    let (mut before_shown, mut after_shown) = (before.clone(), after.clone());
    crate::redact::value(&mut before_shown);
    crate::redact::value(&mut after_shown);
    let mut out = Vec::new();
    compare("", Side { is: before, shown: Some(&before_shown) }, Side { is: after, shown: Some(&after_shown) }, &mut out);
    let more = out.len().saturating_sub(DIFF_MAX);
    out.truncate(DIFF_MAX);
    if more > 0 {
        out.push(format!("  … and {more} lines more"));
    }
    out
}

fn compare(path: &str, before: Side<'_>, after: Side<'_>, out: &mut Vec<String>) {
    if before.is == after.is {
        return;
    }
    match (before.is, after.is) {
        (Value::Object(left), Value::Object(right)) => {
            let mut names: Vec<&String> = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))).collect();
            names.sort();
            for name in names {
                compare(&below(path, name), before.field(name), after.field(name), out);
            }
        }
        (Value::Array(left), Value::Array(right)) if named(left) && named(right) => {
            let mut names: Vec<&str> = left.iter().chain(right).map(|item| text(item, "/name")).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                compare(&below(path, name), before.item(name), after.item(name), out);
            }
        }
        _ => {
            for (sign, side) in [('-', before), ('+', after)] {
                match side.shown {
                    _ if side.is.is_null() => {}
                    Some(shown) => lines(sign, path, shown, out),
                    None => out.push(format!("{sign} {path}: [redacted]")),
                }
            }
        }
    }
}

fn named(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|item| item.get("name").is_some_and(Value::is_string))
}

/// A name may be a secret too, as a label's or an annotation's.
fn below(path: &str, name: &str) -> String {
    let name = crate::redact::text(name);
    if path.is_empty() { name.into_owned() } else { format!("{path}.{name}") }
}

/// The lines of a value without secrets. Its path may say once more that it is one: the value was judged without it.
fn lines(sign: char, path: &str, value: &Value, out: &mut Vec<String>) {
    let value = match value {
        Value::Object(fields) if !fields.is_empty() => {
            return fields.iter().for_each(|(name, inner)| lines(sign, &below(path, name), inner, out));
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let place = format!("{path}: ");
    let line = crate::redact::text(&format!("{place}{value}")).into_owned();
    out.push(format!("{sign} {place}{}", line.strip_prefix(&place).unwrap_or("[redacted]")));
}
