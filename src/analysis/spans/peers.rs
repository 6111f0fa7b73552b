//! Servers that write no spans of their own: databases, queues, foreign APIs. The caller's span is all that is known of them,
//! so each call to one gets a span of the server's, and everything that reads spans sees whom the time and the failure belong to.

use std::collections::BTreeSet;

use crate::model::observation::{Observations, SpanKind, TraceSpan};

/// Marks a span that stands for a server without spans: the value is what kind of server it is.
pub const PEER: &str = "sre_agent.peer";
/// How many are added at most. Source: as many spans as are looked at in all.
const MOST: usize = 400_000;

/// Adds the spans that the servers did not write. A second time changes nothing.
pub fn complete(observations: &mut Observations) {
    let known: BTreeSet<String> = observations.spans.iter().map(|span| span.service.to_lowercase()).collect();
    let parents: BTreeSet<(&str, &str)> = observations.spans.iter().map(|span| (span.trace_id.as_str(), span.parent_id.as_str())).collect();
    let is_leaf = |span: &&TraceSpan| !parents.contains(&(span.trace_id.as_str(), span.span_id.as_str()));
    let calls = observations.spans.iter().filter(is_leaf).filter(|span| !span.attributes.contains_key(PEER));
    let served: Vec<TraceSpan> = calls.filter_map(|span| served(span, &known)).take(MOST).collect();
    observations.spans.extend(served);
}

/// The kind of server that a span stands for, when it is one of the added ones.
pub fn kind(span: &TraceSpan) -> Option<&str> {
    span.attributes.get(PEER).map(String::as_str)
}

fn served(span: &TraceSpan, known: &BTreeSet<String>) -> Option<TraceSpan> {
    let get = |keys: &[&str]| keys.iter().find_map(|key| span.attributes.get(*key)).map(String::as_str).filter(|value| !value.is_empty());
    let system = get(&["db.system", "db.system.name", "db.type", "messaging.system"]);
    if !matches!(span.kind, SpanKind::Client | SpanKind::Producer) && (system.is_none() || span.kind != SpanKind::Unknown) {
        return None;
    }
    let server =
        get(&["server.address", "net.peer.name", "peer.hostname", "net.peer.dns", "peer.address", "network.peer.address"]).map(host);
    let asked = get(&["http.url", "url.full"]).and_then(|url| url.split("://").nth(1)).map(host);
    let name = get(&["peer.service"]).or(server.filter(|host| is_name(host))).or(asked.filter(|host| is_name(host))).or(system)?;
    if name.eq_ignore_ascii_case(&span.service) || known.contains(&name.to_lowercase()) {
        return None;
    }
    // an answer that refuses the request is no failure of the server
    let status = get(&["http.response.status_code", "http.status_code"]).unwrap_or("");
    let refused = status.len() == 3 && status.starts_with('4');
    let mut one = span.clone();
    one.attributes.insert(PEER.to_owned(), system.unwrap_or("service").to_owned());
    one.span_id = format!("{}~", span.span_id);
    one.parent_id.clone_from(&span.span_id);
    name.clone_into(&mut one.service);
    one.kind = SpanKind::Server;
    one.instance = String::new();
    if refused {
        one.status = "OK".to_owned();
    }
    Some(one)
}

/// A Kubernetes Service by its own name, any other host as it is; without port and path.
fn host(address: &str) -> &str {
    let end = address.find(['/', ':', '?']).unwrap_or(address.len());
    let host = address.get(..end).unwrap_or(address);
    let in_cluster = host.ends_with(".svc") || host.contains(".svc.") || host.ends_with(".local");
    if in_cluster { host.split('.').next().unwrap_or(host) } else { host }
}

/// Not an address of numbers.
fn is_name(host: &str) -> bool {
    host.len() > 1
        && !host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && !host.starts_with('[')
        && !matches!(host, "localhost" | "unknown")
}

/// What kind of thing such a server is.
pub fn entity_kind(kind: Option<&str>) -> &'static str {
    match kind {
        None | Some("service") => "Service",
        Some("kafka" | "rabbitmq" | "activemq" | "aws_sqs" | "pulsar" | "jms" | "nats") => "Queue",
        Some(_) => "Database",
    }
}
