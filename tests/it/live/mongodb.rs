//! A sick deployment, asked live: what is found, and what its server may refuse.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use serde_json::json;
use sre_agent::{
    app, config,
    model::{InvestigationId, Request},
    tools::ToolErrorKind,
};

use super::{call, tools};
use crate::fakes::mongod::{FakeMongod, PASSWORD, Reply};

async fn sick() -> FakeMongod {
    let mongod = FakeMongod::start().await;
    mongod.says(
        "serverStatus",
        Reply::Answer(doc! {"ok": 1.0, "host": "db-0:27017", "version": "7.0.12", "process": "mongod", "uptime": 864_000.0, "connections": {"current": 980, "available": 20, "totalCreated": 50_000_i64},
            "opcounters": {"insert": 1_i64, "query": 1000_i64}, "globalLock": {"currentQueue": {"total": 40, "readers": 40, "writers": 0}},
            "wiredTiger": {"cache": {"bytes currently in the cache": 980_000_000_i64, "maximum bytes configured": 1_000_000_000_i64, "tracked dirty bytes in the cache": 250_000_000_i64}}}),
    );
    mongod.says(
        "replSetGetStatus",
        Reply::Answer(doc! {"ok": 1.0, "set": "rs0", "members": [
            {"_id": 0, "name": "db-0:27017", "health": 1.0, "state": 1, "stateStr": "PRIMARY", "self": true},
            {"_id": 1, "name": "db-1:27017", "health": 0.0, "state": 8, "stateStr": "(not reachable/healthy)", "lastHeartbeatMessage": "Error connecting to db-1:27017 :: caused by :: Connection refused"}]}),
    );
    mongod.says(
        "listDatabases",
        Reply::Answer(
            doc! {"ok": 1.0, "databases": [{"name": "admin", "sizeOnDisk": 1_i64}, {"name": "shop", "sizeOnDisk": 5_000_000_000_i64}]},
        ),
    );
    mongod.says("getLog", Reply::Answer(doc! {"ok": 1.0, "totalLinesWritten": 1, "log": [r#"{"t":{"$date":"2026-01-15T14:00:00.000+00:00"},"s":"I","c":"NETWORK","id":22943,"ctx":"listener","msg":"Connection accepted","attr":{"connectionCount":980}}"#]}));
    mongod.says("collStats", Reply::Answer(doc! {"ok": 1.0, "ns": "shop.orders", "count": 2_000_000, "size": 4_000_000_000_i64, "storageSize": 1_000_000_000_i64, "nindexes": 1, "indexSizes": {"_id_": 20_000_000}}));
    mongod.holds(
        "admin",
        "$currentOp",
        vec![doc! {"opid": 7, "op": "query", "ns": "shop.orders", "secs_running": 412_i64, "microsecs_running": 412_000_000_i64, "active": true, "planSummary": "COLLSCAN", "command": {"find": "orders", "filter": {"customerRef": "x"}}, "client": "10.0.0.5:1"}],
    );
    let slow = doc! {"op": "query", "ns": "shop.orders", "millis": 4200, "docsExamined": 2_000_000, "keysExamined": 0, "nreturned": 3, "planSummary": "COLLSCAN", "command": {"find": "orders", "filter": {"customerRef": "x"}}};
    mongod.holds("shop.system.profile", "find", vec![slow]);
    mongod.holds("shop.orders", "$indexStats", vec![doc! {"name": "_id_", "key": {"_id": 1}, "accesses": {"ops": 5_i64}}]);
    mongod
}

fn settings(mongod: &FakeMongod, password: &str) -> String {
    format!("  mongodb: {{main: {{uri: '{}'}}}}", mongod.uri(password))
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
    assert_eq!(mongod.writes(), Vec::<String>::new(), "nothing was written");
    for (_, command) in mongod.seen() {
        let limit = command.get_i32("maxTimeMS").or_else(|_| command.get_i64("maxTimeMS").map(|limit| limit as i32));
        assert!(limit.is_ok_and(|limit| limit <= 2000), "every command is limited on the server: {command}");
    }
    let preferences: Vec<Document> =
        mongod.seen().into_iter().filter_map(|(_, command)| command.get_document("$readPreference").ok().cloned()).collect();
    assert!(
        preferences.iter().all(|preference| ["secondaryPreferred", "primaryPreferred"].contains(&preference.get_str("mode").unwrap())),
        "{preferences:?}"
    );
    let everything = serde_json::to_string(&found).unwrap();
    assert!(!everything.contains(PASSWORD));
}

#[tokio::test]
async fn refusals_silence_and_broken_connections_are_gaps_beside_what_is_known() {
    let mongod = sick().await;
    mongod.says("getLog", Reply::Refused(13, "Unauthorized", "not authorized on admin to execute command"));
    mongod.says("collStats", Reply::Drops);
    let registry = tools(&settings(&mongod, PASSWORD)).await;
    let output = call(&registry, "mongodb_diagnose", json!({"words": ["shop"]})).await.unwrap();
    let gaps = output.observations.gaps.join("\n");
    assert!(gaps.contains("not allowed (getLog): the account needs clusterMonitor on admin"), "{gaps}");
    assert!(gaps.contains("the connection broke (collStats of shop.orders)"), "{gaps}");
    assert!(output.observations.documents.iter().any(|document| document.kind == "serverStatus"), "the rest is told");

    mongod.says("serverStatus", Reply::Hangs);
    mongod.says("replSetGetStatus", Reply::Slow(Duration::from_secs(60)));
    let began = Instant::now();
    let registry = tools(&settings(&mongod, PASSWORD)).await;
    let output = call(&registry, "mongodb_diagnose", json!({"words": ["shop"]})).await.unwrap();
    let gaps = output.observations.gaps.join("\n");
    assert!(gaps.contains("no answer to serverStatus in 3.5 s") && gaps.contains("replSetGetStatus took longer than 2000 ms"), "{gaps}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    mongod.says("serverStatus", Reply::Answer(doc! {"ok": 1.0, "connections": {"current": 1}, "opcounters": {}}));
    call(&registry, "mongodb_command", json!({"command": "serverStatus"})).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_a_server_that_is_not_there_and_a_standalone() {
    let mongod = sick().await;
    let error = call(&tools(&settings(&mongod, "wrong-password-of-mine")).await, "mongodb_diagnose", json!({})).await;
    let said = match error {
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
    mongod.says("replSetGetStatus", Reply::Refused(76, "NoReplicationEnabled", "not running with --replSet"));
    let output = call(&tools(&settings(&mongod, PASSWORD)).await, "mongodb_diagnose", json!({})).await.unwrap();
    assert_eq!(output.observations.gaps, Vec::<String>::new(), "a server without a replica set is no gap");
}
