//! Containers at their CPU limit or close to their memory limit, where the alert or `kubectl top` says so.

use serde_json::Value;

use super::{
    super::{
        Checked, Look, Thing,
        value::{quantity, short, text},
    },
    target,
};
use crate::analysis::Seen;
use crate::{
    analysis::{Finding, Role},
    model::{Category, EvidenceKind},
};

pub fn check(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    throttled_by_alert(look, pod, out);
    usage(look, pod, out);
}

/// The alert says that CPU is throttled: the limit that does it is in the pod's spec.
fn throttled_by_alert(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    let words = look.focus.text.to_lowercase();
    let meant = look.focus.entities.iter().any(|entity| entity.name == pod.name)
        || look.focus.words.iter().any(|word| pod.name.starts_with(word.as_str()));
    if !words.contains("throttl") || !meant {
        return;
    }
    for container in pod.list("/spec/containers") {
        let limit = text(container, "/resources/limits/cpu");
        let name = text(container, "/name");
        let several = pod.list("/spec/containers").len() > 1;
        if limit.is_empty() || several && !words.contains(&name.to_lowercase()) {
            continue;
        }
        let raised = quantity(limit).map_or_else(|| "a higher value".to_owned(), |cores| format!("{}m", (cores * 2000.0).round()));
        let command = super::exits::command_line(container);
        let mut finding = Finding::new(
            Category::CpuSaturation,
            Role::Cause,
            pod.entity(),
            format!("Container {name} of pod {} is CPU-throttled: its CPU limit of {limit} is too low for what it does; increase or remove the limit", pod.path()),
        )
        .decisive()
        .saw(look.field(pod, format!("container {name}: CPU limit {limit}, request {}", or_none(text(container, "/resources/requests/cpu")))).decisive())
        .saw(Seen::new(EvidenceKind::MetricAnomaly, "alert", pod.entity(), format!("the alert says: {}", short(&look.focus.text, 220))).at(look.focus.now, None))
        .falsifier("rate(container_cpu_cfs_throttled_periods_total) of the container is below 25 % of its periods")
        .fix(format!("kubectl set resources {} -c {name} --limits=cpu={raised}", target(look, pod)))
        .prevent("set CPU requests from real usage, and leave out CPU limits for latency-sensitive containers");
        if !command.is_empty() {
            finding = finding.saw(look.field(pod, format!("command of container {name}: {}", short(&command, 160))));
        }
        out.findings.push(finding);
    }
}

/// `kubectl top` against the limits of a pod with one container.
fn usage(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    let [container] = pod.list("/spec/containers") else { return };
    let checks: [(&str, Category, f64, &str); 2] = [
        ("cpu", Category::CpuSaturation, look.thresholds.cpu_limit_percent, "it is throttled"),
        ("memory", Category::MemoryPressure, look.thresholds.memory_limit_percent, "it is about to be OOM-killed"),
    ];
    for (resource, category, threshold, effect) in checks {
        let used = pod.body.pointer(&format!("/usage/{resource}")).and_then(Value::as_str).unwrap_or_default();
        let limit = text(container, &format!("/resources/limits/{resource}"));
        let (Some(amount), Some(bound)) = (quantity(used), quantity(limit)) else { continue };
        if bound <= 0.0 || amount / bound * 100.0 < threshold {
            continue;
        }
        let percent = (amount / bound * 100.0).round();
        out.findings.push(
            Finding::new(
                category,
                Role::Cause,
                pod.entity(),
                format!("Pod {} uses {used} {resource} of its limit {limit} ({percent} % ≥ {threshold} %): {effect}", pod.path()),
            )
            .strength(0.7)
            .saw(look.field(pod, format!("kubectl top: {used} {resource} used, limit {limit}: {percent} % ≥ {threshold} %")))
            .falsifier("usage stays below the threshold over the next scrapes")
            .fix(format!("kubectl set resources {} --limits={resource}=<more than {limit}>", target(look, pod))),
        );
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}
