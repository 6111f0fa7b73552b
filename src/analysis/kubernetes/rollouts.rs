//! What the last rollout changed: the newest ReplicaSet of a deployment against the one before it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Checked, Look, Thing,
    pods::{in_namespace, is_ready},
    value::{list, short, text},
};
use crate::{
    analysis::{Finding, Role, Seen},
    model::{Category, Entity, EvidenceKind},
};

/// The annotation that numbers the revisions.
const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
/// Fields of a container that a rollout changes and that can break it.
const FIELDS: &[&str] = &[
    "/image",
    "/command",
    "/args",
    "/resources/limits/memory",
    "/resources/limits/cpu",
    "/resources/requests/memory",
    "/resources/requests/cpu",
    "/livenessProbe",
    "/readinessProbe",
    "/startupProbe",
    "/envFrom",
];

pub fn check(look: &Look<'_>, out: &mut Checked) {
    let mut by_owner: BTreeMap<(String, String), Vec<&Thing<'_>>> = BTreeMap::new();
    for set in look.cluster.all("ReplicaSet") {
        if let Some(owner) = set.list("/metadata/ownerReferences").first() {
            by_owner.entry((set.namespace.clone(), text(owner, "/name").to_owned())).or_default().push(set);
        }
    }
    for ((namespace, name), mut sets) in by_owner {
        sets.sort_by_key(|set| set.text(REVISION).parse::<u64>().unwrap_or(0));
        let [.., old, new] = sets.as_slice() else { continue };
        let Some(deployment) = look.cluster.get("Deployment", &namespace, &name) else { continue };
        if is_unwell(look, new, deployment) {
            compare(deployment, old, new, out);
        }
    }
}

/// A rollout is only suspected when the pods that it made do not work.
fn is_unwell(look: &Look<'_>, new: &Thing<'_>, deployment: &Thing<'_>) -> bool {
    let pods: Vec<&Thing<'_>> = look
        .cluster
        .all("Pod")
        .filter(|pod| {
            pod.namespace == new.namespace && pod.list("/metadata/ownerReferences").iter().any(|owner| text(owner, "/name") == new.name)
        })
        .collect();
    let wanted = new.int("/spec/replicas").unwrap_or(0);
    let short_of = wanted > new.int("/status/readyReplicas").unwrap_or(0);
    pods.iter().any(|pod| !is_ready(pod)) || (pods.is_empty() && short_of && deployment.int("/status/unavailableReplicas").unwrap_or(0) > 0)
}

fn compare(deployment: &Thing<'_>, old: &Thing<'_>, new: &Thing<'_>, out: &mut Checked) {
    let differences = differences(old, new);
    if differences.is_empty() {
        return;
    }
    let path = deployment.path();
    let revision = new.text(REVISION);
    let when = new.text("/metadata/creationTimestamp").parse().ok();
    let all = short(&differences.join("; "), 220);
    out.findings.push(
        Finding::new(
            Category::BadChange,
            Role::Symptom,
            deployment.entity(),
            format!("The last rollout of Deployment {path} (revision {revision}) changed {all}, and its new pods do not work"),
        )
        .strength(0.6)
        .saw(
            Seen::new(
                EvidenceKind::Change,
                new.source,
                Entity::new("Change", &new.namespace, new.name),
                format!("rollout to revision {revision} of Deployment {path} (ReplicaSet {} after {}): {all}", new.name, old.name),
            )
            .at(when, None)
            .quoting(differences.join("\n")),
        )
        .falsifier("the pods of the old revision fail in the same way")
        .fix(format!("kubectl rollout undo deployment/{}{}", deployment.name, in_namespace(&deployment.namespace)))
        .prevent("progressDeadlineSeconds and an automatic rollback in the pipeline"),
    );
}

fn differences(old: &Thing<'_>, new: &Thing<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for container in new.list("/spec/template/spec/containers") {
        let name = text(container, "/name");
        let Some(before) = old.list("/spec/template/spec/containers").iter().find(|other| text(other, "/name") == name) else {
            out.push(format!("container {name} is new"));
            continue;
        };
        for field in FIELDS {
            let (was, is) = (before.pointer(field), container.pointer(field));
            if was != is {
                out.push(format!("{name}{}: {} → {}", field.replace('/', "."), shown(was), shown(is)));
            }
        }
        out.extend(environment(name, before, container));
    }
    out
}

fn environment(name: &str, before: &Value, after: &Value) -> Vec<String> {
    let entries = |container: &Value| -> BTreeMap<String, String> {
        list(container, "/env")
            .iter()
            .map(|entry| {
                (
                    text(entry, "/name").to_owned(),
                    entry.get("value").or_else(|| entry.get("valueFrom")).map(|value| shown(Some(value))).unwrap_or_default(),
                )
            })
            .collect()
    };
    let (was, is) = (entries(before), entries(after));
    let mut out = Vec::new();
    for (key, value) in &is {
        match was.get(key) {
            None => out.push(format!("{name}.env.{key}: added")),
            Some(old) if old != value => out.push(format!("{name}.env.{key}: changed")),
            Some(_) => {}
        }
    }
    out.extend(was.keys().filter(|key| !is.contains_key(*key)).map(|key| format!("{name}.env.{key}: removed")));
    out
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => short(text, 80),
        Some(other) => short(&other.to_string(), 80),
    }
}
