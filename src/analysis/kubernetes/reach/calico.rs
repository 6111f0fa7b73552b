//! Calico's policies: selectors are expressions, rules have an action, the first that fits decides.

use serde_json::Value;

use super::{
    policy::{Kind, Policy},
    rules::{Peer, Port, Rule},
};
use crate::analysis::kubernetes::{
    Thing,
    value::{int, list, text},
};

/// Reads a policy.
pub fn read<'a>(thing: &Thing<'a>) -> Option<Policy<'a>> {
    let types = thing.list("/spec/types");
    let has = |name: &str, path: &str| {
        types.iter().any(|kind| kind.as_str() == Some(name)) || types.is_empty() && thing.body.pointer(path).is_some()
    };
    let rules = |path: &str, other: &str| -> Vec<Rule> { thing.list(path).iter().filter_map(|one| rule(one, other)).collect() };
    Some(Policy {
        thing: thing.clone(),
        kind: Kind::Calico,
        selector: Value::from(thing.text("/spec/selector")),
        is_global: thing.kind == "GlobalNetworkPolicy",
        order: thing.body.pointer("/spec/order").and_then(Value::as_f64).unwrap_or(f64::MAX),
        ingress: has("Ingress", "/spec/ingress").then(|| rules("/spec/ingress", "source")),
        egress: has("Egress", "/spec/egress").then(|| rules("/spec/egress", "destination")),
    })
}

fn rule(value: &Value, other: &str) -> Option<Rule> {
    let allow = match text(value, "/action") {
        "Allow" => true,
        "Deny" => false,
        // what is logged or passed on is decided elsewhere
        _ => return None,
    };
    let end = value.get(other).unwrap_or(&Value::Null);
    let mut peers: Vec<Peer> =
        list(end, "/nets").iter().filter_map(Value::as_str).map(|cidr| Peer::Block { cidr: cidr.to_owned(), except: Vec::new() }).collect();
    let (selector, namespaces) = (text(end, "/selector"), text(end, "/namespaceSelector"));
    if !selector.is_empty() || !namespaces.is_empty() {
        peers.push(Peer::Expression { pods: selector.to_owned(), namespaces: namespaces.to_owned() });
    }
    if ["notNets", "notSelector", "domains", "services", "serviceAccounts"].iter().any(|key| end.get(*key).is_some()) {
        peers.push(Peer::Unknown);
    }
    // ports are always the server's
    let protocol = value.get("protocol").and_then(Value::as_str).unwrap_or("ANY").to_ascii_uppercase();
    let mut ports: Vec<Port> = list(value, "/destination/ports").iter().map(|one| port(one, &protocol)).collect();
    if ports.is_empty() && protocol != "ANY" {
        ports.push(Port { from: Some(1), until: Some(65_535), name: String::new(), protocol });
    }
    Some(Rule { allow, peers, ports })
}

/// `80`, `"8000:9000"`, `"http"`.
fn port(value: &Value, protocol: &str) -> Port {
    let protocol = protocol.to_owned();
    if let Some(number) = int(&serde_json::json!({ "port": value }), "/port") {
        return Port { from: Some(number), until: Some(number), name: String::new(), protocol };
    }
    let words = value.as_str().unwrap_or("");
    match words.split_once(':').and_then(|(from, until)| Some((from.parse().ok()?, until.parse().ok()?))) {
        Some((from, until)) => Port { from: Some(from), until: Some(until), name: String::new(), protocol },
        None => Port { from: None, until: None, name: words.to_owned(), protocol },
    }
}

/// Whether labels fit an expression; `None` when it says more than is understood here.
pub fn fits(expression: &str, labels: Option<&Value>) -> Option<bool> {
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    if expression.contains("||") || expression.contains('(') && !expression.contains("has(") && !expression.contains("all()") {
        return None;
    }
    let mut all = true;
    for part in expression.split("&&").map(str::trim).filter(|part| !part.is_empty()) {
        let bare = |word: &str| word.trim().trim_matches(['\'', '"']).to_owned();
        let one = if part == "all()" {
            true
        } else if let Some(key) = part.strip_prefix("has(").and_then(|rest| rest.strip_suffix(')')) {
            label(key.trim()).is_some()
        } else if let Some(key) = part.strip_prefix("!has(").and_then(|rest| rest.strip_suffix(')')) {
            label(key.trim()).is_none()
        } else if let Some((key, value)) = part.split_once("==") {
            label(key.trim()) == Some(bare(value).as_str())
        } else if let Some((key, value)) = part.split_once("!=") {
            label(key.trim()) != Some(bare(value).as_str())
        } else if let Some((key, values)) = part.split_once(" in ") {
            let found = label(key.trim().trim_end_matches(" not"));
            let listed = values.trim().trim_matches(['{', '}']).split(',').any(|value| found == Some(bare(value).as_str()));
            listed != key.trim().ends_with(" not")
        } else {
            return None;
        };
        all &= one;
    }
    Some(all)
}
