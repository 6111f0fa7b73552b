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
    /// An image that cannot be pulled: it does not exist, or the registry refuses, limits or does not answer.
    ImagePull = "image_pull",
    /// A ConfigMap, Secret, key, environment variable or file that is needed is not there.
    ConfigMissing = "config_missing",
    /// A setting is there and wrong.
    Misconfiguration = "misconfiguration",
    /// A pod that fits on no node: requests, taints, affinity, a volume's zone.
    Scheduling = "scheduling",
    /// A ResourceQuota or LimitRange refuses what is asked for.
    QuotaExceeded = "quota_exceeded",
    /// A probe that fails or is wrong kills or hides a container that works.
    ProbeFailure = "probe_failure",
    /// A pod that its node put out under pressure, or that was preempted.
    Evicted = "evicted",
    /// A node that does not answer, or is gone.
    NodeNotReady = "node_not_ready",
    /// A node short of memory, disk or process ids.
    NodePressure = "node_pressure",
    /// A filesystem, volume or quota of storage without space left.
    DiskFull = "disk_full",
    /// A volume or claim that is unbound, lost or cannot be mounted.
    Volume = "volume",
    /// RBAC, a file's mode, a security context or a cloud role refuses.
    PermissionDenied = "permission_denied",
    /// A webhook that refuses, or is not there to answer.
    AdmissionWebhook = "admission_webhook",
    /// An autoscaler at its end, without metrics, or with a wrong target.
    Autoscaling = "autoscaling",
    /// A PodDisruptionBudget that lets nothing be moved, or selects nothing.
    DisruptionBudget = "disruption_budget",
    /// A rollout that does not finish, or replicas that are missing.
    RolloutStuck = "rollout_stuck",
    /// A Job or CronJob that failed, is suspended or missed its time.
    JobFailed = "job_failed",
    /// Too little CPU for the work: throttling, contention, a saturated host.
    CpuSaturation = "cpu_saturation",
    /// Memory that runs short without a kill yet, or a leak.
    MemoryPressure = "memory_pressure",
    /// No file descriptors, sockets, threads or process ids left.
    FileDescriptors = "file_descriptors",
    /// An operator-managed or platform object reports that it is not healthy.
    PlatformObject = "platform_object",
    // Network
    /// A name that does not resolve: unknown, refused, or no answer.
    DnsFailure = "dns_failure",
    /// A policy that refuses what is needed.
    NetworkPolicy = "network_policy",
    /// A Service with nothing ready behind it.
    NoEndpoints = "no_endpoints",
    /// Nobody listens at the address.
    ConnectionRefused = "connection_refused",
    /// No answer from the address: a route, a firewall, a peer that is gone.
    ConnectionTimeout = "connection_timeout",
    /// Loss, delay or resets on the way.
    NetworkFault = "network_fault",
    /// A certificate that is expired, not yet valid, not trusted or for another name; or no common version.
    TlsCertificate = "tls_certificate",
    /// An Ingress or proxy whose class, backend or secret is wrong.
    Ingress = "ingress",
    /// A Gateway, route or mesh object that is not accepted or points to nothing.
    Gateway = "gateway",
    // Databases and queues
    /// All connections of a client's pool are in use.
    ConnectionPoolExhausted = "connection_pool_exhausted",
    /// The server takes no more connections.
    ConnectionLimit = "connection_limit",
    /// A query that reads everything because no index fits.
    MissingIndex = "missing_index",
    /// A query or operation that takes too long for another reason.
    SlowQuery = "slow_query",
    /// Work that waits for locks or latches, deadlocks included.
    LockContention = "lock_contention",
    /// A replica that is behind, and catches up or not.
    ReplicationLag = "replication_lag",
    /// A replica so far behind that it cannot catch up by itself.
    ReplicationStale = "replication_stale",
    /// A change of the primary that nobody planned.
    Election = "election",
    /// A member of a replicated system that is gone or not healthy.
    MemberDown = "member_down",
    /// A server was stopped on purpose.
    PlannedShutdown = "planned_shutdown",
    /// A database that does not start, or does not answer at all.
    DatabaseUnavailable = "database_unavailable",
    /// Data or an index that does not check.
    DataCorruption = "data_corruption",
    /// Versions that do not fit: binaries and data, client and server, schema and code.
    VersionMismatch = "version_mismatch",
    /// A cache at its limit: evictions, misses, dirty pages.
    CachePressure = "cache_pressure",
    /// Messages or work that come faster than they are done, or that nobody takes.
    QueueBacklog = "queue_backlog",
    // Applications
    /// An exception or a bug in the program itself.
    CodeError = "code_error",
    /// Credentials or tokens that are wrong, expired or missing.
    Authentication = "authentication",
    /// A service or provider refuses because of too many requests.
    RateLimited = "rate_limited",
    /// Another service that this one needs answers wrongly, slowly or not at all.
    DependencyFailure = "dependency_failure",
    /// Slower than usual, and nothing says more about why.
    Latency = "latency",
    /// More failures than usual, and nothing says more about why.
    ErrorRate = "error_rate",
    /// Nothing is reported any more where there was a steady signal.
    Silence = "silence",
    /// Several times the usual requests.
    TrafficSurge = "traffic_surge",
    /// Data that a program cannot read, parse or accept.
    DataError = "data_error",
    // Changes
    /// A deploy, commit, flag or configuration change that fits the symptom.
    BadChange = "bad_change",
    /// Something is wrong that fits none of these.
    Unknown = "unknown",
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
