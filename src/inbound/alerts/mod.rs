//! Bytes of any alert sender → alerts, without any I/O.
//!
//! A body is tried in this order: Slack's shapes, the senders that have a file, then a reader that knows what fields are
//! usually called. Nothing in a body is trusted: lengths and counts are bounded in `draft`, and nothing panics.

mod api;
mod change;
mod draft;
mod fingerprint;
mod generic;
mod json;
mod listing;
mod mapped;
mod mrkdwn;
mod pattern;
mod phrases;
mod post;
mod prose;
mod senders;
mod sentence;
mod slack;
mod subject;
mod title;
mod words;
mod workload;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::model::{Alert, observation::Change};

pub use api::from_api;
pub use fingerprint::fingerprint;
pub use mapped::{MAP_FIELDS, from_map};
pub use slack::from_slack_message;

/// No body may open more incidents than a person could ever look at.
pub const MAX_ALERTS: usize = 5_000;

/// What a body turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Recognised {
    Alerts(Vec<Alert>),
    /// Something was deployed, rolled back, turned on: evidence for later and no alert.
    Changes(Vec<Change>),
    /// A handshake, a test, a comment: the sender says itself that it is no alert.
    NotAnAlert {
        reason: String,
    },
    /// Nothing that is known here: chat in a channel, or a form that no reader understands.
    Unknown {
        reason: String,
    },
}

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlertError {
    #[error("the body is broken at {place}: {reason}")]
    Malformed { place: String, reason: String },
    #[error("`{field}`: {reason}")]
    Invalid { field: String, reason: String },
    #[error("`{0}` is not a source that is known here")]
    UnknownSource(String),
}

/// A webhook body or a Slack event or message in any supported shape; `source` `auto` sniffs by content.
///
/// # Errors
/// A body that cannot be read at all, or a `source` that nobody here speaks.
pub fn parse(source: &str, body: &[u8]) -> Result<Recognised, AlertError> {
    let reader = match source {
        "auto" | "slack" | "text" | "webhook" | "generic" | "api" => None,
        name => Some(
            senders::READERS.iter().find(|(known, _)| *known == name).ok_or_else(|| AlertError::UnknownSource(draft::cut(name, 60)))?.1,
        ),
    };
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}');
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(AlertError::Malformed { place: "line 1 column 1".into(), reason: "the body is empty".into() });
    }
    let start: String = trimmed.chars().take(20).flat_map(char::to_lowercase).collect();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return Err(AlertError::Malformed { place: "line 1 column 1".into(), reason: "it is an HTML page and no alert".into() });
    }
    if source == "api" {
        return from_api(body).map(Recognised::Alerts);
    }
    if !trimmed.starts_with(['{', '[']) {
        return match form(trimmed) {
            Some(payload) => parse(source, payload.as_bytes()),
            None => Ok(plain_text(trimmed)),
        };
    }
    let value = match json::decode(text.as_bytes()) {
        Ok(value) => value,
        // `[FIRING:1] …` is text that begins like a list.
        Err(_) if trimmed.starts_with('[') && title::read(trimmed).marked => return Ok(plain_text(trimmed)),
        Err(error) => return Err(error),
    };
    if source == "slack" {
        return Ok(slack::parse(&value, trimmed));
    }
    Ok(reader.and_then(|reader| reader(&value, trimmed)).unwrap_or_else(|| read_value(&value, trimmed)))
}

/// Decoded JSON in any supported shape.
fn read_value(value: &Value, raw: &str) -> Recognised {
    if slack::is_slack(value) && !value.get("attachments").is_some_and(|list| json::text(list, "0.contentType").contains("adaptive")) {
        return slack::parse(value, raw);
    }
    if let Some(found) = senders::READERS.iter().find_map(|(_, reader)| reader(value, raw)) {
        return found;
    }
    match value {
        Value::Array(list) => read_list(list),
        _ => generic::read(value, raw),
    }
}

/// Several bodies in one.
fn read_list(list: &[Value]) -> Recognised {
    let mut alerts = Vec::new();
    let mut reason = "an empty list".to_owned();
    for item in list.iter().filter(|item| item.is_object()).take(MAX_ALERTS) {
        match generic::read(item, &item.to_string()) {
            Recognised::Alerts(found) => alerts.extend(found),
            Recognised::NotAnAlert { reason: why } | Recognised::Unknown { reason: why } => reason = why,
            Recognised::Changes(_) => "news of a deployment".clone_into(&mut reason),
        }
    }
    if alerts.is_empty() { Recognised::NotAnAlert { reason } } else { Recognised::Alerts(alerts) }
}

/// `payload={…}`, as some senders post their JSON inside a form.
fn form(text: &str) -> Option<String> {
    let text = text.strip_prefix("payload=").map(|_| text)?;
    url::form_urlencoded::parse(text.as_bytes())
        .find(|(key, _)| key == "payload")
        .map(|(_, value)| value.into_owned())
        .filter(|value| value.trim_start().starts_with('{'))
}

/// Text that is no JSON: an alert when it says so.
fn plain_text(text: &str) -> Recognised {
    match slack::plain_post(text) {
        Some(draft) => Recognised::Alerts(vec![draft.finish(text)]),
        None => Recognised::Unknown { reason: "a text that states no alert".into() },
    }
}
