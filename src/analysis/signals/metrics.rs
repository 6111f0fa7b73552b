//! Which metric of which entity deviates from its own normal, before and during.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    family::{Bad, Family},
    normal::{Normal, median},
    window::{LEAST_POINTS, Window},
};
use crate::model::observation::{Observations, Series};

/// From this score on a signal deviates. Source: RCAEval's and BARO's practice, z > 5 suspect, z > 10 anomalous.
pub const SUSPECT: f64 = 5.0;
pub const ANOMALOUS: f64 = 10.0;
/// A day, and how wide the same hour of the day before is.
const DAY_SECONDS: i64 = 86_400;
const SAME_HOUR_SECONDS: i64 = 3_600;
/// The most points of one series that are looked at; longer ones are thinned. Source: a month of minutes.
const MOST_POINTS: usize = 45_000;

/// One signal's deviation.
pub struct Deviation<'a> {
    pub series: &'a Series,
    pub family: Family,
    /// How many spreads it is from its normal, in the bad direction.
    pub score: f64,
    pub before: f64,
    pub during: f64,
}

impl Deviation<'_> {
    /// The change in the metric's base unit: seconds for times.
    pub fn change(&self) -> f64 {
        let name = self.series.metric.to_lowercase();
        let unit = if self.family != Family::Latency {
            1.0
        } else if name.contains("_us") || name.contains("(us)") || name.contains("micro") {
            1e-6
        } else if name.contains("_ms") || name.contains("(ms)") || name.contains("milli") {
            1e-3
        } else {
            1.0
        };
        (self.during - self.before).abs() * unit
    }
}

/// The deviations of every entity, by its name.
pub fn by_entity<'a>(observations: &'a Observations, window: Window) -> BTreeMap<&'a str, Vec<Deviation<'a>>> {
    let mut out: BTreeMap<&str, Vec<Deviation<'_>>> = BTreeMap::new();
    for series in &observations.metrics {
        if let Some(found) = deviation(series, window) {
            out.entry(&series.entity.name).or_default().push(found);
        }
    }
    out
}

fn deviation(series: &Series, window: Window) -> Option<Deviation<'_>> {
    let family = Family::of(&series.metric)?;
    let step = series.points.len() / MOST_POINTS + 1;
    let points = || series.points.iter().step_by(step).filter(|(_, value)| value.is_finite());
    let before: Vec<f64> = points().filter(|(time, _)| window.is_before(*time)).map(|(_, value)| *value).collect();
    let during: Vec<f64> = points().filter(|(time, _)| window.is_during(*time)).map(|(_, value)| *value).collect();
    if before.len() < LEAST_POINTS || during.is_empty() {
        return None;
    }
    let normal = Normal::of(&before, family.least_spread(), 1e-9)?;
    let now = median(&during);
    let wrong = |normal: &Normal| match family.bad() {
        Bad::Up => normal.distance(now),
        Bad::Down => -normal.distance(now),
        Bad::Either => normal.distance(now).abs(),
    };
    let mut score = wrong(&normal);
    // What happened at this hour of the day before as well is the day's rhythm.
    let yesterday: Vec<f64> = points()
        .filter(|(time, _)| (window.onset.duration_since(*time).as_secs() - DAY_SECONDS).abs() <= SAME_HOUR_SECONDS)
        .map(|(_, value)| *value)
        .collect();
    if yesterday.len() >= LEAST_POINTS
        && let Some(rhythm) = Normal::of(&yesterday, family.least_spread(), normal.spread)
    {
        score = score.min(wrong(&rhythm));
    }
    (score > 0.0 && family.matters(normal.middle, now)).then_some(Deviation { series, family, score, before: normal.middle, during: now })
}

/// A signal that was steady before and is not there any more, while others of its source go on.
pub struct Silent<'a> {
    pub series: &'a Series,
    pub last: Timestamp,
    /// How often it came before, in seconds.
    pub every: i64,
}

/// Signals that went silent at about the onset.
pub fn silent<'a>(observations: &'a Observations, window: Window) -> Vec<Silent<'a>> {
    let mut latest: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for series in &observations.metrics {
        if let Some((time, _)) = series.points.last() {
            let entry = latest.entry(&series.source).or_insert(*time);
            *entry = (*entry).max(*time);
        }
    }
    observations.metrics.iter().filter_map(|series| silence(series, *latest.get(series.source.as_str())?, window)).collect()
}

/// How many intervals without a point make silence, and how many points make a habit. Source: Prometheus calls a series stale after 5 min, five usual intervals.
const MISSED: i64 = 5;
const HABIT: usize = 10;

fn silence(series: &Series, latest: Timestamp, window: Window) -> Option<Silent<'_>> {
    let (last, _) = series.points.last()?;
    if series.points.len() < HABIT || !window.is_during(latest) {
        return None;
    }
    let mut steps: Vec<i64> =
        series.points.iter().zip(series.points.iter().skip(1)).map(|((a, _), (b, _))| b.duration_since(*a).as_secs()).collect();
    steps.sort_unstable();
    let (every, widest) = (*steps.get(steps.len() / 2)?, *steps.get(steps.len() * 95 / 100)?);
    let missing = latest.duration_since(*last).as_secs();
    // What came with gaps before is no habit.
    let steady = widest <= every * 2;
    (steady && every > 0 && missing > every * MISSED && last.duration_since(window.onset).as_secs().abs() < AROUND_SECONDS)
        .then_some(Silent { series, last: *last, every })
}

/// How near the onset the last point of a silent signal is.
const AROUND_SECONDS: i64 = 900;
