//! What an investigation starts from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{alert::Alert, observation::Change};

/// An alert, or a person's question where there is no alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Alert(Box<Alert>),
    Question(String),
}

/// One investigation to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub subject: Subject,
    /// The instant from which "before" and "since" are counted; `None` means the alert's start, or else the newest time in the evidence.
    pub now: Option<Timestamp>,
    /// A person's further words about the subject: what to look at, from when to when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrow: Option<String>,
    /// Changes that we were told of, beside what the tools find.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

impl Request {
    pub fn alert(alert: Alert) -> Self {
        Self { now: alert.starts_at, subject: Subject::Alert(Box::new(alert)), narrow: None, changes: Vec::new() }
    }

    pub fn question(text: &str) -> Self {
        Self { subject: Subject::Question(text.to_owned()), now: None, narrow: None, changes: Vec::new() }
    }

    /// The alert, where there is one.
    pub fn as_alert(&self) -> Option<&Alert> {
        match &self.subject {
            Subject::Alert(alert) => Some(alert),
            Subject::Question(_) => None,
        }
    }
}
