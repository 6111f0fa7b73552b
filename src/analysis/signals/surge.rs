//! Several times the usual traffic at the alerted entity itself: a cause, not an effect.

use std::collections::BTreeMap;

use super::{
    family::Family,
    metrics::{ANOMALOUS, Deviation},
    window::Window,
    words::amount,
};
use crate::{
    analysis::{Finding, Role, Seen},
    model::{Category, Entity, EvidenceKind},
};

/// How many times the usual traffic is a surge. Source: autoscalers are commonly sized for twice the usual peak.
const SURGE: f64 = 2.0;

/// The surge at the first alerted entity that has one.
pub fn findings(start: &[&str], found: &BTreeMap<&str, Vec<Deviation<'_>>>, window: Window) -> Option<Finding> {
    start.iter().filter_map(|name| found.get(name).map(|found| (*name, found))).find_map(|(name, found)| surge(name, found, window))
}

fn surge(name: &str, found: &[Deviation<'_>], window: Window) -> Option<Finding> {
    let traffic = found.iter().find(|found| {
        found.family == Family::Traffic && found.score >= ANOMALOUS && found.during >= SURGE * found.before && found.before > 0.0
    })?;
    let (metric, entity, onset) = (&traffic.series.metric, Entity::new("Service", "", name), window.onset);
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
