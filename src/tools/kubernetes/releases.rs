//! What was changed on purpose: rollouts (from ReplicaSets), and what Argo CD, Flux and Helm say they did.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Kubernetes,
    kinds::{APPLICATIONS, CONTROLLER_REVISIONS, HELM_RELEASES, KUSTOMIZATIONS, PODS, REPLICA_SETS, SECRETS},
    lists::Which,
};
use crate::{
    model::{
        Entity,
        observation::{Change, Observations},
    },
    tools::{
        Asked, Output, Query, ToolError,
        live::{Gathering, Subject},
    },
};

/// How many lines of a diff are kept.
const DIFF_MAX: usize = 60;
const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
const CAUSE: &str = "/metadata/annotations/kubernetes.io~1change-cause";

impl Kubernetes {
    /// Rollouts and releases around the subject.
    pub(super) async fn changes(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let subject = Subject::of(&query);
        let namespaces = self.namespaces(tool, &subject).await?;
        let mut gathering = Gathering::default();
        let scopes: Vec<Which> = namespaces.iter().map(|namespace| Which::within(namespace)).collect();
        let helm = |which: &Which| Which { metadata_only: true, ..which.clone().labels("owner=helm") };
        for which in &scopes {
            let (sets, pods, releases) =
                tokio::join!(self.lists.get(tool, REPLICA_SETS, which.clone()), self.lists.get(tool, PODS, which.clone()), async {
                    // One call more for each namespace, where somebody named what is sick.
                    if subject.is_empty() { Ok(std::sync::Arc::default()) } else { self.lists.get(tool, SECRETS, helm(which)).await }
                });
            let mut revisions = vec![sets];
            if pods.is_ok_and(|pods| has_revisions(&pods.items)) {
                revisions.push(self.lists.get(tool, CONTROLLER_REVISIONS, which.clone()).await);
            }
            for listed in revisions {
                match listed {
                    Ok(listed) => self.note(&mut gathering, "rollouts", rollouts(&listed.items)),
                    Err(error) => gathering.failed(error),
                }
            }
            // Helm's records lie in Secrets, which few accounts may list: without them there is one source less, and no gap.
            if let Ok(listed) = releases {
                self.note(&mut gathering, "helm releases", listed.items.iter().filter_map(helm_release).collect());
            }
        }
        let (argo, flux, helm) = tokio::join!(
            self.lists.get(tool, APPLICATIONS, Which::default()),
            self.lists.get(tool, KUSTOMIZATIONS, Which::default()),
            self.lists.get(tool, HELM_RELEASES, Which::default())
        );
        for (name, answer, read) in
            [("argo cd", argo, argo_cd as fn(&Value) -> Vec<Change>), ("flux", flux, flux_sync), ("flux helm", helm, flux_sync)]
        {
            if let Ok(listed) = answer {
                self.note(&mut gathering, name, listed.items.iter().flat_map(read).collect());
            }
        }
        gathering.finish()
    }

    fn note(&self, gathering: &mut Gathering, what: &str, mut changes: Vec<Change>) {
        let source = self.source(what);
        let cluster = if self.named { self.client.cluster() } else { "" };
        for change in &mut changes {
            source.clone_into(&mut change.source);
            cluster.clone_into(&mut change.entity.cluster);
        }
        gathering.add(Asked { source, ..Asked::default() }, Observations { changes, ..Observations::default() });
    }
}

/// One revision of a workload: its number, when it was made, why, and its pods' spec.
struct Revision<'a> {
    number: u64,
    at: Option<Timestamp>,
    cause: &'a str,
    pods: Option<&'a Value>,
}

/// Every workload's newest revision against the one before: Deployments by their ReplicaSets, StatefulSets and DaemonSets by
/// their ControllerRevisions.
fn rollouts(objects: &[Value]) -> Vec<Change> {
    let mut by_owner: BTreeMap<(&str, &str, &str), Vec<Revision<'_>>> = BTreeMap::new();
    for object in objects {
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
        let owner = owners
            .filter(|owner| ["Deployment", "StatefulSet", "DaemonSet"].contains(&text(owner, "/kind")))
            .find(|owner| !text(owner, "/name").is_empty());
        let number = text(object, REVISION).parse().ok().or_else(|| object.get("revision")?.as_u64());
        let (Some(owner), Some(number)) = (owner, number) else { continue };
        let pods = object.pointer("/spec/template/spec").or_else(|| object.pointer("/data/spec/template/spec"));
        let revision = Revision { number, at: time(object, "/metadata/creationTimestamp"), cause: text(object, CAUSE), pods };
        by_owner.entry((text(owner, "/kind"), text(object, "/metadata/namespace"), text(owner, "/name"))).or_default().push(revision);
    }
    let mut out = Vec::new();
    for ((kind, namespace, name), mut revisions) in by_owner {
        revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
        let (Some(new), Some(old)) = (revisions.first(), revisions.get(1)) else { continue };
        let diff = diff(old.pods, new.pods);
        if diff.is_empty() {
            continue;
        }
        let what = if new.cause.is_empty() { format!("{} lines of its pods' spec", diff.len()) } else { new.cause.to_owned() };
        out.push(Change {
            id: format!("{name} revision {}", new.number),
            kind: "deploy".to_owned(),
            service: name.to_owned(),
            entity: Entity::new(kind, namespace, name),
            time: new.at,
            summary: format!("rollout to revision {} of {kind} {name}: {what}", new.number),
            diff: diff.join("\n"),
            ..Change::default()
        });
    }
    out
}

/// There are workloads whose revisions are not ReplicaSets.
fn has_revisions(pods: &[Value]) -> bool {
    let owners = pods.iter().filter_map(|pod| pod.pointer("/metadata/ownerReferences")?.as_array()).flatten();
    owners.into_iter().any(|owner| ["StatefulSet", "DaemonSet"].contains(&text(owner, "/kind")))
}

/// The leaves that differ, as lines of a diff.
fn diff(old: Option<&Value>, new: Option<&Value>) -> Vec<String> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    leaves(old.unwrap_or(&Value::Null), String::new(), &mut before);
    leaves(new.unwrap_or(&Value::Null), String::new(), &mut after);
    let mut out = Vec::new();
    for (path, value) in &before {
        if after.get(path) != Some(value) {
            out.push(format!("-{path}: {value}"));
            if let Some(now) = after.get(path) {
                out.push(format!("+{path}: {now}"));
            }
        }
    }
    out.extend(after.iter().filter(|(path, _)| !before.contains_key(*path)).map(|(path, value)| format!("+{path}: {value}")));
    out.truncate(DIFF_MAX);
    out
}

fn leaves(value: &Value, path: String, out: &mut BTreeMap<String, String>) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| leaves(inner, join(name), out)),
        // A list of named things is told by their names, so that an insertion is one difference.
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| {
            let name = item.get("name").and_then(Value::as_str).map_or_else(|| at.to_string(), str::to_owned);
            leaves(item, join(&name), out);
        }),
        Value::Null => {}
        Value::String(text) => drop(out.insert(path, text.clone())),
        other => drop(out.insert(path, other.to_string())),
    }
}

/// `sh.helm.release.v1.<release>.v<revision>`, told by its labels.
fn helm_release(secret: &Value) -> Option<Change> {
    let label = |name: &str| secret.pointer("/metadata/labels")?.get(name)?.as_str();
    let (release, revision, status) = (label("name")?, label("version")?, label("status").unwrap_or_default());
    let seconds: Option<i64> = label("modifiedAt").and_then(|text| text.parse().ok());
    Some(Change {
        id: format!("{release} revision {revision}"),
        kind: "deploy".to_owned(),
        service: release.to_owned(),
        entity: Entity::new("", text(secret, "/metadata/namespace"), release),
        time: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).or_else(|| time(secret, "/metadata/creationTimestamp")),
        summary: format!("Helm release {release}, revision {revision}: {status}"),
        ..Change::default()
    })
}

/// An Argo CD Application: its last operation and its history.
fn argo_cd(application: &Value) -> Vec<Change> {
    let name = text(application, "/metadata/name");
    let namespace = text(application, "/spec/destination/namespace");
    let sync = |revision: &str, at: Option<Timestamp>, said: String, author: &str| Change {
        id: revision.to_owned(),
        kind: "deploy".to_owned(),
        service: name.to_owned(),
        entity: Entity::new("", namespace, name),
        time: at,
        author: author.to_owned(),
        summary: said,
        ..Change::default()
    };
    let mut out = Vec::new();
    for entry in application.pointer("/status/history").and_then(Value::as_array).into_iter().flatten().rev().take(3) {
        let revision = text(entry, "/revision");
        out.push(sync(
            revision,
            time(entry, "/deployedAt"),
            format!("Argo CD synced {name} to {}", short(revision)),
            text(entry, "/initiatedBy/username"),
        ));
    }
    let phase = text(application, "/status/operationState/phase");
    if !["", "Succeeded", "Running"].contains(&phase) {
        let revision = text(application, "/status/operationState/syncResult/revision");
        let said = format!(
            "Argo CD's sync of {name} to {} ended as {phase}: {}",
            short(revision),
            text(application, "/status/operationState/message")
        );
        out.push(sync(revision, time(application, "/status/operationState/finishedAt"), said, ""));
    }
    out
}

/// A Kustomization or HelmRelease of Flux: the revision that it applied last.
fn flux_sync(object: &Value) -> Vec<Change> {
    let revision = ["/status/lastAppliedRevision", "/status/history/0/chartVersion", "/status/lastAttemptedRevision"]
        .iter()
        .map(|path| text(object, path))
        .find(|text| !text.is_empty());
    let Some(revision) = revision else { return Vec::new() };
    let ready = object
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|condition| text(condition, "/type") == "Ready");
    let name = text(object, "/metadata/name");
    let told = ready.map_or("", |ready| text(ready, "/message"));
    let namespace = [text(object, "/spec/targetNamespace"), text(object, "/metadata/namespace")]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    vec![Change {
        id: revision.to_owned(),
        kind: "deploy".to_owned(),
        service: name.to_owned(),
        entity: Entity::new("", namespace, name),
        time: ready.and_then(|ready| time(ready, "/lastTransitionTime")),
        summary: format!("Flux applied {} of {name}: {told}", short(revision)),
        ..Change::default()
    }]
}

fn short(revision: &str) -> &str {
    let is_hash = revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash { revision.get(..8).unwrap_or(revision) } else { revision }
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn time(value: &Value, path: &str) -> Option<Timestamp> {
    text(value, path).parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(revision: &str, image: &str, memory: &str) -> Value {
        json!({"metadata": {"name": format!("checkout-{revision}"), "namespace": "shop", "creationTimestamp": "2026-01-15T13:50:00Z",
            "annotations": {"deployment.kubernetes.io/revision": revision}, "ownerReferences": [{"kind": "Deployment", "name": "checkout"}]},
            "spec": {"template": {"spec": {"containers": [{"name": "app", "image": image, "resources": {"limits": {"memory": memory}}}]}}}})
    }

    #[test]
    fn a_rollout_is_told_with_what_it_changed() {
        let found = rollouts(&[set("9", "shop/checkout:1", "512Mi"), set("10", "shop/checkout:2", "128Mi")]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].summary, "rollout to revision 10 of Deployment checkout: 4 lines of its pods' spec");
        assert_eq!(
            found[0].diff,
            "-containers.app.image: shop/checkout:1\n+containers.app.image: shop/checkout:2\n-containers.app.resources.limits.memory: 512Mi\n+containers.app.resources.limits.memory: 128Mi"
        );
    }

    #[test]
    fn a_stateful_set_is_told_by_its_controller_revisions() {
        let revision = |number: u64, image: &str| {
            json!({"metadata": {"name": format!("db-{number}"), "namespace": "shop", "ownerReferences": [{"kind": "StatefulSet", "name": "db"}]}, "revision": number,
                "data": {"spec": {"template": {"spec": {"containers": [{"name": "db", "image": image}]}}}}})
        };
        let found = rollouts(&[revision(3, "db:8"), revision(2, "db:7"), revision(1, "db:6")]);
        assert_eq!(
            (found.len(), found[0].entity.kind.as_str(), found[0].diff.as_str()),
            (1, "StatefulSet", "-containers.db.image: db:7\n+containers.db.image: db:8")
        );
        assert!(rollouts(&[json!({"revision": "x", "metadata": {"ownerReferences": [{"kind": "DaemonSet"}]}})]).is_empty());
    }

    #[test]
    fn releases_of_other_tools_are_changes_too() {
        let helm = json!({"metadata": {"namespace": "shop", "labels": {"name": "checkout", "version": "7", "status": "deployed", "modifiedAt": "1768484000"}}});
        assert_eq!(helm_release(&helm).unwrap().summary, "Helm release checkout, revision 7: deployed");
        let argo = json!({"metadata": {"name": "checkout"}, "status": {"history": [{"revision": "0123456789012345678901234567890123456789", "deployedAt": "2026-01-15T13:50:00Z"}],
            "operationState": {"phase": "Failed", "message": "one or more objects failed", "finishedAt": "2026-01-15T13:55:00Z", "syncResult": {"revision": "x"}}}});
        let told = argo_cd(&argo);
        assert_eq!(told[0].summary, "Argo CD synced checkout to 01234567");
        assert_eq!(told[1].summary, "Argo CD's sync of checkout to x ended as Failed: one or more objects failed");
        assert!(flux_sync(&json!({"metadata": {"name": "x"}})).is_empty());
    }
}
