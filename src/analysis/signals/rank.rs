//! One ranking out of three lanes: each lane counts as much as its own effect is clear.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    behaviour::Behaviour,
    flow::Origin,
    slow::Slow,
    traces::{Count, Profile},
};

/// How many suspects are told.
const TOLD: usize = 3;
/// The least spans in both windows with which traces are compared.
const LEAST_SPANS: u32 = 20;
/// This many slow calls are no accident. Source: own choice.
const PLAIN_CALLS: f64 = 8.0;
/// How much of changed behaviour is put down to slowness where that is clear.
const BROUGHT_ALONG: f64 = 0.7;
/// How much a metric lane counts beside traces that speak.
const BESIDE_TRACES: f64 = 0.25;
/// That the alerted service is in trouble is what the alert says already.
const ALERTED: f64 = 0.5;
/// A suspect with less than this share of the first one's weight is noise.
const NOISE: f64 = 0.15;

/// What each lane found, the likeliest first.
pub struct Lanes<'a> {
    pub flow: Vec<Origin<'a>>,
    pub slow: Vec<Slow<'a>>,
    pub behaviour: Vec<Behaviour<'a>>,
}

/// Which lane speaks the loudest for a suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Flow,
    Slow,
    Behaviour,
}

/// A service that the trouble may come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect<'a> {
    pub name: &'a str,
    /// 0 to 1, how much of all weight is on it.
    pub share: f64,
    /// How far it is ahead of the next one: its part of what the two have together.
    pub lead: f64,
    /// How clear the lanes are that name it, 0 to 1.
    pub clarity: f64,
    pub on_the_way: bool,
    pub alerted: bool,
    pub lane: Lane,
}

/// The suspects, the likeliest origin first.
pub fn rank<'a>(
    lanes: &Lanes<'a>,
    profile: &Profile<'a>,
    start: &[&'a str],
    calls: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> Vec<Suspect<'a>> {
    let spans = enough(profile.spans);
    let slowness = if spans { lanes.slow.first().map_or(0.0, slowness) } else { 0.0 };
    // Slowness brings errors along, seldom the other way round.
    let misbehaviour =
        if spans { lanes.behaviour.first().map_or(0.0, |first| first.share) * (1.0 - BROUGHT_ALONG * slowness) } else { 0.0 };
    let traced = slowness.max(misbehaviour);
    let flowing = lanes.flow.first().map_or(0.0, |first| (first.rank / 4.0).min(1.0)) * if traced > 0.5 { BESIDE_TRACES } else { 1.0 };

    let mut by_lane: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
    spread(&mut by_lane, Lane::Slow, slowness, lanes.slow.iter().map(|slow| (slow.service, slow.rank)));
    spread(&mut by_lane, Lane::Behaviour, misbehaviour, lanes.behaviour.iter().map(|behaviour| (behaviour.service, behaviour.rank)));
    spread(&mut by_lane, Lane::Flow, flowing, lanes.flow.iter().map(|origin| (origin.name, origin.rank.powi(2))));
    let needed = needed(start, calls);
    let weight = |name: &str, lanes: &[f64; 3]| lanes.iter().sum::<f64>() * if start.contains(&name) { ALERTED } else { 1.0 };
    let whole: f64 = by_lane.iter().map(|(name, lanes)| weight(name, lanes)).sum();
    let clarity = slowness.max(misbehaviour).max(flowing).min(1.0);
    let mut out: Vec<Suspect<'_>> = by_lane
        .into_iter()
        .map(|(name, lanes_of)| Suspect {
            name,
            share: if whole > 0.0 { weight(name, &lanes_of) / whole } else { 0.0 },
            lane: loudest(&lanes_of),
            lead: 0.0,
            clarity,
            on_the_way: needed.contains(name) || lanes.flow.iter().any(|origin| origin.name == name && origin.on_the_way),
            alerted: start.contains(&name),
        })
        .collect();
    out.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(b.name)));
    let first = out.first().map_or(0.0, |first| first.share);
    out.retain(|suspect| suspect.share >= NOISE * first && suspect.share > 0.0);
    let next: Vec<f64> = out.iter().skip(1).map(|suspect| suspect.share).chain([0.0]).collect();
    for (suspect, next) in out.iter_mut().zip(next) {
        // One that stands behind another has no lead at all.
        suspect.lead = if suspect.share < first { 0.5 * suspect.share / first } else { suspect.share / (suspect.share + next) };
    }
    out.truncate(TOLD);
    out
}

/// A lane gives its weight to the entities in the proportion of their ranks.
fn spread<'a>(weights: &mut BTreeMap<&'a str, [f64; 3]>, lane: Lane, weight: f64, ranks: impl Iterator<Item = (&'a str, f64)> + Clone) {
    let whole: f64 = ranks.clone().map(|(_, rank)| rank).sum();
    if weight > 0.0 && whole > 0.0 {
        for (name, rank) in ranks {
            if let Some(slot) = weights.entry(name).or_default().get_mut(lane as usize) {
                *slot += weight * rank / whole;
            }
        }
    }
}

fn loudest(lanes: &[f64; 3]) -> Lane {
    let of = |lane: Lane| lanes.get(lane as usize).copied().unwrap_or(0.0);
    [Lane::Behaviour, Lane::Slow, Lane::Flow].into_iter().max_by(|a, b| of(*a).total_cmp(&of(*b))).unwrap_or(Lane::Flow)
}

/// Spans of both times, in numbers that can be compared.
pub fn enough(spans: Count) -> bool {
    spans.before >= LEAST_SPANS && spans.during >= LEAST_SPANS
}

/// How clear it is that the first suspect adds time, 0 to 1.
fn slowness(first: &Slow<'_>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of calls")]
    let calls = first.slow_calls() as f64;
    first.share() * (calls / PLAIN_CALLS).min(1.0)
}

/// Everything that the start calls, directly or through others.
fn needed<'a>(start: &[&'a str], calls: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = start.to_vec();
    while let Some(name) = open.pop() {
        open.extend(calls.get(name).into_iter().flatten().filter(|callee| seen.insert(callee)));
    }
    seen
}
