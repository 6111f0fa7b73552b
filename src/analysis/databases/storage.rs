//! Storage: full, nearly full, filling fast; and what fills it.

use super::{
    events::{Happening, Kind, left, provisioned},
    fault::{Fault, Mechanism, Report},
    limits,
    load::tables,
    metric::{Metric, Reading, bytes},
    scene::Scene,
};
use crate::model::Category;

const SIGNS: &[Kind] = &[Kind::StorageOut, Kind::StorageLow];
const OUT: &[Kind] = &[Kind::StorageOut];
/// So little is left that nothing more is written, bytes. Source: RDS stops an instance below some 200 MB to 1 GB.
const GONE: f64 = 1e9;
/// Writes a second below which a pause is nothing unusual. Source: own choice, a busy application database.
const BUSY: f64 = 50.0;
const ENDED: &[Kind] = &[Kind::StorageGrown, Kind::Recovered];

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    let free = scene.readings.iter().filter(|reading| reading.metric == Metric::FreeStorage).min_by(|a, b| a.now.total_cmp(&b.now));
    let silent = free.is_none_or(|free| stopped(free, scene));
    let size = scene.events.iter().filter(|event| SIGNS.contains(&event.kind)).filter_map(|event| provisioned(event.text)).next_back();
    let limit = size.map_or(limits::FREE_BYTES, |size| (size * limits::FREE_SHARE).max(limits::FREE_BYTES));
    let concerned = scene.has(SIGNS) || scene.asks(Mechanism::Storage.words());
    let ended = scene.ended(SIGNS, ENDED);

    let low = free.filter(|_| !silent).is_some_and(|free| free.last < limit && (falls(free) || concerned));
    let filling = free.filter(|_| !silent).and_then(minutes_left).filter(|minutes| *minutes < limits::FREE_MINUTES);
    let low_told = |event: &Happening<'_>| left(event.text).is_none_or(|left| left < limit);
    let said = scene.has(OUT) || silent && scene.current(&[Kind::StorageLow]).any(low_told);
    // Writes that stop while everybody waits: so does a full volume, and nothing measures the space.
    let stalled = silent
        && scene.metric(Metric::WriteIops).is_some_and(|writes| writes.calm_high > BUSY && writes.last < writes.calm_high * 0.01)
        && scene.metric(Metric::WriteLatency).is_some_and(|latency| latency.rose(100.0) && latency.stands_high());
    let alive = free.is_some_and(|free| !silent && free.last >= limit);
    if let Some(free) = free.filter(|_| alive && concerned && filling.is_none()) {
        let why = if ended || free.last > free.lowest * 2.0 { "it recovered" } else { "that is enough" };
        report.ruled_out.push(format!("storage: FreeStorageSpace of {} is {} now ({why})", free.instance, bytes(free.last)));
        return;
    }
    if ended {
        report.ruled_out.push(format!("storage: {} was short of storage and was extended; it recovered", scene.name));
    }
    if ended || !(low || said || stalled || filling.is_some()) {
        return;
    }
    let mut fault = fault(scene, free, silent, low || said || stalled, filling, size);
    fault.blocks = low || said || stalled;
    if stalled && !said {
        fault = fault.sure(false, 0.7);
        fault.statement = format!("Probably: {}; nothing measures the space, so check it first", fault.statement);
    }
    report.faults.push(fault);
}

fn fault(scene: &Scene<'_>, free: Option<&Reading<'_>>, silent: bool, full: bool, filling: Option<f64>, size: Option<f64>) -> Fault {
    let name = &scene.name;
    let measured = match free {
        Some(free) if !silent => format!("FreeStorageSpace {}", free.told()),
        Some(free) => format!("FreeStorageSpace is no longer published after {} (a gap in the metric)", free.until),
        None if scene.has(SIGNS) => "the FreeStorageSpace metric is missing, its events say so".to_owned(),
        None => "the FreeStorageSpace metric is missing".to_owned(),
    };
    let writes = scene.metric(Metric::WriteIops).filter(|writes| writes.last < writes.calm_high * 0.1);
    let mut seen = Vec::new();
    let (what, blocked) = if full {
        let stopped = writes.map_or(String::new(), |writes| format!("; write operations are blocked: WriteIOPS {}", writes.told()));
        let state = if scene.has(OUT) || filling.is_none() && !scene.has(SIGNS) || free.is_some_and(|free| free.last < GONE) {
            "Storage full: "
        } else {
            "Storage nearly full: "
        };
        let gone = if state.contains("nearly") { "is about to run out" } else { "has run out" };
        (format!("{state}{name} {gone} of storage space ({measured})"), stopped)
    } else {
        let left = filling.map_or(String::new(), |minutes| format!(", out of storage space in about {minutes:.0} minutes"));
        (format!("Storage is filling up: free storage space of {name} falls fast ({measured}{left})"), String::new())
    };
    seen.extend(free.map(|free| scene.cite(free, if silent { ", then no more data points" } else { "" })));
    seen.extend(scene.current(SIGNS).filter(|event| event.kind == Kind::StorageOut).take(2).map(|event| scene.quote(event)));
    seen.extend(scene.current(SIGNS).filter(|event| event.kind == Kind::StorageLow).take(1).map(|event| scene.quote(event)));
    seen.extend(writes.map(|writes| scene.cite(writes, ": writes have stopped")));
    let (why, culprit, fix) = filler(scene, &mut seen);
    let latency = scene.metric(Metric::WriteLatency).filter(|latency| latency.rose(5.0) && latency.stands_high());
    seen.extend(latency.map(|latency| scene.cite(latency, ", an effect")));
    let grow = size.map_or_else(|| "<1.5 times the present size>".to_owned(), |size| format!("{:.0}", (size * 1.5 / 1e9).ceil()));
    let mut fault = Fault::new(Mechanism::Storage, Category::DiskFull, scene.entity(), format!("{what}{blocked}{why}"))
        .short(format!("free storage space runs out ({measured}){why}"))
        .by(culprit)
        .saw(seen)
        .sure(full, 0.75)
        .refuted_by(format!("FreeStorageSpace of {name} is above {} while writes still fail", bytes(limits::FREE_BYTES)))
        .fix(format!(
            "grow the volume: `aws rds modify-db-instance --db-instance-identifier {name} --allocated-storage {grow} --apply-immediately`"
        ));
    fault.fixes.extend(fix);
    fault
        .prevent("storage autoscaling (`--max-allocated-storage`), and an alarm on FreeStorageSpace below 20 % and on the metric's absence")
        .prevent("an alarm on TransactionLogsDiskUsage and OldestReplicationSlotLag; `max_slot_wal_keep_size` bounds what a slot may keep")
}

/// What takes the space: a slot's log, the binary log, temporary files, or a statement that writes.
fn filler(scene: &Scene<'_>, seen: &mut Vec<crate::analysis::Seen>) -> (String, String, Vec<String>) {
    let grew =
        |metric: Metric| scene.metric(metric).filter(|reading| reading.last - reading.first > 0.5e9 && reading.last > reading.first * 1.05);
    let slot = scene.sessions.inactive_slots.first();
    if slot.is_some() || grew(Metric::SlotLag).is_some() {
        let (slot_name, kept) = slot.map_or((String::new(), String::new()), |(slot, kept)| (format!(" `{slot}`"), kept.clone()));
        seen.extend(grew(Metric::SlotLag).map(|lag| scene.cite(lag, ": WAL that a replication slot retains")));
        seen.extend(grew(Metric::WalDisk).map(|wal| scene.cite(wal, "")));
        if slot.is_some() {
            let text = format!("pg_replication_slots of {}: replication slot{slot_name} is inactive and retains {kept} of WAL", scene.name);
            seen.push(scene.database(&scene.sessions.source, text).decisive());
        }
        let why = format!("; an inactive replication slot{slot_name} retains the WAL (write-ahead log), which fills the volume");
        let fix = format!(
            "if its consumer is gone for good: `SELECT pg_drop_replication_slot('{}');`; else start the consumer",
            slot.map_or("<slot>", |(slot, _)| slot)
        );
        return (why, "slot".to_owned(), vec![fix]);
    }
    if let Some(wal) = grew(Metric::WalDisk) {
        seen.push(scene.cite(wal, ": write-ahead log that is kept"));
        let failing = scene.events.iter().find(|event| !event.old && event.text.to_lowercase().contains("archiv"));
        seen.extend(failing.map(|event| scene.quote(event)));
        let why = if failing.is_some() { " because archiving fails" } else { "" };
        let fix =
            "see what keeps it: `SELECT slot_name, active, restart_lsn FROM pg_replication_slots;` and `SELECT * FROM pg_stat_archiver;`"
                .to_owned();
        return (format!("; WAL (write-ahead log) piles up{why} and takes the space"), String::new(), vec![fix]);
    }
    if let Some(binlog) = grew(Metric::BinlogDisk).filter(|binlog| binlog.last > binlog.first * 1.5) {
        seen.push(scene.cite(binlog, ": binary logs pile up"));
        let fix = "shorten what is kept: `CALL mysql.rds_set_configuration('binlog retention hours', 24);`".to_owned();
        return ("; binary logs pile up and take the space".to_owned(), String::new(), vec![fix]);
    }
    let writer = scene.load.writer().or_else(|| scene.load.statements.first());
    let Some(writer) = writer else { return (String::new(), String::new(), Vec::new()) };
    seen.push(scene.statement(writer));
    let table = tables(&writer.text).first().map_or(String::new(), |table| format!(" into {table}"));
    let spills = writer.waits.iter().any(|(wait, _)| wait.to_lowercase().contains("buffile")) || !writer.is_write();
    let why = if spills {
        format!("; the heaviest statement is {}{} (temporary files of sorts and hashes take space too)", writer.shown(), writer.by())
    } else {
        format!("; the heaviest writer{table} is {}{}", writer.shown(), writer.by())
    };
    (why, writer.text.clone(), vec!["find what is large: `SELECT relname, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class ORDER BY pg_total_relation_size(oid) DESC LIMIT 20;`".to_owned()])
}

/// Three intervals without a point while others still publish. Source: CloudWatch's missing-data practice.
fn stopped(reading: &Reading<'_>, scene: &Scene<'_>) -> bool {
    scene.until.is_some_and(|until| until.duration_since(reading.until).as_secs() >= 180)
}

fn falls(free: &Reading<'_>) -> bool {
    free.first - free.last > free.first * 0.05
}

/// Minutes until nothing is left at the pace of the window; `None` when it does not fall by a fifth.
fn minutes_left(free: &Reading<'_>) -> Option<f64> {
    let fallen = free.first - free.last;
    let minutes = free.until.duration_since(free.from).as_secs() as f64 / 60.0;
    let recovered = free.last - free.lowest > (free.first - free.lowest) * 0.1;
    (fallen > free.first * 0.2 && minutes > 0.0 && !recovered).then(|| free.last / (fallen / minutes))
}
