//! What a server's counters say of its habits since it started: targeting, latency, cursors, connections that come and go,
//! transactions that stay open, the oplog's length, indexes that nobody uses. Seldom a cause by itself, often the way to it.

use serde_json::Value;

use super::{
    super::{Finding, Role, Seen},
    entry::clip,
    number,
};
use crate::model::{Category, Entity, EvidenceKind, observation::Document};

/// Documents looked at for each one returned. Source: Atlas alerts at 1000:1.
const TARGETING: f64 = 1_000.0;
/// Mean milliseconds of an operation. Source: mongo-ftdc's assessment, 100 ms.
const LATENCY_MS: f64 = 100.0;
/// Operations that make a mean. Source: own choice.
const ENOUGH: f64 = 1_000.0;
/// Open cursors. Source: the MongoDB mixin warns above 10,000.
const CURSORS: f64 = 10_000.0;
/// Connections made in a second, over the whole uptime. Source: mongo-ftdc, 5/s.
const NEW_CONNECTIONS: f64 = 5.0;
/// Microseconds of an open transaction. Source: `transactionLifetimeLimitSeconds` is 60.
const TRANSACTION_MICROS: f64 = 60e6;
/// Hours of the oplog. Source: a day is the least, two are recommended.
const OPLOG_HOURS: f64 = 24.0;
/// Indexes of one collection, and days that an index is not used. Source: x-ray's and Atlas' advice.
const INDEXES: f64 = 10.0;
const UNUSED_DAYS: i64 = 7;

pub fn check(documents: &[Document], now: Option<jiff::Timestamp>) -> Vec<Finding> {
    let mut found = Vec::new();
    for document in documents {
        match document.kind.as_str() {
            "serverStatus" => server(document, &mut found),
            "currentOp" => transactions(document, &mut found),
            "getReplicationInfo" => oplog(document, documents, &mut found),
            "collStats" => indexes(document, &mut found),
            "indexStats" => unused(document, now, &mut found),
            _ => {}
        }
    }
    found
}

fn at(body: &Value, path: &[&str]) -> Option<f64> {
    path.iter().try_fold(body, |value, key| value.get(*key)).and_then(number)
}

fn word<'a>(body: &'a Value, key: &str) -> &'a str {
    body.get(key).and_then(Value::as_str).unwrap_or("")
}

fn fact(document: &Document, about: &str, category: Category, role: Role, strength: f64, statement: String, excerpt: &str) -> Finding {
    let entity = Entity::new("Database", "", about);
    let seen = Seen::new(EvidenceKind::Database, &document.source, entity.clone(), clip(&statement, 300)).quoting(clip(excerpt, 1_000));
    let mut finding = Finding::new(category, role, entity, statement).strength(strength).saw(Seen { query: document.kind.clone(), ..seen });
    finding.falsifier = format!("two results of {} a minute apart show no growth of these counters", document.kind);
    finding
}

fn server(document: &Document, found: &mut Vec<Finding>) {
    let body = &document.body;
    let host = word(body, "host");
    let (examined, returned) = (
        at(body, &["metrics", "queryExecutor", "scannedObjects"]).unwrap_or(0.0),
        at(body, &["metrics", "document", "returned"]).unwrap_or(0.0),
    );
    if examined >= ENOUGH * TARGETING && examined / returned.max(1.0) >= TARGETING {
        let statement = format!(
            "MongoDB {host} looks at {:.0} documents for each one that it returns (alert at 1000): queries without a fitting index",
            examined / returned.max(1.0)
        );
        found.push(
            fact(
                document,
                host,
                Category::MissingIndex,
                Role::Cause,
                0.5,
                statement,
                &format!("scannedObjects {examined}, returned {returned}"),
            )
            .fix("set the profiler's slowms or read the slow query log: sort by docsExamined, and index what stands first")
            .prevent("alert on scannedObjects / returned above 1000"),
        );
    }
    for (kind, name) in [("reads", "reads"), ("writes", "writes"), ("commands", "commands")] {
        let (latency, count) =
            (at(body, &["opLatencies", kind, "latency"]).unwrap_or(0.0), at(body, &["opLatencies", kind, "ops"]).unwrap_or(0.0));
        let mean = latency / count.max(1.0) / 1_000.0;
        if count >= ENOUGH && mean >= LATENCY_MS && kind != "commands" {
            let statement = format!("{name} on MongoDB {host} take {mean:.0} ms in the mean since it started (threshold 100 ms)");
            found.push(
                fact(
                    document,
                    host,
                    Category::Latency,
                    Role::Symptom,
                    0.5,
                    statement,
                    &format!("opLatencies.{kind}: latency {latency} µs, ops {count}"),
                )
                .fix("look at the disk's latency, the cache and the slow query log of the same time"),
            );
        }
    }
    let open = at(body, &["metrics", "cursor", "open", "total"]).unwrap_or(0.0);
    if open > CURSORS {
        let statement = format!("{open:.0} cursors are open on MongoDB {host} (threshold 10,000): a client does not close them");
        found.push(
            fact(document, host, Category::CodeError, Role::Cause, 0.5, statement, "metrics.cursor.open.total")
                .fix("find the client: db.adminCommand({aggregate: 1, pipeline: [{$currentOp: {idleCursors: true}}], cursor: {}}) grouped by client")
                .prevent("close cursors, or let them end at the batch (limit, noCursorTimeout off)"),
        );
    }
    let (created, uptime) = (at(body, &["connections", "totalCreated"]).unwrap_or(0.0), at(body, &["uptime"]).unwrap_or(0.0));
    if uptime >= 600.0 && created / uptime > NEW_CONNECTIONS {
        let statement = format!(
            "Clients open {:.0} connections a second to MongoDB {host} since it started ({created:.0} in {:.1} h; threshold 5): they do not keep them",
            created / uptime,
            uptime / 3_600.0
        );
        found.push(
            fact(document, host, Category::ConnectionLimit, Role::Context, 0.4, statement, "connections.totalCreated / uptime")
                .fix("use one MongoClient for each process, with a pool; look which client connects most in the log (id 22943)"),
        );
    }
}

/// Transactions that hold their locks and their snapshot for long.
fn transactions(document: &Document, found: &mut Vec<Finding>) {
    let operations = document.body.get("inprog").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let open = |op: &Value| at(op, &["transaction", "timeOpenMicros"]).unwrap_or(0.0);
    let Some(worst) = operations.iter().filter(|op| open(op) >= TRANSACTION_MICROS).max_by(|a, b| open(a).total_cmp(&open(b))) else {
        return;
    };
    let client =
        [word(worst, "appName"), word(worst, "client"), "a client"].into_iter().find(|name| !name.is_empty()).unwrap_or("a client");
    let idle = if worst.get("active").and_then(Value::as_bool) == Some(false) { ", idle" } else { "" };
    let ns = word(worst, "ns");
    let statement =
        format!("A transaction of {client} is open for {:.0} s{idle} and keeps its locks and its snapshot (limit 60 s)", open(worst) / 1e6);
    found.push(
        fact(document, ns, Category::LockContention, Role::Cause, 0.7, statement, &worst.to_string())
            .fix(format!(
                "end its session: db.adminCommand({{killSessions: [{{id: {}}}]}})",
                worst.pointer("/lsid/id").cloned().unwrap_or(Value::Null)
            ))
            .prevent("set transactionLifetimeLimitSeconds, and make no outside call inside of a transaction"),
    );
}

/// How far back a secondary may be before it is lost.
fn oplog(document: &Document, all: &[Document], found: &mut Vec<Finding>) {
    let hours = at(&document.body, &["timeDiffHours"]).or_else(|| at(&document.body, &["timeDiff"]).map(|seconds| seconds / 3_600.0));
    let Some(hours) = hours.filter(|hours| *hours < OPLOG_HOURS) else { return };
    let lag = all.iter().filter(|other| other.kind == "replSetGetStatus").filter_map(|other| worst_lag(&other.body)).fold(0.0, f64::max);
    let lost = lag / 3_600.0 >= hours;
    let (category, role, strength) =
        if lost { (Category::ReplicationStale, Role::Cause, 0.85) } else { (Category::ReplicationLag, Role::Context, 0.3) };
    let tail = if lost {
        format!(", and a secondary is {:.1} h behind: it cannot catch up", lag / 3_600.0)
    } else {
        " (a day is the least)".to_owned()
    };
    let statement = format!("The oplog holds {hours:.1} h{tail}");
    found.push(
        fact(document, "oplog", category, role, strength, statement, &document.body.to_string())
            .fix("db.adminCommand({replSetResizeOplog: 1, size: MEGABYTES, minRetentionHours: 48}) on every member")
            .prevent("alert when the oplog's window comes near the largest lag"),
    );
}

fn worst_lag(status: &Value) -> Option<f64> {
    let members = status.get("members")?.as_array()?;
    let optimes: Vec<f64> = members.iter().filter_map(|member| super::status::instant(member.get("optimeDate")?)).collect();
    let newest = optimes.iter().copied().reduce(f64::max)?;
    optimes.iter().map(|optime| newest - optime).reduce(f64::max)
}

fn indexes(document: &Document, found: &mut Vec<Finding>) {
    let ns = word(&document.body, "ns");
    let count = at(&document.body, &["nindexes"]).unwrap_or(0.0);
    if count > INDEXES {
        let statement = format!("Collection {ns} has {count:.0} indexes (advice: at most 10): each write updates all of them");
        found.push(
            fact(document, ns, Category::SlowQuery, Role::Context, 0.3, statement, &format!("nindexes {count}"))
                .fix(format!("db.{}.aggregate([{{$indexStats: {{}}}}])   # drop those that nobody uses (hide them first)", collection(ns))),
        );
    }
}

/// `$indexStats`: since when each index was not used.
fn unused(document: &Document, now: Option<jiff::Timestamp>, found: &mut Vec<Finding>) {
    let Some(now) = now else { return };
    let stats = document.body.as_array().map(Vec::as_slice).unwrap_or_default();
    let idle = |stat: &&Value| {
        let since = stat.pointer("/accesses/since").and_then(super::status::instant);
        let days = since.map_or(0, |since| (now.as_duration().as_secs_f64() - since) as i64 / 86_400);
        at(stat, &["accesses", "ops"]) == Some(0.0) && days >= UNUSED_DAYS && word(stat, "name") != "_id_"
    };
    let names: Vec<&str> = stats.iter().filter(idle).map(|stat| word(stat, "name")).collect();
    if names.is_empty() {
        return;
    }
    let statement = format!(
        "{} index(es) were not used for {UNUSED_DAYS} days or more: {}",
        names.len(),
        names.iter().take(5).copied().collect::<Vec<_>>().join(", ")
    );
    found.push(
        fact(document, "indexes", Category::SlowQuery, Role::Context, 0.2, statement, &document.body.to_string())
            .fix("hide each with collMod, wait a week on every member, then drop it"),
    );
}

fn collection(ns: &str) -> &str {
    ns.split_once('.').map_or(ns, |(_, name)| name)
}
