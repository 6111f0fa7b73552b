//! Why servers stopped, when their logs say so: a signal or the shutdown command.

use jiff::Timestamp;

use super::{
    super::{Finding, Focus, Role},
    entry::{Entry, Node, asks_for_primary, contains_ignoring_case as contains, nearness, seconds, within},
};
use crate::model::{Category, Entity};

pub fn check(nodes: &[Node<'_>], focus: &Focus) -> Vec<Finding> {
    let mut stops: Vec<(Timestamp, usize, Entry<'_>, String)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        stops.extend(node.entries.iter().filter_map(|entry| Some((entry.time()?, index, *entry, stop_reason(entry)?))));
    }
    stops.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut groups: Vec<Vec<(Timestamp, usize, Entry<'_>, String)>> = Vec::new();
    for stop in stops {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| seconds(last.0, stop.0) < 30.0) => group.push(stop),
            _ => groups.push(vec![stop]),
        }
    }
    groups.iter().filter_map(|group| shutdown(nodes, focus, group)).collect()
}

/// The reason that a line gives for an orderly stop.
pub fn stop_reason(entry: &Entry<'_>) -> Option<String> {
    let signal =
        entry.id == 23377 || entry.msg == "Received signal" || contains(entry.msg, "got signal 15") || contains(entry.msg, "got signal 2 ");
    if signal {
        let number = entry.number(&["signal"]).unwrap_or(15.0);
        if entry.msg == "Received signal" && !(number == 15.0 || number == 2.0 || number == 1.0) {
            return None;
        }
        let name = if number == 2.0 {
            "SIGINT"
        } else if number == 1.0 {
            "SIGHUP"
        } else {
            "SIGTERM"
        };
        return Some(format!("{name}, signal {number:.0}"));
    }
    (contains(entry.msg, "shutdown command received") || contains(entry.msg, "terminating, shutdown command"))
        .then(|| "the shutdown command".to_owned())
}

fn shutdown(nodes: &[Node<'_>], focus: &Focus, group: &[(Timestamp, usize, Entry<'_>, String)]) -> Option<Finding> {
    let (time, first, _, reason) = group.first()?;
    let mut indices: Vec<usize> = group.iter().map(|stop| stop.1).collect();
    indices.dedup();
    indices.sort_unstable();
    indices.dedup();
    let names: Vec<&str> = indices.iter().filter_map(|index| nodes.get(*index)).map(|node| node.name.as_str()).collect();
    let mut seen = Vec::new();
    let mut back = true;
    for index in &indices {
        let node = nodes.get(*index)?;
        let lines: Vec<Entry<'_>> = group.iter().filter(|stop| stop.1 == *index).map(|stop| stop.2).collect();
        let at = lines.first().and_then(Entry::time)?;
        let sender = node
            .entries
            .iter()
            .find(|entry| (entry.id == 23378 || entry.msg.starts_with("Signal was sent by")) && within(entry, at, 5.0, 5.0));
        let by = sender
            .and_then(|entry| Some(format!(", sent by process {:.0} of user id {:.0}", entry.number(&["pid"])?, entry.number(&["uid"])?)))
            .unwrap_or_default();
        seen.push(node.seen(&lines, format!("{} received {reason} at {at}{by} and shut down cleanly", node.name), true));
        back &= node.entries.iter().any(|entry| {
            entry.time().is_some_and(|later| later > at) && (entry.msg == "MongoDB starting" || entry.msg.starts_with("MongoDB starting :"))
        });
    }
    let whole = names.len() > 1 && names.len() == nodes.len();
    let who = if whole { format!("All {} members ({})", names.len(), names.join(", ")) } else { format!("MongoDB {}", names.join(", ")) };
    let near = nearness(focus, *time);
    let strength = match near {
        Some(near) if near > 0.0 && !asks_for_primary(focus) => 0.9 + 0.05 * near,
        Some(near) if near > 0.0 => 0.4,
        Some(_) => 0.2,
        None if back => 0.35,
        None => 0.8,
    };
    let entity = if names.len() == 1 { nodes.get(*first)?.entity() } else { Entity::new("Database", "", names.first()?) };
    Some(Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category: Category::PlannedShutdown,
        role: if strength >= 0.5 { Role::Cause } else { Role::Context },
        entity,
        statement: format!(
            "{who} received a shutdown request at {time} ({reason}) and shut down in an orderly way: somebody or something outside MongoDB stopped {}",
            if names.len() > 1 { "them" } else { "it" }
        ),
        seen,
        decisive: strength >= 0.9,
        strength,
        since: Some(*time),
        falsifier: "no signal and no shutdown command in the log before the last line".to_owned(),
        remediation: vec![
            "Find the sender (systemd journal, orchestrator events, `last`, the operator on duty), then start the members again".to_owned(),
        ],
        prevention: vec!["Stop members one at a time; a PodDisruptionBudget or a rolling restart keeps a majority".to_owned()],
    })
}
