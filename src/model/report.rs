//! The report: what people read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    entity::Entity,
    evidence::{Evidence, Hypothesis},
    ids::EvidenceId,
    investigation::{InvestigationStatus, Routing},
};

/// One line of the timeline, with the evidence that it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineItem {
    pub time: Timestamp,
    pub text: String,
    pub evidence: Option<EvidenceId>,
}

/// An investigation, concluded. Everything in it is already redacted and bounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub status: InvestigationStatus,
    /// The first line that a person reads on a lock screen.
    pub headline: String,
    pub affected: Vec<Entity>,
    pub timeline: Vec<TimelineItem>,
    pub hypotheses: Vec<Hypothesis>,
    pub evidence: Vec<Evidence>,
    pub impact: String,
    pub immediate_actions: Vec<String>,
    pub prevention: Vec<String>,
    pub gaps: Vec<String>,
    pub ruled_out: Vec<String>,
    /// Similar incidents of the past, one line each.
    pub similar: Vec<String>,
    pub routing: Routing,
    pub tool_calls: usize,
    /// What the live systems were burdened with: calls, and bytes that came back.
    #[serde(default)]
    pub backend_calls: u64,
    #[serde(default)]
    pub backend_bytes: u64,
    pub duration_ms: u64,
}
