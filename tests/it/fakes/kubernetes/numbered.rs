//! The controllers of stateful sets, daemon sets and disruption budgets.

use serde_json::{Value, json};

use super::{
    Inner, Key,
    controller::{bare, hash, make_pod, of_kind, owned, share},
    evictions::{chooses, is_ready},
    pods::Fate,
};

/// Pods `name-0`, `name-1`…; a changed template replaces each, keeps its name, and gives it a new uid. One that does not get ready stops it.
pub fn ordered_pods(inner: &mut Inner, key: &Key, set: &Value, fate: &Fate) {
    let wanted = set["spec"]["replicas"].as_i64().unwrap_or(1);
    let name = |at: i64| format!("{}-{at}", key.2);
    let pods = owned(inner, "Pod", key);
    for (pod, _) in pods.iter().filter(|((_, _, pod), _)| (0..wanted).all(|at| *pod != name(at))) {
        inner.remove(pod);
    }
    let rolls = inner.changed_templates.contains(key);
    for at in (0..wanted).rev() {
        let pod = ("Pod".to_owned(), key.1.clone(), name(at));
        let there = inner.objects.contains_key(&pod);
        if there && rolls {
            inner.remove(&pod);
        }
        if !there || rolls {
            make_pod(inner, key, set, &pod.2, None, fate);
            if rolls && *fate != Fate::Ready {
                break;
            }
        }
    }
    let mut status = counted(inner, key, set);
    status["updatedReplicas"] = json!(wanted);
    let digest = hash(&bare(&set["spec"]["template"]));
    status["updateRevision"] = json!(format!("{}-{digest}", key.2));
    if *fate == Fate::Ready {
        status["currentRevision"] = status["updateRevision"].clone();
    }
    with_status(inner, key, set, status);
}

/// A changed template replaces each pod on its node; a deleted one comes back on a node that has none.
pub fn daemon_pods(inner: &mut Inner, key: &Key, set: &Value, fate: &Fate) {
    let pods = owned(inner, "Pod", key);
    let mut nodes: Vec<String> = of_kind(inner, "Node").into_iter().map(|((_, _, name), _)| name).collect();
    if inner.changed_templates.contains(key) {
        for (pod, _) in &pods {
            inner.remove(pod);
        }
    } else {
        nodes.retain(|node| pods.iter().all(|(_, pod)| pod["spec"]["nodeName"] != **node));
    }
    for node in nodes {
        let suffix = inner.letters();
        make_pod(inner, key, set, &format!("{}-{suffix}", key.2), Some(&node), fate);
    }
    let counts = counted(inner, key, set);
    let (all, ready) = (&counts["replicas"], &counts["readyReplicas"]);
    let status = json!({
        "currentNumberScheduled": all, "desiredNumberScheduled": all, "numberMisscheduled": 0, "updatedNumberScheduled": all,
        "numberReady": ready, "numberAvailable": ready, "observedGeneration": counts["observedGeneration"],
    });
    with_status(inner, key, set, status);
}

fn counted(inner: &Inner, key: &Key, set: &Value) -> Value {
    let pods = owned(inner, "Pod", key);
    let ready = pods.iter().filter(|(_, pod)| is_ready(pod)).count();
    let generation = set["metadata"]["generation"].as_i64().unwrap_or(1);
    json!({"replicas": pods.len(), "currentReplicas": pods.len(), "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": generation})
}

fn with_status(inner: &mut Inner, key: &Key, object: &Value, status: Value) {
    if object["status"] != status {
        let mut object = object.clone();
        object["status"] = status;
        inner.store("MODIFIED", key.clone(), object);
    }
}

/// A budget's status, from the pods that are there now.
pub fn count_budget(inner: &mut Inner, key: &Key, budget: &Value) {
    let mut pods = of_kind(inner, "Pod");
    pods.retain(|((_, namespace, _), pod)| *namespace == key.1 && chooses(&budget["spec"]["selector"], pod));
    let (expected, healthy) = (pods.len() as i64, pods.iter().filter(|(_, pod)| is_ready(pod)).count() as i64);
    let desired = match (&budget["spec"]["minAvailable"], &budget["spec"]["maxUnavailable"]) {
        (Value::Null, Value::Null) => return,
        (Value::Null, most) => expected - share(most, expected, true),
        (least, _) => share(least, expected, true),
    };
    let status = json!({
        "expectedPods": expected, "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": (healthy - desired).max(0),
        "observedGeneration": budget["metadata"]["generation"].as_i64().unwrap_or(0),
    });
    with_status(inner, key, budget, status);
}
