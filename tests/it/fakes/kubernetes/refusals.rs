//! What an API server says when it does not do what was asked: `Status` objects with code, reason, message and details.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// A kind as the server knows it.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
}

impl Known {
    /// `deployments.apps`, `pods`.
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Deployment.apps`, `Pod`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// Where a field is wrong, and why.
#[derive(Debug)]
pub struct Cause {
    pub reason: &'static str,
    pub field: String,
    pub message: String,
}

pub fn invalid_value(field: impl Into<String>, value: impl std::fmt::Display, said: &str) -> Cause {
    Cause { reason: "FieldValueInvalid", field: field.into(), message: format!("Invalid value: {value}: {said}") }
}

pub fn required(field: impl Into<String>) -> Cause {
    Cause { reason: "FieldValueRequired", field: field.into(), message: "Required value".to_owned() }
}

pub fn forbidden_field(field: impl Into<String>, said: &str) -> Cause {
    Cause { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {said}") }
}

/// A `Status` that is a failure.
#[derive(Debug)]
pub struct Refusal(pub u16, pub Value);

impl Refusal {
    pub fn new(code: u16, reason: &str, message: impl Into<String>, details: Value) -> Self {
        let mut body = Map::new();
        for (name, value) in [
            ("kind", json!("Status")),
            ("apiVersion", json!("v1")),
            ("metadata", json!({})),
            ("status", json!("Failure")),
            ("message", json!(message.into())),
        ] {
            body.insert(name.to_owned(), value);
        }
        if !reason.is_empty() {
            body.insert("reason".to_owned(), json!(reason));
        }
        if !details.is_null() {
            body.insert("details".to_owned(), details);
        }
        body.insert("code".to_owned(), json!(code));
        Self(code, Value::Object(body))
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message, Value::Null)
    }

    pub fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource", json!({}))
    }

    pub fn method() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", json!({}))
    }

    pub fn not_found(known: &Known, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", known.resource());
        Self::new(404, "NotFound", message, details(known, name))
    }

    /// `on` is the resource, or for a deletion the kind, as the real server has it.
    pub fn conflict(on: &str, known: &Known, name: &str, why: &str) -> Self {
        let group = if known.group.is_empty() { String::new() } else { format!(".{}", known.group) };
        let mut details = details(known, name);
        details["kind"] = json!(on);
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {on}{group} \"{name}\": {why}"), details)
    }

    pub fn modified(known: &Known, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(known.plural, known, name, why)
    }

    /// `kind` as in `Deployment.apps`.
    pub fn invalid(kind: &str, name: &str, causes: &[Cause]) -> Self {
        let all: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let said = if all.len() == 1 { all[0].clone() } else { format!("[{}]", all.join(", ")) };
        let (bare, group) = kind.split_once('.').unwrap_or((kind, ""));
        let causes: Vec<Value> =
            causes.iter().map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field})).collect();
        let mut details = json!({"name": name, "group": group, "kind": bare, "causes": causes});
        details.as_object_mut().unwrap().retain(|_, value| *value != "");
        Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {said}"), details)
    }

    pub fn forbidden(known: &Known, resource: &str, name: Option<&str>, namespace: Option<&str>, user: &str, verb: &str) -> Self {
        let place = namespace.map_or("at the cluster scope".to_owned(), |namespace| format!("in the namespace \"{namespace}\""));
        let object = name.map_or_else(String::new, |name| format!(" \"{name}\""));
        let message = format!(
            "{}{object} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}",
            known.resource(),
            known.group
        );
        Self::new(403, "Forbidden", message, details(known, name.unwrap_or_default()))
    }
}

fn details(known: &Known, name: &str) -> Value {
    let mut details = json!({"name": name, "group": known.group, "kind": known.plural});
    details.as_object_mut().unwrap().retain(|_, value| *value != "");
    details
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.0).unwrap();
        let mut response = (code, [(header::CONTENT_TYPE, "application/json")], self.1.to_string()).into_response();
        // The server says so for every 429, and for an eviction it is what clients wait for.
        if let Some(seconds) = self.1.pointer("/details/retryAfterSeconds").filter(|_| self.0 == 429) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.to_string().parse().unwrap());
        }
        response
    }
}
