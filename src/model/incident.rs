//! An incident: everything that belongs to one problem and one Slack thread.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    alert::{Alert, Priority},
    ids::{AlertId, IncidentId, InvestigationId},
    report::Report,
};

/// Where in its life an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    Open,
    Investigating,
    Reported,
    Acknowledged,
    Resolved,
    Silenced,
    FalsePositive,
}

impl IncidentState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Investigating => "investigating",
            Self::Reported => "reported",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Silenced => "silenced",
            Self::FalsePositive => "false_positive",
        }
    }

    /// Nothing more is expected to happen by itself.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Resolved | Self::FalsePositive)
    }
}

/// One Slack thread: the channel and the timestamp of its first message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ThreadRef {
    pub channel: String,
    pub ts: String,
}

/// Something that happened to the incident, in the order in which we learnt of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at: Timestamp,
    /// A Slack user id, or `sre-agent`, or the alert's source.
    pub actor: String,
    pub text: String,
}

/// One problem, one thread, one card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    /// Counts the stored states, from 1; 0 for one that is not stored yet. Two writers cannot both build on the same state.
    pub version: u64,
    pub state: IncidentState,
    pub fingerprint: String,
    pub title: String,
    pub service: String,
    pub namespace: String,
    pub priority: Priority,
    /// The first alert, whole; later ones are kept as `latest` and counted.
    pub alert: Alert,
    pub latest: Option<Alert>,
    /// How many alerts have joined, repeats included.
    pub alert_count: u64,
    /// A Slack user id.
    pub owner: Option<String>,
    pub thread: Option<ThreadRef>,
    /// The channel of the thread, also before there is one.
    pub channel: String,
    pub investigation: Option<InvestigationId>,
    /// The newest record that was applied: what arrived before it never undoes it.
    #[serde(default)]
    pub applied: Option<AlertId>,
    /// Who is looking, or has looked.
    #[serde(default)]
    pub agents: Vec<String>,
    pub report: Option<Report>,
    pub timeline: Vec<TimelineEntry>,
    pub opened_at: Timestamp,
    pub reported_at: Option<Timestamp>,
    pub acknowledged_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
}
