//! What slow requests waited for.

use std::collections::BTreeMap;

use super::{
    peers::{self, entity_kind},
    tree::{Forest, end, is_failed, millis},
};
use crate::{
    analysis::{Finding, Role, Seen},
    model::{Category, Entity, EvidenceKind, observation::TraceSpan},
};

/// From here on a request is slow without anything to compare it with. Source: Nielsen's limit for an uninterrupted thought.
const SLOW_MS: f64 = 1_000.0;
/// What takes less than this share of the slow requests is not told.
const SHARE: f64 = 0.5;
/// So many equal calls below one span are done one by one where one could do. Source: Sentry's N+1 detector starts at 5; own choice.
const MANY: usize = 10;
const STRENGTH: f64 = 0.62;

/// Time of slow requests that belongs to one operation.
#[derive(Default)]
struct Part<'a> {
    ms: f64,
    times: usize,
    example: Option<(usize, &'a TraceSpan)>,
    /// The most equal calls below one span, and whose span that was.
    repeated: (usize, Option<&'a TraceSpan>),
}

/// The one operation that the slow requests among the chosen traces spend most of their time in.
pub fn findings(forest: &Forest<'_>, chosen: &[usize]) -> Option<Finding> {
    let mut parts: BTreeMap<(&str, &str), Part<'_>> = BTreeMap::new();
    let (mut whole, mut slow) = (0.0, 0_usize);
    for trace in chosen {
        let root = forest.traces.get(*trace).and_then(|roots| roots.first()).copied();
        let Some((root, span)) = root.and_then(|root| Some((root, forest.span(root)?))) else { continue };
        // a request that failed is told by its failure
        if span.duration_ms < SLOW_MS || is_failed(span) {
            continue;
        }
        slow += 1;
        whole += span.duration_ms;
        add(forest, root, &mut parts);
    }
    let (_, part) = parts.iter().max_by(|a, b| a.1.ms.total_cmp(&b.1.ms))?;
    (part.ms >= SHARE * whole).then(|| told(forest, part, whole, slow)).flatten()
}

/// What nobody waited for any more is left out: a span counts as far as it is inside of its parent.
fn add<'a>(forest: &Forest<'a>, root: usize, parts: &mut BTreeMap<(&'a str, &'a str), Part<'a>>) {
    let mut open: Vec<(usize, usize)> = vec![(root, 0)];
    let mut seen = 0_usize;
    while let Some((at, depth)) = open.pop() {
        let Some(span) = forest.span(at) else { continue };
        seen += 1;
        if depth > 200 || seen > 100_000 {
            break;
        }
        let part = parts.entry((&span.service, &span.name)).or_default();
        let own = forest.own_ms(at);
        part.ms += own;
        part.times += 1;
        if part.example.is_none_or(|(_, example)| own > example.duration_ms) {
            part.example = Some((at, span));
        }
        let mut equal: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (child, below) in forest.children(at) {
            open.push((child, depth + 1));
            // the server's side of a call stands for the call
            let called =
                forest.children(child).next().map_or(below, |(_, served)| if peers::kind(served).is_some() { served } else { below });
            *equal.entry((&called.service, &called.name)).or_default() += 1;
        }
        for (operation, count) in equal {
            let part = parts.entry(operation).or_default();
            if count > part.repeated.0 {
                part.repeated = (count, Some(span));
            }
        }
    }
}

fn told(forest: &Forest<'_>, part: &Part<'_>, whole: f64, slow: usize) -> Option<Finding> {
    let (at, span) = part.example?;
    let peer = peers::kind(span);
    let share = format!("{} of {} ms", ms(part.ms), ms(whole));
    let (name, service) = (span.name.as_str(), span.service.as_str());
    let statement =
        span.attributes.get("db.statement").or_else(|| span.attributes.get("db.query.text")).map(|text| format!(": {}", short(text)));
    let (category, entity, what, fix) = match part.repeated {
        (count, Some(caller)) if count >= MANY => (
            Category::CodeError,
            Entity::new("Service", "", &caller.service),
            format!(
                "{} of {} makes {count} equal calls one by one ({name}{}): they take {share}",
                caller.name,
                caller.service,
                to(service, &caller.service)
            ),
            format!("ask once for all of them (a join, IN, a batch call) in {} of {}", caller.name, caller.service),
        ),
        _ if peer.is_some() => (
            if entity_kind(peer) == "Database" { Category::SlowQuery } else { Category::DependencyFailure },
            Entity::new(entity_kind(peer), "", service),
            format!("{service} answers slowly: {name} takes {share}{}", statement.clone().unwrap_or_default()),
            match entity_kind(peer) {
                "Database" => {
                    format!("explain the statement on {service} and look at its locks, its indexes and its load at {}", span.start)
                }
                _ => format!("look at {service} at {}, and give the call a timeout below what callers wait", span.start),
            },
        ),
        _ => (
            Category::Latency,
            Entity::new("Service", "", service),
            format!("{service} itself spends {share} in {name}{}, not in what it calls", gap(forest, at)),
            format!("profile {name} of {service}: CPU, locks, garbage collection, work without a span"),
        ),
    };
    let seen = format!("{name} of {service} spends {share} of {slow} slow requests itself, in {} calls", part.times);
    Some(
        Finding::new(category, Role::Cause, entity.clone(), what)
            .strength(STRENGTH)
            .falsifier(format!("fast requests spend the same time in {name} of {service}"))
            .saw(Seen::new(EvidenceKind::MetricAnomaly, &span.source, entity, seen).at(Some(span.start), None).quoting(format!(
                "trace {} span {}: {service} {name}{}",
                span.trace_id,
                span.span_id,
                statement.unwrap_or_default()
            )))
            .fix(fix)
            .prevent(format!("an alert on the latency of {name} of {service} itself")),
    )
}

fn to(service: &str, caller: &str) -> String {
    if service == caller { String::new() } else { format!(" to {service}") }
}

/// Between which calls the longest time without any lies.
fn gap(forest: &Forest<'_>, at: usize) -> String {
    let Some(span) = forest.span(at) else { return String::new() };
    let mut children: Vec<&TraceSpan> = forest.children(at).map(|(_, child)| child).collect();
    children.sort_by(|a, b| millis(a.start).total_cmp(&millis(b.start)));
    let mut longest: (f64, Option<&str>, Option<&str>) = (0.0, None, None);
    let (mut reached, mut last) = (millis(span.start), None);
    for child in &children {
        let free = millis(child.start) - reached;
        if free > longest.0 {
            longest = (free, last, Some(&child.name));
        }
        if end(child) > reached {
            (reached, last) = (end(child), Some(child.name.as_str()));
        }
    }
    if end(span) - reached > longest.0 {
        longest = (end(span) - reached, last, None);
    }
    match longest {
        (free, Some(after), Some(before)) => format!(" ({} ms between {after} and {before})", ms(free)),
        (free, Some(after), None) => format!(" ({} ms after {after})", ms(free)),
        (free, None, Some(before)) => format!(" ({} ms before {before})", ms(free)),
        (_, None, None) => String::new(),
    }
}

fn short(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect()
}

fn ms(value: f64) -> String {
    format!("{value:.0}")
}
