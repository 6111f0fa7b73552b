//! Which service does something else than before: errors that it did not have, steps that it leaves out.
//!
//! Compared per call, so that more or less traffic changes nothing. A caller whose callee behaves differently only follows,
//! so the deepest one on the way of the calls is the origin.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    traces::{Count, Operation, Profile, Told, When},
    window::Window,
};
use crate::model::observation::{Level, LogLine, Observations};

/// The least number of calls in each window that makes a habit.
const LEAST_CALLS: u32 = 3;
/// What was done in this share of the calls before was a habit. Source: own choice, more often than not.
const HABIT: f64 = 0.5;
/// What fell to this share of its habit was left out.
const LEFT_OUT: f64 = 0.5;
/// G statistics: one that chance brings once in a hundred comparisons (χ² with one degree of freedom), and one that it never brings.
const CHANCE: f64 = 6.6;
const SURE: f64 = 20.0;
/// This many of one step for each call, this many times as many as before, are a fan-out. Source: own choice.
const MANY: f64 = 5.0;
const MULTIPLIED: f64 = 3.0;
/// With more than this share of its usual steps an operation did not end early.
const STEPS_LEFT: f64 = 0.7;
/// How much of a caller is left when its callee behaves differently too.
const FOLLOWS: f64 = 0.25;
/// How many different messages are compared; later ones are not counted.
const MOST_MESSAGES: usize = 50_000;
/// How much of a message tells it from others.
const HEAD: usize = 120;
const SHORT_HEAD: usize = 60;

/// One thing that a service does differently.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference<'a> {
    /// A message of level error or worse that was not logged before, or far less often; the line as an example.
    NewError { times: u32, before: u32, text: &'a str },
    /// Spans that failed of their own; what they said most often, and the only instance that they ran on.
    Failed { times: u32, before: u32, text: Option<&'a str>, instance: Option<&'a str> },
    /// A step that followed an operation and does not any more.
    LeftOut { operation: &'a str, step: &'a str, of: &'a str, times: u32, calls: u32 },
    /// A step that is done several times as often for each call as before.
    FanOut { operation: &'a str, step: &'a str, of: &'a str, before: f64, during: f64 },
    /// A message that an operation used to log and does not any more.
    Silent { text: &'a str, operation: &'a str, times: u32, calls: u32 },
}

/// A service that behaves differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour<'a> {
    pub service: &'a str,
    /// Share of its calls that are affected, 0 to 1.
    pub share: f64,
    pub rank: f64,
    /// The clearest first.
    pub differences: Vec<Difference<'a>>,
}

/// Every service that behaves differently, the likeliest origin first.
pub fn changed<'a>(
    observations: &'a Observations,
    profile: &Profile<'a>,
    calls: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    window: Window,
) -> Vec<Behaviour<'a>> {
    let mut found: BTreeMap<&str, Vec<(f64, Difference<'_>)>> = BTreeMap::new();
    let all = errors(observations, profile, window)
        .into_iter()
        .chain(failed(profile))
        .chain(left_out(profile))
        .chain(fan_out(profile))
        .chain(silent(observations, profile));
    for (service, share, difference) in all {
        found.entry(service).or_default().push((share, difference));
    }
    let mut out: Vec<Behaviour<'_>> = found
        .into_iter()
        .map(|(service, mut differences)| {
            differences.sort_by(|a, b| b.0.total_cmp(&a.0));
            let share = differences.first().map_or(0.0, |first| first.0).min(1.0);
            Behaviour {
                service,
                share,
                rank: share,
                differences: differences.into_iter().map(|(_, difference)| difference).take(4).collect(),
            }
        })
        .collect();
    let changed: BTreeMap<&str, f64> = out.iter().map(|behaviour| (behaviour.service, behaviour.share)).collect();
    for behaviour in &mut out {
        if follows(behaviour.service, behaviour.share, &changed, calls) {
            behaviour.rank *= FOLLOWS;
        }
    }
    out.sort_by(|a, b| b.rank.total_cmp(&a.rank).then_with(|| a.service.cmp(b.service)));
    out
}

/// A callee, direct or further down through other changed ones, behaves differently as well.
fn follows(service: &str, share: f64, changed: &BTreeMap<&str, f64>, calls: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    let callees = calls.get(service).into_iter().flatten().filter(|callee| **callee != service);
    callees.filter_map(|callee| changed.get(callee)).any(|callee| *callee >= 0.3 * share)
}

fn calls_of<'a>(profile: &Profile<'a>, service: &str) -> Count {
    profile.served.get(service).copied().unwrap_or_default()
}

/// Error messages that are new, or far more frequent for each call than before.
fn errors<'a>(observations: &'a Observations, profile: &Profile<'a>, window: Window) -> Vec<(&'a str, f64, Difference<'a>)> {
    let mut messages: BTreeMap<(&str, String), (Count, &str)> = BTreeMap::new();
    let mut lines: Count = Count::default();
    for stream in &observations.logs {
        for line in &stream.lines {
            let Some(when) = when(line, window) else { continue };
            lines.add(when);
            if line.level < Level::Error {
                continue;
            }
            let service = if line.service.is_empty() { stream.entity.name.as_str() } else { line.service.as_str() };
            let key = (service, masked(&line.text, HEAD));
            if service.is_empty() || messages.len() >= MOST_MESSAGES && !messages.contains_key(&key) {
                continue;
            }
            messages.entry(key).or_insert_with(|| (Count::default(), line.text.as_str())).0.add(when);
        }
    }
    let mut out = Vec::new();
    for ((service, _), (count, text)) in messages {
        let calls = calls_of(profile, service);
        // Without spans the lines themselves are the measure of traffic.
        let done = if calls.before >= LEAST_CALLS && calls.during >= LEAST_CALLS { calls } else { lines };
        if let Some(share) = new_habit(count, done) {
            out.push((service, share, Difference::NewError { times: count.during, before: count.before, text }));
        }
    }
    out
}

fn failed<'a>(profile: &Profile<'a>) -> Vec<(&'a str, f64, Difference<'a>)> {
    let one = |(service, count): (&&'a str, &Count)| {
        let calls = calls_of(profile, service);
        let share = new_habit(*count, calls)?;
        let told = profile.told.get(service);
        let (text, instance) = (told.and_then(Told::error), told.and_then(Told::only_instance));
        Some((*service, share, Difference::Failed { times: count.during, before: count.before, text, instance }))
    };
    profile.failed.iter().filter_map(one).collect()
}

/// Steps that were a habit of an operation and are left out.
fn left_out<'a>(profile: &Profile<'a>) -> Vec<(&'a str, f64, Difference<'a>)> {
    let steps = summed(profile.led.iter().map(|((operation, _), led)| (*operation, *led)));
    let one = |((operation, step), led): (&(Operation<'a>, Operation<'a>), &Count)| {
        let done = *profile.done.get(operation)?;
        if !ends_early(*steps.get(operation)?, done)? {
            return None;
        }
        let difference = Difference::LeftOut {
            operation: operation.1,
            step: step.1,
            of: step.0,
            times: done.during.saturating_sub(led.during),
            calls: done.during,
        };
        Some((operation.0, broken_habit(*led, done)?, difference))
    };
    profile.led.iter().filter_map(one).collect()
}

/// Steps that multiplied for each call, as a query inside of a loop does.
fn fan_out<'a>(profile: &Profile<'a>) -> Vec<(&'a str, f64, Difference<'a>)> {
    let one = |((operation, step), led): (&(Operation<'a>, Operation<'a>), &Count)| {
        let (before, during) = rates(*led, *profile.done.get(operation)?)?;
        (during >= MANY && during >= MULTIPLIED * before && before > 0.0).then_some((
            operation.0,
            1.0,
            Difference::FanOut { operation: operation.1, step: step.1, of: step.0, before, during },
        ))
    };
    profile.led.iter().filter_map(one).collect()
}

/// Messages that an operation used to log and does not any more.
fn silent<'a>(observations: &'a Observations, profile: &Profile<'a>) -> Vec<(&'a str, f64, Difference<'a>)> {
    let mut messages: BTreeMap<(Operation<'a>, String), (Count, &str)> = BTreeMap::new();
    for line in observations.logs.iter().flat_map(|stream| &stream.lines) {
        let Some(id) = line.fields.get("span_id").and_then(serde_json::Value::as_str) else { continue };
        let Some((operation, when)) = profile.by_id.get(id) else { continue };
        let key = (*operation, masked(&line.text, SHORT_HEAD));
        if messages.len() < MOST_MESSAGES || messages.contains_key(&key) {
            messages.entry(key).or_insert_with(|| (Count::default(), line.text.as_str())).0.add(*when);
        }
    }
    let all = summed(messages.iter().map(|((operation, _), (count, _))| (*operation, *count)));
    let one = |((operation, _), (count, text)): ((Operation<'a>, String), (Count, &'a str))| {
        let done = *profile.done.get(&operation)?;
        if !ends_early(*all.get(&operation)?, done)? {
            return None;
        }
        let difference =
            Difference::Silent { text, operation: operation.1, times: done.during.saturating_sub(count.during), calls: done.during };
        Some((operation.0, broken_habit(count, done)?, difference))
    };
    messages.into_iter().filter_map(one).collect()
}

/// All that followed each operation.
fn summed<'a>(parts: impl Iterator<Item = (Operation<'a>, Count)>) -> BTreeMap<Operation<'a>, Count> {
    let mut out: BTreeMap<Operation<'_>, Count> = BTreeMap::new();
    for (operation, count) in parts {
        let all = out.entry(operation).or_default();
        all.before += count.before;
        all.during += count.during;
    }
    out
}

/// Less follows in all; another step in the place of a usual one is another kind of request, not an early end.
fn ends_early(followed: Count, done: Count) -> Option<bool> {
    rates(followed, done).map(|(was, is)| is <= STEPS_LEFT * was)
}

/// By how much something that followed an operation does not follow it any more, 0 to 1; `None` when that may be chance.
fn broken_habit(followed: Count, done: Count) -> Option<f64> {
    let (was, is) = rates(followed, done)?;
    let missing = was - is;
    (was >= HABIT && is <= LEFT_OUT * was).then(|| (missing / was).min(1.0) * certainty(followed, done)).filter(|share| *share > 0.0)
}

/// How much of what is done now comes with something that came with it far less often before, 0 to 1; `None` when that may be chance.
fn new_habit(followed: Count, done: Count) -> Option<f64> {
    let (was, is) = rates(followed, done)?;
    (is > 2.0 * was).then(|| is.min(1.0) * certainty(followed, done)).filter(|share| *share > 0.0)
}

fn rates(followed: Count, done: Count) -> Option<(f64, f64)> {
    let enough = done.before >= LEAST_CALLS && done.during >= LEAST_CALLS;
    enough.then(|| (f64::from(followed.before) / f64::from(done.before), f64::from(followed.during) / f64::from(done.during)))
}

/// How sure it is that the two rates differ, 0 to 1: the G statistic of the two-by-two table.
fn certainty(followed: Count, done: Count) -> f64 {
    let cell = |observed: f64, row: f64, column: f64, all: f64| {
        if observed > 0.0 { observed * (observed * all / (row * column)).ln() } else { 0.0 }
    };
    let (a, b) = (f64::from(followed.before.min(done.before)), f64::from(followed.during.min(done.during)));
    let (all_before, all_during) = (f64::from(done.before), f64::from(done.during));
    let (with, without, all) = (a + b, all_before + all_during - a - b, all_before + all_during);
    let g = 2.0
        * (cell(a, with, all_before, all)
            + cell(b, with, all_during, all)
            + cell(all_before - a, without, all_before, all)
            + cell(all_during - b, without, all_during, all));
    ((g - CHANCE) / (SURE - CHANCE)).clamp(0.0, 1.0)
}

/// In which of the two times a line was written; `None` when it has no time, or one near the onset.
pub fn when(line: &LogLine, window: Window) -> Option<When> {
    let time = line.time?;
    if window.is_during(time) { Some(When::During) } else { window.is_well_before(time).then_some(When::Before) }
}

/// The head of a message with its numbers and ids as one mark each.
pub fn masked(text: &str, head: usize) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().take(head * 2).chain([' ']) {
        if c.is_alphanumeric() || c == '-' {
            word.push(c);
            continue;
        }
        if word.bytes().any(|byte| byte.is_ascii_digit()) {
            out.push('#');
        } else {
            out.push_str(&word);
        }
        word.clear();
        out.push(c);
        if out.len() > head {
            break;
        }
    }
    out
}
