//! What the spans say: time of one's own, time between a caller and its callee, calls made, calls failed; before and during.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::window::Window;
use crate::{
    analysis::spans::tree::{covered, end, is_failed, millis},
    model::observation::{Observations, TraceSpan},
};

/// The most spans that are looked at; what is more is sampled evenly by trace. Source: a second of work.
const MOST_SPANS: usize = 400_000;

/// The same quantity before and during.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pair {
    pub before: Vec<f64>,
    pub during: Vec<f64>,
}

impl Pair {
    fn push(&mut self, when: When, value: f64) {
        match when {
            When::Before => self.before.push(value),
            When::During => self.during.push(value),
        }
    }
}

/// How often something happened before and during.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub before: u32,
    pub during: u32,
}

impl Count {
    pub fn add(&mut self, when: When) {
        match when {
            When::Before => self.before += 1,
            When::During => self.during += 1,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    During,
}

/// Different errors of one service that are counted.
const ERRORS: usize = 1_000;

/// What the failed spans of one service said since the onset, how often, and on which instances; and which instances did well.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told<'a> {
    pub errors: BTreeMap<&'a str, u32>,
    pub instances: BTreeMap<&'a str, u32>,
    pub well: BTreeSet<&'a str>,
}

impl<'a> Told<'a> {
    /// What they said most often.
    pub fn error(&self) -> Option<&'a str> {
        self.errors.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0))).map(|(text, _)| *text)
    }

    /// The one instance that failed, where another one did well.
    pub fn only_instance(&self) -> Option<&'a str> {
        let (instance, times) = self.instances.iter().next().filter(|_| self.instances.len() == 1)?;
        let other = self.well.iter().any(|other| other != instance && !other.is_empty());
        (!instance.is_empty() && *times >= 3 && other).then_some(*instance)
    }
}

/// `service` and the operation's name.
pub type Operation<'a> = (&'a str, &'a str);

/// All spans, added up by who did what.
#[derive(Debug, Default)]
pub struct Profile<'a> {
    /// Milliseconds that an operation spent itself.
    pub own: BTreeMap<Operation<'a>, Pair>,
    /// Milliseconds between a caller's wait and its callee's work: the network, and either side's scheduling.
    pub between: BTreeMap<(&'a str, &'a str), Pair>,
    /// How often an operation was done.
    pub done: BTreeMap<Operation<'a>, Count>,
    /// How often an operation led to another one directly.
    pub led: BTreeMap<(Operation<'a>, Operation<'a>), Count>,
    /// Failed spans below which nothing failed.
    pub failed: BTreeMap<&'a str, Count>,
    /// What such spans said since the onset, and where they ran.
    pub told: BTreeMap<&'a str, Told<'a>>,
    /// How often a service was called, or called upon from outside.
    pub served: BTreeMap<&'a str, Count>,
    pub spans: Count,
    /// The operation that a span id stands for.
    pub by_id: BTreeMap<&'a str, (Operation<'a>, When)>,
}

impl<'a> Profile<'a> {
    pub fn of(observations: &'a Observations, window: Window) -> Self {
        let mut profile = Self::default();
        let spans = sample(&observations.spans);
        let ids: BTreeMap<(&str, &str), usize> =
            spans.iter().enumerate().map(|(at, span)| ((span.trace_id.as_str(), span.span_id.as_str()), at)).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
        let mut parents: Vec<Option<usize>> = vec![None; spans.len()];
        for (at, span) in spans.iter().enumerate() {
            let parent = ids.get(&(span.trace_id.as_str(), span.parent_id.as_str())).copied().filter(|parent| *parent != at);
            if let Some((parent, children)) = parent.and_then(|parent| Some((parent, children.get_mut(parent)?))) {
                children.push(at);
                if let Some(slot) = parents.get_mut(at) {
                    *slot = Some(parent);
                }
            }
        }
        for (at, span) in spans.iter().enumerate() {
            let Some(when) = when(span.start, window) else { continue };
            let own: Vec<&TraceSpan> = children.get(at).into_iter().flatten().filter_map(|child| spans.get(*child).copied()).collect();
            let parent = parents.get(at).copied().flatten();
            let siblings = parent.and_then(|parent| children.get(parent)).map(Vec::as_slice).unwrap_or_default();
            let siblings: Vec<&TraceSpan> =
                siblings.iter().filter(|other| **other != at).take(SIBLINGS).filter_map(|other| spans.get(*other).copied()).collect();
            profile.add(span, parent.and_then(|parent| spans.get(parent).copied()), &own, &siblings, when);
        }
        profile
    }

    fn add(
        &mut self,
        span: &'a TraceSpan,
        parent: Option<&'a TraceSpan>,
        children: &[&'a TraceSpan],
        siblings: &[&'a TraceSpan],
        when: When,
    ) {
        let operation = (span.service.as_str(), span.name.as_str());
        self.spans.add(when);
        self.by_id.insert(&span.span_id, (operation, when));
        self.done.entry(operation).or_default().add(when);
        for child in children {
            self.led.entry((operation, (child.service.as_str(), child.name.as_str()))).or_default().add(when);
        }
        if parent.is_none_or(|parent| parent.service != span.service) {
            self.served.entry(&span.service).or_default().add(when);
        }
        if is_failed(span) && !children.iter().any(|child| is_failed(child)) {
            self.failed.entry(&span.service).or_default().add(when);
            if when == When::During {
                let told = self.told.entry(&span.service).or_default();
                *told.instances.entry(&span.instance).or_default() += 1;
                if !span.error.is_empty() && told.errors.len() < ERRORS {
                    *told.errors.entry(&span.error).or_default() += 1;
                }
            }
        } else if when == When::During {
            self.told.entry(&span.service).or_default().well.insert(&span.instance);
        }
        match children {
            // A wait for one other service: what is left is between the two.
            [only] if only.service != span.service => {
                let between = (span.duration_ms - only.duration_ms).max(0.0);
                self.between.entry((&span.service, &only.service)).or_default().push(when, between);
            }
            _ => {
                // An asynchronous step stands beside the wait that it holds, not above it.
                let held = siblings.iter().filter(|other| other.start >= span.start && millis(other.start) < end(span));
                let covered = covered(span, children.iter().chain(held).copied());
                self.own.entry(operation).or_default().push(when, (span.duration_ms - covered).max(0.0));
            }
        }
    }
}

/// How many siblings are compared; a fan-out of thousands is not.
const SIBLINGS: usize = 64;

fn when(time: Timestamp, window: Window) -> Option<When> {
    if window.is_during(time) { Some(When::During) } else { window.is_well_before(time).then_some(When::Before) }
}

/// All spans, or those of an even share of the traces.
fn sample(spans: &[TraceSpan]) -> Vec<&TraceSpan> {
    let share = spans.len() / MOST_SPANS + 1;
    let kept = |span: &&TraceSpan| {
        share == 1 || span.trace_id.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % share == 0
    };
    spans.iter().filter(kept).collect()
}
