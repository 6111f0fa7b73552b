//! Descriptions of services, endpoints, ingresses and network policies.

use serde_json::{Value, json};

use super::{
    pairs,
    tree::{Level, Node, flatten},
};
use crate::model::observation::Object;

pub fn service(level: &Level<'_>) -> Value {
    let mut ports: Vec<Value> = Vec::new();
    for node in level.0 {
        match node.key.as_str() {
            "Port" => {
                let words: Vec<&str> = node.value.split_whitespace().collect();
                let (name, port) = match words.as_slice() {
                    [name, port] => (*name, *port),
                    [port] => ("", *port),
                    _ => continue,
                };
                let (number, protocol) = port.split_once('/').unwrap_or((port, "TCP"));
                ports.push(json!({"name": super::tree::present(name), "port": number.parse::<u64>().ok(), "protocol": protocol}));
            }
            "TargetPort" => {
                let target = node.value.split('/').next().unwrap_or_default();
                if let Some(port) = ports.last_mut().and_then(Value::as_object_mut) {
                    port.insert("targetPort".to_owned(), target.parse::<u64>().map_or_else(|_| Value::from(target), Value::from));
                }
            }
            _ => {}
        }
    }
    let ingress: Vec<Value> = level.lines("LoadBalancer Ingress").iter().map(|host| json!({"hostname": host})).collect();
    json!({
        "spec": {"selector": pairs(level, "Selector", '='), "type": level.value("Type"), "clusterIP": level.value("IP"), "ports": ports},
        "status": {"loadBalancer": {"ingress": ingress}},
    })
}

/// The `Endpoints:` lines of a service as an object of their own.
pub fn endpoints_of_service(kind: &str, level: &Level<'_>, name: &str, namespace: &str) -> Option<Object> {
    if kind != "Service" || !level.has("Endpoints") {
        return None;
    }
    let addresses: Vec<Value> = level
        .0
        .iter()
        .filter(|node| node.key == "Endpoints")
        .flat_map(|node| node.value.split(','))
        .map(|address| address.trim().rsplit_once(':').map_or(address, |(ip, _)| ip))
        .filter(|ip| !super::tree::present(ip).is_empty() && !ip.contains("more"))
        .map(|ip| json!({"ip": ip}))
        .collect();
    let subsets = if addresses.is_empty() { json!([]) } else { json!([{"addresses": addresses}]) };
    Some(Object {
        api_version: "v1".to_owned(),
        kind: "Endpoints".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        body: json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name, "namespace": namespace}, "subsets": subsets}),
        partial: true,
        ..Object::default()
    })
}

pub fn endpoints(level: &Level<'_>) -> Value {
    let subsets = level.below("Subsets");
    let ips = |key: &str| -> Vec<Value> {
        let text = subsets.0.iter().flat_map(flatten).find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        text.split(',').map(str::trim).filter(|ip| !super::tree::present(ip).is_empty()).map(|ip| json!({"ip": ip})).collect()
    };
    let (ready, not_ready) = (ips("Addresses:"), ips("NotReadyAddresses:"));
    if ready.is_empty() && not_ready.is_empty() {
        return json!({"subsets": []});
    }
    json!({"subsets": [{"addresses": ready, "notReadyAddresses": not_ready}]})
}

pub fn endpoint_slice(level: &Level<'_>) -> Value {
    let lines: Vec<&str> = level.below("Endpoints").0.iter().flat_map(flatten).collect();
    let mut endpoints: Vec<Value> = Vec::new();
    for line in lines {
        let Some((key, value)) = line.split_once(':') else { continue };
        match (key.trim_start_matches("- "), value.trim()) {
            ("Addresses", value) => {
                endpoints.push(json!({"addresses": value.split(',').map(str::trim).collect::<Vec<_>>(), "conditions": {}}))
            }
            ("Ready", value) => {
                if let Some(conditions) =
                    endpoints.last_mut().and_then(|endpoint| endpoint.get_mut("conditions")).and_then(Value::as_object_mut)
                {
                    conditions.insert("ready".to_owned(), (value == "true").into());
                }
            }
            _ => {}
        }
    }
    json!({"endpoints": endpoints, "addressType": level.value("AddressType")})
}

pub fn ingress(level: &Level<'_>) -> Value {
    let mut rules: Vec<Value> = Vec::new();
    let mut host = String::new();
    for line in level.below("Rules").0.iter().flat_map(flatten) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(backend) = words
            .iter()
            .position(|word| word.starts_with('/'))
            .and_then(|at| words.get(at + 1))
            .or_else(|| words.iter().find(|word| word.contains(':') && line.contains('(')))
        else {
            if let [name] = words.as_slice() {
                host = (*name).to_owned();
            }
            continue;
        };
        if words.first() == Some(&"Host") || words.first() == Some(&"----") {
            continue;
        }
        let path = words.iter().find(|word| word.starts_with('/')).copied().unwrap_or("/");
        let (name, port) = backend.split_once(':').unwrap_or((backend, ""));
        let port = port.parse::<u64>().map_or_else(|_| json!({"name": port}), |number| json!({"number": number}));
        rules.push(json!({"host": host, "http": {"paths": [{"path": path, "backend": {"service": {"name": name, "port": port}},
            "describedBackend": line.split_once('(').map(|(_, rest)| rest.trim_end_matches(')')).unwrap_or_default()}]}}));
    }
    let tls: Vec<Value> = level
        .below("TLS")
        .0
        .iter()
        .filter_map(|node| node.raw.split_once(" terminates "))
        .map(|(secret, hosts)| json!({"secretName": secret.trim(), "hosts": hosts.split(',').map(str::trim).collect::<Vec<_>>()}))
        .collect();
    let class = ["Ingress Class", "Class"].iter().map(|key| level.value(key)).find(|class| !class.is_empty()).unwrap_or_default();
    json!({"spec": {"ingressClassName": class, "rules": rules, "tls": tls}, "status": {"loadBalancer": {"ingress": address(level)}}})
}

fn address(level: &Level<'_>) -> Value {
    let address = level.value("Address");
    if address.is_empty() { json!([]) } else { json!([{"ip": address}]) }
}

pub fn policy(level: &Level<'_>) -> Value {
    let spec = level.below("Spec");
    let selector = spec.0.iter().find(|node| node.key == "PodSelector");
    let types: Vec<&str> = spec.value("Policy Types").split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let mut out = json!({"podSelector": {"matchLabels": selector.map(labels).unwrap_or_else(|| json!({}))}, "policyTypes": types});
    for (key, field, peers) in [("Allowing ingress traffic", "ingress", "from"), ("Allowing egress traffic", "egress", "to")] {
        if let Some(node) = spec.node(key)
            && let Some(map) = out.as_object_mut()
        {
            map.insert(field.to_owned(), rules(node, peers));
        }
    }
    json!({"spec": out})
}

fn labels(node: &Node) -> Value {
    let lines = std::iter::once(node.value.as_str()).chain(node.children.iter().map(|child| child.raw.as_str()));
    Value::Object(
        lines
            .flat_map(|line| line.split(','))
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), Value::from(value.trim())))
            .collect(),
    )
}

/// `To Port: 80/TCP`, `From: PodSelector: app=web`, separated by dashes; `<none> (… isolated …)` means no rule at all.
fn rules(node: &Node, peers: &str) -> Value {
    let lines: Vec<&str> = node.children.iter().flat_map(flatten).collect();
    if lines.first().is_none_or(|line| line.starts_with("<none>")) {
        return json!([]);
    }
    let mut rules: Vec<(Vec<Value>, Vec<Value>)> = vec![(Vec::new(), Vec::new())];
    for line in lines {
        if line.bytes().all(|b| b == b'-') {
            rules.push((Vec::new(), Vec::new()));
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        let Some((ports, targets)) = rules.last_mut() else { continue };
        let selector = || {
            let map: serde_json::Map<String, Value> = value
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .map(|(k, v)| (k.trim().to_owned(), Value::from(v.trim())))
                .collect();
            json!({"matchLabels": map})
        };
        match key {
            "To Port" => {
                if let Some((port, protocol)) = value.trim().split_once('/') {
                    ports.push(json!({"port": port.parse::<u64>().map_or_else(|_| Value::from(port), Value::from), "protocol": protocol}));
                }
            }
            "PodSelector" => targets.push(json!({"podSelector": selector()})),
            "NamespaceSelector" => targets.push(json!({"namespaceSelector": selector()})),
            "IPBlock" => targets.push(json!({"ipBlock": {}})),
            "CIDR" => {
                if let Some(block) = targets.last_mut().and_then(|peer| peer.get_mut("ipBlock")).and_then(Value::as_object_mut) {
                    block.insert("cidr".to_owned(), value.trim().into());
                }
            }
            _ => {}
        }
    }
    rules
        .into_iter()
        .map(|(ports, targets)| {
            let mut rule = serde_json::Map::new();
            if !ports.is_empty() {
                rule.insert("ports".to_owned(), ports.into());
            }
            if !targets.is_empty() {
                rule.insert(peers.to_owned(), targets.into());
            }
            Value::Object(rule)
        })
        .collect()
}
