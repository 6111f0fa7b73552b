//! `POST /slack/interactions`: buttons, menus and modals. An act becomes a record before Slack gets its answer; modals open
//! beside it, because a trigger lives three seconds.

mod buttons;
mod modals;
mod payload;
mod submissions;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::Value;

use super::{State, deliveries::Ack, reply::Refusal, shortcuts, state::Door};
use crate::model::{Act, Caller, Inbound, IncidentId, Priority, RecordSource, Reply, RunWish};
pub use payload::Payload;

/// Handles one verified delivery.
pub async fn handle(state: &State, raw: Value) -> Ack {
    let payload =
        Payload::deserialize(&raw).map_err(|error| Refusal::Malformed(format!("`payload` is not the JSON of an interaction: {error}")))?;
    match payload.kind.as_str() {
        "message_action" | "shortcut" => shortcuts::handle(state, &raw).await,
        "block_actions" => buttons::handle(state, &payload).await.map(|()| None),
        "view_submission" => submissions::handle(state, &payload).await,
        "view_closed" => Ok(None),
        _ => {
            state.metrics.unknown_event();
            Ok(None)
        }
    }
}

/// Makes a wish about runbooks durable.
async fn record_wish(state: &State, payload: &Payload, key: &str, wish: RunWish, reply: Reply) -> Result<(), Refusal> {
    let door = Door { source: RecordSource::SlackInteraction, key: Some(key), team: payload.team(), priority: Priority::P0 };
    let by = Caller::slack(&payload.user.id);
    state.record(door, |_| Inbound::Runbook { wish, by, reply }).await?;
    Ok(())
}

/// Makes an act durable; `key` is what a second delivery of the same act has too.
async fn record(state: &State, payload: &Payload, key: &str, act: Act, incident: IncidentId, reply: Reply) -> Result<(), Refusal> {
    let door = Door { source: RecordSource::SlackInteraction, key: Some(key), team: payload.team(), priority: Priority::P0 };
    let user = payload.user.id.clone();
    state.record(door, |_| Inbound::Act { act, incident, user, reply }).await?;
    Ok(())
}
