//! The view model of one incident's page.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::views::{Choice, Confidence, Mark};

/// One incident, whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `INC-42`.
    pub id: String,
    pub title: String,
    /// The report's first line; empty while there is none.
    pub headline: String,
    pub state: Mark,
    /// Who did what last, in a sentence: `Acknowledged by Ada, 12 min after the alert.`
    pub state_line: String,
    pub priority: String,
    pub service: String,
    pub namespace: String,
    pub cluster: String,
    pub owner: Option<String>,
    pub opened_at: Timestamp,
    pub alerts: u64,
    /// What this person may do to it now.
    pub acts: Vec<Act>,
    /// The lengths that a silence may have.
    pub silences: Vec<Choice>,
    pub report: Option<Report>,
    pub evidence: Vec<Evidence>,
    pub timeline: Vec<Moment>,
    pub picture: Option<Picture>,
    /// What people did, oldest first.
    pub deeds: Vec<Deed>,
    pub runbooks: Vec<Runbook>,
    pub runs: Vec<RunLine>,
    pub feedback: Feedback,
    pub similar: Vec<Similar>,
    /// The forms in which it can be taken along.
    pub exports: Vec<Export>,
}

/// What a person can do with one press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Acknowledge,
    Resolve,
    Reopen,
    Rerun,
    AssignToMe,
    Silence,
}

impl Act {
    /// The last part of the address to which its form is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::Rerun => "rerun",
            Self::AssignToMe => "assign",
            Self::Silence => "silence",
        }
    }
}

/// A form in which an incident can be taken along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Export {
    Markdown,
    Json,
    Postmortem,
}

/// What an investigation came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `complete`, `partial`, `no problem found`…
    pub status: Mark,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Likeliest first.
    pub causes: Vec<Cause>,
    pub impact: String,
    pub actions: Vec<Step>,
    pub prevention: Vec<Step>,
    pub ruled_out: Vec<String>,
    /// What could not be checked, and why.
    pub gaps: Vec<String>,
}

/// One ranked cause.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// 1 is the likeliest.
    pub rank: u32,
    pub statement: String,
    pub category: String,
    /// `Pod shop/checkout-7d9f`.
    pub entity: String,
    pub confidence: Confidence,
    /// Ids of evidence: `E1`.
    pub supporting: Vec<String>,
    pub contradicting: Vec<String>,
    /// The observation that would refute it; may be empty.
    pub falsifier: String,
}

/// One thing to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub text: String,
    /// A command to copy, and not prose.
    pub command: bool,
}

/// One thing that was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `E1`: letters, digits, `-` and `_`, or it cannot be linked to.
    pub id: String,
    pub kind: String,
    pub source: String,
    /// What was asked; empty for a file that was read whole.
    pub query: String,
    pub entity: String,
    pub time: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub summary: String,
    pub excerpt: String,
    /// Where it can be seen again; shown as text unless it is http or https.
    pub link: Option<String>,
    /// It settles its point by itself.
    pub decisive: bool,
}

/// One line of the timeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    pub at: Timestamp,
    pub text: String,
    /// The id of the evidence that it comes from.
    pub evidence: Option<String>,
}

/// The timeline as a picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// A path of this server, or a `data:image/…` address; left out otherwise.
    pub src: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
}

/// Something that a person, or the bot for them, did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    pub at: Timestamp,
    pub who: String,
    pub text: String,
}

/// A runbook that applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runbook {
    pub id: String,
    pub title: String,
    pub what: String,
    pub risk: Mark,
    pub fields: Vec<Field>,
    /// Why this person cannot prepare it; the form is shown when there is no reason.
    pub refusal: Option<String>,
}

/// A parameter of a runbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The form sends it as `p.NAME`.
    pub name: String,
    pub label: String,
    /// What belongs into it, in a sentence; may be empty.
    pub hint: String,
    pub required: bool,
    /// What it is filled with.
    pub value: String,
    pub kind: FieldKind,
    /// What was wrong with the value that was sent.
    pub error: Option<String>,
}

/// How a parameter is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Text {
        /// In characters.
        longest: u32,
    },
    Number {
        min: Option<i64>,
        max: Option<i64>,
    },
    Select {
        options: Vec<Choice>,
    },
}

impl Default for FieldKind {
    fn default() -> Self {
        // A name in a cluster has at most 253 characters.
        Self::Text { longest: 253 }
    }
}

/// A run of a runbook, in one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    pub id: String,
    pub title: String,
    pub state: Mark,
    pub by: String,
    pub at: Timestamp,
}

/// What people said about the report, and whether this person may say something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    pub allowed: bool,
    pub given: Vec<Given>,
}

/// One person's word on the report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    pub at: Timestamp,
    pub by: String,
    pub verdict: Mark,
    /// What it was, in their words; may be empty.
    pub note: String,
}

/// An incident of the past that looks like this one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Similar {
    pub id: String,
    pub title: String,
    /// What was the matter then, or why it is similar.
    pub why: String,
    pub at: Timestamp,
}
