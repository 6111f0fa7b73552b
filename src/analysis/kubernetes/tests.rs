//! The checks between objects, and every check against arbitrary bodies.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Cluster, infrastructure, network, workloads::is_schedule};
use crate::{
    analysis::{Finding, Focus, Role, Thresholds},
    model::{
        Category,
        observation::{Event, Object, Observations},
    },
};

fn object(kind: &str, namespace: &str, name: &str, rest: Value) -> Object {
    let mut body = json!({"kind": kind, "metadata": {"name": name, "namespace": namespace}});
    if let (Some(body), Value::Object(rest)) = (body.as_object_mut(), rest) {
        for (key, value) in rest {
            match (body.get_mut(&key), value) {
                (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
                (_, value) => {
                    body.insert(key, value);
                }
            }
        }
    }
    Object {
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        body,
        source: "dump.json".to_owned(),
        ..Object::default()
    }
}

fn check(objects: Vec<Object>, question: &str) -> Vec<Finding> {
    let observations = Observations { objects, ..Observations::default() };
    let cluster = Cluster::of(&observations, "2026-01-01T12:00:00Z".parse().ok());
    let focus = Focus { text: question.to_owned(), ..Focus::default() };
    let mut found = infrastructure(&cluster, &focus, &Thresholds::default()).findings;
    found.extend(network(&cluster, &focus, &Thresholds::default()).findings);
    found
}

fn running(name: &str, labels: Value, port: u64) -> Object {
    object(
        "Pod",
        "shop",
        name,
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "ports": [{"containerPort": port}]}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "main", "ready": true, "restartCount": 0, "state": {"running": {}}}]}}),
    )
}

fn service(selector: Value, target: Value) -> Object {
    object("Service", "shop", "cart", json!({"spec": {"selector": selector, "ports": [{"port": 80, "targetPort": target}]}}))
}

#[test]
fn a_selector_that_no_pod_has_names_the_near_miss() {
    let found =
        check(vec![service(json!({"app": "cart-v2"}), json!(8080)), running("cart-1", json!({"app": "cart"}), 8080)], "what is wrong?");
    assert_eq!(found[0].category, Category::NoEndpoints);
    assert!(found[0].statement.contains("app=cart-v2") && found[0].statement.contains("app=cart)"), "{}", found[0].statement);
}

#[test]
fn a_target_port_that_no_container_has_is_a_mismatch() {
    let found =
        check(vec![service(json!({"app": "cart"}), json!(9999)), running("cart-1", json!({"app": "cart"}), 8080)], "connection refused");
    assert!(found.iter().any(|finding| finding.statement.contains("targetPort 9999") && finding.statement.contains("8080")), "{found:?}");
    assert!(
        check(vec![service(json!({"app": "cart"}), json!(8080)), running("cart-1", json!({"app": "cart"}), 8080)], "connection refused")
            .is_empty()
    );
}

#[test]
fn an_egress_policy_without_dns_is_the_cause_of_time_outs_only_when_somebody_times_out() {
    let policy = |egress: Value| {
        object(
            "NetworkPolicy",
            "shop",
            "lock",
            json!({"spec": {"podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Egress"], "egress": egress}}),
        )
    };
    let pods = || running("cart-1", json!({"app": "cart"}), 8080);
    let blocked = check(vec![policy(json!([{"ports": [{"port": 5432}]}])), pods()], "cart: connection timed out");
    assert!(blocked.iter().any(|finding| finding.role == Role::Cause && finding.statement.contains("DNS (port 53)")), "{blocked:?}");
    let open = check(vec![policy(json!([{"ports": [{"port": 53, "protocol": "UDP"}]}])), pods()], "cart: connection timed out");
    assert!(open.is_empty(), "{open:?}");
    assert!(check(vec![policy(json!([])), pods()], "what is wrong?").iter().all(|finding| finding.role != Role::Cause));
}

#[test]
fn quota_denials_are_decisive() {
    let message = "pods \"cart-1\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3";
    let set = object(
        "ReplicaSet",
        "shop",
        "cart-7c5ddbdf54",
        json!({"spec": {"replicas": 1}, "status": {"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]}}),
    );
    let found = check(vec![set], "");
    assert_eq!((found[0].category, found[0].decisive), (Category::QuotaExceeded, true));
}

#[test]
fn nodes_that_are_ready_are_ruled_out_and_others_found() {
    let node = |ready: &str, pressure: &str| {
        object(
            "Node",
            "",
            "node-1",
            json!({"status": {"conditions": [{"type": "Ready", "status": ready, "reason": "KubeletX"}, {"type": "DiskPressure", "status": pressure}, {"type": "SomethingNew", "status": "True"}]}}),
        )
    };
    assert!(check(vec![node("True", "False")], "").is_empty());
    assert_eq!(check(vec![node("Unknown", "Unknown")], "").len(), 1);
    assert_eq!(check(vec![node("True", "True")], "")[0].category, Category::NodePressure);
}

#[test]
fn a_rollout_is_named_with_what_it_changed() {
    let set = |name: &str, revision: &str, image: &str, ready: u64| {
        object(
            "ReplicaSet",
            "shop",
            name,
            json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": revision}, "ownerReferences": [{"kind": "Deployment", "name": "cart"}]},
                "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "main", "image": image}]}}}, "status": {"replicas": 1, "readyReplicas": ready}}),
        )
    };
    let deployment =
        object("Deployment", "shop", "cart", json!({"spec": {"replicas": 1}, "status": {"readyReplicas": 0, "unavailableReplicas": 1}}));
    let found = check(vec![set("cart-a", "1", "cart:1", 1), set("cart-b", "2", "cart:2", 0), deployment], "");
    assert!(
        found.iter().any(|finding| finding.category == Category::BadChange && finding.statement.contains("cart:1 → cart:2")),
        "{found:?}"
    );
}

#[test]
fn schedules_are_told_from_nonsense() {
    for good in ["*/5 * * * *", "0 0 * * MON-FRI", "@daily", "TZ=UTC 0 1 1,15 * ?", "0 9-17/2 * * 1"] {
        assert!(is_schedule(good), "{good}");
    }
    for bad in ["", "* * * *", "61 * * * *", "*/0 * * * *", "every day", "*** * * *", "0 0 32 * *"] {
        assert!(!is_schedule(bad), "{bad}");
    }
}

fn value(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        proptest::sample::select(vec![
            "",
            "True",
            "False",
            "Running",
            "Pending",
            "OOMKilled",
            "CrashLoopBackOff",
            "a",
            "1Gi",
            "2026-01-01T00:00:00Z",
            "é…",
            "Insufficient x {",
            "secret \"",
            "-1"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 60, 6, |inner| {
        let keys = proptest::sample::select(vec![
            "metadata",
            "spec",
            "status",
            "containers",
            "containerStatuses",
            "initContainerStatuses",
            "state",
            "lastState",
            "waiting",
            "terminated",
            "reason",
            "message",
            "conditions",
            "type",
            "name",
            "namespace",
            "labels",
            "annotations",
            "ownerReferences",
            "kind",
            "replicas",
            "readyReplicas",
            "subsets",
            "addresses",
            "notReadyAddresses",
            "rules",
            "http",
            "paths",
            "backend",
            "service",
            "port",
            "ports",
            "selector",
            "matchLabels",
            "podSelector",
            "egress",
            "ingress",
            "policyTypes",
            "phase",
            "exitCode",
            "restartCount",
            "template",
            "volumes",
            "webhooks",
            "clientConfig",
            "schedule",
            "hard",
            "used",
            "resources",
            "limits",
            "listeners",
            "parentRefs",
            "backendRefs",
            "env",
            "envFrom",
            "data",
            "storageClassName",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((keys, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_body_breaks_a_check(
        kinds in proptest::collection::vec(proptest::sample::select(vec![
            "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Node", "Service", "Endpoints", "EndpointSlice", "Ingress", "NetworkPolicy", "Gateway",
            "GatewayClass", "HTTPRoute", "PersistentVolumeClaim", "PersistentVolume", "StorageClass", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ResourceQuota", "ConfigMap",
            "ValidatingWebhookConfiguration", "Application", "CatalogSource", "InstallPlan", "Subscription", "ClusterCatalog", "ClusterExtension", "OperatorGroup", "ClusterOperator", "Role",
        ]), 1..6),
        bodies in proptest::collection::vec(value(7), 6),
        partial in any::<bool>(),
    ) {
        let objects = kinds.iter().zip(bodies).map(|(kind, body)| Object { kind: (*kind).to_owned(), name: "a".to_owned(), body, partial, ..Object::default() }).collect();
        let event = Event { entity: crate::model::Entity::new("Pod", "", "a"), reason: "FailedMount".to_owned(), message: "é".repeat(300), ..Event::default() };
        let observations = Observations { objects, events: vec![event], ..Observations::default() };
        let cluster = Cluster::of(&observations, None);
        let focus = Focus { text: "throttling connect drain quota".to_owned(), words: vec!["a".to_owned()], ..Focus::default() };
        infrastructure(&cluster, &focus, &Thresholds::default());
        network(&cluster, &focus, &Thresholds::default());
        let _ = crate::analysis::links::Links::of(&observations);
    }
}
