//! Readiness gates: the containers are ready, and somebody outside of the pod does not say so.

use super::{
    super::{
        Checked, Look, Thing,
        value::{condition, reason_and_message, short, text},
    },
    in_namespace, is_ready,
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

pub fn check(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    let young = look.cluster.age_of_thing(pod).is_some_and(|age| age < look.thresholds.startup_grace_seconds);
    let not_ready = condition(&pod.body, "Ready").filter(|state| text(state, "/status") == "False");
    let Some(not_ready) = not_ready.filter(|_| is_ready(pod) && !young) else { return };
    let gates: Vec<&str> = pod.list("/spec/readinessGates").iter().map(|gate| text(gate, "/conditionType")).collect();
    let closed = gates.iter().find(|gate| condition(&pod.body, gate).is_none_or(|state| text(state, "/status") != "True"));
    if closed.is_none() && text(not_ready, "/reason") != "ReadinessGatesNotReady" {
        return;
    }
    let state = closed.and_then(|gate| condition(&pod.body, gate)).map(reason_and_message).unwrap_or_default();
    let why = [state, text(not_ready, "/message").to_owned()].into_iter().find(|words| !words.is_empty());
    let why = why.unwrap_or_else(|| "its condition was never set".to_owned());
    let gate = closed.map(|gate| format!(" {gate}")).unwrap_or_default();
    out.findings.push(
        Finding::new(
            Category::ProbeFailure,
            Role::Cause,
            pod.entity(),
            format!(
                "Pod {} is not ready although its containers are: its readiness gate{gate} is not True ({})",
                pod.path(),
                short(&why, 160)
            ),
        )
        .strength(0.85)
        .saw(look.field(pod, format!("pod {}: readiness gate{gate} is not True: {}", pod.path(), short(&why, 200))).decisive())
        .falsifier("the gate's condition is True and the pod is not ready all the same")
        .fix(format!("kubectl describe pod {}{}   # the gate's condition, and who sets it", pod.name, in_namespace(&pod.namespace)))
        .fix("check the controller that sets the gate, and the health check of the target that it watches")
        .prevent("alert on pods whose containers are ready and that are not"),
    );
}
