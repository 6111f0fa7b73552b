//! Why another member became primary: correlated over the logs of all nodes.
//!
//! Two things at the same time are not one thing: an explanation needs the server's own words for the reason of the
//! election (priority takeover, step up request, no primary seen), and only then looks for what set that off.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    super::{Finding, Focus, Role, Seen},
    entry::{Entry, Node, asks_for_primary, contains_ignoring_case as contains, is_named, nearness, seconds, within},
    shutdowns::stop_reason,
};
use crate::model::Category;

/// An election belongs to the change before it for this long: electionTimeoutMillis is 10 s, a priority takeover waits for about as much.
const CHAIN_SECONDS: f64 = 120.0;

fn is_primary(entry: &Entry<'_>) -> bool {
    (entry.id == 21358 && entry.text(&["newState"]) == Some("PRIMARY"))
        || (entry.id == 0 && (entry.msg.starts_with("transition to PRIMARY") || entry.msg == "replSet PRIMARY"))
}

pub fn check(nodes: &[Node<'_>], focus: &Focus) -> Vec<Finding> {
    let mut changes: Vec<(Timestamp, &Node<'_>, Entry<'_>)> = Vec::new();
    for node in nodes {
        changes.extend(node.entries.iter().filter(|entry| is_primary(entry)).filter_map(|entry| Some((entry.time()?, node, *entry))));
    }
    changes.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.name.cmp(&b.1.name)));
    let latest = changes.len().checked_sub(1);
    let nearest = changes.iter().filter_map(|change| nearness(focus, change.0)).fold(0.0, f64::max);
    let mut found = Vec::new();
    for (index, (time, node, entry)) in changes.iter().enumerate() {
        let near = nearness(focus, *time);
        let weight = match near {
            Some(near) => near,
            // without a time in the question only the last change can be the news: where there was a primary before, or it is asked for
            None if Some(index) == latest && (index > 0 || asks_for_primary(focus)) => 0.4,
            None => 0.0,
        };
        if weight <= 0.0 {
            continue;
        }
        let asked = asks_for_primary(focus);
        let explained = explain(nodes, node, *time, entry);
        // another change close by is not the one that was asked about
        let meant = near.is_none_or(|near| near >= nearest);
        let named = if is_named(focus, &node.name) { 0.03 } else { 0.0 };
        let strength = if near.is_some() { if asked { 0.9 + 0.03 * weight + named } else { 0.5 + 0.3 * weight } } else { 0.5 };
        found.push(Finding {
            acts_on: Vec::new(),
            against: Vec::new(),
            category: explained.category,
            role: if meant && (explained.known || asked) { Role::Cause } else { Role::Context },
            entity: node.entity(),
            statement: explained.statement,
            seen: explained.seen,
            decisive: explained.known && asked && meant && near.is_some(),
            strength: strength * if explained.known { 1.0 } else { 0.6 } * if meant { 1.0 } else { 0.5 },
            since: explained.since.or(Some(*time)),
            falsifier: explained.falsifier,
            remediation: explained.remediation,
            prevention: explained.prevention,
        });
    }
    found
}

/// Why a node became primary.
struct Explained {
    category: Category,
    known: bool,
    statement: String,
    seen: Vec<Seen>,
    since: Option<Timestamp>,
    falsifier: String,
    remediation: Vec<String>,
    prevention: Vec<String>,
}

fn explain(nodes: &[Node<'_>], node: &Node<'_>, time: Timestamp, primary: &Entry<'_>) -> Explained {
    let reason = node.entries.iter().rev().find(|entry| within(entry, time, 30.0, 0.5) && is_reason(entry));
    let words = reason.map_or("", |entry| entry.msg);
    let won = node.seen(&[*primary], format!("{} became PRIMARY at {time}", node.name), true);
    let why = reason.map(|entry| node.seen(&[*entry], format!("{}: {words}", node.name), true));
    let mut seen: Vec<Seen> = why.into_iter().collect();
    if contains(words, "priority takeover") {
        return by_priority(nodes, node, time, won, seen);
    }
    if let Some(explained) = by_step_down(nodes, node, time, &won, &seen, words) {
        return explained;
    }
    if contains(words, "step up request") {
        seen.push(won);
        return Explained {
            category: Category::Election,
            known: true,
            statement: format!(
                "{} became primary at {time} because it was asked to: it received a step-up request (replSetStepUp, or the old primary handing over as it stepped down)",
                node.name
            ),
            seen,
            since: None,
            falsifier: "the old primary's log shows that it lost contact before the request".to_owned(),
            remediation: vec!["Find who ran replSetStepUp or rs.stepDown(): the old primary's log names the connection".to_owned()],
            prevention: vec!["Announce planned hand-overs".to_owned()],
        };
    }
    seen.push(won);
    let lost = lost_primary(nodes, node, time);
    let (tail, known) = match &lost {
        Some((text, evidence)) => {
            seen.extend(evidence.iter().cloned());
            (format!(": {text}"), true)
        }
        None if contains(words, "no primary") || contains(words, "election timeout") => {
            (": it had seen no primary for the election timeout".to_owned(), true)
        }
        None => (String::new(), false),
    };
    Explained {
        category: Category::Election,
        known,
        statement: format!("{} was elected primary at {time}{tail}", node.name),
        seen,
        since: None,
        falsifier: "the old primary's log shows that it was healthy and reachable until then".to_owned(),
        remediation: vec!["Look at the old primary: process, host and network at that time".to_owned()],
        prevention: vec!["Alert on elections; keep heartbeats off saturated links".to_owned()],
    }
}

fn is_reason(entry: &Entry<'_>) -> bool {
    matches!(entry.id, 4615652 | 4615660 | 4615661 | 4615659 | 4615658)
        || (contains(entry.msg, "starting an election")
            || contains(entry.msg, "electing self")
            || contains(entry.msg, "standing for election"))
}

/// A priority takeover: which reconfiguration raised the priority.
fn by_priority(nodes: &[Node<'_>], node: &Node<'_>, time: Timestamp, won: Seen, mut seen: Vec<Seen>) -> Explained {
    let mut statement =
        format!("{} took over as primary at {time} by a priority takeover: its priority is higher than the old primary's", node.name);
    let mut since = None;
    if let Some((owner, reconfig)) = latest(nodes, time, CHAIN_SECONDS, is_reconfig) {
        let at = reconfig.time().unwrap_or(time);
        let raised = priorities(reconfig, &["newConfig", "members"]);
        let before = previous_config(nodes, at);
        let new = raised.iter().find(|(host, _)| *host == node.name).map(|(_, priority)| *priority);
        let old = before.iter().find(|(host, _)| *host == node.name).map(|(_, priority)| *priority);
        let change = match (old, new) {
            (Some(old), Some(new)) if (old - new).abs() > f64::EPSILON => format!("raised its priority from {old} to {new}"),
            (_, Some(new)) => format!("set its priority to {new}"),
            _ => "changed the replica set's priorities".to_owned(),
        };
        statement = format!(
            "{} took over as primary at {time} by a priority takeover: a reconfig (replSetReconfig command from a client at {at}, {:.0} s before) {change}",
            node.name,
            seconds(at, time)
        );
        seen.insert(0, owner.seen(&[*reconfig], format!("replSetReconfig received at {at}: it {change} ({})", node.name), true));
        since = Some(at);
    }
    seen.push(won);
    Explained {
        category: Category::Election,
        known: true,
        statement,
        seen,
        since,
        falsifier: format!("`rs.conf()` gives {} no higher priority than the old primary", node.name),
        remediation: vec![
            "Nothing is broken if the change was meant; otherwise lower the priority again: `cfg = rs.conf(); cfg.members[i].priority = 1; rs.reconfig(cfg)`".to_owned(),
            "Let clients retry writes (`retryWrites=true`): the hand-over takes seconds".to_owned(),
        ],
        prevention: vec!["Change priorities in a quiet hour and through review: each raise moves the primary".to_owned()],
    }
}

fn is_reconfig(entry: &Entry<'_>) -> bool {
    entry.id == 21352 || contains(entry.msg, "replsetreconfig admin command received") || entry.msg.starts_with("replSet replSetReconfig")
}

/// Host and priority of each member of a configuration.
fn priorities(entry: &Entry<'_>, path: &[&str]) -> Vec<(String, f64)> {
    let members = entry.value(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |member: &Value| Some((member.get("host")?.as_str()?.to_owned(), super::number(member.get("priority")?)?));
    members.iter().filter_map(one).collect()
}

/// The configuration that was in use before `time`, from whichever log shows it.
fn previous_config(nodes: &[Node<'_>], time: Timestamp) -> Vec<(String, f64)> {
    latest(nodes, time, f64::INFINITY, |entry| entry.id == 21392 && entry.time().is_some_and(|at| at < time))
        .map(|(_, entry)| priorities(entry, &["config", "members"]))
        .unwrap_or_default()
}

/// The last line of any node before `time` that `is` picks.
fn latest<'a>(
    nodes: &'a [Node<'a>],
    time: Timestamp,
    before: f64,
    is: impl Fn(&Entry<'_>) -> bool,
) -> Option<(&'a Node<'a>, &'a Entry<'a>)> {
    let of_node = |node: &'a Node<'a>| Some((node, node.entries.iter().rev().find(|entry| within(entry, time, before, 0.0) && is(entry))?));
    nodes.iter().filter_map(of_node).max_by(|a, b| a.1.time().cmp(&b.1.time()).then_with(|| b.0.name.cmp(&a.0.name)))
}

/// Another node stepped down just before, on command or as it shut down.
fn by_step_down(nodes: &[Node<'_>], node: &Node<'_>, time: Timestamp, won: &Seen, seen: &[Seen], words: &str) -> Option<Explained> {
    let is = |entry: &Entry<'_>| {
        entry.id == 21579
            || contains(entry.msg, "attempting to step down")
            || entry.msg.starts_with("Stepping down from primary")
            || entry.msg == "replSet info stepping down as primary"
    };
    let others = || nodes.iter().filter(|other| other.name != node.name);
    let (old, entry) = others().find_map(|other| {
        let entry = other.entries.iter().rev().find(|entry| within(entry, time, 30.0, 1.0) && (is(entry) || lost_by_signal(entry)))?;
        Some((other, entry))
    })?;
    let at = entry.time()?;
    let mut evidence = vec![];
    let (category, statement, remediation) = if lost_by_signal(entry) {
        (
            Category::PlannedShutdown,
            format!(
                "{} became primary at {time} because the old primary {} was shut down (its signal handler handed the election over at {at})",
                node.name, old.name
            ),
            "Find who stopped the old primary: the host's service manager, orchestrator or operator".to_owned(),
        )
    } else {
        let connection = entry.context();
        let by = if connection.starts_with("conn") { format!(" on its connection {connection}") } else { String::new() };
        (
            Category::Election,
            format!(
                "{} became primary at {time} because the old primary {} stepped down on command: it received replSetStepDown (rs.stepDown()){by} at {at} and handed the election over",
                node.name, old.name
            ),
            format!(
                "Find the client behind{} of {} (the \"client metadata\" line of that connection names driver, application and address)",
                if by.is_empty() { " the command".to_owned() } else { by.clone() },
                old.name
            ),
        )
    };
    let line = entry.msg;
    evidence.push(old.seen(&[*entry], format!("{} at {at}: {line}", old.name), true));
    evidence.extend(seen.iter().cloned());
    evidence.push(won.clone());
    Some(Explained {
        category,
        known: true,
        statement,
        seen: evidence,
        since: Some(at),
        falsifier: format!(
            "the reason that {} itself gives for its election is another one (it says: {})",
            node.name,
            if words.is_empty() { "nothing" } else { words }
        ),
        remediation: vec![remediation, "Nothing is broken if it was meant; clients need `retryWrites=true` to ride over it".to_owned()],
        prevention: vec!["Announce maintenance step-downs; allow replSetStepDown to few users".to_owned()],
    })
}

fn lost_by_signal(entry: &Entry<'_>) -> bool {
    entry.id == 21358 && entry.text(&["oldState"]) == Some("PRIMARY") && entry.context() == "SignalHandler"
}

/// What other nodes say about the primary before.
fn lost_primary(nodes: &[Node<'_>], node: &Node<'_>, time: Timestamp) -> Option<(String, Vec<Seen>)> {
    for other in nodes.iter().filter(|other| other.name != node.name) {
        if let Some(entry) = other.entries.iter().rev().find(|entry| within(entry, time, 60.0, 0.0) && stop_reason(entry).is_some()) {
            let reason = stop_reason(entry)?;
            return Some((
                format!("{} had stopped ({reason})", other.name),
                vec![other.seen(&[*entry], format!("{}: {reason}", other.name), true)],
            ));
        }
    }
    let down = node.entries.iter().rev().find(|entry| {
        within(entry, time, 60.0, 0.0) && (entry.id == 21216 || (entry.id == 21215 && entry.text(&["newState"]) == Some("DOWN")))
    })?;
    let host = down.text(&["hostAndPort"])?;
    Some((format!("it could no longer reach {host}"), vec![node.seen(&[*down], format!("{} saw {host} go DOWN", node.name), true)]))
}
