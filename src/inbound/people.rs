//! What people do in Slack besides pressing buttons: mentions, answers in threads, reactions, the home tab, links.

use super::{State, events::Envelope, reply::Refusal};

/// Handles one event that a person caused; `kind` is the event's type.
pub async fn handle(state: &State, envelope: &Envelope, kind: &str) -> Result<(), Refusal> {
    let _ = (envelope, kind);
    state.metrics.unknown_event();
    Ok(())
}
