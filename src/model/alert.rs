//! An alert, whoever sent it.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::AlertId;

/// How bad the sender says it is, in our four words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Critical,
    High,
    #[default]
    Medium,
    Low,
}

impl Severity {
    /// The sender's own word in our scale; `None` for a word that says nothing about severity.
    pub fn from_word(word: &str) -> Option<Self> {
        let severity = match word.trim().to_lowercase().as_str() {
            "critical" | "crit" | "emergency" | "emerg" | "fatal" | "disaster" | "page" | "p0" | "p1" | "sev0" | "sev1" | "sev-1"
            | "urgent" | "blocker" => Self::Critical,
            "high" | "error" | "err" | "major" | "p2" | "sev2" | "sev-2" | "alert" => Self::High,
            "medium" | "warning" | "warn" | "average" | "minor" | "moderate" | "p3" | "sev3" | "sev-3" | "ticket" => Self::Medium,
            "low" | "info" | "information" | "informational" | "notice" | "debug" | "none" | "p4" | "p5" | "sev4" | "sev5" | "ok"
            | "trivial" => Self::Low,
            _ => return None,
        };
        Some(severity)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    pub fn priority(self) -> Priority {
        match self {
            Self::Critical => Priority::P0,
            Self::High => Priority::P1,
            Self::Medium => Priority::P2,
            Self::Low => Priority::P3,
        }
    }
}

/// The order of work; `P0` first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    P0,
    P1,
    P2,
    P3,
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Where in its life the sender says the alert is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    #[default]
    Firing,
    Resolved,
    Acknowledged,
    NoData,
    Paused,
    Pending,
}

impl AlertStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
            Self::Acknowledged => "acknowledged",
            Self::NoData => "no_data",
            Self::Paused => "paused",
            Self::Pending => "pending",
        }
    }
}

/// A link that the sender gave: runbook, dashboard, silence, source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub title: String,
    pub url: String,
}

/// Where the alert came in, and thus where its thread is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "via", rename_all = "snake_case")]
pub enum Origin {
    /// A message that somebody else posted in a Slack channel: `ts` is the thread's root.
    Slack { channel: String, ts: String },
    /// A webhook or the API: the bot posts the parent message itself.
    #[default]
    Webhook,
}

/// One alert as received. A sender that groups several into one message gives one `Alert` with `alert_count` above 1,
/// or several, as the sender's format has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    /// Stable over repeats of the same problem: a hash of source, cluster, name and identity labels.
    pub fingerprint: String,
    /// `alertmanager`, `grafana`, `datadog`, `api`, `text`…
    pub source: String,
    pub name: String,
    /// The sick workload, never the exporter that reported it; empty when the alert does not say.
    pub service: String,
    /// The sick object: pod, node, volume claim, queue…; empty when the alert does not say.
    pub resource: String,
    pub namespace: String,
    pub cluster: String,
    pub severity: Severity,
    /// The sender's own word, untouched; `None` when it gave none.
    pub severity_source: Option<String>,
    pub priority: Priority,
    pub status: AlertStatus,
    /// How many alerts came together in the sender's group, this one included; at least 1. Each alert of a group says the
    /// same number, so it is never summed.
    pub alert_count: u32,
    pub labels: BTreeMap<String, String>,
    pub summary: String,
    pub description: String,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub links: Vec<Link>,
    pub origin: Origin,
    /// What arrived, redacted and capped; for people who doubt the reading.
    pub raw: String,
}

impl Default for Alert {
    fn default() -> Self {
        Self {
            id: AlertId(ulid::Ulid::nil()),
            fingerprint: String::new(),
            source: String::new(),
            name: String::new(),
            service: String::new(),
            resource: String::new(),
            namespace: String::new(),
            cluster: String::new(),
            severity: Severity::Medium,
            severity_source: None,
            priority: Priority::P2,
            status: AlertStatus::Firing,
            alert_count: 1,
            labels: BTreeMap::new(),
            summary: String::new(),
            description: String::new(),
            starts_at: None,
            ends_at: None,
            links: Vec::new(),
            origin: Origin::Webhook,
            raw: String::new(),
        }
    }
}

impl Alert {
    /// The shortest name for what is sick: service, else resource, else the alert's own name.
    pub fn subject(&self) -> &str {
        [&self.service, &self.resource, &self.name].into_iter().find(|word| !word.is_empty()).map_or("", |word| word)
    }
}
