//! `POST /api/v1/webhooks/<sender>`: the alert senders' own webhooks, each with its own proof of who it is.
//!
//! What a sender that has proved itself sends is never lost: a body that no reader understands becomes an alert that shows it.

mod auth;
mod body;
mod read;
mod sns;
#[cfg(test)]
mod tests;

use axum::{
    Json,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    State, WEBHOOKS, Webhook,
    api::dedup_key,
    reply::Refusal,
    router::one_header,
    state::{Door, clean},
};
use crate::model::{Inbound, Priority, RecordSource};
use read::Reading;

/// Longer ids are no ids but data.
const DELIVERY_ID_MAX: usize = 200;

/// A sender's door after its headers were judged.
#[derive(Debug)]
pub struct Open<'a> {
    sender: &'static str,
    settings: &'a Webhook,
    /// `None` where no secret is configured.
    signature: Option<auth::Signature>,
}

/// Judges what can be judged before the body is read: is there such a door, is the token right, is there a signature at all?
///
/// # Errors
/// 404 for a sender that is unknown or not configured, 401 for a wrong or missing proof.
pub fn open<'a>(state: &'a State, sender: &str, headers: &HeaderMap) -> Result<Open<'a>, Refusal> {
    let Some(sender) = WEBHOOKS.into_iter().find(|known| *known == sender) else {
        return Err(Refusal::NotFound(format!("no webhook of this name; there are {}", WEBHOOKS.join(", "))));
    };
    let configured = state.config.webhooks.get(sender).filter(|webhook| webhook.token.is_some() || webhook.secret.is_some());
    let Some(settings) = configured else {
        return Err(Refusal::NotFound(format!(
            "this webhook is not configured: set `webhooks.{sender}.token` or `webhooks.{sender}.secret` in the settings"
        )));
    };
    let signature = auth::headers(sender, settings, headers, state.clock.now())?;
    Ok(Open { sender, settings, signature })
}

/// Takes one body through an open door.
///
/// # Errors
/// 401 for a wrong signature, 413 and 422 for a body beyond the limits, 503 when the record is not durable.
pub async fn receive(state: &State, door: &Open<'_>, headers: &HeaderMap, raw: &[u8]) -> Result<Response, Refusal> {
    if let (Some(signature), Some(secret)) = (&door.signature, &door.settings.secret) {
        signature.verify(secret, raw)?;
    }
    let (text, broken) = body::unpacked(headers, raw)?;
    let value = serde_json::from_slice::<Value>(&text).unwrap_or(Value::Null);
    if door.sender == "cloudwatch" {
        sns::confirm(state, &value);
    }
    let (inbound, priority) = match read::read(door.sender, door.settings, &text, &value, broken)? {
        Reading::Alerts(mut alerts) => {
            alerts.iter_mut().for_each(clean);
            let priority = alerts.iter().map(|alert| alert.priority).min().unwrap_or(Priority::P2);
            (Inbound::Alerts { alerts, follow_up: false }, priority)
        }
        Reading::Changes(changes) => (Inbound::Changes { changes }, Priority::P3),
        Reading::Nothing(reason) => {
            tracing::info!(sender = door.sender, reason, "a webhook delivery that is no alert");
            return Ok(Json(json!({"status": "received", "id": null, "reason": reason})).into_response());
        }
    };
    let delivery = delivery_id(door.sender, headers, &value).map(|id| format!("{}/{id}", door.sender));
    // Two senders may send the same bytes, so the sender is part of the key either way.
    let key = format!("{}/{}", door.sender, dedup_key(delivery.as_deref(), raw, state.clock.now()));
    let id = state.record(Door { source: RecordSource::Webhook, key: Some(&key), team: "", priority }, |id| inbound.with_id(id)).await?;
    Ok(Json(json!({"status": "received", "id": id})).into_response())
}

/// The sender's own id of this delivery, which it repeats when it sends the delivery again. Sources: `event.id` of
/// PagerDuty's V3 webhooks; `MessageId` of SNS ("the message ID of the original message is used" in retries); Sentry's
/// `Request-ID` header. The others have none; whoever scripts one may send `Idempotency-Key`.
fn delivery_id(sender: &str, headers: &HeaderMap, body: &Value) -> Option<String> {
    let stated = match sender {
        "pagerduty" => body.pointer("/event/id").and_then(Value::as_str),
        "cloudwatch" => body.get("MessageId").and_then(Value::as_str),
        "sentry" => one_header(headers, "request-id"),
        _ => None,
    };
    stated.or_else(|| one_header(headers, "idempotency-key")).filter(|id| !id.is_empty() && id.len() <= DELIVERY_ID_MAX).map(str::to_owned)
}
