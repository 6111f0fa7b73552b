//! What belongs together: a pod and its workload, its claims, its node, the services in front of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::Value;

use super::Focus;
use crate::model::{Entity, observation::Observations};

/// Names are compared within a namespace where both sides have one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: String,
    namespace: String,
    name: String,
}

/// The relations between the objects of the evidence.
#[derive(Debug, Clone, Default)]
pub struct Links {
    owners: BTreeMap<Key, (String, String)>,
    /// What an object uses or stands in front of: `(kind, name)` in its namespace or cluster-wide.
    uses: BTreeMap<Key, BTreeSet<(String, String)>>,
    /// Every name that the evidence speaks of, lower case.
    names: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    /// Callees by caller.
    calls: BTreeMap<String, BTreeSet<String>>,
}

impl Links {
    pub fn of(observations: &Observations) -> Self {
        let mut links = Self::default();
        for object in &observations.objects {
            let key = Key { kind: object.kind.clone(), namespace: object.namespace.clone(), name: object.name.clone() };
            links.names.insert(object.name.to_lowercase());
            if object.kind == "Namespace" {
                links.namespaces.insert(object.name.clone());
            }
            if !object.namespace.is_empty() {
                links.namespaces.insert(object.namespace.clone());
            }
            let owners = list(&object.body, "/metadata/ownerReferences");
            let owner =
                owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true)).or_else(|| owners.first());
            if let Some(owner) = owner {
                links.owners.insert(key.clone(), (string(owner, "/kind"), string(owner, "/name")));
            }
            let used = uses(&object.kind, &object.body);
            links.uses.entry(key).or_default().extend(used);
        }
        links.select_pods(observations);
        for log in &observations.logs {
            links.names.insert(log.entity.name.to_lowercase());
            links.namespaces.insert(log.entity.namespace.clone());
            links.names.extend(log.lines.iter().filter(|line| !line.service.is_empty()).map(|line| line.service.to_lowercase()).take(200));
        }
        links.names.extend(observations.metrics.iter().map(|series| series.entity.name.to_lowercase()));
        links.names.extend(observations.events.iter().map(|event| event.entity.name.to_lowercase()));
        links.names.extend(observations.changes.iter().map(|change| change.service.to_lowercase()));
        let instances = observations.documents.iter().filter_map(|document| document.body.get("instance").and_then(Value::as_str));
        links.names.extend(instances.map(str::to_lowercase));
        for (caller, callees) in calls(observations) {
            links.names.insert(caller.to_lowercase());
            links.names.extend(callees.iter().map(|callee| callee.to_lowercase()));
            links.calls.insert(caller.to_owned(), callees.into_iter().map(str::to_owned).collect());
        }
        links.names.remove("");
        links.namespaces.remove("");
        links
    }

    fn select_pods(&mut self, observations: &Observations) {
        let pods: Vec<_> = observations.objects.iter().filter(|object| object.kind == "Pod").collect();
        for service in
            observations.objects.iter().filter(|object| ["Service", "NetworkPolicy", "PodDisruptionBudget"].contains(&object.kind.as_str()))
        {
            let selector = [
                service.body.pointer("/spec/selector/matchLabels"),
                service.body.pointer("/spec/podSelector/matchLabels"),
                service.body.pointer("/spec/selector"),
            ]
            .into_iter()
            .flatten()
            .find_map(Value::as_object)
            .cloned()
            .unwrap_or_default();
            // An empty selector of a policy means every pod of its namespace; of a service it means none.
            if selector.is_empty() && service.kind != "NetworkPolicy" {
                continue;
            }
            let chosen = pods.iter().filter(|pod| pod.namespace == service.namespace).filter(|pod| {
                let labels = pod.body.pointer("/metadata/labels");
                selector.iter().all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
            });
            let key = Key { kind: service.kind.clone(), namespace: service.namespace.clone(), name: service.name.clone() };
            self.uses.entry(key).or_default().extend(chosen.map(|pod| ("Pod".to_owned(), pod.name.clone())));
        }
    }

    /// The name of what finally owns `entity`: the Deployment of a pod, the CronJob of a job; itself where nothing does.
    pub fn root(&self, entity: &Entity) -> Entity {
        let mut at = entity.clone();
        for _ in 0..6 {
            let key = Key { kind: at.kind.clone(), namespace: at.namespace.clone(), name: at.name.clone() };
            let Some((kind, name)) = self.owners.get(&key) else { break };
            if kind == "Node" || *name == at.name && *kind == at.kind {
                break;
            }
            at = Entity { kind: kind.clone(), name: name.clone(), ..at };
        }
        match at.kind.as_str() {
            "Pod" | "ReplicaSet" => Entity { name: stem(&at.name).to_owned(), kind: String::new(), ..at },
            _ => at,
        }
    }

    /// The two are the same thing, parts of one workload, or one uses the other.
    pub fn related(&self, a: &Entity, b: &Entity) -> bool {
        if a.is_empty() || b.is_empty() {
            return false;
        }
        if !a.namespace.is_empty() && !b.namespace.is_empty() && a.namespace != b.namespace {
            return false;
        }
        let (root_a, root_b) = (self.root(a), self.root(b));
        a.name == b.name
            || root_a.name == root_b.name
            || self.looks_owned(a, b)
            || self.looks_owned(b, a)
            || self.uses_it(a, b)
            || self.uses_it(b, a)
            || self.uses_it(&root_a, b)
            || self.uses_it(&root_b, a)
    }

    /// A pod without a known owner is called after its workload.
    fn looks_owned(&self, pod: &Entity, owner: &Entity) -> bool {
        let workload = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet"].contains(&owner.kind.as_str());
        let key = Key { kind: pod.kind.clone(), namespace: pod.namespace.clone(), name: pod.name.clone() };
        let named = pod.name.strip_prefix(&owner.name).is_some_and(|rest| rest.starts_with('-'));
        pod.kind == "Pod" && workload && named && !self.owners.contains_key(&key)
    }

    fn uses_it(&self, user: &Entity, used: &Entity) -> bool {
        let key = Key { kind: user.kind.clone(), namespace: user.namespace.clone(), name: user.name.clone() };
        self.uses.get(&key).is_some_and(|used_things| {
            used_things.contains(&(used.kind.clone(), used.name.clone()))
                || used.kind == "Pod" && used_things.iter().any(|(kind, name)| kind == "Pod" && *name == used.name)
        })
    }

    /// What the focus names needs `name`, directly or through others.
    fn is_needed(&self, name: &str, focus: &Focus) -> bool {
        let named = |caller: &&String| focus.words.iter().any(|word| word.eq_ignore_ascii_case(caller));
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = self.calls.keys().filter(named).map(String::as_str).collect();
        while let Some(caller) = open.pop() {
            for callee in self.calls.get(caller).into_iter().flatten() {
                if callee == name {
                    return true;
                }
                if seen.insert(callee) {
                    open.push(callee);
                }
            }
        }
        false
    }

    /// What needs `entity`, directly or through others: its callers, and the workloads that use it; in the order of their names.
    pub fn dependents(&self, entity: &Entity) -> BTreeSet<String> {
        let mut out: BTreeSet<String> = BTreeSet::new();
        let mut open: Vec<String> = vec![entity.name.clone(), self.root(entity).name];
        while let Some(name) = open.pop() {
            let callers =
                self.calls.iter().filter(|(caller, callees)| callees.contains(&name) && **caller != entity.name).map(|(caller, _)| caller);
            open.extend(callers.filter(|caller| out.insert((*caller).clone())).cloned().collect::<Vec<_>>());
        }
        let used = (entity.kind.clone(), entity.name.clone());
        for (user, things) in &self.uses {
            let near = user.namespace.is_empty() || entity.namespace.is_empty() || user.namespace == entity.namespace;
            if near && things.contains(&used) {
                let user =
                    Entity { kind: user.kind.clone(), namespace: user.namespace.clone(), name: user.name.clone(), ..Entity::default() };
                out.insert(self.root(&user).name);
            }
        }
        out.remove(&entity.name);
        out
    }

    /// How much a finding about `entity` concerns what was asked: 1 the thing itself, 0.6 its namespace, 0.3 something else.
    pub fn relevance(&self, entity: &Entity, focus: &Focus) -> f64 {
        let asked_of_something = !focus.entities.is_empty() || !focus.words.is_empty();
        let in_namespace = !focus.namespace.is_empty() && entity.namespace == focus.namespace;
        let elsewhere = !focus.namespace.is_empty() && !entity.namespace.is_empty() && entity.namespace != focus.namespace;
        if asked_of_something {
            if self.is_meant(entity, focus) {
                return if elsewhere { 0.75 } else { 1.0 };
            }
            if focus.entities.iter().any(|meant| self.related(meant, entity)) {
                return 0.95;
            }
            if self.is_needed(&entity.name, focus) {
                return 0.9;
            }
        }
        let known = self.is_known(focus);
        match (asked_of_something && known, in_namespace, elsewhere) {
            (true, true, _) => 0.5,
            (true, false, true) => 0.2,
            (true, false, false) if entity.is_empty() => 0.8,
            (true, false, false) => 0.45,
            // The evidence does not know the object that the alert names: its neighbours may have nothing to do with it.
            (false, true, _) if !focus.entities.is_empty() => 0.7,
            (false, true, _) => 1.0,
            (false, false, true) if asked_of_something => 0.7,
            (false, false, true) => 0.3,
            (false, false, false) => 0.9,
        }
    }

    fn is_meant(&self, entity: &Entity, focus: &Focus) -> bool {
        let root = self.root(entity);
        let names = [entity.name.to_lowercase(), root.name.to_lowercase(), stem(&entity.name).to_lowercase()];
        focus.entities.iter().any(|meant| !meant.name.is_empty() && names.contains(&meant.name.to_lowercase()))
            || focus.entities.iter().any(|meant| meant.kind == "Pod" && names.contains(&stem(&meant.name).to_lowercase()))
            || focus.words.iter().any(|word| {
                let word = word.to_lowercase();
                names.iter().any(|name| *name == word || name.strip_prefix(&word).is_some_and(|rest| rest.starts_with(['-', '.', '_'])))
            })
    }

    /// The evidence speaks of what the focus names at all.
    pub fn is_known(&self, focus: &Focus) -> bool {
        let mut wanted = focus
            .entities
            .iter()
            .map(|entity| entity.name.to_lowercase())
            .chain(focus.words.iter().map(|word| word.to_lowercase()))
            .peekable();
        if wanted.peek().is_none() {
            return true;
        }
        wanted.any(|word| {
            self.names.iter().any(|name| {
                *name == word || name.strip_prefix(&word).is_some_and(|rest| rest.starts_with(['-', '.', '_'])) || stem(&word) == stem(name)
            })
        })
    }

    pub fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains(namespace)
    }
}

/// Who calls whom, from the topology and from the spans.
pub fn calls(observations: &Observations) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut out: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in &observations.edges {
        out.entry(&edge.caller).or_default().insert(&edge.callee);
    }
    let services: BTreeMap<&str, &str> = observations.spans.iter().map(|span| (span.span_id.as_str(), span.service.as_str())).collect();
    for span in &observations.spans {
        if let Some(parent) = services.get(span.parent_id.as_str()).filter(|parent| **parent != span.service) {
            out.entry(parent).or_default().insert(&span.service);
        }
    }
    out
}

/// A name without what a controller appended: the hash of a ReplicaSet, the suffix of a pod, the number in a StatefulSet.
pub fn stem(name: &str) -> &str {
    static SUFFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^(.+?)(?:-[a-z0-9]{8,10}-[a-z0-9]{5}|-[a-f0-9]{9,10}|-[bcdfghjklmnpqrstvwxz2456789]{5}|-\d{1,4})$").ok()
    });
    SUFFIX.as_ref().and_then(|regex| regex.captures(name)).and_then(|found| found.get(1)).map_or(name, |stem| stem.as_str())
}

fn uses(kind: &str, body: &Value) -> BTreeSet<(String, String)> {
    let mut out = BTreeSet::new();
    let mut add = |kind: &str, name: String| {
        if !name.is_empty() {
            out.insert((kind.to_owned(), name));
        }
    };
    match kind {
        "Pod" => {
            add("Node", string(body, "/spec/nodeName"));
            for volume in list(body, "/spec/volumes") {
                add("PersistentVolumeClaim", string(volume, "/persistentVolumeClaim/claimName"));
                add("ConfigMap", string(volume, "/configMap/name"));
                add("Secret", string(volume, "/secret/secretName"));
            }
            for container in list(body, "/spec/containers").iter().chain(list(body, "/spec/initContainers")) {
                for source in list(container, "/envFrom") {
                    add("ConfigMap", string(source, "/configMapRef/name"));
                    add("Secret", string(source, "/secretRef/name"));
                }
            }
        }
        "HorizontalPodAutoscaler" => add(&string(body, "/spec/scaleTargetRef/kind"), string(body, "/spec/scaleTargetRef/name")),
        "PersistentVolumeClaim" => {
            add("PersistentVolume", string(body, "/spec/volumeName"));
            add("StorageClass", string(body, "/spec/storageClassName"));
            for pod in list(body, "/status/usedBy") {
                add("Pod", pod.as_str().unwrap_or_default().to_owned());
            }
        }
        "Ingress" => {
            for rule in list(body, "/spec/rules") {
                for path in list(rule, "/http/paths") {
                    add("Service", string(path, "/backend/service/name"));
                }
            }
        }
        _ => {}
    }
    out
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn string(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
