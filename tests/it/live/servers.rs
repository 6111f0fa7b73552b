//! The real Prometheus and Alertmanager, and a MongoDB-compatible server.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sre_agent::app::system_clock;

use super::{call, cluster, tools, tools_with};
use crate::{
    fakes::{
        backends::loki::Loki,
        real::{Alertmanager, MongoCompatible, Prometheus, Redis},
    },
    world::{World, is_ours, shown},
};

const HOOK: &str = "hook-token-for-the-test";

/// An hour of one container's memory that grows to its limit in the last quarter, as OpenMetrics.
fn memory(now: Timestamp) -> String {
    let mut text = String::from("# TYPE container_memory_working_set_bytes gauge\n");
    let labels = r#"{namespace="shop",pod="checkout-7f5b9c4d68-4xk9p",container="checkout"}"#;
    let at = |minute: i64| (now - SignedDuration::from_mins(60 - minute)).as_second();
    for minute in 0..60 {
        let used = if minute < 45 { 60e6 } else { 60e6 + (minute - 45) as f64 * 4.9e6 };
        text.push_str(&format!("container_memory_working_set_bytes{labels} {used} {}\n", at(minute)));
    }
    text.push_str("# TYPE container_spec_memory_limit_bytes gauge\n");
    for minute in 0..60 {
        text.push_str(&format!("container_spec_memory_limit_bytes{labels} 134217728 {}\n", at(minute)));
    }
    text.push_str("# TYPE http_requests counter\n");
    for minute in 0..60 {
        text.push_str(&format!("http_requests_total{{namespace=\"shop\",service=\"checkout\"}} {} {}\n", minute * 600, at(minute)));
    }
    text + "# EOF\n"
}

#[tokio::test]
async fn prometheus_is_asked_for_what_is_about_the_subject() {
    let prometheus = Prometheus::start(&memory(system_clock().now()), "", None).await;
    let registry = tools(&format!("  prometheus: {{main: {{url: '{}'}}}}", prometheus.url)).await;
    let query = json!({"namespace": "shop", "words": ["checkout"], "focus": [{"kind": "Pod", "namespace": "shop", "name": "checkout-7f5b9c4d68-4xk9p"}]});
    let output = call(&registry, "prometheus_metrics", query).await.unwrap();
    let metrics = &output.observations.metrics;
    let series = |name: &str| metrics.iter().find(|series| series.metric == name).unwrap_or_else(|| panic!("no {name} in {metrics:?}"));
    assert!(series("container_memory_working_set_bytes").points.len() > 80, "an hour in steps of 30 s");
    let rate = series("rate(http_requests_total)");
    assert!(rate.points.iter().filter(|(_, value)| *value > 0.0).count() > 20, "{rate:?}");
    assert!(output.cost.calls <= 4, "{:?}", output.cost);
    assert!(
        output
            .asked
            .iter()
            .any(|asked| asked.link.as_deref().is_some_and(|link| link.starts_with(&format!("{}/graph?g0.expr=", prometheus.url)))),
        "{:?}",
        output.asked
    );

    let wrong = call(&registry, "prometheus_query", json!({"query": "sum(("})).await.unwrap_err();
    assert!(wrong.message.contains("does not understand the question (400)") && wrong.message.contains("parse error"), "{wrong}");
    let nothing = call(&registry, "prometheus_metrics", json!({"namespace": "nowhere"})).await.unwrap();
    assert!(nothing.observations.metrics.is_empty() && nothing.observations.gaps.is_empty());
}

#[tokio::test]
async fn a_rule_fires_alertmanager_tells_and_the_report_comes_from_the_live_systems() {
    let cluster = cluster::shop().await;
    let mut world = World::unstarted().await;
    // Alertmanager must know our address before our service starts, and our settings must know Prometheus': ours is bound first.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = format!("http://{}", listener.local_addr().unwrap());
    let alertmanager = Alertmanager::start(&format!("{ours}/api/v1/webhooks/alertmanager"), HOOK).await;
    let rule = r#"{alert: KubePodCrashLooping, expr: 'kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"} == 1', labels: {severity: critical}, annotations: {description: 'Pod {{ $labels.namespace }}/{{ $labels.pod }} restarts'}}"#;
    let prometheus = Prometheus::start(&memory(system_clock().now()), rule, Some(&alertmanager.url)).await;
    let sources = format!(
        "{}\n  prometheus: {{main: {{url: '{}'}}}}\n  alertmanager: {{main: {{url: '{}'}}}}",
        cluster::sources(&cluster),
        prometheus.url,
        alertmanager.url
    );
    world.name_sources(&sources, true);
    let settings = std::fs::read_to_string(world.settings_file()).unwrap();
    std::fs::write(world.settings_file(), format!("{settings}webhooks: {{alertmanager: {{token: {HOOK}}}}}\n")).unwrap();
    world.start_service_on(listener).await;

    prometheus.says("kube_pod_container_status_waiting_reason{namespace=\"shop\",pod=\"checkout-7f5b9c4d68-4xk9p\",container=\"checkout\",reason=\"CrashLoopBackOff\"} 1\n");
    let channel = world.channel.clone();
    let card = world
        .until("the incident's own message", |slack| {
            slack.messages(&channel).into_iter().find(|message| is_ours(message) && shown(message).contains("Reported"))
        })
        .await;
    let ts = card["ts"].as_str().unwrap().to_owned();
    let said: String = world.thread(&ts).iter().map(shown).collect();
    assert!(said.contains("OOMKilled") && said.contains("512Mi"), "{said}");
    assert!(!cluster.requests().is_empty());

    // What people ask afterwards, they are told by the same tools.
    let registry = tools(&sources).await;
    let alerts = call(&registry, "alertmanager_alerts", json!({"filter": ["namespace=\"shop\""]})).await.unwrap();
    assert_eq!(alerts.observations.documents[0].body[0]["labels"]["alertname"], "KubePodCrashLooping");
    let alerts = call(&registry, "prometheus_alerts", json!({})).await.unwrap();
    assert_eq!(alerts.observations.documents[0].body[0]["state"], "firing");
}

#[tokio::test]
async fn a_mongodb_compatible_server_is_asked_and_not_changed() {
    let server = MongoCompatible::start().await;
    let client = mongodb::Client::with_uri_str(&server.uri).await.unwrap();
    client.database("shop").collection("orders").insert_one(mongodb::bson::doc! {"_id": 1}).await.unwrap();
    let registry = tools(&format!("  mongodb: {{shop: {{uri: '{}'}}}}", server.uri)).await;
    let status = call(&registry, "mongodb_shop_command", json!({"command": "serverStatus"})).await.unwrap();
    assert!(status.observations.documents.iter().any(|document| document.kind == "serverStatus"), "{:?}", status.observations);
    let output =
        tokio::time::timeout(Duration::from_secs(9), call(&registry, "mongodb_shop_diagnose", json!({"words": ["shop"]}))).await.unwrap();
    let output = output.unwrap();
    assert!(
        !output.observations.documents.is_empty(),
        "what it can answer is told, what it cannot is a gap: {:?}",
        output.observations.gaps
    );
    let plan = call(
        &registry,
        "mongodb_shop_command",
        json!({"command": "explain", "database": "shop", "collection": "orders", "filter": {"a": 1}}),
    )
    .await
    .unwrap();
    assert!(!plan.observations.documents.is_empty());
    let code: Value = json!({"command": "explain", "database": "shop", "collection": "orders", "filter": {"$where": "sleep(9)"}});
    assert!(call(&registry, "mongodb_shop_command", code).await.unwrap_err().message.contains("$where runs code"));
    let unknown = call(&registry, "mongodb_shop_command", json!({"command": "dropDatabase"})).await.unwrap_err();
    assert!(unknown.message.contains("unknown variant `dropDatabase`"), "{unknown}");
    assert_eq!(
        client.database("shop").collection::<mongodb::bson::Document>("orders").count_documents(mongodb::bson::doc! {}).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn what_one_process_asked_another_finds_in_redis_and_without_redis_all_goes_on() {
    let redis = Redis::start().await;
    let server = Loki::start(Some("team-a")).await;
    let sources = format!("  loki: {{main: {{url: '{}', tenant: team-a}}}}", server.url);
    let more = format!("redis: {{url: '{}'}}", redis.url);
    let question = json!({"query": "{app=\"checkout\"}", "from": "2026-01-15T14:00:00Z", "until": "2026-01-15T14:10:00Z"});
    let (one, other) = (tools_with(&more, &sources).await, tools_with(&more, &sources).await);
    let first = call(&one, "loki_query", question.clone()).await.unwrap();
    let second = call(&other, "loki_query", question.clone()).await.unwrap();
    assert_eq!(first.observations, second.observations);
    assert_eq!(server.requests().len(), 1, "the second process asked nobody");
    drop(redis);
    let third = tools_with(&more, &sources).await;
    call(&third, "loki_query", question).await.unwrap();
    assert_eq!(server.requests().len(), 2, "without Redis the backend is asked");
}
