//! Pods that are never made: the API server refuses what a controller asks for.

use std::collections::BTreeSet;

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{condition, short, text},
};
use crate::{
    analysis::{Finding, Role, Seen, links::stem},
    model::{Category, Entity, EvidenceKind, observation::Event},
};

/// Kinds whose controllers make pods.
const MAKERS: &[&str] = &["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"];
/// Words of the LimitRanger's refusals. Source: kubernetes plugin/pkg/admission/limitranger.
const LIMIT_RANGE: &[&str] = &[
    "limitrange",
    "maximum memory usage",
    "maximum cpu usage",
    "minimum memory usage",
    "minimum cpu usage",
    "must be less than or equal",
    "limit to request ratio",
];

pub fn check(look: &Look<'_>, out: &mut Checked) {
    let mut told = BTreeSet::new();
    for kind in MAKERS {
        for thing in look.cluster.all(kind).filter(|thing| is_short(thing)) {
            let state = condition(&thing.body, "ReplicaFailure").filter(|state| {
                text(state, "/status") == "True" || text(state, "/status").is_empty() && text(state, "/reason") == "FailedCreate"
            });
            let event = look.recent(thing, &["FailedCreate"]).or_else(|| below(look, thing));
            // A description shows the condition's reason only: the event has the words.
            let said = state.map(|state| text(state, "/message")).filter(|message| !message.is_empty());
            let Some(message) = said.or(event.map(|event| event.message.as_str())).or(state.map(|state| text(state, "/reason"))) else {
                continue;
            };
            told.insert((thing.namespace.clone(), stem_of(kind, thing.name)));
            out.findings.push(refused(kind, thing.entity(), thing.source, message).saw_all(event.map(|event| look.event(thing, event))));
        }
    }
    orphans(look, &told, out);
}

/// The controller still waits for pods, as far as the evidence shows it.
fn is_short(thing: &Thing<'_>) -> bool {
    let wanted = thing.int("/spec/replicas").or_else(|| thing.int("/status/desiredNumberScheduled"));
    match thing.kind {
        "Job" => {
            let is_over = |name: &str| condition(&thing.body, name).is_some_and(|state| text(state, "/status") == "True");
            thing.int("/status/active").unwrap_or(0) == 0 && thing.int("/status/succeeded").unwrap_or(0) == 0 && !is_over("Complete")
        }
        "ReplicaSet" | "ReplicationController" | "StatefulSet" => wanted.unwrap_or(1) > thing.int("/status/replicas").unwrap_or(0),
        "DaemonSet" => wanted.unwrap_or(1) > thing.int("/status/numberReady").unwrap_or(0),
        _ => wanted.unwrap_or(1) > thing.int("/status/readyReplicas").unwrap_or(0),
    }
}

/// A refusal that a deployment's ReplicaSet, which the evidence does not show, was given.
fn below<'e>(look: &'e Look<'_>, thing: &Thing<'_>) -> Option<&'e Event> {
    let near = |namespace: &str| namespace.is_empty() || namespace == thing.namespace;
    let mut events = look.cluster.orphan_events().filter(|event| event.reason == "FailedCreate" && look.is_recent(event));
    events
        .find(|event| {
            thing.kind == "Deployment"
                && event.entity.kind == "ReplicaSet"
                && near(&event.entity.namespace)
                && event.entity.name.rsplit_once('-').is_some_and(|(name, _)| name == thing.name)
        })
        .copied()
}

fn stem_of(kind: &str, name: &str) -> String {
    if kind == "ReplicaSet" { name.rsplit_once('-').map_or(name, |(name, _)| name).to_owned() } else { name.to_owned() }
}

/// Events about controllers that the evidence does not show, where none of their pods runs.
fn orphans(look: &Look<'_>, told: &BTreeSet<(String, String)>, out: &mut Checked) {
    let mut seen = BTreeSet::new();
    for event in look.cluster.orphan_events().filter(|event| event.reason == "FailedCreate" && look.is_recent(event)) {
        let entity = &event.entity;
        let name = stem_of(&entity.kind, &entity.name);
        let near = |namespace: &str| namespace.is_empty() || entity.namespace.is_empty() || namespace == entity.namespace;
        let known = told.iter().any(|(namespace, other)| *other == name && near(namespace));
        let whole = MAKERS
            .iter()
            .flat_map(|kind| look.cluster.all(kind))
            .any(|thing| thing.name == name && near(&thing.namespace) && !is_short(thing));
        let runs = look.cluster.all("Pod").any(|pod| {
            near(&pod.namespace)
                && (stem(pod.name) == name || pod.name.strip_prefix(&entity.name).is_some_and(|rest| rest.starts_with('-')))
        });
        if !MAKERS.contains(&entity.kind.as_str()) || known || whole || runs || !seen.insert((entity.kind.clone(), entity.name.clone())) {
            continue;
        }
        let (first, last) = look.cluster.times_of(event);
        let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
        let summary = format!("event FailedCreate{times} on {entity}: {}", short(&event.message, 200));
        out.findings.push(refused(&entity.kind, entity.clone(), &event.source, &event.message).saw(
            Seen::new(EvidenceKind::Event, &event.source, entity.clone(), summary).at(first.or(last), last).quoting(event.message.clone()),
        ));
    }
}

/// The API server refuses new pods: quota, admission, policy.
fn refused(kind: &str, entity: Entity, source: &str, message: &str) -> Finding {
    let lower = message.to_lowercase();
    let (category, why) = if lower.contains("exceeded quota") {
        (Category::QuotaExceeded, "its ResourceQuota is exceeded (exceeded quota)")
    } else if ["violates podsecurity", "violates pod security", "podsecuritypolicy"].iter().any(|sign| lower.contains(sign))
        || lower.contains("unable to validate against any security context")
    {
        (Category::PermissionDenied, "pod security admission forbids it")
    } else if lower.contains("webhook") {
        (Category::AdmissionWebhook, "an admission webhook refuses it or does not answer")
    } else if lower.contains("serviceaccount") && lower.contains("not found") {
        (Category::ConfigMissing, "its service account does not exist")
    } else if LIMIT_RANGE.iter().any(|sign| lower.contains(sign)) {
        (Category::QuotaExceeded, "the namespace's LimitRange forbids its requests")
    } else if lower.contains("forbidden") {
        (Category::PermissionDenied, "the API server forbids it")
    } else {
        (Category::RolloutStuck, "the API server refuses to create its pods")
    };
    let path = entity.path();
    let lower_kind = kind.to_lowercase();
    let place = in_namespace(&entity.namespace);
    Finding::new(category, Role::Cause, entity.clone(), format!("{kind} {path} cannot create pods: {why}: {}", short(message, 180)))
        .decisive()
        .saw(
            Seen::new(EvidenceKind::Condition, source, entity.clone(), format!("{kind} {path}: {}", short(message, 240)))
                .quoting(message)
                .decisive(),
        )
        .falsifier("a new pod of it is created")
        .fix(format!("kubectl describe {lower_kind}/{}{place}", entity.name))
        .fix(match category {
            Category::QuotaExceeded => format!("kubectl describe quota,limitrange{place}   # raise it, or lower the requests"),
            Category::AdmissionWebhook => "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations".to_owned(),
            _ => format!("kubectl get events{place} --sort-by=.lastTimestamp"),
        })
        .prevent("dry-run the manifests against the cluster (kubectl apply --dry-run=server) before the rollout")
}
