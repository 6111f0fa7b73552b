//! What must not be lost: raw records, work, incidents, investigations and the messages that are still to be sent.
//!
//! One trait, several backends, one behaviour suite (`suite.rs`) that all of them pass.

pub mod audit;
mod embedded;
#[cfg(test)]
mod suite;
mod types;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{AlertId, AuditEntry, Incident, IncidentId, Investigation, InvestigationId, Member, Priority, RawRecord};

pub use audit::{Anchor, AuditLine};
pub use embedded::Embedded;
pub use types::{
    Commit, Delivery, Document, DocumentKind, DocumentUpdate, FileContent, FileWish, IncidentFilter, Look, LookState, Looks, NewWork,
    Occasion, Place, Recorded, Settled, Similar, Slot, SlotBody, SlotUpdate, TaskResult, Tell, Told, Work, WorkKind,
};

/// Why the store did not do it. Nothing of a failed call has happened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, the file is locked, the server is away: try again later.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// Somebody else changed the incident first: read it again and redo the step.
    #[error("the incident was changed meanwhile")]
    Conflict,
    /// Another worker has taken over this work: stop, it is theirs.
    #[error("the work was taken over by another worker")]
    Fenced,
    /// What is stored cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
}

/// The result of a store call.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Durable state. Every method that writes returns only after the write is durable (fsync, or a majority of servers).
#[async_trait]
pub trait Store: Send + Sync {
    /// Writes a raw record and the work that it means, in one durable step. A second record with the same source and key has no effect.
    async fn record(&self, record: &RawRecord, priority: Priority) -> Result<Recorded>;

    /// Writes a delivery as it is, at the end of those that wait to be read.
    async fn deliver(&self, delivery: Delivery) -> Result<()>;

    /// The deliveries that wait to be read, in the order in which they came. Whoever reads them may not be alone.
    async fn deliveries(&self, limit: usize) -> Result<Vec<Delivery>>;

    /// Takes deliveries away and records what they mean, in one durable step; for each with a record what became of it, in order.
    /// One that somebody else has settled is no error: its record is a duplicate then.
    async fn settle(&self, settled: Vec<Settled>) -> Result<Vec<Recorded>>;

    async fn load_record(&self, id: AlertId) -> Result<Option<RawRecord>>;

    /// Takes work for one worker until `lease_until`; `None` when it is done, dead, not yet due or leased by somebody else.
    async fn claim(&self, work: &str, now: Timestamp, lease_until: Timestamp) -> Result<Option<Work>>;

    /// Work that somebody should do now, most urgent first: what a restart or a crashed worker has left behind.
    async fn unfinished(&self, now: Timestamp, limit: usize) -> Result<Vec<(String, Priority)>>;

    /// Says that no worker of an earlier life is left: leases that it held are void, so that its work is found at once.
    /// A store that several processes share leaves them to run out. The fence holds in any case.
    async fn take_over(&self) -> Result<()>;

    /// Gives work back after a failure, to be tried again from `not_before`, or never when that is `None`.
    async fn give_back(&self, work: &Work, error: &str, not_before: Option<Timestamp>) -> Result<()>;

    /// Gives work back because somebody else was faster: no failure, due at once.
    async fn hand_back(&self, work: &Work) -> Result<()>;

    /// Everything that one step decided, in one durable step, or nothing of it. Returns the incidents as they are stored now.
    async fn commit(&self, commit: Commit) -> Result<Vec<Incident>>;

    /// `count` numbers in a row that no incident has had before; the first of them.
    async fn reserve_incident_ids(&self, count: u64) -> Result<IncidentId>;

    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>>;

    /// The open incident that has an alert of this fingerprint, or else the newest closed one.
    async fn incident_of(&self, fingerprint: &str) -> Result<Option<Incident>>;

    /// The open incidents that have one of these keys, newest first; at most 20.
    async fn incidents_with_keys(&self, keys: &[String]) -> Result<Vec<Incident>>;

    /// The incidents whose thread this is, newest first; at most 20. One message can bring several.
    async fn incidents_in_thread(&self, channel: &str, ts: &str) -> Result<Vec<Incident>>;

    /// The alert of this fingerprint in this incident.
    async fn member(&self, incident: IncidentId, fingerprint: &str) -> Result<Option<Member>>;

    /// An incident's alerts in the order in which they joined; `limit` is at most 1000.
    async fn members(&self, incident: IncidentId, skip: usize, limit: usize) -> Result<Vec<Member>>;

    async fn document(&self, kind: DocumentKind, key: &str) -> Result<Option<Document>>;

    /// The documents of a kind, the one written last first; at most 1000.
    async fn documents(&self, kind: DocumentKind, limit: usize) -> Result<Vec<Document>>;

    /// The newest lines of the audit log, newest first: all of them, or those about one object; at most 1000.
    async fn audit(&self, object: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>>;

    /// The lines of the audit log after this sequence, in their order; at most `limit`, and at most 1000.
    async fn audit_lines(&self, after: u64, limit: usize) -> Result<Vec<AuditLine>>;

    /// How many lines the audit log was ever given.
    async fn audit_count(&self) -> Result<u64>;

    /// Newest first.
    async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<Incident>>;

    /// The investigations that were asked for, how far each is at `now`; at most 500.
    async fn looks(&self, which: Looks, now: Timestamp) -> Result<Vec<Look>>;

    async fn investigation(&self, id: InvestigationId) -> Result<Option<Investigation>>;

    /// Past incidents whose title, service and cause resemble `text`, best first.
    async fn similar(&self, text: &str, limit: usize) -> Result<Vec<Similar>>;

    /// Messages whose present wording has not been sent, in the order of their incident's thread.
    async fn due_slots(&self, now: Timestamp, limit: usize) -> Result<Vec<Slot>>;

    async fn slot(&self, key: &str) -> Result<Option<Slot>>;

    /// What the incidents wish for as our reaction on one message; it can carry only one of them.
    async fn reactions_on(&self, channel: &str, ts: &str) -> Result<Vec<Slot>>;

    /// A first post is about to be tried: from now on its outcome is unknown until [`Store::slot_sent`] or [`Store::slot_failed`].
    async fn slot_started(&self, key: &str) -> Result<()>;

    /// The wording `version` is out, as message `ts`.
    async fn slot_sent(&self, key: &str, version: u64, ts: &str, note: &str) -> Result<()>;

    /// The attempt failed. `ambiguous`: it may have gone out all the same. Next attempt from `not_before`, none when that is `None`.
    async fn slot_failed(&self, key: &str, error: &str, ambiguous: bool, not_before: Option<Timestamp>) -> Result<()>;

    /// The message, or the thread that it was to go into, is gone from Slack: it is posted anew, at `place`.
    async fn slot_lost(&self, key: &str, place: &Place) -> Result<()>;

    /// Forgets what is older than `before` and finished: records, done work, messages of closed incidents. Returns how many rows went.
    async fn prune(&self, before: Timestamp) -> Result<usize>;

    /// Proves that a write would be durable now.
    async fn ping(&self) -> Result<()>;
}
