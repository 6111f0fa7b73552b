//! A big cluster: 5,000 pods, 500 deployments and 20,000 events behind a server on this machine, and how long an investigation
//! of one sick deployment takes, what it asks, and how much memory it needs. `cargo bench --bench cluster` prints a table.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a bench may fail loudly")]
#![allow(dead_code, reason = "the server is shared with the tests")]

#[path = "../../it/fakes/kubernetes.rs"]
mod kubernetes;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use kubernetes::FakeCluster;
use serde_json::{Value, json};
use sre_agent::{
    agents::Progress,
    app, config,
    model::{InvestigationId, Request},
    telemetry::Metrics,
    tools::{
        Backend, Limits, Registry,
        kubernetes::{Access, Kubernetes},
    },
};

const TOKEN: &str = "bench-token";
const PODS: usize = 5_000;
const DEPLOYMENTS: usize = 500;
const EVENTS: usize = 20_000;
/// What each figure must not exceed.
const FIRST_MAX: Duration = Duration::from_secs(1);
const WHOLE_MAX: Duration = Duration::from_secs(3);
const CALLS_MAX: usize = 20;
const MEMORY_MAX_MB: u64 = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if arguments.iter().any(|argument| argument == "--serve") {
        runtime.block_on(serve());
        return;
    }
    // Its own process: what the server needs is not what we need.
    let mut server = Command::new(&arguments[0]).arg("--serve").stdout(Stdio::piped()).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let url = lines.next().unwrap().unwrap();
    let fine = runtime.block_on(measure(&url));
    let _ = server.kill();
    let _ = server.wait();
    if !fine {
        std::process::exit(1);
    }
}

/// Serves until its standard input ends.
async fn serve() {
    let cluster = FakeCluster::start(TOKEN).await;
    fill(&cluster);
    println!("{}", cluster.url);
    tokio::task::spawn_blocking(|| std::io::stdin().lines().last()).await.unwrap();
}

async fn measure(url: &str) -> bool {
    app::install_tls();
    println!("{PODS} pods, {DEPLOYMENTS} deployments, {EVENTS} events\n");
    println!("| case | first finding ms | whole ms | API calls | MiB read | cause found | memory MB |");
    println!("|---|---|---|---|---|---|---|");
    let mut fine = true;
    let asked = [
        ("cold, namespace known", "why does deployment checkout in namespace shop restart?", false),
        ("cold, only the name known", "why does deployment checkout-api restart?", false),
        ("cold, nothing known", "what is wrong?", false),
        ("warm, namespace known", "why does deployment checkout in namespace shop restart?", true),
    ];
    for (case, question, warm) in asked {
        let access = Access::Token { url: url.to_owned(), token: TOKEN.to_owned().into(), ca: None };
        let backend = Arc::new(Kubernetes::new("main", access, false, warm, app::system_clock()));
        let keeping = tokio::spawn({
            let backend = Arc::clone(&backend);
            async move { backend.keep_warm().await }
        });
        while !backend.is_warm() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let tools = app::guarded(vec![Arc::clone(&backend) as Arc<dyn Backend>], Limits::default(), None, Arc::new(Metrics::default()));
        let engine = app::engine_of(Registry::new(tools), config::load_rules(None).unwrap());
        let began = Instant::now();
        let first: Mutex<Option<Duration>> = Mutex::new(None);
        let noted = |step: Progress| {
            if let Progress::Judged { findings: 1.., .. } = step {
                first.lock().unwrap().get_or_insert_with(|| began.elapsed());
            }
        };
        let found = engine.investigate(InvestigationId(ulid::Ulid::nil()), &Request::question(question), &noted).await.unwrap();
        let whole = began.elapsed();
        keeping.abort();
        let first = first.lock().unwrap().unwrap_or(whole);
        let cost = found.tool_calls.iter().fold((0, 0), |(calls, bytes), call| (calls + call.calls, bytes + call.bytes));
        let cause = found.hypotheses.first().map_or("none", |cause| if cause.statement.contains("OOM") { "OOM-killed" } else { "another" });
        println!(
            "| {case} | {} | {} | {} | {:.1} | {cause} | {} |",
            first.as_millis(),
            whole.as_millis(),
            cost.0,
            cost.1 as f64 / f64::from(1 << 20),
            memory()
        );
        let bounded = case != "cold, nothing known";
        fine &= first <= FIRST_MAX || !bounded;
        fine &= whole <= WHOLE_MAX && usize::try_from(cost.0).unwrap() <= CALLS_MAX && memory() <= MEMORY_MAX_MB && cause == "OOM-killed";
    }
    println!(
        "\nbars: first finding {} ms, whole {} ms, {CALLS_MAX} calls, {MEMORY_MAX_MB} MB: {}",
        FIRST_MAX.as_millis(),
        WHOLE_MAX.as_millis(),
        if fine { "kept" } else { "NOT KEPT" }
    );
    fine
}

/// The most that this process has held so far, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// A cluster as they are: many well things, and one deployment whose pods are OOM-killed.
fn fill(cluster: &FakeCluster) {
    let managed: Value = (0..12).map(|at| json!({"manager": format!("controller-{at}"), "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:conditions": {}, "f:containerStatuses": {}}}})).collect();
    for node in 0..100 {
        let images: Value = (0..50)
            .map(|at| json!({"names": [format!("registry.example.com/image-{at}@sha256:{at:064}")], "sizeBytes": 100_000_000}))
            .collect();
        cluster.put(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{node:03}"), "managedFields": managed},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "capacity": {"cpu": "16", "memory": "64Gi"}, "allocatable": {"cpu": "16", "memory": "64Gi"}, "images": images}}));
    }
    for at in 0..DEPLOYMENTS {
        let (name, namespace, sick) = name(at);
        let template = json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": [container(&name)]}});
        cluster.put(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace, "managedFields": managed},
            "spec": {"replicas": 10, "selector": {"matchLabels": {"app": name}}, "template": template}, "status": {"replicas": 10, "readyReplicas": if sick { 7 } else { 10 }}}));
        let set = format!("{name}-7f5b9c4d68");
        cluster.put(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": set, "namespace": namespace, "managedFields": managed,
            "annotations": {"deployment.kubernetes.io/revision": "3"}, "ownerReferences": [{"kind": "Deployment", "name": name, "apiVersion": "apps/v1", "controller": true}]},
            "spec": {"replicas": 10, "selector": {"matchLabels": {"app": name}}, "template": template}, "status": {"replicas": 10}}));
        for replica in 0..PODS / DEPLOYMENTS {
            let dies = sick && replica < 3;
            let pod = format!("{set}-{}", suffix(replica));
            let state = if dies {
                json!({"name": "app", "ready": false, "restartCount": 7, "started": false, "image": "x", "imageID": "", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": "2026-01-15T14:00:00Z", "finishedAt": "2026-01-15T14:03:11Z"}}})
            } else {
                json!({"name": "app", "ready": true, "restartCount": 0, "started": true, "image": "x", "imageID": "", "state": {"running": {"startedAt": "2026-01-10T09:00:00Z"}}})
            };
            cluster.put(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": namespace, "labels": {"app": name}, "managedFields": managed,
                    "ownerReferences": [{"kind": "ReplicaSet", "name": set, "apiVersion": "apps/v1", "controller": true}]},
                "spec": {"nodeName": format!("node-{:03}", (at + replica) % 100), "containers": [container(&name)], "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": if dies { "False" } else { "True" }}], "podIP": "10.0.0.1", "containerStatuses": [state]}}));
            if dies {
                cluster.log(&namespace, &pod, "app", true, "2026-01-15T14:03:10Z INFO cache warmed\n2026-01-15T14:03:11Z INFO loading");
            }
        }
    }
    for at in 0..EVENTS {
        let (name, namespace, sick) = name(at % DEPLOYMENTS);
        let warns = sick || at % 50 == 0;
        let pod = format!("{name}-7f5b9c4d68-{}", suffix(at / DEPLOYMENTS % 3));
        let (reason, message) = match (sick, warns) {
            (true, _) => ("BackOff", "Back-off restarting failed container app"),
            (_, true) => ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
            _ => ("Pulled", "Container image already present on machine"),
        };
        cluster.put(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{pod}.{at:08x}"), "namespace": namespace, "managedFields": [{"manager": "kubelet"}]},
            "involvedObject": {"kind": "Pod", "namespace": namespace, "name": pod}, "type": if warns { "Warning" } else { "Normal" }, "reason": reason, "message": message, "count": 3,
            "firstTimestamp": "2026-01-15T14:00:30Z", "lastTimestamp": "2026-01-15T14:04:00Z", "source": {"component": "kubelet"}}));
    }
}

/// The deployment's name and namespace, and whether it is the sick one.
fn name(at: usize) -> (String, String, bool) {
    match at {
        0 => ("checkout".to_owned(), "shop".to_owned(), true),
        1 => ("checkout-api".to_owned(), "market".to_owned(), true),
        at => (format!("service-{at}"), format!("team-{:02}", at % 48), false),
    }
}

fn container(name: &str) -> Value {
    let env: Value = (0..10).map(|at| json!({"name": format!("SETTING_{at}"), "value": format!("value-{at}")})).collect();
    json!({"name": "app", "image": format!("registry.example.com/{name}:1.4.2"), "env": env, "resources": {"limits": {"memory": "128Mi", "cpu": "1"}, "requests": {"memory": "128Mi", "cpu": "100m"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}, "volumeMounts": [{"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]})
}

fn suffix(at: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..5).map(|place| char::from(LETTERS[(at + place * 7) % LETTERS.len()])).collect()
}
