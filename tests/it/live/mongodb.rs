//! A sick deployment, asked live: what is found, and what its server may refuse.

use std::time::{Duration, Instant};

use mongodb::bson::doc;
use serde_json::json;
use sre_agent::{
    app, config,
    model::{InvestigationId, Request},
    tools::ToolErrorKind,
};

use super::{call, tools};
use crate::fakes::mongod::{FakeMongod, Member, Options, sick_replica_set};

const USER: &str = "sre-agent";
const PASSWORD: &str = "mongo-password-that-nobody-may-see";

async fn sick() -> FakeMongod {
    let mongod = FakeMongod::start(Options::default().user(USER, PASSWORD).member(Member::Primary)).await;
    load(&mongod);
    mongod
}

fn load(mongod: &FakeMongod) {
    sick_replica_set().load(mongod);
    let customers = doc! {"ns": "shop.customers", "count": 400_000, "size": 800_000_000_i64, "storageSize": 200_000_000_i64, "nindexes": 2, "indexSizes": {"_id_": 8_000_000, "email_1": 9_000_000}};
    mongod.answer_for("shop", "collStats", "customers", customers);
}

fn settings(mongod: &FakeMongod, password: &str) -> String {
    format!("  mongodb: {{main: {{uri: '{}'}}}}", mongod.uri(USER, password))
}

#[tokio::test]
async fn the_cause_is_found_by_reading_alone() {
    let mongod = sick().await;
    let registry = tools(&settings(&mongod, PASSWORD)).await;
    let engine = app::engine_of(registry.clone(), config::load_rules(None).unwrap());
    let found = engine
        .investigate(InvestigationId(ulid::Ulid::nil()), &Request::question("why is the database of shop slow?"), &|_| {})
        .await
        .unwrap();
    let said: String = found.hypotheses.iter().map(|cause| cause.statement.as_str()).collect::<Vec<_>>().join("\n");
    assert!(said.contains("shop.orders") && (said.contains("COLLSCAN") || said.contains("index")), "{said}");
    assert!(!found.gaps.iter().any(|gap| gap.contains("mongodb")), "{:?}", found.gaps);
    let writes: Vec<_> = mongod.writes();
    assert!(writes.is_empty(), "nothing was written: {writes:?}");
    assert_eq!(mongod.without_max_time(), Vec::<String>::new(), "every command is limited on the server");
    for (_, command) in mongod.commands() {
        let limit = command.get_i32("maxTimeMS").map(i64::from).or_else(|_| command.get_i64("maxTimeMS"));
        assert!(limit.is_ok_and(|limit| limit <= 2000) || command.contains_key("getMore"), "{command}");
    }
    assert!(mongod.broken().is_empty() && mongod.open_cursors() == 0, "no cursor is left open");
    assert!(!serde_json::to_string(&found).unwrap().contains(PASSWORD));
}

#[tokio::test]
async fn a_long_cursor_is_read_up_to_its_bound_and_closed() {
    let mongod = sick().await;
    let slow = |at: i32| doc! {"op": "query", "ns": "shop.orders", "millis": 200 + at, "docsExamined": 1000, "keysExamined": 0, "nreturned": 3, "planSummary": "COLLSCAN", "command": {"find": "orders", "filter": {"customerRef": at}}};
    mongod.collection("shop", "system.profile", (0..500).map(slow).collect());
    mongod.answer_stage("admin", "", "$currentOp", (0..500).map(|at| doc! {"opid": at, "op": "query", "ns": "shop.orders", "secs_running": 12_i64, "active": true, "command": {"find": "orders"}}).collect());
    let registry = tools(&settings(&mongod, PASSWORD)).await;
    let profile = call(&registry, "mongodb_command", json!({"command": "profile", "database": "shop"})).await.unwrap();
    let rows = profile.observations.documents.iter().find(|document| document.kind == "profile").unwrap().body.as_array().unwrap();
    assert_eq!((rows.len(), rows[0]["millis"].as_i64()), (30, Some(699)), "the slowest first");
    let running = call(&registry, "mongodb_command", json!({"command": "currentOp"})).await.unwrap();
    let rows = running.observations.documents[0].body.as_array().unwrap();
    assert_eq!(rows.len(), 200, "no more than the bound");
}

#[tokio::test]
async fn refusals_silence_and_broken_connections_are_gaps_beside_what_is_known() {
    let mongod = sick().await;
    mongod.refuse("getLog", 13, "Unauthorized", "not authorized on admin to execute command");
    mongod.drop_connection("collStats");
    let registry = tools(&settings(&mongod, PASSWORD)).await;
    let output = call(&registry, "mongodb_diagnose", json!({"words": ["shop"]})).await.unwrap();
    let gaps = output.observations.gaps.join("\n");
    assert!(gaps.contains("not allowed (getLog): the account needs clusterMonitor on admin"), "{gaps}");
    assert!(gaps.contains("the connection broke (collStats of shop.orders)"), "{gaps}");
    assert!(output.observations.documents.iter().any(|document| document.kind == "serverStatus"), "the rest is told");

    mongod.hang("serverStatus");
    mongod.slow("replSetGetStatus", Duration::from_secs(60));
    let began = Instant::now();
    let registry = tools(&settings(&mongod, PASSWORD)).await;
    let output = call(&registry, "mongodb_diagnose", json!({"words": ["shop"]})).await.unwrap();
    let gaps = output.observations.gaps.join("\n");
    assert!(gaps.contains("no answer to serverStatus in 3.5 s") && gaps.contains("replSetGetStatus took longer than 2000 ms"), "{gaps}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    mongod.heal("serverStatus");
    call(&registry, "mongodb_command", json!({"command": "serverStatus"})).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_a_server_that_is_not_there_and_a_standalone() {
    let mongod = sick().await;
    let answer = call(&tools(&settings(&mongod, "wrong-password-of-mine")).await, "mongodb_diagnose", json!({})).await;
    let said = match answer {
        Err(error) => error.to_string(),
        Ok(output) => output.observations.gaps.join("\n"),
    };
    assert!(said.contains("`sources.mongodb.main.uri`") && !said.contains("wrong-password-of-mine"), "{said}");

    let registry = tools("  mongodb: {main: {uri: 'mongodb://127.0.0.1:9/?directConnection=true'}}").await;
    let error = call(&registry, "mongodb_command", json!({"command": "hello"})).await.unwrap_err();
    assert!(
        error.kind == ToolErrorKind::Unavailable && error.message.contains("no server answered in 3 s: check `sources.mongodb.main.uri`"),
        "{error}"
    );

    let mongod = sick().await;
    mongod.refuse("replSetGetStatus", 76, "NoReplicationEnabled", "not running with --replSet");
    let output = call(&tools(&settings(&mongod, PASSWORD)).await, "mongodb_diagnose", json!({})).await.unwrap();
    assert_eq!(output.observations.gaps, Vec::<String>::new(), "a server without a replica set is no gap");

    // A secondary answers reads only to those who say that they may be old.
    let secondary = FakeMongod::start(Options::default().user(USER, PASSWORD).member(Member::Secondary)).await;
    load(&secondary);
    let output = call(&tools(&settings(&secondary, PASSWORD)).await, "mongodb_diagnose", json!({"words": ["shop"]})).await.unwrap();
    assert_eq!(output.observations.gaps, Vec::<String>::new(), "reads go to secondaries, too");
}
