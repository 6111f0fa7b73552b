//! Pods that no node takes, by the scheduler's own message.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    super::{
        Checked, Look, Thing,
        value::{list, map, quantity, short, text},
    },
    in_namespace, target,
};
use crate::{
    analysis::{Finding, Role},
    model::{Category, Entity},
};

pub fn check(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    let conditions = pod.list("/status/conditions");
    let condition = conditions.iter().find(|condition| text(condition, "/type") == "PodScheduled" && text(condition, "/status") != "True");
    if pod.text("/status/phase") != "Pending" || !pod.text("/spec/nodeName").is_empty() {
        return;
    }
    if let Some(gated) = conditions.iter().find(|condition| text(condition, "/reason") == "SchedulingGated") {
        out.findings.push(gates(look, pod, text(gated, "/message")));
        return;
    }
    let event = look.cluster.events_like(pod, "FailedScheduling");
    let own = condition.map(|condition| text(condition, "/message")).unwrap_or_default();
    let message = if own.is_empty() { event.map(|event| event.message.as_str()).unwrap_or_default() } else { own };
    if message.is_empty() {
        let old = look.cluster.age_of_thing(pod).is_some_and(|age| age >= look.thresholds.startup_grace_seconds);
        let statuses = pod.list("/status/containerStatuses").iter().chain(pod.list("/status/initContainerStatuses"));
        let waits_for_something_else = statuses.clone().any(|status| !text(status, "/state/waiting/reason").is_empty());
        if old && !waits_for_something_else {
            out.findings.push(
                Finding::new(
                    Category::Scheduling,
                    Role::Symptom,
                    pod.entity(),
                    format!("Pod {} is Pending; the evidence does not show the scheduler's reason", pod.path()),
                )
                .strength(0.6)
                .saw(look.field(pod, format!("pod {}: phase Pending, no node", pod.path())))
                .fix(format!(
                    "kubectl describe pod {}{}   # the FailedScheduling event says why",
                    pod.name,
                    in_namespace(&pod.namespace)
                )),
            );
        }
        return;
    }
    let reasons = reasons(look, pod, message);
    let Some(first) = reasons.first() else { return };
    let all = reasons.iter().map(|reason| reason.why.clone()).collect::<Vec<_>>().join("; ");
    let mut finding =
        Finding::new(first.category, first.role, pod.entity(), format!("Pod {} cannot be scheduled (Pending): {all}", pod.path()))
            .saw(look.field(pod, format!("PodScheduled is False: {}", short(message, 240))).quoting(message).decisive())
            .falsifier("a node that fulfils the constraint exists and the pod stays Pending all the same");
    finding = if first.role == Role::Cause { finding.decisive() } else { finding.strength(0.8) };
    for reason in &reasons {
        finding = finding.fix(reason.fix.clone());
        if let Some(seen) = &reason.detail {
            finding = finding.saw(look.field(pod, seen.clone()));
        }
    }
    if let Some(event) = event {
        finding = finding.saw(look.event(pod, event));
    }
    out.findings.push(
        finding.prevent("alert on pods that are Pending for more than 5 minutes, and keep headroom or an autoscaler for what is requested"),
    );
}

struct Reason {
    category: Category,
    role: Role,
    why: String,
    detail: Option<String>,
    fix: String,
}

/// Everything that the message names, what a person can change first.
fn reasons(look: &Look<'_>, pod: &Thing<'_>, message: &str) -> Vec<Reason> {
    // What follows is about preemption and repeats the constraint.
    let message = message.split("preemption:").next().unwrap_or(message);
    let mut out = Vec::new();
    let mut add = |category, role, why: String, detail: Option<String>, fix: String| out.push(Reason { category, role, why, detail, fix });
    let resources = insufficient(message);
    if !resources.is_empty() {
        let wants: Vec<String> = resources.iter().map(|resource| format!("{resource} (requested {})", requested(pod, resource))).collect();
        let gpu = if resources.iter().any(|resource| resource.to_lowercase().contains("gpu")) { " GPU" } else { "" };
        add(
            Category::Scheduling,
            Role::Cause,
            format!("insufficient{gpu} {}", wants.join(" and insufficient ")),
            free(look, &resources),
            format!(
                "lower the request of {}, or add a node that has it; kubectl describe nodes | grep -A8 'Allocated resources'",
                resources.join(", ")
            ),
        );
    }
    if message.contains("affinity/selector")
        || message.contains("didn't match node selector")
        || message.contains("node(s) didn't match Pod's node affinity")
    {
        let selector = map(&pod.body, "/spec/nodeSelector")
            .map(|wanted| {
                wanted.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
            })
            .unwrap_or_default();
        let why = if selector.is_empty() {
            "no node matches its node affinity/selector".to_owned()
        } else {
            format!("no node matches its node selector (nodeSelector) {selector}")
        };
        let label = if selector.is_empty() { "<label>".to_owned() } else { selector.clone() };
        add(
            Category::Scheduling,
            Role::Cause,
            why,
            (!selector.is_empty()).then(|| {
                format!("pod {} wants nodeSelector {selector}; {} node(s) in the evidence carry it", pod.path(), nodes_with(look, pod))
            }),
            format!("kubectl label node <node> {label}   # or remove the selector: kubectl edit {}", target(look, pod)),
        );
    }
    if message.contains("taint") && !message.contains("unschedulable: ") {
        let taints = taints(message);
        add(
            Category::Scheduling,
            Role::Cause,
            format!("the nodes have taints that it does not tolerate: {taints}"),
            None,
            format!("add a toleration for {taints} to {}, or remove the taint: kubectl taint node <node> <key>-", target(look, pod)),
        );
    }
    if message.contains("PersistentVolumeClaim")
        || message.contains("persistentvolumeclaim")
        || message.contains("didn't find available persistent volumes")
    {
        let claims: Vec<&str> = pod
            .list("/spec/volumes")
            .iter()
            .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
            .filter(|name| !name.is_empty())
            .collect();
        let absent = message.contains("not found");
        let name = if claims.is_empty() { "its claim".to_owned() } else { claims.join(", ") };
        let why = if absent {
            format!("the PersistentVolumeClaim (PVC) {name} does not exist")
        } else {
            format!("its PersistentVolumeClaim (PVC) {name} is not bound")
        };
        // The claim itself says more, where it is in the evidence.
        let known = claims.iter().any(|claim| look.cluster.get("PersistentVolumeClaim", &pod.namespace, claim).is_some());
        let role = if known { Role::Symptom } else { Role::Cause };
        add(
            Category::Volume,
            role,
            why,
            None,
            format!("kubectl describe pvc {}{}", claims.first().unwrap_or(&""), in_namespace(&pod.namespace)),
        );
    }
    let simple: &[(&str, &str, &str)] = &[
        (
            "volume node affinity conflict",
            "its volume is in another zone than the nodes that fit",
            "bring a node into the volume's zone, or restore the volume where the pod runs",
        ),
        ("anti-affinity", "its pod anti-affinity rules leave no node", "add a node, or make the rule preferred instead of required"),
        ("pod affinity rules", "its pod affinity rules leave no node", "start what it wants to be close to, or make the rule preferred"),
        (
            "topology spread constraints",
            "its topology spread constraints leave no node",
            "add nodes in the short zone, or set whenUnsatisfiable: ScheduleAnyway",
        ),
        ("Too many pods", "the nodes have as many pods as they may (too many pods)", "add a node, or raise the kubelet's maxPods"),
        ("free ports", "its host port is taken on every node", "remove hostPort, or free the port"),
        ("were unschedulable", "the nodes are cordoned (unschedulable)", "kubectl uncordon <node>"),
        ("no nodes available", "the cluster has no node that is ready", "kubectl get nodes"),
    ];
    for (sign, why, fix) in simple {
        if message.contains(sign) {
            add(Category::Scheduling, Role::Cause, (*why).to_owned(), None, (*fix).to_owned());
        }
    }
    if out.is_empty() {
        out.push(Reason {
            category: Category::Scheduling,
            role: Role::Cause,
            why: short(message, 200),
            detail: None,
            fix: "kubectl get nodes -o wide".to_owned(),
        });
    }
    out
}

fn insufficient(message: &str) -> Vec<String> {
    static INSUFFICIENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)insufficient ([a-z0-9][a-z0-9./_-]*[a-z0-9])").ok());
    let mut out: Vec<String> = Vec::new();
    for found in INSUFFICIENT.as_ref().into_iter().flat_map(|regex| regex.captures_iter(message)).filter_map(|found| found.get(1)) {
        if !out.iter().any(|known| known == found.as_str()) {
            out.push(found.as_str().to_owned());
        }
    }
    out
}

/// What the pod's containers request together, as they wrote it where it is only one.
fn requested(pod: &Thing<'_>, resource: &str) -> String {
    let pointer = resource.replace('~', "~0").replace('/', "~1");
    let amounts: Vec<&str> = pod
        .list("/spec/containers")
        .iter()
        .map(|container| {
            let request = text(container, &format!("/resources/requests/{pointer}"));
            if request.is_empty() { text(container, &format!("/resources/limits/{pointer}")) } else { request }
        })
        .filter(|amount| !amount.is_empty())
        .collect();
    match amounts.as_slice() {
        [] => "unknown".to_owned(),
        [one] => (*one).to_owned(),
        many => format!("{} in {} containers", many.iter().filter_map(|amount| quantity(amount)).sum::<f64>(), many.len()),
    }
}

fn free(look: &Look<'_>, resources: &[String]) -> Option<String> {
    let nodes: Vec<String> = look
        .cluster
        .all("Node")
        .take(4)
        .filter_map(|node| {
            let has: Vec<String> = resources
                .iter()
                .map(|resource| {
                    let amount = node.text(&format!("/status/allocatable/{}", resource.replace('/', "~1"))).to_owned();
                    format!("{resource}={}", if amount.is_empty() { "0".to_owned() } else { amount })
                })
                .collect();
            node.body.pointer("/status/allocatable").map(|_| format!("{} {}", node.name, has.join(" ")))
        })
        .collect();
    (!nodes.is_empty()).then(|| format!("allocatable: {}", nodes.join(", ")))
}

fn nodes_with(look: &Look<'_>, pod: &Thing<'_>) -> usize {
    let Some(wanted) = map(&pod.body, "/spec/nodeSelector") else { return 0 };
    look.cluster
        .all("Node")
        .filter(|node| wanted.iter().all(|(key, value)| node.labels().and_then(|labels| labels.get(key)) == Some(value)))
        .count()
}

fn taints(message: &str) -> String {
    static TAINT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{([^}]+)\}").ok());
    let found: Vec<String> = TAINT
        .as_ref()
        .into_iter()
        .flat_map(|regex| regex.captures_iter(message))
        .filter_map(|found| found.get(1))
        .map(|taint| taint.as_str().trim().trim_end_matches(':').to_owned())
        .collect();
    if found.is_empty() { "see the message".to_owned() } else { found.join(", ") }
}

fn gates(look: &Look<'_>, pod: &Thing<'_>, message: &str) -> Finding {
    let names: Vec<&str> = list(&pod.body, "/spec/schedulingGates").iter().map(|gate| text(gate, "/name")).collect();
    let gate = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let words = if message.is_empty() { "blocked from scheduling due to non-empty scheduling gates" } else { message };
    Finding::new(
        Category::Scheduling,
        Role::Cause,
        Entity::new("Pod", &pod.namespace, pod.name),
        format!("Pod {} is in SchedulingGated state: it is blocked from scheduling by its scheduling gates{gate}", pod.path()),
    )
    .decisive()
    .saw(look.field(pod, format!("PodScheduled is False, reason SchedulingGated: {words}")).decisive())
    .falsifier("spec.schedulingGates is empty")
    .fix("let the controller that set the gate remove it; see its logs")
    .prevent("alert on pods that keep a scheduling gate for more than 10 minutes")
}
