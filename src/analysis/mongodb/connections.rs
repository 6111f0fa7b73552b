//! Connections: the limit, storms, failed logins.

use std::collections::BTreeMap;

use super::{
    super::{Finding, Role},
    entry::{Entry, Node, seconds},
};
use crate::model::Category;

/// A spike of half again within a quarter of an hour is a storm (mongo-ftdc assessment); below this many it is daily life.
const STORM: f64 = 200.0;
/// Failed logins of one user that are more than a typing error.
const FAILED_LOGINS: usize = 3;

pub fn check(node: &Node<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(limit(node).or_else(|| storm(node)));
    found.extend(logins(node));
    found
}

fn accepted<'a>(node: &'a Node<'_>) -> Vec<Entry<'a>> {
    let is =
        |entry: &&Entry<'_>| entry.id == 22943 || entry.msg.starts_with("connection accepted from") || entry.msg == "Connection accepted";
    node.entries.iter().filter(is).copied().collect()
}

/// How many connections are open, as an accepting line says.
fn open(entry: &Entry<'_>) -> Option<f64> {
    entry.number(&["connectionCount"]).or_else(|| {
        let (_, tail) = entry.msg.rsplit_once('(')?;
        tail.split(' ').next()?.parse().ok()
    })
}

/// The client's host of an accepting line.
fn remote<'a>(entry: &Entry<'a>) -> &'a str {
    let address = entry
        .text(&["remote"])
        .or_else(|| entry.msg.strip_prefix("connection accepted from ").and_then(|rest| rest.split(' ').next()))
        .unwrap_or("");
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

/// The client that opened most, and how many.
fn loudest(entries: &[Entry<'_>]) -> Option<(String, usize)> {
    let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        *hosts.entry(remote(entry)).or_default() += 1;
    }
    hosts.into_iter().filter(|(host, _)| !host.is_empty()).max_by_key(|(_, count)| *count).map(|(host, count)| (host.to_owned(), count))
}

fn limit(node: &Node<'_>) -> Option<Finding> {
    let words = [
        "too many open connections",
        "can't create new thread, closing connection",
        "pthread_create failed",
        "maxincomingconnections exceeded",
        "connection limit",
    ];
    let refused: Vec<Entry<'_>> =
        node.entries.iter().filter(|entry| entry.id == 22942 || words.iter().any(|word| entry.says(word))).copied().collect();
    let first = refused.first()?;
    let accepted = accepted(node);
    let peak = accepted.iter().chain(&refused).filter_map(open).fold(0.0, f64::max);
    let who = loudest(&accepted)
        .map(|(host, count)| format!("; {count} of the connections accepted before came from {host}"))
        .unwrap_or_default();
    let at = if peak > 0.0 { format!(" at {peak:.0} connections") } else { String::new() };
    let mut seen = vec![node.seen(
        &refused,
        format!(
            "{} connection{} refused because there are too many open connections{at}",
            refused.len(),
            if refused.len() == 1 { "" } else { "s" }
        ),
        true,
    )];
    if !accepted.is_empty() {
        seen.push(node.seen(
            &accepted,
            format!("{} connections accepted in this log, {} open at the peak{who}", accepted.len(), peak),
            false,
        ));
    }
    Some(Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category: Category::ConnectionLimit,
        role: Role::Cause,
        entity: node.entity(),
        statement: format!("MongoDB {} has too many open connections: it reached its connection limit{at} and refuses new ones{who}", node.name),
        seen,
        decisive: true,
        strength: 0.95,
        since: first.time(),
        falsifier: format!("`db.serverStatus().connections` on {} shows available connections at that time", node.name),
        remediation: vec![
            "Find the clients that hold them: `db.currentOp(true).inprog` grouped by `client`; restart the one that leaks".to_owned(),
            "Lower maxPoolSize per client (pools × instances must stay below net.maxIncomingConnections), or raise the limit and the open files limit".to_owned(),
        ],
        prevention: vec!["Alert at 75 % of connections used; one MongoClient per process".to_owned()],
    })
}

/// Many connections opened within a minute, without a refusal.
fn storm(node: &Node<'_>) -> Option<Finding> {
    let accepted = accepted(node);
    let mut start = 0;
    let mut best = (0, 0, 0);
    for (end, entry) in accepted.iter().enumerate() {
        let Some(time) = entry.time() else { continue };
        while accepted.get(start).and_then(Entry::time).is_some_and(|early| seconds(early, time) > 60.0) {
            start += 1;
        }
        if end + 1 - start > best.0 {
            best = (end + 1 - start, start, end);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of lines")]
    if (best.0 as f64) < STORM {
        return None;
    }
    let window = accepted.get(best.1..=best.2)?;
    let open_before = window.first().and_then(open).unwrap_or(0.0);
    let peak = window.iter().filter_map(open).fold(0.0, f64::max);
    if peak < open_before * 1.5 {
        return None;
    }
    let who = loudest(window).map(|(host, count)| format!(", {count} of them from {host}")).unwrap_or_default();
    Some(Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category: Category::ConnectionLimit,
        role: Role::Cause,
        entity: node.entity(),
        statement: format!(
            "A connection storm hit MongoDB {}: {} connections within a minute{who}, {open_before:.0} → {peak:.0} open",
            node.name, best.0
        ),
        seen: vec![node.seen(window, format!("{} connections accepted within a minute{who}", best.0), false)],
        decisive: false,
        strength: 0.65,
        since: window.first().and_then(Entry::time),
        falsifier: "the clients' own pools show no new connections at that time".to_owned(),
        remediation: vec!["Look at what the client did at that minute (restart, failover, timeouts that open new connections)".to_owned()],
        prevention: vec!["Limit maxConnecting and maxPoolSize; let clients back off before they reconnect".to_owned()],
    })
}

fn logins(node: &Node<'_>) -> Option<Finding> {
    let failed: Vec<Entry<'_>> = node
        .entries
        .iter()
        .filter(|entry| {
            entry.id == 20249
                || entry.id == 5286307
                || (entry.msg.starts_with("Authentication failed")
                    || entry.msg.contains("authentication failed for ")
                    || entry.msg.starts_with("Failed to authenticate "))
        })
        .copied()
        .collect();
    if failed.len() < FAILED_LOGINS {
        return None;
    }
    let first = failed.first()?;
    let user =
        first.text(&["principalName"]).or_else(|| first.text(&["user"])).map_or_else(|| word_after(first.msg, " for "), str::to_owned);
    let from = first.text(&["client"]).or_else(|| first.text(&["remote"])).unwrap_or("").to_owned();
    let reason = first.text(&["error"]).or_else(|| first.text(&["result"])).unwrap_or("");
    Some(Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category: Category::Authentication,
        role: Role::Cause,
        entity: node.entity(),
        statement: format!(
            "Authentication as {user} fails on MongoDB {} ({} attempts{})",
            node.name,
            failed.len(),
            if from.is_empty() { String::new() } else { format!(", first from {from}") }
        ),
        seen: vec![node.seen(&failed, format!("{} failed logins of {user}: {reason}", failed.len()), true)],
        decisive: false,
        strength: 0.75,
        since: first.time(),
        falsifier: format!("`mongosh --host {} -u {user}` logs in with the client's secret", node.name),
        remediation: vec![format!(
            "Compare the client's credentials and authSource with `db.getUser(\"{user}\")`; rotate the secret where they differ"
        )],
        prevention: vec!["Rotate database secrets and clients together".to_owned()],
    })
}

fn word_after(text: &str, mark: &str) -> String {
    text.split_once(mark).map_or("", |(_, rest)| rest.split([' ', ',', ';']).next().unwrap_or("")).to_owned()
}
