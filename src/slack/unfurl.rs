//! What links of ours show below the message that has them.

use serde_json::{Map, Value, json};

use super::{Client, SlackError};

/// Where the links were seen.
#[derive(Debug, Clone, Copy)]
pub enum Shared<'a> {
    Message {
        channel: &'a str,
        ts: &'a str,
    },
    /// Slack's own id of the place: also for a message that is still being written.
    Unfurl {
        id: &'a str,
        source: &'a str,
    },
}

impl Client {
    /// Shows `unfurls`, by address, below the message that has the links.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`]; the scope is `links:write`.
    pub async fn unfurl(&self, shared: Shared<'_>, unfurls: Map<String, Value>) -> Result<(), SlackError> {
        let body = match shared {
            Shared::Message { channel, ts } => json!({"channel": channel, "ts": ts, "unfurls": unfurls}),
            Shared::Unfurl { id, source } => json!({"unfurl_id": id, "source": source, "unfurls": unfurls}),
        };
        self.call("chat.unfurl", &body).await.map(drop)
    }
}
