//! Shortcuts: "Investigate this message" from a message's menu, and the global one.

use serde_json::Value;

use super::{State, deliveries::Ack};

/// Handles one verified shortcut (`message_action` or `shortcut`).
pub async fn handle(state: &State, _payload: &Value) -> Ack {
    state.metrics.unknown_event();
    Ok(None)
}
