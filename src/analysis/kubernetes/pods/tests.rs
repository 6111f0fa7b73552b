use serde_json::{Value, json};

use crate::{
    analysis::{
        Finding, Focus, Role, Thresholds,
        kubernetes::{Cluster, infrastructure},
    },
    model::{
        Category, Entity,
        observation::{Event, Object, Observations},
    },
};

fn pod(status: Value, container: Value) -> Object {
    let body = json!({
        "kind": "Pod", "metadata": {"name": "cart-7c5ddbdf54-x2x9v", "namespace": "shop", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": "node-1", "containers": [container]}, "status": status,
    });
    Object {
        kind: "Pod".to_owned(),
        namespace: "shop".to_owned(),
        name: "cart-7c5ddbdf54-x2x9v".to_owned(),
        body,
        source: "pods.json".to_owned(),
        ..Object::default()
    }
}

fn event(reason: &str, message: &str, last: &str) -> Event {
    Event {
        entity: Entity::new("Pod", "shop", "cart-7c5ddbdf54-x2x9v"),
        event_type: "Warning".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        count: 5,
        last: last.parse().ok(),
        ..Event::default()
    }
}

fn check(object: Object, events: Vec<Event>) -> Vec<Finding> {
    let observations = Observations { objects: vec![object], events, ..Observations::default() };
    let cluster = Cluster::of(&observations, "2026-01-01T12:00:00Z".parse().ok());
    infrastructure(&cluster, &Focus::default(), &Thresholds::default()).findings
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"phase": "Pending", "containerStatuses": [{"name": "main", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": reason, "message": message}}}]})
}

const NOW: &str = "2026-01-01T11:59:00Z";

#[test]
fn an_oom_kill_is_decisive_and_says_the_limit() {
    let status = json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": false, "restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": NOW}}}]});
    let found = check(pod(status, json!({"name": "main", "resources": {"limits": {"memory": "64Mi"}}})), vec![]);
    assert_eq!((found[0].category, found[0].decisive), (Category::OomKilled, true));
    assert!(found[0].statement.contains("64Mi") && found[0].statement.contains("7 restart"), "{}", found[0].statement);
    assert!(found[0].remediation.iter().any(|fix| fix.contains("128Mi")), "{:?}", found[0].remediation);
}

#[test]
fn an_old_oom_kill_of_a_pod_that_runs_again_is_only_context() {
    let status = json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": true, "restartCount": 1, "state": {"running": {"startedAt": "2026-01-01T01:00:00Z"}},
        "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-01-01T00:59:00Z"}}}]});
    assert!(check(pod(status, json!({"name": "main"})), vec![]).iter().all(|finding| finding.role == Role::Context));
}

#[test]
fn image_pull_failures_have_their_registrys_reason() {
    let cases = [
        ("manifest for shop/cart:9 not found: manifest unknown", "does not exist"),
        (
            "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
            "refuses access",
        ),
        ("toomanyrequests: You have reached your pull rate limit", "rate limit"),
        ("dial tcp: lookup registry.example on 10.0.0.2:53: no such host", "cannot be reached"),
        ("no match for platform in manifest: not found", "architecture"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "certificate"),
    ];
    for (message, expected) in cases {
        let failed = event("Failed", &format!("Failed to pull image \"shop/cart:9\": {message}"), NOW);
        let found = check(
            pod(waiting("ImagePullBackOff", "Back-off pulling image \"shop/cart:9\""), json!({"name": "main", "image": "shop/cart:9"})),
            vec![failed],
        );
        assert!(found[0].category == Category::ImagePull && found[0].statement.contains(expected), "{message}: {}", found[0].statement);
    }
}

#[test]
fn the_scheduler_is_taken_at_its_word() {
    let cases = [
        ("0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available", "insufficient GPU nvidia.com/gpu"),
        ("0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient memory.", "insufficient cpu"),
        ("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.", "node selector (nodeSelector) disk=ssd"),
        ("0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: db}.", "dedicated: db"),
        ("0/3 nodes are available: 3 node(s) had volume node affinity conflict.", "another zone"),
        ("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "not bound"),
        ("0/3 nodes are available: 3 Too many pods.", "too many pods"),
        ("0/3 nodes are available: 3 node(s) were unschedulable.", "cordoned"),
        ("0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.", "anti-affinity"),
    ];
    for (message, expected) in cases {
        let status = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]});
        let mut object = pod(status, json!({"name": "main", "resources": {"requests": {"nvidia.com/gpu": "2"}}}));
        object.body["spec"]["nodeName"] = Value::Null;
        object.body["spec"]["nodeSelector"] = json!({"disk": "ssd"});
        let found = check(object, vec![]);
        assert!(found[0].statement.contains(expected), "{message}: {}", found[0].statement);
    }
}

#[test]
fn missing_configuration_is_named() {
    let cases = [
        ("secret \"cart-db\" not found", "Secret cart-db does not exist"),
        ("configmap \"cart\" not found", "ConfigMap cart does not exist"),
        ("couldn't find key password in Secret shop/cart-db", "key password is missing in the Secret cart-db"),
    ];
    for (message, expected) in cases {
        let found = check(pod(waiting("CreateContainerConfigError", message), json!({"name": "main"})), vec![]);
        assert!(found[0].category == Category::ConfigMissing && found[0].statement.contains(expected), "{message}: {}", found[0].statement);
    }
    let mount = event("FailedMount", "MountVolume.SetUp failed for volume \"tls\" : secret \"cart-tls\" not found", NOW);
    let found = check(pod(waiting("ContainerCreating", ""), json!({"name": "main"})), vec![mount]);
    assert!(found[0].statement.contains("Secret cart-tls does not exist"), "{}", found[0].statement);
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let message = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"pyhton\": executable file not found in $PATH: unknown";
    let found = check(pod(waiting("RunContainerError", message), json!({"name": "main"})), vec![]);
    assert_eq!(found[0].category, Category::CommandNotFound);
    assert!(found[0].statement.contains("`pyhton`"), "{}", found[0].statement);
}

#[test]
fn a_failing_liveness_probe_explains_restarts() {
    let status = json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": false, "restartCount": 6, "state": {"running": {"startedAt": NOW}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "Error", "finishedAt": NOW}}}]});
    let unhealthy = event("Unhealthy", "Liveness probe failed: Get \"http://10.1.0.7:8080/health\": context deadline exceeded", NOW);
    let spec = json!({"name": "main", "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "timeoutSeconds": 1}});
    let found = check(pod(status, spec), vec![unhealthy]);
    assert!(found.iter().any(|finding| finding.category == Category::ProbeFailure && finding.statement.contains("times out")), "{found:?}");
}

#[test]
fn healthy_twins_are_silent() {
    let running = json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": true, "restartCount": 2, "state": {"running": {"startedAt": "2026-01-01T01:00:00Z"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-01T00:59:00Z"}}}]});
    let old = vec![
        event("Unhealthy", "Readiness probe failed: refused", "2026-01-01T01:00:30Z"),
        event("BackOff", "Back-off restarting failed container", "2026-01-01T00:59:00Z"),
    ];
    assert!(check(pod(running, json!({"name": "main"})), old).is_empty());
    let done = json!({"phase": "Succeeded", "containerStatuses": [{"name": "main", "ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]});
    assert!(check(pod(done, json!({"name": "main"})), vec![]).is_empty());
    let mut going = pod(waiting("CrashLoopBackOff", ""), json!({"name": "main"}));
    going.body["metadata"]["deletionTimestamp"] = json!(NOW);
    assert!(check(going, vec![]).is_empty());
}
