//! `POST /api/v1/changes`: what CI/CD says that it did. Kept as evidence for later investigations.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{State, api::dedup_key, reply::Refusal, state::Door};
use crate::{
    model::{Entity, Inbound, Priority, RecordSource, observation::Change},
    redact,
};

/// How many changes one request may tell of.
pub const CHANGES_MAX: usize = 100;
/// How many characters a text may have, and how many bytes of a diff are kept.
const TEXT_MAX: usize = 2_000;
const DIFF_MAX: usize = 16 << 10;
const FILES_MAX: usize = 200;
/// The kinds that an investigation knows how to read.
const KINDS: &[&str] = &["deploy", "commit", "flag", "config", "scale", "migration", "infrastructure"];
/// A sender's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// One change as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    service: String,
    summary: String,
    #[serde(default = "deploy")]
    kind: String,
    #[serde(default)]
    id: String,
    time: Option<Timestamp>,
    #[serde(default)]
    author: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    cluster: String,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    diff: String,
}

fn deploy() -> String {
    "deploy".to_owned()
}

/// Takes one change or several. `key` is what the store knows the request by, where the caller gave one.
pub async fn changes(state: &State, key: Option<String>, body: &[u8]) -> Result<Response, Refusal> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::Malformed(format!("the body is broken at line {}: {error}", error.line())))?;
    let list = match value {
        Value::Array(list) => list,
        one => vec![one],
    };
    if list.is_empty() || list.len() > CHANGES_MAX {
        return Err(Refusal::Invalid { field: "changes".to_owned(), reason: format!("1 to {CHANGES_MAX} are wanted, not {}", list.len()) });
    }
    let now = state.clock.now();
    let changes = list.into_iter().enumerate().map(|(at, value)| read(at, value, now)).collect::<Result<Vec<_>, _>>()?;
    let key = key.unwrap_or_else(|| dedup_key(None, body, now));
    let count = changes.len();
    let id = state
        .record(Door { source: RecordSource::Api, key: Some(&key), team: "", priority: Priority::P3 }, |_| Inbound::Changes { changes })
        .await?;
    Ok(Json(json!({"status": "success", "id": id, "changes": count})).into_response())
}

fn read(at: usize, value: Value, now: Timestamp) -> Result<Change, Refusal> {
    let invalid = |field: &str, reason: String| Refusal::Invalid { field: format!("changes[{at}].{field}"), reason };
    let told: Told = serde_json::from_value(value).map_err(|error| invalid("", error.to_string()))?;
    for (field, text, needed) in [
        ("service", &told.service, true),
        ("summary", &told.summary, true),
        ("id", &told.id, false),
        ("author", &told.author, false),
        ("namespace", &told.namespace, false),
        ("cluster", &told.cluster, false),
    ] {
        if needed && text.trim().is_empty() {
            return Err(invalid(field, "is empty".to_owned()));
        }
        if text.chars().count() > TEXT_MAX {
            return Err(invalid(field, format!("is longer than {TEXT_MAX} characters")));
        }
    }
    if !KINDS.contains(&told.kind.as_str()) {
        return Err(invalid("kind", format!("`{}` is not one of {}", told.kind, KINDS.join(", "))));
    }
    if told.time.is_some_and(|time| time > now + AHEAD) {
        return Err(invalid("time", "lies in the future".to_owned()));
    }
    if told.files.len() > FILES_MAX {
        return Err(invalid("files", format!("are more than {FILES_MAX}")));
    }
    let clean = |text: &str| redact::text(text).into_owned();
    let diff = told.diff.get(..told.diff.floor_char_boundary(DIFF_MAX)).unwrap_or_default();
    Ok(Change {
        source: "api".to_owned(),
        id: clean(&told.id),
        kind: told.kind,
        entity: Entity { cluster: told.cluster, ..Entity::new("Service", &told.namespace, &told.service) },
        service: told.service,
        time: Some(told.time.unwrap_or(now)),
        author: told.author,
        summary: clean(&told.summary),
        files: told.files,
        diff: clean(diff),
    })
}
