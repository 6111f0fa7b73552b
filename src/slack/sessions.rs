//! An agent's session in a thread: whether it works at the moment, with Slack's own sign and its own Stop button.

use serde_json::json;

use super::{Client, SlackError};

/// Slack's limit for a session's title. Source: docs.slack.dev, `agents.sessions.setStatus`.
const TITLE_MAX: usize = 200;

/// What a session is doing. Source: docs.slack.dev, agent sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStatus {
    Processing,
    Active,
}

impl Client {
    /// Says what we do in a thread that a person started; `title` counts only for a session that is not there yet.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`]; `Refused` where the app is not declared as an agent.
    pub async fn set_session_status(&self, channel: &str, thread_ts: &str, status: SessionStatus, title: &str) -> Result<(), SlackError> {
        let status = match status {
            SessionStatus::Processing => "processing",
            SessionStatus::Active => "active",
        };
        let title: String = title.chars().take(TITLE_MAX).collect();
        let body = json!({"channel_id": channel, "thread_ts": thread_ts, "status": status, "title": title});
        self.call("agents.sessions.setStatus", &body).await.map(drop)
    }
}
