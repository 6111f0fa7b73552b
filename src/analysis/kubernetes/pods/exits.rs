//! Why a container ended: out of memory, a command that is not there, or its own exit code.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{
    super::{
        Checked, Look,
        value::{int, quantity, short, text},
    },
    containers::Container,
    probes, target,
};
use crate::{
    analysis::{Finding, Role, Seen},
    model::Category,
};

/// What an exit code means by convention. Source: POSIX shells (126, 127, 128+n), the Go and Java runtimes for 2 and 1.
fn meaning(code: i64) -> &'static str {
    match code {
        0 => "it ended by itself without an error, and its restart policy starts it again",
        1 => "the program reported an error",
        2 => "wrong usage, or a panic of a Go program",
        125 => "the container runtime itself failed",
        126 => "the command is there but cannot be executed",
        127 => "the command was not found",
        128 => "the container could not be started",
        130 => "SIGINT",
        134 => "SIGABRT: the program aborted itself",
        137 => "SIGKILL: out of memory, or killed after a failed liveness probe",
        139 => "SIGSEGV: the program accessed memory that is not its own",
        143 => "SIGTERM: it was asked to stop",
        255 => "an exit code out of range",
        _ => "the program's own code",
    }
}

/// A container that runs this long starts its back-off anew. Source: the kubelet resets it after 10 minutes without a failure.
const STEADY_SECONDS: u64 = 600;

/// The state that says how the container ended: the present one, or the last one.
fn ended<'a>(container: &Container<'a>) -> Option<&'a Value> {
    container.status.pointer("/state/terminated").or_else(|| container.status.pointer("/lastState/terminated"))
}

/// A container that does not run because it ended.
pub fn check(look: &Look<'_>, container: &Container<'_>, out: &mut Checked) {
    let Some(state) = ended(container) else {
        // A table shows the word alone.
        out.findings.push(crash(look, container, None));
        return;
    };
    if text(state, "/reason") == "OOMKilled" {
        out.findings.push(out_of_memory(look, container, state));
        return;
    }
    if command_not_found(look, container, text(state, "/message"), out) || probes::killing(look, container, out) {
        return;
    }
    let evicted = text(&container.pod.body, "/status/reason") == "Evicted";
    if !evicted {
        out.findings.push(crash(look, container, Some(state)));
    }
}

/// A container that runs now and was killed or crashed before: history, unless it is recent or keeps happening.
pub fn running_again(look: &Look<'_>, container: &Container<'_>, out: &mut Checked) {
    let Some(state) = container.status.pointer("/lastState/terminated") else { return };
    let backing_off = look
        .cluster
        .events_of(container.pod)
        .iter()
        .any(|event| event.reason == "BackOff" && look.cluster.age_of(event).is_some_and(|age| age <= STEADY_SECONDS));
    let since = text(container.status, "/state/running/startedAt").parse().ok().and_then(|at| look.cluster.seconds_since(at));
    let steady = since.is_some_and(|seconds| seconds > STEADY_SECONDS) && !backing_off;
    let age = text(state, "/finishedAt").parse().ok().and_then(|at| look.cluster.seconds_since(at));
    let recent = backing_off || age.is_none_or(|age| age <= look.thresholds.restart_recency_minutes * 60);
    let often = container.restarts() >= i64::try_from(look.thresholds.restart_count).unwrap_or(i64::MAX);
    if text(state, "/reason") == "OOMKilled" {
        let mut finding = out_of_memory(look, container, state);
        if !recent {
            finding.role = Role::Context;
        }
        out.findings.push(finding);
        return;
    }
    let code = int(state, "/exitCode").unwrap_or(0);
    if recent && often && code != 0 && !steady {
        out.findings.push(crash(look, container, Some(state)));
    }
}

fn out_of_memory(look: &Look<'_>, container: &Container<'_>, state: &Value) -> Finding {
    let limit = container.limit("memory");
    let bound = if limit.is_empty() {
        "it has no memory limit of its own, so its node ran out of memory".to_owned()
    } else {
        format!("it went over its memory limit of {limit}")
    };
    let now = match text(container.status, "/state/waiting/reason") {
        "" if container.status.pointer("/state/running").is_some() => ", it is running again".to_owned(),
        "" => String::new(),
        reason => format!(", it is in {reason}"),
    };
    let restarts = container.restarts();
    let finished = text(state, "/finishedAt").parse().ok();
    let raised = quantity(limit).map(|bytes| format!("{}Mi", (bytes * 2.0 / (1024.0 * 1024.0)).round()));
    let mut finding = Finding::new(
        Category::OomKilled,
        Role::Cause,
        container.pod.entity(),
        format!("{} was OOMKilled: {bound}{now} after {restarts} restart(s)", container.begins()),
    )
    .decisive()
    .saw(
        look.field(
            container.pod,
            format!(
                "last state of {}: Terminated, reason OOMKilled (out of memory), exit code {}, memory limit {}, restart count {restarts}",
                container.said(),
                int(state, "/exitCode").unwrap_or(137),
                if limit.is_empty() { "none" } else { limit }
            ),
        )
        .at(finished, finished)
        .decisive(),
    )
    .falsifier("the container's last termination has another reason than OOMKilled")
    .prevent("alert on container_memory_working_set_bytes above 90 % of the limit, before the kill")
    .prevent("profile the program's memory under load and set request = limit from what it shows");
    if let Some(raised) = raised {
        let flag = if container.name.is_empty() { String::new() } else { format!(" -c {}", container.name) };
        finding = finding.fix(format!(
            "kubectl set resources {}{flag} --limits=memory={raised}   # twice the present {limit}",
            target(look, container.pod)
        ));
    } else {
        finding = finding.fix(format!("kubectl describe node {}   # who uses the memory", container.pod.text("/spec/nodeName")));
    }
    finding.fix(format!("kubectl top pod {} --containers{}", container.pod.name, super::in_namespace(&container.pod.namespace)))
}

/// The container ends again and again; its logs say why, if anything does.
fn crash(look: &Look<'_>, container: &Container<'_>, state: Option<&Value>) -> Finding {
    let code = state.and_then(|state| int(state, "/exitCode"));
    let reason = state.map(|state| text(state, "/reason")).unwrap_or_default();
    let waiting = text(container.status, "/state/waiting/reason");
    let (said, restarts) = (container.begins(), container.restarts());
    let looping =
        waiting.is_empty() && look.cluster.events_of(container.pod).iter().any(|event| event.reason == "BackOff" && look.is_recent(event));
    let waiting = if looping { "CrashLoopBackOff (it runs again for the moment)" } else { waiting };
    let word = [waiting, reason].into_iter().find(|word| !word.is_empty()).unwrap_or("Error");
    let why = match (code, reason) {
        (Some(code), "") => format!("it ends with exit code {code} ({})", meaning(code)),
        (Some(code), reason) => format!("it ends with exit code {code}, reason {reason} ({})", meaning(code)),
        (None, reason) if !reason.is_empty() && reason != word => format!("its last termination reason is {reason}"),
        _ => "nothing in the evidence says why it ends".to_owned(),
    };
    let category = match code {
        Some(127 | 126) => Category::CommandNotFound,
        Some(139 | 134) => Category::CodeError,
        _ if container.pod.list("/metadata/ownerReferences").iter().any(|owner| text(owner, "/kind") == "Job") => Category::JobFailed,
        _ => Category::CrashLoop,
    };
    let finished = state.and_then(|state| text(state, "/finishedAt").parse().ok());
    let own = state.map(|state| text(state, "/message")).unwrap_or_default();
    let message = if own.is_empty() { text(container.status, "/state/waiting/message") } else { own };
    let quoted = if message.is_empty() { String::new() } else { format!("; {}", short(message, 120)) };
    let command = container.spec.map(command_line).unwrap_or_default();
    let mut finding =
        Finding::new(category, Role::Symptom, container.pod.entity(), format!("{said} is in {word}: {why}{}", restarted(restarts)))
            .strength(0.85)
            .saw(
                look.field(container.pod, format!("{}: state {word}, {why}, restart count {restarts}{quoted}", container.said()))
                    .at(finished, finished)
                    .quoting(message),
            )
            .falsifier("the container runs and stays ready")
            .fix(container.previous_logs())
            .fix(format!("kubectl describe pod {}{}", container.pod.name, super::in_namespace(&container.pod.namespace)))
            .prevent("let the program say on its last line why it ends, and fail the rollout on it (progressDeadlineSeconds)");
    if matches!(code, Some(126 | 127 | 139 | 134)) {
        finding.role = Role::Cause;
        finding.strength = 0.75;
    }
    if !command.is_empty() {
        finding =
            finding.saw(look.field(container.pod, format!("command of {}: {}", container.said(), short(&command, 200))).quoting(command));
    }
    finding.saw_all(back_off(look, container))
}

fn restarted(restarts: i64) -> String {
    if restarts > 0 { format!(", restarted {restarts} times") } else { String::new() }
}

fn back_off(look: &Look<'_>, container: &Container<'_>) -> Option<Seen> {
    look.recent(container.pod, &["BackOff", "BackoffLimitExceeded"]).map(|event| look.event(container.pod, event))
}

/// The command as one line.
pub fn command_line(spec: &Value) -> String {
    let parts = ["/command", "/args"].iter().flat_map(|path| super::super::value::list(spec, path));
    parts.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// The runtime says which file it could not execute.
pub fn command_not_found(look: &Look<'_>, container: &Container<'_>, message: &str, out: &mut Checked) -> bool {
    static EXEC: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?:exec:? |starting container process caused[^"]*|executable )"([^"]+)":?(?: stat [^:]+:)? ?([a-zA-Z $()]*not found in \$?PATH|executable file not found|no such file or directory|permission denied|exec format error|is a directory)"#).ok()
    });
    let lower = message.to_lowercase();
    let named =
        EXEC.as_ref().and_then(|regex| regex.captures(message)).and_then(|found| found.get(1)).map(|found| found.as_str().to_owned());
    let format_error = lower.contains("exec format error");
    let hit = named.is_some()
        || format_error
        || lower.contains("executable file not found")
        || (lower.contains("exec") && lower.contains("no such file or directory"));
    if !hit {
        return false;
    }
    let command = named.unwrap_or_else(|| {
        container
            .spec
            .and_then(|spec| super::super::value::list(spec, "/command").first())
            .and_then(Value::as_str)
            .unwrap_or("its command")
            .to_owned()
    });
    let (problem, category) = if format_error {
        (format!("`{command}` has an exec format error: the image is built for another processor architecture"), Category::CommandNotFound)
    } else if lower.contains("permission denied") {
        (format!("`{command}` cannot be executed: permission denied"), Category::PermissionDenied)
    } else {
        (
            format!("the command `{command}` was not found: the executable is not in the image, a typo or a missing file"),
            Category::CommandNotFound,
        )
    };
    out.findings.push(
        Finding::new(category, Role::Cause, container.pod.entity(), format!("{} cannot start: {problem}", container.begins()))
            .decisive()
            .saw(
                look.field(container.pod, format!("{} failed to start: {}", container.said(), short(message, 230)))
                    .quoting(message)
                    .decisive(),
            )
            .falsifier(format!("`{command}` exists and is executable in the image {}", container.image()))
            .fix(format!(
                "docker run --rm --entrypoint sh {} -c 'command -v {command}'   # is it there under another name?",
                container.image()
            ))
            .fix(format!("kubectl edit {}   # correct the command of container {}", target(look, container.pod), container.name))
            .prevent("start the image with the manifest's own command in CI"),
    );
    true
}
