//! What people are told, before anybody knows by which way.

use serde::Serialize;

use crate::model::Priority;

/// Why people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An incident began.
    Opened,
    /// Its report is there.
    Reported,
    /// Nobody took it, so more people are called.
    Escalated,
    /// It is over.
    Resolved,
    /// The bot itself could not do something.
    Failure,
    /// An action waits for somebody's consent.
    Approval,
}

impl Kind {
    /// The word in subjects and bodies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reported => "reported",
            Self::Escalated => "escalated",
            Self::Resolved => "resolved",
            Self::Failure => "failure",
            Self::Approval => "approval",
        }
    }
}

/// One thing that people are told. All text is redacted and bounded already: a notifier only gives it its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same key is the same notice: whoever receives it twice may forget the second.
    pub key: String,
    pub kind: Kind,
    pub priority: Priority,
    /// `INC-42`; empty where there is no incident.
    pub incident: String,
    /// One line.
    pub headline: String,
    pub lines: Vec<String>,
    /// Address and text, the most important first.
    pub links: Vec<(String, String)>,
    /// Whom this way leads to: e-mail addresses; empty where the way itself says who.
    pub to: Vec<String>,
}

impl Notice {
    /// The one line by which people know it: `[P1] INC-42 escalated: checkout is down`.
    pub fn subject(&self) -> String {
        let words = [self.incident.as_str(), self.kind.as_str()].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        format!("[{}] {words}: {}", self.priority, self.headline)
    }
}
