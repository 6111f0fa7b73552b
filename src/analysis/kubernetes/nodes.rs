//! Nodes: readiness, pressure, and those that take no pods.

use super::{
    Checked, Look, Thing,
    value::{flag, reason_and_message, short, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// Conditions that are good when False. Source: the kubelet and node-problem-detector's default configuration.
const PROBLEMS: &[&str] = &[
    "MemoryPressure",
    "DiskPressure",
    "PIDPressure",
    "NetworkUnavailable",
    "OutOfDisk",
    "KernelDeadlock",
    "ReadonlyFilesystem",
    "FrequentKubeletRestart",
    "FrequentDockerRestart",
    "FrequentContainerdRestart",
    "FrequentUnregisterNetDevice",
    "CorruptDockerOverlay2",
    "KubeletProblem",
    "ContainerRuntimeProblem",
    "FilesystemCorruptionProblem",
    "VMEventScheduled",
];

pub fn check(look: &Look<'_>, out: &mut Checked) {
    let (mut ready, mut all) = (0_usize, 0_usize);
    for node in look.cluster.all("Node") {
        all += 1;
        let before = out.findings.len();
        one(look, node, out);
        if out.findings.len() == before {
            ready += 1;
        }
    }
    if all > 0 && ready == all {
        out.ruled_out.push(format!("all {all} node(s) are Ready and without pressure"));
    }
}

fn one(look: &Look<'_>, node: &Thing<'_>, out: &mut Checked) {
    for condition in node.list("/status/conditions") {
        let (name, status) = (text(condition, "/type"), text(condition, "/status"));
        let since = text(condition, "/lastTransitionTime").parse().ok();
        let why = short(&reason_and_message(condition), 180);
        if name == "Ready" && status != "True" && !status.is_empty() {
            let cause = if why.contains("NodeStatusUnknown") || status == "Unknown" {
                "the kubelet stopped posting its status"
            } else if why.is_empty() {
                "the evidence does not show the kubelet's reason"
            } else {
                "the kubelet reports that it is not ready"
            };
            out.findings.push(
                Finding::new(
                    Category::NodeNotReady,
                    Role::Cause,
                    node.entity(),
                    format!("Node {} is NotReady: {cause}{}", node.name, colon(&why)),
                )
                .decisive()
                .saw(look.field(node, format!("node {}: condition Ready={status}{}", node.name, colon(&why))).at(since, None).decisive())
                .saw_all(
                    look.cluster
                        .events_of(node)
                        .iter()
                        .rev()
                        .filter(|event| event.event_type == "Warning" && look.is_recent(event))
                        .take(2)
                        .map(|event| look.event(node, event)),
                )
                .falsifier("condition Ready is True")
                .fix(format!("kubectl describe node {}", node.name))
                .fix(format!("ssh {} journalctl -u kubelet --since '1 hour ago'", node.name))
                .fix(format!("kubectl drain {} --ignore-daemonsets --delete-emptydir-data   # when it does not come back", node.name))
                .prevent("node auto-repair, and an alert on kubelet and container runtime health"),
            );
        } else if PROBLEMS.contains(&name) && (status == "True" || status == "Unknown") || sounds_bad(name) && status == "True" {
            // Unknown pressure goes with an unknown Ready: one finding is enough.
            if status == "Unknown"
                && node
                    .list("/status/conditions")
                    .iter()
                    .any(|other| text(other, "/type") == "Ready" && text(other, "/status") == "Unknown")
            {
                continue;
            }
            let category = if name == "NetworkUnavailable" { Category::NetworkFault } else { Category::NodePressure };
            out.findings.push(
                Finding::new(category, Role::Cause, node.entity(), format!("Node {} has {name}{}", node.name, colon(&why)))
                    .decisive()
                    .saw(
                        look.field(node, format!("node {}: condition {name}={status}{}", node.name, colon(&why)))
                            .at(since, None)
                            .decisive(),
                    )
                    .falsifier(format!("condition {name} is False"))
                    .fix(format!("kubectl describe node {}   # who uses it", node.name))
                    .fix(format!("kubectl top pods -A --sort-by={}", if name == "MemoryPressure" { "memory" } else { "cpu" }))
                    .prevent(
                        "reserve resources for the system (kube-reserved, system-reserved) and give pods requests that match their use",
                    ),
            );
        }
    }
    cordoned(look, node, out);
}

/// A condition that no list knows, called after a fault as node-problem-detector's own rules do: bad when True.
fn sounds_bad(name: &str) -> bool {
    let faults = ["Unhealthy", "Problem", "Pressure", "Deadlock", "Corrupt", "Fail", "Error", "Hung", "Readonly", "Unavailable"];
    faults.iter().any(|fault| name.contains(fault))
}

/// A cordoned node is somebody's intention: worth saying, never a cause by itself.
fn cordoned(look: &Look<'_>, node: &Thing<'_>, out: &mut Checked) {
    if flag(&node.body, "/spec/unschedulable") == Some(true) {
        out.findings.push(
            Finding::new(Category::Scheduling, Role::Context, node.entity(), format!("Node {} is cordoned (unschedulable)", node.name))
                .saw(look.field(node, format!("node {}: spec.unschedulable is true", node.name)))
                .fix(format!("kubectl uncordon {}", node.name)),
        );
    }
}

fn colon(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(": {why}") }
}
