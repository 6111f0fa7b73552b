//! One fault of a database before it becomes a finding: its mechanism, its culprit, and what it explains.

use jiff::Timestamp;

use crate::{
    analysis::{Finding, Role, Seen},
    model::{Category, Entity},
};

/// Which mechanism failed, the deepest first where several are seen and nothing else decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mechanism {
    Storage,
    Memory,
    Failover,
    TransactionAge,
    Storm,
    Replication,
    Locks,
    Connections,
    Volume,
    Cpu,
}

impl Mechanism {
    /// Words of an alert that ask for it.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Storage => &["storage", "disk full", "disk space", "diskfull"],
            Self::Memory => &["memory", "swap", " oom", "oomkill", "evict"],
            Self::Failover => {
                &["failover", "fail over", "availab", "unreachable", "restart", "reboot", "outage", "reset", "lost", "dropped", "endpoint"]
            }
            Self::TransactionAge => &["wraparound", "transactionid", "transaction id", "xid", "vacuum", "history list", "bloat"],
            Self::Storm => &["checkpoint", " wal ", "vacuum", "write-ahead"],
            Self::Replication => {
                &["replicalag", "replicationlag", "replica lag", "replication lag", "lagging", " lag ", "stale", "read replica"]
            }
            Self::Locks => &[" lock", "deadlock", "blocked", "blocking", "lockwait", "rowlock"],
            Self::Connections => &["connection", "too many clients", "sessions are refused", "max_connections"],
            Self::Volume => &["latency", "iops", "queuedepth", "queue depth", "i/o", "burst"],
            Self::Cpu => &["cpu"],
        }
    }
}

/// One fault.
#[derive(Debug, Clone)]
pub struct Fault {
    pub mechanism: Mechanism,
    pub category: Category,
    pub entity: Entity,
    pub statement: String,
    /// The same in a few words, to be told beside another fault.
    pub short: String,
    /// The statement, slot or session that brings it about; empty when unknown.
    pub culprit: String,
    /// Sessions that do nothing hold what is short: no slow statement explains them.
    pub idle: bool,
    /// Writes are blocked by it: whatever waits, waits for this.
    pub blocks: bool,
    pub seen: Vec<Seen>,
    pub strength: f64,
    pub decisive: bool,
    pub since: Option<Timestamp>,
    pub falsifier: String,
    pub fixes: Vec<String>,
    pub prevents: Vec<String>,
}

impl Fault {
    pub fn new(mechanism: Mechanism, category: Category, entity: Entity, statement: impl Into<String>) -> Self {
        Self {
            mechanism,
            category,
            entity,
            statement: statement.into(),
            short: String::new(),
            culprit: String::new(),
            idle: false,
            blocks: false,
            seen: Vec::new(),
            strength: 0.8,
            decisive: false,
            since: None,
            falsifier: String::new(),
            fixes: Vec::new(),
            prevents: Vec::new(),
        }
    }

    #[must_use]
    pub fn short(mut self, text: impl Into<String>) -> Self {
        self.short = text.into();
        self
    }

    #[must_use]
    pub fn by(mut self, culprit: impl Into<String>) -> Self {
        self.culprit = culprit.into();
        self
    }

    #[must_use]
    pub fn saw(mut self, seen: impl IntoIterator<Item = Seen>) -> Self {
        self.seen.extend(seen);
        self
    }

    #[must_use]
    pub fn sure(mut self, decisive: bool, strength: f64) -> Self {
        self.decisive = decisive;
        self.strength = strength;
        self
    }

    #[must_use]
    pub fn refuted_by(mut self, text: impl Into<String>) -> Self {
        self.falsifier = text.into();
        self
    }

    #[must_use]
    pub fn fix(mut self, text: impl Into<String>) -> Self {
        self.fixes.push(text.into());
        self
    }

    #[must_use]
    pub fn prevent(mut self, text: impl Into<String>) -> Self {
        self.prevents.push(text.into());
        self
    }

    /// The finding that people read; only the first fault may settle its point.
    pub fn finding(self, first: bool) -> Finding {
        let mut finding = Finding::new(self.category, Role::Cause, self.entity, self.statement).strength(self.strength);
        if self.decisive && first {
            finding = finding.decisive();
        }
        finding = finding.saw_all(self.seen).falsifier(self.falsifier);
        finding.since = self.since.or(finding.since);
        finding.remediation = self.fixes;
        finding.prevention = self.prevents;
        finding
    }
}

/// What a check says.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub faults: Vec<Fault>,
    pub ruled_out: Vec<String>,
}
