//! `POST /api/v1/alerts`: alerts from scripts and senders without a Slack channel.

use axum::{
    Json,
    http::{HeaderMap, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    State,
    alerts::{self, AlertError},
    reply::Refusal,
    state::{Door, clean},
};
use crate::model::{Inbound, RecordSource};

/// The same body again within this time is the sender's own repetition after an answer that it did not get.
const REPETITION_SECONDS: i64 = 60;
/// How long an `Idempotency-Key` stands for one request.
const KEY_SECONDS: i64 = 24 * 3600;
/// Longer keys are no keys but data.
const IDEMPOTENCY_KEY_MAX: usize = 200;

/// Checks the bearer token, where one is configured.
pub fn authorize(state: &State, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(expected) = &state.api_token else { return Ok(()) };
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    match given {
        Some(given) if bool::from(given.as_bytes().ct_eq(expected.expose_secret().as_bytes())) => Ok(()),
        Some(_) => Err(Refusal::Unauthorized("the bearer token is not the configured one".to_owned())),
        None => Err(Refusal::Unauthorized("this API wants `Authorization: Bearer <token>`".to_owned())),
    }
}

/// What makes a request the same request: the sender's own key, or else its body within a minute.
pub fn dedup_key(key: Option<&str>, body: &[u8], now: Timestamp) -> String {
    match key {
        Some(key) => format!("key/{key}/{}", now.as_second() / KEY_SECONDS),
        None => format!("body/{}/{}", hex::encode(Sha256::digest(body)), now.as_second() / REPETITION_SECONDS),
    }
}

/// Takes one alert or several.
pub async fn alerts(state: &State, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let mut found = alerts::from_api(body).map_err(|error| match error {
        AlertError::Malformed { place, reason } => Refusal::Malformed(format!("the body is broken at {place}: {reason}")),
        AlertError::Invalid { field, reason } => Refusal::Invalid { field, reason },
        AlertError::UnknownSource(source) => Refusal::Invalid { field: "source".to_owned(), reason: format!("`{source}` is not known") },
    })?;
    let Some(priority) = found.iter().map(|alert| alert.priority).min() else {
        return Err(Refusal::Invalid { field: "alerts".to_owned(), reason: "the list is empty".to_owned() });
    };
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).filter(|key| !key.is_empty());
    if key.is_some_and(|key| key.len() > IDEMPOTENCY_KEY_MAX) {
        return Err(Refusal::Invalid {
            field: "Idempotency-Key".to_owned(),
            reason: format!("is longer than {IDEMPOTENCY_KEY_MAX} bytes"),
        });
    }
    let key = dedup_key(key, body, state.clock.now());
    let id = state
        .record(Door { source: RecordSource::Api, key: Some(&key), team: "", priority }, |id| {
            for alert in &mut found {
                alert.id = id;
                clean(alert);
            }
            Inbound::Alerts { alerts: found, follow_up: false }
        })
        .await?;
    Ok(Json(json!({"status": "success", "analysis_id": id})).into_response())
}
