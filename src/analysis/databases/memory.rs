//! Memory: the server was killed for it, swaps, or a cache server evicts.

use super::{
    events::Kind,
    fault::{Fault, Mechanism, Report},
    limits,
    metric::{Metric, bytes},
    scene::Scene,
};
use crate::{analysis::Seen, model::Category};

const KILLED: &[Kind] = &[Kind::OutOfMemory];

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    let cache = scene.metric(Metric::MemoryPercent).filter(|used| used.now >= limits::CACHE_MEMORY);
    if let Some(used) = cache {
        report.faults.push(full_cache(scene, used));
        return;
    }
    let free = scene.metric(Metric::FreeMemory);
    let low = free.filter(|free| free.lowest < limits::FREE_MEMORY.max(free.calm_high * 0.1) && free.lowest < free.calm_high * 0.5);
    let swap = scene.metric(Metric::Swap).filter(|swap| swap.peak - swap.calm_low > limits::SWAP);
    let killed = scene.current(KILLED).next();
    if !(killed.is_some() || low.is_some() && (swap.is_some() || scene.asks(Mechanism::Memory.words()))) {
        if let Some(free) = free.filter(|_| scene.asks(Mechanism::Memory.words())) {
            report.ruled_out.push(format!("memory: FreeableMemory of {} is {} ({})", free.instance, bytes(free.last), free.range()));
        }
        return;
    }
    let name = &scene.name;
    let top = scene.load.statements.first();
    let measured: Vec<String> = free
        .filter(|_| low.is_some())
        .into_iter()
        .chain(swap)
        .map(|reading| format!("{} {}", reading.series.metric, reading.range()))
        .collect();
    let measured = if measured.is_empty() { String::new() } else { format!(" ({})", measured.join(", ")) };
    let kill = if killed.is_some() { ", a server process was killed and the database restarted" } else { "" };
    let by = top.map_or(String::new(), |top| format!("; the heaviest statement is {}{}", top.shown(), top.by()));
    let mut seen: Vec<Seen> = scene.current(KILLED).take(2).map(|event| scene.quote(event)).collect();
    seen.extend(low.map(|free| scene.cite(free, &format!(", lowest {}", bytes(free.lowest)))));
    seen.extend(swap.map(|swap| scene.cite(swap, ": it swaps")));
    seen.extend(top.map(|top| scene.statement(top)));
    seen.extend(scene.current(&[Kind::Restart]).take(2).map(|event| scene.quote(event)));
    report.faults.push(
        Fault::new(Mechanism::Memory, Category::MemoryPressure, scene.entity(), format!("{name} ran out of memory{measured}{kill}{by}"))
            .short(format!("memory is short{measured}"))
            .by(top.map_or(String::new(), |top| top.text.clone()))
            .saw(seen)
            .sure(killed.is_some() || low.is_some() && swap.is_some(), 0.75)
            .refuted_by("memory was free at the time of the restart or the slow queries")
            .fix("lower what each session may take (`work_mem`, `maintenance_work_mem`; MySQL: `tmp_table_size`, `sort_buffer_size`) or the number of sessions")
            .fix(format!("or a larger class: `aws rds modify-db-instance --db-instance-identifier {name} --db-instance-class <next> --apply-immediately`"))
            .prevent("alarms on FreeableMemory and SwapUsage; work_mem times sessions must fit into memory"),
    );
}

fn full_cache(scene: &Scene<'_>, used: &super::metric::Reading<'_>) -> Fault {
    let name = &scene.name;
    let evicted = scene.metric(Metric::Evictions).filter(|evicted| evicted.peak > evicted.calm_low * 2.0 && evicted.peak > 0.0);
    let evictions = evicted.map_or(String::new(), |evicted| format!(", and keys are evicted (Evictions {})", evicted.told()));
    Fault::new(
        Mechanism::Memory,
        Category::CachePressure,
        scene.entity(),
        format!(
            "The cache {name} is at its maxmemory limit ({} {}){evictions}, so clients miss and go to the database",
            used.series.metric,
            used.told()
        ),
    )
    .short("the cache is full and evicts")
    .saw([scene.cite(used, "")])
    .saw(evicted.map(|evicted| scene.cite(evicted, ": keys are evicted")))
    .sure(true, 0.85)
    .refuted_by("used memory is below maxmemory while keys are still evicted")
    .fix("find what grew (`redis-cli --bigkeys`, `MEMORY USAGE <key>`), give keys a TTL, or scale the node type up")
    .prevent("an alarm on DatabaseMemoryUsagePercentage above 80 %; `maxmemory-policy` chosen for the use, reserved-memory-percent 25")
}
