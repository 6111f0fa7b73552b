//! Readiness, liveness and startup probes that fail.

use serde_json::Value;

use super::{
    super::{
        Checked, Look,
        value::{int, list, short, text},
    },
    containers::Container,
    in_namespace, is_starting, target,
};
use crate::{
    analysis::{Finding, Role},
    model::{Category, observation::Event},
};

/// The newest failure of a probe of this name (`Readiness`, `Liveness`, `Startup`), by the kubelet's words.
fn failure<'e>(look: &'e Look<'_>, container: &Container<'_>, probe: &str) -> Option<&'e Event> {
    let wanted = format!("{probe} probe");
    let events = look.cluster.events_of(container.pod);
    events
        .iter()
        .rev()
        .find(|event| event.reason == "Unhealthy" && event.message.to_lowercase().contains(&wanted.to_lowercase()) && look.is_recent(event))
        .copied()
}

/// A running container that is not ready.
pub fn not_ready(look: &Look<'_>, container: &Container<'_>, out: &mut Checked) {
    if let Some(probe) = ["Readiness", "Startup", "Liveness"].iter().find(|probe| failure(look, container, probe).is_some()) {
        if let Some(event) = failure(look, container, probe) {
            out.findings.push(failing(look, container, probe, event));
        }
        return;
    }
    if is_starting(look, container.pod, container.status)
        || container.name.is_empty() && container.pod.partial && look.cluster.age_of_thing(container.pod).is_none()
    {
        return;
    }
    let probe = container.spec.map(|spec| describe(spec, "readinessProbe")).unwrap_or_default();
    let because = if probe.is_empty() { "nothing in the evidence says why".to_owned() } else { format!("its readiness probe is {probe}") };
    out.findings.push(
        Finding::new(
            Category::ProbeFailure,
            Role::Symptom,
            container.pod.entity(),
            format!("{} runs but is not ready: {because}", container.begins()),
        )
        .strength(0.6)
        .saw(look.field(container.pod, format!("{}: ready is false, restart count {}; {because}", container.said(), container.restarts())))
        .falsifier("the container becomes ready without a change")
        .fix(format!("kubectl describe pod {}{}", container.pod.name, in_namespace(&container.pod.namespace))),
    );
}

/// The kubelet kills the container because its liveness or startup probe fails. `true` when that was found.
pub fn killing(look: &Look<'_>, container: &Container<'_>, out: &mut Checked) -> bool {
    if container.restarts() == 0 {
        return false;
    }
    let often = container.restarts() >= i64::try_from(look.thresholds.restart_count).unwrap_or(i64::MAX);
    let ready = super::super::value::flag(container.status, "/ready") == Some(true);
    if ready && !often {
        return false;
    }
    let Some(probe) = ["Liveness", "Startup"].iter().find(|probe| failure(look, container, probe).is_some()) else { return false };
    let Some(event) = failure(look, container, probe) else { return false };
    out.findings.push(failing(look, container, probe, event));
    true
}

fn failing(look: &Look<'_>, container: &Container<'_>, probe: &str, event: &Event) -> Finding {
    let field = format!("{}Probe", probe.to_lowercase());
    let spec = container.spec.map(|spec| describe(spec, &field)).unwrap_or_default();
    let message = short(&event.message, 140);
    let lower = event.message.to_lowercase();
    let how = if lower.contains("connection refused") {
        "nothing listens on the probed port"
    } else if lower.contains("timeout") || lower.contains("deadline exceeded") {
        "the probe times out"
    } else if lower.contains("statuscode") {
        "the endpoint answers with an error"
    } else {
        "the check itself fails"
    };
    let kills = probe != "Readiness" && container.restarts() > 0;
    let effect = if kills {
        format!(", so the kubelet kills the container again and again (restarted {} times)", container.restarts())
    } else {
        ", so the pod gets no traffic".to_owned()
    };
    let mut finding = Finding::new(
        Category::ProbeFailure,
        Role::Cause,
        container.pod.entity(),
        format!("The {} probe of {} fails: {how}{effect}", probe.to_lowercase(), container.said()),
    )
    .strength(if kills { 0.9 } else { 0.75 })
    .saw(look.event(container.pod, event))
    .falsifier("the same request succeeds from inside the pod while the probe fails")
    .fix(format!(
        "kubectl describe pod {}{}   # the probe's definition and its last failures",
        container.pod.name,
        in_namespace(&container.pod.namespace)
    ))
    .fix(if kills {
        format!(
            "kubectl edit {}   # more initialDelaySeconds and failureThreshold, or the right path and port",
            target(look, container.pod)
        )
    } else {
        format!("kubectl edit {}   # correct the probe, or the program's answer to it", target(look, container.pod))
    })
    .prevent("probe an endpoint that checks the process only, not its dependencies, and load-test its answer time");
    if !spec.is_empty() {
        finding = finding.saw(look.field(container.pod, format!("{probe} probe of {}: {spec}; failed: {message}", container.said())));
    }
    if let Some(kill) = look.recent(container.pod, &["Killing"]) {
        finding = finding.saw(look.event(container.pod, kill));
    }
    if let Some(mismatch) = port_mismatch(container, &field) {
        finding.statement.push_str(&mismatch);
        finding.strength = 0.95;
    }
    finding
}

/// A probe on a port that the container does not declare.
fn port_mismatch(container: &Container<'_>, field: &str) -> Option<String> {
    let spec = container.spec?;
    let port = ["httpGet", "tcpSocket", "grpc"].iter().find_map(|kind| int(spec, &format!("/{field}/{kind}/port")))?;
    let declared: Vec<i64> = list(spec, "/ports").iter().filter_map(|entry| int(entry, "/containerPort")).collect();
    (!declared.is_empty() && !declared.contains(&port)).then(|| format!("; it asks port {port}, the container declares {declared:?}"))
}

/// A probe in one line.
fn describe(spec: &Value, field: &str) -> String {
    let Some(probe) = spec.pointer(&format!("/{field}")) else { return String::new() };
    if !text(probe, "/text").is_empty() {
        return text(probe, "/text").to_owned();
    }
    let number = |name: &str| int(probe, &format!("/{name}")).map(|value| format!(" {name}={value}")).unwrap_or_default();
    let port = |kind: &str| probe.pointer(&format!("/{kind}/port")).map(ToString::to_string).unwrap_or_default();
    let target = if probe.get("httpGet").is_some() {
        format!("http-get :{}{}", port("httpGet"), text(probe, "/httpGet/path"))
    } else if probe.get("tcpSocket").is_some() {
        format!("tcp-socket :{}", port("tcpSocket"))
    } else if probe.get("grpc").is_some() {
        format!("grpc :{}", port("grpc"))
    } else {
        let command: Vec<&str> = list(probe, "/exec/command").iter().filter_map(Value::as_str).collect();
        format!("exec {}", command.join(" "))
    };
    format!(
        "{target}{}{}{}{}",
        number("initialDelaySeconds"),
        number("timeoutSeconds"),
        number("periodSeconds"),
        number("failureThreshold")
    )
}
