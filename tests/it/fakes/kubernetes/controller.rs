//! What the controllers and the kubelets of a cluster would do, done at once when a test says so: rollouts, scaling, replacement of pods.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::{
    FakeCluster, Inner, Key,
    evictions::is_ready,
    numbered::{count_budget, daemon_pods, ordered_pods},
    pods::{Fate, pod_of},
    rules,
};

const REVISION: &str = "deployment.kubernetes.io/revision";

impl FakeCluster {
    /// Everything that was asked for happens: templates roll, numbers fit, deleted pods are gone and replaced, all new pods are ready.
    pub fn settle(&self) {
        settle(&mut self.inner(), &Fate::Ready);
        self.shared.changed.notify_waiters();
    }

    /// As [`Self::settle`], but no pod that is made gets ready, for this reason (`CrashLoopBackOff`, `ImagePullBackOff`…), and
    /// rollouts stop where their strategy stops them. A later `settle` makes those pods well.
    pub fn settle_failing(&self, reason: &str) {
        settle(&mut self.inner(), &Fate::Unready(reason.to_owned()));
        self.shared.changed.notify_waiters();
    }
}

fn settle(inner: &mut Inner, fate: &Fate) {
    let going: Vec<Key> =
        of_kind(inner, "Pod").into_iter().filter(|(_, pod)| !pod["metadata"]["deletionTimestamp"].is_null()).map(|(key, _)| key).collect();
    going.iter().for_each(|key| drop(inner.remove(key)));
    if *fate == Fate::Ready {
        let healed: Vec<Key> = std::mem::take(&mut inner.sick).into_iter().filter(|key| inner.objects.contains_key(key)).collect();
        for key in healed {
            let mut pod = (*inner.objects[&key]).clone();
            pod["status"] = super::pods::status(&pod, fate, &inner.now());
            inner.store("MODIFIED", key, pod);
        }
    }
    for (key, deployment) in of_kind(inner, "Deployment") {
        roll(inner, &key, &deployment, fate);
    }
    let sets = of_kind(inner, "ReplicaSet");
    for (key, set) in sets.iter().filter(|(_, set)| owner(set, "Deployment").is_none()) {
        let wanted = set["spec"]["replicas"].as_i64().unwrap_or(1);
        scale_set(inner, key, wanted, fate);
    }
    for (key, set) in of_kind(inner, "StatefulSet") {
        ordered_pods(inner, &key, &set, fate);
    }
    for (key, set) in of_kind(inner, "DaemonSet") {
        daemon_pods(inner, &key, &set, fate);
    }
    for (key, budget) in of_kind(inner, "PodDisruptionBudget") {
        count_budget(inner, &key, &budget);
    }
    inner.changed_templates.clear();
}

pub fn of_kind(inner: &Inner, kind: &str) -> Vec<(Key, Value)> {
    inner.objects.iter().filter(|((known, ..), _)| known == kind).map(|(key, object)| (key.clone(), (**object).clone())).collect()
}

/// The owner of this kind that an object names: uid (perhaps empty) and name.
fn owner<'a>(object: &'a Value, kind: &str) -> Option<(&'a str, &'a str)> {
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["kind"] == kind).map(|owner| (text(&owner["uid"]), text(&owner["name"])))
}

/// Objects of `kind` that `(owner_kind, namespace, name)` owns: by uid, or by name where a test has left the uid out.
pub fn owned(inner: &Inner, kind: &str, of: &Key) -> Vec<(Key, Value)> {
    let Some(uid) = inner.objects.get(of).map(|object| object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()) else {
        return Vec::new();
    };
    let mut all = of_kind(inner, kind);
    all.retain(|((_, namespace, _), object)| {
        *namespace == of.1 && owner(object, &of.0).is_some_and(|(known, name)| if known.is_empty() { name == of.2 } else { known == uid })
    });
    all
}

/// Ten letters for a template, as a ReplicaSet's name has them.
pub fn hash(template: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    template.to_string().hash(&mut hasher);
    super::pods::letters(hasher.finish(), 10)
}

/// A template without what the controller adds, in the order of the API's types.
pub fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.shift_remove("pod-template-hash");
    }
    let wrapped = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {}, "spec": {"selector": {}, "template": template}});
    let mut read = rules::typed("ReplicaSet", wrapped.clone()).unwrap_or(wrapped);
    read["spec"]["template"].take()
}

fn revision(object: &Value) -> i64 {
    object["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A share of the replicas, or a number; a share for surge is rounded up, one for unavailable pods down.
pub fn share(value: &Value, of: i64, up: bool) -> i64 {
    let percent = match value {
        Value::Number(number) => return number.as_i64().unwrap_or(0),
        Value::String(text) => text.trim_end_matches('%').parse::<i64>().unwrap_or(25),
        _ => 25,
    };
    (of * percent + if up { 99 } else { 0 }) / 100
}

fn roll(inner: &mut Inner, key: &Key, deployment: &Value, fate: &Fate) {
    let mut sets = owned(inner, "ReplicaSet", key);
    let template = bare(&deployment["spec"]["template"]);
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    let newest = sets.iter().map(|(_, set)| revision(set)).max().unwrap_or(0).max(revision(deployment));
    let current = sets.iter().find(|(_, set)| bare(&set["spec"]["template"]) == template).map(|(key, _)| key.clone());
    if deployment["spec"]["paused"] == true {
        // A pause stops rollouts and not scaling.
        if let Some(current) = current {
            scale_set(inner, &current, wanted, fate);
        }
        return tell(inner, key, &sets, None, None);
    }
    let current = match current {
        Some(current) => {
            let mut set = (*inner.objects[&current]).clone();
            // Back to an older template: its ReplicaSet gets the newest revision.
            let latest = sets.iter().all(|(_, other)| revision(other) <= revision(&set));
            if !latest || revision(&set) == 0 {
                set["metadata"]["annotations"][REVISION] = json!((newest + 1).to_string());
                inner.store("MODIFIED", current.clone(), set);
            }
            current
        }
        None => {
            let set = new_set(deployment, newest + 1, &inner.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            let new = (String::from("ReplicaSet"), key.1.clone(), set["metadata"]["name"].as_str().unwrap().to_owned());
            inner.store("ADDED", new.clone(), set);
            new
        }
    };
    let number = revision(&inner.objects[&current]);
    sets = owned(inner, "ReplicaSet", key);
    let old: Vec<Key> = sets.iter().map(|(key, _)| key.clone()).filter(|other| *other != current).collect();
    let old_pods: i64 = old.iter().map(|set| owned(inner, "Pod", set).len() as i64).sum();
    let recreate = deployment["spec"]["strategy"]["type"] == "Recreate";
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    // Only pods that are to be made can fail: where none is needed, the rollout is over.
    let stuck = *fate != Fate::Ready && old_pods > 0 && !recreate && (owned(inner, "Pod", &current).len() as i64) < wanted;
    if stuck {
        let mut unavailable = share(&rolling["maxUnavailable"], wanted, false);
        let surge = share(&rolling["maxSurge"], wanted, true);
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        let mut keeps = (wanted - unavailable).max(0);
        scale_set(inner, &current, (wanted + surge - keeps.min(old_pods)).clamp(0, wanted), fate);
        for set in &old {
            let has = (owned(inner, "Pod", set).len() as i64).min(keeps);
            scale_set(inner, set, has, fate);
            keeps -= has;
        }
    } else {
        for set in &old {
            scale_set(inner, set, 0, fate);
        }
        scale_set(inner, &current, wanted, fate);
    }
    tell(inner, key, &sets, Some(&current), Some(number));
}

fn new_set(deployment: &Value, number: i64, now: &str) -> Value {
    let metadata = &deployment["metadata"];
    let hash = hash(&bare(&deployment["spec"]["template"]));
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = json!(hash);
    let replicas = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", metadata["name"].as_str().unwrap_or_default()), "namespace": metadata["namespace"],
            "labels": template["metadata"]["labels"], "creationTimestamp": now, "generation": 1,
            "annotations": {REVISION: number.to_string(), "deployment.kubernetes.io/desired-replicas": replicas.to_string(), "deployment.kubernetes.io/max-replicas": (replicas + 1).to_string()},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"], "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
        "status": {"replicas": 0},
    })
}

/// Makes or removes pods of a ReplicaSet and tells its status.
fn scale_set(inner: &mut Inner, key: &Key, wanted: i64, fate: &Fate) {
    let mut set = (*inner.objects[key]).clone();
    let before = set.clone();
    if set["spec"]["replicas"].as_i64().unwrap_or(1) != wanted {
        set["spec"]["replicas"] = json!(wanted);
        set["metadata"]["generation"] = json!(set["metadata"]["generation"].as_i64().unwrap_or(1) + 1);
    }
    let mut pods = owned(inner, "Pod", key);
    // The ones that are not ready go first, as with the real controller.
    pods.sort_by_key(|(_, pod)| !is_ready(pod));
    while pods.len() as i64 > wanted {
        let (gone, _) = pods.pop().unwrap();
        inner.remove(&gone);
    }
    for _ in pods.len() as i64..wanted {
        let suffix = inner.letters();
        make_pod(inner, key, &set, &format!("{}-{suffix}", key.2), None, fate);
    }
    let pods = owned(inner, "Pod", key);
    let ready = pods.iter().filter(|(_, pod)| is_ready(pod)).count();
    let mut status =
        json!({"replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "readyReplicas": ready, "availableReplicas": ready});
    status["observedGeneration"] = json!(set["metadata"]["generation"].as_i64().unwrap_or(1));
    status.as_object_mut().unwrap().retain(|name, value| name == "replicas" || *value != 0);
    set["status"] = status;
    if set != before {
        inner.store("MODIFIED", key.clone(), set);
    }
}

pub fn make_pod(inner: &mut Inner, key: &Key, owner: &Value, name: &str, node: Option<&str>, fate: &Fate) {
    let node = node.map_or_else(|| free_node(inner), |node| Some(node.to_owned()));
    let pod = pod_of(owner, name, node.as_deref(), fate, &inner.now());
    let made = ("Pod".to_owned(), key.1.clone(), name.to_owned());
    inner.store("ADDED", made.clone(), pod);
    if *fate != Fate::Ready {
        inner.sick.insert(made);
    }
}

/// The node with the fewest pods that takes new ones; where a test has no nodes at all, one that nobody has seen.
fn free_node(inner: &Inner) -> Option<String> {
    let nodes = of_kind(inner, "Node");
    if nodes.is_empty() {
        return Some("node-1".to_owned());
    }
    let pods = of_kind(inner, "Pod");
    let open = nodes.iter().filter(|(_, node)| node["spec"]["unschedulable"] != true);
    open.map(|((_, _, name), _)| name.clone()).min_by_key(|name| pods.iter().filter(|(_, pod)| pod["spec"]["nodeName"] == **name).count())
}

/// Writes a deployment's status. `current` and `number` are the ReplicaSet that it wants and its revision.
fn tell(inner: &mut Inner, key: &Key, sets: &[(Key, Value)], current: Option<&Key>, number: Option<i64>) {
    let now = inner.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut deployment = (*inner.objects[key]).clone();
    let before = deployment.clone();
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    let all: Vec<(Key, Value)> = sets.iter().flat_map(|(set, _)| owned(inner, "Pod", set)).collect();
    let ready = all.iter().filter(|(_, pod)| is_ready(pod)).count() as i64;
    let updated = current.map_or(0, |current| owned(inner, "Pod", current).len() as i64);
    let updated_ready = current.map_or(0, |current| owned(inner, "Pod", current).iter().filter(|(_, pod)| is_ready(pod)).count() as i64);
    if let Some(number) = number {
        deployment["metadata"]["annotations"][REVISION] = json!(number.to_string());
    }
    let unavailable = (wanted.max(all.len() as i64) - ready).max(0);
    let mut status = json!({"replicas": all.len(), "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready, "unavailableReplicas": unavailable});
    status.as_object_mut().unwrap().retain(|_, value| *value != 0);
    status["observedGeneration"] = json!(deployment["metadata"]["generation"].as_i64().unwrap_or(1));
    let condition = |kind: &str, fine: bool, reason: &str, message: String| {
        let known = before["status"]["conditions"].as_array().into_iter().flatten().find(|known| known["type"] == kind);
        let word = if fine { "True" } else { "False" };
        let since = known.filter(|known| known["status"] == word).and_then(|known| known["lastTransitionTime"].as_str()).unwrap_or(&now);
        let updated = known
            .filter(|known| known["status"] == word && known["reason"] == reason && known["message"] == message.as_str())
            .and_then(|known| known["lastUpdateTime"].as_str())
            .unwrap_or(&now);
        json!({"type": kind, "status": word, "reason": reason, "message": message, "lastUpdateTime": updated, "lastTransitionTime": since})
    };
    let least = wanted - share(&deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], wanted, false);
    let available = if ready >= least {
        condition("Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned())
    } else {
        condition("Available", false, "MinimumReplicasUnavailable", "Deployment does not have minimum availability.".to_owned())
    };
    let mut conditions = vec![available];
    // A rollout that is over stays over: pods that fail afterwards, or new ones of the same template, are no rollout.
    let was_over = number.is_some_and(|number| revision(&before) == number)
        && before["status"]["conditions"].as_array().into_iter().flatten().any(|known| known["reason"] == "NewReplicaSetAvailable");
    match current {
        None => conditions.push(json!({"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused", "message": "Deployment is paused", "lastUpdateTime": now, "lastTransitionTime": now})),
        Some((_, _, name)) if was_over || (updated_ready >= wanted && all.len() as i64 == updated) => {
            conditions.push(condition("Progressing", true, "NewReplicaSetAvailable", format!("ReplicaSet \"{name}\" has successfully progressed.")));
        }
        Some((_, _, name)) => {
            conditions.push(condition("Progressing", false, "ProgressDeadlineExceeded", format!("ReplicaSet \"{name}\" has timed out progressing.")));
        }
    }
    status["conditions"] = json!(conditions);
    deployment["status"] = status;
    if deployment != before {
        inner.store("MODIFIED", key.clone(), deployment);
    }
}
