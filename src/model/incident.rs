//! An incident: everything that belongs to one problem and one Slack thread.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    alert::{Alert, AlertStatus, Origin, Priority},
    ids::{AlertId, IncidentId, InvestigationId},
    inbound::Verdict,
    report::Report,
};

/// Where in its life an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    Open,
    Investigating,
    Reported,
    Acknowledged,
    Resolved,
    Silenced,
    FalsePositive,
}

impl IncidentState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Investigating => "investigating",
            Self::Reported => "reported",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Silenced => "silenced",
            Self::FalsePositive => "false_positive",
        }
    }

    /// Nothing more is expected to happen by itself.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Resolved | Self::FalsePositive)
    }
}

/// One Slack thread: the channel and the timestamp of its first message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ThreadRef {
    pub channel: String,
    pub ts: String,
}

/// Something that happened to the incident, in the order in which we learnt of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at: Timestamp,
    /// A Slack user id, or `sre-agent`, or the alert's source.
    pub actor: String,
    pub text: String,
}

/// A silence as the incident's card shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    /// The silence's id.
    pub silence: String,
    pub until: Timestamp,
    /// A Slack user id.
    pub by: String,
    /// The state to which the incident returns.
    pub before: IncidentState,
}

/// More people were called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    pub at: Timestamp,
    /// A Slack user id, or `sre-agent`.
    pub by: String,
    /// A Slack user group's id, or `pagerduty`.
    pub to: String,
    /// How people call it: the group's name in the settings, `PagerDuty`.
    #[serde(default)]
    pub name: String,
    pub reason: String,
}

/// A step of an escalation chain, done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStep {
    /// From 0, like the step.
    pub round: u32,
    pub step: usize,
    pub at: Timestamp,
}

/// What a person said about a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    pub at: Timestamp,
    /// A Slack user id.
    pub by: String,
    pub investigation: Option<InvestigationId>,
    pub verdict: Verdict,
    /// The real cause, in the person's words; may be empty.
    pub note: String,
}

/// One of an incident's different alerts, by fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub incident: IncidentId,
    pub fingerprint: String,
    pub name: String,
    pub summary: String,
    pub service: String,
    pub namespace: String,
    pub resource: String,
    pub status: AlertStatus,
    /// How many times it was told of.
    pub count: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Where it was told of first.
    pub origin: Origin,
    /// Why it belongs to this incident; empty for the alert that opened it.
    pub reason: String,
    /// When its present firing began, as the sender says.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
}

/// How an incident's alerts belong together, in a few words and numbers; the alerts themselves are [`Member`]s.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// How many different alerts it has.
    pub members: u64,
    /// The messages of other bots that told of it, the first one and the newest few: each carries the state's reaction.
    pub messages: Vec<ThreadRef>,
    /// The earlier incident of the same alert, where there was one.
    pub last_seen: Option<IncidentId>,
    /// It comes and goes too often to be told of each time.
    pub flapping: bool,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// A Slack user id, `api`, or `sre-agent`.
    pub actor: String,
    /// What was done, or refused: an act's name.
    pub act: String,
    /// What it was done to: `INC-42`.
    pub object: String,
    /// `done`, `refused`, `failed`, `nothing to do`.
    pub outcome: String,
    pub detail: String,
}

impl Incident {
    /// An incident that `alert` opens at `at`, before it has a number, a place or anybody's attention.
    pub fn opened(alert: Alert, at: Timestamp) -> Self {
        Self {
            id: IncidentId(0),
            version: 0,
            state: IncidentState::Investigating,
            fingerprint: alert.fingerprint.clone(),
            title: if alert.summary.is_empty() { alert.name.clone() } else { format!("{}: {}", alert.name, alert.summary) },
            service: alert.subject().to_owned(),
            namespace: alert.namespace.clone(),
            priority: alert.priority,
            alert,
            latest: None,
            alert_count: 1,
            owner: None,
            thread: None,
            channel: String::new(),
            team: String::new(),
            keys: Vec::new(),
            firing: 1,
            returns: Vec::new(),
            storm: None,
            group: Group::default(),
            silenced: None,
            mention: Vec::new(),
            escalations: Vec::new(),
            chain: Vec::new(),
            feedback: Vec::new(),
            investigation: None,
            applied: None,
            agents: Vec::new(),
            report: None,
            timeline: Vec::new(),
            opened_at: at,
            reported_at: None,
            acknowledged_at: None,
            resolved_at: None,
        }
    }
}

fn one() -> u64 {
    1
}

/// One problem, one thread, one card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    /// Counts the stored states, from 1; 0 for one that is not stored yet. Two writers cannot both build on the same state.
    pub version: u64,
    pub state: IncidentState,
    pub fingerprint: String,
    pub title: String,
    pub service: String,
    pub namespace: String,
    pub priority: Priority,
    /// The first alert, whole; later ones are kept as `latest` and counted.
    pub alert: Alert,
    pub latest: Option<Alert>,
    /// How many alerts have joined, repeats included.
    pub alert_count: u64,
    /// A Slack user id.
    pub owner: Option<String>,
    pub thread: Option<ThreadRef>,
    /// The channel of the thread, also before there is one.
    pub channel: String,
    /// The Slack workspace (team id) of the channel; empty for the configured one.
    #[serde(default)]
    pub team: String,
    /// What else belongs to this incident while it is open: `service:…`, `node:…`; see the grouping rule.
    #[serde(default)]
    pub keys: Vec<String>,
    /// How many of its different alerts are firing now; it is over when none is.
    #[serde(default = "one")]
    pub firing: u64,
    /// When it came back after it was over, newest last, a few.
    #[serde(default)]
    pub returns: Vec<Timestamp>,
    /// The storm in whose summary it is shown, instead of messages of its own.
    #[serde(default)]
    pub storm: Option<String>,
    #[serde(default)]
    pub group: Group,
    /// Until when it is silenced, and what it was before.
    #[serde(default)]
    pub silenced: Option<Silenced>,
    /// User ids and user group ids that its first card mentions, as the mention policy said when it opened.
    #[serde(default)]
    pub mention: Vec<String>,
    #[serde(default)]
    pub escalations: Vec<Escalation>,
    /// The steps of its escalation chain that were done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<ChainStep>,
    #[serde(default)]
    pub feedback: Vec<Feedback>,
    pub investigation: Option<InvestigationId>,
    /// The newest record that was applied: what arrived before it never undoes it.
    #[serde(default)]
    pub applied: Option<AlertId>,
    /// Who is looking, or has looked.
    #[serde(default)]
    pub agents: Vec<String>,
    pub report: Option<Report>,
    pub timeline: Vec<TimelineEntry>,
    pub opened_at: Timestamp,
    pub reported_at: Option<Timestamp>,
    pub acknowledged_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
}

impl Incident {
    /// Where it would be in its life if nobody had silenced it.
    pub fn state_beneath(&self) -> IncidentState {
        match &self.silenced {
            Some(silenced) if self.state == IncidentState::Silenced => silenced.before,
            _ => self.state,
        }
    }
}
