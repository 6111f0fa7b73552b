//! Pods as controllers make them of a template, ready or not.

use jiff::Timestamp;
use serde_json::{Value, json};

/// What becomes of a pod that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Ready,
    /// Its containers wait, for this reason.
    Unready(String),
}

/// Letters as generated names have them: no vowels, and nothing that looks like another letter.
pub fn letters(mut number: u64, count: usize) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..count)
        .map(|_| {
            let letter = ALPHABET[(number % ALPHABET.len() as u64) as usize];
            number /= ALPHABET.len() as u64;
            char::from(letter)
        })
        .collect()
}

/// A pod of `owner`'s template. Without a node it waits to be scheduled.
pub fn pod_of(owner: &Value, name: &str, node: Option<&str>, fate: &Fate, now: &Timestamp) -> Value {
    let (metadata, template) = (&owner["metadata"], &owner["spec"]["template"]);
    let mut labels = template["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    if owner["kind"] == "StatefulSet" {
        labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), json!(name));
    }
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": metadata["namespace"], "labels": labels, "creationTimestamp": time(now),
            "ownerReferences": [{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"], "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": template["spec"],
    });
    if let Some(annotations) = template["metadata"].get("annotations") {
        pod["metadata"]["annotations"] = annotations.clone();
    }
    if let Some(node) = node {
        pod["spec"]["nodeName"] = json!(node);
    }
    pod["status"] = status(&pod, fate, now);
    pod
}

fn time(now: &Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The status of a pod, of its spec alone.
pub fn status(pod: &Value, fate: &Fate, now: &Timestamp) -> Value {
    let now = time(now);
    let condition = |kind: &str, fine: bool, reason: &str, message: &str| {
        let mut condition = json!({"type": kind, "status": if fine { "True" } else { "False" }, "lastTransitionTime": now});
        if !reason.is_empty() {
            condition["reason"] = json!(reason);
            condition["message"] = json!(message);
        }
        condition
    };
    if pod["spec"]["nodeName"].is_null() {
        let said = "0 nodes are available: all of them were unschedulable.";
        return json!({"phase": "Pending", "conditions": [condition("PodScheduled", false, "Unschedulable", said)]});
    }
    let names: Vec<&str> =
        pod["spec"]["containers"].as_array().into_iter().flatten().filter_map(|container| container["name"].as_str()).collect();
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten().map(|container| {
        let (name, image) = (container["name"].as_str().unwrap_or_default(), &container["image"]);
        match fate {
            Fate::Ready => json!({"name": name, "image": image, "imageID": "", "ready": true, "started": true, "restartCount": 0, "lastState": {}, "state": {"running": {"startedAt": now}}}),
            Fate::Unready(reason) => {
                let crashes = reason.contains("Crash");
                let message = if crashes { format!("back-off 10s restarting failed container={name}") } else { format!("{reason} of container {name}") };
                let last = if crashes {
                    json!({"terminated": {"reason": "Error", "exitCode": 1, "startedAt": now, "finishedAt": now}})
                } else {
                    json!({})
                };
                json!({"name": name, "image": image, "imageID": "", "ready": false, "started": false, "restartCount": if crashes { 2 } else { 0 }, "lastState": last, "state": {"waiting": {"reason": reason, "message": message}}})
            }
        }
    });
    let containers: Vec<Value> = containers.collect();
    let fine = *fate == Fate::Ready;
    let (reason, message) =
        if fine { ("", String::new()) } else { ("ContainersNotReady", format!("containers with unready status: [{}]", names.join(" "))) };
    let runs = fine || matches!(fate, Fate::Unready(reason) if reason.contains("Crash"));
    json!({
        "phase": if runs { "Running" } else { "Pending" }, "startTime": now, "podIP": "10.244.0.9", "hostIP": "10.0.0.1", "qosClass": "Burstable",
        "conditions": [
            condition("Initialized", true, "", ""), condition("Ready", fine, reason, &message),
            condition("ContainersReady", fine, reason, &message), condition("PodScheduled", true, "", ""),
        ],
        "containerStatuses": containers,
    })
}
