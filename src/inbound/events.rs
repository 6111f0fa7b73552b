//! `POST /slack/events`: the Events API. An alert that another bot posted becomes a record; everything else is acknowledged.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    State,
    alerts::{self, Recognised},
    deliveries::Ack,
    installs, people,
    reply::Refusal,
    state::{Door, clean},
};
use crate::model::{Inbound, Origin, RecordSource};

/// The outer envelope, as far as we need it; unknown fields and types are no error.
#[derive(Debug, Deserialize)]
pub struct Envelope {
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default)]
    pub challenge: Option<String>,
    #[serde(default)]
    pub event_id: Option<String>,
    #[serde(default)]
    pub api_app_id: Option<String>,
    #[serde(default)]
    pub team_id: String,
    #[serde(default)]
    pub event: Value,
}

/// Handles one verified delivery.
pub async fn handle(state: &State, envelope: Envelope) -> Ack {
    match (envelope.kind.as_str(), &envelope.challenge) {
        ("url_verification", Some(challenge)) => return Ok(Some(json!({"challenge": challenge}))),
        ("event_callback", _) => {}
        _ => {
            state.metrics.unknown_event();
            return Ok(None);
        }
    }
    match text(&envelope.event, "type") {
        "message" if is_a_persons(&envelope.event) => people::handle(state, &envelope, "message").await?,
        "message" => message(state, &envelope).await?,
        kind @ ("app_mention" | "reaction_added" | "app_home_opened" | "link_shared" | "agent_session_stopped") => {
            people::handle(state, &envelope, kind).await?;
        }
        kind @ ("tokens_revoked" | "app_uninstalled") => installs::handle(state, &envelope, kind).await?,
        _ => state.metrics.unknown_event(),
    }
    Ok(None)
}

/// A new message that a person wrote, not an app.
fn is_a_persons(event: &Value) -> bool {
    let plain = matches!(text(event, "subtype"), "" | "thread_broadcast" | "file_share");
    plain && text(event, "bot_id").is_empty() && !text(event, "user").is_empty()
}

async fn message(state: &State, envelope: &Envelope) -> Result<(), Refusal> {
    let event = &envelope.event;
    let Some(place) = place(state, envelope) else { return Ok(()) };
    let Recognised::Alerts(mut found) = alerts::from_slack_message(event) else { return Ok(()) };
    let Place { channel, ts, follow_up } = place;
    let Some(priority) = found.iter().map(|alert| alert.priority).min() else { return Ok(()) };
    // Without an event id the message itself is the identity: the same message is the same alert.
    let message_id = format!("{channel}/{ts}/{}", text(event, "event_ts"));
    let key = envelope.event_id.as_deref().unwrap_or(&message_id);
    state
        .record(Door { source: RecordSource::SlackEvents, key: Some(key), team: &envelope.team_id, priority }, |id| {
            for alert in &mut found {
                alert.id = id;
                alert.origin = Origin::Slack { channel: channel.to_owned(), ts: ts.to_owned() };
                clean(alert);
            }
            Inbound::Alerts { alerts: found, follow_up }
        })
        .await?;
    Ok(())
}

/// The message that an alert's incident belongs to.
struct Place<'a> {
    channel: &'a str,
    ts: &'a str,
    /// An edit, or a reply in a thread.
    follow_up: bool,
}

/// Where a message of a bot that is not us stands; `None` for everything else.
fn place<'a>(state: &State, envelope: &'a Envelope) -> Option<Place<'a>> {
    let event = &envelope.event;
    let channel = Some(text(event, "channel")).filter(|channel| !channel.is_empty())?;
    // Alertmanager can edit its message in place, or answer in its thread, when the alert changes.
    let (message, edited) = match text(event, "subtype") {
        "" | "bot_message" => (event, false),
        "message_changed" => (event.get("message")?, true),
        _ => return None,
    };
    let ts = Some(text(message, "ts")).filter(|ts| !ts.is_empty())?;
    if text(message, "bot_id").is_empty() || is_ours(state, envelope, message) {
        return None;
    }
    let thread = Some(text(message, "thread_ts")).filter(|thread| !thread.is_empty()).unwrap_or(ts);
    Some(Place { channel, ts: thread, follow_up: edited || thread != ts })
}

pub fn is_ours(state: &State, envelope: &Envelope, message: &Value) -> bool {
    let same = |known: &str, given: &str| !known.is_empty() && known == given;
    let by_identity = state
        .slack
        .of(&envelope.team_id)
        .identity
        .get()
        .is_some_and(|us| same(&us.bot_id, text(message, "bot_id")) || same(&us.user_id, text(message, "user")));
    let app = envelope.api_app_id.as_deref().unwrap_or_default();
    let profile = message.pointer("/bot_profile/app_id").and_then(Value::as_str).unwrap_or_default();
    by_identity || same(app, text(message, "app_id")) || same(app, profile)
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
