//! Pods: why one does not run, does not stay up, or is not ready. What runs and is ready now is left alone.

mod containers;
mod environment;
mod exits;
mod gates;
mod images;
mod mounts;
mod probes;
mod rejected;
mod scheduling;
mod throttling;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::{
    Checked, Look, Thing,
    value::{int, list, short, text},
};
use crate::{
    analysis::{Finding, Role, links::stem},
    model::Category,
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    let mut healthy = 0_usize;
    for pod in look.cluster.all("Pod") {
        let before = out.findings.len();
        // A pod that is being deleted ends its containers on purpose.
        if pod.is_going() || pod.text("/status/phase") == "Succeeded" {
            continue;
        }
        if !replaced(look, pod) {
            evicted(look, pod, out);
            rejected::check(look, pod, out);
            scheduling::check(look, pod, out);
            containers::check(look, pod, out);
            mounts::check(look, pod, out);
            gates::check(look, pod, out);
        }
        throttling::check(look, pod, out);
        if out.findings.len() == before && is_ready(pod) {
            healthy += 1;
        }
    }
    if healthy > 0 {
        out.ruled_out.push(format!("{healthy} pod(s) run and are ready"));
    }
}

/// All containers run and are ready.
pub fn is_ready(pod: &Thing<'_>) -> bool {
    let statuses = pod.list("/status/containerStatuses");
    pod.text("/status/phase") == "Running"
        && !statuses.is_empty()
        && statuses.iter().all(|status| super::value::flag(status, "/ready") == Some(true))
}

/// A failed or evicted pod whose workload has all its replicas again is history.
fn replaced(look: &Look<'_>, pod: &Thing<'_>) -> bool {
    if pod.text("/status/phase") != "Failed" && pod.text("/status/reason") != "Evicted" {
        return false;
    }
    let owned = owner(look, pod).and_then(|(kind, name)| look.cluster.get(&kind, &pod.namespace, &name));
    // A table does not name the owner: it is the workload after which the pod is called.
    let named = || {
        let kinds = ["Deployment", "StatefulSet", "DaemonSet", "Job"].iter().flat_map(|kind| look.cluster.all(kind));
        let mut same = kinds.filter(|workload| workload.namespace == pod.namespace && workload.name == stem(pod.name));
        pod.partial.then(|| same.next()).flatten()
    };
    let Some(workload) = owned.or_else(named) else { return false };
    match workload.kind {
        "Job" => workload
            .list("/status/conditions")
            .iter()
            .any(|condition| text(condition, "/type") == "Complete" && text(condition, "/status") == "True"),
        _ => {
            let wanted = workload.int("/spec/replicas").or_else(|| workload.int("/status/desiredNumberScheduled"));
            let ready = workload.int("/status/readyReplicas").or_else(|| workload.int("/status/numberReady"));
            wanted.is_some() && wanted <= ready
        }
    }
}

/// What finally owns a pod, by its owner references: a Deployment rather than its ReplicaSet.
pub fn owner(look: &Look<'_>, pod: &Thing<'_>) -> Option<(String, String)> {
    let reference = list(&pod.body, "/metadata/ownerReferences").first()?;
    let (kind, name) = (text(reference, "/kind").to_owned(), text(reference, "/name").to_owned());
    if kind != "ReplicaSet" {
        return Some((kind, name));
    }
    if let Some(set) = look.cluster.get("ReplicaSet", &pod.namespace, &name)
        && let Some(above) = list(&set.body, "/metadata/ownerReferences").first()
    {
        return Some((text(above, "/kind").to_owned(), text(above, "/name").to_owned()));
    }
    let deployment = name.rsplit_once('-').map_or(name.as_str(), |(deployment, _)| deployment).to_owned();
    Some(("Deployment".to_owned(), deployment))
}

/// `deployment/checkout -n shop`, or the pod itself where nothing owns it: for commands.
pub fn target(look: &Look<'_>, pod: &Thing<'_>) -> String {
    let (kind, name) = owner(look, pod).unwrap_or_else(|| ("Pod".to_owned(), pod.name.to_owned()));
    format!("{}/{name}{}", kind.to_lowercase(), in_namespace(&pod.namespace))
}

/// ` -n shop`, or nothing.
pub fn in_namespace(namespace: &str) -> String {
    if namespace.is_empty() { String::new() } else { format!(" -n {namespace}") }
}

/// The spec of a container, by its name; the only one where the status names none (a table does not).
pub fn spec_of<'a>(pod: &'a Thing<'_>, name: &str) -> Option<&'a Value> {
    let all = || pod.list("/spec/containers").iter().chain(pod.list("/spec/initContainers"));
    if name.is_empty() && pod.list("/spec/containers").len() == 1 {
        return pod.list("/spec/containers").first();
    }
    all().find(|container| text(container, "/name") == name)
}

fn evicted(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    if pod.text("/status/reason") != "Evicted" {
        return;
    }
    let message = short(pod.text("/status/message"), 180);
    let why = if message.is_empty() { "the node gave no reason".to_owned() } else { message.clone() };
    let node = pod.text("/spec/nodeName");
    let mut finding = Finding::new(Category::Evicted, Role::Cause, pod.entity(), format!("Pod {} was evicted: {why}", pod.path()))
        .decisive()
        .saw(look.field(pod, format!("status.reason is Evicted: {why}")).decisive())
        .falsifier("the pod's status.reason is not Evicted")
        .fix(format!(
            "kubectl describe node {}   # which resource is short, and who uses it",
            if node.is_empty() { "<node of the pod>" } else { node }
        ))
        .fix(format!(
            "kubectl delete pod {}{}   # the object only; its controller has made a new one",
            pod.name,
            in_namespace(&pod.namespace)
        ))
        .prevent("request what the pod really uses, so that the scheduler leaves room, and set limits on its neighbours");
    if message.contains("DiskPressure") || message.contains("ephemeral-storage") {
        finding = finding.prevent("limit ephemeral-storage and rotate logs on the node");
    }
    out.findings.push(finding);
}

/// A pod that is too young to judge and has not failed in any way yet.
pub fn is_starting(look: &Look<'_>, pod: &Thing<'_>, status: &Value) -> bool {
    let young = look.cluster.age_of_thing(pod).is_some_and(|age| age < look.thresholds.startup_grace_seconds);
    young && int(status, "/restartCount").unwrap_or(0) == 0
}
