//! Metrics and traces: which entity deviates from its own normal, and which of them the trouble comes from.
//!
//! Three lanes look at the same two times, before the onset and during: `flow` follows deviating metrics along the calls,
//! `slow` gives the extra milliseconds of the traces to the services that they belong to, `behaviour` sees errors that are
//! new and steps that are left out. `rank` weighs the lanes by how clear each is; `words` tells what comes out.

mod behaviour;
mod family;
mod flow;
mod metrics;
mod normal;
mod rank;
mod slow;
mod surge;
mod traces;
mod window;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::{family::Family, metrics::Deviation, traces::Profile, window::Window};
use super::{Finding, Focus, links::calls};
use crate::model::observation::Observations;

/// The deviating entities, the likeliest origin first.
pub fn findings(observations: &Observations, focus: &Focus) -> Vec<Finding> {
    let Some(alerted) = focus.now else { return Vec::new() };
    if observations.metrics.is_empty() && observations.spans.is_empty() {
        return Vec::new();
    }
    let window = Window::of(observations, focus, alerted);
    let deviations = metrics::by_entity(observations, window);
    let profile = Profile::of(observations, window);
    let calls = calls(observations);
    let start: Vec<&str> = deviations
        .keys()
        .chain(calls.keys())
        .copied()
        .filter(|name| focus.words.iter().any(|word| word.eq_ignore_ascii_case(name)))
        .collect();

    let lanes = rank::Lanes {
        flow: flow::origins(&start, &calls, &deviations, &traffic(observations, window), Family::asked(&focus.text)),
        slow: slow::slow(&profile),
        behaviour: behaviour::changed(observations, &profile, &calls, window),
    };
    let ranked = rank::rank(&lanes, &profile, &start, &calls);
    let mut out: Vec<Finding> =
        ranked.iter().map(|suspect| words::finding(suspect, &lanes, &deviations, observations, &start, window)).collect();
    out.extend(surge::findings(&start, &deviations, window));
    out.extend(metrics::silent(observations, window).iter().take(3).map(words::silence));
    out
}

/// Requests of each entity in the time of the trouble, where a metric counts them.
fn traffic<'a>(observations: &'a Observations, window: Window) -> BTreeMap<&'a str, f64> {
    let mut out: BTreeMap<&str, f64> = BTreeMap::new();
    for series in observations.metrics.iter().filter(|series| Family::of(&series.metric) == Some(Family::Traffic)) {
        let during = |(time, value): &(Timestamp, f64)| window.is_during(*time).then_some(*value);
        let values: Vec<f64> = series.points.iter().filter_map(during).collect();
        let entry = out.entry(&series.entity.name).or_insert(0.0);
        *entry = entry.max(normal::median(&values));
    }
    out
}

/// The deviations of an entity that a person wants to read, the clearest first.
fn worth_telling<'d, 'a>(found: &'d [Deviation<'a>]) -> Vec<&'d Deviation<'a>> {
    let mut ordered: Vec<&Deviation<'_>> =
        found.iter().filter(|found| found.score >= metrics::SUSPECT && found.family != Family::Traffic).collect();
    ordered.sort_by(|a, b| {
        let telling = |deviation: &Deviation<'_>| deviation.score.min(1_000.0) * deviation.family.weight();
        telling(b).total_cmp(&telling(a)).then_with(|| a.series.metric.cmp(&b.series.metric))
    });
    ordered
}
