//! What Slack delivers, by HTTP or by Socket Mode: told apart and given to the one handler of its kind.

use serde_json::Value;

use super::{State, commands, events, interactions, reply::Refusal};

/// What goes back to Slack with the acknowledgement, if anything.
pub type Ack = Result<Option<Value>, Refusal>;

/// Handles a verified HTTP body: events are JSON, clicks and commands are forms.
pub async fn body(state: &State, body: &[u8]) -> Ack {
    if body.trim_ascii_start().starts_with(b"{") {
        if let Some(ack) = events::quick(state, body).await {
            return ack;
        }
        let envelope = serde_json::from_slice(body)
            .map_err(|error| Refusal::Malformed(format!("the body is not the JSON of a Slack event: {error}")))?;
        return events::handle(state, envelope).await;
    }
    let mut fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    if let Some(at) = fields.iter().position(|(name, _)| name == "payload") {
        let payload = serde_json::from_str(&fields.swap_remove(at).1)
            .map_err(|error| Refusal::Malformed(format!("`payload` is not the JSON of an interaction: {error}")))?;
        return interactions::handle(state, payload).await;
    }
    if fields.iter().any(|(name, _)| name == "command") {
        return commands::handle(state, fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect()).await;
    }
    Err(Refusal::Malformed("the body is no event (JSON), interaction (`payload=`) or command (`command=`)".to_owned()))
}

/// Handles a Socket Mode envelope's payload; `kind` is the envelope's type.
pub async fn envelope(state: &State, kind: &str, payload: Value) -> Ack {
    let malformed = |error: serde_json::Error| Refusal::Malformed(format!("the payload of `{kind}` is not as Slack sends it: {error}"));
    match (kind, payload) {
        ("events_api", payload) => events::handle(state, serde_json::from_value(payload).map_err(malformed)?).await,
        ("interactive", payload) => interactions::handle(state, payload).await,
        ("slash_commands", Value::Object(fields)) => commands::handle(state, fields).await,
        _ => {
            state.metrics.unknown_event();
            Ok(None)
        }
    }
}
