//! What the lanes found, as sentences with the numbers in them.

use std::collections::BTreeMap;

use super::{
    behaviour::{Behaviour, Difference},
    family::Family,
    metrics::{Deviation, SUSPECT, Silent},
    rank::{Lane, Lanes, Suspect},
    slow::{Example, Slow, What},
    window::Window,
    worth_telling,
};
use crate::{
    analysis::{
        Finding, Role, Seen,
        spans::peers::{self, entity_kind},
    },
    model::{Category, Entity, EvidenceKind, observation::Observations},
};

/// How many comparisons of one kind are cited.
const CITED: usize = 4;
/// How much of a log line is quoted in a sentence.
const QUOTE: usize = 120;

/// What is known about one suspect.
struct Known<'l, 'a> {
    slow: Option<&'l Slow<'a>>,
    behaviour: Option<&'l Behaviour<'a>>,
    deviations: Vec<&'l Deviation<'a>>,
}

/// The finding about one suspect.
pub fn finding<'a>(
    suspect: &Suspect<'a>,
    lanes: &Lanes<'a>,
    deviations: &BTreeMap<&'a str, Vec<Deviation<'a>>>,
    observations: &Observations,
    start: &[&str],
    window: Window,
) -> Finding {
    let known = Known {
        slow: lanes.slow.iter().find(|slow| slow.service == suspect.name),
        behaviour: lanes.behaviour.iter().find(|behaviour| behaviour.service == suspect.name),
        deviations: deviations.get(suspect.name).map(|found| worth_telling(found)).unwrap_or_default(),
    };
    let peer = observations.spans.iter().find(|span| span.service == suspect.name).and_then(peers::kind);
    let (category, told) = match suspect.lane {
        Lane::Slow if peer.is_some() => known.slow.map(|slow| told_peer(slow, entity_kind(peer))),
        Lane::Slow => known.slow.map(|slow| told_slow(slow, &known.deviations)),
        Lane::Behaviour => known.behaviour.map(told_behaviour),
        Lane::Flow => None,
    }
    .unwrap_or_else(|| told_flow(suspect.name, &known.deviations));
    let way = match start.first() {
        Some(start) if suspect.on_the_way && *start != suspect.name => format!("; {start} needs it, directly or through others"),
        _ => String::new(),
    };
    // That the alerted service deviates is what the alert says already; that the time is spent in its own work is news.
    let role = if suspect.alerted && suspect.lane == Lane::Flow { Role::Symptom } else { Role::Cause };
    let entity = Entity::new(entity_kind(peer), "", suspect.name);
    let mut finding = Finding::new(category, role, entity.clone(), format!("{told}{way}"))
        .strength((suspect.clarity.sqrt() * 0.6f64.mul_add(suspect.lead, 0.4)).clamp(0.1, 0.8))
        .falsifier(format!("{} shows the same in the same hour of other days, or another service does while it is well", suspect.name))
        .fix(first_look(suspect.name, category))
        .prevent("an alert on this signal of the service itself, not only on its callers");
    let spans = observations.spans.first().map_or("", |span| span.source.as_str());
    let seen = |kind, source: &str, text: String| Seen::new(kind, source, entity.clone(), text).at(Some(window.onset), None);
    for example in known.slow.iter().flat_map(|slow| &slow.examples).take(CITED) {
        let mut seen = seen(EvidenceKind::MetricAnomaly, spans, comparison(suspect.name, example));
        // One comparison is one piece of evidence, whichever of its two services is told about.
        if let What::Between { callee, .. } = example.what {
            seen.entity = Entity::new("Service", "", callee);
        }
        finding = finding.saw(seen);
    }
    for difference in known.behaviour.iter().flat_map(|behaviour| &behaviour.differences).take(CITED) {
        let (kind, text) = difference_told(suspect.name, difference);
        finding = finding.saw(seen(kind, spans, text));
    }
    for deviation in known.deviations.iter().take(CITED) {
        finding = finding.saw(
            seen(EvidenceKind::MetricAnomaly, &deviation.series.source, deviation_told(suspect.name, deviation, window))
                .at(Some(window.onset), deviation.series.points.last().map(|(time, _)| *time)),
        );
    }
    finding
}

fn told_slow(slow: &Slow<'_>, deviations: &[&Deviation<'_>]) -> (Category, String) {
    let name = slow.service;
    let numbers = slow.examples.first().map(|example| comparison(name, example)).unwrap_or_default();
    let cpu = deviations.iter().any(|deviation| deviation.family == Family::Cpu);
    if slow.is_starved() || cpu && !slow.is_far() {
        (
            Category::CpuSaturation,
            format!("{name} is slow in its own work and in its calls, as with too little CPU (contention): {numbers}"),
        )
    } else if slow.is_far() {
        (
            Category::NetworkFault,
            format!("Calls to {name} arrive or return late (network delay) while its own work is as fast as before: {numbers}"),
        )
    } else {
        (Category::Latency, format!("{name} is slow in its own work: {numbers}"))
    }
}

/// A server that writes no spans: its callers' wait is all that is known.
fn told_peer(slow: &Slow<'_>, kind: &str) -> (Category, String) {
    let category = if kind == "Database" { Category::SlowQuery } else { Category::DependencyFailure };
    let numbers = slow.examples.first().map(|example| comparison(slow.service, example)).unwrap_or_default();
    (category, format!("{} answers slowly: {numbers}", slow.service))
}

fn told_behaviour(behaviour: &Behaviour<'_>) -> (Category, String) {
    let name = behaviour.service;
    let first = behaviour.differences.first().map(|difference| difference_told(name, difference).1).unwrap_or_default();
    match behaviour.differences.first() {
        Some(Difference::NewError { text, .. } | Difference::Failed { text: Some(text), .. })
            if text.contains("xception") || text.contains("panic") =>
        {
            (Category::CodeError, format!("{name} fails: {first}"))
        }
        Some(Difference::LeftOut { .. } | Difference::Silent { .. }) => {
            (Category::CodeError, format!("{name} ends its work early: {first}"))
        }
        Some(Difference::FanOut { .. }) => {
            (Category::CodeError, format!("{name} makes far more calls for each request (fan-out): {first}"))
        }
        _ => (Category::ErrorRate, format!("{name} fails: {first}")),
    }
}

fn told_flow(name: &str, deviations: &[&Deviation<'_>]) -> (Category, String) {
    let lead = deviations.first();
    let (category, word) = match lead.map(|lead| lead.family) {
        Some(Family::Latency) => (Category::Latency, "slow"),
        Some(Family::Availability | Family::Errors) => (Category::ErrorRate, "failing"),
        Some(Family::Cpu) => (Category::CpuSaturation, "short of CPU"),
        Some(Family::Memory) => (Category::MemoryPressure, "using far more memory"),
        Some(Family::Backlog) => (Category::QueueBacklog, "behind with its work"),
        _ => (Category::Unknown, "different from its normal"),
    };
    let numbers =
        lead.map(|lead| format!("{} {} instead of {}", lead.series.metric, amount(lead.during), amount(lead.before))).unwrap_or_default();
    (category, format!("{name} is {word}: {numbers}"))
}

fn comparison(service: &str, example: &Example<'_>) -> String {
    let (before, during) = (millis(example.before_ms), millis(example.during_ms));
    let calls = format!("{} of {} calls slower than ever before", example.slow, example.all);
    match example.what {
        What::Own { operation } => format!("{service} spends {during} ms itself in {operation}, {before} ms before ({calls})"),
        What::Between { caller, callee } => {
            format!("{during} ms between {caller} and {callee} beyond the work of {callee} itself, {before} ms before ({calls})")
        }
    }
}

fn difference_told(service: &str, difference: &Difference<'_>) -> (EvidenceKind, String) {
    match difference {
        Difference::NewError { times, before, text } => {
            (EvidenceKind::LogPattern, format!("{service} logs {times} times, {before} before: \"{}\"", quoted(text)))
        }
        Difference::Failed { times, before, text, instance } => {
            let place = instance.map(|instance| format!(", all on {instance}")).unwrap_or_default();
            let said = text.map(|text| format!(": \"{}\"", quoted(text))).unwrap_or_default();
            (EvidenceKind::MetricAnomaly, format!("{times} spans of {service} failed of their own{place}, {before} before{said}"))
        }
        Difference::LeftOut { operation, step, of, times, calls } => {
            (EvidenceKind::MetricAnomaly, format!("{operation} of {service} no longer leads to {step} of {of} in {times} of {calls} calls"))
        }
        Difference::FanOut { operation, step, of, before, during } => (
            EvidenceKind::MetricAnomaly,
            format!("{operation} of {service} leads to {step} of {of} {} times a call, {} before", amount(*during), amount(*before)),
        ),
        Difference::Silent { text, operation, times, calls } => {
            (EvidenceKind::LogPattern, format!("{operation} of {service} no longer logs \"{}\" in {times} of {calls} calls", quoted(text)))
        }
    }
}

fn deviation_told(name: &str, deviation: &Deviation<'_>, window: Window) -> String {
    format!(
        "{} of {name}: {} since {}, {} before (robust z {:.0} > {SUSPECT})",
        deviation.series.metric,
        amount(deviation.during),
        window.onset,
        amount(deviation.before),
        deviation.score
    )
}

fn first_look(name: &str, category: Category) -> String {
    match category {
        Category::NetworkFault => {
            format!("look at the network of {name}: its pods' node, packet loss and delay, policies, sidecar; then move it to another node")
        }
        Category::CpuSaturation => {
            format!("look at CPU use and throttling of {name} and of its node's neighbours; raise its CPU limit or move it")
        }
        Category::CodeError => format!("roll back the last change of {name}, or fix what its first new error names"),
        _ => format!("look at {name} first: its last deploy, its resources, its own dependencies"),
    }
}

/// A signal that is not reported any more.
pub fn silence(silent: &Silent<'_>) -> Finding {
    let (name, metric, every) = (&silent.series.entity.name, &silent.series.metric, silent.every);
    let entity = silent.series.entity.clone();
    let text = format!("{metric} of {name} came every {every} s and was last seen at {}", silent.last);
    Finding::new(Category::Silence, Role::Symptom, entity.clone(), format!("{name} is silent: {text}"))
        .strength(0.4)
        .saw(Seen::new(EvidenceKind::MetricAnomaly, &silent.series.source, entity, text).at(Some(silent.last), None))
        .falsifier(format!("{metric} of {name} is there again, or its collector was stopped on purpose"))
        .fix(format!("see whether {name} runs and whether its metrics endpoint answers"))
        .prevent("an alert on the absence of this signal")
}

fn quoted(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    if line.chars().count() <= QUOTE { line.to_owned() } else { format!("{}…", line.chars().take(QUOTE).collect::<String>()) }
}

/// Milliseconds as people read them.
fn millis(value: f64) -> String {
    match value.abs() {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// A number as people read it.
pub fn amount(value: f64) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else if value.abs() >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}
