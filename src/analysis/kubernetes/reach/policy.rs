//! Policies of three kinds in one shape.

use serde_json::{Map, Value};

use super::{
    calico,
    rules::{Peer, Port, Rule},
};
use crate::analysis::kubernetes::{
    Cluster, Thing,
    value::{int, list, map, text},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ingress,
    Egress,
}

/// How the rules of several policies work together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What one allows is allowed; what none allows is denied.
    Kubernetes,
    /// The same, and what one denies is denied.
    Cilium,
    /// The first rule that fits decides, in the order of the policies.
    Calico,
}

/// A policy.
pub struct Policy<'a> {
    pub thing: Thing<'a>,
    pub kind: Kind,
    /// Which pods it is about; Calico's as an expression.
    pub selector: Value,
    /// For all namespaces.
    pub is_global: bool,
    pub order: f64,
    /// `None` where it says nothing about the direction.
    pub ingress: Option<Vec<Rule>>,
    pub egress: Option<Vec<Rule>>,
}

impl Policy<'_> {
    pub fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }
}

/// Every policy of the evidence that is shown whole.
pub fn all<'a>(cluster: &Cluster<'a>) -> Vec<Policy<'a>> {
    let mut out = Vec::new();
    for thing in cluster.all("NetworkPolicy").filter(|thing| !thing.partial) {
        out.extend(if is_calico(thing) { calico::read(thing) } else { Some(kubernetes(thing)) });
    }
    out.extend(cluster.all("GlobalNetworkPolicy").filter(|thing| !thing.partial).filter_map(calico::read));
    for kind in ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"] {
        out.extend(cluster.all(kind).filter(|thing| !thing.partial).map(cilium));
    }
    out.sort_by(|a: &Policy<'_>, b| a.order.total_cmp(&b.order));
    out
}

/// Calico's own policies have Kubernetes' kind.
pub fn is_calico(thing: &Thing<'_>) -> bool {
    thing.text("/apiVersion").contains("projectcalico.org")
}

fn kubernetes<'a>(thing: &Thing<'a>) -> Policy<'a> {
    let types = thing.list("/spec/policyTypes");
    let has = |name: &str| {
        types.iter().any(|kind| kind.as_str() == Some(name))
            || types.is_empty() && (name == "Ingress" || thing.body.pointer("/spec/egress").is_some())
    };
    let rules = |path: &str, peers: &str| -> Vec<Rule> {
        let read = |rule: &Value| Rule {
            allow: true,
            peers: list(rule, peers).iter().map(peer).collect(),
            ports: list(rule, "/ports").iter().map(port).collect(),
        };
        thing.list(path).iter().map(read).collect()
    };
    Policy {
        thing: thing.clone(),
        kind: Kind::Kubernetes,
        selector: thing.body.pointer("/spec/podSelector").cloned().unwrap_or_default(),
        is_global: false,
        order: 0.0,
        ingress: has("Ingress").then(|| rules("/spec/ingress", "/from")),
        egress: has("Egress").then(|| rules("/spec/egress", "/to")),
    }
}

fn peer(value: &Value) -> Peer {
    if let Some(block) = value.get("ipBlock") {
        let except = list(block, "/except").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        return Peer::Block { cidr: text(block, "/cidr").to_owned(), except };
    }
    Peer::Pods { namespaces: value.get("namespaceSelector").cloned(), pods: value.get("podSelector").cloned().unwrap_or_default() }
}

fn port(value: &Value) -> Port {
    let number = int(value, "/port");
    Port {
        from: number,
        until: int(value, "/endPort").or(number),
        name: if number.is_none() { text(value, "/port").to_owned() } else { String::new() },
        protocol: match text(value, "/protocol") {
            "" => "TCP".to_owned(),
            protocol => protocol.to_ascii_uppercase(),
        },
    }
}

fn cilium<'a>(thing: &Thing<'a>) -> Policy<'a> {
    let specs: Vec<&Value> = thing.body.get("spec").into_iter().chain(thing.list("/specs")).collect();
    let side = |allow: &str, deny: &str, ends: &[&str]| -> Option<Vec<Rule>> {
        let has = specs.iter().any(|spec| spec.get(allow).is_some() || spec.get(deny).is_some());
        let read = |key: &str, allow: bool| -> Vec<Rule> {
            specs.iter().flat_map(|spec| list(spec, &format!("/{key}"))).map(|rule| cilium_rule(rule, allow, ends)).collect()
        };
        has.then(|| read(deny, false).into_iter().chain(read(allow, true)).collect())
    };
    Policy {
        thing: thing.clone(),
        kind: Kind::Cilium,
        selector: plain(specs.first().and_then(|spec| spec.get("endpointSelector"))),
        is_global: thing.kind == "CiliumClusterwideNetworkPolicy",
        order: 0.0,
        ingress: side("ingress", "ingressDeny", &["fromEndpoints", "fromEntities", "fromCIDR", "fromCIDRSet"]),
        egress: side("egress", "egressDeny", &["toEndpoints", "toEntities", "toCIDR", "toCIDRSet", "toFQDNs", "toServices"]),
    }
}

fn cilium_rule(rule: &Value, allow: bool, ends: &[&str]) -> Rule {
    let mut peers = Vec::new();
    for key in ends {
        for end in list(rule, &format!("/{key}")) {
            peers.push(match (*key, end) {
                ("fromEndpoints" | "toEndpoints", end) => endpoint(end),
                ("fromEntities" | "toEntities", Value::String(word)) => match word.as_str() {
                    "all" => Peer::Anything,
                    "world" => Peer::World,
                    "cluster" => Peer::Cluster,
                    _ => Peer::Unknown,
                },
                ("fromCIDR" | "toCIDR", Value::String(cidr)) => Peer::Block { cidr: cidr.clone(), except: Vec::new() },
                ("fromCIDRSet" | "toCIDRSet", set) => Peer::Block {
                    cidr: text(set, "/cidr").to_owned(),
                    except: list(set, "/except").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                },
                _ => Peer::Unknown,
            });
        }
        // an empty list of peers lets nobody in, and that is not the same as none
        if rule.get(*key).and_then(Value::as_array).is_some_and(Vec::is_empty) {
            peers.push(Peer::Nobody);
        }
    }
    let ports = list(rule, "/toPorts").iter().flat_map(|one| list(one, "/ports")).map(|value| {
        let mut read = port(value);
        if text(value, "/protocol").is_empty() || read.protocol == "ANY" {
            "ANY".clone_into(&mut read.protocol);
        }
        read
    });
    Rule { allow, peers, ports: ports.collect() }
}

/// An endpoint selector; its namespace is a label.
fn endpoint(value: &Value) -> Peer {
    let mut selector = plain(Some(value));
    let namespace = selector
        .get_mut("matchLabels")
        .and_then(Value::as_object_mut)
        .and_then(|labels| labels.shift_remove("io.kubernetes.pod.namespace"))
        .map(|name| serde_json::json!({"matchLabels": {"kubernetes.io/metadata.name": name}}));
    let foreign = map(&selector, "/matchLabels").is_some_and(|labels| labels.keys().any(|key| key.contains(':') || key.starts_with("io.")));
    if foreign { Peer::Unknown } else { Peer::Pods { namespaces: namespace, pods: selector } }
}

/// A selector without Cilium's sources before the labels' names.
fn plain(selector: Option<&Value>) -> Value {
    let Some(selector) = selector else { return Value::Null };
    let mut out = selector.clone();
    if let Some(labels) = map(selector, "/matchLabels") {
        let bare = |key: &str| key.trim_start_matches("k8s:").trim_start_matches("any:").to_owned();
        let labels: Map<String, Value> = labels.iter().map(|(key, value)| (bare(key), value.clone())).collect();
        if let Some(slot) = out.get_mut("matchLabels") {
            *slot = Value::Object(labels);
        }
    }
    out
}
