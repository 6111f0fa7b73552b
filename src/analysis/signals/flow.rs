//! Along the calls: which deviating entity is the origin, and which ones only repeat what their callees do to them.
//!
//! Trouble adds up along calls: the extra seconds of a caller are the extra seconds of its callees, and so are its failed
//! requests. So an entity whose callees explain its extra is on the way, and what is left without explanation is the origin.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    family::Family,
    metrics::{Deviation, SUSPECT},
};

/// How deep calls are followed.
const DEPTH: usize = 12;
/// Callees that explain this share of an entity's extra explain the entity. Source: own choice, sampling and retries blur the sums.
const EXPLAINED: f64 = 0.5;
/// Where no traffic is known, a callee that deviates at least this much of the caller's score explains it.
const ALIKE: f64 = 0.3;
/// An address with at most this many times the extra of a named callee beside it is another view of that callee: it sees one caller's part.
const SAME: f64 = 2.5;

/// An entity as a possible origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin<'a> {
    pub name: &'a str,
    pub rank: f64,
    /// The alerted entity needs it, directly or through others.
    pub on_the_way: bool,
}

/// What deviates, and by how much.
struct Trouble {
    /// The strongest score, weighed by what was asked.
    score: f64,
    /// Extra seconds or failed requests in the asked family, where the traffic is known.
    extra: Option<f64>,
}

/// Ranks the deviating entities, the likeliest origin first.
pub fn origins<'a>(
    start: &[&'a str],
    calls: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    found: &BTreeMap<&'a str, Vec<Deviation<'a>>>,
    traffic: &BTreeMap<&'a str, f64>,
    asked: Option<Family>,
) -> Vec<Origin<'a>> {
    let troubles: BTreeMap<&str, Trouble> = found
        .iter()
        .map(|(name, found)| (*name, trouble(found, traffic.get(name).copied(), asked)))
        .filter(|(_, trouble)| trouble.score >= SUSPECT)
        .collect();
    let way = reached(start, calls, &troubles, found);
    let whole = start.iter().filter_map(|name| troubles.get(name)?.extra).fold(0.0, f64::max);
    let mut out: Vec<Origin<'_>> = troubles
        .iter()
        .map(|(name, trouble)| {
            let on_the_way = way.contains(name);
            let mut rank = (1.0 + trouble.score.min(1_000.0)).ln();
            rank *= if on_the_way { 1.0 } else { 0.15 };
            rank *= if explained(name, trouble, calls, &troubles, &way) { 0.2 } else { 1.0 };
            rank *= if is_another_view(name, trouble, calls, &troubles) { 0.4 } else { 1.0 };
            if let (Some(extra), true) = (trouble.extra, whole > 0.0) {
                rank *= 0.6f64.mul_add((extra / whole).min(1.0), 0.4);
            }
            Origin { name, rank, on_the_way }
        })
        .collect();
    out.sort_by(|a, b| b.rank.total_cmp(&a.rank).then_with(|| a.name.cmp(b.name)));
    out
}

fn trouble(found: &[Deviation<'_>], traffic: Option<f64>, asked: Option<Family>) -> Trouble {
    let weight = |family: Family| match asked {
        Some(asked) if family.is_like(asked) => 1.0,
        Some(_) => 0.6 * family.weight(),
        None => family.weight(),
    };
    let score = found.iter().map(|found| found.score * weight(found.family)).fold(0.0, f64::max);
    let in_question = |found: &&Deviation<'_>| match asked {
        Some(asked) => found.family.is_like(asked),
        None => matches!(found.family, Family::Latency),
    };
    let extra = found.iter().filter(in_question).max_by(|a, b| a.score.total_cmp(&b.score)).zip(traffic).map(|(found, traffic)| {
        let counted = found.family == Family::Errors && found.during > 1.0;
        found.change() * if counted { 1.0 } else { traffic }
    });
    Trouble { score, extra }
}

/// Everything that the start reaches through entities that deviate, or about which nothing is known.
fn reached<'a>(
    start: &[&'a str],
    calls: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    troubles: &BTreeMap<&'a str, Trouble>,
    found: &BTreeMap<&'a str, Vec<Deviation<'a>>>,
) -> BTreeSet<&'a str> {
    let mut reached: BTreeSet<&str> = start.iter().copied().collect();
    let mut open: Vec<(&str, usize)> = start.iter().map(|name| (*name, 0)).collect();
    while let Some((name, depth)) = open.pop() {
        let callees = calls.get(name).into_iter().flatten();
        for callee in callees.filter(|callee| troubles.contains_key(*callee) || !found.contains_key(*callee)) {
            if depth < DEPTH && reached.insert(callee) {
                open.push((callee, depth + 1));
            }
        }
    }
    reached
}

/// What its callees add up to explains the entity.
fn explained(
    name: &str,
    trouble: &Trouble,
    calls: &BTreeMap<&str, BTreeSet<&str>>,
    troubles: &BTreeMap<&str, Trouble>,
    way: &BTreeSet<&str>,
) -> bool {
    let callees = || {
        let own = calls.get(name).into_iter().flatten();
        own.filter(|callee| **callee != name && way.contains(*callee)).filter_map(|callee| troubles.get(callee))
    };
    match trouble.extra {
        Some(extra) if callees().any(|callee| callee.extra.is_some()) => {
            // Two views of one callee count once: the largest stands for all that are as large.
            callees().filter_map(|callee| callee.extra).fold(0.0, f64::max) >= EXPLAINED * extra
        }
        _ => callees().any(|callee| callee.score >= ALIKE * trouble.score),
    }
}

/// The name of a machine or load balancer through which a caller sees a service that deviates under its own name as well.
fn is_another_view(name: &str, trouble: &Trouble, calls: &BTreeMap<&str, BTreeSet<&str>>, troubles: &BTreeMap<&str, Trouble>) -> bool {
    if !is_address(name) || calls.contains_key(name) {
        return false;
    }
    let callers = calls.values().filter(|callees| callees.contains(name));
    callers.flatten().filter(|other| **other != name && calls.contains_key(*other)).filter_map(|other| troubles.get(other)).any(|other| {
        match (trouble.extra, other.extra) {
            (Some(a), Some(b)) => a <= SAME * b,
            _ => true,
        }
    })
}

/// `servi-searc.us-west-2.elb.amazonaws.com`, `10.0.0.7`: where something is, not what it is.
fn is_address(name: &str) -> bool {
    let host = name.split(['_', ':', '/']).next().unwrap_or(name);
    host.matches('.').count() >= 2 && !host.contains(' ')
}
