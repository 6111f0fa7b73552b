//! The numbers that databases are compared with, each with its source.

/// CPUUtilization from which queries queue, percent. Source: common RDS alarms at 80 to 90 %; queueing grows steeply above 80 %.
pub const CPU: f64 = 85.0;
/// CPUUtilization that is worth a word beside another fault, percent.
pub const CPU_ELEVATED: f64 = 40.0;
/// ReplicaLag in seconds. Source: AWS recommended alarms for RDS, ReplicaLag 60 s.
pub const LAG: f64 = 60.0;
/// A replica of an idle PostgreSQL reports up to five minutes. Source: Amazon RDS, monitoring read replication.
pub const IDLE_LAG: f64 = 310.0;
/// Write-ahead log a second of an idle primary, bytes: it is switched once in five minutes (16 MB to 64 MB segments).
pub const IDLE_WAL: f64 = 300_000.0;
/// Share of max_connections in use. Source: AWS recommends to alarm below the maximum; PostgreSQL keeps 3 slots for superusers.
pub const CONNECTIONS: f64 = 0.9;
/// Free storage that counts as full, share of what is provisioned and bytes. Source: RDS storage autoscaling starts at 10 %; common alarm 2 GB.
pub const FREE_SHARE: f64 = 0.1;
pub const FREE_BYTES: f64 = 2e9;
/// How soon a falling free space is out, minutes, to count as a fault. Source: RDS storage modification may take hours.
pub const FREE_MINUTES: f64 = 360.0;
/// BurstBalance, EBSIOBalance% in percent; CPUCreditBalance in credits. Source: cloudposse terraform-aws-rds-cloudwatch-sns-alarms, 20 and 20.
pub const BURST: f64 = 20.0;
pub const CPU_CREDITS: f64 = 20.0;
/// DiskQueueDepth. Source: the same module, 64 from experience with RDS; a tenth of it is worth a look when it grew tenfold.
pub const QUEUE: f64 = 64.0;
/// Read and write latency in seconds. Source: AWS recommended alarms for RDS, 20 ms.
pub const LATENCY: f64 = 0.02;
/// SwapUsage and FreeableMemory in bytes. Source: the same module, 256 MB and 64 MB.
pub const SWAP: f64 = 256e6;
pub const FREE_MEMORY: f64 = 64e6;
/// MaximumUsedTransactionIDs. Source: AWS, early warning for transaction ID wraparound at 1 billion; the server stops near 2 billion.
pub const TRANSACTION_IDS: f64 = 1e9;
/// InnoDB's history list. Source: Aurora MySQL proactive insights, 1,000,000.
pub const HISTORY: f64 = 1e6;
/// Share of the load from which one statement or wait carries it.
pub const CARRIES: f64 = 0.4;
/// Used memory of a cache server, percent. Source: ElastiCache, reserved-memory practice.
pub const CACHE_MEMORY: f64 = 95.0;
