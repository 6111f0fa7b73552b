//! The view models: everything that a page shows, already permitted, redacted and bounded by whoever fills them.
//!
//! No field is trusted: every text is escaped where it is shown, and every address is judged by [`super::links`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use super::{
    views_acts::{Approvals, Confirm, Decided, Diff, DiffKind, DiffLine, Pending, Run, RunStep, StepState, Verification},
    views_incident::{
        Act, Cause, Deed, Evidence, Export, Feedback, Field, FieldKind, Given, Incident, Moment, Picture, Report, RunLine, Runbook,
        Similar, Step,
    },
    views_system::{Accuracy, Agents, Audit, AuditEntry, Bucket, Category, Chain, Figure, Specialist, System, Week},
};

/// What a word stands for at a glance. The word is always shown beside it: colour alone says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    #[default]
    Neutral,
    /// Fine, done, resolved.
    Good,
    /// Something is at work on it.
    Busy,
    /// Somebody should look.
    Warn,
    /// Failed, or failing.
    Bad,
}

/// A word with its tone: a state, a risk, an outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub word: String,
    pub tone: Tone,
}

impl Mark {
    pub fn new(word: impl Into<String>, tone: Tone) -> Self {
        Self { word: word.into(), tone }
    }
}

/// How sure a cause is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// 0 to 1; anything else is shown as the nearer end.
    pub share: f64,
    /// `high`, `medium`, `low`: the report's own words.
    pub word: String,
}

/// One entry of a select.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    pub label: String,
    pub chosen: bool,
}

/// The cursors of the pages before and after this one; `None` at the ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// The token that every form carries. It never shows in Debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Csrf(pub String);

impl std::fmt::Debug for Csrf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Csrf(…)")
    }
}

/// The parts of the console that the navigation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Incidents,
    Approvals,
    Agents,
    Accuracy,
    Audit,
}

/// Numbers beside the names in the navigation; nothing is shown for 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Badges {
    /// Incidents that nobody has acknowledged.
    pub incidents: u64,
    /// Approvals that wait for a decision.
    pub approvals: u64,
    /// Live systems that fail.
    pub agents: u64,
}

/// What came of the last act, once, on the page that follows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notice {
    pub tone: Tone,
    pub text: String,
}

/// Who is signed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub roles: Vec<String>,
}

/// What surrounds every page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    pub product: String,
    /// The build's version, also the cache key of the style sheet and the script.
    pub version: String,
    /// `None` before anybody has signed in: then there is no navigation either.
    pub person: Option<Person>,
    pub csrf: Csrf,
    /// Which entry of the navigation this page belongs to.
    pub here: Option<Place>,
    /// The entries that this person may open, in this order.
    pub places: Vec<Place>,
    pub badges: Badges,
    pub notice: Option<Notice>,
    /// The time that relative times are told from.
    pub now: Timestamp,
}

/// The page for signing in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Whether signing in with Slack is configured.
    pub slack: bool,
    /// Whether tokens are accepted.
    pub token: bool,
    /// What was wrong with the last attempt, and what to do, in a sentence.
    pub error: Option<String>,
    /// The local path to which the person wanted to go.
    pub next: String,
}

/// The filters above the list of incidents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentFilters {
    /// Without the entry for all of them, which the page adds.
    pub states: Vec<Choice>,
    pub priorities: Vec<Choice>,
    pub service: String,
    pub owner: String,
    pub text: String,
}

/// The list of incidents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Incidents {
    pub filters: IncidentFilters,
    /// At most one page of them, newest first.
    pub rows: Vec<IncidentRow>,
    pub paging: Paging,
    /// How many match the filters, where that is known.
    pub total: Option<u64>,
}

/// One row of the list: an incident, or a storm that stands for many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentRow {
    Incident(IncidentLine),
    Storm(StormLine),
}

/// One incident in the list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IncidentLine {
    /// `INC-42`.
    pub id: String,
    pub title: String,
    /// The likeliest cause in a sentence, where there is one.
    pub cause: Option<String>,
    pub confidence: Option<Confidence>,
    pub state: Mark,
    /// `P0` to `P3`.
    pub priority: String,
    pub service: String,
    pub owner: Option<String>,
    pub opened_at: Timestamp,
    /// How many alerts have joined, repeats included.
    pub alerts: u64,
}

/// An alert storm in the list: one row instead of one for each of its incidents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StormLine {
    pub title: String,
    /// What its alerts have in common: `node ip-10-0-3-7 (212 alerts)`.
    pub shared: Vec<String>,
    pub alerts: u64,
    /// How many incidents it has.
    pub incidents: u64,
    /// Ids of the first few, to open them.
    pub first: Vec<String>,
    pub began: Timestamp,
    pub ended: Option<Timestamp>,
}

/// A page that says why there is no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// 403: the permission is not among the person's.
    Forbidden {
        /// Its name: `runs:approve`.
        permission: String,
    },
    /// 404.
    NotFound {
        /// What was looked for: `INC-4711`.
        what: String,
    },
    /// 503.
    Unavailable {
        /// What does not answer, in a sentence.
        reason: String,
        /// After how many seconds it is worth trying again.
        retry_seconds: Option<u64>,
    },
}
