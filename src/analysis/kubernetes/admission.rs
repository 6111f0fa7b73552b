//! Admission webhooks: a service that is gone or has nothing behind it stops every request that they judge.

use super::{
    Checked, Look, Thing,
    value::{map, text},
};
use crate::{
    analysis::{Finding, Role},
    model::{Category, Entity},
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        for configuration in look.cluster.all(kind) {
            for webhook in configuration.list("/webhooks") {
                one(look, configuration, webhook, out);
            }
        }
    }
}

fn one(look: &Look<'_>, configuration: &Thing<'_>, webhook: &serde_json::Value, out: &mut Checked) {
    let (namespace, name) = (text(webhook, "/clientConfig/service/namespace"), text(webhook, "/clientConfig/service/name"));
    if name.is_empty() {
        return;
    }
    let label = text(webhook, "/name");
    let kind = configuration.kind.trim_end_matches("Configuration").trim_end_matches("Webhook");
    // An Ignore webhook lets requests through: untidy, not the reason for an outage.
    let closed = text(webhook, "/failurePolicy") != "Ignore";
    let problem = match look.cluster.get("Service", namespace, name) {
        None if look.cluster.proves_absence("Service", configuration) => {
            Some(format!("the service {namespace}/{name}, which does not exist"))
        }
        None => None,
        Some(service) => {
            let Some(selector) = map(&service.body, "/spec/selector").filter(|selector| !selector.is_empty()) else { return };
            let pods: Vec<&Thing<'_>> = look
                .cluster
                .all("Pod")
                .filter(|pod| {
                    pod.namespace == namespace
                        && selector.iter().all(|(key, value)| pod.labels().and_then(|labels| labels.get(key)) == Some(value))
                })
                .collect();
            let down = pods.iter().find(|pod| pod.text("/status/phase") != "Running");
            match (pods.is_empty(), down) {
                (true, _) if look.cluster.proves_absence("Pod", configuration) => {
                    Some(format!("the service {namespace}/{name}, which has no pods (inactive receiver)"))
                }
                (false, Some(pod)) if pods.iter().all(|pod| pod.text("/status/phase") != "Running") => {
                    let phase = pod.text("/status/phase");
                    Some(format!("an inactive receiver pod ({}, phase {})", pod.name, if phase.is_empty() { "unknown" } else { phase }))
                }
                _ => None,
            }
        }
    };
    let Some(problem) = problem else { return };
    let effect = if closed { "; its failure policy is Fail, so the requests that it judges are refused" } else { "" };
    out.findings.push(
        Finding::new(
            Category::AdmissionWebhook,
            Role::Cause,
            Entity::new(configuration.kind, "", configuration.name),
            format!("{kind} Webhook ({label}) of {} is pointing to {problem}{effect}", configuration.name),
        )
        .strength(if closed { 0.7 } else { 0.35 })
        .saw(look.field(
            configuration,
            format!(
                "{kind} webhook {label}: clientConfig.service is {namespace}/{name}, failurePolicy {}",
                if closed { "Fail" } else { "Ignore" }
            ),
        ))
        .falsifier("a dry-run request that the webhook judges succeeds")
        .fix(format!("kubectl get pods,endpoints -n {namespace}"))
        .fix(format!("kubectl delete {} {}   # when its owner is gone for good", configuration.kind.to_lowercase(), configuration.name))
        .prevent("exclude kube-system and the webhook's own namespace, run two replicas, and alert on its availability"),
    );
}
