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
mod steady;
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

/// What metrics and traces say about one alert, studied once.
pub struct Study<'a> {
    observations: &'a Observations,
    window: Window,
    start: Vec<&'a str>,
    deviations: BTreeMap<&'a str, Vec<Deviation<'a>>>,
    lanes: rank::Lanes<'a>,
    suspects: Vec<rank::Suspect<'a>>,
    compared: bool,
}

impl<'a> Study<'a> {
    /// `None` without metrics and spans, or when it is not known when the alert was raised.
    pub fn of(observations: &'a Observations, focus: &Focus) -> Option<Self> {
        let alerted = focus.now?;
        if observations.metrics.is_empty() && observations.spans.is_empty() {
            return None;
        }
        let window = Window::of(observations, focus, alerted);
        let deviations = metrics::by_entity(observations, window);
        let profile = Profile::of(observations, window);
        let calls = calls(observations);
        let known = deviations.keys().chain(calls.keys()).copied();
        let start: Vec<&str> = known.filter(|name| focus.words.iter().any(|word| word.eq_ignore_ascii_case(name))).collect();
        let lanes = rank::Lanes {
            flow: flow::origins(&start, &calls, &deviations, &traffic(observations, window), Family::asked(&focus.text)),
            slow: slow::slow(&profile),
            behaviour: behaviour::changed(observations, &profile, &calls, window),
        };
        let suspects = rank::rank(&lanes, &profile, &start, &calls);
        let compared = rank::enough(profile.spans);
        Some(Self { observations, window, start, deviations, lanes, suspects, compared })
    }

    /// There are traces of both times, and their difference points at somebody.
    pub fn explains_traces(&self) -> bool {
        self.compared && !self.suspects.is_empty()
    }

    /// The deviating entities, the likeliest origin first; a surge of traffic; signals that went silent.
    pub fn findings(&self) -> Vec<Finding> {
        let told = |suspect| words::finding(suspect, &self.lanes, &self.deviations, self.observations, &self.start, self.window);
        let mut out: Vec<Finding> = self.suspects.iter().map(told).collect();
        out.extend(surge::findings(&self.start, &self.deviations, self.window));
        out.extend(metrics::silent(self.observations, self.window).iter().take(3).map(words::silence));
        out
    }

    /// Takes the weight from findings of logs that were there just as often before the trouble began, where it is clear when it began.
    pub fn discount(&self, findings: &mut [Finding]) {
        let began = self.suspects.first().is_some_and(|first| first.clarity >= steady::CLEAR);
        if began {
            steady::discount(self.observations, self.window, findings);
        }
    }
}

/// Requests of each entity in the time of the trouble, where a metric counts them.
fn traffic(observations: &Observations, window: Window) -> BTreeMap<&str, f64> {
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
