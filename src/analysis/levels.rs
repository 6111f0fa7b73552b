//! Metrics against levels that are wrong whatever was before: a full filesystem, a slow write-ahead log, a clock that is off.
//!
//! `signals` compares a metric with its own past; these need none.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Finding, Role, Seen};
use crate::model::{
    Category, EvidenceKind,
    observation::{Observations, Series},
};

/// How many of the newest points say what is now.
const NOW: usize = 3;
/// How much of a crossing must be seen: one point may be an accident.
const LEAST: usize = 2;
/// How many findings are told.
const MOST: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Above,
    Below,
}

/// One level; of a single metric, or of the quotient of two with the same labels.
struct Level {
    /// All of these words are in the metric's name.
    words: &'static [&'static str],
    /// The metric that it is divided by.
    by: &'static str,
    wrong: Wrong,
    limit: f64,
    category: Category,
    /// What the value is, in words; the value is a share where `share` is set, else seconds.
    what: &'static str,
    share: bool,
    fix: &'static str,
}

/// Sources: kube-prometheus' and node-exporter's mixins, etcd's and CoreDNS' alerts, each as it ships them.
const LEVELS: &[Level] = &[
    level(
        &["node_filesystem_avail_bytes"],
        "node_filesystem_size_bytes",
        Wrong::Below,
        0.05,
        Category::DiskFull,
        "free space of the filesystem",
        "find what grew (du -x -d 2), delete or move it, then enlarge the volume",
    ),
    level(
        &["node_filesystem_free_bytes"],
        "node_filesystem_size_bytes",
        Wrong::Below,
        0.05,
        Category::DiskFull,
        "free space of the filesystem",
        "find what grew (du -x -d 2), delete or move it, then enlarge the volume",
    ),
    level(
        &["node_filesystem_files_free"],
        "node_filesystem_files",
        Wrong::Below,
        0.05,
        Category::DiskFull,
        "free inodes of the filesystem",
        "find the directory with the many small files (du --inodes -x -d 2)",
    ),
    level(
        &["kubelet_volume_stats_available_bytes"],
        "kubelet_volume_stats_capacity_bytes",
        Wrong::Below,
        0.03,
        Category::DiskFull,
        "free space of the volume",
        "enlarge the claim (allowVolumeExpansion), or delete what is not needed",
    ),
    level(
        &["filesystem", "avail", "percent"],
        "",
        Wrong::Below,
        0.05,
        Category::DiskFull,
        "free space of the filesystem",
        "find what grew (du -x -d 2), delete or move it, then enlarge the volume",
    ),
    level(
        &["node_memory_memavailable_bytes"],
        "node_memory_memtotal_bytes",
        Wrong::Below,
        0.10,
        Category::MemoryPressure,
        "available memory of the node",
        "see which pods use more than they request (kubectl top pod -A), and move or limit them",
    ),
    level(
        &["container_memory_working_set_bytes"],
        "container_spec_memory_limit_bytes",
        Wrong::Above,
        0.9,
        Category::MemoryPressure,
        "memory of its limit in use",
        "raise the limit above the peak, or find the leak (heap profile) before it is killed",
    ),
    level(
        &["container_memory_working_set_bytes"],
        "kube_pod_container_resource_limits",
        Wrong::Above,
        0.9,
        Category::MemoryPressure,
        "memory of its limit in use",
        "raise the limit above the peak, or find the leak (heap profile) before it is killed",
    ),
    level(
        &["throttled", "ratio"],
        "",
        Wrong::Above,
        0.25,
        Category::CpuSaturation,
        "periods in which the CPU limit throttles it",
        "raise or remove the CPU limit, or use fewer threads than it allows",
    ),
    level(
        &["nf_conntrack_entries"],
        "node_nf_conntrack_entries_limit",
        Wrong::Above,
        0.75,
        Category::NetworkFault,
        "entries of the connection tracking table in use",
        "raise net.netfilter.nf_conntrack_max, and find who opens so many connections",
    ),
    level(
        &["process_open_fds"],
        "process_max_fds",
        Wrong::Above,
        0.9,
        Category::FileDescriptors,
        "file descriptors in use",
        "raise the limit of open files, and look for connections or files that are never closed",
    ),
    seconds(
        &["etcd", "fsync"],
        0.5,
        Category::Latency,
        "p99 of etcd's write-ahead log",
        "give etcd a disk of its own (fio: fdatasync p99 under 10 ms); nothing else may write to it",
    ),
    seconds(
        &["etcd", "commit", "duration"],
        0.25,
        Category::Latency,
        "p99 of etcd's commit to disk",
        "give etcd a disk of its own (fio: fdatasync p99 under 10 ms); nothing else may write to it",
    ),
    seconds(
        &["etcd", "round_trip"],
        0.15,
        Category::NetworkFault,
        "round trip between etcd's members",
        "look at the network between the members: loss, distance, load",
    ),
    seconds(
        &["coredns", "duration"],
        4.0,
        Category::DnsFailure,
        "p99 of CoreDNS' answers",
        "look at CoreDNS' CPU, its upstreams and its cache; scale it out",
    ),
    seconds(
        &["timex_offset"],
        0.05,
        Category::Misconfiguration,
        "offset of the node's clock",
        "see whether chronyd or ntpd runs and reaches its servers (chronyc tracking)",
    ),
];

const fn level(
    words: &'static [&'static str],
    by: &'static str,
    wrong: Wrong,
    limit: f64,
    category: Category,
    what: &'static str,
    fix: &'static str,
) -> Level {
    Level { words, by, wrong, limit, category, what, share: true, fix }
}

const fn seconds(words: &'static [&'static str], limit: f64, category: Category, what: &'static str, fix: &'static str) -> Level {
    Level { words, by: "", wrong: Wrong::Above, limit, category, what, share: false, fix }
}

/// Every level that is crossed now.
pub fn findings(observations: &Observations, now: Option<Timestamp>) -> Vec<Finding> {
    let mut out = Vec::new();
    for series in &observations.metrics {
        let name = series.metric.to_ascii_lowercase();
        for level in LEVELS.iter().filter(|level| level.words.iter().all(|word| name.contains(word)) && is_quantity(level, series)) {
            let Some(points) = points(level, series, observations) else { continue };
            if let Some(found) = crossed(level, series, &points, now).filter(|_| out.len() < MOST) {
                out.push(found);
                break;
            }
        }
    }
    out
}

/// Of a histogram only the highest quantile counts, and of a counter nothing.
fn is_quantity(level: &Level, series: &Series) -> bool {
    let name = series.metric.to_ascii_lowercase();
    let counter = ["_total", "_bucket", "_count", "_sum"].iter().any(|end| name.ends_with(end));
    let high = series.labels.get("quantile").is_none_or(|quantile| quantile.starts_with("0.99") || quantile == "1");
    let named = !name.contains("duration") || series.labels.contains_key("quantile") || name.contains("99") || name.contains("quantile");
    !counter && high && (level.share || named)
}

/// The values of the level: the metric's own, or divided by the other metric's at the same labels.
fn points(level: &Level, series: &Series, observations: &Observations) -> Option<Vec<(Timestamp, f64)>> {
    if level.by.is_empty() {
        let scale = if series.metric.to_ascii_lowercase().contains("percent") { 0.01 } else { 1.0 };
        return Some(series.points.iter().map(|(time, value)| (*time, value.abs() * scale)).collect());
    }
    let same = |other: &&Series| {
        other.metric.eq_ignore_ascii_case(level.by)
            && other.labels.get("resource").is_none_or(|resource| resource == "memory")
            && ["instance", "node", "mountpoint", "device", "pod", "namespace", "container", "persistentvolumeclaim"]
                .iter()
                .all(|key| series.labels.get(*key).zip(other.labels.get(*key)).is_none_or(|(a, b)| a == b))
    };
    let whole = observations.metrics.iter().find(same)?;
    let at: BTreeMap<Timestamp, f64> = whole.points.iter().copied().collect();
    let value = |(time, value): &(Timestamp, f64)| {
        let (_, whole) = at.range(..=*time).next_back().or_else(|| at.iter().next())?;
        (*whole > 0.0).then(|| (*time, value / whole))
    };
    Some(series.points.iter().filter_map(value).collect())
}

fn crossed(level: &Level, series: &Series, points: &[(Timestamp, f64)], now: Option<Timestamp>) -> Option<Finding> {
    let points: Vec<&(Timestamp, f64)> = points.iter().filter(|(time, _)| now.is_none_or(|now| *time <= now)).collect();
    let is_wrong = |value: f64| match level.wrong {
        Wrong::Above => value > level.limit,
        Wrong::Below => value < level.limit,
    };
    let run = points.iter().rev().take_while(|(_, value)| is_wrong(*value)).count();
    if run < LEAST.min(points.len().max(1)) {
        return None;
    }
    let mut newest: Vec<f64> = points.iter().rev().take(NOW).map(|(_, value)| *value).collect();
    newest.sort_by(f64::total_cmp);
    let value = newest.get(newest.len() / 2).copied()?;
    let since = points.len().checked_sub(run).and_then(|first| points.get(first)).map(|(time, _)| *time);
    let (shown, limit) = if level.share {
        (format!("{:.1} %", value * 100.0), format!("{:.0} %", level.limit * 100.0))
    } else {
        (format!("{value:.3} s"), format!("{} s", level.limit))
    };
    let place = place(series);
    let side = if level.wrong == Wrong::Above { "above" } else { "below" };
    let statement = format!("{place}: {} is {shown}, {side} the limit of {limit}", level.what);
    Some(
        Finding::new(level.category, Role::Cause, series.entity.clone(), statement.clone())
            .strength(0.72)
            .saw(
                Seen::new(EvidenceKind::MetricAnomaly, &series.source, series.entity.clone(), format!("{}: {statement}", series.metric))
                    .at(since, points.last().map(|(time, _)| *time)),
            )
            .falsifier("the value is back on the right side of its limit, or another metric of the same thing says otherwise")
            .fix(level.fix)
            .prevent("an alert on this level, and one on the day when its trend will reach it"),
    )
}

/// Whose value it is, with the part that is meant.
fn place(series: &Series) -> String {
    let part = ["mountpoint", "persistentvolumeclaim", "device", "container"].iter().find_map(|key| series.labels.get(*key));
    let name = if series.entity.is_empty() { series.labels.get("instance").cloned().unwrap_or_default() } else { series.entity.path() };
    match part {
        Some(part) if !name.is_empty() => format!("{name} {part}"),
        Some(part) => part.clone(),
        None if name.is_empty() => series.metric.clone(),
        None => name,
    }
}

#[cfg(test)]
mod tests;
