//! The buttons of a storm's summary.

use super::{State, reply::Refusal};

/// A button of a storm's summary was pressed.
#[derive(Debug, Clone, Copy)]
pub struct Press<'a> {
    pub team: &'a str,
    /// `storm_…`
    pub action: &'a str,
    /// The storm's id.
    pub value: &'a str,
    pub user: &'a str,
    pub trigger: &'a str,
}

/// Handles one press.
pub async fn handle(state: &State, press: &Press<'_>) -> Result<(), Refusal> {
    tracing::info!(action = press.action, storm = press.value, user = press.user, team = press.team, "a storm's button was pressed");
    let _ = press.trigger;
    state.metrics.unknown_event();
    Ok(())
}
