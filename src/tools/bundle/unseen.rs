//! Pods that only their events tell of: where no pod was collected at all, what the events say of one is its state.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::observation::{Event, Object, Observations};

/// Events that end a trouble of an earlier one.
const OVER: &[&str] = &["Scheduled", "Pulled", "Started", "SuccessfulAttachVolume"];

/// Adds the pods, each as far as its newest Warning event describes it. Evidence with pods of its own is left alone:
/// there, an event of a pod that is not listed is history.
pub fn add(observations: &mut Observations) {
    if observations.objects.iter().any(|object| object.kind == "Pod") {
        return;
    }
    let mut newest: BTreeMap<(String, String), &Event> = BTreeMap::new();
    for event in observations.events.iter().filter(|event| event.entity.kind == "Pod" && !event.entity.name.is_empty()) {
        let key = (event.entity.namespace.clone(), event.entity.name.clone());
        match newest.get(&key) {
            Some(known) if is_newer(known, event) => {}
            _ => {
                newest.insert(key, event);
            }
        }
    }
    let pods: Vec<Object> = newest.into_values().filter(|event| !OVER.contains(&event.reason.as_str())).filter_map(pod).collect();
    observations.objects.extend(pods);
}

fn is_newer(one: &Event, other: &Event) -> bool {
    match (one.last.or(one.first), other.last.or(other.first)) {
        (Some(one), Some(other)) => one > other,
        _ => one.age_seconds.unwrap_or(u64::MAX) < other.age_seconds.unwrap_or(u64::MAX),
    }
}

fn pod(event: &Event) -> Option<Object> {
    let waiting = |reason: &str| json!({"phase": "Pending", "containerStatuses": [{"name": "", "ready": false, "state": {"waiting": {"reason": reason, "message": event.message}}}]});
    let lower = event.message.to_ascii_lowercase();
    let status: Value = match event.reason.as_str() {
        "FailedScheduling" => {
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": event.message}]})
        }
        "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox" => waiting("ContainerCreating"),
        "Evicted" => json!({"phase": "Failed", "reason": "Evicted", "message": event.message}),
        "Failed" | "BackOff" if lower.contains("pull") => waiting("ImagePullBackOff"),
        _ => return None,
    };
    let (namespace, name) = (event.entity.namespace.clone(), event.entity.name.clone());
    let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "status": status});
    Some(Object {
        source: event.source.clone(),
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace,
        name,
        body,
        partial: true,
        ..Object::default()
    })
}
