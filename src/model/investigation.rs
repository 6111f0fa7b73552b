//! One investigation with everything that it saw.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    evidence::{Evidence, Hypothesis},
    ids::InvestigationId,
    question::Request,
};

/// How an investigation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvestigationStatus {
    Complete,
    /// A source was missing; the gaps say which.
    Partial,
    /// Rules only, because the model that was configured did not answer.
    Fallback,
    NoProblemFound,
    Failed,
}

impl InvestigationStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Fallback => "fallback",
            Self::NoProblemFound => "no_problem_found",
            Self::Failed => "failed",
        }
    }
}

/// Which agents were chosen, best first, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    pub agents: Vec<String>,
    pub reasons: Vec<String>,
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub tool: String,
    pub agent: String,
    pub arguments: Value,
    pub duration_ms: u64,
    /// What came back, in a few words: `214 objects, 31 events`.
    pub digest: String,
    pub error: Option<String>,
    /// How many calls of the backend it took; none for what was in memory.
    #[serde(default)]
    pub calls: u64,
    /// How many bytes came back.
    #[serde(default)]
    pub bytes: u64,
}

/// How much was logged around the incident, in equal steps of time; empty where no log carries times.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activity {
    /// When the first step begins.
    pub from: Option<Timestamp>,
    /// How long one step is, in milliseconds.
    pub step_ms: u64,
    /// Log lines of each step.
    pub lines: Vec<u32>,
    /// Those of them that are errors.
    pub errors: Vec<u32>,
}

/// What was asked, done, seen and concluded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Investigation {
    pub id: InvestigationId,
    pub request: Request,
    pub status: InvestigationStatus,
    pub routing: Routing,
    pub tool_calls: Vec<ToolCall>,
    pub evidence: Vec<Evidence>,
    pub hypotheses: Vec<Hypothesis>,
    /// What else the evidence shows to be affected, as one sentence with numbers; empty when it shows nothing.
    pub impact: String,
    /// What could not be checked, and why.
    pub gaps: Vec<String>,
    /// What was checked and is not the cause.
    pub ruled_out: Vec<String>,
    /// How much was logged while it happened.
    #[serde(default)]
    pub activity: Activity,
    /// What a person's words narrowed the evidence to, in one sentence with the numbers; empty when nothing was narrowed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub narrowed: String,
    /// The instant that counted as "now".
    pub now: Option<Timestamp>,
    pub duration_ms: u64,
}
