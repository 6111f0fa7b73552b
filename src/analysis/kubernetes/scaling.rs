//! Autoscalers, disruption budgets and quotas.

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{condition, list, map, quantity, reason_and_message, short, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// Kinds that have the scale subresource.
const SCALABLE: &[&str] = &["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"];

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for thing in look.cluster.all("HorizontalPodAutoscaler") {
        autoscaler(look, thing, out);
    }
    for thing in look.cluster.all("ScaledObject") {
        conditions_of(look, thing, out);
        target_of(look, thing, out);
    }
    for thing in look.cluster.all("PodDisruptionBudget") {
        budget(look, thing, out);
    }
    for thing in look.cluster.all("ResourceQuota") {
        quota(look, thing, out);
    }
}

fn autoscaler(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let path = thing.path();
    let at_most = thing.int("/spec/maxReplicas");
    let current = thing.int("/status/currentReplicas");
    let finding = |statement: String, strength: f64, summary: String| {
        Finding::new(Category::Autoscaling, Role::Cause, thing.entity(), statement)
            .strength(strength)
            .saw(look.field(thing, summary))
            .falsifier("the autoscaler's conditions AbleToScale and ScalingActive are True")
            .fix(format!("kubectl describe hpa {}{}", thing.name, in_namespace(&thing.namespace)))
            .prevent("alert on HPA at its maximum and on missing metrics (kubernetes-mixin KubeHpaMaxedOut, KubeHpaReplicasMismatch)")
    };
    for state in thing.list("/status/conditions") {
        let (name, status) = (text(state, "/type"), text(state, "/status"));
        let words = short(&reason_and_message(state), 200);
        let reason = text(state, "/reason");
        if name == "ScalingLimited" {
            // Fewer than the minimum is the ordinary state at night.
            let at_the_top = reason == "TooManyReplicas" || (at_most.is_some() && at_most == current);
            if status == "True" && reason != "TooFewReplicas" && (at_the_top || reason != "TooManyReplicas") {
                out.findings.push(finding(
                    format!(
                        "HorizontalPodAutoscaler {path} is limited: {words} (replicas {}, maxReplicas {})",
                        number(current),
                        number(at_most)
                    ),
                    0.75,
                    format!("HPA {path}: ScalingLimited=True, {words}"),
                ));
            }
        } else if status == "False" && reason != "ScalingDisabled" {
            // Scaling is disabled where somebody set the target to no replicas.
            out.findings.push(finding(
                format!("HorizontalPodAutoscaler {path} cannot scale: {name}=False, {words}"),
                0.85,
                format!("HPA {path}: condition {name}=False, {words}"),
            ));
        }
    }
    if thing.partial {
        if thing.list("/status/conditions").is_empty() {
            out.findings.extend(told_by_table(look, thing, &finding));
        }
        return;
    }
    let (kind, name) = (thing.text("/spec/scaleTargetRef/kind"), thing.text("/spec/scaleTargetRef/name"));
    let ours = thing.text("/spec/scaleTargetRef/apiVersion");
    let custom = !ours.is_empty() && !ours.starts_with("apps/") && ours != "v1";
    if !SCALABLE.contains(&kind) && !custom {
        out.findings.push(finding(
            format!("HorizontalPodAutoscaler {path} uses {kind:?} as ScaleTargetRef, which is not an option"),
            0.8,
            format!("HPA {path}: spec.scaleTargetRef.kind is {kind:?}; it must be one of {}", SCALABLE.join(", ")),
        ));
        return;
    }
    match look.cluster.get(kind, &thing.namespace, name) {
        None if !custom && look.cluster.proves_absence(kind, thing) => out.findings.push(finding(
            format!("HorizontalPodAutoscaler {path} uses {kind}/{name} as ScaleTargetRef, which does not exist"),
            0.8,
            format!("HPA {path}: scaleTargetRef {kind}/{name}; no such object in the evidence"),
        )),
        Some(target) if !target.partial => {
            let containers = list(&target.body, "/spec/template/spec/containers");
            let utilisation =
                list(&thing.body, "/spec/metrics").iter().any(|metric| text(metric, "/resource/target/type") == "Utilization")
                    || thing.int("/spec/targetCPUUtilizationPercentage").is_some()
                    || thing.list("/spec/metrics").is_empty();
            let bare: Vec<&str> = containers
                .iter()
                .filter(|container| map(container, "/resources/requests").is_none_or(serde_json::Map::is_empty))
                .map(|container| text(container, "/name"))
                .collect();
            if utilisation && !bare.is_empty() && !containers.is_empty() {
                out.findings.push(finding(
                    format!("HorizontalPodAutoscaler {path} cannot compute utilisation: {kind} {name} has container(s) without resource requests: {}", bare.join(", ")),
                    0.6,
                    format!("{kind} {name}: no resources.requests on {}", bare.join(", ")),
                ));
            }
        }
        _ => {}
    }
}

/// A row has no conditions: its targets say whether the metrics are known, and whether the top is reached.
fn told_by_table(look: &Look<'_>, thing: &Thing<'_>, finding: &dyn Fn(String, f64, String) -> Finding) -> Option<Finding> {
    let path = thing.path();
    let targets = thing.list("/status/metricsText").first().and_then(|text| text.as_str()).unwrap_or_default();
    let (most, least, current) = (thing.int("/spec/maxReplicas"), thing.int("/spec/minReplicas"), thing.int("/status/currentReplicas"));
    let young = look.cluster.age_of_thing(thing).is_some_and(|age| age < look.thresholds.startup_grace_seconds);
    if targets.contains("<unknown>") && current != Some(0) && !young {
        return Some(finding(
            format!("HorizontalPodAutoscaler {path} cannot scale: it gets no metrics (targets {targets})"),
            0.75,
            format!("HPA {path}: targets {targets}"),
        ));
    }
    // `cpu: 240%/70%`: above its target with no replica left to add.
    let over = targets.split(',').filter_map(|target| target.rsplit(' ').next()?.split_once('/')).any(|(is, wanted)| {
        let amount = |text: &str| quantity(text.trim().trim_end_matches('%').trim_end_matches(" (avg)"));
        amount(is).zip(amount(wanted)).is_some_and(|(is, wanted)| is > wanted)
    });
    (over && most.is_some() && most == current && least != most).then(|| {
        finding(
            format!("HorizontalPodAutoscaler {path} is limited: it runs its maximum of {} replicas and is still above its target ({targets}, maxReplicas {})", number(current), number(most)),
            0.75,
            format!("HPA {path}: replicas {} of maxReplicas {}, targets {targets}", number(current), number(most)),
        )
    })
}

fn number(value: Option<i64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}

/// KEDA's ScaledObject and others: a Ready condition that is False.
fn conditions_of(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    if let Some(ready) = condition(&thing.body, "Ready").filter(|condition| text(condition, "/status") == "False") {
        let why = short(&reason_and_message(ready), 200);
        out.findings.push(
            Finding::new(
                Category::Autoscaling,
                Role::Cause,
                thing.entity(),
                format!("{} {} is not ready: {why}", thing.kind, thing.path()),
            )
            .strength(0.8)
            .saw(look.field(thing, format!("{} {}: condition Ready=False, {why}", thing.kind, thing.path())))
            .fix(format!("kubectl describe {} {}{}", thing.kind.to_lowercase(), thing.name, in_namespace(&thing.namespace))),
        );
    }
}

/// What a ScaledObject is to scale: a Deployment where it names no kind.
fn target_of(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let (kind, name) = (thing.text("/spec/scaleTargetRef/kind"), thing.text("/spec/scaleTargetRef/name"));
    let kind = if kind.is_empty() { "Deployment" } else { kind };
    let custom = !["", "apps/v1"].contains(&thing.text("/spec/scaleTargetRef/apiVersion"));
    if thing.partial || custom || name.is_empty() || look.cluster.get(kind, &thing.namespace, name).is_some() {
        return;
    }
    if look.cluster.proves_absence(kind, thing) {
        let path = thing.path();
        out.findings.push(
            Finding::new(
                Category::Autoscaling,
                Role::Cause,
                thing.entity(),
                format!("ScaledObject {path} uses {kind}/{name} as ScaleTargetRef, which does not exist"),
            )
            .strength(0.8)
            .saw(look.field(thing, format!("ScaledObject {path}: scaleTargetRef {kind}/{name}; no such object in the evidence")))
            .falsifier(format!("kubectl get {} {name}{} finds it", kind.to_lowercase(), in_namespace(&thing.namespace)))
            .fix(format!("kubectl edit scaledobject {}{}", thing.name, in_namespace(&thing.namespace))),
        );
    }
}

fn budget(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let path = thing.path();
    let selector = map(&thing.body, "/spec/selector/matchLabels").filter(|labels| !labels.is_empty());
    let labels = selector
        .map(|labels| {
            labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(", ")
        })
        .unwrap_or_default();
    let denied = condition(&thing.body, "DisruptionAllowed").filter(|condition| text(condition, "/status") == "False");
    let expected = thing.int("/status/expectedPods");
    // A description or a table has the numbers, not the condition.
    let none_left = thing.partial && draining(look) && thing.int("/status/disruptionsAllowed") == Some(0) && expected != Some(0);
    if denied.is_some() && selector.is_some() || none_left {
        let why = denied.map_or_else(|| "0 disruptions are allowed".to_owned(), |denied| short(&reason_and_message(denied), 120));
        let counts = match (thing.int("/status/currentHealthy"), thing.int("/status/desiredHealthy")) {
            (Some(current), Some(desired)) => format!(", {current} healthy of {desired} that it needs"),
            _ => String::new(),
        };
        let mut finding = look.housekeeping(
            thing,
            Category::DisruptionBudget,
            format!(
                "PodDisruptionBudget {path} allows no disruption: {why}{counts}{}",
                if labels.is_empty() { String::new() } else { format!("; it expects pods with label {labels}") }
            ),
        );
        finding.seen = vec![look.field(
            thing,
            format!("PDB {path}: no disruption is allowed (DisruptionAllowed=False), reason {why}, expected pod label {labels}"),
        )];
        if draining(look) {
            finding.role = Role::Cause;
            finding.strength = 0.85;
        }
        out.findings.push(finding.fix(format!("kubectl get pods{} -l {}", in_namespace(&thing.namespace), labels.replace(", ", ","))));
    } else if expected == Some(0) && selector.is_some() && !thing.partial {
        out.findings.push(look.housekeeping(
            thing,
            Category::DisruptionBudget,
            format!("PodDisruptionBudget {path} selects no pods: it expects label {labels}"),
        ));
    }
}

/// The alert or an event speaks of a drain or an eviction that does not go through.
fn draining(look: &Look<'_>) -> bool {
    let words = look.focus.text.to_lowercase();
    ["drain", "evict", "disruption", "pdb"].iter().any(|word| words.contains(word))
}

fn quota(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let Some(hard) = map(&thing.body, "/status/hard") else { return };
    for (resource, limit) in hard {
        let used =
            thing.body.pointer("/status/used").and_then(|used| used.get(resource)).and_then(|used| used.as_str()).unwrap_or_default();
        let limit = limit.as_str().unwrap_or_default();
        let (Some(amount), Some(bound)) = (quantity(used), quantity(limit)) else { continue };
        let percent = if bound > 0.0 { (amount / bound * 100.0).round() } else { continue };
        if percent < look.thresholds.quota_percent {
            continue;
        }
        let full = percent >= 100.0;
        let statement = format!(
            "ResourceQuota {} is {} for {resource}: {used} of {limit} used ({percent} % ≥ {} %)",
            thing.path(),
            if full { "used up" } else { "nearly used up" },
            look.thresholds.quota_percent
        );
        let mut finding = look.housekeeping(thing, Category::QuotaExceeded, statement);
        if full && look.focus.text.to_lowercase().contains("quota") {
            finding.role = Role::Cause;
            finding.strength = 0.8;
        }
        out.findings.push(finding.fix(format!("kubectl describe quota {}{}", thing.name, in_namespace(&thing.namespace))));
    }
}
