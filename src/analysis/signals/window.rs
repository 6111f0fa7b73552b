//! When it began, what is before and what is during.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    family::{Bad, Family},
    normal::Normal,
};
use crate::{
    analysis::Focus,
    model::observation::{Level, Observations},
};

/// Uncertainty of an onset. Source: clocks and scrape intervals, ±60 s.
pub const SLACK_SECONDS: i64 = 60;
/// How much after the alert is looked at: alerts fire 1 to 15 min late and troubles last.
const AFTER_SECONDS: i64 = 1_800;
/// How far before the alert the onset is looked for. Source: alert rules wait up to an hour, and ramps before that.
const EARLIER_SECONDS: i64 = 5_400;
/// What is this close before the onset may hold the beginning already.
const GUARD_SECONDS: i64 = 120;
/// From this many spreads on, a point belongs to the trouble. Source: three sigma.
const DEVIATES: f64 = 3.0;
/// The least number of points that make a normal.
pub const LEAST_POINTS: usize = 5;

/// The two times that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first sign.
    pub onset: Timestamp,
    /// When the alert was raised.
    pub alerted: Timestamp,
}

impl Window {
    /// From the alerted entities' own signals; where those say nothing, the alert's time.
    pub fn of(observations: &Observations, focus: &Focus, alerted: Timestamp) -> Self {
        let own =
            observations.metrics.iter().filter(|series| focus.words.iter().any(|word| word.eq_ignore_ascii_case(&series.entity.name)));
        let onset = own
            .filter_map(|series| {
                let family = Family::of(&series.metric).filter(|family| family.weight() > 0.0)?;
                first_sign(&series.points, family, alerted)
            })
            .min();
        let onset = onset.or_else(|| first_slow_span(observations, focus, alerted)).or_else(|| first_errors(observations, alerted));
        Self { onset: onset.unwrap_or(alerted), alerted }
    }

    pub fn is_before(&self, time: Timestamp) -> bool {
        self.offset(time) < -SLACK_SECONDS
    }

    /// Well before: the onset's uncertainty is left out.
    pub fn is_well_before(&self, time: Timestamp) -> bool {
        self.offset(time) < -GUARD_SECONDS
    }

    pub fn is_during(&self, time: Timestamp) -> bool {
        self.offset(time) >= -SLACK_SECONDS && time.duration_since(self.alerted).as_secs() < AFTER_SECONDS
    }

    fn offset(&self, time: Timestamp) -> i64 {
        time.duration_since(self.onset).as_secs()
    }
}

/// How long the slots are into which spans and lines are put. Source: the shortest usual scrape interval.
const SLOT_SECONDS: i64 = 30;

/// Since when the alerted services' spans take longer; of all requests where no span is theirs.
fn first_slow_span(observations: &Observations, focus: &Focus, alerted: Timestamp) -> Option<Timestamp> {
    let theirs = |service: &str| focus.words.iter().any(|word| word.eq_ignore_ascii_case(service));
    let any = observations.spans.iter().any(|span| theirs(&span.service));
    let mut slots: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for span in observations.spans.iter().filter(|span| if any { theirs(&span.service) } else { span.parent_id.is_empty() }) {
        let slot = slots.entry(span.start.as_second().div_euclid(SLOT_SECONDS)).or_default();
        slot.0 += span.duration_ms;
        slot.1 += 1.0;
    }
    first_sign(&points(slots.into_iter().map(|(slot, (sum, count))| (slot, sum / count))), Family::Latency, alerted)
}

/// Since when there are errors in the logs, slot after slot.
fn first_errors(observations: &Observations, alerted: Timestamp) -> Option<Timestamp> {
    if observations.spans.is_empty() {
        return None;
    }
    let mut slots: BTreeMap<i64, f64> = BTreeMap::new();
    for (line, time) in observations.logs.iter().flat_map(|log| &log.lines).filter_map(|line| Some((line, line.time?))) {
        let slot = slots.entry(time.as_second().div_euclid(SLOT_SECONDS)).or_default();
        *slot += if line.level >= Level::Error { 1.0 } else { 0.0 };
    }
    first_sign(&points(slots.into_iter()), Family::Errors, alerted)
}

fn points(slots: impl Iterator<Item = (i64, f64)>) -> Vec<(Timestamp, f64)> {
    slots.filter_map(|(slot, value)| Some((Timestamp::from_second(slot * SLOT_SECONDS).ok()?, value))).collect()
}

/// The first of the points that deviate until the alert without a break; `None` when the last ones before it are normal.
pub fn first_sign(points: &[(Timestamp, f64)], family: Family, alerted: Timestamp) -> Option<Timestamp> {
    let age = |time: &Timestamp| alerted.duration_since(*time).as_secs();
    // What is older than the last half hour is taken as normal; the first half where there is no more.
    let quiet: Vec<f64> = points.iter().filter(|(time, _)| age(time) > 1_800).map(|(_, value)| *value).collect();
    let recent: Vec<&(Timestamp, f64)> =
        points.iter().filter(|(time, _)| (-SLACK_SECONDS..=EARLIER_SECONDS).contains(&age(time))).collect();
    let quiet = if quiet.len() >= LEAST_POINTS { quiet } else { recent.iter().take(recent.len() / 2).map(|(_, value)| *value).collect() };
    let normal = Normal::of(&quiet, family.least_spread(), 1e-9).filter(|_| quiet.len() >= LEAST_POINTS)?;
    let deviates = |value: f64| {
        let distance = normal.distance(value);
        let wrong = match family.bad() {
            Bad::Up => distance,
            Bad::Down => -distance,
            Bad::Either => distance.abs(),
        };
        wrong >= DEVIATES && family.matters(normal.middle, value)
    };
    let run = recent.iter().rev().take_while(|(_, value)| deviates(*value)).count();
    let first = recent.len().checked_sub(run).filter(|_| run >= 2)?;
    recent.get(first).map(|(time, _)| *time)
}
