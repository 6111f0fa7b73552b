//! Members of a replica set that others cannot reach.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    super::{Finding, Focus, Role},
    entry::{Entry, Node, clip, named_times, seconds},
    shutdowns::stop_reason,
};
use crate::model::{Category, Entity};

/// What one node saw of one other.
#[derive(Default)]
struct Sight<'a> {
    failures: Vec<Entry<'a>>,
    last_up: Option<Timestamp>,
}

pub fn check(nodes: &[Node<'_>], focus: &Focus) -> Vec<Finding> {
    let mut targets: BTreeMap<String, Vec<(usize, Sight<'_>)>> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let mut sights: BTreeMap<String, Sight<'_>> = BTreeMap::new();
        for entry in &node.entries {
            if let Some(target) = down(entry) {
                sights.entry(target).or_default().failures.push(*entry);
            } else if let Some(target) = up(entry) {
                sights.entry(target).or_default().last_up = entry.time();
            }
        }
        for (target, sight) in sights.into_iter().filter(|(target, sight)| !sight.failures.is_empty() && *target != node.name) {
            targets.entry(target).or_default().push((index, sight));
        }
    }
    targets.iter().filter_map(|(target, sights)| finding(nodes, focus, target, sights)).collect()
}

/// The member that a line reports as down or unreachable.
fn down(entry: &Entry<'_>) -> Option<String> {
    match entry.id {
        23974 => return entry.text(&["target"]).map(str::to_owned),
        21215 if matches!(entry.text(&["newState"]), Some("DOWN" | "UNKNOWN")) => return entry.text(&["hostAndPort"]).map(str::to_owned),
        21216 => return entry.text(&["hostAndPort"]).map(str::to_owned),
        0 => {}
        _ => return None,
    }
    let msg = entry.msg;
    let state_down =
        || msg.strip_prefix("Member ").filter(|rest| rest.contains("now in state RS_DOWN") || rest.contains("now in state DOWN"));
    let named = msg
        .strip_prefix("Error in heartbeat request to ")
        .or_else(|| msg.strip_prefix("Error in heartbeat (requestId: ").and_then(|rest| rest.split_once(" to ")).map(|(_, rest)| rest))
        .or_else(|| msg.split_once("Heartbeat to ").map(|(_, rest)| rest).filter(|rest| rest.contains("failed")))
        .or_else(state_down)
        .or_else(|| msg.strip_prefix("replSet info ").filter(|rest| rest.contains(" is down")))
        .or_else(|| msg.strip_prefix("replSet member ").filter(|rest| rest.contains("now in state DOWN")))?;
    let host = named.split([' ', ';', ',']).next()?;
    host.contains(':').then(|| host.trim_end_matches(':').to_owned())
}

fn up(entry: &Entry<'_>) -> Option<String> {
    if entry.id == 21215 && matches!(entry.text(&["newState"]), Some("PRIMARY" | "SECONDARY" | "RECOVERING" | "STARTUP2" | "ARBITER")) {
        return entry.text(&["hostAndPort"]).map(str::to_owned);
    }
    let rest = entry.msg.strip_prefix("Member ").or_else(|| entry.msg.strip_prefix("replSet member "))?;
    (rest.contains("state SECONDARY") || rest.contains("state PRIMARY") || rest.contains("is up"))
        .then(|| rest.split(' ').next().unwrap_or("").to_owned())
}

fn finding(nodes: &[Node<'_>], focus: &Focus, target: &str, sights: &[(usize, Sight<'_>)]) -> Option<Finding> {
    let (index, sight) = sights.first()?;
    let node = nodes.get(*index)?;
    let first = sight.failures.first()?;
    let reason = sight.failures.iter().find_map(reason).unwrap_or_default();
    let recovered =
        sights.iter().all(|(_, sight)| sight.last_up.zip(sight.failures.last().and_then(Entry::time)).is_some_and(|(up, down)| up > down));
    // its own log may say that it was stopped: then that is the cause and this is how it shows
    let stopped =
        nodes.iter().filter(|other| other.name == target).any(|other| other.entries.iter().any(|entry| stop_reason(entry).is_some()));
    let times = named_times(focus);
    let beside = !times.is_empty() && first.time().is_some_and(|at| times.iter().all(|named| seconds(*named, at).abs() > 60.0));
    let (category, what, fix) = meaning(&reason, target);
    let observers: Vec<&str> = sights.iter().filter_map(|(index, _)| nodes.get(*index)).map(|node| node.name.as_str()).collect();
    let count: usize = sights.iter().map(|(_, sight)| sight.failures.len()).sum();
    let strength = if recovered || beside || stopped { 0.35 } else { 0.88 };
    let seen = sights
        .iter()
        .filter_map(|(index, sight)| {
            let node = nodes.get(*index)?;
            Some(node.seen(
                &sight.failures,
                format!(
                    "{} heartbeats from {} to {target} failed: {}",
                    sight.failures.len(),
                    node.name,
                    if reason.is_empty() { "no reason given" } else { &reason }
                ),
                false,
            ))
        })
        .collect();
    Some(Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category,
        role: if strength > 0.5 { Role::Cause } else { Role::Context },
        entity: Entity { name: target.to_owned(), ..node.entity() },
        statement: format!(
            "Replica set member {target} is down or unreachable: {what} ({count} failed heartbeat{} seen from {}){}",
            if count == 1 { "" } else { "s" },
            observers.join(", "),
            if recovered { "; it came back later" } else { "" }
        ),
        seen,
        decisive: false,
        strength,
        since: first.time(),
        falsifier: format!("`mongosh --host {target} --eval 'db.hello()'` answers from {}", node.name),
        remediation: vec![fix, format!("Then check `rs.status()` until {target} is SECONDARY with little lag")],
        prevention: vec!["Alert on members whose health is 0, and keep a voting majority without any single host".to_owned()],
    })
}

/// The reason of a failed heartbeat, in the server's words.
fn reason(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text(&["error", "errmsg"]).or_else(|| entry.text(&["heartbeatMessage"])).or_else(|| entry.text(&["error"])).or_else(
        || {
            let (_, rest) =
                entry.msg.split_once("; ").or_else(|| entry.msg.split_once("response status: ")).or_else(|| entry.msg.split_once(" - "))?;
            Some(rest)
        },
    )?;
    (!text.is_empty()).then(|| clip(text, 160))
}

fn meaning(reason: &str, target: &str) -> (Category, String, String) {
    let lower = reason.to_ascii_lowercase();
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
    if lower.contains("refused") {
        (
            Category::MemberDown,
            format!("the host answers but nothing listens there (connection refused: {reason})"),
            format!("Start mongod on {host} and read the end of its log for why it stopped"),
        )
    } else if lower.contains("hostnotfound")
        || lower.contains("could not find address")
        || lower.contains("name or service not known")
        || lower.contains("getaddrinfo")
    {
        (
            Category::DnsFailure,
            format!("the name {host} does not resolve ({reason})"),
            format!("Resolve {host} from the other members (`getent hosts {host}`) and repair its DNS record"),
        )
    } else if lower.contains("authenticationfailed") || lower.contains("unauthorized") {
        (
            Category::Authentication,
            format!("it refuses the member's credentials ({reason})"),
            "Give all members the same key file or cluster certificate".to_owned(),
        )
    } else if lower.contains("ssl") || lower.contains("tls") || lower.contains("certificate") {
        (
            Category::TlsCertificate,
            format!("TLS to it fails ({reason})"),
            format!("Check the certificate of {target}: `openssl s_client -connect {target}`"),
        )
    } else if lower.contains("timed out")
        || lower.contains("timeout")
        || lower.contains("time limit")
        || lower.contains("no route")
        || lower.contains("unreachable")
    {
        (
            Category::MemberDown,
            format!("it does not answer in time ({reason})"),
            format!("Check host, firewall and network path to {target} (`nc -vz {host}`), then mongod on it"),
        )
    } else {
        let said = if reason.is_empty() { "heartbeats fail".to_owned() } else { format!("heartbeats fail ({reason})") };
        (Category::MemberDown, said, format!("Check that {target} runs and is reachable from the other members"))
    }
}
