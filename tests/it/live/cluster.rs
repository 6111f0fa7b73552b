//! A cluster that is asked: the whole way from an alert to its report, without a bundle; and what its server may answer.

use std::sync::Arc;

use serde_json::{Value, json};
use sre_agent::{
    app::{self, system_clock},
    tools::{
        Backend, ToolErrorKind,
        kubernetes::{Access, Kubernetes},
    },
};

use super::{call, text, tools};
use crate::{
    fakes::kubernetes::FakeCluster,
    world::{World, sentence, shown},
};

pub const TOKEN: &str = "cluster-token-that-nobody-may-see";
const SECRET: &str = "hunter2hunter2";

/// The shop: one deployment whose new revision has too little memory.
pub async fn shop() -> FakeCluster {
    let cluster = FakeCluster::start(TOKEN).await;
    let template = |memory: &str| {
        json!({"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [{"name": "checkout", "image": "shop/checkout:1.4.2",
            "env": [{"name": "DB_PASSWORD", "value": SECRET}], "resources": {"limits": {"memory": memory}, "requests": {"memory": memory}}}]}})
    };
    let set = |name: &str, revision: &str, memory: &str, replicas: u64, at: &str| {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "shop", "creationTimestamp": at, "labels": {"app": "checkout"},
            "annotations": {"deployment.kubernetes.io/revision": revision}, "ownerReferences": [{"kind": "Deployment", "name": "checkout", "apiVersion": "apps/v1", "controller": true}]},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "checkout"}}, "template": template(memory)}, "status": {"replicas": replicas}})
    };
    cluster.put(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}], "images": [{"names": ["x"]}]}}));
    cluster.put(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "checkout"}}, "template": template("128Mi")}, "status": {"replicas": 1, "unavailableReplicas": 1}}));
    cluster.put(set("checkout-6d8f7c9b5a", "17", "512Mi", 0, "2026-01-10T09:00:00Z"));
    cluster.put(set("checkout-7f5b9c4d68", "18", "128Mi", 1, "2026-01-15T13:58:00Z"));
    cluster.put(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "checkout-7f5b9c4d68-4xk9p", "namespace": "shop", "labels": {"app": "checkout"},
            "managedFields": [{"manager": "kubelet"}], "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-7f5b9c4d68", "apiVersion": "apps/v1", "controller": true}]},
        "spec": {"nodeName": "n1", "containers": template("128Mi")["spec"]["containers"]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "checkout", "ready": false, "restartCount": 7, "started": false, "image": "shop/checkout:1.4.2", "imageID": "",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
            "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": "2026-01-15T14:00:00Z", "finishedAt": "2026-01-15T14:03:11Z"}}}]}}));
    cluster.put(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1", "namespace": "shop"}, "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "checkout-7f5b9c4d68-4xk9p"},
        "type": "Warning", "reason": "BackOff", "message": "Back-off restarting failed container checkout", "count": 12, "firstTimestamp": "2026-01-15T14:00:30Z", "lastTimestamp": "2026-01-15T14:04:00Z"}));
    cluster.log("shop", "checkout-7f5b9c4d68-4xk9p", "checkout", true, &format!("2026-01-15T14:03:10.000000000Z INFO loading catalogue password={SECRET}\n2026-01-15T14:03:11.000000000Z INFO cache warmed: 412 MB"));
    cluster
}

pub fn sources(cluster: &FakeCluster) -> String {
    format!("  kubernetes: {{main: {{url: '{}', token: {TOKEN}, watch: false}}}}", cluster.url)
}

async fn world(cluster: &FakeCluster) -> World {
    let mut world = World::unstarted().await;
    world.name_sources(&sources(cluster), true);
    world.start_service().await;
    world
}

#[tokio::test]
async fn an_alert_becomes_a_report_from_the_live_cluster_alone() {
    let cluster = shop().await;
    let world = world(&cluster).await;
    let ts = world.post(sentence("firing")).await;
    let (_, report) = world.report(&ts).await;
    let said = shown(&report);
    assert!(said.contains("OOMKilled") && said.contains("512Mi") && said.contains("128Mi"), "{said}");
    let requests = cluster.requests();
    assert!(requests.len() <= 20, "{} calls: {requests:#?}", requests.len());
    assert!(requests.iter().all(|request| request.starts_with("GET ")), "nothing but reading: {requests:#?}");
    let everything = serde_json::to_string(&world.slack.thread(&world.channel, &ts)).unwrap();
    assert!(!everything.contains(SECRET) && !everything.contains(TOKEN), "no secret reaches the thread");
}

#[tokio::test]
async fn what_is_forbidden_is_a_gap_with_the_missing_verb_and_the_rest_is_told() {
    let cluster = shop().await;
    cluster.forbid("list", "nodes");
    cluster.forbid("get", "pods/log");
    let world = world(&cluster).await;
    let ts = world.post(sentence("firing")).await;
    let (_, report) = world.report(&ts).await;
    let said = shown(&report);
    assert!(said.contains("OOMKilled"), "{said}");
    let registry = tools(&sources(&cluster)).await;
    let query = json!({"namespace": "shop", "words": ["checkout"]});
    let found = call(&registry, "kubernetes_objects", query.clone()).await.unwrap().observations.gaps.join("\n");
    assert!(found.contains("the role lacks the verb \"list\" on \"nodes\""), "{found}");
    let logs = call(&registry, "kubernetes_pod_logs", query).await.unwrap_err();
    assert!(
        logs.message.contains("the role lacks the verb \"get\" on \"pods/log\"") && logs.kind == ToolErrorKind::PermissionDenied,
        "{logs}"
    );
}

#[tokio::test]
async fn secrets_never_leave_the_adapter_and_secrets_content_is_never_even_asked_for() {
    let cluster = shop().await;
    let registry = tools(&sources(&cluster)).await;
    let query = json!({"namespace": "shop", "words": ["checkout"]});
    for tool in registry.specs().filter(|spec| !spec.topic.is_empty()).map(|spec| spec.name.clone()).collect::<Vec<_>>() {
        let output = call(&registry, &tool, query.clone()).await.unwrap();
        let seen = serde_json::to_string(&output).unwrap();
        assert!(!seen.contains(SECRET) && !seen.contains(TOKEN), "{tool}: {seen}");
        assert!(!seen.contains("managedFields"), "{tool}");
    }
    let logs = call(&registry, "kubernetes_pod_logs", query.clone()).await.unwrap();
    assert!(text(&logs.observations).contains("cache warmed") && logs.observations.logs[0].previous, "{:?}", logs.observations.logs);
    let changes = call(&registry, "kubernetes_changes", query).await.unwrap();
    assert!(
        changes.observations.changes[0].diff.contains("+containers.checkout.resources.limits.memory: 128Mi"),
        "{:?}",
        changes.observations.changes
    );
    let refused = call(&registry, "kubernetes_get", json!({"kind": "secrets"})).await.unwrap_err();
    assert!(refused.message.contains("`kind`: secrets is not one of"), "{refused}");
}

#[tokio::test]
async fn long_lists_come_in_pages_and_a_list_that_expires_is_begun_again() {
    let cluster = shop().await;
    for at in 0..2200 {
        cluster.put(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{at:05}"), "namespace": "big"}, "data": {}}),
        );
    }
    let registry = tools(&sources(&cluster)).await;
    let all = call(&registry, "kubernetes_get", json!({"kind": "configmaps", "namespace": "big"})).await.unwrap();
    assert!(all.truncated && all.observations.objects.len() == 200, "a person is given the first ones");
    assert_eq!(all.cost.calls, 3, "2200 in pages of 1000");

    let cluster = shop().await;
    for at in 0..1600 {
        cluster.put(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{at:05}"), "namespace": "big"}, "data": {}}),
        );
    }
    let registry = tools(&sources(&cluster)).await;
    cluster.expire_once_after("configmaps", 1);
    let all = call(&registry, "kubernetes_get", json!({"kind": "cm", "namespace": "big"})).await.unwrap();
    assert!(all.observations.gaps.is_empty() && all.observations.objects.len() == 200, "{:?}", all.observations.gaps);
    assert_eq!(cluster.requests().iter().filter(|request| request.contains("configmaps")).count(), 4, "{:?}", cluster.requests());
}

#[tokio::test]
async fn the_namespace_of_a_service_is_found_and_a_group_that_is_not_served_is_no_gap() {
    let cluster = shop().await;
    cluster.without("metrics.k8s.io");
    cluster.without("argoproj.io");
    let registry = tools(&sources(&cluster)).await;
    let objects = call(&registry, "kubernetes_objects", json!({"words": ["checkout"]})).await.unwrap();
    assert!(objects.observations.objects.iter().any(|object| object.kind == "Pod" && object.namespace == "shop"));
    assert!(
        cluster.requests().iter().any(|request| request.contains("fieldSelector=metadata.name%3Dcheckout")),
        "{:?}",
        cluster.requests()
    );
    let usage = call(&registry, "kubernetes_usage", json!({"words": ["checkout"]})).await.unwrap();
    assert_eq!(usage.observations.gaps, Vec::<String>::new());
}

#[tokio::test]
async fn every_refusal_of_the_server_is_a_sentence() {
    let pods = json!({"kind": "pods", "namespace": "shop"});
    let cluster = shop().await;
    let wrong = format!("  kubernetes: {{main: {{url: '{}', token: expired-expired}}}}", cluster.url);
    let error = call(&tools(&wrong).await, "kubernetes_get", pods.clone()).await.unwrap_err();
    assert!(
        error.kind == ToolErrorKind::Unauthenticated
            && error.message.contains("the token may have expired, check `sources.kubernetes.main`"),
        "{error}"
    );

    let cluster = shop().await;
    cluster.fail_next("pods", 500, 1);
    let found = call(&tools(&sources(&cluster)).await, "kubernetes_get", pods.clone()).await.unwrap();
    assert_eq!(found.observations.objects.len(), 1, "a passing failure is tried again");

    let cluster = shop().await;
    cluster.fail_next("pods", 503, 99);
    let error = call(&tools(&sources(&cluster)).await, "kubernetes_get", pods.clone()).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::Unavailable && error.message.contains("failed itself (503)"), "{error}");

    let nobody = "  kubernetes: {main: {url: 'http://127.0.0.1:9', token: some-token-here}}";
    let error = call(&tools(nobody).await, "kubernetes_get", pods.clone()).await.unwrap_err();
    assert!(error.message.contains("the API server is not reachable"), "{error}");

    let selector: Value = json!({"kind": "pods", "field_selector": "spec.foo=1"});
    let error = call(&tools(&sources(&cluster)).await, "kubernetes_get", selector).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::Unavailable, "the injected failure: {error}");
    let path: Value = json!({"kind": "pods", "namespace": "../../secrets"});
    let error = call(&tools(&sources(&cluster)).await, "kubernetes_get", path).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::BadArguments && error.message.contains("`namespace`"), "{error}");
}

#[tokio::test]
async fn a_warm_mirror_answers_without_a_call_and_follows_what_changes() {
    let cluster = shop().await;
    let access = Access::Token { url: cluster.url.clone(), token: TOKEN.to_owned().into(), ca: None };
    let backend = Arc::new(Kubernetes::new("main", access, false, true, system_clock()));
    app::install_tls();
    let keeping = tokio::spawn({
        let backend = Arc::clone(&backend);
        async move { backend.keep_warm().await }
    });
    until("the mirror is warm", || backend.is_warm()).await;
    let tool = |name: &str| Arc::clone(&backend).tools().into_iter().find(|tool| tool.spec().name == name).unwrap();
    let (objects, events) = (tool("kubernetes_objects"), tool("kubernetes_events"));
    cluster.forget_requests();
    let query = json!({"namespace": "shop", "words": ["checkout"]});
    let found = objects.call(&query).await.unwrap();
    assert!(found.observations.objects.iter().any(|object| object.kind == "Pod"));
    assert!(!events.call(&query).await.unwrap().observations.events.is_empty());
    let asked = cluster.requests();
    assert!(asked.len() == 1 && asked[0].contains("horizontalpodautoscalers"), "what is not mirrored is asked for: {asked:?}");

    // A pod is replaced: the mirror follows, over the end of a watch and over one that is too old.
    cluster.remove("Pod", "shop", "checkout-7f5b9c4d68-4xk9p");
    cluster.put(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "checkout-7f5b9c4d68-zzzzz", "namespace": "shop"}, "spec": {"containers": []}, "status": {"phase": "Pending"}}));
    cluster.expire();
    cluster.put(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "checkout-7f5b9c4d68-yyyyy", "namespace": "shop"}, "spec": {"containers": []}, "status": {"phase": "Pending"}}));
    let names = async || {
        let found = objects.call(&query).await.unwrap();
        found.observations.objects.iter().filter(|object| object.kind == "Pod").map(|object| object.name.clone()).collect::<Vec<_>>()
    };
    let began = std::time::Instant::now();
    loop {
        let names = names().await;
        if names == ["checkout-7f5b9c4d68-yyyyy", "checkout-7f5b9c4d68-zzzzz"] {
            break;
        }
        assert!(began.elapsed().as_secs() < 20, "{names:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    keeping.abort();
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !done() {
        assert!(began.elapsed().as_secs() < 20, "waited in vain until {what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_part_that_hangs_is_a_gap_within_its_time_and_the_cost_is_what_was_sent() {
    let cluster = shop().await;
    let registry = tools(&sources(&cluster)).await;
    let query = json!({"namespace": "shop", "words": ["checkout"]});
    let output = call(&registry, "kubernetes_get", json!({"kind": "pods", "namespace": "shop"})).await.unwrap();
    assert_eq!((output.cost.calls, output.cost.bytes), (1, cluster.bytes_sent()));
    cluster.hang("horizontalpodautoscalers");
    let began = std::time::Instant::now();
    let output = call(&registry, "kubernetes_objects", query).await.unwrap();
    assert!(began.elapsed().as_secs_f32() < 8.0, "{:?}", began.elapsed());
    let gaps = output.observations.gaps.join("\n");
    assert!(gaps.contains("cluster main: no answer in 6 s"), "{gaps}");
    assert!(output.observations.objects.iter().any(|object| object.kind == "Pod"), "the rest is told");
}
