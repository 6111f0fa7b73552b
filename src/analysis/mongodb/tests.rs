use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    analysis::Role,
    model::{
        Category, Entity,
        observation::{Document, Level, LogLine, LogStream},
    },
};

fn line(time: &str, id: u64, context: &str, msg: &str, attr: Value) -> LogLine {
    LogLine {
        time: time.parse().ok(),
        level: Level::Info,
        text: format!("{msg} {attr}"),
        fields: json!({"s": "I", "c": "REPL", "id": id, "ctx": context, "msg": msg, "attr": attr}),
        ..LogLine::default()
    }
}

fn node(name: &str, lines: Vec<LogLine>) -> LogStream {
    LogStream {
        source: format!("{name}.log"),
        entity: Entity::new("Database", "", name),
        dialect: "mongod".to_owned(),
        lines,
        ..LogStream::default()
    }
}

fn top(logs: Vec<LogStream>, question: &str) -> Finding {
    let focus = Focus { text: question.to_owned(), ..Focus::default() };
    let mut found = findings(&Observations { logs, ..Observations::default() }, &focus);
    found.sort_by(|a, b| a.role.cmp(&b.role).then(b.strength.total_cmp(&a.strength)));
    found.remove(0)
}

fn config(priority: u32) -> Value {
    json!({"members": [{"host": "a:1", "priority": priority}, {"host": "b:2", "priority": 1}]})
}

#[test]
fn a_reconfig_that_raised_a_priority_explains_the_takeover() {
    let log = node(
        "a:1",
        vec![
            line("2026-01-02T03:00:00Z", 21392, "x", "New replica set config in use", json!({"config": config(1)})),
            line(
                "2026-01-02T03:04:00Z",
                21352,
                "conn1",
                "replSetReconfig admin command received from client",
                json!({"newConfig": config(7)}),
            ),
            line("2026-01-02T03:04:10Z", 4615660, "r", "Starting an election for a priority takeover", json!({})),
            line(
                "2026-01-02T03:04:11Z",
                21358,
                "r",
                "Replica set state transition",
                json!({"newState": "PRIMARY", "oldState": "SECONDARY"}),
            ),
        ],
    );
    let found = top(vec![log], "Why did a:1 become primary at 2026-01-02T04:04:11+01:00?");
    assert_eq!((found.category, found.role), (Category::Election, Role::Cause));
    assert!(found.statement.contains("raised its priority from 1 to 7"), "{}", found.statement);
}

#[test]
fn a_step_down_command_is_no_member_failure() {
    let old = node(
        "a:1",
        vec![line("2026-01-02T03:04:10Z", 21579, "conn9", "Attempting to step down in response to replSetStepDown command", json!({}))],
    );
    let new = node(
        "b:2",
        vec![
            line(
                "2026-01-02T03:04:09Z",
                23974,
                "r",
                "Heartbeat failed after max retries",
                json!({"target": "c:3", "error": {"errmsg": "Connection refused"}}),
            ),
            line("2026-01-02T03:04:10.1Z", 4615661, "conn1", "Starting an election due to step up request", json!({})),
            line(
                "2026-01-02T03:04:10.2Z",
                21358,
                "r",
                "Replica set state transition",
                json!({"newState": "PRIMARY", "oldState": "SECONDARY"}),
            ),
        ],
    );
    let found = top(vec![old, new], "Why did b:2 become primary at 2026-01-02T03:04:10Z?");
    assert!(found.statement.contains("replSetStepDown") && !found.statement.contains("c:3"), "{}", found.statement);
}

#[test]
fn members_that_got_a_signal_were_stopped_on_purpose() {
    let stop =
        |name: &str| node(name, vec![line("2026-01-02T03:04:10Z", 23377, "SignalHandler", "Received signal", json!({"signal": 15}))]);
    let found = top(vec![stop("a:1"), stop("b:2")], "The set went away at 2026-01-02T03:04:10Z");
    assert_eq!(found.category, Category::PlannedShutdown);
    assert!(found.decisive && found.statement.starts_with("All 2 members"), "{}", found.statement);
}

#[test]
fn a_scan_for_one_document_misses_an_index() {
    let attr = json!({"ns": "shop.orders", "command": {"find": "orders", "filter": {"email": "x"}}, "planSummary": "COLLSCAN", "docsExamined": 90000, "nreturned": 1, "durationMillis": 900});
    let found = top(vec![node("a:1", vec![line("2026-01-02T03:04:10Z", 51803, "conn1", "Slow query", attr)])], "");
    assert_eq!(found.category, Category::MissingIndex);
    assert!(found.remediation[0].contains("createIndex({email: 1})"));
}

#[test]
fn status_documents_are_compared_with_thresholds() {
    let document = |kind: &str, body: Value| Document { source: "x.json".to_owned(), kind: kind.to_owned(), body };
    let documents = vec![
        document(
            "serverStatus",
            json!({"host": "a:1", "connections": {"current": 99, "available": 1}, "wiredTiger": {"cache": {"maximum bytes configured": 100, "bytes currently in the cache": 97}}}),
        ),
        document(
            "replSetGetStatus",
            json!({"set": "rs", "members": [
                {"name": "a:1", "stateStr": "PRIMARY", "health": 1, "optimeDate": "2026-01-02T03:10:00Z"},
                {"name": "b:2", "stateStr": "SECONDARY", "health": 1, "optimeDate": "2026-01-02T03:00:00Z"},
                {"name": "c:3", "stateStr": "(not reachable/healthy)", "health": 0}]}),
        ),
    ];
    let found = findings(&Observations { documents, ..Observations::default() }, &Focus::default());
    let categories: Vec<Category> = found.iter().map(|finding| finding.category).collect();
    assert_eq!(categories, [Category::CachePressure, Category::ConnectionLimit, Category::ReplicationLag, Category::MemberDown]);
}

#[test]
fn a_quiet_server_yields_nothing() {
    let log = node(
        "a:1",
        vec![line("2026-01-02T03:04:10Z", 22943, "listener", "Connection accepted", json!({"remote": "1.2.3.4:5", "connectionCount": 1}))],
    );
    assert!(findings(&Observations { logs: vec![log], ..Observations::default() }, &Focus::default()).is_empty());
}

proptest! {
    #[test]
    fn no_line_is_too_odd(msg in "\\PC{0,80}", id in 20000_u64..24000, attr in "\\PC{0,40}") {
        let lines = vec![line("2026-01-02T03:04:10Z", id, "c", &msg, json!({"error": attr, "newState": attr})), line("", 0, "c", &format!("command {msg} 5ms"), Value::Null)];
        findings(&Observations { logs: vec![node("a:1", lines)], ..Observations::default() }, &Focus::default());
    }
}
