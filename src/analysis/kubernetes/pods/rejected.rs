//! Pods that failed as a whole: a kubelet that does not admit them, a node that shuts down, a deadline.

use super::{
    super::{Checked, Look, Thing, value::short},
    in_namespace,
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// `status.reason` of a failed pod; an eviction has a check of its own, and an exit code says more than its word.
pub fn check(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    let (reason, message) = (pod.text("/status/reason"), short(pod.text("/status/message"), 200));
    if pod.text("/status/phase") != "Failed" || reason.is_empty() || ["Evicted", "Error", "Completed"].contains(&reason) {
        return;
    }
    let path = pod.path();
    let colon = if message.is_empty() { String::new() } else { format!(": {message}") };
    let (category, what, fix) = match reason {
        "DeadlineExceeded" => (
            Category::JobFailed,
            "ran longer than its deadline (DeadlineExceeded)".to_owned(),
            "raise activeDeadlineSeconds, or find what makes it slow",
        ),
        "Terminated" | "NodeShutdown" | "Shutdown" | "NodeLost" | "Preempting" | "Preempted" => (
            Category::Evicted,
            format!("was ended by its node ({reason})"),
            "kubectl get nodes   # why did the node go, or who took its place?",
        ),
        "SysctlForbidden" | "AppArmor" | "ProcMount" | "NoNewPrivs" => (
            Category::PermissionDenied,
            format!("was rejected by the kubelet ({reason})"),
            "allow it on the kubelet, or take it out of the pod's securityContext",
        ),
        _ => (
            Category::Scheduling,
            format!("was rejected by the kubelet ({reason})"),
            "kubectl describe node <node>   # what it has against what the pod asks for",
        ),
    };
    out.findings.push(
        Finding::new(category, Role::Cause, pod.entity(), format!("Pod {path} {what}{colon}"))
            .decisive()
            .saw(
                look.field(pod, format!("pod {path}: phase Failed, status.reason {reason}{colon}"))
                    .quoting(pod.text("/status/message"))
                    .decisive(),
            )
            .falsifier("a pod of the same workload runs on the same node")
            .fix(fix)
            .fix(format!(
                "kubectl delete pod {}{}   # the object only; its controller makes a new one",
                pod.name,
                in_namespace(&pod.namespace)
            ))
            .prevent("let the scheduler see what the node has: labels, device plugins, requests"),
    );
}
