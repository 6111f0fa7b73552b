//! `POST /slack/interactions`: buttons. An act becomes a record; "Details" opens its modal at once, because the trigger lives three seconds.

use serde::Deserialize;
use serde_json::Value;

use super::{State, deliveries::Ack, exports, reply::Refusal, shortcuts, state::Door, storms};
use crate::{
    model::{Act, Inbound, IncidentId, Part, Priority, RecordSource, Reply, Text},
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
    team: Option<Named>,
    #[serde(default)]
    channel: Named,
    #[serde(default)]
    container: Container,
    #[serde(default)]
    response_url: Option<String>,
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

/// What the element was in.
#[derive(Debug, Default, Deserialize)]
struct Container {
    #[serde(default)]
    thread_ts: Option<String>,
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

impl Payload {
    fn team(&self) -> &str {
        self.team.as_ref().map_or("", |team| team.id.as_str())
    }
}

/// Handles one verified delivery.
pub async fn handle(state: &State, raw: Value) -> Ack {
    let payload =
        Payload::deserialize(&raw).map_err(|error| Refusal::Malformed(format!("`payload` is not the JSON of an interaction: {error}")))?;
    if matches!(payload.kind.as_str(), "message_action" | "shortcut") {
        return shortcuts::handle(state, &raw).await;
    }
    if payload.kind != "block_actions" {
        state.metrics.unknown_event();
        return Ok(None);
    }
    for pressed in &payload.actions {
        if pressed.action_id.starts_with("storm_") {
            let value = pressed.value.as_deref().unwrap_or_default();
            storms::handle(
                state,
                &storms::Press {
                    team: payload.team(),
                    action: &pressed.action_id,
                    value,
                    user: &payload.user.id,
                    trigger: &payload.trigger_id,
                },
            )
            .await?;
            continue;
        }
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
            exports::ACTION => exports::handle(state, incident).await?,
            "details" => {
                // Slack wants its answer within three seconds and the modal too: the one does not wait for the other.
                let (state, team, trigger) = (state.clone(), payload.team().to_owned(), payload.trigger_id.clone());
                tokio::spawn(async move { details(&state, &team, incident, &trigger).await });
            }
            _ => state.metrics.unknown_event(),
        }
    }
    Ok(None)
}

async fn act(state: &State, payload: &Payload, pressed: &Pressed, act: Act, incident: IncidentId) -> Result<(), Refusal> {
    let key = format!("{}/{}/{}", payload.trigger_id, pressed.action_id, pressed.action_ts);
    let user = payload.user.id.clone();
    let reply = Reply {
        channel: payload.channel.id.clone(),
        thread: payload.container.thread_ts.clone(),
        response_url: payload.response_url.clone(),
    };
    let door = Door { source: RecordSource::SlackInteraction, key: Some(&key), team: payload.team(), priority: Priority::P0 };
    state.record(door, |_| Inbound::Act { act, incident, user, reply }).await?;
    Ok(())
}

async fn details(state: &State, team: &str, id: IncidentId, trigger: &str) {
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
    if let Err(error) = state.slack.of(team).client.open_view(trigger, &view).await {
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
        |investigation| {
            let mut parts = report::details(&investigation);
            parts.push(Part::Actions(vec![exports::button(id)]));
            parts
        },
    );
    Ok(blocks::modal(&id.to_string(), &parts))
}
