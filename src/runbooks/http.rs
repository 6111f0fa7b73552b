//! A call to a configured address: exactly the one that was shown, at most once.

use std::str::FromStr as _;

use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;

use crate::{
    model::{Check, Preview},
    redact,
    tools::http::Body,
};

use super::{
    Systems,
    operate::{Doing, Failure, Seen},
    systems::TOOL,
};

/// How much of a body is shown.
const BODY_MAX: usize = 1500;
/// How much of an answer is repeated.
const ANSWER_MAX: usize = 120;

pub fn preview(systems: &Systems, target: &str, method: &str, path: &str, body: Option<&Value>) -> Result<(Preview, Vec<Check>), Failure> {
    let endpoint = systems.callable(target, method, path)?;
    let mut diff = vec![format!("+ {method} {}", endpoint.link(path, &[]).unwrap_or_else(|| path.to_owned()))];
    if let Some(body) = body {
        let mut shown = body.clone();
        redact::value(&mut shown);
        let text = serde_json::to_string_pretty(&shown).unwrap_or_default();
        let text: String = text.chars().take(BODY_MAX).collect();
        diff.extend(text.lines().map(|line| format!("  {line}")));
    }
    let preview = Preview {
        place: format!("{target} has no dry run; this is what will be sent"),
        diff,
        effect: "it is sent once, and cannot be taken back from here".to_owned(),
        seen: String::new(),
        facts: std::collections::BTreeMap::new(),
    };
    Ok((preview, Vec::new()))
}

pub async fn apply(
    systems: &Systems,
    target: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
    doing: Doing<'_>,
) -> Result<String, Failure> {
    let endpoint = systems.callable(target, method, path)?;
    let verb = Method::from_str(method).map_err(|_| Failure::Refused(format!("{method} is no method")))?;
    if doing.again && !verb.is_idempotent() {
        return Err(Failure::Refused(
            "the process ended while it was sent: it may have arrived, and is not sent again; please look there".to_owned(),
        ));
    }
    let mut headers = HeaderMap::new();
    if let Ok(key) = HeaderValue::from_str(&doing.mark()) {
        headers.insert("idempotency-key", key);
    }
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let query: Vec<(&str, String)> = query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let body = body.map_or(Body::None, Body::Json);
    let answer = endpoint.send_as(TOOL, verb, path, &query, body, headers).await?;
    let said: String = redact::text(&String::from_utf8_lossy(&answer.body)).chars().filter(|c| !c.is_control()).take(ANSWER_MAX).collect();
    Ok(if said.is_empty() { "it was taken".to_owned() } else { format!("it was taken: {said}") })
}

pub async fn json(
    systems: &Systems,
    target: &str,
    path: &str,
    pointer: &str,
    equals: Option<&Value>,
    at_least: Option<f64>,
    at_most: Option<f64>,
) -> Result<Seen, Failure> {
    let endpoint = systems.callable(target, "GET", path)?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let query: Vec<(&str, String)> = query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let answer = endpoint.get(TOOL, path, &query).await?;
    let body: Value =
        serde_json::from_slice(&answer.body).map_err(|error| Failure::Refused(format!("{target}: the answer is no JSON ({error})")))?;
    let place = if pointer.is_empty() { "the answer" } else { pointer };
    let Some(found) = body.pointer(pointer) else { return Ok(Seen::not_yet(format!("{target}: there is nothing at {place}"))) };
    // Prometheus gives its numbers as text.
    let number = found.as_f64().or_else(|| found.as_str()?.parse().ok());
    let shown: String = redact::text(&found.to_string()).chars().take(ANSWER_MAX).collect();
    let says = format!("{target}: {place} is {shown}");
    let fits = equals.is_none_or(|wanted| wanted == found)
        && at_least.is_none_or(|least| number.is_some_and(|number| number >= least))
        && at_most.is_none_or(|most| number.is_some_and(|number| number <= most));
    Ok(if fits { Seen::so(says) } else { Seen::not_yet(says) })
}
