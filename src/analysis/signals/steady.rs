//! Errors that are daily noise: they were logged just as often before the trouble began.

use std::collections::BTreeMap;

use super::{
    behaviour::{masked, when},
    traces::Count,
    window::Window,
};
use crate::{
    analysis::{Finding, Role},
    model::{EvidenceKind, observation::Observations},
};

/// From this clarity on the metrics and traces tell when the trouble began. Source: own choice.
pub const CLEAR: f64 = 0.4;
/// An error that became this many times as frequent is no noise.
const GREW: f64 = 2.0;
/// The least lines before the onset that make a comparison.
const LEAST_LINES: u32 = 50;
/// How much of a line tells it from others, and how many different ones are counted.
const HEAD: usize = 80;
const MOST: usize = 100_000;

/// A finding of logs whose lines were as frequent before becomes context, and says so.
pub fn discount(observations: &Observations, window: Window, findings: &mut [Finding]) {
    let of_logs = |finding: &&mut Finding| finding.seen.first().is_some_and(|seen| seen.kind == EvidenceKind::LogPattern);
    if !findings.iter_mut().any(|finding| of_logs(&finding)) {
        return;
    }
    let (counts, all) = count(observations, window);
    if all.before < LEAST_LINES || all.during == 0 {
        return;
    }
    for finding in findings.iter_mut().filter(of_logs) {
        let mut sum = Count::default();
        for seen in &finding.seen {
            if let Some(count) = seen.excerpt.lines().next().and_then(|line| counts.get(&masked(line, HEAD))) {
                sum.before += count.before;
                sum.during += count.during;
            }
        }
        let rate = |count: u32, all: u32| f64::from(count) / f64::from(all.max(1));
        let before = rate(sum.before, all.before);
        if sum.before >= 2 && rate(sum.during, all.during) < GREW * before {
            finding.role = Role::Context;
            finding.decisive = false;
            finding.statement =
                format!("{} (as often before the trouble began: {} times before, {} since)", finding.statement, sum.before, sum.during);
        }
    }
}

/// How often each message was logged before and during, and how many lines there were.
fn count(observations: &Observations, window: Window) -> (BTreeMap<String, Count>, Count) {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut all = Count::default();
    for line in observations.logs.iter().flat_map(|stream| &stream.lines) {
        let Some(when) = when(line, window) else { continue };
        all.add(when);
        let key = masked(line.text.lines().next().unwrap_or_default(), HEAD);
        if counts.len() < MOST || counts.contains_key(&key) {
            counts.entry(key).or_default().add(when);
        }
    }
    (counts, all)
}
