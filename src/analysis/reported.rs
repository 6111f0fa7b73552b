//! What systems report of themselves in their own JSON: partitions, nodes that do not run, alarms, a red status.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Finding, Focus, Role, Seen};
use crate::model::{Category, Entity, EvidenceKind, observation::Document};

/// How deep and how long a document is searched.
const DEPTH: usize = 12;
const FACTS: usize = 50;

/// One statement that a document makes.
struct Fact {
    path: String,
    category: Category,
    role: Role,
    text: String,
}

pub fn findings(documents: &[Document], _focus: &Focus) -> Vec<Finding> {
    documents.iter().filter(|document| document.kind == "json" && !is_alert(&document.body)).filter_map(of_document).collect()
}

/// Alerts and monitors repeat what was asked; they are no answer.
fn is_alert(body: &Value) -> bool {
    ["alerts", "aggregation_key", "finding_type", "monitors", "labels", "incident"].iter().any(|key| body.get(key).is_some())
}

fn of_document(document: &Document) -> Option<Finding> {
    let mut facts = Vec::new();
    walk(&document.body, "", 0, &mut facts);
    facts.sort_by_key(|fact: &Fact| (fact.role, fact.category, fact.path.clone()));
    facts.dedup_by(|a, b| a.text == b.text);
    let lead = facts.first()?;
    let name = ["cluster_name", "cluster", "cluster_id", "name"].iter().find_map(|key| document.body.get(key).and_then(Value::as_str));
    let stem = document.source.rsplit('/').next().unwrap_or(&document.source).split('.').next().unwrap_or_default();
    let entity = Entity::new("Service", "", name.unwrap_or(stem));
    let others = facts.len() - 1;
    let more = if others > 0 { format!(" ({others} more fact(s) of the same report)") } else { String::new() };
    let mut finding = Finding::new(lead.category, Role::Cause, entity.clone(), format!("The system itself reports: {}{more}", lead.text))
        .falsifier("the same report, taken again, no longer says so")
        .fix("compare the reports of all its members: which of them cannot reach which")
        .prevent("alert on what the system reports of itself, not only on its process being up");
    for fact in &facts {
        finding = finding.saw(
            Seen::new(
                EvidenceKind::Probe,
                &document.source,
                entity.clone(),
                format!("{}: {}", fact.path.trim_start_matches('.'), fact.text),
            )
            .decisive(),
        );
    }
    Some(finding.decisive())
}

fn walk(value: &Value, path: &str, depth: usize, out: &mut Vec<Fact>) {
    if depth > DEPTH || out.len() >= FACTS {
        return;
    }
    match value {
        Value::Object(map) => {
            judge(map, path, out);
            for (key, inner) in map {
                walk(inner, &format!("{path}.{key}"), depth + 1, out);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate().take(200) {
                walk(inner, &format!("{path}[{at}]"), depth + 1, out);
            }
        }
        _ => {}
    }
}

/// Who an object speaks about.
fn named(map: &Map<String, Value>) -> String {
    ["name", "node", "id", "host", "member", "broker", "address"]
        .iter()
        .find_map(|key| map.get(*key).and_then(Value::as_str))
        .map(|name| format!(" {name}"))
        .unwrap_or_default()
}

fn judge(map: &Map<String, Value>, path: &str, out: &mut Vec<Fact>) {
    let who = named(map);
    for (key, value) in map {
        let lower = key.to_lowercase();
        let mut add = |category, role, text: String| out.push(Fact { path: format!("{path}.{key}"), category, role, text });
        let set = *value == Value::Bool(true);
        let unset = *value == Value::Bool(false);
        let listed = value.as_array().is_some_and(|items| !items.is_empty());
        if lower.contains("partition")
            && (set && (lower.contains("network") || lower.contains("detected") || lower.contains("split"))
                || lower == "partitions" && listed)
        {
            add(Category::NetworkFault, Role::Cause, format!("network partition: {key} is {}{}", shown(value), unreachable(map)));
        } else if lower.contains("split_brain") && set {
            add(Category::NetworkFault, Role::Cause, format!("split brain: {key} is true"));
        } else if lower.ends_with("_alarm") && set {
            let (category, what) = if lower.contains("disk") { (Category::DiskFull, "disk") } else { (Category::MemoryPressure, "memory") };
            add(category, Role::Cause, format!("{what} alarm on{who}: {key} is true"));
        } else if ["running", "alive", "up", "healthy", "is_healthy", "online", "reachable"].contains(&lower.as_str())
            && unset
            && !who.is_empty()
        {
            add(Category::MemberDown, Role::Symptom, format!("{key} is false for{who}"));
        } else if ["status", "health", "cluster_status"].contains(&lower.as_str())
            && value
                .as_str()
                .is_some_and(|word| ["red", "down", "unhealthy", "critical", "offline"].contains(&word.to_lowercase().as_str()))
        {
            add(
                Category::DatabaseUnavailable,
                Role::Symptom,
                format!("{key} is {}{}", shown(value), if who.is_empty() { String::new() } else { format!(" for{who}") }),
            );
        }
    }
}

/// The members that others cannot reach, wherever the report lists them.
fn unreachable(map: &Map<String, Value>) -> String {
    let mut pairs = BTreeSet::new();
    for entry in map.values().filter_map(Value::as_array).flatten().filter_map(Value::as_object) {
        for (_, value) in entry.iter().filter(|(key, _)| key.contains("unreachable")) {
            let names: Vec<&str> = value.as_array().map(|names| names.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
            pairs.insert(format!("{} cannot reach {}", named(entry).trim(), names.join(", ")));
        }
    }
    if pairs.is_empty() { String::new() } else { format!("; {}", pairs.into_iter().collect::<Vec<_>>().join("; ")) }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(120).collect()
}
