//! The view models of the pages about the service itself: agents and health, accuracy, audit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::views::{Choice, Mark, Paging};

/// Specialists, live systems and the service's own figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agents {
    /// Queue, outbox, store, connections, version.
    pub figures: Vec<Figure>,
    pub systems: Vec<System>,
    pub specialists: Vec<Specialist>,
}

/// One number, or word, about the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    pub label: String,
    pub value: String,
    /// `jobs`, `s`, `MiB`; empty for a word.
    pub unit: String,
    /// What it means, where it needs saying.
    pub note: String,
    /// How it stands.
    pub state: Option<Mark>,
}

/// A live system that is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    pub name: String,
    pub kind: String,
    pub state: Mark,
    /// What is the matter and what to do; empty where nothing is.
    pub said: String,
    /// When it was last asked.
    pub checked_at: Option<Timestamp>,
    /// How long its answer took, in milliseconds.
    pub took_ms: Option<u64>,
}

/// A specialist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specialist {
    pub name: String,
    /// Which alerts it takes, in a sentence.
    pub takes: String,
    pub tools: Vec<String>,
    pub state: Mark,
}

/// How often the reports were right.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Reports in the time that is shown.
    pub reports: u64,
    /// Those that somebody judged.
    pub judged: u64,
    /// Oldest first; the chart draws the newest 26.
    pub weeks: Vec<Week>,
    pub categories: Vec<Category>,
    pub calibration: Vec<Bucket>,
    /// From the alert to the first report, in milliseconds.
    pub median_report_ms: Option<u64>,
}

/// The verdicts of one week.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    /// `2026-11-23`, its Monday.
    pub begins: String,
    pub correct: u64,
    pub one_hop_short: u64,
    pub wrong: u64,
}

/// The verdicts on one category of causes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    pub name: String,
    pub correct: u64,
    pub one_hop_short: u64,
    pub wrong: u64,
}

/// The reports whose confidence lay in a range.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// 0 to 1.
    pub from: f64,
    pub to: f64,
    pub judged: u64,
    pub correct: u64,
}

/// The audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    pub chain: Chain,
    pub actor: String,
    pub act: String,
    pub object: String,
    /// Without the entry for all of them, which the page adds.
    pub outcomes: Vec<Choice>,
    /// At most one page of them, newest first.
    pub entries: Vec<AuditEntry>,
    pub paging: Paging,
}

/// Whether the log is as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// `whole`, `broken`, `not checked yet`.
    pub state: Mark,
    /// `Verified up to entry 18,204.`
    pub said: String,
    pub checked_at: Option<Timestamp>,
}

/// One line of the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub actor: String,
    pub act: String,
    pub object: String,
    pub outcome: Mark,
    pub detail: String,
}
