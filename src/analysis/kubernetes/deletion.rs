//! Objects that are being deleted and do not go: somebody's finalizer is not removed.

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{condition, flag, short, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// Longer than any ordinary grace period. Source: own choice, ten minutes.
const PATIENCE_SECONDS: u64 = 600;

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for thing in look.cluster.things().filter(|thing| thing.is_going() || thing.text("/status/phase") == "Terminating") {
        let since = thing.text("/metadata/deletionTimestamp").parse().ok();
        let waited = since.and_then(|since| look.cluster.seconds_since(since));
        let told = remaining(thing);
        let long = waited.is_some_and(|seconds| seconds > PATIENCE_SECONDS) || !told.is_empty();
        let finalizers = finalizers(thing);
        if thing.kind == "Namespace" && finalizers.is_empty() && told.is_empty() {
            out.findings.push(leaving(look, thing));
            continue;
        }
        if !long || finalizers.is_empty() && told.is_empty() {
            continue;
        }
        let (kind, path) = (thing.kind, thing.path());
        let hours = waited.map(|seconds| format!(" for {}", duration(seconds))).unwrap_or_default();
        let why = [
            (!finalizers.is_empty()).then(|| format!("its finalizer(s) {} are not removed", finalizers.join(", "))),
            (!told.is_empty()).then(|| told.clone()),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ");
        out.findings.push(
            Finding::new(
                Category::PlatformObject,
                Role::Cause,
                thing.entity(),
                format!("{kind} {path} is stuck in Terminating{hours}: {}", short(&why, 240)),
            )
            .strength(0.85)
            .saw(look.field(thing, format!("{kind} {path}: deletionTimestamp is set; {}", short(&why, 220))).at(since, None))
            .falsifier("the object is gone")
            .fix(format!(
                "kubectl get {} {}{} -o jsonpath='{{.metadata.finalizers}}'   # does the controller that owns the finalizer run?",
                kind.to_lowercase(),
                thing.name,
                in_namespace(&thing.namespace)
            ))
            .fix("remove the finalizer by hand only when its controller is gone for good and what it protects was cleaned up")
            .prevent("delete custom resources before the controller that finalizes them"),
        );
    }
}

/// A namespace on its way out refuses whatever is new; what holds it is not in the evidence.
fn leaving(look: &Look<'_>, thing: &Thing<'_>) -> Finding {
    let name = thing.name;
    Finding::new(
        Category::PlatformObject,
        Role::Symptom,
        thing.entity(),
        format!("Namespace {name} is Terminating: nothing can be created in it, and what still holds it is not in the evidence"),
    )
    .strength(0.6)
    .saw(look.field(thing, format!("namespace {name}: phase Terminating")))
    .falsifier("the namespace is gone")
    .fix(format!("kubectl get namespace {name} -o yaml   # status.conditions name what remains"))
}

/// Finalizers that hold an object on purpose are left out while what they protect against is there.
fn finalizers(thing: &Thing<'_>) -> Vec<String> {
    let own = thing.list("/metadata/finalizers").iter().filter_map(|name| name.as_str());
    own.filter(|name| !["foregroundDeletion", "orphan"].contains(name)).map(str::to_owned).collect()
}

/// A namespace says of itself what is left in it.
fn remaining(thing: &Thing<'_>) -> String {
    if thing.kind != "Namespace" {
        return String::new();
    }
    let states = [
        "NamespaceFinalizersRemaining",
        "NamespaceContentRemaining",
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionContentFailure",
    ];
    let told: Vec<&str> = states
        .iter()
        .filter_map(|name| condition(&thing.body, name))
        .filter(|state| text(state, "/status") == "True" || flag(state, "/status") == Some(true))
        .map(|state| text(state, "/message"))
        .collect();
    told.join("; ")
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=7_199 => format!("{} minutes", seconds / 60),
        7_200..=172_799 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
