//! `POST /slack/events`: the Events API. An alert that another bot posted becomes a record; everything else is acknowledged.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    State,
    alerts::{self, Recognised},
    reply::Refusal,
    state::clean,
};
use crate::model::{Inbound, Origin, RecordSource};

/// The outer envelope, as far as we need it; unknown fields and types are no error.
#[derive(Debug, Deserialize)]
struct Envelope {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    challenge: Option<String>,
    #[serde(default)]
    event_id: Option<String>,
    #[serde(default)]
    api_app_id: Option<String>,
    #[serde(default)]
    event: Value,
}

/// Handles one verified delivery.
pub async fn handle(state: &State, body: &[u8]) -> Result<Response, Refusal> {
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|error| Refusal::Malformed(format!("the body is not the JSON of a Slack event: {error}")))?;
    match (envelope.kind.as_str(), &envelope.challenge) {
        ("url_verification", Some(challenge)) => return Ok(Json(json!({"challenge": challenge})).into_response()),
        ("event_callback", _) => {}
        _ => {
            state.metrics.unknown_event();
            return Ok(StatusCode::OK.into_response());
        }
    }
    if text(&envelope.event, "type") == "message" {
        message(state, &envelope).await?;
    } else {
        state.metrics.unknown_event();
    }
    Ok(StatusCode::OK.into_response())
}

async fn message(state: &State, envelope: &Envelope) -> Result<(), Refusal> {
    let event = &envelope.event;
    if !is_another_bots_alert(state, envelope) {
        return Ok(());
    }
    let Recognised::Alerts(mut found) = alerts::from_slack_message(event) else { return Ok(()) };
    let (channel, ts) = (text(event, "channel"), text(event, "ts"));
    let Some(priority) = found.iter().map(|alert| alert.priority).min() else { return Ok(()) };
    // Without an event id the message itself is the identity: the same message is the same alert.
    let message_id = format!("{channel}/{ts}");
    let key = envelope.event_id.as_deref().unwrap_or(&message_id);
    state
        .record(RecordSource::SlackEvents, Some(key), priority, |id| {
            for alert in &mut found {
                alert.id = id;
                alert.origin = Origin::Slack { channel: channel.to_owned(), ts: ts.to_owned() };
                clean(alert);
            }
            Inbound::Alerts { alerts: found }
        })
        .await?;
    Ok(())
}

/// A new top-level message of a bot that is not us, in a channel.
fn is_another_bots_alert(state: &State, envelope: &Envelope) -> bool {
    let event = &envelope.event;
    if text(event, "channel").is_empty() || text(event, "ts").is_empty() {
        return false;
    }
    if !matches!(text(event, "subtype"), "" | "bot_message") {
        return false;
    }
    let thread = text(event, "thread_ts");
    if !thread.is_empty() && thread != text(event, "ts") {
        return false;
    }
    let bot = text(event, "bot_id");
    if bot.is_empty() {
        return false;
    }
    let ours = state.identity.get().is_some_and(|us| us.bot_id == bot || us.user_id == text(event, "user"));
    let our_app = envelope
        .api_app_id
        .as_deref()
        .filter(|app| !app.is_empty())
        .is_some_and(|app| app == text(event, "app_id") || event.pointer("/bot_profile/app_id").and_then(Value::as_str) == Some(app));
    !ours && !our_app
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
