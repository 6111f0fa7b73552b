//! One metric of one instance: which quantity it is, its normal, and where it stands now.

use jiff::Timestamp;

use crate::model::observation::Series;

/// What a metric of a managed database measures, whatever its exporter calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    Cpu,
    Load,
    Connections,
    FreeStorage,
    /// Free space for temporary files beside the cluster volume.
    FreeLocalStorage,
    ReplicaLag,
    ReadIops,
    WriteIops,
    ReadLatency,
    WriteLatency,
    CommitLatency,
    QueueDepth,
    FreeMemory,
    Swap,
    /// Bytes of write-ahead log a second.
    WalRate,
    WalDisk,
    BinlogDisk,
    /// Bytes that the oldest replication slot keeps.
    SlotLag,
    TransactionIds,
    BurstBalance,
    CpuCredits,
    Deadlocks,
    BlockedTransactions,
    HistoryList,
    /// Used memory of a cache server, percent.
    MemoryPercent,
    Evictions,
}

/// Names in lower case without separators. Source: the metric references of Amazon RDS, Aurora and ElastiCache.
const NAMES: &[(&str, Metric)] = &[
    ("cpuutilization", Metric::Cpu),
    ("enginecpuutilization", Metric::Cpu),
    ("dbload", Metric::Load),
    ("databaseconnections", Metric::Connections),
    ("currconnections", Metric::Connections),
    ("freestoragespace", Metric::FreeStorage),
    ("freelocalstorage", Metric::FreeLocalStorage),
    ("replicalag", Metric::ReplicaLag),
    ("aurorareplicalag", Metric::ReplicaLag),
    ("aurorabinlogreplicalag", Metric::ReplicaLag),
    ("replicationlag", Metric::ReplicaLag),
    ("readiops", Metric::ReadIops),
    ("volumereadiops", Metric::ReadIops),
    ("writeiops", Metric::WriteIops),
    ("volumewriteiops", Metric::WriteIops),
    ("readlatency", Metric::ReadLatency),
    ("writelatency", Metric::WriteLatency),
    ("commitlatency", Metric::CommitLatency),
    ("diskqueuedepth", Metric::QueueDepth),
    ("freeablememory", Metric::FreeMemory),
    ("swapusage", Metric::Swap),
    ("transactionlogsgeneration", Metric::WalRate),
    ("transactionlogsdiskusage", Metric::WalDisk),
    ("binlogdiskusage", Metric::BinlogDisk),
    ("oldestreplicationslotlag", Metric::SlotLag),
    ("maximumusedtransactionids", Metric::TransactionIds),
    ("burstbalance", Metric::BurstBalance),
    ("ebsiobalance", Metric::BurstBalance),
    ("ebsbytebalance", Metric::BurstBalance),
    ("cpucreditbalance", Metric::CpuCredits),
    ("deadlocks", Metric::Deadlocks),
    ("blockedtransactions", Metric::BlockedTransactions),
    ("rollbacksegmenthistorylistlength", Metric::HistoryList),
    ("databasememoryusagepercentage", Metric::MemoryPercent),
    ("evictions", Metric::Evictions),
];

/// What a raw name measures.
pub fn metric(name: &str) -> Option<Metric> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let plain = plain.strip_prefix("awsrds").or_else(|| plain.strip_prefix("awselasticache")).unwrap_or(&plain);
    let plain = ["average", "maximum", "minimum", "sum"].iter().find_map(|suffix| plain.strip_suffix(suffix)).unwrap_or(plain);
    NAMES.iter().find(|(known, _)| *known == plain).map(|(_, metric)| *metric)
}

impl Metric {
    /// Only a database or a cache server has it; a host or a container has the others too.
    pub fn is_of_databases(self) -> bool {
        use Metric as M;
        !matches!(self, M::Cpu | M::QueueDepth | M::CpuCredits | M::BurstBalance | M::Evictions | M::ReadIops | M::WriteIops)
            && !matches!(self, M::ReadLatency | M::WriteLatency | M::CommitLatency)
    }
}

/// One series with its normal and its present.
#[derive(Debug, Clone)]
pub struct Reading<'a> {
    pub instance: &'a str,
    pub metric: Metric,
    pub series: &'a Series,
    /// The lowest and the highest value that still is its normal: the beginning of the window, or its quiet quarter.
    pub calm_low: f64,
    pub calm_high: f64,
    /// The median of the newest points.
    pub now: f64,
    pub peak: f64,
    pub lowest: f64,
    pub first: f64,
    pub last: f64,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// How many of the newest points say what is now, least and most. Source: CloudWatch alarms ask for 3 of 5 datapoints.
const NEWEST: (usize, usize) = (3, 5);

impl<'a> Reading<'a> {
    /// `None` for a metric that is not one of these, or without a point.
    pub fn of(series: &'a Series) -> Option<Self> {
        let metric = metric(&series.metric)?;
        let milliseconds = series.metric.to_ascii_lowercase().starts_with("aurorareplicalag");
        let unit = if milliseconds { 1e-3 } else { 1.0 };
        let values: Vec<f64> = series.points.iter().map(|(_, value)| value * unit).filter(|value| value.is_finite()).collect();
        let (first, last) = (*values.first()?, *values.last()?);
        let (from, until) = (series.points.first()?.0, series.points.last()?.0);
        let begin = values.get(..(values.len() / 10).max(1))?;
        let newest = values.len().saturating_sub((values.len() / 5).clamp(NEWEST.0, NEWEST.1));
        let now = quantile(values.get(newest..)?, 0.5);
        Some(Self {
            instance: &series.entity.name,
            metric,
            series,
            calm_low: quantile(begin, 0.0).min(quantile(&values, 0.25)),
            calm_high: quantile(begin, 1.0).max(quantile(&values, 0.75)),
            now,
            peak: values.iter().copied().fold(f64::MIN, f64::max),
            lowest: values.iter().copied().fold(f64::MAX, f64::min),
            first,
            last,
            from,
            until,
        })
    }

    /// It stands at `factor` times its normal, or was there at its peak.
    pub fn rose(&self, factor: f64) -> bool {
        self.peak > self.calm_low.max(f64::MIN_POSITIVE) * factor
    }

    /// It still stands above the middle between its normal and its peak.
    pub fn stands_high(&self) -> bool {
        self.now > (self.calm_low + self.peak) / 2.0
    }

    /// It stands below where it began.
    pub fn falls(&self) -> bool {
        self.now < self.first
    }

    /// The first instant at which a rise was a quarter done, or a fall.
    pub fn onset(&self) -> Option<Timestamp> {
        let falls = self.falls();
        let edge =
            if falls { self.calm_high - (self.calm_high - self.lowest) * 0.25 } else { self.calm_low + (self.peak - self.calm_low) * 0.25 };
        let beyond = |value: f64| if falls { value < edge } else { value > edge };
        self.series.points.iter().find(|(_, value)| beyond(*value)).map(|(time, _)| *time)
    }

    /// `from 18.3 to 97.4 %`, with the unit that people use.
    pub fn told(&self) -> String {
        let from = if self.falls() { self.calm_high } else { self.calm_low };
        let to = if !self.falls() && self.stands_high() { self.peak } else { self.last };
        format!("{} → {}", self.amount(from), self.amount(to))
    }

    /// `9.9 % to 19.0 %`
    pub fn range(&self) -> String {
        format!("{} to {}", self.amount(self.lowest), self.amount(self.peak))
    }

    /// A value in the unit that people use for this metric.
    pub fn amount(&self, value: f64) -> String {
        match self.metric {
            Metric::Cpu | Metric::MemoryPercent | Metric::BurstBalance => format!("{value:.1} %"),
            Metric::FreeStorage
            | Metric::FreeLocalStorage
            | Metric::FreeMemory
            | Metric::Swap
            | Metric::WalDisk
            | Metric::BinlogDisk
            | Metric::SlotLag => bytes(value),
            Metric::WalRate => format!("{}/s", bytes(value)),
            Metric::ReplicaLag => format!("{value:.0} s"),
            Metric::ReadLatency | Metric::WriteLatency | Metric::CommitLatency if value < 1.0 => format!("{value:.4}"),
            Metric::ReadLatency | Metric::WriteLatency | Metric::CommitLatency => format!("{value:.1}"),
            Metric::Load | Metric::QueueDepth => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        }
    }
}

/// `1.5 GB`
pub fn bytes(value: f64) -> String {
    const UNITS: &[(f64, &str)] = &[(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match UNITS.iter().find(|(unit, _)| value.abs() >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", value / unit),
        None => format!("{value:.0} B"),
    }
}

fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len().saturating_sub(1) as f64 * at).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}
