//! Command results against thresholds: serverStatus, replSetGetStatus, currentOp, collStats, profiler entries.

use serde_json::Value;

use super::{
    super::{Finding, Role, Seen},
    entry::clip,
    number,
};
use crate::model::{Category, Entity, EvidenceKind, observation::Document};

/// Share of the cache in use at which WiredTiger's application threads evict (`eviction_trigger`), and where eviction starts (`eviction_target`).
const CACHE_TRIGGER: f64 = 0.95;
/// The same for dirty data: `eviction_dirty_trigger` 20 %.
const DIRTY_TRIGGER: f64 = 0.20;
/// Share of tickets in use (mongo-ftdc assessment).
const TICKETS: f64 = 0.90;
/// Queued operations at which Atlas alerts.
const QUEUED: f64 = 100.0;
/// Share of connections in use (MongoDB mixin, PMM).
const CONNECTIONS: f64 = 0.80;
/// Replication lag in seconds: mongo-ftdc p95 of 30 s; the mixins warn at 10.
const LAG: f64 = 30.0;
/// A currentOp that runs this long is worth a look.
const RUNNING: f64 = 60.0;
/// Share of reusable space in a collection's file (x-ray).
const FRAGMENTED: f64 = 0.5;

pub fn check(documents: &[Document]) -> Vec<Finding> {
    let mut found = Vec::new();
    for document in documents {
        match document.kind.as_str() {
            "serverStatus" => found.extend(server_status(document)),
            "replSetGetStatus" => found.extend(replica_set(document)),
            "currentOp" => found.extend(current_op(document)),
            "collStats" => found.extend(collection(document)),
            "profile" | "system.profile" => found.extend(profile(document)),
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

struct Fact<'a> {
    document: &'a Document,
    category: Category,
    entity: String,
    statement: String,
    excerpt: String,
    strength: f64,
    decisive: bool,
    fix: String,
    prevention: &'static str,
}

impl Fact<'_> {
    fn finding(self) -> Finding {
        let entity = Entity::new("Database", "", &self.entity);
        Finding {
            acts_on: Vec::new(),
            against: Vec::new(),
            category: self.category,
            role: Role::Cause,
            entity: entity.clone(),
            statement: self.statement.clone(),
            seen: vec![Seen {
                kind: EvidenceKind::Database,
                source: self.document.source.clone(),
                query: self.document.kind.clone(),
                entity,
                time: None,
                until: None,
                summary: clip(&self.statement, 300),
                excerpt: clip(&self.excerpt, 1000),
                decisive: self.decisive,
            }],
            decisive: self.decisive,
            strength: self.strength,
            since: None,
            falsifier: format!("a second {} a minute later shows the value back below its threshold", self.document.kind),
            remediation: vec![self.fix],
            prevention: vec![self.prevention.to_owned()],
        }
    }
}

fn server_status(document: &Document) -> Vec<Finding> {
    let body = &document.body;
    let host = word(body, "host").to_owned();
    let fact = |category, statement: String, excerpt: String, strength, fix: &str, prevention| {
        Fact { document, category, entity: host.clone(), statement, excerpt, strength, decisive: false, fix: fix.to_owned(), prevention }
            .finding()
    };
    let mut found = Vec::new();
    let cache = |key: &str| at(body, &["wiredTiger", "cache", key]);
    if let Some(max) = cache("maximum bytes configured").filter(|max| *max > 0.0) {
        let used = cache("bytes currently in the cache").unwrap_or(0.0) / max;
        let dirty = cache("tracked dirty bytes in the cache").unwrap_or(0.0) / max;
        if used >= CACHE_TRIGGER || dirty >= DIRTY_TRIGGER {
            found.push(fact(
                Category::CachePressure,
                format!("The WiredTiger cache of MongoDB {host} is under pressure: {:.0} % used (eviction trigger 95 %), {:.0} % dirty (trigger 20 %)", used * 100.0, dirty * 100.0),
                format!("bytes currently in the cache / maximum bytes configured = {used:.3}; tracked dirty bytes = {dirty:.3}"),
                0.8,
                "Find the operations that read or write most (`db.currentOp()`, slow query log); add the missing indexes, then consider a larger cacheSizeGB",
                "Alert at 80 % used and 5 % dirty, where background eviction starts",
            ));
        }
    }
    let queue = |key: &str| at(body, &["globalLock", "currentQueue", key]).unwrap_or(0.0);
    let queued = queue("total").max(queue("readers") + queue("writers"));
    if queued > QUEUED {
        found.push(fact(
            Category::LockContention,
            format!(
                "{queued:.0} operations queue for locks on MongoDB {host} ({:.0} readers, {:.0} writers; alert above 100)",
                queue("readers"),
                queue("writers")
            ),
            "globalLock.currentQueue".to_owned(),
            0.75,
            "Look at `db.currentOp({active: true})` by microsecs_running: the oldest holder is the one to judge",
            "Alert on queued operations above the number of cores",
        ));
    }
    for (side, name) in [("read", "read"), ("write", "write")] {
        let in_use = |root: &[&str]| {
            let holder = root.iter().try_fold(body, |value, key| value.get(*key))?.get(side)?;
            let out = at(holder, &["out"]).or_else(|| at(holder, &["normalPriority", "out"]))?;
            let total = at(holder, &["totalTickets"]).or_else(|| Some(out + at(holder, &["available"])?))?;
            (total > 0.0).then_some((out, total))
        };
        if let Some((out, total)) = in_use(&["queues", "execution"])
            .or_else(|| in_use(&["wiredTiger", "concurrentTransactions"]))
            .filter(|(out, total)| out / total >= TICKETS)
        {
            found.push(fact(
                Category::LockContention,
                format!("MongoDB {host} runs out of {name} tickets: {out:.0} of {total:.0} in use (threshold 90 %)"),
                format!("{side}: out {out}, total {total}"),
                0.78,
                "More tickets do not help: find what makes operations slow (disk, cache, missing index)",
                "Alert at 50 % of tickets in use",
            ));
        }
    }
    if let Some(current) = at(body, &["connections", "current"]) {
        let available = at(body, &["connections", "available"]).unwrap_or(0.0);
        let share = current / (current + available).max(1.0);
        if share >= CONNECTIONS {
            found.push(fact(
                Category::ConnectionLimit,
                format!("MongoDB {host} has {current:.0} connections open and {available:.0} left: {:.0} % of its connection limit (threshold 80 %)", share * 100.0),
                "connections.current, connections.available".to_owned(),
                if available < 5.0 { 0.92 } else { 0.78 },
                "Group `db.currentOp(true).inprog` by client; lower maxPoolSize of the loudest or raise net.maxIncomingConnections with the open files limit",
                "Alert at 75 % of connections",
            ));
        }
    }
    if body.pointer("/flowControl/isLagged").and_then(Value::as_bool) == Some(true) {
        found.push(fact(
            Category::ReplicationLag,
            format!("Flow control slows writes on MongoDB {host}: its majority commit point lags"),
            "flowControl.isLagged: true".to_owned(),
            0.75,
            "Find the lagging secondary with rs.printSecondaryReplicationInfo() and help it (disk, cache, network)",
            "Alert on replication lag above 10 s",
        ));
    }
    found
}

fn replica_set(document: &Document) -> Vec<Finding> {
    let body = &document.body;
    let members = body.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let set = word(body, "set");
    let mut found = Vec::new();
    let optime = |member: &Value| instant(member.get("optimeDate")?);
    let primary = members.iter().find(|member| word(member, "stateStr") == "PRIMARY");
    let newest = primary.and_then(optime).or_else(|| members.iter().filter_map(optime).reduce(f64::max));
    for member in members {
        let (name, state) = (word(member, "name"), word(member, "stateStr"));
        let heartbeat = word(member, "lastHeartbeatMessage");
        let health = at(member, &["health"]).unwrap_or(1.0);
        let fact = |category, statement, strength, decisive, fix: String, prevention| {
            Fact {
                document,
                category,
                entity: name.to_owned(),
                statement,
                excerpt: member.to_string(),
                strength,
                decisive,
                fix,
                prevention,
            }
            .finding()
        };
        if health < 1.0 || state.contains("not reachable") || matches!(state, "DOWN" | "UNKNOWN") {
            let said = if heartbeat.is_empty() { String::new() } else { format!(": {heartbeat}") };
            found.push(fact(
                Category::MemberDown,
                format!("Member {name} of replica set {set} is down or not reachable (state {state}{said})"),
                0.9,
                true,
                format!("Check mongod on {name} and the network to it"),
                "Alert on members with health 0",
            ));
        } else if matches!(state, "RECOVERING" | "ROLLBACK" | "REMOVED" | "STARTUP2") {
            let info = [word(member, "infoMessage"), heartbeat].into_iter().find(|text| !text.is_empty()).unwrap_or("").to_owned();
            let stale = info.contains("stale") || at(body, &["maintenanceMode"]).is_none() && info.contains("sync from");
            found.push(fact(
                if stale { Category::ReplicationStale } else { Category::MemberDown },
                format!(
                    "Member {name} of replica set {set} is in state {state} and serves no reads{}",
                    if info.is_empty() { String::new() } else { format!(": {info}") }
                ),
                0.75,
                false,
                format!("Read the log of {name}: it says what it recovers from; resync it when it is too stale"),
                "Keep an oplog of 48 h",
            ));
        } else if state == "SECONDARY"
            && let (Some(newest), Some(mine)) = (newest, optime(member))
            && newest - mine > LAG
        {
            let lag = newest - mine;
            found.push(fact(
                Category::ReplicationLag,
                format!("Secondary {name} of replica set {set} lags {lag:.0} s behind the primary (threshold 30 s)"),
                if lag > 600.0 { 0.85 } else { 0.72 },
                false,
                format!("Look at disk, cache and network of {name}, and at long operations on it; compare the lag with the oplog window"),
                "Alert at 10 s of lag, and when lag comes near the oplog window",
            ));
        }
    }
    if !members.is_empty() && primary.is_none() {
        found.push(
            Fact {
                document,
                category: Category::Election,
                entity: set.to_owned(),
                statement: format!("Replica set {set} has no primary: no writes are possible"),
                excerpt: members
                    .iter()
                    .map(|member| format!("{} {}", word(member, "name"), word(member, "stateStr")))
                    .collect::<Vec<_>>()
                    .join("; "),
                strength: 0.7,
                decisive: false,
                fix: "Bring back enough voting members for a majority; look at the members that are down".to_owned(),
                prevention: "Spread three voting members over three failure domains",
            }
            .finding(),
        );
    }
    found
}

/// Seconds since 1970 of a date in extended JSON or ISO text.
pub fn instant(value: &Value) -> Option<f64> {
    let value = value.get("$date").unwrap_or(value);
    match value {
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(|time| time.as_duration().as_secs_f64()),
        other => number(other).map(|n| if n > 1e11 { n / 1000.0 } else { n }),
    }
}

fn current_op(document: &Document) -> Vec<Finding> {
    let operations = document.body.get("inprog").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let running =
        |op: &Value| at(op, &["secs_running"]).or_else(|| at(op, &["microsecs_running"]).map(|micros| micros / 1e6)).unwrap_or(0.0);
    let system = |op: &Value| {
        word(op, "ns").starts_with("local.") || word(op, "ns").is_empty() || word(op, "desc").contains("repl") || word(op, "op") == "none"
    };
    let mut slow: Vec<&Value> = operations.iter().filter(|op| running(op) >= RUNNING && !system(op)).collect();
    slow.sort_by(|a, b| running(b).total_cmp(&running(a)));
    let waiting = operations.iter().filter(|op| op.get("waitingForLock").and_then(Value::as_bool) == Some(true)).count();
    slow.iter()
        .take(3)
        .map(|op| {
            let (ns, plan, seconds) = (word(op, "ns"), word(op, "planSummary"), running(op));
            let index_build = word(op, "msg").contains("Index Build") || op.pointer("/command/createIndexes").is_some();
            let (category, what) = if plan.contains("COLLSCAN") {
                (Category::MissingIndex, "without an index (COLLSCAN)")
            } else if index_build {
                (Category::LockContention, "an index build")
            } else if waiting > 0 {
                (Category::LockContention, "while others wait for locks")
            } else {
                (Category::SlowQuery, "")
            };
            Fact {
                document,
                category,
                entity: ns.to_owned(),
                statement: format!(
                    "An operation ({}) on {ns} has been running for {seconds:.0} s {what}; {waiting} operations wait for a lock",
                    word(op, "op")
                )
                .replace(" ;", ";"),
                excerpt: op.to_string(),
                strength: if category == Category::MissingIndex { 0.8 } else { 0.65 },
                decisive: false,
                fix: format!(
                    "Judge it and end it with `db.killOp({})`; then give its filter an index",
                    op.get("opid").cloned().unwrap_or(Value::Null)
                ),
                prevention: "Set maxTimeMS on client operations",
            }
            .finding()
        })
        .collect()
}

fn collection(document: &Document) -> Vec<Finding> {
    let body = &document.body;
    let ns = word(body, "ns");
    let free = at(body, &["wiredTiger", "block-manager", "file bytes available for reuse"]).unwrap_or(0.0);
    let file = at(body, &["storageSize"]).unwrap_or(0.0);
    // below 1 GiB nobody cares
    if file < 1_073_741_824.0 || free / file < FRAGMENTED {
        return Vec::new();
    }
    let fact = Fact {
        document,
        category: Category::DiskFull,
        entity: ns.to_owned(),
        statement: format!(
            "Collection {ns} wastes disk: {:.0} % of its {:.1} GiB file is free for reuse (threshold 50 %)",
            free / file * 100.0,
            file / 1_073_741_824.0
        ),
        excerpt: format!("storageSize {file}, file bytes available for reuse {free}"),
        strength: 0.4,
        decisive: false,
        fix: format!(
            "`db.runCommand({{compact: \"{}\"}})` on a secondary, or an initial sync of it",
            ns.split_once('.').map_or(ns, |(_, name)| name)
        ),
        prevention: "Use a TTL index or time-series buckets instead of mass deletes",
    };
    let mut finding = fact.finding();
    finding.role = Role::Context;
    vec![finding]
}

fn profile(document: &Document) -> Vec<Finding> {
    let entries = match &document.body {
        Value::Array(entries) => entries.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut worst: Option<(&Value, f64)> = None;
    for entry in entries {
        let examined = at(entry, &["docsExamined"]).unwrap_or(0.0);
        let ratio = examined / at(entry, &["nreturned"]).unwrap_or(0.0).max(1.0);
        let scan = word(entry, "planSummary").contains("COLLSCAN") && examined >= 1000.0;
        if (scan || (ratio >= 100.0 && examined >= 8000.0)) && worst.is_none_or(|(_, most)| examined > most) {
            worst = Some((entry, examined));
        }
    }
    let Some((entry, examined)) = worst else { return Vec::new() };
    let (ns, plan) = (word(entry, "ns"), word(entry, "planSummary"));
    vec![
        Fact {
            document,
            category: Category::MissingIndex,
            entity: ns.to_owned(),
            statement: format!(
                "Operations on {ns} have no suitable index: plan {plan} examines {examined:.0} documents to return {:.0} in {:.0} ms",
                at(entry, &["nreturned"]).unwrap_or(0.0),
                at(entry, &["millis"]).unwrap_or(0.0)
            ),
            excerpt: entry.to_string(),
            strength: 0.82,
            decisive: false,
            fix: format!("Create an index on the fields of the filter on {ns}, and check the plan with explain()"),
            prevention: "Review plans of new queries against production-sized data",
        }
        .finding(),
    ]
}
