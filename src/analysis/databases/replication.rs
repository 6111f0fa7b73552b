//! Replication lag: what the primary writes that a replica cannot replay, or what holds the replica back.

use super::{
    events::Kind,
    fault::{Fault, Mechanism, Report},
    limits,
    load::{Statement, Wait, tables},
    metric::{Metric, Reading},
    scene::Scene,
};
use crate::{
    analysis::Seen,
    model::{Category, Entity},
};

const ENDED: &[Kind] = &[Kind::Recovered];
const LAG: &[Kind] = &[Kind::Lag];
const STOPPED: &[Kind] = &[Kind::ReplicationStopped];

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    let lag = scene.worst(Metric::ReplicaLag);
    let asked = scene.asks(Mechanism::Replication.words());
    let event = scene.current(STOPPED).next().filter(|_| !scene.ended(STOPPED, ENDED));
    let broken = event.is_some() || !scene.sessions.replica_error.is_empty();
    let reported = scene.has(LAG) && !scene.ended(LAG, ENDED);
    if let Some(lag) = lag.filter(|lag| lag.last <= limits::LAG && lag.last >= 0.0 && !broken) {
        if asked || reported || lag.peak > limits::LAG {
            let was = if lag.peak > limits::LAG { format!(", {} at its peak: it caught up", lag.amount(lag.peak)) } else { String::new() };
            report.ruled_out.push(format!(
                "replication lag: {} of {} is {} now{was}",
                lag.series.metric,
                lag.instance,
                lag.amount(lag.last)
            ));
        }
        return;
    }
    let lagging = lag.is_some_and(|lag| lag.last > limits::LAG);
    let shown = scene.sessions.replica_lag.is_some_and(|lag| lag > limits::LAG);
    let silent = lag.is_none() && asked && scene.load.writer().is_some();
    if !(lagging || shown || reported || broken || silent) {
        return;
    }
    if let Some(lag) = lag.filter(|_| !broken && is_idle_artefact(scene)) {
        report.ruled_out.push(format!(
            "replication lag: {} of {} stays within five minutes while the primary writes nothing: an idle PostgreSQL has nothing to replay",
            lag.series.metric, lag.instance
        ));
        return;
    }
    report.faults.push(if broken { stopped(scene, event, lag) } else { behind(scene, lag) });
}

/// A PostgreSQL primary without writes reports up to five minutes of lag.
fn is_idle_artefact(scene: &Scene<'_>) -> bool {
    let quiet = scene.metric(Metric::WalRate).is_some_and(|wal| wal.peak < limits::IDLE_WAL);
    quiet && scene.worst(Metric::ReplicaLag).is_some_and(|lag| lag.peak <= limits::IDLE_LAG)
}

fn replica(scene: &Scene<'_>, lag: Option<&Reading<'_>>) -> String {
    let reported =
        scene.current(LAG).chain(scene.current(STOPPED)).map(|event| event.instance).find(|name| *name != scene.name && !name.is_empty());
    lag.map(|lag| lag.instance).or(reported).or(scene.replicas.first().map(String::as_str)).unwrap_or(&scene.name).to_owned()
}

fn stopped(scene: &Scene<'_>, event: Option<&super::events::Happening<'_>>, lag: Option<&Reading<'_>>) -> Fault {
    let replica = replica(scene, lag);
    let error = &scene.sessions.replica_error;
    let told = event.map_or(String::new(), |event| format!(": \"{}\"", event.shown()));
    let because = if error.is_empty() { String::new() } else { format!("; the replica's error: {error}") };
    let statement = format!("Replication to {replica} has stopped, so its data is stale{told}{because}");
    let shown = (!error.is_empty())
        .then(|| scene.database(&scene.sessions.source, format!("SHOW REPLICA STATUS of {replica}: {error}")).decisive());
    Fault::new(Mechanism::Replication, Category::ReplicationStale, Entity::new("Service", "", &replica), statement)
        .short(format!("replication to {replica} has stopped"))
        .saw(event.map(|event| scene.quote(event)))
        .saw(shown)
        .saw(lag.map(|lag| scene.cite(lag, "")))
        .sure(true, 0.9)
        .refuted_by("the replica's position advances")
        .fix(format!("read the error on {replica} (`SHOW REPLICA STATUS\\G`, or the PostgreSQL log), mend it, and restart replication; recreate the replica where its log was removed"))
        .prevent("an alarm on ReplicaLag, on -1, and on the absence of the metric")
}

fn behind(scene: &Scene<'_>, lag: Option<&Reading<'_>>) -> Fault {
    let replica = replica(scene, lag);
    let mysql = scene.asked.contains("mysql")
        || scene.asked.contains("mariadb")
        || scene.metric(Metric::BinlogDisk).is_some_and(|binlog| binlog.rose(2.0));
    let log = if mysql && scene.metric(Metric::WalRate).is_none() { "binlog (binary log)" } else { "WAL (write-ahead log)" };
    let grew = |metric: Metric| scene.metric(metric).filter(|reading| reading.rose(2.0) && reading.stands_high());
    let evidence: Vec<&Reading<'_>> =
        [Metric::WalRate, Metric::BinlogDisk, Metric::WriteIops].into_iter().filter_map(grew).take(2).collect();
    let writer = scene.load.writer().filter(|writer| !evidence.is_empty() || writer.load >= scene.load.total() * limits::CARRIES);
    let vacuum = scene.load.vacuum().filter(|vacuum| vacuum.load >= scene.load.total() * limits::CARRIES);
    let busy =
        scene.readings.iter().find(|reading| reading.metric == Metric::Cpu && reading.instance == replica && reading.now >= limits::CPU);

    let measured = match lag {
        Some(lag) => format!("{} {}", lag.series.metric, lag.told()),
        None => scene
            .sessions
            .replica_lag
            .map_or_else(|| "its ReplicaLag metric is missing; events and the alert say so".to_owned(), |lag| format!("{lag:.0} s behind")),
    };
    let mut seen: Vec<Seen> = lag.map(|lag| scene.cite(lag, ": the replica falls behind its primary")).into_iter().collect();
    let (cause, culprit, known) = match (writer.or(vacuum), busy) {
        (_, Some(cpu)) if writer.is_none() || evidence.is_empty() => {
            seen.push(scene.cite(cpu, ": the replica itself has no CPU left to replay"));
            let query = scene.replica_load.statements.first();
            seen.extend(query.map(|query| {
                scene.database(
                    &scene.replica_load.source,
                    format!("Performance Insights of {replica}: {} carries {:.1}", query.shown(), query.load),
                )
            }));
            let by = query.map_or(String::new(), |query| format!(", taken by {}{}", query.shown(), query.by()));
            (
                format!("the replica itself is out of CPU ({}{by}), so replay of the {log} waits", cpu.told()),
                query.map_or(String::new(), |query| query.text.clone()),
                true,
            )
        }
        (Some(writer), _) => {
            seen.push(scene.statement(writer));
            (written(scene, writer, log, &evidence), writer.text.clone(), true)
        }
        (None, _) if !evidence.is_empty() => {
            let grown: Vec<String> = evidence.iter().map(|reading| format!("{} {}", reading.series.metric, reading.told())).collect();
            (
                format!(
                    "the primary {} writes more {log} than the replica can replay ({}); which statement is not known",
                    scene.name,
                    grown.join(", ")
                ),
                String::new(),
                true,
            )
        }
        (None, _) => (
            "what holds the replica back is not in the evidence (a long query on it, a network or a disk limit)".to_owned(),
            String::new(),
            false,
        ),
    };
    seen.extend(evidence.iter().map(|reading| scene.cite(reading, &format!(": the primary's {log} volume"))));
    seen.extend(scene.current(LAG).last().map(|event| scene.quote(event)));
    seen.extend(scene.waits().filter(|_| known));
    let statement = format!("Replication lag: {replica} falls behind its primary {} ({measured}) because {cause}", scene.name);
    let target = writer.map_or_else(|| "<the writing job>".to_owned(), |writer| format!("{}{}", writer.verb(), writer.by()));
    Fault::new(Mechanism::Replication, Category::ReplicationLag, Entity::new("Service", "", &replica), statement)
        .short(format!("replication lag: the replica {replica} lags ({measured}) because {cause}"))
        .by(culprit)
        .saw(seen)
        .sure(known && (lag.is_some() || scene.has(LAG)), if known { 0.85 } else { 0.5 })
        .refuted_by("the lag keeps growing after the write volume is back to normal")
        .fix(format!("pause or throttle {target}: commit in batches of some thousand rows with pauses, until the lag is gone"))
        .fix(format!("send reads that must be fresh to {} until {replica} has caught up", scene.name))
        .prevent("run bulk writes in small batches that wait for the replica; size the replica like the primary")
        .prevent(format!("an alarm on ReplicaLag above {:.0} s and on its absence", limits::LAG))
}

fn written(scene: &Scene<'_>, writer: &Statement, log: &str, evidence: &[&Reading<'_>]) -> String {
    let tables = tables(&writer.text);
    let on = tables.first().map_or(String::new(), |table| format!(" on {table}"));
    let grown: Vec<String> = evidence.iter().map(|reading| format!("{} {}", reading.series.metric, reading.told())).collect();
    let grown = if grown.is_empty() { String::new() } else { format!(" ({})", grown.join(", ")) };
    let waits = if scene.waits_for(Wait::Log, 0.2) { ", and waits on the log itself" } else { "" };
    format!(
        "the write-heavy {}{on}{} generates more {log} than the replica can replay{grown}: {}{waits}",
        writer.verb(),
        writer.by(),
        writer.shown()
    )
}
