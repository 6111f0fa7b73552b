//! What a container needs before it starts: Secrets, ConfigMaps, volumes, a network.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    super::{
        Checked, Look, Thing,
        value::{short, text},
    },
    containers::Container,
    in_namespace, is_starting,
};
use crate::{
    analysis::{Finding, Role},
    model::{Category, observation::Event},
};

/// `secret "api-token" not found`, `couldn't find key token in Secret shop/api`, `configmap references non-existent config key: app.yaml`.
struct Missing {
    kind: &'static str,
    name: String,
    key: String,
}

fn missing(message: &str) -> Option<Missing> {
    static OBJECT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(?i)\b(secret|configmap)s?(?:\.v1)? "?([a-z0-9./-]+)"? (?:is )?not found|object "?[^"/]*"?/"([a-z0-9.-]+)" not registered"#,
        )
        .ok()
    });
    static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?i)couldn't find key (\S+) in (secret|configmap) (?:[a-z0-9-]+/)?([a-z0-9.-]+)|non-existent (?:config|secret) key: (\S+)",
        )
        .ok()
    });
    let kind = |word: &str| if word.eq_ignore_ascii_case("secret") { "Secret" } else { "ConfigMap" };
    if let Some(found) = KEY.as_ref().and_then(|regex| regex.captures(message)) {
        let get = |at: usize| found.get(at).map(|part| part.as_str().trim_end_matches([',', '.', '"']).to_owned()).unwrap_or_default();
        if !get(1).is_empty() {
            return Some(Missing { kind: kind(&get(2)), name: get(3), key: get(1) });
        }
        return Some(Missing {
            kind: if message.to_lowercase().contains("secret") { "Secret" } else { "ConfigMap" },
            name: String::new(),
            key: get(4),
        });
    }
    let found = OBJECT.as_ref()?.captures(message)?;
    let name = found.get(2).or_else(|| found.get(3))?.as_str();
    Some(Missing {
        kind: found.get(1).map_or("Secret", |word| kind(word.as_str())),
        name: name.rsplit('/').next().unwrap_or(name).to_owned(),
        key: String::new(),
    })
}

/// CreateContainerConfigError: the kubelet names what is missing.
pub fn config_error(look: &Look<'_>, container: &Container<'_>, message: &str, out: &mut Checked) {
    let event = look.recent(container.pod, &["Failed"]);
    let words = if message.is_empty() { event.map(|event| event.message.as_str()).unwrap_or_default() } else { message };
    out.findings.push(absent(look, container.pod, &container.begins(), words).saw_all(event.map(|event| look.event(container.pod, event))));
}

fn absent(look: &Look<'_>, pod: &Thing<'_>, who: &str, message: &str) -> Finding {
    let (what, fix) = match missing(message) {
        Some(found) if found.key.is_empty() => (
            format!("the {} {} does not exist", found.kind, found.name),
            format!(
                "kubectl get {} {}{}   # create it, or correct the name in the pod's spec",
                found.kind.to_lowercase(),
                found.name,
                in_namespace(&pod.namespace)
            ),
        ),
        Some(found) => (
            format!("the key {} is missing in the {} {}", found.key, found.kind, found.name),
            format!("kubectl describe {} {}{}   # which keys it has", found.kind.to_lowercase(), found.name, in_namespace(&pod.namespace)),
        ),
        None => (
            format!("its configuration is refused: {}", short(message, 180)),
            format!("kubectl describe pod {}{}", pod.name, in_namespace(&pod.namespace)),
        ),
    };
    Finding::new(Category::ConfigMissing, Role::Cause, pod.entity(), format!("{who} cannot be created: {what}"))
        .decisive()
        .saw(look.field(pod, format!("{}: {}", pod.entity(), short(message, 240))).quoting(message).decisive())
        .falsifier("the named Secret or ConfigMap exists in the pod's namespace with that key")
        .fix(fix)
        .prevent("ship configuration and workload in one release, and validate references before applying")
}

/// A pod that stays in ContainerCreating: the newest event about it says what it waits for.
pub fn check(look: &Look<'_>, pod: &Thing<'_>, out: &mut Checked) {
    let statuses = pod.list("/status/containerStatuses").iter().chain(pod.list("/status/initContainerStatuses"));
    let creating = pod.text("/status/phase") == "Pending"
        && statuses.clone().any(|status| ["ContainerCreating", "PodInitializing"].contains(&text(status, "/state/waiting/reason")));
    if !creating || statuses.clone().any(|status| is_starting(look, pod, status)) && look.recent(pod, FAILURES).is_none() {
        return;
    }
    if let Some(event) = telling(look, pod) {
        out.findings.push(from_event(look, pod, event));
    }
}

const FAILURES: &[&str] =
    &["FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer", "NetworkNotReady"];

/// The newest failure, and one with a reason before one that only says how long it has been waited for.
fn telling<'e>(look: &'e Look<'_>, pod: &Thing<'_>) -> Option<&'e Event> {
    let waits = |event: &Event| event.message.contains("timed out waiting") || event.message.contains("context deadline exceeded");
    let events = look.cluster.events_of(pod);
    let failures = || events.iter().rev().filter(|event| FAILURES.contains(&event.reason.as_str()) && look.is_recent(event)).copied();
    failures().find(|event| !waits(event)).or_else(|| failures().next())
}

fn from_event(look: &Look<'_>, pod: &Thing<'_>, event: &Event) -> Finding {
    let message = event.message.as_str();
    let lower = message.to_lowercase();
    if missing(message).is_some() {
        return absent(look, pod, &format!("Pod {}", pod.path()), message).saw(look.event(pod, event));
    }
    let (category, what, fix) = if event.reason == "FailedCreatePodSandBox" || event.reason == "NetworkNotReady" {
        let fix = "check the CNI plugin's pods on that node: kubectl get pods -n kube-system -o wide";
        (Category::NetworkFault, "its sandbox (network) cannot be set up", fix.to_owned())
    } else if lower.contains("multi-attach") {
        let fix = "delete the pod that still holds the volume, or wait for the old node's detach (6 minutes)";
        (Category::Volume, "its volume is still attached to another node (Multi-Attach)", fix.to_owned())
    } else if lower.contains("permission denied") || lower.contains("access denied") {
        (
            Category::PermissionDenied,
            "its volume refuses access",
            "check fsGroup, the export's rules and the CSI driver's credentials".to_owned(),
        )
    } else {
        let fix = format!("kubectl describe pvc{}   # is the claim bound, and does the volume exist?", in_namespace(&pod.namespace));
        (Category::Volume, "its volume cannot be mounted", fix)
    };
    Finding::new(category, Role::Cause, pod.entity(), format!("Pod {} cannot start: {what}: {}", pod.path(), short(message, 180)))
        .decisive()
        .saw(look.event(pod, event).decisive())
        .falsifier(format!("no newer {} event, and the containers start", event.reason))
        .fix(fix)
        .prevent("alert on pods that stay in ContainerCreating for more than 10 minutes")
}
