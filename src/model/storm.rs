//! An alert storm: one summary in a channel instead of messages for each incident.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::IncidentId;

/// A storm as it is stored, under its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storm {
    pub id: String,
    /// The Slack workspace (team id) of the channel; empty for the configured one.
    pub team: String,
    pub channel: String,
    /// When its first alert came.
    pub began: Timestamp,
    /// When its newest alert came.
    pub last_at: Timestamp,
    /// How many alerts came, repeats included.
    pub alerts: u64,
    /// Every incident that it has, in the order in which they came.
    pub incidents: Vec<IncidentId>,
    /// What its alerts have in common, `node ip-10-0-3-7` and the like, with how many alerts have it.
    pub shared: BTreeMap<String, u64>,
    /// It is over since.
    pub ended: Option<Timestamp>,
}

impl Storm {
    /// The key of its summary's message.
    pub fn slot_key(&self) -> String {
        format!("storm/{}", self.id)
    }
}
