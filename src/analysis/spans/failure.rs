//! Where failed requests failed first.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    peers::{self, entity_kind},
    tree::{Forest, is_failed},
};
use crate::{
    analysis::{Finding, Role, Seen, logs::signs},
    model::{
        Category, Entity, EvidenceKind,
        observation::{Level, TraceSpan},
    },
};

/// How many origins are told.
const TOLD: usize = 3;
/// So small a share of failed requests is there every day. Source: own choice; availability goals are 95 % and more.
const SELDOM: f64 = 0.05;
/// How much of an error's words is told.
const QUOTE: usize = 160;
/// What the traces alone carry: they show where, and only the error's own words say why. Source: own choice.
const WITH_WORDS: f64 = 0.68;
const WITHOUT: f64 = 0.5;

/// One place where requests fail first.
struct Origin<'a> {
    first: &'a TraceSpan,
    /// Who called it, outermost first.
    way: Vec<&'a str>,
    times: usize,
    traces: BTreeSet<usize>,
    instances: BTreeMap<&'a str, usize>,
    caller: &'a str,
}

/// The origins of failures that reach the caller, the most frequent first.
pub fn findings(forest: &Forest<'_>, chosen: &[usize]) -> Vec<Finding> {
    let mut found: BTreeMap<(&str, String), Origin<'_>> = BTreeMap::new();
    let (mut failed, mut well) = (0_usize, BTreeMap::new());
    for trace in chosen {
        let roots = forest.traces.get(*trace).map(Vec::as_slice).unwrap_or_default();
        let Some(root) = roots.first().copied() else { continue };
        for span in forest.spans_of(*trace).filter(|span| !is_failed(span)) {
            *well.entry((span.service.as_str(), span.instance.as_str())).or_insert(0_usize) += 1;
        }
        if forest.span(root).is_none_or(|span| !is_failed(span)) {
            continue;
        }
        failed += 1;
        follow(forest, *trace, root, &mut found);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of traces")]
    let seldom = failed as f64 <= SELDOM * chosen.len() as f64;
    if seldom {
        return Vec::new();
    }
    let mut origins: Vec<Origin<'_>> = found.into_values().collect();
    origins.sort_by(|a, b| b.traces.len().cmp(&a.traces.len()).then(b.times.cmp(&a.times)).then(a.first.service.cmp(&b.first.service)));
    origins.truncate(TOLD);
    origins.iter().map(|origin| told(origin, failed, chosen.len(), &well)).collect()
}

/// Down from a failed span along the failed ones, to those below which nothing failed.
fn follow<'a>(forest: &Forest<'a>, trace: usize, root: usize, found: &mut BTreeMap<(&'a str, String), Origin<'a>>) {
    let mut open: Vec<(usize, Vec<&'a str>)> = vec![(root, Vec::new())];
    while let Some((at, way)) = open.pop() {
        let Some(span) = forest.span(at) else { continue };
        let below: Vec<usize> = forest.children(at).filter(|(_, child)| is_failed(child)).map(|(child, _)| child).collect();
        if below.is_empty() {
            let key = (span.service.as_str(), words(span).chars().filter(|c| !c.is_ascii_digit()).collect());
            let origin = found.entry(key).or_insert_with(|| Origin {
                first: span,
                caller: way.last().copied().unwrap_or(""),
                way: way.clone(),
                times: 0,
                traces: BTreeSet::new(),
                instances: BTreeMap::new(),
            });
            origin.times += 1;
            origin.traces.insert(trace);
            *origin.instances.entry(&span.instance).or_default() += 1;
            continue;
        }
        let mut further = way;
        if further.last() != Some(&span.service.as_str()) && further.len() < 20 {
            further.push(&span.service);
        }
        open.extend(below.into_iter().map(|child| (child, further.clone())));
    }
}

/// What a failed span says: its error, or the code that it answered with.
fn words(span: &TraceSpan) -> String {
    if !span.error.is_empty() {
        return span.error.chars().take(QUOTE).collect();
    }
    let code = ["http.response.status_code", "http.status_code", "rpc.grpc.status_code", "grpc.status_code"]
        .iter()
        .find_map(|key| Some((*key, span.attributes.get(*key)?)));
    match code {
        Some((key, code)) if key.contains("grpc") => format!("gRPC status {code}"),
        Some((_, code)) => format!("HTTP {code}"),
        None => String::new(),
    }
}

fn told(origin: &Origin<'_>, failed: usize, all: usize, well: &BTreeMap<(&str, &str), usize>) -> Finding {
    let span = origin.first;
    let (service, said) = (span.service.as_str(), words(span));
    let reading = (!span.error.is_empty()).then(|| signs::read(&span.error, Some(Level::Error))).flatten();
    let peer = peers::kind(span);
    let category = reading.as_ref().map_or(
        match peer {
            Some(_) => Category::DependencyFailure,
            None if span.error.contains("xception") || span.error.contains("anic") => Category::CodeError,
            None => Category::ErrorRate,
        },
        |reading| reading.category,
    );
    let quoted = if said.is_empty() { "without a word about why".to_owned() } else { format!("\"{said}\"") };
    let times = if origin.times > 1 { format!(", {} times", origin.times) } else { String::new() };
    let one = only_instance(origin, well);
    let place = one.map_or_else(|| service.to_owned(), |instance| format!("{service} on {instance}"));
    let what = match peer {
        Some(_) => format!("Calls of {} to {place} ({}) fail: {quoted}{times}", origin.caller, span.name),
        None => format!("{place} fails in {}: {quoted}{times}", span.name),
    };
    let outer: Vec<&str> =
        origin.way.iter().copied().filter(|name| *name != service && (peer.is_none() || *name != origin.caller)).collect();
    let passed = if outer.is_empty() { String::new() } else { format!("; {} passes it on", outer.join(", ")) };
    let entity = Entity::new(entity_kind(peer), "", service);
    let share = origin.traces.len().min(failed);
    let strength = if said.is_empty() || reading.is_none() && span.error.is_empty() { WITHOUT } else { WITH_WORDS };
    let mut finding = Finding::new(category, Role::Cause, entity.clone(), format!("{what}{passed}"))
        .strength(strength)
        .falsifier(format!("{service} answers the same call without an error, or the error is one that its caller expects"))
        .saw(
            Seen::new(
                EvidenceKind::MetricAnomaly,
                &span.source,
                entity.clone(),
                format!(
                    "{} of {service} failed{times}, and nothing below it: {quoted} ({share} of {failed} failed traces, {all} read)",
                    span.name
                ),
            )
            .at(Some(span.start), None)
            .quoting(format!("trace {} span {}: {} {} {}", span.trace_id, span.span_id, span.service, span.name, span.error)),
        );
    finding = match reading {
        Some(reading) => finding.fix(reading.fix).prevent(reading.prevention),
        None => finding.fix(format!("read the log of {service} at {} for trace {}", span.start, span.trace_id)),
    };
    finding.prevent(format!("an alert on failed calls of {service} itself, not only on its callers"))
}

/// The one instance that has all the failures, where others of the same service do well.
fn only_instance<'a>(origin: &Origin<'a>, well: &BTreeMap<(&str, &str), usize>) -> Option<&'a str> {
    let (instance, times) = origin.instances.iter().next().filter(|_| origin.instances.len() == 1)?;
    let others = well.range((origin.first.service.as_str(), "")..).take_while(|((service, _), _)| *service == origin.first.service);
    let others = others.filter(|((_, other), _)| !other.is_empty() && other != instance).count();
    (!instance.is_empty() && *times >= 3 && others > 0).then_some(instance)
}
