//! The values that go into and come out of a store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use serde_json::Value;

use crate::model::{
    AlertId, AuditEntry, Incident, IncidentId, IncidentState, Investigation, InvestigationId, Member, Message, Origin, Priority, RawRecord,
    RecordSource, Reply, RunId,
};

/// What became of a raw record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    Fresh,
    /// It was here already, under this id.
    Duplicate(AlertId),
}

/// What came through a door, as it came and without secrets: durable, and not yet read. Reading is work, and the sender
/// does not wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The order of arrival, given by the store; 0 before.
    pub sequence: u64,
    pub source: RecordSource,
    /// As [`RawRecord::dedup_key`]; a repetition is recognised when the delivery is read.
    pub key: String,
    pub team: String,
    pub received_at: Timestamp,
    pub body: String,
}

/// A delivery that was read: what it means, if anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    pub sequence: u64,
    /// The delivery's key.
    pub key: String,
    pub record: Option<(RawRecord, Priority)>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// Read a raw record and act upon it.
    Record(AlertId),
    /// Investigate an incident.
    Investigate {
        incident: IncidentId,
        investigation: InvestigationId,
        #[serde(default)]
        occasion: Occasion,
    },
    /// Tell another system what a person decided here.
    Tell(Tell),
    /// Bring the run of a runbook one turn further.
    Run { run: RunId, turn: u32 },
    /// Do what an agent was asked to do, as this record says.
    Task(AlertId),
}

/// What another system is to be told, and who is to hear how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tell {
    /// The act's own id, so that each act tells once.
    pub act: String,
    pub incident: IncidentId,
    /// A Slack user id.
    pub user: String,
    pub team: String,
    pub reply: Reply,
    pub what: Told,
}

/// The matter of a [`Tell`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Set this silence where the incident's alert comes from.
    Silence { silence: String },
    /// End it there.
    Unsilence { silence: String },
    /// Call people through the paging service.
    Page { reason: String },
    /// Tell people by e-mail (`email`) or a webhook (`webhook:NAME`).
    Notice { way: String, to: Vec<String>, reason: String },
}

impl Told {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Silence { .. } => "silence",
            Self::Unsilence { .. } => "unsilence",
            Self::Page { .. } => "page",
            Self::Notice { .. } => "notice",
        }
    }
}

/// Why an investigation is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// An alert opened the incident, or brought it back.
    #[default]
    Alert,
    /// A person wants another look.
    Rerun { user: String },
    /// A person wants the same look again, to compare.
    Replay { user: String },
    /// A person asked something about the incident, in their own words.
    Question { user: String, text: String },
}

impl WorkKind {
    /// The work's id: the same thing to do has the same id, so that it is queued once.
    pub fn id(&self) -> String {
        match self {
            Self::Record(id) => format!("record/{id}"),
            Self::Investigate { incident, investigation, .. } => format!("investigate/{incident}/{investigation}"),
            Self::Tell(tell) => format!("tell/{}/{}/{}", tell.what.as_str(), tell.incident, tell.act),
            Self::Run { run, turn } => format!("run/{run}/{turn}"),
            Self::Task(id) => format!("task/{id}"),
        }
    }

    /// What the ids of all investigations of an incident begin with.
    pub fn looks_prefix(incident: IncidentId) -> String {
        format!("investigate/{incident}/")
    }
}

/// How far an investigation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookState {
    /// Nobody has begun it, or it waits to be tried again.
    Waiting,
    Running,
    Done,
    /// It failed again and again.
    PutAside,
}

/// An investigation as a piece of work: also before it has found anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub incident: IncidentId,
    pub investigation: InvestigationId,
    pub occasion: Occasion,
    pub state: LookState,
}

/// Which investigations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// All of an incident, the one asked for last first.
    Of(IncidentId),
    One(InvestigationId),
}

/// Work to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWork {
    pub kind: WorkKind,
    pub priority: Priority,
    /// Not before this; at once where nothing is said.
    pub not_before: Option<Timestamp>,
}

impl NewWork {
    /// To be done at once.
    pub fn now(kind: WorkKind, priority: Priority) -> Self {
        Self { kind, priority, not_before: None }
    }
}

/// Work that was claimed; `epoch` is the fence: a later claim has a higher one and the earlier worker's commit is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    pub id: String,
    pub kind: WorkKind,
    pub priority: Priority,
    /// This attempt's number, from 1; leases that ran out are attempts too.
    pub attempts: u32,
    /// How many attempts have failed before, conflicts not counted.
    pub failures: u32,
    pub epoch: u64,
}

/// All that one step decided.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The work that is done with this; refused when another worker has taken it over.
    pub done: Option<Work>,
    /// Further work that is done with the same step, all of it or none.
    pub also_done: Vec<Work>,
    /// The incidents as they shall be; refused when a `version` is not the stored one.
    pub incidents: Vec<Incident>,
    pub investigation: Option<Box<Investigation>>,
    pub enqueue: Vec<NewWork>,
    pub slots: Vec<SlotUpdate>,
    /// Alerts of the incidents, as they shall be; one row for each incident and fingerprint.
    pub members: Vec<Member>,
    pub documents: Vec<DocumentUpdate>,
    /// Lines to add to the audit log.
    pub audit: Vec<AuditEntry>,
    /// The documents that the decision was built on, with the sequence that they had; refused when one was written since.
    pub unchanged: Vec<(DocumentKind, String, u64)>,
    /// Incidents whose messages are not wanted any more, as far as they are not out: they are shown elsewhere.
    pub withdrawn: Vec<IncidentId>,
}

/// What kind of small thing a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    Silence,
    Heartbeat,
    Storm,
    /// A change that we were told of.
    Change,
    /// A workspace that installed the app.
    Workspace,
    /// A person's home tab that was opened.
    Home,
    /// A run of a runbook, from request to verification.
    Run,
    /// A machine's key to the API, as its hash.
    ApiKey,
    /// A token that is not taken any more.
    Revoked,
    /// What somebody who is signed in to the console may.
    Session,
    /// What this installation knows of itself: its key, and the settings that it ran with.
    Installation,
    /// What the API answered to a request with a key of its own.
    Answer,
    /// What became of an agent's task.
    Task,
}

impl DocumentKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Heartbeat => "heartbeat",
            Self::Storm => "storm",
            Self::Change => "change",
            Self::Workspace => "workspace",
            Self::Home => "home",
            Self::Run => "run",
            Self::ApiKey => "api_key",
            Self::Revoked => "revoked",
            Self::Session => "session",
            Self::Installation => "installation",
            Self::Answer => "answer",
            Self::Task => "task",
        }
    }
}

/// A small thing that must outlive the process, as its owner's own JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentUpdate {
    pub kind: DocumentKind,
    pub key: String,
    /// `None` takes it away.
    pub body: Option<Value>,
}

/// What became of an agent's task: a [`DocumentKind::Task`] document, under the id of the record that brought it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    pub agent: String,
    /// Null when it failed.
    pub result: Value,
    /// Why it failed.
    pub error: Option<String>,
    pub milliseconds: u64,
    /// When it was done.
    pub at: Timestamp,
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub key: String,
    pub body: Value,
    /// When it was written last, by order: a later write has a higher number.
    pub sequence: u64,
}

/// Where in Slack a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A message of its own in the channel.
    Root,
    /// A reply in this thread.
    Thread(String),
    /// A reply under the incident's card, wherever that ends up.
    UnderCard,
}

impl Place {
    /// Where an incident's further messages go: under the alert in Slack, or under the card where there is none.
    pub fn below(incident: &Incident) -> Self {
        match &incident.alert.origin {
            Origin::Slack { ts, .. } => Self::Thread(ts.clone()),
            Origin::Webhook => Self::UnderCard,
        }
    }
}

/// What a slot shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotBody {
    Message(Message),
    /// A plan that fills in while people wait; the same slot's next wish, the report, takes its place.
    Progress {
        message: Message,
        /// The Slack user id of the person who asked, to whom it may be streamed; empty where nobody did.
        user: String,
    },
    /// A file in the incident's thread. Its bytes are made when it is sent; once sent it is not changed any more.
    File(FileWish),
    /// The one reaction of ours on the message `ts`; `None` takes it away.
    Reaction {
        ts: String,
        name: Option<String>,
    },
}

/// A file that shall be in a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileWish {
    pub content: FileContent,
    /// What people read above it.
    pub title: String,
    /// The key of the slot that it follows; empty when it follows nothing.
    #[serde(default)]
    pub after: String,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileContent {
    /// The timeline of an investigation, as a picture.
    Timeline(InvestigationId),
    /// Everything that an investigation saw, as text.
    Evidence(InvestigationId),
    /// A text of its own, under this file name.
    Text { name: String, text: String },
}

/// A wish: this slot shall show this.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotUpdate {
    /// `INC-42/card`, `INC-42/report/…`: one slot is one Slack message (or our reaction on one), whatever happens to it.
    pub key: String,
    pub incident: IncidentId,
    /// The Slack workspace (team id) of the channel; empty for the configured one.
    pub team: String,
    pub channel: String,
    pub place: Place,
    pub body: SlotBody,
}

impl SlotUpdate {
    /// What the keys of all reactions of ours on one message begin with; each incident has one of its own.
    pub fn reaction_prefix(channel: &str, ts: &str) -> String {
        format!("reaction/{channel}/{ts}/")
    }

    /// The key of an incident's card.
    pub fn card_key(incident: IncidentId) -> String {
        format!("{incident}/card")
    }

    /// The key of an investigation's message: its progress, and then its report.
    pub fn report_key(incident: IncidentId, investigation: InvestigationId) -> String {
        format!("{incident}/report/{investigation}")
    }
}

/// A wish and how far it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    pub key: String,
    pub incident: IncidentId,
    pub team: String,
    pub channel: String,
    pub place: Place,
    pub body: SlotBody,
    /// Counts the wordings; the slot is due while it is above `sent_version`.
    pub version: u64,
    pub sent_version: u64,
    /// The message's timestamp once it is posted.
    pub ts: Option<String>,
    /// The card's message, for [`Place::UnderCard`].
    pub card_ts: Option<String>,
    /// A post was tried and its outcome is not known: look for it before posting again.
    pub in_doubt: bool,
    pub attempts: u32,
    /// What marks this slot's message in Slack, so that it can be found again; nobody else's message has it.
    pub delivery: String,
    /// The sender's own memory: the reaction that is set now, or that the message is being streamed.
    pub note: String,
}

/// Which incidents to list.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    /// Only open ones.
    pub open: bool,
    pub service: Option<String>,
    /// Only those that this person (a Slack user id) owns.
    pub owner: Option<String>,
    /// Only those that were opened at or after this instant.
    pub since: Option<Timestamp>,
    /// Only those that were opened before this instant.
    pub until: Option<Timestamp>,
    pub state: Option<IncidentState>,
    pub priority: Option<Priority>,
    /// Only those whose title, service or cause has all of these words.
    pub text: Option<String>,
    /// Only those with a lower number: the next page begins after the last one of this page.
    pub before: Option<IncidentId>,
    /// At most this many; 0 means 50, and 500 is the most.
    pub limit: usize,
}

/// A past incident that resembles the present one.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar {
    pub incident: IncidentId,
    pub title: String,
    pub opened_at: Timestamp,
    /// The cause that was reported then; empty when none was.
    pub cause: String,
}
