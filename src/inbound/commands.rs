//! Slash commands.

use serde_json::{Map, Value};

use super::{State, deliveries::Ack};

/// Handles one verified command; its fields are those of Slack's form.
pub async fn handle(state: &State, fields: Map<String, Value>) -> Ack {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    tracing::info!(command = text("command"), "a command arrived");
    state.metrics.unknown_event();
    Ok(None)
}
