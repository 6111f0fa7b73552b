//! Every operation that a runbook can have: its dry run, its doing by a second person's approval, and that it is seen to have worked.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    access::{TOKEN, token, world},
    fakes::{
        kubernetes::FakeCluster,
        mongod::{FakeMongod, Member, Options, sick_replica_set},
    },
    world::World,
};

/// Has a runbook prepared; the run when its dry run is made.
async fn prepared(world: &World, runbook: &str, parameters: Value) -> Value {
    let asked = token("dev@example.com", &["developer"]);
    let body = json!({"parameters": parameters});
    let (status, answer) = world.calls_api("POST", &format!("/runbooks/{runbook}/runs?wait=20"), Some(&asked), Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    answer["run"].clone()
}

/// Another person approves it; the run when it is over. `meanwhile` is called again and again while it runs.
async fn approved(world: &World, run: &Value, mut meanwhile: impl FnMut()) -> Value {
    assert_eq!(run["state"], "waiting", "{run}");
    let (id, second) = (run["id"].as_str().unwrap(), token("eve@example.com", &["developer"]));
    let hash = json!({"hash": run["hash"]});
    let (status, answer) = world.calls_api("POST", &format!("/runs/{id}/approve?wait=10"), Some(&second), Some(hash)).await;
    assert_eq!(status, 200, "{answer}");
    for _ in 0..150 {
        let (_, run) = world.calls_api("GET", &format!("/runs/{id}"), Some(&second), None).await;
        if !run["ended_at"].is_null() {
            return run;
        }
        meanwhile();
        world.advance(3);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    panic!("it does not end: {:?}", world.calls_api("GET", &format!("/runs/{id}"), Some(&second), None).await);
}

fn diff(run: &Value) -> String {
    run["steps"][0]["diff"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

async fn cluster() -> FakeCluster {
    let cluster = FakeCluster::start("reader").await;
    cluster.rights("writer", "runbooks", &["* *"]);
    cluster.put(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {}}));
    cluster.put(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "checkout"}}, "template": {"metadata": {"labels": {"app": "checkout"}},
            "spec": {"containers": [{"name": "checkout", "image": "shop/checkout:1"}]}}}}));
    cluster.settle();
    cluster
}

#[tokio::test]
async fn kubernetes_restart_delete_and_cordon() {
    let cluster = cluster().await;
    let world = world(&format!("actions: {{kubernetes: {{main: {{url: '{}', token: writer}}}}}}", cluster.url)).await;
    let run = prepared(&world, "restart-workload", json!({"namespace": "shop", "workload": "checkout"})).await;
    assert!(diff(&run).contains("kubectl.kubernetes.io/restartedAt"), "{run}");
    let done = approved(&world, &run, || cluster.settle()).await;
    assert_eq!(done["state"], "done", "{done}");
    let pod = cluster.objects("Pod", "shop")[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let run = prepared(&world, "delete-pod", json!({"namespace": "shop", "pod": pod})).await;
    assert!(diff(&run).contains(&format!("- pod/{pod}")), "{run}");
    let done = approved(&world, &run, || cluster.settle()).await;
    assert_eq!(done["state"], "done", "{done}");
    assert!(cluster.object("Pod", "shop", &pod).is_none());
    let run = prepared(&world, "take-node-out", json!({"node": "n1"})).await;
    assert!(diff(&run).contains("- unschedulable: false\n+ unschedulable: true"), "{run}");
    let done = approved(&world, &run, || ()).await;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(cluster.object("Node", "", "n1").unwrap()["spec"]["unschedulable"], true);
    assert_eq!(cluster.writes().iter().filter(|write| write.took_effect()).count(), 3);
    // What is so already, or is not there, is said by the dry run.
    for (runbook, parameters, says) in [
        ("take-node-out", json!({"node": "n1"}), "cordoned already"),
        ("delete-pod", json!({"namespace": "shop", "pod": pod}), "not found"),
        ("scale-workload", json!({"namespace": "shop", "workload": "checkout", "replicas": 2}), "nothing would change"),
        ("restart-workload", json!({"namespace": "shop", "workload": "checkout", "cluster": "elsewhere"}), "it does not name `elsewhere`"),
    ] {
        let run = prepared(&world, runbook, parameters).await;
        assert!(run["state"] == "failed" && run["detail"].as_str().unwrap().contains(says), "{says}: {run}");
    }
}

#[tokio::test]
async fn a_rollback_is_taken_back_and_no_template_is_kept_or_shown_with_its_secrets() {
    const SECRET: &str = "hunter2hunter2";
    let cluster = cluster().await;
    let mut second = cluster.object("Deployment", "shop", "checkout").unwrap();
    let container = &mut second["spec"]["template"]["spec"]["containers"][0];
    container["args"] = json!([format!("--db-password={SECRET}")]);
    container["env"] = json!([{"name": "DB_PASSWORD", "value": SECRET}]);
    second["metadata"]["generation"] = json!(second["metadata"]["generation"].as_u64().unwrap_or(1) + 1);
    cluster.put(second);
    cluster.settle();
    let mut world = world(&format!("actions: {{kubernetes: {{main: {{url: '{}', token: writer}}}}}}", cluster.url)).await;
    world.stop_service().await;
    let folder = world.folder.path().join("runbooks");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("back.yaml"),
        "title: Back\nrisk: medium\nsteps:\n  - {name: Back, action: kubernetes.rollback, with: {namespace: shop, name: checkout}, within: 1m, rollback: true}\n",
    )
    .unwrap();
    world.start_service().await;
    let run = prepared(&world, "back", json!({})).await;
    assert!(diff(&run).contains("- containers.checkout.args: ") && diff(&run).contains("- containers.checkout.env: "), "{run}");
    let kept = world.only_run().await;
    assert!(!json!(kept).to_string().contains(SECRET) && !run.to_string().contains(SECRET), "{kept:#?}");
    let over = approved(&world, &run, || cluster.settle_failing("CrashLoopBackOff")).await;
    assert_eq!(over["state"], "undone", "{over}");
    let now = cluster.object("Deployment", "shop", "checkout").unwrap();
    assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"], SECRET, "it is as it was before");
    assert_eq!(cluster.writes().iter().filter(|write| write.took_effect()).count(), 2);
}

#[tokio::test]
async fn mongodb_operation_profiler_and_step_down() {
    let options = Options::default().user("actor", "secret").roles(&["hostManager", "clusterManager", "clusterMonitor", "dbAdmin@shop"]);
    let mongod = FakeMongod::start(options.clone().member(Member::Primary)).await;
    sick_replica_set().load(&mongod);
    let set = FakeMongod::replica_set(3, options.clone()).await;
    for member in &set {
        sick_replica_set().load(member);
    }
    let few = FakeMongod::start(Options::default().user("actor", "secret").roles(&["clusterMonitor"])).await;
    sick_replica_set().load(&few);
    let world = world(&format!(
        "actions: {{mongodb: {{shop: {{uri: '{}'}}, set: {{uri: '{}'}}, few: {{uri: '{}'}}}}}}",
        mongod.uri("actor", "secret"),
        set[0].set_uri("actor", "secret"),
        few.uri("actor", "secret")
    ))
    .await;
    let run = prepared(&world, "kill-mongodb-operation", json!({"deployment": "shop", "opid": "771204"})).await;
    assert!(diff(&run).contains("- operation 771204"), "{run}");
    let done = approved(&world, &run, || ()).await;
    assert_eq!((done["state"].as_str(), mongod.killed().len()), (Some("done"), 1), "{done}");
    let run = prepared(&world, "mongodb-profiler", json!({"deployment": "shop", "database": "shop", "level": 1, "slow_ms": 50})).await;
    assert!(diff(&run).contains("slowms: 50"), "{run}");
    let done = approved(&world, &run, || ()).await;
    assert_eq!((done["state"].as_str(), mongod.profiling("shop").1), (Some("done"), 50), "{done}");
    let run = prepared(&world, "mongodb-step-down", json!({"deployment": "set"})).await;
    assert!(diff(&run).contains(&format!("- primary: {}", set[0].address())), "{run}");
    let done = approved(&world, &run, || ()).await;
    assert_eq!((done["state"].as_str(), set[0].member()), (Some("done"), Member::Secondary), "{done}");
    let run = prepared(&world, "kill-mongodb-operation", json!({"deployment": "few", "opid": "771204"})).await;
    let done = approved(&world, &run, || ()).await;
    assert!(done["state"] == "failed" && done["detail"].as_str().unwrap().contains("hostManager"), "{done}");
    let run = prepared(&world, "kill-mongodb-operation", json!({"deployment": "shop", "opid": "42"})).await;
    assert!(run["detail"].as_str().unwrap().contains("no operation 42"), "{run}");
}

#[tokio::test]
async fn a_policy_for_a_cluster_holds_also_where_the_cluster_is_not_named() {
    let cluster = cluster().await;
    let actions = format!("actions: {{kubernetes: {{main: {{url: '{}', token: writer}}}}}}", cluster.url);
    let policy = "  policies: [{effect: deny, permissions: ['runbook:request'], roles: [developer], clusters: [main]}]";
    let world = world(&format!("{policy}\n{actions}")).await;
    let asked = token("dev@example.com", &["developer"]);
    for parameters in [json!({"node": "n1"}), json!({"node": "n1", "cluster": ""}), json!({"node": "n1", "cluster": "main"})] {
        let body = json!({"parameters": parameters});
        let (status, answer) = world.calls_api("POST", "/runbooks/take-node-out/runs?wait=3", Some(&asked), Some(body)).await;
        assert!(answer["run"].is_null(), "{status} {parameters}: {answer}");
    }
    let (_, audit) = world.calls_api("GET", "/audit?act=runbook_request", Some(TOKEN), None).await;
    let lines: Vec<String> = audit["items"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let refused = lines.iter().filter(|line| line.contains("refused") && line.contains("runbook:request"));
    assert_eq!(refused.count(), 3, "{audit}");
    assert!(cluster.writes().is_empty());
}

#[tokio::test]
async fn a_run_that_somebody_stops_comes_to_the_end_of_its_step_and_no_further() {
    let cluster = cluster().await;
    let mut world = world(&format!("actions: {{kubernetes: {{main: {{url: '{}', token: writer}}}}}}", cluster.url)).await;
    world.stop_service().await;
    let folder = world.folder.path().join("runbooks");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("two.yaml"),
        "title: Two steps\nrisk: medium\nsteps:\n  - {name: Restart, action: kubernetes.rollout_restart, with: {namespace: shop, name: checkout}}\n  - {name: More, action: kubernetes.scale, with: {namespace: shop, name: checkout, replicas: 3}}\n",
    )
    .unwrap();
    world.start_service().await;
    let run = prepared(&world, "two", json!({})).await;
    assert_eq!(run["state"], "waiting", "{run}");
    let (id, second, third) =
        (run["id"].as_str().unwrap(), token("eve@example.com", &["developer"]), token("root@example.com", &["admin"]));
    let hash = json!({"hash": run["hash"]});
    let (status, answer) = world.calls_api("POST", &format!("/runs/{id}/approve?wait=10"), Some(&second), Some(hash.clone())).await;
    assert_eq!(status, 200, "{answer}");
    while cluster.writes().iter().filter(|write| write.took_effect()).count() == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (status, answer) = world.calls_api("POST", &format!("/runs/{id}/cancel?wait=10"), Some(&second), Some(hash.clone())).await;
    assert!(answer.to_string().contains("run:cancel"), "a developer may not: {status} {answer}");
    let (status, answer) = world.calls_api("POST", &format!("/runs/{id}/cancel?wait=10"), Some(&third), Some(hash)).await;
    assert_eq!(status, 200, "{answer}");
    for _ in 0..150 {
        cluster.settle();
        world.advance(3);
        let (_, run) = world.calls_api("GET", &format!("/runs/{id}"), Some(&second), None).await;
        if !run["ended_at"].is_null() {
            assert_eq!((run["state"].as_str(), run["steps"][0]["state"].as_str()), (Some("stopped"), Some("done")), "{run}");
            assert_eq!(run["steps"][1]["state"], "skipped", "{run}");
            assert!(run["detail"].as_str().unwrap().contains("root@example.com stopped it after “Restart”"), "{run}");
            assert_eq!(cluster.object("Deployment", "shop", "checkout").unwrap()["spec"]["replicas"], 2);
            return;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    panic!("it does not end");
}

type Calls = Arc<Mutex<Vec<(HeaderMap, String)>>>;

#[tokio::test]
async fn alertmanager_silences_and_calls_to_a_configured_address() {
    let calls = Calls::default();
    let silences: Arc<Mutex<Vec<Value>>> = Arc::default();
    let take = async |State((calls, _)): State<(Calls, Arc<Mutex<Vec<Value>>>)>, headers: HeaderMap, body: String| {
        calls.lock().unwrap().push((headers, body));
        Json(json!({"enabled": false}))
    };
    let set = async |State((_, silences)): State<(Calls, Arc<Mutex<Vec<Value>>>)>, Json(mut silence): Json<Value>| {
        silence["id"] = json!("11111111-2222-3333-4444-555555555555");
        silence["status"] = json!({"state": "active"});
        silences.lock().unwrap().push(silence);
        Json(json!({"silenceID": "11111111-2222-3333-4444-555555555555"}))
    };
    let list = async |State((_, silences)): State<(Calls, Arc<Mutex<Vec<Value>>>)>| Json(silences.lock().unwrap().clone());
    let router = Router::new()
        .route("/flags/{name}", post(take).get(async || Json(json!({"state": {"rate": "0.4"}}))))
        .route("/api/v2/silences", post(set).get(list))
        .route("/api/v2/alerts", get(async || Json(json!([{"labels": {"alertname": "Slow", "namespace": "shop", "service": "checkout"}}]))))
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state((Arc::clone(&calls), Arc::clone(&silences)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    let mut world = world(&format!(
        "actions:\n  alertmanager: {{main: {{url: '{url}'}}}}\n  http: {{flags: {{url: '{url}', token: flag-token-of-the-test, allow: ['POST /flags/*']}}}}"
    ))
    .await;
    world.stop_service().await;
    let folder = world.folder.path().join("runbooks");
    fs::create_dir(&folder).unwrap();
    let file = |name: &str, text: &str| fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
    file(
        "silence",
        "title: Silence\nrisk: medium\nsteps:\n  - {name: Silence it, action: alertmanager.silence, with: {matchers: [{name: service, value: checkout}], minutes: 30, comment: maintenance}}\n",
    );
    file(
        "flag",
        "title: Flag off\nrisk: medium\nparameters: [{name: flag, pattern: '[a-z]+'}]\nsteps:\n  - {name: 'Turn {{flag}} off', action: http.call, with: {target: flags, method: POST, path: '/flags/{{flag}}', body: {enabled: false, password: hunter2hunter2}}}\n  - {name: Until it is calm, action: wait_until, with: {check: http.json, with: {target: flags, path: '/flags/{{flag}}', pointer: /state/rate, at_most: 0.5}}, within: 1m}\n  - {name: Tell, action: note, with: {text: the flag is off}}\n",
    );
    file(
        "away",
        "title: Away\nrisk: medium\nsteps:\n  - {name: Out, action: http.call, with: {target: flags, method: DELETE, path: /flags/x}}\n",
    );
    world.start_service().await;
    let run = prepared(&world, "silence", json!({})).await;
    assert!(
        diff(&run).contains("- Slow shop checkout") && run["steps"][0]["effect"].as_str().unwrap().contains("1 alert that fires now"),
        "{run}"
    );
    let done = approved(&world, &run, || ()).await;
    assert_eq!((done["state"].as_str(), silences.lock().unwrap().len()), (Some("done"), 1), "{done}");
    let run = prepared(&world, "flag", json!({"flag": "checkout"})).await;
    assert!(diff(&run).contains("/flags/checkout") && !run.to_string().contains("hunter2hunter2"), "{run}");
    let done = approved(&world, &run, || ()).await;
    assert_eq!(done["state"], "done", "{done}");
    let (headers, body) = calls.lock().unwrap()[0].clone();
    assert_eq!((calls.lock().unwrap().len(), headers["authorization"].to_str().unwrap()), (1, "Bearer flag-token-of-the-test"));
    assert!(headers.contains_key("idempotency-key") && body.contains("hunter2hunter2"), "what was approved is sent as it is: {body}");
    let run = prepared(&world, "away", json!({})).await;
    assert!(run["state"] == "failed" && run["detail"].as_str().unwrap().contains("does not list DELETE"), "{run}");
}
