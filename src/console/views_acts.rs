//! The view models of approvals and runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::views::Mark;

/// Approvals, pending and decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// The one that expires first is first.
    pub pending: Vec<Pending>,
    /// Newest first.
    pub decided: Vec<Decided>,
}

/// The second page of an approval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    pub pending: Pending,
}

/// A run that waits for a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The run's id.
    pub id: String,
    /// `INC-42`, where it belongs to one.
    pub incident: Option<String>,
    /// What is done.
    pub title: String,
    /// Where it is done: cluster, namespace, object.
    pub place: String,
    pub risk: Mark,
    pub asked_by: String,
    pub asked_at: Timestamp,
    pub expires_at: Timestamp,
    /// How many have agreed and must agree: `1 of 2 people`; may be empty.
    pub agreed: String,
    /// The dry run.
    pub diff: Diff,
    /// How it is checked afterwards, one sentence each.
    pub verify: Vec<String>,
    /// Of the dry run: a decision counts for exactly this one.
    pub hash: String,
    /// Why this person cannot approve; the form is shown when there is no reason.
    pub refusal: Option<String>,
    /// Whether this person may deny it.
    pub can_deny: bool,
}

/// An approval that is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The run's id.
    pub id: String,
    pub title: String,
    pub place: String,
    /// `approved`, `denied`, `expired`.
    pub outcome: Mark,
    /// Who decided; empty where time did.
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

/// What a dry run would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    pub lines: Vec<DiffLine>,
    /// How many more lines there are than are shown.
    pub left_out: u64,
}

/// One line of a diff.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    pub kind: DiffKind,
    /// Without the sign.
    pub text: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    #[default]
    Same,
    Added,
    Removed,
}

impl Diff {
    /// Of a unified diff's text, with at most `most` lines.
    pub fn read(text: &str, most: usize) -> Self {
        let line = |line: &str| match (line.strip_prefix('+'), line.strip_prefix('-')) {
            (Some(rest), _) => DiffLine { kind: DiffKind::Added, text: rest.to_owned() },
            (_, Some(rest)) => DiffLine { kind: DiffKind::Removed, text: rest.to_owned() },
            _ => DiffLine { kind: DiffKind::Same, text: line.strip_prefix(' ').unwrap_or(line).to_owned() },
        };
        let lines: Vec<DiffLine> = text.lines().take(most).map(line).collect();
        Self { left_out: text.lines().count().saturating_sub(lines.len()) as u64, lines }
    }
}

/// One run of a runbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: String,
    pub title: String,
    pub incident: Option<String>,
    pub place: String,
    pub risk: Mark,
    pub state: Mark,
    pub asked_by: String,
    pub asked_at: Timestamp,
    pub approved_by: Vec<String>,
    pub ended_at: Option<Timestamp>,
    pub steps: Vec<RunStep>,
    pub verification: Option<Verification>,
    pub diff: Diff,
    pub hash: String,
}

/// One step of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStep {
    pub title: String,
    pub state: StepState,
    pub began: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// What came of it: the answer, or the error; may be empty.
    pub said: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    #[default]
    Waiting,
    Running,
    Done,
    Failed,
    RolledBack,
    Skipped,
}

/// Whether a run had the effect that it should have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub result: Mark,
    pub said: String,
    pub at: Timestamp,
}
