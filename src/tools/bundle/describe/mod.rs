//! `kubectl describe` text becomes the JSON that the Kubernetes API would have given, as far as the text shows it.

mod generic;
mod network;
mod platform;
mod pod;
pub mod tree;
mod workload;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::tree::{Level, Node, cells};
use crate::model::{
    Entity,
    observation::{Event, Object, Observations},
};

/// Reads `text` as one or several describe outputs; `false` when it is none.
pub fn read(source: &str, text: &str, out: &mut Observations) -> bool {
    if !looks_like(text) {
        return false;
    }
    let mut any = false;
    for document in split(text) {
        let nodes = tree::parse(&document);
        let level = Level(&nodes);
        let Some((kind, version, spec_and_status)) = shape(&level, &document) else { continue };
        any = true;
        let name = level.value("Name");
        let name = if kind == "Application" { name.rsplit('/').next().unwrap_or(name) } else { name };
        let namespace = level.value("Namespace");
        let mut body = json!({"apiVersion": version, "kind": kind, "metadata": metadata(&level, name, namespace)});
        if let (Some(body), Value::Object(parts)) = (body.as_object_mut(), spec_and_status) {
            for (key, value) in parts {
                if key == "metadata" {
                    merge_metadata(body, value);
                } else {
                    body.insert(key, value);
                }
            }
        }
        if let Some(endpoints) = network::endpoints_of_service(&kind, &level, name, namespace) {
            out.objects.push(Object { source: source.to_owned(), ..endpoints });
        }
        out.events.extend(events(source, &level, &Entity::new(&kind, namespace, name)));
        out.objects.push(Object {
            source: source.to_owned(),
            api_version: version,
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            cluster: String::new(),
            body,
            partial: true,
        });
    }
    any
}

fn merge_metadata(body: &mut Map<String, Value>, extra: Value) {
    if let (Some(Value::Object(metadata)), Value::Object(extra)) = (body.get_mut("metadata"), extra) {
        metadata.extend(extra);
    }
}

/// The first line that says anything is `Name:`, and more pairs follow.
fn looks_like(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let named = lines.next().is_some_and(|line| line.starts_with("Name:") && line.len() > "Name:".len());
    named && lines.take(12).filter(|line| !line.starts_with(' ') && line.split_once(':').is_some()).count() >= 1
}

fn split(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("Name:") || out.is_empty() {
            out.push(String::new());
        }
        if let Some(last) = out.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    out
}

/// Kind, API version and the parts of the body, told from the keys that each kind alone prints.
fn shape(level: &Level<'_>, text: &str) -> Option<(String, String, Value)> {
    let has = |key: &str| level.has(key);
    let all = |keys: &[&str]| keys.iter().all(|key| level.has(key));
    let (kind, version, body) = if has("API Version") && has("Kind") {
        let kind = level.value("Kind").to_owned();
        return Some((kind, level.value("API Version").to_owned(), generic::body(level)));
    } else if all(&["Sync Status", "Health Status"]) {
        ("Application", "argoproj.io/v1alpha1", platform::argo_application(level, text))
    } else if has("StrategyType") || all(&["Replicas", "Pod Template", "OldReplicaSets"]) {
        ("Deployment", "apps/v1", workload::deployment(level))
    } else if all(&["Completions", "Pods Statuses"]) || all(&["Parallelism", "Pods Statuses"]) {
        ("Job", "batch/v1", workload::job(level))
    } else if has("Schedule") && has("Concurrency Policy") {
        ("CronJob", "batch/v1", workload::cron_job(level))
    } else if has("Desired Number of Nodes Scheduled") {
        ("DaemonSet", "apps/v1", workload::daemon_set(level))
    } else if has("Update Strategy") && has("Replicas") {
        ("StatefulSet", "apps/v1", workload::stateful_set(level))
    } else if has("Replicas") && has("Pods Status") {
        ("ReplicaSet", "apps/v1", workload::replica_set(level))
    } else if has("Containers") && (has("Node") || has("Status") || has("IP") || has("QoS Class")) {
        ("Pod", "v1", pod::pod(level))
    } else if has("Capacity") && has("System Info") || all(&["Roles", "Conditions", "Addresses"]) || all(&["Roles", "Taints"]) {
        ("Node", "v1", platform::node(level))
    } else if all(&["Type", "Session Affinity"]) || has("TargetPort") {
        ("Service", "v1", network::service(level))
    } else if has("Rules") && (has("Default backend") || has("Ingress Class") || has("Address")) {
        ("Ingress", "networking.k8s.io/v1", network::ingress(level))
    } else if has("Reference") && has("Min replicas") {
        ("HorizontalPodAutoscaler", "autoscaling/v2", workload::autoscaler(level))
    } else if has("VolumeMode") && (has("Used By") || has("Volume")) && !has("Claim") {
        ("PersistentVolumeClaim", "v1", platform::claim(level))
    } else if has("Reclaim Policy") && has("Claim") {
        ("PersistentVolume", "v1", platform::volume(level))
    } else if has("Provisioner") && has("ReclaimPolicy") {
        (
            "StorageClass",
            "storage.k8s.io/v1",
            json!({"provisioner": level.value("Provisioner"), "volumeBindingMode": level.value("VolumeBindingMode")}),
        )
    } else if text.lines().any(|line| line.trim_start().starts_with("PodSelector:")) && text.contains("Policy Types:") {
        ("NetworkPolicy", "networking.k8s.io/v1", network::policy(level))
    } else if text.lines().any(|line| cells(line) == ["Resource", "Used", "Hard"]) && !has("Status") {
        ("ResourceQuota", "v1", platform::quota(text))
    } else if has("Allowed disruptions") || level.below("Status").has("Allowed disruptions") {
        ("PodDisruptionBudget", "policy/v1", workload::budget(level))
    } else if text.lines().any(|line| line == "Data") && text.lines().any(|line| line == "====") {
        let kind = if has("Type") { "Secret" } else { "ConfigMap" };
        (kind, "v1", platform::data(text))
    } else if has("Subsets") {
        ("Endpoints", "v1", network::endpoints(level))
    } else if has("AddressType") {
        ("EndpointSlice", "discovery.k8s.io/v1", network::endpoint_slice(level))
    } else if has("Status") && (text.contains("No resource quota") || text.contains("Resource Quotas") || text.contains("No LimitRange")) {
        ("Namespace", "v1", json!({"status": {"phase": level.value("Status")}}))
    } else if has("Mountable secrets") || has("Tokens") {
        ("ServiceAccount", "v1", json!({}))
    } else {
        return None;
    };
    Some((kind.to_owned(), version.to_owned(), body))
}

fn metadata(level: &Level<'_>, name: &str, namespace: &str) -> Value {
    let mut out = Map::new();
    out.insert("name".to_owned(), name.into());
    if !namespace.is_empty() {
        out.insert("namespace".to_owned(), namespace.into());
    }
    out.insert("labels".to_owned(), pairs(level, "Labels", '='));
    out.insert("annotations".to_owned(), pairs(level, "Annotations", ':'));
    if let Some((kind, owner)) = level.value("Controlled By").split_once('/') {
        out.insert("ownerReferences".to_owned(), json!([{"kind": kind, "name": owner, "controller": true}]));
    }
    for key in ["CreationTimestamp", "Creation Timestamp"] {
        if let Some(time) = instant(level.value(key)) {
            out.insert("creationTimestamp".to_owned(), time.into());
        }
    }
    Value::Object(out)
}

/// `k=v` (or `k: v`) lines below `key`, also comma-separated on one line.
pub fn pairs(level: &Level<'_>, key: &str, separator: char) -> Value {
    let lines = level.lines(key);
    let parts = lines.iter().flat_map(|line| if separator == '=' { line.split(',').collect::<Vec<_>>() } else { vec![*line] });
    Value::Object(
        parts
            .filter_map(|part| part.split_once(separator))
            .map(|(key, value)| (key.trim().to_owned(), Value::from(value.trim())))
            .collect(),
    )
}

/// `3 desired | 2 available` and `1 Running / 0 Waiting`: the number before a word.
pub fn count(text: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(2).find_map(|pair| match pair {
        [number, name] if name.eq_ignore_ascii_case(word) => number.parse().ok(),
        _ => None,
    })
}

/// `Tue, 12 Aug 2025 06:42:07 +0200` as RFC 3339.
pub fn instant(text: &str) -> Option<String> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|zoned| zoned.timestamp())
        .or_else(|| text.parse::<Timestamp>().ok())
        .map(|time| time.to_string())
}

/// The conditions table with whatever columns it has.
pub fn conditions(level: &Level<'_>) -> Value {
    let (header, rows) = level.table("Conditions");
    let names: Vec<String> = header.iter().map(|name| camel(name)).collect();
    let conditions: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut condition = Map::new();
            for (at, cell) in row.iter().enumerate() {
                let last = at + 1 == names.len();
                let Some(name) = names.get(at) else { break };
                let value = if last { row.get(at..).unwrap_or_default().join(" ") } else { cell.clone() };
                condition.insert(name.clone(), instant(&value).map_or_else(|| Value::from(tree::present(&value)), Value::from));
            }
            Value::Object(condition)
        })
        .collect();
    Value::Array(conditions)
}

/// `Last Transition Time` and `LastTransitionTime` as `lastTransitionTime`.
pub fn camel(words: &str) -> String {
    let joined: String =
        words.split_whitespace().enumerate().map(|(at, word)| if at == 0 { word.to_owned() } else { upper_first(word) }).collect();
    let mut chars = joined.chars();
    match chars.next() {
        Some(first) if joined.chars().nth(1).is_none_or(|second| !second.is_uppercase()) => first.to_lowercase().chain(chars).collect(),
        _ => joined,
    }
}

fn upper_first(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The `Events:` table at the end.
fn events(source: &str, level: &Level<'_>, entity: &Entity) -> Vec<Event> {
    let Some(node) = level.node("Events") else { return Vec::new() };
    node.children.iter().flat_map(tree::flatten).filter_map(|line| event_row(source, line, entity)).collect()
}

/// `Warning  BackOff  3m19s (x256 over 58m)  kubelet  Back-off restarting…`.
pub fn event_row(source: &str, line: &str, entity: &Entity) -> Option<Event> {
    let row = cells(line);
    let [event_type, reason, age, rest @ ..] = row.as_slice() else { return None };
    if event_type != "Normal" && event_type != "Warning" {
        return None;
    }
    let (reporter, message) = match rest {
        [reporter, message @ ..] if !reporter.contains(' ') || reporter.contains(", ") => (reporter.clone(), message.join("  ")),
        message => (String::new(), message.join("  ")),
    };
    let (age_seconds, count) = age_and_count(age)?;
    Some(Event {
        source: source.to_owned(),
        entity: entity.clone(),
        event_type: event_type.clone(),
        reason: reason.clone(),
        message,
        reporter,
        count,
        first: None,
        last: None,
        age_seconds: Some(age_seconds),
    })
}

/// `3m19s (x256 over 58m)`: the age of the last occurrence and how many there were.
pub fn age_and_count(text: &str) -> Option<(u64, u64)> {
    let (age, rest) = text.split_once('(').unwrap_or((text, ""));
    let count =
        rest.strip_prefix('x').map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>()).and_then(|n| n.parse().ok());
    Some((age_seconds(age.trim())?, count.unwrap_or(1)))
}

/// `2d3h`, `3m12s`, `<invalid>` (a clock a little behind, thus now).
pub fn age_seconds(text: &str) -> Option<u64> {
    if text == "<invalid>" {
        return Some(0);
    }
    let mut total: u64 = 0;
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'y' => 31_536_000,
            _ => return None,
        };
        total = total.saturating_add(number.parse::<u64>().ok()?.saturating_mul(unit));
        number.clear();
    }
    (number.is_empty() && !text.is_empty()).then_some(total)
}

/// Children of a section such as `Containers:` that has a name as its key and no value.
pub fn named_children<'a>(level: &Level<'a>, key: &str) -> Vec<&'a Node> {
    level.below(key).0.iter().filter(|node| !node.key.is_empty()).collect()
}
