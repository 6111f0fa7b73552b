//! Metrics and traces: which entity deviates from its own normal, and which of them is the deepest one on the way of the calls.
//!
//! Robust scores (median and interquartile range), because the mean collapses when the onset is a minute late; then a walk
//! from the alerted entity through deviating callees, because callers only repeat what their callees do to them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Finding, Focus, Role, Seen, links::calls};
use crate::model::{
    Category, Entity, EvidenceKind,
    observation::{Observations, Series},
};

/// From this score on a signal deviates. Source: RCAEval's and BARO's practice, z > 5 suspect, z > 10 anomalous.
const SUSPECT: f64 = 5.0;
const ANOMALOUS: f64 = 10.0;
/// Uncertainty of the onset, and how much after it is looked at. Source: KNOWLEDGE of the field, ±60 s; alerts wait 1 to 15 min.
const SLACK_SECONDS: i64 = 60;
const AFTER_SECONDS: i64 = 1_800;
/// The least number of points that make a normal.
const LEAST_POINTS: usize = 5;
/// How many times the usual traffic is a surge. Source: autoscalers are commonly sized for twice the usual peak.
const SURGE: f64 = 2.0;
/// How deep calls are followed.
const DEPTH: usize = 12;

/// What a metric measures, told from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Latency,
    Availability,
    Errors,
    Cpu,
    Memory,
    Traffic,
}

fn family(metric: &str) -> Option<Family> {
    let name = metric.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if name.starts_with("node") {
        // The host's value is shared by all that runs on it.
        None
    } else if any(&["latency", "duration", "response_time", "p99", "p95", "wait"]) {
        Some(Family::Latency)
    } else if any(&["success", "availab"]) {
        Some(Family::Availability)
    } else if any(&["error", "fail", "5xx", "4xx", "401", "500", "rejected", "timeout"]) {
        Some(Family::Errors)
    } else if name.contains("cpu") {
        Some(Family::Cpu)
    } else if any(&["memory", "heap", "rss"]) {
        Some(Family::Memory)
    } else if any(&["requests", "rps", "qps", "workload", "throughput", "ops"]) {
        Some(Family::Traffic)
    } else {
        None
    }
}

/// One signal's deviation.
struct Deviation<'a> {
    series: &'a Series,
    family: Family,
    score: f64,
    before: f64,
    during: f64,
}

/// The deviating entities, the likeliest origin first.
pub fn findings(observations: &Observations, focus: &Focus) -> Vec<Finding> {
    let Some(onset) = focus.now else { return Vec::new() };
    let mut by_entity: BTreeMap<&str, Vec<Deviation<'_>>> = BTreeMap::new();
    for series in &observations.metrics {
        if let Some(found) = deviation(series, onset) {
            by_entity.entry(&series.entity.name).or_default().push(found);
        }
    }
    let deviating: BTreeMap<&str, f64> =
        by_entity.iter().map(|(name, found)| (*name, strongest(found, focus))).filter(|(_, score)| *score >= SUSPECT).collect();
    if deviating.is_empty() {
        return Vec::new();
    }
    let calls = calls(observations);
    let start: Vec<&str> = by_entity
        .keys()
        .chain(calls.keys())
        .copied()
        .filter(|name| focus.words.iter().any(|word| word.eq_ignore_ascii_case(name)))
        .collect();
    let surge =
        start.iter().filter_map(|name| by_entity.get(name).map(|found| (*name, found))).find_map(|(name, found)| surge(name, found, onset));
    let mut ranked = origins(&start, &calls, &deviating);
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    ranked
        .iter()
        .take(3)
        .filter_map(|(name, score, walked)| by_entity.get(name).map(|found| (name, score, walked, found)))
        .map(|(name, score, walked, found)| finding(name, *score, *walked, found, &start, onset))
        .chain(surge)
        .collect()
}

/// Several times the usual traffic at the alerted entity itself is a cause, not an effect.
fn surge(name: &str, found: &[Deviation<'_>], onset: Timestamp) -> Option<Finding> {
    let traffic = found.iter().find(|found| {
        found.family == Family::Traffic && found.score >= ANOMALOUS && found.during >= SURGE * found.before && found.before > 0.0
    })?;
    let (metric, entity) = (&traffic.series.metric, Entity::new("Service", "", name));
    let text = format!(
        "{metric} of {name}: {} since {onset}, {} before (robust z {:.0} > {ANOMALOUS})",
        amount(traffic.during),
        amount(traffic.before),
        traffic.score
    );
    let statement = format!(
        "{name} gets {:.1} times its usual traffic (traffic surge): {metric} {} instead of {}",
        traffic.during / traffic.before,
        amount(traffic.during),
        amount(traffic.before)
    );
    Some(
        Finding::new(Category::TrafficSurge, Role::Cause, entity.clone(), statement)
            .strength(0.7)
            .saw(Seen::new(EvidenceKind::MetricAnomaly, &traffic.series.source, entity, text).at(Some(onset), None))
            .falsifier("the same traffic on another day is served without this symptom")
            .fix("scale out the entry service and what it calls, or shed load (rate limits, queue)")
            .prevent("autoscaling with headroom for announced events, and a load test at this rate"),
    )
}

/// The strongest signal of an entity that says that it is slow, fails or is out of CPU; traffic alone is no fault.
fn strongest(found: &[Deviation<'_>], focus: &Focus) -> f64 {
    let words = focus.text.to_lowercase();
    let asked = if words.contains("latency") {
        Some(Family::Latency)
    } else if words.contains("availab") || words.contains("success") {
        Some(Family::Availability)
    } else {
        None
    };
    let weight = |family: Family| match (family, asked) {
        (family, Some(asked)) if family == asked => 1.0,
        (Family::Traffic, _) => 0.0,
        (Family::Memory, _) => 0.5,
        (_, Some(_)) => 0.6,
        (_, None) => 1.0,
    };
    found.iter().map(|found| found.score.min(1_000.0) * weight(found.family)).fold(0.0, f64::max)
}

fn deviation(series: &Series, onset: Timestamp) -> Option<Deviation<'_>> {
    let family = family(&series.metric)?;
    let offset = |time: Timestamp| time.duration_since(onset).as_secs();
    let before: Vec<f64> = series
        .points
        .iter()
        .filter(|(time, _)| offset(*time) < -SLACK_SECONDS)
        .map(|(_, value)| *value)
        .filter(|value| value.is_finite())
        .collect();
    let during: Vec<f64> = series
        .points
        .iter()
        .filter(|(time, _)| (-SLACK_SECONDS..AFTER_SECONDS).contains(&offset(*time)))
        .map(|(_, value)| *value)
        .filter(|value| value.is_finite())
        .collect();
    if before.len() < LEAST_POINTS || during.is_empty() {
        return None;
    }
    let (low, middle, high) = (quantile(&before, 0.25), quantile(&before, 0.5), quantile(&before, 0.75));
    let mean = before.iter().sum::<f64>() / before.len() as f64;
    let deviation = (before.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / before.len() as f64).sqrt();
    let spread = ((high - low) / 1.349).max(0.1 * deviation).max(0.01 * middle.abs()).max(1e-9);
    let now = quantile(&during, 0.5);
    let signed = (now - middle) / spread;
    let score = match family {
        Family::Availability => -signed,
        Family::Traffic => signed.abs(),
        _ => signed,
    };
    // A tenth more of nearly nothing is nothing.
    let matters = (now - middle).abs() > 0.1 * middle.abs();
    (score > 0.0 && matters).then_some(Deviation { series, family, score, before: middle, during: now })
}

fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = ((sorted.len().saturating_sub(1)) as f64 * at).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}

/// Deviating entities with their rank: the deepest that the alerted one reaches through deviating ones come first.
fn origins<'a>(
    start: &[&'a str],
    calls: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    deviating: &BTreeMap<&'a str, f64>,
) -> Vec<(&'a str, f64, bool)> {
    let mut reached: BTreeSet<&str> = start.iter().copied().collect();
    let mut open: Vec<(&str, usize)> = start.iter().map(|name| (*name, 0)).collect();
    while let Some((name, depth)) = open.pop() {
        for callee in calls.get(name).into_iter().flatten().filter(|callee| deviating.contains_key(*callee)) {
            if depth < DEPTH && reached.insert(callee) {
                open.push((callee, depth + 1));
            }
        }
    }
    deviating
        .iter()
        .map(|(name, score)| {
            let callees = calls.get(name);
            let explained = callees
                .into_iter()
                .flatten()
                .filter(|callee| *callee != name && reached.contains(*callee))
                .filter_map(|callee| deviating.get(callee))
                .any(|callee| *callee >= score * 0.3);
            let on_the_way = reached.contains(name);
            let factor = if on_the_way { 1.0 } else { 0.15 } * if explained { 0.2 } else { 1.0 };
            (*name, (1.0 + score).ln() * factor, on_the_way)
        })
        .collect()
}

fn finding(name: &str, rank: f64, walked: bool, found: &[Deviation<'_>], start: &[&str], onset: Timestamp) -> Finding {
    let mut ordered: Vec<&Deviation<'_>> = found.iter().filter(|found| found.score >= SUSPECT && found.family != Family::Traffic).collect();
    ordered.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.series.metric.cmp(&b.series.metric)));
    let lead = ordered.first().copied();
    let (category, word) = match lead.map(|lead| lead.family) {
        Some(Family::Latency) => (Category::Latency, "slow"),
        Some(Family::Availability | Family::Errors) => (Category::ErrorRate, "failing"),
        Some(Family::Cpu) => (Category::CpuSaturation, "short of CPU"),
        Some(Family::Memory) => (Category::MemoryPressure, "using far more memory"),
        _ => (Category::Unknown, "different from its normal"),
    };
    let entity = Entity::new("Service", "", name);
    // That the alerted service deviates is what the alert says already.
    let role = if start.contains(&name) { Role::Symptom } else { Role::Cause };
    let numbers =
        lead.map(|lead| format!("{} {} instead of {}", lead.series.metric, amount(lead.during), amount(lead.before))).unwrap_or_default();
    let way = match start.first() {
        Some(start) if walked && *start != name => format!("; it is the deepest such service that {start} calls"),
        _ => String::new(),
    };
    let mut finding = Finding::new(category, role, entity.clone(), format!("{name} is {word}: {numbers}{way}"))
        .strength((rank / (1.0 + 4.0 * ANOMALOUS).ln()).clamp(0.1, 0.75))
        .falsifier("the same deviation is found in the same hour of other days")
        .fix(format!("look at {name} first: its last deploy, its resources, its own dependencies"))
        .prevent("an alert on this signal of the service itself, not only on its callers");
    for deviation in ordered.into_iter().take(4) {
        let text = format!(
            "{} of {name}: {} since {onset}, {} before (robust z {:.0} > {SUSPECT})",
            deviation.series.metric,
            amount(deviation.during),
            amount(deviation.before),
            deviation.score
        );
        finding = finding.saw(
            Seen::new(EvidenceKind::MetricAnomaly, &deviation.series.source, entity.clone(), text)
                .at(Some(onset), deviation.series.points.last().map(|(time, _)| *time)),
        );
    }
    finding
}

fn amount(value: f64) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else if value.abs() >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}
