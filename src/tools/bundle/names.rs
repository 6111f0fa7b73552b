//! Whose log is it? A log that says nothing about its writer is named by its file, as collectors name files.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::model::{Entity, observation::Observations};

/// Gives every nameless log its pod, where its path contains the name of a pod that is known or that looks like one.
pub fn attach(observations: &mut Observations) {
    let pods: BTreeSet<(String, String)> = observations
        .objects
        .iter()
        .filter(|object| object.kind == "Pod")
        .map(|object| (object.name.clone(), object.namespace.clone()))
        .chain(
            observations
                .events
                .iter()
                .filter(|event| event.entity.kind == "Pod")
                .map(|event| (event.entity.name.clone(), event.entity.namespace.clone())),
        )
        .filter(|(name, _)| name.len() > 2)
        .collect();
    let workloads = workloads(observations);
    for log in &mut observations.logs {
        if log.source.contains("previous") {
            log.previous = true;
        }
        if !log.entity.name.is_empty() {
            continue;
        }
        // The longest name wins: `api-1` is part of `api-10`, and words end at something that no name contains.
        let known = pods
            .iter()
            .filter(|(name, _)| contains_word(&log.source, name))
            .max_by_key(|(name, namespace)| (name.len(), contains_word(&log.source, namespace), !namespace.is_empty()));
        log.entity = match known {
            Some((name, namespace)) => Entity::new("Pod", namespace, name),
            None => {
                Some(from_path(&log.source)).filter(|entity| !entity.is_empty()).unwrap_or_else(|| from_workload(&log.source, &workloads))
            }
        };
        if log.container.is_empty() {
            log.container = container(&log.source, &log.entity.name);
        }
    }
}

/// The services that the evidence speaks of, with their namespaces.
fn workloads(observations: &Observations) -> BTreeSet<(String, String)> {
    let objects =
        observations.objects.iter().filter(|object| ["Deployment", "StatefulSet", "DaemonSet", "Service"].contains(&object.kind.as_str()));
    let named = objects.map(|object| (object.name.clone(), object.namespace.clone()));
    let measured = observations.metrics.iter().map(|series| (series.entity.name.clone(), series.entity.namespace.clone()));
    let changed = observations.changes.iter().map(|change| (change.service.clone(), String::new()));
    named.chain(measured).chain(changed).filter(|(name, _)| name.len() > 2).collect()
}

/// `orders.log` is the log of the service `orders`, where there is one.
fn from_workload(path: &str, workloads: &BTreeSet<(String, String)>) -> Entity {
    let stem = stem(path.rsplit('/').next().unwrap_or_default());
    let found = workloads.iter().filter(|(name, _)| *name == stem).max_by_key(|(_, namespace)| !namespace.is_empty());
    found.map_or_else(Entity::default, |(name, namespace)| Entity::new("Service", namespace, name))
}

/// `name` occurs in `path` between characters that no Kubernetes name goes on with.
fn contains_word(path: &str, name: &str) -> bool {
    !name.is_empty()
        && path.match_indices(name).any(|(at, _)| {
            let before = path.get(..at).and_then(|text| text.chars().next_back());
            let after = path.get(at + name.len()..).and_then(|text| text.chars().next());
            before.is_none_or(|c| !c.is_ascii_alphanumeric()) && after.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-')
        })
}

/// `<ns>/<pod>/…/current.log` of a must-gather, `<ns>.<pod>`, `<ns>_<pod>_<container>.log`, or a name that ends like a pod's.
fn from_path(path: &str) -> Entity {
    static HASHED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"[a-z0-9][a-z0-9-]*-[a-z0-9]{6,10}-[a-z0-9]{5}(?:[^a-z0-9-]|$)|[a-z0-9][a-z0-9-]*-[bcdfghjklmnpqrstvwxz2456789]{5}(?:[^a-z0-9-]|$)").ok()
    });
    let parts: Vec<&str> = path.split('/').collect();
    if let Some(at) = parts.iter().position(|part| *part == "pods")
        && let Some(pod) = parts.get(at + 1)
        && at + 2 < parts.len()
    {
        let namespace = at.checked_sub(1).and_then(|at| parts.get(at)).copied().unwrap_or_default();
        return Entity::new("Pod", namespace, pod);
    }
    let stem = stem(parts.last().copied().unwrap_or_default());
    if let Some((namespace, pod)) = stem.rsplit_once('.').filter(|(_, pod)| is_name(pod)) {
        // What stands before the dot ends with the namespace; what a collector put before it cannot be told apart and is left out.
        let namespace = namespace.rsplit(['_', ' ']).next().unwrap_or_default();
        let namespace = if is_name(namespace) && !namespace.contains("logs") { namespace } else { "" };
        return Entity::new("Pod", namespace.rsplit_once("logs-").map_or(namespace, |(_, ns)| ns), pod);
    }
    if let Some(found) = HASHED.as_ref().and_then(|regex| regex.find(&stem)) {
        return Entity::new("Pod", "", found.as_str().trim_end_matches(|c: char| !c.is_ascii_alphanumeric()));
    }
    Entity::default()
}

fn stem(file: &str) -> String {
    let ends = [".gz", ".txt", ".log", ".json", ".out", ".ndjson", ".jsonl"];
    let mut stem = file;
    // Endings come stacked: `orders.log.jsonl.gz`.
    while let Some(rest) = ends.iter().find_map(|end| stem.strip_suffix(end)).filter(|rest| !rest.is_empty()) {
        stem = rest;
    }
    stem.to_owned()
}

fn is_name(text: &str) -> bool {
    text.len() > 2
        && text.len() < 254
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_lowercase())
}

/// `<pod>_<container>.log` and `<pod>/<container>/…`: the part after the pod's name.
fn container(path: &str, pod: &str) -> String {
    if pod.is_empty() {
        return String::new();
    }
    let rest = path.split_once(pod).map(|(_, rest)| rest).unwrap_or_default();
    let part = rest.trim_start_matches(['/', '_', '.', ' ']).split(['/', '.', '_']).next().unwrap_or_default();
    if is_name(part) && !["log", "txt", "json", "current", "previous", "pod"].contains(&part) { part.to_owned() } else { String::new() }
}
