//! What a managed database's events and its own log say happened, sorted by kind and by age.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::{Regex, RegexSet};

use crate::model::observation::LogLine;

/// What an event speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    StorageGrown,
    StorageOut,
    StorageLow,
    FailoverEnd,
    FailoverStart,
    HostUnhealthy,
    OutOfMemory,
    Restart,
    ReplicationStopped,
    Lag,
    Promotion,
    ConnectionsRefused,
    ConnectionsHigh,
    Wraparound,
    Checkpoints,
    Vacuum,
    Deadlock,
    LockTimeout,
    Credits,
    Backup,
    Maintenance,
    Parameters,
    Recovered,
    CpuHigh,
    IoHigh,
    Available,
}

/// The first that matches counts. Source: the event categories and messages of Amazon RDS, messages of PostgreSQL and MySQL.
const PATTERNS: &[(Kind, &str)] = &[
    (
        Kind::Recovered,
        r"recovered|relieved|back to (?:normal|baseline)|returned to (?:normal|baseline)|caught up|has cleared|lag (?:is )?(?:now )?below|no longer",
    ),
    (
        Kind::StorageGrown,
        r"(?:finished|complete|successful|increased|expanded|extended|grew).*(?:storage|volume)|(?:storage|volume).*(?:finished|completed?|increased|expanded|extended|autoscaled)|autoscal\w*.*storage",
    ),
    (
        Kind::StorageOut,
        r"(?:ran |runs |running |is )out of (?:storage|disk|space)|storage[- ]full|(?:exhausted|consumed|insufficient|used up|no free).*(?:storage|disk)|(?:storage|disk)(?: space)?.*(?:exhausted|consumed|insufficient|used up)|no space left|disk(?: is)? full",
    ),
    (
        Kind::StorageLow,
        r"free storage.*low|low (?:on )?(?:free )?storage|storage.*(?:is low|critically low|below|running low|almost full|nearly full)|critically low.*storage",
    ),
    (
        Kind::HostUnhealthy,
        r"primary (?:host|instance).*(?:unhealthy|unresponsive|unreachable|busy|loss|failed)|(?:host|hardware|instance).*(?:unhealthy|failure|unreachable)|health check.*fail|storage volume.*fail|availability zone.*(?:fail|impair|degrad|loss|disrupt|outage)",
    ),
    (
        Kind::FailoverEnd,
        r"fail-?over.*(?:complete|finished|succeeded|successful)|(?:complete|finished|completed) (?:the |a |same az |cross az )*(?:multi-az )?(?:instance )?fail-?over",
    ),
    (Kind::FailoverStart, r"fail-?over|standby.*(?:promot|took over|becom)|promot\w+.*standby"),
    (
        Kind::OutOfMemory,
        r"out of memory|oom[- ]kill|signal 9|low (?:on )?memory|insufficient memory|memory pressure|cannot allocate memory",
    ),
    (Kind::ReplicationStopped, r"replication.*(?:stopped|terminated|broken|error|failed|has ended)|could not execute .* event"),
    (Kind::Lag, r"(?:replication|replica|standby).*(?:lag|behind|stale)|lag.*repli"),
    (Kind::Promotion, r"promot"),
    (
        Kind::ConnectionsRefused,
        r"too many (?:clients|connections)|connection slots are reserved|remaining connection slots|(?:connections?|sessions?|clients?).*(?:refused|rejected|denied)|max_connections.*(?:reached|exceeded|exhausted)",
    ),
    (
        Kind::ConnectionsHigh,
        r"max_connections|connections? (?:count |limit|usage|pool|in use)|current connections|databaseconnections|number of connections",
    ),
    (Kind::Wraparound, r"wraparound|must be vacuumed within|transaction id.*(?:exhaust|limit|close)"),
    (Kind::Checkpoints, r"checkpoint"),
    (Kind::Vacuum, r"\bauto-?vacuum|\bvacuum"),
    (Kind::Deadlock, r"deadlock"),
    (Kind::LockTimeout, r"lock wait timeout|canceling statement due to lock|still waiting for \w+lock|lock timeout"),
    (Kind::Credits, r"burst ?balance|burst credit|cpu credit|io ?balance|iops.*(?:limit|cap|exceed)|credit balance"),
    (Kind::Backup, r"back(?:ing |ed )?up|snapshot|point-in-time"),
    (Kind::Maintenance, r"maintenance|version upgrade|upgrad(?:e|ing)|patch|security update|os update|certificate"),
    (
        Kind::Parameters,
        r"parameter group|option group|parameter.*(?:updated|changed|applied)|modif(?:y|ied|ication)|security group|configuration change",
    ),
    (Kind::Restart, r"restart|reboot|shut ?down|crash|recovery of the db instance|recovery mode|starting up"),
    (Kind::CpuHigh, r"\bcpu\b"),
    (Kind::IoHigh, r"i/?o wait|queue ?depth|iops|latency|throughput"),
    (Kind::Available, r"\bavailable\b|created|started"),
];

/// What `text` speaks of; `None` when it is no event of a database.
pub fn kind_of(text: &str) -> Option<Kind> {
    static SET: LazyLock<Option<RegexSet>> =
        LazyLock::new(|| RegexSet::new(PATTERNS.iter().map(|(_, pattern)| format!("(?i){pattern}"))).ok());
    let first = SET.as_ref()?.matches(text).iter().next()?;
    PATTERNS.get(first).map(|(kind, _)| *kind)
}

/// One event.
#[derive(Debug, Clone)]
pub struct Happening<'a> {
    pub kind: Kind,
    pub time: Option<Timestamp>,
    pub instance: &'a str,
    pub text: &'a str,
    pub source: &'a str,
    /// It was over long before the window of the incident.
    pub old: bool,
}

impl<'a> Happening<'a> {
    pub fn of(source: &'a str, line: &'a LogLine) -> Option<Self> {
        Some(Self { kind: kind_of(&line.text)?, time: line.time, instance: &line.service, text: &line.text, source, old: false })
    }

    /// The event for people, cut.
    pub fn shown(&self) -> String {
        let flat = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if flat.chars().count() <= 200 { flat } else { flat.chars().take(199).chain(['…']).collect() }
    }
}

/// `469 of 500`, `max_connections=500`, `limit of 500`: used and limit, as far as said.
pub fn connection_limit(text: &str) -> (Option<f64>, Option<f64>) {
    static OF: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)\b(\d[\d,]*)\s*(?:of|/|out of)\s*(?:max\w* |the )*(\d[\d,]*)\b").ok());
    static LIMIT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:max_connections|connection limit|max_user_connections)\W{0,3}(?:(?:is|of|set|to|limit|at)\W{1,3})*(\d[\d,]*)\b")
            .ok()
    });
    let number = |text: &str| text.replace(',', "").parse::<f64>().ok();
    if let Some(found) = OF.as_ref().and_then(|of| of.captures(text)) {
        return (found.get(1).and_then(|n| number(n.as_str())), found.get(2).and_then(|n| number(n.as_str())));
    }
    let limit = LIMIT.as_ref().and_then(|limit| limit.captures(text)).and_then(|found| found.get(1)).and_then(|n| number(n.as_str()));
    (None, limit)
}

/// `0.8 GB remaining`, `Free Storage: 4.40 GB`: what is left, in bytes.
pub fn left(text: &str) -> Option<f64> {
    static SIZE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let size = r"(\d[\d.,]*)\s*(TB|TiB|GB|GiB|MB|MiB)";
        Regex::new(&format!(
            r"(?i)(?:free (?:storage|storage space|space):? *{size}|{size} (?:of \S+ )?(?:is |are )?(?:remaining|free|left))"
        ))
        .ok()
    });
    let found = SIZE.as_ref()?.captures(text)?;
    let (size, unit) = found.get(1).zip(found.get(2)).or_else(|| found.get(3).zip(found.get(4)))?;
    sized(size.as_str(), unit.as_str())
}

fn sized(size: &str, unit: &str) -> Option<f64> {
    let size: f64 = size.replace(',', "").parse().ok()?;
    let unit = match unit.to_ascii_lowercase().as_bytes().first()? {
        b't' => 1e12,
        b'g' => 1e9,
        _ => 1e6,
    };
    Some(size * unit)
}

/// `of 200 GB`, `[Provisioned Storage: 97.90 GB`: what was provisioned, in bytes.
pub fn provisioned(text: &str) -> Option<f64> {
    static SIZE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:\bof (?:the )?|provisioned storage:? *|allocated storage:? *(?:of )?)(\d[\d.,]*)\s*(TB|TiB|GB|GiB|MB|MiB)").ok()
    });
    let found = SIZE.as_ref()?.captures(text)?;
    sized(found.get(1)?.as_str(), found.get(2)?.as_str())
}
