//! Which service do the extra milliseconds of the traces belong to?
//!
//! Time that an operation spends itself is its service's. Time between a caller and its callee belongs to one of the two:
//! to the one whose other calls are slow as well, because a slow link or a starved process shows on everything that touches it.

use std::collections::BTreeMap;

use super::{
    normal::{Normal, median},
    traces::{Pair, Profile},
};

/// The least calls before and during that can be compared.
const LEAST: usize = 2;
/// Less than this many milliseconds more of one call is not felt.
const FELT_MS: f64 = 1.0;
/// How much the untouched other direction speaks against a service.
const AGAINST: f64 = 0.5;

/// A service with the time that it seems to add.
#[derive(Debug, Clone, PartialEq)]
pub struct Slow<'a> {
    pub service: &'a str,
    /// Milliseconds over all calls since the onset that exceed what was usual.
    pub extra_ms: f64,
    /// Share of calls that exceed it: of those that come in, of those that go out, of what it does itself.
    pub incoming: Share,
    pub outgoing: Share,
    pub own: Share,
    /// `extra_ms` weighed by how many of the calls that touch the service are slow.
    pub rank: f64,
    /// The clearest comparisons, the largest first.
    pub examples: Vec<Example<'a>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    pub slow: usize,
    pub all: usize,
}

impl Share {
    fn value(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts of calls")]
        (self.all > 0).then(|| self.slow as f64 / self.all as f64)
    }

    fn add(&mut self, slow: usize, all: usize) {
        self.slow += slow;
        self.all += all;
    }
}

/// One comparison: an operation's own time, or the time between two services.
#[derive(Debug, Clone, PartialEq)]
pub struct Example<'a> {
    pub what: What<'a>,
    pub before_ms: f64,
    pub during_ms: f64,
    pub extra_ms: f64,
    pub slow: usize,
    pub all: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    Own { operation: &'a str },
    Between { caller: &'a str, callee: &'a str },
}

/// Every service that seems to add time, the likeliest origin first.
pub fn slow<'a>(profile: &Profile<'a>) -> Vec<Slow<'a>> {
    let mut found: BTreeMap<&str, Slow<'_>> = BTreeMap::new();
    for ((caller, callee), pair) in &profile.between {
        let Some(example) = compare(What::Between { caller, callee }, pair) else { continue };
        let touched = entry(&mut found, caller);
        touched.outgoing.add(example.slow, example.all);
        touched.take(&example);
        let touched = entry(&mut found, callee);
        touched.incoming.add(example.slow, example.all);
        touched.take(&example);
    }
    for ((service, operation), pair) in &profile.own {
        let Some(example) = compare(What::Own { operation }, pair) else { continue };
        let touched = entry(&mut found, service);
        touched.own.add(example.slow, example.all);
        touched.take(&example);
    }
    let mut out: Vec<Slow<'_>> = found.into_values().filter(|slow| slow.extra_ms > 0.0).collect();
    for slow in &mut out {
        slow.rank = slow.extra_ms * slow.share();
        slow.examples.sort_by(|a, b| b.extra_ms.total_cmp(&a.extra_ms));
        slow.examples.truncate(4);
    }
    out.sort_by(|a, b| b.rank.total_cmp(&a.rank).then_with(|| a.service.cmp(b.service)));
    out
}

fn entry<'a, 'm>(found: &'m mut BTreeMap<&'a str, Slow<'a>>, service: &'a str) -> &'m mut Slow<'a> {
    found.entry(service).or_insert_with(|| Slow {
        service,
        extra_ms: 0.0,
        incoming: Share::default(),
        outgoing: Share::default(),
        own: Share::default(),
        rank: 0.0,
        examples: Vec::new(),
    })
}

impl<'a> Slow<'a> {
    fn take(&mut self, example: &Example<'a>) {
        self.extra_ms += example.extra_ms;
        if example.slow > 0 {
            self.examples.push(example.clone());
        }
    }

    /// How much of what touches the service is slow, seen from its clearest side, 0 to 1.
    pub fn share(&self) -> f64 {
        let side = |one: Share, other: Share| {
            let against = other.value().map_or(0.0, |other| AGAINST * (1.0 - other));
            one.value().unwrap_or(0.0) * (1.0 - against)
        };
        side(self.incoming, self.outgoing).max(side(self.outgoing, self.incoming)).max(self.own.value().unwrap_or(0.0))
    }

    /// How many calls are slow, on the side that has the most of them.
    pub fn slow_calls(&self) -> usize {
        self.incoming.slow.max(self.outgoing.slow).max(self.own.slow)
    }

    /// Its own work is slow as well as its calls, as when it gets too little CPU.
    pub fn is_starved(&self) -> bool {
        let clear = |share: Share| share.value().is_some_and(|share| share >= 0.3);
        let some = |share: Share| share.value().is_some_and(|share| share >= 0.1);
        clear(self.outgoing) && (some(self.own) || clear(self.incoming)) || clear(self.own) && clear(self.incoming)
    }

    /// Only what comes in is slow while its own work is as fast as before: the way to it.
    pub fn is_far(&self) -> bool {
        self.incoming.value().is_some_and(|share| share >= 0.3) && self.own.value().unwrap_or(0.0) < 0.15
    }
}

fn compare<'a>(what: What<'a>, pair: &Pair) -> Option<Example<'a>> {
    if pair.before.len() < LEAST || pair.during.is_empty() {
        return None;
    }
    let normal = Normal::of(&pair.before, 0.05, 0.5)?;
    let excess: Vec<f64> = pair.during.iter().map(|value| normal.excess(*value)).collect();
    Some(Example {
        what,
        before_ms: normal.middle,
        during_ms: median(&pair.during),
        extra_ms: excess.iter().sum(),
        slow: excess.iter().filter(|excess| **excess > FELT_MS).count(),
        all: excess.len(),
    })
}
