//! `agent_session_stopped`: a person pressed Slack's own Stop button while we worked in a thread.

use super::{
    State,
    events::{Envelope, text},
    reply::Refusal,
    state::Door,
};
use crate::model::{Inbound, Priority, RecordSource};

/// Records the wish; the worker that looks into it ends.
pub async fn handle(state: &State, envelope: &Envelope) -> Result<(), Refusal> {
    let event = &envelope.event;
    let (channel, thread, user) = (text(event, "channel"), text(event, "thread_ts"), text(event, "user"));
    if channel.is_empty() || thread.is_empty() {
        state.metrics.unknown_event();
        return Ok(());
    }
    let own = format!("{channel}/{thread}/{}", text(event, "event_ts"));
    let key = envelope.event_id.as_deref().unwrap_or(&own);
    let door = Door { source: RecordSource::SlackEvents, key: Some(key), team: &envelope.team_id, priority: Priority::P0 };
    state.record(door, |_| Inbound::Stop { channel: channel.to_owned(), thread: thread.to_owned(), user: user.to_owned() }).await?;
    Ok(())
}
