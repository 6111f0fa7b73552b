//! Several faults at once: which explains which, which is its own, and what merely moves along.

use std::cmp::Reverse;

use super::{
    events::Kind,
    fault::{Fault, Mechanism},
    limits,
    load::Wait,
    metric::Metric,
    scene::Scene,
};
use crate::analysis::{Finding, Seen};

/// How many pieces of evidence one fault cites.
const CITED: usize = 8;
/// How many old events are named.
const OLD: usize = 6;

/// The faults that remain, the one that was asked about first, each told with what is beside it.
pub fn weave(mut faults: Vec<Fault>, scene: &Scene<'_>) -> Vec<Finding> {
    faults.sort_by_key(|fault| (asked_at(fault, scene), fault.mechanism));
    let mut kept = absorbed(faults);
    let beside: Vec<(String, Vec<Seen>)> =
        kept.iter().map(|fault| (fault.short.clone(), fault.seen.iter().take(2).cloned().collect())).collect();
    let cpu_is_told = kept.iter().any(|fault| matches!(fault.mechanism, Mechanism::Cpu | Mechanism::Storm));
    for (at, fault) in kept.iter_mut().enumerate() {
        let others: Vec<&(String, Vec<Seen>)> = beside.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, told)| told).collect();
        if !others.is_empty() {
            let told: Vec<&str> = others.iter().map(|(short, _)| short.as_str()).collect();
            fault.statement = format!("{}; beside it, a separate fault: {}", fault.statement, told.join("; "));
            fault.seen.truncate(CITED - others.len().min(2) * 2);
            fault.seen.extend(others.iter().take(2).flat_map(|(_, seen)| seen.iter().cloned()));
        }
        if !cpu_is_told && !fault.statement.contains("CPUUtilization") {
            bystander(fault, scene);
        }
    }
    kept.into_iter().enumerate().map(|(at, fault)| fault.finding(at == 0)).collect()
}

/// The faults without those that another one brings about; what it brought about is told with it.
fn absorbed(faults: Vec<Fault>) -> Vec<Fault> {
    let mut kept: Vec<Fault> = faults;
    // Each turn removes one fault, so this ends; of two that explain each other, the one that was asked about stays.
    while let Some((deep, shallow)) = next_effect(&kept) {
        let effect = kept.remove(shallow);
        let into = if shallow < deep { deep - 1 } else { deep };
        if let Some(fault) = kept.get_mut(into) {
            let told = matches!(
                (fault.mechanism, effect.mechanism),
                (Mechanism::Storm, Mechanism::Cpu | Mechanism::Volume) | (Mechanism::Storage, Mechanism::Locks | Mechanism::Volume)
            );
            if !told {
                let short = effect.short.split("; ").next().unwrap_or_default();
                fault.statement = format!("{}; it brings about as well: {short}", fault.statement);
                fault.seen.extend(effect.seen.into_iter().take(1));
            }
        }
    }
    kept
}

fn next_effect(faults: &[Fault]) -> Option<(usize, usize)> {
    let pairs = (0..faults.len()).flat_map(|deep| (0..faults.len()).map(move |shallow| (deep, shallow)));
    pairs.filter(|(deep, shallow)| deep != shallow).find(|(deep, shallow)| match (faults.get(*deep), faults.get(*shallow)) {
        (Some(cause), Some(effect)) => brings_about(cause, effect) || deep < shallow && same_culprit(cause, effect),
        _ => false,
    })
}

fn same_culprit(one: &Fault, other: &Fault) -> bool {
    !one.culprit.is_empty() && one.culprit == other.culprit && !brings_about(other, one)
}

/// Where the alert speaks of it first; what it does not speak of comes last.
fn asked_at(fault: &Fault, scene: &Scene<'_>) -> usize {
    fault.mechanism.words().iter().filter_map(|word| scene.asked.find(word)).min().unwrap_or(usize::MAX)
}

/// `deep` is known to bring `shallow` about.
fn brings_about(deep: &Fault, shallow: &Fault) -> bool {
    use Mechanism as M;
    let same = !deep.culprit.is_empty() && deep.culprit == shallow.culprit;
    match (deep.mechanism, shallow.mechanism) {
        (M::Storage, M::Locks | M::Volume | M::Replication | M::Storm) => deep.blocks,
        (M::Storage, M::Connections) => deep.blocks && !shallow.idle,
        (M::Memory, M::Failover)
        | (M::Failover, M::Replication | M::Volume | M::Locks)
        | (M::TransactionAge, M::Storm | M::Cpu | M::Volume)
        | (M::Storm, M::Cpu | M::Volume | M::Memory | M::Replication) => true,
        (M::Storm, M::Storage) => !shallow.decisive,
        (M::Storm | M::Locks | M::Volume | M::Cpu, M::Connections) => !shallow.idle,
        (M::Locks | M::Replication, M::Volume | M::Cpu) | (M::Volume, M::Cpu) => same,
        (M::Replication, M::Storage) => same && !shallow.decisive,
        _ => false,
    }
}

/// CPU that is up beside the fault is named, with whose it is: a reader must not take it for the cause.
fn bystander(fault: &mut Fault, scene: &Scene<'_>) {
    let Some(cpu) = scene.metric(Metric::Cpu).filter(|cpu| cpu.rose(1.5) && cpu.stands_high() && cpu.peak >= limits::CPU_ELEVATED) else {
        return;
    };
    let other = scene.load.heaviest(Wait::Cpu).filter(|other| other.text != fault.culprit && !other.is_idle());
    fault.statement = match other {
        Some(other) if fault.mechanism == Mechanism::Replication || other.load >= scene.load.total() * 0.1 => {
            fault.seen.insert(3.min(fault.seen.len()), scene.statement(other));
            format!(
                "{}; CPU is elevated too (CPUUtilization {}), from {}{}: causally independent, a co-occurring symptom and not the cause",
                fault.statement,
                cpu.told(),
                other.shown(),
                other.by()
            )
        }
        _ => format!("{}; CPUUtilization {} goes along with it and is not the cause", fault.statement, cpu.told()),
    };
}

/// What happened long before the incident and was over, by name.
pub fn old_events(scene: &Scene<'_>) -> Vec<String> {
    const NAMED: &[Kind] =
        &[Kind::FailoverEnd, Kind::FailoverStart, Kind::Maintenance, Kind::Restart, Kind::Promotion, Kind::Backup, Kind::StorageGrown];
    let mut old: Vec<_> = scene.events.iter().filter(|event| event.old && NAMED.contains(&event.kind)).collect();
    old.sort_by_key(|event| Reverse(event.time));
    let told = old.iter().take(OLD).map(|event| {
        let time = event.time.map_or(String::new(), |time| format!(" at {time}"));
        format!("\"{}\"{time}: over before the incident began", event.shown())
    });
    let changed = scene.current(&[Kind::Parameters]).take(2).map(|event| {
        let time = event.time.map_or(String::new(), |time| format!(" at {time}"));
        format!("\"{}\"{time}: near in time, but nothing in the load or the metrics follows from it", event.shown())
    });
    told.chain(changed).collect()
}

/// The bounds inside which a healthy database stayed.
pub fn in_bounds(scene: &Scene<'_>) -> Vec<String> {
    const TOLD: &[Metric] =
        &[Metric::Connections, Metric::FreeStorage, Metric::FreeMemory, Metric::ReplicaLag, Metric::WriteLatency, Metric::QueueDepth];
    let readings: Vec<String> = scene
        .readings
        .iter()
        .filter(|reading| TOLD.contains(&reading.metric))
        .take(TOLD.len())
        .map(|reading| format!("{} {}", reading.series.metric, reading.range()))
        .collect();
    if readings.is_empty() {
        Vec::new()
    } else {
        vec![format!("the metrics of {} are inside their bounds now; over the window: {}", scene.name, readings.join(", "))]
    }
}
