//! Descriptions of what owns pods, and of what scales and protects them.

use serde_json::{Map, Value, json};

use super::{conditions, count, instant, pairs, pod::template, tree::Level};

pub fn deployment(level: &Level<'_>) -> Value {
    let replicas = level.value("Replicas");
    json!({
        "spec": {"replicas": count(replicas, "desired"), "selector": {"matchLabels": pairs(level, "Selector", '=')}, "template": template(level), "paused": level.value("Paused") == "true"},
        "status": {
            "replicas": count(replicas, "total"), "updatedReplicas": count(replicas, "updated"), "readyReplicas": count(replicas, "available"),
            "availableReplicas": count(replicas, "available"), "unavailableReplicas": count(replicas, "unavailable"), "conditions": conditions(level),
        },
    })
}

pub fn replica_set(level: &Level<'_>) -> Value {
    let replicas = level.value("Replicas");
    json!({
        "spec": {"replicas": count(replicas, "desired"), "selector": {"matchLabels": pairs(level, "Selector", '=')}, "template": template(level)},
        "status": {"replicas": count(replicas, "current"), "conditions": conditions(level)},
    })
}

pub fn stateful_set(level: &Level<'_>) -> Value {
    let replicas = level.value("Replicas");
    let running = count(level.value("Pods Status"), "Running");
    json!({
        "spec": {"replicas": count(replicas, "desired"), "selector": {"matchLabels": pairs(level, "Selector", '=')}, "template": template(level)},
        "status": {"replicas": count(replicas, "total"), "runningReplicas": running},
    })
}

pub fn daemon_set(level: &Level<'_>) -> Value {
    let number = |key: &str| level.value(key).parse::<u64>().ok();
    json!({
        "spec": {"selector": {"matchLabels": pairs(level, "Selector", '=')}, "template": template(level)},
        "status": {
            "desiredNumberScheduled": number("Desired Number of Nodes Scheduled"), "currentNumberScheduled": number("Current Number of Nodes Scheduled"),
            "numberReady": number("Number of Nodes Scheduled with Available Pods"), "numberAvailable": number("Number of Nodes Scheduled with Available Pods"),
            "numberMisscheduled": number("Number of Nodes Misscheduled"),
        },
    })
}

pub fn job(level: &Level<'_>) -> Value {
    let pods = level.value("Pods Statuses");
    json!({
        "spec": {
            "completions": level.value("Completions").parse::<u64>().ok(), "parallelism": level.value("Parallelism").parse::<u64>().ok(),
            "backoffLimit": level.value("Backoff Limit").parse::<u64>().ok(), "suspend": level.value("Suspend") == "true",
            "activeDeadlineSeconds": level.value("Active Deadline Seconds").trim_end_matches('s').parse::<u64>().ok(),
            "selector": {"matchLabels": pairs(level, "Selector", '=')}, "template": template(level),
        },
        "status": {
            "active": active(pods), "succeeded": count(pods, "Succeeded"), "failed": count(pods, "Failed"),
            "startTime": instant(level.value("Start Time")), "completionTime": instant(level.value("Completed At")), "conditions": conditions(level),
        },
    })
}

fn active(pods: &str) -> Option<u64> {
    count(pods, "Active").or_else(|| count(pods, "Running"))
}

pub fn cron_job(level: &Level<'_>) -> Value {
    json!({
        "spec": {
            "schedule": level.value("Schedule"), "suspend": level.value("Suspend").eq_ignore_ascii_case("true"),
            "concurrencyPolicy": level.value("Concurrency Policy"),
            "startingDeadlineSeconds": level.value("Starting Deadline Seconds").trim_end_matches('s').parse::<i64>().ok(),
        },
        "status": {"lastScheduleTime": instant(level.value("Last Schedule Time"))},
    })
}

pub fn autoscaler(level: &Level<'_>) -> Value {
    let (kind, name) = level.value("Reference").split_once('/').unwrap_or_default();
    let pods = level.0.iter().find(|node| node.key.ends_with(" pods")).map(|node| node.value.as_str()).unwrap_or_default();
    let metrics: Vec<&str> = level.lines("Metrics").into_iter().collect();
    json!({
        "spec": {
            "scaleTargetRef": {"kind": kind, "name": name}, "minReplicas": level.value("Min replicas").parse::<u64>().ok(),
            "maxReplicas": level.value("Max replicas").parse::<u64>().ok(),
        },
        "status": {
            "currentReplicas": count(pods, "current"), "desiredReplicas": count(pods, "desired"), "conditions": conditions(level), "metricsText": metrics,
        },
    })
}

pub fn budget(level: &Level<'_>) -> Value {
    let status = level.below("Status");
    let number = |key: &str| [status.value(key), level.value(key)].iter().find_map(|text| text.parse::<u64>().ok());
    let amount = |key: &str| level.value(key).parse::<u64>().map_or_else(|_| Value::from(level.value(key)), Value::from);
    let mut spec = Map::new();
    for (key, field) in [("Min available", "minAvailable"), ("Max unavailable", "maxUnavailable")] {
        if !level.value(key).is_empty() && !level.value(key).starts_with("N/A") {
            spec.insert(field.to_owned(), amount(key));
        }
    }
    spec.insert("selector".to_owned(), json!({"matchLabels": pairs(level, "Selector", '=')}));
    json!({
        "spec": spec,
        "status": {
            "disruptionsAllowed": number("Allowed disruptions"), "currentHealthy": number("Current"), "desiredHealthy": number("Desired"),
            "expectedPods": number("Total"),
        },
    })
}
