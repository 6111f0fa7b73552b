//! What was seen, and what is concluded from it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{entity::Entity, ids::EvidenceId};

/// What sort of observation a piece of evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The present state of an object: a status, a condition, a field.
    Condition,
    Event,
    LogPattern,
    MetricAnomaly,
    Change,
    Probe,
    Database,
}

impl EvidenceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Event => "event",
            Self::LogPattern => "log_pattern",
            Self::MetricAnomaly => "metric_anomaly",
            Self::Change => "change",
            Self::Probe => "probe",
            Self::Database => "database",
        }
    }
}

/// One thing that was seen, where, and how to see it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub id: EvidenceId,
    pub kind: EvidenceKind,
    /// The tool or file that it comes from: `kubernetes`, `logs/checkout.log`.
    pub source: String,
    /// What was asked, so that a person can ask it again; empty for a file that was read whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    pub entity: Entity,
    /// When it was seen, or first seen; `None` when the source carries no time.
    pub time: Option<Timestamp>,
    /// When it was last seen, for a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// One sentence with the numbers in it, at most 300 characters.
    pub summary: String,
    /// The source's own words, redacted, at most 1,000 characters.
    pub excerpt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// It settles its point by itself (an OOM kill, an expired certificate), unlike a statistic.
    pub decisive: bool,
}

/// A ranked cause: what, where, how sure, and what would prove it wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// 1 is the likeliest.
    pub rank: u32,
    pub category: Category,
    /// One sentence that a person can repeat.
    pub statement: String,
    pub entity: Entity,
    /// 0 to 1, computed by code from the evidence; capped at 0.95.
    pub confidence: f64,
    pub supporting: Vec<EvidenceId>,
    pub contradicting: Vec<EvidenceId>,
    /// The observation that would refute it.
    #[serde(default)]
    pub falsifier: String,
    /// What to do now, commands included, values taken from the evidence.
    pub remediation: Vec<String>,
    pub prevention: Vec<String>,
}

impl Hypothesis {
    /// `high`, `medium` or `low`: confidence in the words that the report uses.
    pub fn confidence_word(&self) -> &'static str {
        match self.confidence {
            c if c >= 0.75 => "high",
            c if c >= 0.5 => "medium",
            _ => "low",
        }
    }
}

macro_rules! categories {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The closed taxonomy of causes. A cause outside it is `Unknown`, never a new word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Category {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Category {
            /// Every category, in the order of the taxonomy.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

categories! {
    // Workloads and nodes
    /// A container went over its memory limit, or its node ran out of memory.
    OomKilled = "oom_killed",
    /// A container exits again and again, and nothing says more about why.
    CrashLoop = "crash_loop",
    /// The container's command or entry point does not exist or cannot be executed.
    CommandNotFound = "command_not_found",
    ImagePull = "image_pull",
    /// A ConfigMap, Secret, key, environment variable or file that is needed is not there.
    ConfigMissing = "config_missing",
    /// A setting is there and wrong.
    Misconfiguration = "misconfiguration",
    Scheduling = "scheduling",
    QuotaExceeded = "quota_exceeded",
    ProbeFailure = "probe_failure",
    Evicted = "evicted",
    NodeNotReady = "node_not_ready",
    NodePressure = "node_pressure",
    DiskFull = "disk_full",
    /// A volume or claim that is unbound, lost or cannot be mounted.
    Volume = "volume",
    PermissionDenied = "permission_denied",
    AdmissionWebhook = "admission_webhook",
    Autoscaling = "autoscaling",
    DisruptionBudget = "disruption_budget",
    /// A rollout that does not finish, or replicas that are missing.
    RolloutStuck = "rollout_stuck",
    JobFailed = "job_failed",
    CpuSaturation = "cpu_saturation",
    MemoryPressure = "memory_pressure",
    FileDescriptors = "file_descriptors",
    /// An operator-managed or platform object reports that it is not healthy.
    PlatformObject = "platform_object",
    // Network
    DnsFailure = "dns_failure",
    NetworkPolicy = "network_policy",
    NoEndpoints = "no_endpoints",
    ConnectionRefused = "connection_refused",
    ConnectionTimeout = "connection_timeout",
    NetworkFault = "network_fault",
    TlsCertificate = "tls_certificate",
    Ingress = "ingress",
    Gateway = "gateway",
    // Databases and queues
    ConnectionPoolExhausted = "connection_pool_exhausted",
    ConnectionLimit = "connection_limit",
    MissingIndex = "missing_index",
    SlowQuery = "slow_query",
    LockContention = "lock_contention",
    ReplicationLag = "replication_lag",
    ReplicationStale = "replication_stale",
    Election = "election",
    MemberDown = "member_down",
    /// A server was stopped on purpose.
    PlannedShutdown = "planned_shutdown",
    DatabaseUnavailable = "database_unavailable",
    DataCorruption = "data_corruption",
    VersionMismatch = "version_mismatch",
    CachePressure = "cache_pressure",
    QueueBacklog = "queue_backlog",
    // Applications
    /// An exception or a bug in the program itself.
    CodeError = "code_error",
    Authentication = "authentication",
    RateLimited = "rate_limited",
    /// Another service that this one needs answers wrongly, slowly or not at all.
    DependencyFailure = "dependency_failure",
    Latency = "latency",
    ErrorRate = "error_rate",
    /// Nothing is reported any more where there was a steady signal.
    Silence = "silence",
    TrafficSurge = "traffic_surge",
    DataError = "data_error",
    // Changes
    /// A deploy, commit, flag or configuration change that fits the symptom.
    BadChange = "bad_change",
    Unknown = "unknown",
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
