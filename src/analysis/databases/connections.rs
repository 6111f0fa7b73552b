//! Connections at their limit, and who holds them.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    events::{Kind, connection_limit},
    fault::{Fault, Mechanism, Report},
    limits,
    load::{Wait, tables},
    metric::{Metric, Reading},
    scene::Scene,
};
use crate::{analysis::Seen, model::Category};

const REFUSED: &[Kind] = &[Kind::ConnectionsRefused];
const HIGH: &[Kind] = &[Kind::ConnectionsHigh, Kind::ConnectionsRefused];
const ENDED: &[Kind] = &[Kind::Recovered];

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    let used = scene.metric(Metric::Connections);
    let limit = limit(scene, used);
    let refused = scene.has(REFUSED)
        || ["too many clients", "too many connections", "connection slots are reserved"].iter().any(|words| scene.asked.contains(words));
    let refused = refused && !scene.ended(REFUSED, ENDED);
    let share = used.zip(limit).map(|(used, limit)| used.now / limit);
    let at_limit = share.is_some_and(|share| share >= limits::CONNECTIONS);
    let grew = used.is_none_or(|used| used.rose(1.3) && used.stands_high());
    let asked = scene.asks(Mechanism::Connections.words());
    // Without a known limit, the alert's word for it and half as many again must do.
    let surge = limit.is_none() && asked && used.is_some_and(|used| used.rose(1.5) && used.stands_high());
    if !(at_limit || surge || refused && share.is_none_or(|share| share >= 0.7) && grew) {
        if let Some(used) = used.filter(|_| asked || scene.has(HIGH)) {
            let of = limit.map_or(String::new(), |limit| format!(" of max_connections {limit:.0}"));
            report.ruled_out.push(format!(
                "connections: DatabaseConnections of {} is {:.0}{of} now ({})",
                used.instance,
                used.last,
                used.range()
            ));
        }
        return;
    }
    report.faults.push(fault(scene, used, limit, refused, at_limit || refused));
}

/// max_connections: from an event, from the alert's words, or from the share that the alert states.
fn limit(scene: &Scene<'_>, used: Option<&Reading<'_>>) -> Option<f64> {
    let told =
        scene.events.iter().filter(|event| HIGH.contains(&event.kind)).filter_map(|event| connection_limit(event.text).1).next_back();
    static SHARE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(\d+(?:\.\d+)?)\s*% of (?:the )?(?:configured )?(?:max_connections|connection limit|maximum connections|limit|capacity)",
        )
        .ok()
    });
    static NEAR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"connections?\b[^.%\d]{0,40}(\d+(?:\.\d+)?)\s*%").ok());
    let share = || {
        let found = SHARE.as_ref()?.captures(&scene.asked)?;
        let share: f64 = found.get(1)?.as_str().parse().ok()?;
        used.filter(|_| share > 0.0).map(|used| (used.peak / share * 100.0).round())
    };
    let share = || {
        share().or_else(|| {
            let found = NEAR.as_ref()?.captures(&scene.asked)?;
            let share: f64 = found.get(1)?.as_str().parse().ok()?;
            used.filter(|_| (50.0..=100.0).contains(&share)).map(|used| (used.peak / share * 100.0).round())
        })
    };
    told.or_else(|| connection_limit(&scene.asked).1).or_else(share).filter(|limit| *limit > 0.0)
}

fn fault(scene: &Scene<'_>, used: Option<&Reading<'_>>, limit: Option<f64>, refused: bool, reached: bool) -> Fault {
    let name = &scene.name;
    let of = limit.map_or_else(
        || " (max_connections is not in the evidence)".to_owned(),
        |limit| {
            let share = used.map_or(String::new(), |used| format!(", {:.0} %", 100.0 * used.last / limit));
            format!(" of max_connections {limit:.0}{share}")
        },
    );
    let measured = used.map_or(String::new(), |used| format!(" (DatabaseConnections {}{of})", used.told()));
    let mut seen: Vec<Seen> = used.map(|used| scene.cite(used, &of)).into_iter().collect();
    let holder = holder(scene, &mut seen);
    seen.extend(scene.current(REFUSED).last().map(|event| scene.quote(event)));
    seen.extend(scene.current(&[Kind::ConnectionsHigh]).last().map(|event| scene.quote(event)));
    let consequence = if refused { "; new clients are refused" } else { "; the next clients will be refused" };
    let (why, culprit, idle) = holder;
    let state = if reached { "has reached" } else { "climbs towards" };
    let statement = format!("Connection exhaustion: {name} {state} its connection limit, max_connections{measured}{why}{consequence}");
    let kill = "end what idles in a transaction: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND state_change < now() - interval '5 min';` (MySQL: `CALL mysql.rds_kill(<id>);`)";
    let mut fault = Fault::new(Mechanism::Connections, Category::ConnectionLimit, scene.entity(), statement)
        .short(format!("connections are at their limit{measured}{why}"))
        .by(culprit)
        .saw(seen)
        .sure(limit.is_some() || refused, 0.85)
        .refuted_by("free slots are left while clients are still refused")
        .fix(kill);
    fault.idle = idle;
    fault
        .fix("bound the pools of the clients: pool size times instances must stay below max_connections minus the reserved slots")
        .prevent("RDS Proxy or PgBouncer in transaction mode in front of the database; `idle_in_transaction_session_timeout = '5min'`")
        .prevent("an alarm on DatabaseConnections at 80 % of max_connections")
}

/// Who holds the slots: told, the culprit's statement, and whether it idles.
fn holder(scene: &Scene<'_>, seen: &mut Vec<Seen>) -> (String, String, bool) {
    let sessions = &scene.sessions;
    let open: usize = sessions.idle_in_transaction.iter().map(|group| group.count).sum();
    if let Some(group) = sessions.idle_in_transaction.first().filter(|_| open * 10 >= sessions.total * 3) {
        let text = format!(
            "pg_stat_activity of {}: {open} of {} sessions are idle in transaction, {} of user {} since up to {} after: {}",
            scene.name, sessions.total, group.count, group.user, group.age, group.query
        );
        seen.push(scene.database(&sessions.source, text).decisive());
        let table = tables(&group.query).first().map_or(String::new(), |table| format!(" on {table}"));
        let why = format!(
            "; idle client sessions hold the slots: {open} of {} are idle in transaction (user {}), left open after {}{table}",
            sessions.total, group.user, group.query
        );
        return (why, group.query.clone(), true);
    }
    let idle: usize = sessions.idle.iter().map(|group| group.count).sum();
    if let Some(group) = sessions.idle.first().filter(|_| sessions.total > 0 && idle * 2 >= sessions.total) {
        let text =
            format!("sessions of {}: {idle} of {} are idle (sleeping), {} of user {}", scene.name, sessions.total, group.count, group.user);
        seen.push(scene.database(&sessions.source, text).decisive());
        return (
            format!("; idle client sessions hold the slots: {idle} of {} sleep, {} of user {}", sessions.total, group.count, group.user),
            String::new(),
            true,
        );
    }
    if let Some(statement) = scene.load.idle().filter(|idle| idle.load >= scene.load.total() * 0.1) {
        seen.push(scene.statement(statement));
        seen.extend(scene.waits());
        let wait = statement.waits.first().map_or("Client:ClientRead", |(wait, _)| wait.as_str());
        let open = if statement.text.to_uppercase().contains("BEGIN") || statement.text.to_uppercase().contains("START TRANSACTION") {
            "idle in transaction, opened and not committed"
        } else {
            "opened and not returned"
        };
        let why = format!("; idle client sessions hold the slots ({wait}, {open}): {}{}", statement.shown(), statement.by());
        return (why, statement.text.clone(), true);
    }
    let Some(statement) = scene.load.statements.first() else { return (String::new(), String::new(), false) };
    seen.push(scene.statement(statement));
    let client = scene.load.share(Wait::Client) >= 0.3;
    let why = if client {
        format!(
            "; most sessions are idle client sessions (Client:ClientRead); the heaviest statement is {}{}",
            statement.shown(),
            statement.by()
        )
    } else {
        format!("; sessions pile up behind {}{} (waits {})", statement.shown(), statement.by(), statement.waits_told())
    };
    (why, if client { String::new() } else { statement.text.clone() }, client)
}
