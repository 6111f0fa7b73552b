//! Write storms: vacuum or bulk writes flood the write-ahead log, checkpoints run back to back, the rest waits.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    events::Kind,
    fault::{Fault, Mechanism, Report},
    limits,
    load::{Wait, tables},
    metric::{Metric, Reading},
    scene::Scene,
};
use crate::{analysis::Seen, model::Category};

const CHECKPOINTS: &[Kind] = &[Kind::Checkpoints];

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    static FREQUENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)too frequently|seconds apart|checkpoint storm|checkpoint starting: (?:wal|xlog)|\d+ checkpoints|max_wal_size|back to back").ok()
    });
    let frequent: Vec<_> =
        scene.current(CHECKPOINTS).filter(|event| FREQUENT.as_ref().is_some_and(|frequent| frequent.is_match(event.text))).collect();
    let total = scene.load.total();
    let vacuum = scene.load.vacuum().filter(|vacuum| vacuum.load >= total * limits::CARRIES);
    let wal = scene.metric(Metric::WalRate).filter(|wal| wal.rose(5.0) && wal.stands_high());
    if vacuum.is_none() && frequent.is_empty() {
        return;
    }
    let hurts: Vec<&Reading<'_>> = [
        scene.metric(Metric::Cpu).filter(|cpu| cpu.now >= limits::CPU),
        scene.metric(Metric::QueueDepth).filter(|queue| queue.rose(10.0) && queue.now > limits::QUEUE * 0.1),
        scene.metric(Metric::WriteLatency).filter(|latency| latency.rose(5.0) && latency.stands_high()),
        scene.metric(Metric::Load).filter(|load| load.rose(4.0) && load.stands_high()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if hurts.is_empty() && !scene.readings.is_empty() {
        report.ruled_out.push(format!("vacuum and checkpoints of {}: present, without pressure on CPU, queue or latency", scene.name));
        return;
    }
    let culprit = vacuum.or_else(|| scene.load.writer());
    let name = &scene.name;
    let who =
        culprit.map_or_else(|| "a writer that is not in the evidence".to_owned(), |culprit| format!("{}{}", culprit.shown(), culprit.by()));
    let table = culprit.and_then(|culprit| tables(&culprit.text).into_iter().next()).map_or(String::new(), |table| format!(" on {table}"));
    let vacuums = vacuum.is_some() || culprit.is_none() && frequent.iter().any(|event| event.text.to_lowercase().contains("vacuum"));
    let what = match (vacuums, frequent.is_empty()) {
        (true, false) => format!("Checkpoint storm by vacuum{table}"),
        (true, true) => format!("Vacuum storm{table}"),
        (false, _) => format!("Checkpoint storm by bulk writes{table}"),
    };
    let wal_told = wal.map_or_else(|| "floods the WAL".to_owned(), |wal| format!("generates WAL at {}", wal.told()));
    let checkpoints = if frequent.is_empty() {
        ", which forces checkpoints and buffer writes"
    } else {
        ", which forces checkpoints back to back (max_wal_size is reached within seconds) to flush dirty buffers"
    };
    let latch = scene
        .load
        .heaviest(Wait::Latch)
        .and_then(|statement| statement.waits.iter().find(|(wait, _)| super::load::wait_of(wait) == Wait::Latch));
    let latch = latch.map_or(String::new(), |(wait, _)| format!("; sessions wait on {wait}"));
    let effects: Vec<String> = hurts.iter().map(|reading| format!("{} {}", reading.series.metric, reading.told())).collect();
    let effects = if effects.is_empty() { String::new() } else { format!("; {} are its effects, not the cause", effects.join(", ")) };
    let statement = format!("{what} on {name}: {who} {wal_told}{checkpoints}{latch}{effects}");
    let mut seen: Vec<Seen> = culprit.map(|culprit| scene.statement(culprit)).into_iter().collect();
    seen.extend(scene.waits());
    seen.extend(frequent.iter().rev().take(2).map(|event| scene.quote(event)));
    seen.extend(wal.map(|wal| scene.cite(wal, ": write-ahead log volume")));
    seen.extend(hurts.iter().take(3).map(|reading| scene.cite(reading, ", an effect")));
    let target = culprit.and_then(|culprit| tables(&culprit.text).into_iter().next()).unwrap_or_else(|| "<table>".to_owned());
    let mut fault = Fault::new(Mechanism::Storm, Category::SlowQuery, scene.entity(), statement)
        .short(format!("a write storm: {who} {wal_told}"))
        .by(culprit.map_or(String::new(), |culprit| culprit.text.clone()))
        .saw(seen)
        .sure(true, 0.9)
        .refuted_by("checkpoints are minutes apart (log_checkpoints) while the same waits go on")
        .fix("`max_wal_size = '16GB'` and `checkpoint_completion_target = 0.9` (reload is enough): checkpoints by time, not by volume");
    if vacuums {
        fault = fault
            .fix(format!("slow the vacuum down: `ALTER TABLE {target} SET (autovacuum_vacuum_cost_delay = 20, autovacuum_vacuum_cost_limit = 200);`, or let it run in a quiet hour"))
            .prevent("vacuum early and often: lower `autovacuum_vacuum_scale_factor` on large tables, spread freezing with `vacuum_freeze_min_age`");
    } else {
        fault = fault
            .fix(format!("pause or throttle {who}"))
            .prevent("bulk loads in batches outside peak hours, with max_wal_size sized for them");
    }
    report.faults.push(fault.prevent("an alarm on \"checkpoints are occurring too frequently\" and on TransactionLogsGeneration"));
}
