//! Locks: who blocks whom, deadlocks, and a queue behind one statement.

use super::{
    events::Kind,
    fault::{Fault, Mechanism, Report},
    limits,
    load::{Statement, Wait, tables},
    metric::{Metric, Reading},
    scene::Scene,
};
use crate::{analysis::Seen, model::Category};

const EVENTS: &[Kind] = &[Kind::Deadlock, Kind::LockTimeout];

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    let waits = scene.waits_for(Wait::Lock, 0.5);
    let grew = match scene.metric(Metric::Load) {
        Some(load) => load.rose(2.0) && load.stands_high(),
        None => {
            scene.asks(Mechanism::Locks.words()) || scene.asks(Mechanism::Volume.words()) || scene.asks(&["slow", "timeout", "timed out"])
        }
    };
    let counted = [Metric::Deadlocks, Metric::BlockedTransactions]
        .into_iter()
        .filter_map(|metric| scene.metric(metric))
        .find(|reading| reading.peak >= 1.0 && reading.peak > reading.calm_low * 3.0);
    let views = !scene.sessions.waiting.is_empty()
        && (!scene.sessions.blockers.is_empty() || scene.sessions.longest.is_some() || scene.sessions.waiting.len() > 2)
        || !scene.sessions.deadlock.is_empty() && scene.asks(Mechanism::Locks.words());
    let events = scene.has(EVENTS) && (scene.asks(Mechanism::Locks.words()) || counted.is_some() || waits);
    if !(waits && grew && !scene.load.statements.is_empty() || views || events) {
        return;
    }
    report.faults.push(fault(scene, counted));
}

fn fault(scene: &Scene<'_>, counted: Option<&Reading<'_>>) -> Fault {
    let name = &scene.name;
    let mut seen: Vec<Seen> = Vec::new();
    let waiting = scene.load.heaviest(Wait::Lock);
    let blocker = scene.load.statements.iter().find(|statement| is_blocker(statement, waiting));
    let deadlock = !scene.sessions.deadlock.is_empty()
        || scene.has(&[Kind::Deadlock])
        || counted.is_some_and(|reading| reading.metric == Metric::Deadlocks);
    let (mut who, mut culprit) = (String::new(), String::new());
    if let Some(group) = scene.sessions.blockers.first() {
        who = format!("held by {} (user {}, {} blocked behind it)", group.query, group.user, group.count);
        culprit = group.query.clone();
        seen.push(scene.database(&scene.sessions.source, format!("blocked sessions of {name}: lock {who}")).decisive());
    } else if let Some((seconds, group)) = scene.sessions.longest.as_ref().filter(|(seconds, _)| *seconds >= 30.0) {
        let query = if group.query.is_empty() { "no statement (the transaction is open and idle)" } else { &group.query };
        who = format!("held by a transaction of user {} that is open for {seconds:.0} s: {query}", group.user);
        culprit = group.query.clone();
        seen.push(scene.database(&scene.sessions.source, format!("InnoDB transactions of {name}: lock {who}")).decisive());
    } else if let Some(blocker) = blocker {
        who = format!("behind {}{}", blocker.shown(), blocker.by());
        culprit = blocker.text.clone();
        seen.push(scene.statement(blocker));
    } else if let Some(open) = scene.sessions.idle_in_transaction.first() {
        who = format!("held by {} session(s) idle in transaction (user {}) after {}", open.count, open.user, open.query);
        culprit = open.query.clone();
        seen.push(scene.database(&scene.sessions.source, format!("pg_stat_activity of {name}: locks {who}")).decisive());
    }
    if let Some(waiting) = waiting {
        seen.push(scene.statement(waiting));
    } else if let Some(group) = scene.sessions.waiting.first() {
        seen.push(scene.database(
            &scene.sessions.source,
            format!("sessions of {name} that wait for a lock: {} of user {}: {}", group.count, group.user, group.query),
        ));
    }
    seen.extend(scene.waits());
    seen.extend(scene.current(EVENTS).last().map(|event| scene.quote(event)));
    seen.extend(counted.map(|counted| scene.cite(counted, "")));
    seen.extend(scene.metric(Metric::Load).filter(|load| load.rose(2.0)).map(|load| scene.cite(load, ": sessions queue up")));
    if deadlock && !scene.sessions.deadlock.is_empty() {
        let flat = scene.sessions.deadlock.split_whitespace().collect::<Vec<_>>().join(" ");
        seen.push(
            scene.database(&scene.sessions.source, format!("InnoDB's latest deadlock of {name}: {flat}")).quoting(&scene.sessions.deadlock),
        );
    }
    let queued = waiting.map(|waiting| waiting.shown()).or_else(|| scene.sessions.waiting.first().map(|group| group.query.clone()));
    let queued = queued.map_or(String::new(), |queued| format!(": sessions wait for a lock at {queued}"));
    let wait = scene
        .load
        .waits
        .iter()
        .find(|(wait, _)| super::load::wait_of(wait) == Wait::Lock)
        .map_or(String::new(), |(wait, _)| format!(" ({wait})"));
    let holder = if who.is_empty() { "; who holds it is not in the evidence".to_owned() } else { format!(", {who}") };
    let what = if deadlock { "Deadlocks" } else { "Lock contention" };
    Fault::new(Mechanism::Locks, Category::LockContention, scene.entity(), format!("{what} (blocking) on {name}{queued}{wait}{holder}"))
        .short(format!("lock waits{wait}{holder}"))
        .by(culprit)
        .saw(seen)
        .sure(!who.is_empty(), 0.75)
        .refuted_by("sessions go on waiting after the holder has ended its transaction")
        .fix("see who blocks: `SELECT pid, pg_blocking_pids(pid), state, query FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0;` (MySQL: `SELECT * FROM sys.innodb_lock_waits;`), then end the holder with `pg_terminate_backend(<pid>)` or `CALL mysql.rds_kill(<id>)`")
        .prevent("`SET lock_timeout = '5s'` before every ALTER, with retries; short transactions that lock rows in one order")
}

/// DDL and maintenance that take a table's strongest lock, or a write that holds and does not wait.
fn is_blocker(statement: &Statement, waiting: Option<&Statement>) -> bool {
    let ddl = ["ALTER", "TRUNCATE", "CREATE", "REINDEX", "DROP", "REFRESH", "VACUUM"].contains(&statement.verb().as_str());
    let shared = |statement: &Statement, other: &Statement| tables(&statement.text).iter().any(|table| tables(&other.text).contains(table));
    let holds =
        statement.of_wait(Wait::Lock) < statement.load * limits::CARRIES && waiting.is_some_and(|waiting| shared(statement, waiting));
    ddl || holds && (statement.is_write() || statement.is_idle())
}
