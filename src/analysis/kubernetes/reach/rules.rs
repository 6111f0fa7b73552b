//! Does a rule fit a connection?

use std::{borrow::Cow, net::IpAddr};

use serde_json::{Value, json};

use super::{
    calico,
    policy::{Direction, Kind, Policy},
};
use crate::analysis::kubernetes::{
    Cluster, Thing,
    value::{int, list, map, selects, text},
};

/// One rule: who, on which ports; nothing means everybody and all.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub allow: bool,
    pub peers: Vec<Peer>,
    pub ports: Vec<Port>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Peer {
    Pods {
        namespaces: Option<Value>,
        pods: Value,
    },
    Expression {
        pods: String,
        namespaces: String,
    },
    Block {
        cidr: String,
        except: Vec<String>,
    },
    Anything,
    Cluster,
    World,
    Nobody,
    /// Something that is not understood here: it may fit.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub from: Option<i64>,
    pub until: Option<i64>,
    pub name: String,
    pub protocol: String,
}

/// One end of a connection.
#[derive(Debug, Clone)]
pub struct End<'t> {
    /// The pod, or the Service whose pods nobody shows.
    thing: Option<&'t Thing<'t>>,
    namespace: String,
    labels: Option<Cow<'t, Value>>,
    namespace_labels: Option<Value>,
    address: Option<IpAddr>,
}

/// What is asked of whom.
pub struct Asked<'e> {
    pub port: Option<i64>,
    pub protocol: &'static str,
    pub server: &'e End<'e>,
}

/// A policy that refuses, and why in words.
pub struct Refusal<'p, 'a> {
    pub policy: &'p Policy<'a>,
    pub why: String,
}

impl<'t> End<'t> {
    pub fn pod(cluster: &Cluster<'_>, pod: &'t Thing<'t>) -> Self {
        Self {
            thing: Some(pod),
            namespace: pod.namespace.clone(),
            labels: pod.labels().map(Cow::Borrowed),
            namespace_labels: namespace_labels(cluster, &pod.namespace),
            address: pod.text("/status/podIP").parse().ok(),
        }
    }

    /// A pod as a Service wants it.
    pub fn of_service(cluster: &Cluster<'_>, service: &'t Thing<'t>, selector: &'t Value) -> Self {
        Self {
            thing: Some(service),
            namespace: service.namespace.clone(),
            labels: Some(Cow::Borrowed(selector)),
            namespace_labels: namespace_labels(cluster, &service.namespace),
            address: None,
        }
    }

    pub fn outside(address: Option<IpAddr>) -> Self {
        Self { thing: None, namespace: String::new(), labels: None, namespace_labels: None, address }
    }

    pub fn words(&self) -> String {
        self.thing.map_or_else(|| self.address.map(|address| address.to_string()).unwrap_or_default(), |thing| thing.path())
    }

    /// The number behind a container's named port.
    pub fn named_port(&self, name: &str) -> Option<i64> {
        let containers = self.thing.map(|thing| thing.list("/spec/containers")).unwrap_or_default();
        containers
            .iter()
            .flat_map(|container| list(container, "/ports"))
            .find(|port| text(port, "/name") == name)
            .and_then(|port| int(port, "/containerPort"))
    }

    fn is_pod(&self) -> bool {
        self.thing.is_some()
    }
}

/// The labels of a namespace. Source: Kubernetes gives every namespace its own name as a label.
fn namespace_labels(cluster: &Cluster<'_>, namespace: &str) -> Option<Value> {
    let mut labels = match cluster.get("Namespace", "", namespace) {
        Some(found) => found.labels().cloned().unwrap_or_else(|| json!({})),
        None => return None,
    };
    if let Some(map) = labels.as_object_mut() {
        map.entry("kubernetes.io/metadata.name").or_insert_with(|| Value::from(namespace));
    }
    Some(labels)
}

/// Addresses that are nobody's in the Internet.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local(),
    }
}

/// The policy that refuses the connection on the side of `own`; `None` when it is allowed, or not known to be refused.
pub fn refusal<'p, 'a>(
    policies: &'p [Policy<'a>],
    direction: Direction,
    own: &End<'_>,
    other: &End<'_>,
    asked: &Asked<'_>,
) -> Option<Refusal<'p, 'a>> {
    if !own.is_pod() {
        return None;
    }
    [Kind::Kubernetes, Kind::Cilium, Kind::Calico].into_iter().find_map(|kind| {
        let mut about: Vec<(&Policy<'_>, &[Rule])> = Vec::new();
        for policy in policies.iter().filter(|policy| policy.kind == kind) {
            let Some(rules) = policy.rules(direction) else { continue };
            if selected(policy, own)? {
                about.push((policy, rules));
            }
        }
        let (policy, _) = about.first()?;
        let mut denied: Option<(&Policy<'_>, String)> = None;
        for (policy, rules) in &about {
            for rule in *rules {
                // what may fit is taken as allowed
                let fits = fits(rule, policy, own, other, asked);
                if fits != Some(false) && rule.allow {
                    if denied.is_none() || kind == Kind::Kubernetes {
                        return None;
                    }
                } else if fits == Some(true) && denied.is_none() {
                    denied = Some((policy, format!("a rule denies {}", words(rule))));
                }
            }
        }
        if let Some((policy, why)) = denied {
            return Some(Refusal { policy, why });
        }
        let all: Vec<&Rule> = about.iter().flat_map(|(_, rules)| rules.iter()).collect();
        // the policy whose rule comes nearest is the one to change
        let near = about.iter().find(|(policy, rules)| rules.iter().any(|rule| peers_fit(rule, policy, own, other) == Some(true)));
        let closed = about.iter().find(|(_, rules)| rules.is_empty());
        let policy = near.or(closed).map_or(*policy, |(policy, _)| *policy);
        Some(Refusal { policy, why: why(&all, near.is_some(), policy, own, other, asked) })
    })
}

fn why(rules: &[&Rule], near: bool, policy: &Policy<'_>, own: &End<'_>, other: &End<'_>, asked: &Asked<'_>) -> String {
    if rules.is_empty() {
        return "it has no rule (default deny)".to_owned();
    }
    if near {
        let ports: Vec<String> = rules
            .iter()
            .filter(|rule| peers_fit(rule, policy, own, other) == Some(true))
            .flat_map(|rule| &rule.ports)
            .map(port_words)
            .collect();
        let wanted =
            asked.port.map(|port| format!(", and the connection is to port {port}/{} of the pod", asked.protocol)).unwrap_or_default();
        return format!("it allows this peer only on port {}{wanted}", ports.join(", "));
    }
    let allowed: Vec<String> = rules.iter().take(4).map(|rule| words(rule)).collect();
    let all_together = if policy_is_closed(policy, rules) { "it denies all, and the others allow only" } else { "it allows only" };
    format!("{all_together} {}", allowed.join("; "))
}

/// It has no rule of its own among those that count.
fn policy_is_closed(policy: &Policy<'_>, rules: &[&Rule]) -> bool {
    let own = policy.ingress.iter().chain(&policy.egress).flatten();
    own.filter(|rule| rules.contains(rule)).count() == 0
}

/// Which pods a policy is about; `None` where its expression is not understood.
fn selected(policy: &Policy<'_>, end: &End<'_>) -> Option<bool> {
    if !policy.is_global && policy.thing.namespace != end.namespace {
        return Some(false);
    }
    match &policy.selector {
        Value::String(expression) => calico::fits(expression, end.labels.as_deref()),
        selector => Some(selects(selector, end.labels.as_deref())),
    }
}

fn fits(rule: &Rule, policy: &Policy<'_>, own: &End<'_>, other: &End<'_>, asked: &Asked<'_>) -> Option<bool> {
    let ports = port_fits(rule, asked);
    let peers = peers_fit(rule, policy, own, other);
    match (ports, peers) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn port_fits(rule: &Rule, asked: &Asked<'_>) -> Option<bool> {
    if rule.ports.is_empty() {
        return Some(true);
    }
    let same: Vec<&Port> = rule.ports.iter().filter(|port| port.protocol == "ANY" || port.protocol == asked.protocol).collect();
    if same.is_empty() {
        return Some(false);
    }
    let wanted = asked.port?;
    let one = |port: &&Port| match (port.from, port.until) {
        (Some(from), Some(until)) => Some((from..=until).contains(&wanted)),
        _ if port.name.is_empty() => Some(true),
        _ => asked.server.named_port(&port.name).map(|number| number == wanted),
    };
    any(same.iter().map(one))
}

fn peers_fit(rule: &Rule, policy: &Policy<'_>, own: &End<'_>, other: &End<'_>) -> Option<bool> {
    if rule.peers.is_empty() {
        return Some(true);
    }
    any(rule.peers.iter().map(|peer| peer_fits(peer, policy, own, other)))
}

/// One that fits is enough; one that may fit leaves it open.
fn any(each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut open = false;
    for one in each {
        match one {
            Some(true) => return Some(true),
            None => open = true,
            Some(false) => {}
        }
    }
    if open { None } else { Some(false) }
}

fn peer_fits(peer: &Peer, policy: &Policy<'_>, own: &End<'_>, other: &End<'_>) -> Option<bool> {
    match peer {
        Peer::Anything => Some(true),
        Peer::Nobody => Some(false),
        Peer::Unknown => None,
        Peer::Cluster => Some(other.is_pod()),
        Peer::World => Some(!other.is_pod()),
        Peer::Pods { namespaces, pods } => {
            if !other.is_pod() {
                return Some(false);
            }
            let place = match namespaces {
                None if policy.is_global => Some(true),
                None => Some(other.namespace == own.namespace),
                Some(selector) => in_namespaces(selector, other),
            };
            both(place, Some(selects(pods, other.labels.as_deref())))
        }
        Peer::Expression { pods, namespaces } => {
            if !other.is_pod() {
                return Some(false);
            }
            let place = match namespaces.as_str() {
                "" => Some(policy.is_global || other.namespace == own.namespace),
                expression => other.namespace_labels.as_ref().and_then(|labels| calico::fits(expression, Some(labels))),
            };
            both(place, calico::fits(pods, other.labels.as_deref()))
        }
        Peer::Block { cidr, except } => match other.address {
            None if other.is_pod() => None,
            None => (cidr != "0.0.0.0/0").then_some(false).or(None),
            Some(address) => Some(contains(cidr, address)? && !except.iter().any(|part| contains(part, address) == Some(true))),
        },
    }
}

fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// A namespace that the evidence does not show has its name as a label, and others that are not known.
fn in_namespaces(selector: &Value, other: &End<'_>) -> Option<bool> {
    if let Some(labels) = &other.namespace_labels {
        return Some(selects(selector, Some(labels)));
    }
    let by_name = map(selector, "/matchLabels").and_then(|labels| labels.get("kubernetes.io/metadata.name")).and_then(Value::as_str);
    match by_name {
        Some(name) if name != other.namespace => Some(false),
        _ if map(selector, "/matchLabels").is_none_or(serde_json::Map::is_empty) && list(selector, "/matchExpressions").is_empty() => {
            Some(true)
        }
        _ => None,
    }
}

/// Whether an address is in a block; `None` for a block that is none.
fn contains(cidr: &str, address: IpAddr) -> Option<bool> {
    let (base, length) = cidr.split_once('/').unwrap_or((cidr, if address.is_ipv4() { "32" } else { "128" }));
    let length: u32 = length.parse().ok()?;
    match (base.parse::<IpAddr>().ok()?, address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(length)?).unwrap_or(0);
            Some(base.to_bits() & mask == address.to_bits() & mask)
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?).unwrap_or(0);
            Some(base.to_bits() & mask == address.to_bits() & mask)
        }
        _ => Some(false),
    }
}

fn port_words(port: &Port) -> String {
    match (port.from, port.until) {
        (Some(from), Some(until)) if from == until => format!("{from}/{}", port.protocol),
        (Some(from), Some(until)) => format!("{from}-{until}/{}", port.protocol),
        _ => format!("{}/{}", port.name, port.protocol),
    }
}

/// A rule as a person says it.
fn words(rule: &Rule) -> String {
    let labels = |selector: &Value| {
        let pairs = map(selector, "/matchLabels").into_iter().flatten();
        let words: Vec<String> = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        if words.is_empty() { "any label".to_owned() } else { words.join(",") }
    };
    let peer = |peer: &Peer| match peer {
        Peer::Pods { namespaces: Some(namespaces), pods } => {
            format!("pods with {} in namespaces with {}", labels(pods), labels(namespaces))
        }
        Peer::Pods { namespaces: None, pods } => format!("pods with {}", labels(pods)),
        Peer::Expression { pods, namespaces } if namespaces.is_empty() => format!("pods with {pods}"),
        Peer::Expression { pods, namespaces } => format!("pods with {pods} in namespaces with {namespaces}"),
        Peer::Block { cidr, except } if except.is_empty() => cidr.clone(),
        Peer::Block { cidr, except } => format!("{cidr} except {}", except.join(", ")),
        Peer::Anything => "everybody".to_owned(),
        Peer::Cluster => "the cluster".to_owned(),
        Peer::World => "the world".to_owned(),
        Peer::Nobody => "nobody".to_owned(),
        Peer::Unknown => "others".to_owned(),
    };
    let peers: Vec<String> = rule.peers.iter().map(peer).collect();
    let ports: Vec<String> = rule.ports.iter().map(port_words).collect();
    let who = if peers.is_empty() { "everybody".to_owned() } else { peers.join(" or ") };
    if ports.is_empty() { who } else { format!("{who} on {}", ports.join(", ")) }
}
