//! What changes the cluster: patches, deletions of pods, evictions and the scale of a workload, checked as a real server does.

use std::collections::HashMap;

use axum::{
    Json,
    body::Bytes,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    Inner, Key, Shared, Wanted,
    evictions::{delete_pod, evict},
    patching::{media, patch, patch_scale},
    refusals::{Known, Refusal},
    rights::{self, User},
    taken_apart,
};

/// A write as it was received, whatever became of it.
#[derive(Debug, Clone)]
pub struct Write {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub content_type: String,
    /// Null when there was none; a string when it was no JSON.
    pub body: Value,
    /// Who the token belongs to; empty for a token that nobody has.
    pub user: String,
    /// The answer's status code; 0 while there is none.
    pub status: u16,
}

impl Write {
    /// Whether it was only to be tried: by the query, or by the options in the body.
    pub fn dry_run(&self) -> bool {
        let body = [&self.body["dryRun"], &self.body["deleteOptions"]["dryRun"]];
        self.query.get("dryRun").is_some_and(|word| word == "All") || body.iter().any(|word| **word == json!(["All"]))
    }

    /// Whether it was stored.
    pub fn took_effect(&self) -> bool {
        (200..300).contains(&self.status) && !self.dry_run()
    }
}

/// A request that would change something: verb, kind and place are known.
pub struct Asked<'a> {
    pub known: Known,
    pub namespaced: bool,
    pub namespace: Option<&'a str>,
    pub name: &'a str,
    pub query: &'a HashMap<String, String>,
    pub content_type: &'a str,
    pub body: &'a Value,
    pub raw: &'a Bytes,
}

impl Asked<'_> {
    pub fn key(&self) -> Key {
        (self.known.kind.to_owned(), self.namespace.unwrap_or_default().to_owned(), self.name.to_owned())
    }

    /// `dryRun` of the query.
    pub fn dry(&self) -> bool {
        self.query.contains_key("dryRun")
    }
}

const REVIEW: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

pub async fn answered(shared: &Shared, query: &HashMap<String, String>, request: &Parts, body: Bytes, user: Option<User>) -> Response {
    let path = request.uri.path();
    let content_type = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    let parsed: Result<Value, serde_json::Error> = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
    if path == REVIEW && request.method == "POST" {
        return match user {
            Some(user) => reviewed(shared, &user, parsed),
            None => unauthorized(),
        };
    }
    let number = {
        let mut inner = shared.inner.lock().unwrap();
        inner.writes.push(Write {
            method: request.method.to_string(),
            path: path.to_owned(),
            query: query.clone(),
            content_type: content_type.to_owned(),
            body: parsed.as_ref().map_or_else(|_| json!(String::from_utf8_lossy(&body)), Value::clone),
            user: user.as_ref().map_or_else(String::new, |user| user.name.clone()),
            status: 0,
        });
        inner.writes.len() - 1
    };
    let Some(user) = user else { return told(shared, number, unauthorized()) };
    let (hangs, response) = {
        let mut inner = shared.inner.lock().unwrap();
        let result = carried_out(&mut inner, request, query, content_type, (&body, parsed), &user);
        let lost = taken_apart(path).is_some_and(|wanted| inner.lost.remove(&wanted.plural));
        let hangs = lost || matches!(result, Err(Stop::Hangs));
        let response = match result {
            Ok((code, answer)) => (code, Json(answer)).into_response(),
            Err(Stop::Refused(refusal)) => refusal.into_response(),
            Err(Stop::Hangs) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        (hangs, response)
    };
    shared.changed.notify_waiters();
    let response = if hangs { response } else { return told(shared, number, response) };
    drop(told(shared, number, response));
    std::future::pending().await
}

fn told(shared: &Shared, number: usize, response: Response) -> Response {
    if let Some(write) = shared.inner.lock().unwrap().writes.get_mut(number) {
        write.status = response.status().as_u16();
    }
    response
}

pub fn unauthorized() -> Response {
    Refusal::new(401, "Unauthorized", "Unauthorized", Value::Null).into_response()
}

fn reviewed(shared: &Shared, user: &User, review: Result<Value, serde_json::Error>) -> Response {
    let inner = shared.inner.lock().unwrap();
    if inner.absent.contains("authorization.k8s.io") {
        return Refusal::no_such_path().into_response();
    }
    let review = match review {
        Ok(review) => review,
        Err(error) => return Refusal::bad_request(error.to_string()).into_response(),
    };
    let forbidden = |verb: &str, resource: &str| inner.forbidden.contains(&(verb.to_owned(), resource.to_owned()));
    match rights::review(user, &review, forbidden) {
        Ok(answer) => (StatusCode::CREATED, Json(answer)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

enum Stop {
    Refused(Refusal),
    Hangs,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn carried_out(
    inner: &mut Inner,
    request: &Parts,
    query: &HashMap<String, String>,
    content_type: &str,
    (raw, parsed): (&Bytes, Result<Value, serde_json::Error>),
    user: &User,
) -> Result<(StatusCode, Value), Stop> {
    let Some(wanted) = taken_apart(request.uri.path()) else { return Err(Refusal::no_such_path().into()) };
    let Wanted { group, namespace, plural, name, sub } = &wanted;
    let Some(kind) = super::KINDS.iter().find(|known| known.0 == group && known.2 == plural) else {
        return Err(Refusal::no_such_path().into());
    };
    let known = Known { group: kind.0, version: kind.1, plural: kind.2, kind: kind.3 };
    if inner.absent.contains(group) {
        return Err(Refusal::no_such_path().into());
    }
    for failing in [format!("write {plural}"), plural.clone()] {
        if let Some((code, left)) = inner.failing.get_mut(&failing).filter(|(_, left)| *left > 0) {
            *left -= 1;
            return Err(Refusal::new(*code, "InternalError", "injected", Value::Null).into());
        }
    }
    let resource = sub.as_ref().map_or_else(|| plural.clone(), |sub| format!("{plural}/{sub}"));
    let verb = match (request.method.as_str(), name) {
        ("PATCH", _) => "patch",
        ("PUT", _) => "update",
        ("DELETE", Some(_)) => "delete",
        ("DELETE", None) => "deletecollection",
        _ => "create",
    };
    let (name, namespace) = (name.as_deref(), namespace.as_deref());
    if inner.forbidden.contains(&(verb.to_owned(), resource.clone())) || !user.may(verb, &resource, namespace) {
        return Err(Refusal::forbidden(&known, &resource, name, namespace, &user.name, verb).into());
    }
    if inner.hanging.contains(plural) {
        return Err(Stop::Hangs);
    }
    let Some(name) = name else { return Err(Refusal::method().into()) };
    if verb == "patch" {
        media(group, content_type)?;
    }
    let body = match parsed {
        Ok(body) => body,
        Err(error) if verb == "patch" => return Err(Refusal::bad_request(format!("error decoding patch: {error}")).into()),
        Err(error) => return Err(Refusal::bad_request(error.to_string()).into()),
    };
    let asked = Asked { known, namespaced: kind.4, namespace, name, query, content_type, body: &body, raw };
    Ok(match (verb, kind.3, sub.as_deref()) {
        ("patch", _, None) => (StatusCode::OK, patch(inner, &asked)?),
        ("patch", "Deployment" | "StatefulSet" | "ReplicaSet", Some("scale")) => (StatusCode::OK, patch_scale(inner, &asked)?),
        ("delete", "Pod", None) if group.is_empty() => (StatusCode::OK, delete_pod(inner, &asked)?),
        ("create", "Pod", Some("eviction")) => (StatusCode::CREATED, evict(inner, &asked)?),
        (_, _, Some("scale" | "eviction" | "log") | None) => return Err(Refusal::method().into()),
        _ => return Err(Refusal::no_such_path().into()),
    })
}
