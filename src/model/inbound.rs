//! What comes in from outside, verified and understood, before anything is done about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    alert::{Alert, Priority},
    ids::{AlertId, IncidentId, InvestigationId},
    observation::Change,
    question::Request,
    run::RunWish,
    silence::Matcher,
};

/// Which door a record came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordSource {
    SlackEvents,
    SlackInteraction,
    SlackCommand,
    Api,
    /// One of the alert senders' own webhooks.
    Webhook,
    /// A timer of ours: a heartbeat that did not come.
    Timer,
}

impl RecordSource {
    /// Every door.
    pub const ALL: [Self; 6] = [Self::SlackEvents, Self::SlackInteraction, Self::SlackCommand, Self::Api, Self::Webhook, Self::Timer];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlackEvents => "slack_events",
            Self::SlackInteraction => "slack_interaction",
            Self::SlackCommand => "slack_command",
            Self::Api => "api",
            Self::Webhook => "webhook",
            Self::Timer => "timer",
        }
    }
}

/// The raw record: durable before the sender gets its answer, so that nothing acknowledged can be lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawRecord {
    /// Also the id that the API answers with.
    pub id: AlertId,
    pub source: RecordSource,
    /// The sender's own id of the delivery (`event_id`, `trigger_id`…): a second one with the same key has no effect.
    pub dedup_key: String,
    pub received_at: Timestamp,
    /// The Slack workspace (team id) that it came from; empty for the configured one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub team: String,
    pub inbound: Inbound,
}

/// What a person says about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Correct,
    /// The named cause is real, and something one step further caused it.
    OneHopShort,
    Wrong,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::OneHopShort => "one hop short",
            Self::Wrong => "wrong",
        }
    }
}

/// A button, menu entry, modal or command of a person, on one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Acknowledge,
    Unacknowledge,
    Resolve,
    Reopen,
    /// Another look, with the evidence as it is now.
    Rerun,
    /// Another look as of the alert's own time, compared with the first report.
    Replay,
    /// Gives the incident to a person (a Slack user id), or to nobody.
    Assign {
        to: Option<String>,
    },
    /// No more messages about it for this long.
    Silence {
        seconds: u64,
        reason: String,
        /// What else it covers; empty for the incident's own alert alone.
        #[serde(default)]
        matchers: Vec<Matcher>,
    },
    /// The silence ends before its time.
    Unsilence,
    /// Calls for more people: a Slack user group's id, or `pagerduty`.
    Escalate {
        to: String,
        reason: String,
    },
    /// What the person thinks of the report, in their words where they gave some.
    Feedback {
        verdict: Verdict,
        note: String,
        /// The investigation whose report it is about; `None` for the incident's newest.
        #[serde(default)]
        investigation: Option<InvestigationId>,
    },
}

impl Act {
    /// The act's name: in the audit log, in metrics and in `slack.rights`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Unacknowledge => "unacknowledge",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::Rerun => "rerun",
            Self::Replay => "replay",
            Self::Assign { .. } => "assign",
            Self::Silence { .. } => "silence",
            Self::Unsilence => "unsilence",
            Self::Escalate { .. } => "escalate",
            Self::Feedback { .. } => "feedback",
        }
    }

    /// Every name, in the order in which people read them.
    pub const NAMES: [&'static str; 11] =
        ["acknowledge", "unacknowledge", "resolve", "reopen", "rerun", "replay", "assign", "silence", "unsilence", "escalate", "feedback"];
}

/// Who asks, as the door proved it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// A Slack user id, or the subject of a token or key: `jwt:alice@example.com`, `key:ci`.
    pub id: String,
    /// The roles of a token or key; a person of Slack has those of the settings, whenever they are needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The id of the token or key, by which it can be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl Caller {
    /// A person of Slack.
    pub fn slack(user: &str) -> Self {
        Self { id: user.to_owned(), roles: Vec::new(), token: None }
    }

    /// A machine's key cannot agree to anything: people do.
    pub fn is_machine(&self) -> bool {
        self.id.starts_with("key:") || self.id == "api"
    }
}

/// Where the person who acted is answered, seen by nobody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    pub channel: String,
    /// The thread in which the answer appears, where there is one.
    pub thread: Option<String>,
    /// Slack's address for answers to this very act: 5 answers within 30 minutes. Source: docs.slack.dev, "Handling user interaction".
    pub response_url: Option<String>,
}

/// A person asks for an investigation, or asks about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// In the person's own words.
    pub text: String,
    /// A Slack user id.
    pub user: String,
    pub channel: String,
    /// The message that is answered in its thread; `None` for a command, which has no message of its own.
    pub ts: Option<String>,
    /// The incident in whose thread it was asked.
    pub incident: Option<IncidentId>,
}

/// What an agent is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum TaskAction {
    /// Look into an alert or a question, by itself alone.
    Investigate { request: Box<Request> },
    /// Say what it may ask.
    Tools,
}

/// One task for one agent, and who gave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentTask {
    pub agent: String,
    pub user: String,
    pub priority: Priority,
    #[serde(flatten)]
    pub action: TaskAction,
}

/// The outside, as our own enum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Inbound {
    /// One or more alerts that arrived together.
    ///
    /// `follow_up`: an edit of a message, or a reply in its thread: it can change an incident that is there and never opens one.
    Alerts {
        alerts: Vec<Alert>,
        #[serde(default)]
        follow_up: bool,
    },
    /// A person did something to an incident.
    Act {
        act: Act,
        incident: IncidentId,
        user: String,
        #[serde(default)]
        reply: Reply,
    },
    /// A person asked something.
    Ask {
        ask: Ask,
        #[serde(default)]
        reply: Reply,
    },
    /// A person pressed Stop while we looked into something in this thread.
    Stop { channel: String, thread: String, user: String },
    /// Deploys, flags and other changes that somebody told of: evidence for later, never an alert.
    Changes { changes: Vec<Change> },
    /// A person asks for a runbook, or decides about a run.
    Runbook {
        wish: RunWish,
        by: Caller,
        #[serde(default)]
        reply: Reply,
    },
    /// An agent is asked to do something; its result is kept as a document.
    Task { task: AgentTask },
}

impl Inbound {
    /// The same, its alerts with the record's id.
    #[must_use]
    pub fn with_id(mut self, id: AlertId) -> Self {
        if let Self::Alerts { alerts, .. } = &mut self {
            for alert in alerts {
                alert.id = id;
            }
        }
        self
    }
}
