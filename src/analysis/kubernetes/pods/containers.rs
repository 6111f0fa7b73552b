//! The states of a pod's containers, one after the other.

use serde_json::Value;

use super::{
    super::{
        Checked, Look, Thing,
        value::{flag, int, short, text},
    },
    environment, exits, images, in_namespace, mounts, probes, spec_of, target,
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// One container of a pod with what is known about it.
pub struct Container<'a> {
    pub pod: &'a Thing<'a>,
    pub status: &'a Value,
    pub spec: Option<&'a Value>,
    pub name: &'a str,
    pub init: bool,
}

impl Container<'_> {
    /// `container main of pod shop/checkout-1`, `init container …`.
    pub fn said(&self) -> String {
        let kind = if self.init { "init container" } else { "container" };
        if self.name.is_empty() {
            format!("a {kind} of pod {}", self.pod.path())
        } else {
            format!("{kind} {} of pod {}", self.name, self.pod.path())
        }
    }

    /// [`Self::said`] at the beginning of a sentence.
    pub fn begins(&self) -> String {
        let said = self.said();
        let mut chars = said.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
    }

    pub fn restarts(&self) -> i64 {
        int(self.status, "/restartCount").unwrap_or(0)
    }

    pub fn image(&self) -> &str {
        let own = self.spec.map(|spec| text(spec, "/image")).unwrap_or_default();
        if own.is_empty() { text(self.status, "/image") } else { own }
    }

    pub fn limit(&self, resource: &str) -> &str {
        self.spec.map(|spec| text(spec, &format!("/resources/limits/{}", resource.replace('/', "~1")))).unwrap_or_default()
    }

    /// `kubectl logs …` for the run that ended.
    pub fn previous_logs(&self) -> String {
        let container = if self.name.is_empty() { String::new() } else { format!(" -c {}", self.name) };
        format!("kubectl logs {}{}{container} --previous", self.pod.name, in_namespace(&self.pod.namespace))
    }
}

pub fn check(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    let groups = [("/status/initContainerStatuses", true), ("/status/containerStatuses", false)];
    for (path, init) in groups {
        for status in pod.list(path) {
            let name = text(status, "/name");
            let container = Container { pod, status, spec: spec_of(pod, name), name, init };
            one(look, &container, out);
        }
    }
}

fn one(look: &Look<'_>, container: &Container<'_>, out: &mut Checked) {
    let waiting = text(container.status, "/state/waiting/reason");
    let message = text(container.status, "/state/waiting/message");
    match waiting {
        "CrashLoopBackOff" => {
            exits::check(look, container, out);
            environment::check(look, container, out);
        }
        "ImagePullBackOff"
        | "ErrImagePull"
        | "ErrImageNeverPull"
        | "InvalidImageName"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => {
            images::check(look, container, waiting, out);
        }
        "CreateContainerConfigError" => mounts::config_error(look, container, message, out),
        "CreateContainerError" | "RunContainerError" | "PreCreateHookError" | "PreStartHookError" | "PostStartHookError" | "StartError" => {
            start_error(look, container, waiting, message, out);
        }
        "" => settled(look, container, out),
        "ContainerCreating" | "PodInitializing" => {}
        // A reason that no table knows is a reason all the same.
        _ if !message.is_empty() || ["Error", "BackOff", "Failed"].iter().any(|word| waiting.ends_with(word)) => {
            start_error(look, container, waiting, message, out);
        }
        _ => {}
    }
}

/// Not waiting: running or terminated.
fn settled(look: &Look<'_>, container: &Container<'_>, out: &mut Checked) {
    if let Some(code) = int(container.status, "/state/terminated/exitCode") {
        if code != 0 {
            exits::check(look, container, out);
        }
        return;
    }
    if !text(container.status, "/state/terminated/reason").is_empty() && text(container.status, "/state/terminated/reason") != "Completed" {
        exits::check(look, container, out);
        return;
    }
    exits::running_again(look, container, out);
    if container.init {
        init_stuck(look, container, out);
    }
    let running = container.status.pointer("/state/running").is_some() || container.pod.text("/status/phase") == "Running";
    if running && !container.init && flag(container.status, "/ready") == Some(false) {
        probes::not_ready(look, container, out);
    } else {
        probes::killing(look, container, out);
    }
}

/// An init container that runs and runs: everything after it waits.
fn init_stuck(look: &Look<'_>, container: &Container<'_>, out: &mut Checked) {
    let pod = container.pod;
    let step = pod.text("/status/initText");
    let sidecar = container.spec.is_some_and(|spec| text(spec, "/restartPolicy") == "Always");
    let runs = container.status.pointer("/state/running").is_some() || !step.is_empty();
    let started = text(container.status, "/state/running/startedAt").parse().ok();
    let age = started.and_then(|at| look.cluster.seconds_since(at)).or_else(|| look.cluster.age_of_thing(pod));
    let Some(minutes) = age.map(|age| age / 60).filter(|minutes| *minutes >= look.thresholds.rollout_minutes) else { return };
    if pod.text("/status/phase") != "Pending" || sidecar || !runs {
        return;
    }
    let done = if step.is_empty() { String::new() } else { format!(" ({step} init containers are done)") };
    out.findings.push(
        Finding::new(
            Category::RolloutStuck,
            Role::Symptom,
            pod.entity(),
            format!("{} has not finished after {minutes} minutes{done}: the main containers wait for it", container.begins()),
        )
        .strength(0.8)
        .saw(look.field(pod, format!("{}: running for {minutes} minutes, pod phase Pending{done}", container.said())).at(started, None))
        .falsifier("the init container ends with exit code 0")
        .fix(format!(
            "kubectl logs {}{} -c {}",
            pod.name,
            in_namespace(&pod.namespace),
            if container.name.is_empty() { "<init container>" } else { container.name }
        ))
        .prevent("give what an init container waits for a deadline, and let it say what it waits for"),
    );
}

/// The runtime refuses to start the container: its message says why, at the latest in the last state.
fn start_error(look: &Look<'_>, container: &Container<'_>, waiting: &str, message: &str, out: &mut Checked) {
    let last = text(container.status, "/lastState/terminated/message");
    let failed = look
        .recent(container.pod, &["Failed", "FailedPostStartHook", "FailedPreStopHook"])
        .map(|event| event.message.as_str())
        .unwrap_or_default();
    let why = [message, last, failed].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    if exits::command_not_found(look, container, why, out) {
        return;
    }
    let because = if why.is_empty() { String::new() } else { format!(": {}", short(why, 200)) };
    let category =
        if why.contains("denied") || why.contains("not permitted") { Category::PermissionDenied } else { Category::Misconfiguration };
    out.findings.push(
        Finding::new(
            category,
            Role::Cause,
            container.pod.entity(),
            format!("{} cannot be started ({waiting}){because}", container.begins()),
        )
        .decisive()
        .saw(look.field(container.pod, format!("{} is waiting with {waiting}{because}", container.said())).quoting(why).decisive())
        .falsifier(format!("the container's state is no longer {waiting}"))
        .fix(format!("kubectl describe pod {}{}   # the whole message", container.pod.name, in_namespace(&container.pod.namespace)))
        .fix(format!("kubectl edit {}", target(look, container.pod)))
        .prevent("start the image with the same command and mounts in CI"),
    );
}
