//! One run of a runbook: what was asked for, what it would do, who agreed, what was done and whether it helped.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ids::IncidentId,
    inbound::{Caller, Reply},
    runbook::{Check, Operation, Risk, RunId},
};

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The dry run is being made.
    Planning,
    /// People are asked.
    Waiting,
    /// Enough people have agreed; nothing has been done yet.
    Approved,
    Running,
    /// Something did not work, and what was done is taken back.
    Undoing,
    Done,
    /// Something did not work.
    Failed,
    /// Something did not work, and what was done was taken back.
    Undone,
    Denied,
    /// A person stopped it between two steps: what was done stays, the rest was not done.
    Stopped,
    /// Nobody agreed in time.
    Expired,
    /// What was approved is not what is there any more, or who agreed may not any more.
    Void,
}

impl RunState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Running => "running",
            Self::Undoing => "undoing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::Denied => "denied",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
            Self::Void => "void",
        }
    }

    /// Nothing more will happen.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Undone | Self::Denied | Self::Stopped | Self::Expired | Self::Void)
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    #[default]
    Waiting,
    /// It is about to be done, or was when the process ended.
    Begun,
    /// It is done, and looked at until it is seen to work.
    Verifying,
    Done,
    Failed,
    Undone,
    /// An earlier step did not work.
    Skipped,
}

impl StepState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Begun => "begun",
            Self::Verifying => "verifying",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::Skipped => "skipped",
        }
    }
}

/// What a dry run says of one step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Where, and who accepted it: `dry run on prod, accepted by the API server`.
    pub place: String,
    /// The change, a line each, with `-`, `+` or a blank in front.
    pub diff: Vec<String>,
    /// What follows from it: `3 pods are replaced one by one`.
    pub effect: String,
    /// A digest of what was seen: the step is only done while it is still so.
    pub seen: String,
    /// What the step needs to know of what was seen, to be done exactly as shown, and to be taken back.
    pub facts: BTreeMap<String, Value>,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStep {
    pub name: String,
    pub operation: Operation,
    pub checks: Vec<Check>,
    /// How long the checks may take to come true, in seconds.
    pub within_seconds: u32,
    pub rollback: bool,
    pub preview: Preview,
    #[serde(default)]
    pub state: StepState,
    #[serde(default)]
    pub begun_at: Option<Timestamp>,
    #[serde(default)]
    pub applied_at: Option<Timestamp>,
    /// Since when its checks hold without a break.
    #[serde(default)]
    pub holds_since: Option<Timestamp>,
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// What came of it, in a sentence.
    #[serde(default)]
    pub outcome: String,
}

/// What one person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub by: Caller,
    pub team: String,
    pub approves: bool,
    pub at: Timestamp,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub runbook: String,
    pub title: String,
    pub risk: Risk,
    /// Clusters, deployments and targets that it touches, for the rights to it.
    pub clusters: Vec<String>,
    pub incident: Option<IncidentId>,
    /// Where it is shown.
    pub channel: String,
    pub team: String,
    pub parameters: BTreeMap<String, Value>,
    pub steps: Vec<RunStep>,
    /// Over everything that is approved: the operations, their previews and who asked. Empty while it is planned.
    pub hash: String,
    pub requested_by: Caller,
    pub requested_at: Timestamp,
    pub reply: Reply,
    pub expires_at: Timestamp,
    /// How many people must agree.
    pub needed: u32,
    /// Whether the one who asked may be one of them.
    pub own: bool,
    pub decisions: Vec<Decision>,
    pub state: RunState,
    /// Which turn of work is next: each is done once.
    pub turn: u32,
    /// Why it ended as it did.
    pub detail: String,
    pub ended_at: Option<Timestamp>,
}

impl Run {
    /// The people who agreed.
    pub fn approvers(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| decision.approves)
    }

    /// Nothing of what was agreed to is over yet, so that it can still be stopped.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, RunState::Approved | RunState::Running)
    }

    /// Who said no.
    pub fn refuser(&self) -> Option<&Decision> {
        self.decisions.iter().find(|decision| !decision.approves)
    }

    /// How many more people must agree.
    pub fn missing(&self) -> u32 {
        self.needed.saturating_sub(u32::try_from(self.approvers().count()).unwrap_or(u32::MAX))
    }

    /// The hash as people compare it: its first and last digits.
    pub fn short_hash(&self) -> String {
        match (self.hash.get(..4), self.hash.get(self.hash.len().saturating_sub(2)..)) {
            (Some(head), Some(tail)) => format!("{head}…{tail}"),
            _ => String::new(),
        }
    }
}

/// What a person wants of runbooks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum RunWish {
    /// Prepare this: dry run, then ask for approval.
    Request { runbook: String, parameters: BTreeMap<String, Value>, incident: Option<IncidentId> },
    /// Yes or no to exactly what this hash stands for.
    Decide { run: RunId, approves: bool, hash: String },
}
