//! A message that fills in before a person's eyes: started, appended to, and ended with its final blocks.

use serde_json::{Value, json};

use super::{
    Client, Posted, SlackError, SlackErrorKind,
    client::{delivery_metadata, posted},
};

/// To whom a message is streamed.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// A Slack user id.
    pub user: &'a str,
    /// The person's workspace; empty when it is not known.
    pub team: &'a str,
}

impl Client {
    /// Starts a message in a thread that is filled in by [`Client::append_stream`]. Slack lets an app stream only to a person who asked.
    ///
    /// # Errors
    /// See [`SlackErrorKind`]; `Refused` also where the workspace does not know streaming.
    pub async fn start_stream(&self, channel: &str, thread_ts: &str, to: Recipient<'_>, chunks: &[Value]) -> Result<Posted, SlackError> {
        let mut body = json!({"channel": channel, "thread_ts": thread_ts, "recipient_user_id": to.user,
            "task_display_mode": "plan", "chunks": chunks});
        if let Some(fields) = body.as_object_mut().filter(|_| !to.team.is_empty()) {
            fields.insert("recipient_team_id".to_owned(), to.team.into());
        }
        let answer = self.call("chat.startStream", &body).await?;
        posted("chat.startStream", &answer)
    }

    /// Brings steps of a streamed plan up to date; the same steps twice change nothing.
    ///
    /// # Errors
    /// See [`SlackErrorKind`]; `Refused` where the message is not being streamed any more.
    pub async fn append_stream(&self, channel: &str, ts: &str, chunks: &[Value]) -> Result<(), SlackError> {
        self.call("chat.appendStream", &json!({"channel": channel, "ts": ts, "chunks": chunks})).await.map(drop)
    }

    /// Ends a streamed message; `message`'s blocks are added at its end, and `delivery` marks it as [`Client::post`] would have.
    ///
    /// # Errors
    /// See [`SlackErrorKind`]; `Refused` where the message is not being streamed any more.
    pub async fn stop_stream(&self, channel: &str, ts: &str, message: &Value, delivery: &str) -> Result<(), SlackError> {
        let blocks = message.get("blocks").cloned().unwrap_or_else(|| json!([]));
        let body = json!({"channel": channel, "ts": ts, "blocks": blocks, "metadata": delivery_metadata(delivery)});
        self.call("chat.stopStream", &body).await.map(drop)
    }
}

impl SlackError {
    /// Slack's own code, without its details.
    pub fn code(&self) -> &str {
        self.message.split(' ').next().unwrap_or_default()
    }

    /// The workspace does not have this feature, or not for this app: asking again would be in vain.
    pub fn is_unknown_here(&self) -> bool {
        const CODES: &[&str] = &[
            "unknown_method",
            "method_deprecated",
            "not_allowed",
            "feature_not_enabled",
            "not_allowed_token_type",
            "missing_scope",
            "team_not_allowed",
        ];
        matches!(self.kind, SlackErrorKind::Refused | SlackErrorKind::Blocked) && CODES.contains(&self.code())
    }
}
