//! Policies against connections: what is refused, and what is not known to be.

use serde_json::{Value, json};

use crate::{
    analysis::{Focus, Thresholds, kubernetes::Cluster},
    model::{
        Entity,
        observation::{Level, LogLine, LogStream, Object, Observations},
    },
};

fn object(api: &str, kind: &str, namespace: &str, name: &str, labels: &Value, rest: Value) -> Object {
    let mut body = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels}});
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    let (kind, namespace, name) = (kind.to_owned(), namespace.to_owned(), name.to_owned());
    Object { source: "o.json".to_owned(), kind, namespace, name, body, ..Object::default() }
}

/// web and api in shop, prometheus in monitoring, and one more object; web's log has one line.
fn refused(policy: (&str, &str, &str, Value), from: &str, line: &str) -> Option<String> {
    let (api, kind, namespace, spec) = policy;
    let pod = |namespace: &str, name: &str, app: &str, ip: &str| {
        let ports = json!([{"name": "http", "containerPort": 8080}]);
        object(
            "v1",
            "Pod",
            namespace,
            name,
            &json!({"app": app}),
            json!({"spec": {"containers": [{"name": "c", "ports": ports}]}, "status": {"podIP": ip}}),
        )
    };
    let service = json!({"spec": {"clusterIP": "10.96.0.20", "selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": "http"}]}});
    let place = |name: &str, labels: Value| object("v1", "Namespace", "", name, &labels, json!({}));
    let objects = vec![
        place("shop", json!({"team": "shop"})),
        place("monitoring", json!({})),
        pod("shop", "web-1", "web", "10.1.0.9"),
        pod("shop", "api-1", "api", "10.1.0.10"),
        pod("monitoring", "prometheus-0", "prometheus", "10.1.0.11"),
        object("v1", "Service", "shop", "api", &json!({}), service),
        object(api, kind, namespace, "p", &json!({}), json!({ "spec": spec })),
    ];
    let (namespace, name) = from.split_once('/').unwrap();
    let text = LogLine { number: 1, level: Level::Error, level_stated: true, text: line.to_owned(), ..LogLine::default() };
    let log = LogStream { source: "l".to_owned(), entity: Entity::new("Pod", namespace, name), lines: vec![text], ..LogStream::default() };
    let observations = Observations { objects, logs: vec![log], ..Observations::default() };
    let (focus, thresholds) = (Focus::default(), Thresholds::default());
    let cluster = Cluster::of(&observations, None);
    let look = super::Look { cluster: &cluster, focus: &focus, thresholds: &thresholds };
    let mut checked = super::Checked::default();
    super::check(&look, &mut checked);
    checked.findings.first().map(|finding| finding.statement.clone())
}

const NET: (&str, &str) = ("networking.k8s.io/v1", "NetworkPolicy");

#[test]
fn what_is_refused_and_what_is_not() {
    let ingress = |rules: Value| json!({"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Ingress"], "ingress": rules});
    let egress = |rules: Value| json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": rules});
    let web = json!({"podSelector": {"matchLabels": {"app": "web"}}});
    let (call, outside) = ("dial tcp 10.1.0.9:41000->10.96.0.20:80: i/o timeout", "connect ETIMEDOUT 198.51.100.40:443");
    let rows = [
        ("default deny", "shop", ingress(json!([])), "shop/web-1", call, true),
        ("the peer and the pod's port", "shop", ingress(json!([{"from": [web], "ports": [{"port": 8080}]}])), "shop/web-1", call, false),
        (
            "the Service's port is not the pod's",
            "shop",
            ingress(json!([{"from": [web], "ports": [{"port": 80}]}])),
            "shop/web-1",
            call,
            true,
        ),
        ("a named port", "shop", ingress(json!([{"from": [web], "ports": [{"port": "http"}]}])), "shop/web-1", call, false),
        ("a range of ports", "shop", ingress(json!([{"ports": [{"port": 8000, "endPort": 8100}]}])), "shop/web-1", call, false),
        ("UDP is not TCP", "shop", ingress(json!([{"ports": [{"port": 8080, "protocol": "UDP"}]}])), "shop/web-1", call, true),
        (
            "another namespace's pod",
            "shop",
            ingress(json!([{"from": [{"podSelector": {}}]}])),
            "monitoring/prometheus-0",
            "http://10.1.0.10:8080/metrics: context deadline exceeded",
            true,
        ),
        (
            "its namespace by name",
            "shop",
            ingress(json!([{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]}])),
            "monitoring/prometheus-0",
            "http://10.1.0.10:8080/metrics: context deadline exceeded",
            false,
        ),
        (
            "a label that the namespace lacks",
            "shop",
            ingress(json!([{"from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]}])),
            "monitoring/prometheus-0",
            "http://10.1.0.10:8080/metrics: context deadline exceeded",
            true,
        ),
        (
            "other pods are meant",
            "shop",
            json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"]}),
            "shop/web-1",
            call,
            false,
        ),
        (
            "an address inside of the block",
            "shop",
            egress(json!([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}])),
            "shop/web-1",
            outside,
            false,
        ),
        (
            "an address that is taken out",
            "shop",
            egress(json!([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["198.51.100.0/24"]}}]}])),
            "shop/web-1",
            outside,
            true,
        ),
        ("only pods may be called", "shop", egress(json!([{"to": [{"podSelector": {}}]}])), "shop/web-1", outside, true),
        (
            "a refusal by the peer is no policy's",
            "shop",
            ingress(json!([])),
            "shop/web-1",
            "dial tcp 10.96.0.20:80: connect: connection refused",
            false,
        ),
        ("unknown private address", "shop", egress(json!([])), "shop/web-1", "dial tcp 10.99.9.9:80: i/o timeout", false),
    ];
    for (name, namespace, spec, from, line, wanted) in rows {
        let found = refused((NET.0, NET.1, namespace, spec), from, line);
        assert_eq!(found.is_some(), wanted, "{name}: {found:?}");
    }
}

#[test]
fn cilium_and_calico_have_rules_of_their_own() {
    let call = "Get \"http://api/v1\": dial tcp 10.96.0.20:80: i/o timeout";
    let cilium = |rules: Value| {
        (
            "cilium.io/v2",
            "CiliumNetworkPolicy",
            "shop",
            json!({"endpointSelector": {"matchLabels": {"k8s:app": "api"}}})
                .as_object()
                .unwrap()
                .iter()
                .chain(rules.as_object().unwrap())
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        )
    };
    let calico = |rules: Value| {
        ("projectcalico.org/v3", "NetworkPolicy", "shop", json!({"selector": "app == 'api'", "types": ["Ingress"], "ingress": rules}))
    };
    let rows = [
        (cilium(json!({"ingress": [{"fromEndpoints": [{"matchLabels": {"app": "web"}}]}]})), false),
        (cilium(json!({"ingress": [{"fromEndpoints": [{"matchLabels": {"app": "other"}}]}]})), true),
        (cilium(json!({"ingress": [{"fromEntities": ["cluster"]}]})), false),
        (
            cilium(json!({"ingress": [{"fromEntities": ["all"]}], "ingressDeny": [{"fromEndpoints": [{"matchLabels": {"app": "web"}}]}]})),
            true,
        ),
        (
            cilium(json!({"ingress": [{"fromEndpoints": [{"matchLabels": {"app": "web"}}], "toPorts": [{"ports": [{"port": "8080"}]}]}]})),
            false,
        ),
        (cilium(json!({"egress": []})), false),
        (calico(json!([{"action": "Deny", "source": {"selector": "app == 'web'"}}, {"action": "Allow"}])), true),
        (calico(json!([{"action": "Allow", "source": {"selector": "app in { 'web', 'cli' }"}}])), false),
        (calico(json!([{"action": "Allow", "source": {"selector": "app == 'web' || app == 'x'"}}])), false),
        (calico(json!([{"action": "Allow", "protocol": "UDP"}])), true),
    ];
    for (at, (policy, wanted)) in rows.into_iter().enumerate() {
        let found = refused(policy, "shop/web-1", call);
        assert_eq!(found.is_some(), wanted, "row {at}: {found:?}");
    }
}
