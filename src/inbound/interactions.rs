//! `POST /slack/interactions`: buttons. An act becomes a record; "Details" opens its modal at once, because the trigger lives three seconds.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;

use super::{State, reply::Refusal};
use crate::{
    model::{Act, Inbound, IncidentId, Part, Priority, RecordSource, Text},
    report,
    slack::blocks,
};

/// The payload, as far as we need it.
#[derive(Debug, Deserialize)]
struct Payload {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    user: Named,
    #[serde(default)]
    trigger_id: String,
    #[serde(default)]
    actions: Vec<Pressed>,
}

#[derive(Debug, Default, Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
}

#[derive(Debug, Deserialize)]
struct Pressed {
    #[serde(default)]
    action_id: String,
    #[serde(default)]
    action_ts: String,
    #[serde(default)]
    value: Option<String>,
}

/// Handles one verified delivery.
pub async fn handle(state: &State, body: &[u8]) -> Result<Response, Refusal> {
    let payload = url::form_urlencoded::parse(body)
        .find(|(name, _)| name == "payload")
        .map(|(_, value)| value.into_owned())
        .ok_or_else(|| Refusal::Malformed("the form has no field `payload`".to_owned()))?;
    let payload: Payload = serde_json::from_str(&payload)
        .map_err(|error| Refusal::Malformed(format!("`payload` is not the JSON of an interaction: {error}")))?;
    if payload.kind != "block_actions" {
        state.metrics.unknown_event();
        return Ok(StatusCode::OK.into_response());
    }
    for pressed in &payload.actions {
        let Some(incident) = pressed.value.as_deref().and_then(|value| value.parse::<IncidentId>().ok()) else {
            state.metrics.unknown_event();
            continue;
        };
        match pressed.action_id.as_str() {
            "ack" => act(state, &payload, pressed, Act::Acknowledge, incident).await?,
            "unack" => act(state, &payload, pressed, Act::Unacknowledge, incident).await?,
            "resolve" => act(state, &payload, pressed, Act::Resolve, incident).await?,
            "reopen" => act(state, &payload, pressed, Act::Reopen, incident).await?,
            "rerun" => act(state, &payload, pressed, Act::Rerun, incident).await?,
            "details" => {
                // Slack wants its answer within three seconds and the modal too: the one does not wait for the other.
                let (state, trigger) = (state.clone(), payload.trigger_id.clone());
                tokio::spawn(async move { details(&state, incident, &trigger).await });
            }
            _ => state.metrics.unknown_event(),
        }
    }
    Ok(StatusCode::OK.into_response())
}

async fn act(state: &State, payload: &Payload, pressed: &Pressed, act: Act, incident: IncidentId) -> Result<(), Refusal> {
    let key = format!("{}/{}/{}", payload.trigger_id, pressed.action_id, pressed.action_ts);
    let user = payload.user.id.clone();
    state.record(RecordSource::SlackInteraction, Some(&key), Priority::P0, |_| Inbound::Act { act, incident, user }).await?;
    Ok(())
}

async fn details(state: &State, id: IncidentId, trigger: &str) {
    let view = match details_view(state, id).await {
        Ok(view) => view,
        Err(error) => {
            tracing::error!(incident = %id, %error, "the details could not be read");
            blocks::modal(
                &id.to_string(),
                &[Part::Section(Text::new().plain("The details cannot be read at the moment. Please try again."))],
            )
        }
    };
    if let Err(error) = state.slack.open_view(trigger, &view).await {
        tracing::warn!(incident = %id, %error, "the details modal could not be opened");
    }
}

async fn details_view(state: &State, id: IncidentId) -> crate::store::Result<Value> {
    let investigation = match state.store.incident(id).await?.and_then(|incident| incident.investigation) {
        Some(investigation) => state.store.investigation(investigation).await?,
        None => None,
    };
    let parts = investigation.map_or_else(
        || vec![Part::Section(Text::new().plain("The investigation has not finished yet."))],
        |investigation| report::details(&investigation),
    );
    Ok(blocks::modal(&id.to_string(), &parts))
}
