//! What comes in from outside, verified and understood, before anything is done about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    alert::Alert,
    ids::{AlertId, IncidentId},
};

/// Which door a record came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordSource {
    SlackEvents,
    SlackInteraction,
    SlackCommand,
    Api,
}

impl RecordSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlackEvents => "slack_events",
            Self::SlackInteraction => "slack_interaction",
            Self::SlackCommand => "slack_command",
            Self::Api => "api",
        }
    }
}

/// The raw record: durable before the sender gets its answer, so that nothing acknowledged can be lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawRecord {
    /// Also the id that the API answers with.
    pub id: AlertId,
    pub source: RecordSource,
    /// The sender's own id of the delivery (`event_id`, `trigger_id`…): a second one with the same key has no effect.
    pub dedup_key: String,
    pub received_at: Timestamp,
    pub inbound: Inbound,
}

/// A button, menu entry or command of a person, on one incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Acknowledge,
    Unacknowledge,
    Resolve,
    Reopen,
    Rerun,
}

/// The outside, as our own enum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Inbound {
    /// One or more alerts that arrived together.
    ///
    /// `follow_up`: an edit of a message, or a reply in its thread: it can change an incident that is there and never opens one.
    Alerts {
        alerts: Vec<Alert>,
        #[serde(default)]
        follow_up: bool,
    },
    /// A person did something to an incident.
    Act { act: Act, incident: IncidentId, user: String },
}
