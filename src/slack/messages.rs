//! One message that somebody else posted, by its place.

use serde_json::Value;

use super::{Client, SlackError};

impl Client {
    /// The message `ts` of a channel, in a thread or not; `None` when it is not there any more.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`].
    pub async fn message(&self, channel: &str, ts: &str) -> Result<Option<Value>, SlackError> {
        let one = vec![("channel", Some(channel)), ("latest", Some(ts)), ("inclusive", Some("true")), ("limit", Some("1"))];
        if let Some(found) = pick(&self.ask("conversations.history", &one).await?, ts) {
            return Ok(Some(found));
        }
        // The channel's history has no replies. By its own `ts` a reply is found without its thread being known.
        let reply = vec![("channel", Some(channel)), ("ts", Some(ts)), ("inclusive", Some("true")), ("limit", Some("1"))];
        match self.ask("conversations.replies", &reply).await {
            Ok(answer) => Ok(pick(&answer, ts)),
            Err(error) if error.kind == super::SlackErrorKind::Gone => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn pick(answer: &Value, ts: &str) -> Option<Value> {
    let messages = answer.get("messages").and_then(Value::as_array)?;
    messages.iter().find(|message| message.get("ts").and_then(Value::as_str) == Some(ts)).cloned()
}
