//! Old transactions: transaction ids that run out, and row versions that cannot be purged.

use super::{
    events::Kind,
    fault::{Fault, Mechanism, Report},
    limits,
    metric::Metric,
    scene::Scene,
};
use crate::{analysis::Seen, model::Category};

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    let ids = scene.metric(Metric::TransactionIds);
    let aged = ids.filter(|ids| ids.last >= limits::TRANSACTION_IDS);
    let warned = scene.current(&[Kind::Wraparound]).next();
    if aged.is_some() || warned.is_some() {
        report.faults.push(wraparound(scene));
    } else if let Some(ids) = ids.filter(|_| scene.asks(Mechanism::TransactionAge.words())) {
        report.ruled_out.push(format!("transaction ids: {} of {} used, below one billion", ids.amount(ids.last), ids.instance));
    }
    let measured = scene.metric(Metric::HistoryList).filter(|list| list.last >= limits::HISTORY);
    let printed = scene.sessions.history.filter(|list| *list >= limits::HISTORY);
    if measured.is_none() && printed.is_none() {
        return;
    }
    let name = &scene.name;
    let long = measured.map(|list| list.last).or(printed).unwrap_or_default();
    let holder = scene.sessions.longest.as_ref().map_or(String::new(), |(seconds, group)| {
        let query = if group.query.is_empty() { "no statement running" } else { &group.query };
        format!("; the oldest transaction is open for {seconds:.0} s (user {}): {query}", group.user)
    });
    let mut seen: Vec<Seen> = measured.map(|list| scene.cite(list, ": undo that purge cannot remove")).into_iter().collect();
    seen.extend(printed.map(|list| {
        scene.database(&scene.sessions.source, format!("InnoDB status of {name}: history list length {list:.0}{holder}")).decisive()
    }));
    seen.extend(scene.load.idle().map(|idle| scene.statement(idle)));
    report.faults.push(
        Fault::new(
            Mechanism::TransactionAge,
            Category::LockContention,
            scene.entity(),
            format!("A long-running transaction keeps InnoDB from purging on {name}: history list length {long:.0}, so every read walks old row versions{holder}"),
        )
        .short(format!("history list length {long:.0}"))
        .by(scene.sessions.longest.as_ref().map_or(String::new(), |(_, group)| group.query.clone()))
        .saw(seen)
        .sure(true, 0.85)
        .refuted_by("the history list shrinks while queries stay slow")
        .fix("find and end it: `SELECT trx_id, trx_started, trx_mysql_thread_id FROM information_schema.innodb_trx ORDER BY trx_started LIMIT 5;` then `CALL mysql.rds_kill(<thread>);`")
        .prevent("an alarm on RollbackSegmentHistoryListLength above 1,000,000; reports on a replica with READ COMMITTED"),
    );
}

fn wraparound(scene: &Scene<'_>) -> Fault {
    let name = &scene.name;
    let ids = scene.metric(Metric::TransactionIds);
    let used = ids.map_or(String::new(), |ids| format!(" (MaximumUsedTransactionIDs {})", ids.told()));
    let open = scene.sessions.idle_in_transaction.first();
    let holder = match (open, scene.sessions.inactive_slots.first(), scene.load.vacuum()) {
        (Some(open), _, _) => {
            format!("; a transaction of user {} open for {} keeps vacuum from freezing: {}", open.user, open.age, open.query)
        }
        (None, Some((slot, _)), _) => format!("; the inactive replication slot `{slot}` keeps vacuum from freezing"),
        (None, None, Some(vacuum)) => format!("; vacuum runs and does not keep up: {}", vacuum.shown()),
        (None, None, None) => "; vacuum does not freeze fast enough".to_owned(),
    };
    let mut seen: Vec<Seen> = ids.map(|ids| scene.cite(ids, ": the server stops accepting writes near 2 billion")).into_iter().collect();
    seen.extend(scene.current(&[Kind::Wraparound]).last().map(|event| scene.quote(event)));
    seen.extend(open.map(|open| {
        scene
            .database(
                &scene.sessions.source,
                format!("pg_stat_activity of {name}: idle in transaction for {} (user {}): {}", open.age, open.user, open.query),
            )
            .decisive()
    }));
    seen.extend(scene.load.vacuum().map(|vacuum| scene.statement(vacuum)));
    Fault::new(
        Mechanism::TransactionAge,
        Category::DatabaseUnavailable,
        scene.entity(),
        format!("{name} approaches transaction ID wraparound{used}{holder}"),
    )
    .short("transaction ids run out")
    .by(open.map_or(String::new(), |open| open.query.clone()))
    .saw(seen)
    .sure(true, 0.9)
    .refuted_by("age(datfrozenxid) of every database is below 200 million")
    .fix("end the oldest transaction and drop unused slots, then `VACUUM (FREEZE, VERBOSE) <table>` on the tables with the highest `age(relfrozenxid)`")
    .prevent("an alarm on MaximumUsedTransactionIDs above 1,000,000,000; `idle_in_transaction_session_timeout`")
}
