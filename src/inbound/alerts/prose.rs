//! What sentences say about the sick object: "Pod shop/cart-0 in namespace …", "(instance db-1:9104)".

use super::{
    pattern::{Pattern, capture, compile},
    workload,
};

#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) service: String,
    pub(super) resource: String,
    pub(super) namespace: String,
}

static QUALIFIED: Pattern = Pattern::new(|| {
    compile(
        r"(?i)\b(pod|deployment|statefulset|daemonset|cronjob|job|service|hpa|replicaset|rollout)\s+[`*]*([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)",
    )
});
/// `Host Alert: web-1 is DOWN`, `Service Alert: web-1/load is CRITICAL`, and `web-1 - load is CRITICAL`, as Nagios and Icinga print their subject.
static ALERT_OF: Pattern = Pattern::new(|| {
    compile(
        r"(?m)(?:\b(?:Host|Service) Alert: |^)([A-Za-z0-9][A-Za-z0-9_.-]*)(?:(?:/| - )[^\n]{1,80}?)? is (?:CRITICAL|WARNING|UNKNOWN|OK|DOWN|UP|UNREACHABLE)\b",
    )
});
/// `Deployment/shop/cart`, as Kubernetes' status readers print an object.
static SLASHED: Pattern = Pattern::new(|| {
    compile(r"\b(?:Deployment|StatefulSet|DaemonSet|CronJob|Job|HelmRelease|Rollout)/([a-z0-9-]+)/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)")
});
static OBJECT: Pattern = Pattern::new(|| {
    compile(
        r#"(?i)\b(pod|deployment|statefulset|daemonset|cronjob|job|node|host|instance|server|queue|consumer group|topic|pvc|persistentvolumeclaim|claimed by|container|service|database|cluster|bucket|load balancer|agent name|affected resource)[:\s]+[`"'*]*([A-Za-z0-9](?:[A-Za-z0-9_.:/-]*[A-Za-z0-9])?)([`"'*]?)"#,
    )
});
static NAMESPACE: Pattern = Pattern::new(|| compile(r#"(?i)\bnamespace[:=\s]+[`"'*]*([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)"#));
static IN_NAMESPACE: Pattern = Pattern::new(|| compile(r#"(?i)\bin\s+[`"'*]*([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)[`"'*]*\s+namespace\b"#));
static INSTANCE: Pattern = Pattern::new(|| compile(r"\(instance ([^)\s]+)\)"));
static TARGETS: Pattern = Pattern::new(|| compile(r"\bthe [^\s/]+/([^\s/]+) targets\b"));
static MACHINE: Pattern = Pattern::new(|| compile(r"\b(i-[0-9a-f]{8,17}|ip-\d+-\d+-\d+-\d+(?:\.[a-z0-9-]+)*)\b"));
static ON_MACHINE: Pattern = Pattern::new(|| compile(r"(?i)\b(?:on|node|host) ([a-z][a-z0-9]*(?:-[a-z0-9]+)*-?[0-9]+)\b"));
static UNREADY: Pattern = Pattern::new(|| compile(r"(?m)^([a-z0-9][a-z0-9.-]*[0-9][a-z0-9.-]*) (?:has been|is) (?:un|not )ready\b"));

/// What the sentences of one alert say; later sentences only fill what is still missing.
pub(super) fn read(text: &str) -> Said {
    let mut said = Said::default();
    if let Some(found) = QUALIFIED.captures(text) {
        let part = |at: usize| found.get(at).map_or("", |group| group.as_str());
        said.namespace = part(2).to_owned();
        said.resource = part(3).to_owned();
        said.service = workload::workload_of_pod(part(3));
    }
    if let Some(found) = SLASHED.captures(text).filter(|_| said.resource.is_empty()) {
        let part = |at: usize| found.get(at).map_or("", |group| group.as_str()).to_owned();
        (said.namespace, said.resource, said.service) = (part(1), part(2), part(2));
    }
    let fill = |slot: &mut String, found: Option<&str>| {
        if let Some(found) = found.filter(|word| slot.is_empty() && !is_filler(word)) {
            found.clone_into(slot);
        }
    };
    fill(&mut said.namespace, capture(&IN_NAMESPACE, text));
    fill(&mut said.namespace, capture(&NAMESPACE, text));
    fill(&mut said.service, capture(&TARGETS, text));
    fill(&mut said.resource, capture(&ALERT_OF, text));
    fill(&mut said.resource, capture(&UNREADY, text));
    for found in OBJECT.captures_iter(text).take(20) {
        let part = |at: usize| found.get(at).map_or("", |group| group.as_str());
        // `service:checkout`, as tags are written, is as good as a quoted name.
        let tagged = part(0).contains(&format!("{}:{}", part(1), part(2)));
        object(&mut said, &part(1).to_lowercase(), part(2), tagged || !part(3).is_empty());
    }
    fill(&mut said.resource, capture(&MACHINE, text));
    fill(&mut said.resource, capture(&INSTANCE, text));
    fill(&mut said.resource, capture(&ON_MACHINE, text));
    said
}

/// One "kind name" pair; an unquoted name must look like a name: hold a digit, a dash, a dot.
fn object(said: &mut Said, kind: &str, name: &str, quoted: bool) {
    let looks = name.contains(|c: char| c.is_ascii_digit() || "-_./:".contains(c));
    if is_filler(name)
        || !(quoted || looks || matches!(kind, "agent name" | "claimed by"))
        || name.starts_with(|c: char| c.is_ascii_digit()) && !name.contains(['.', '-', ':'])
    {
        return;
    }
    let (resource, service) = match kind {
        "pod" => (name, workload::workload_of_pod(name)),
        "deployment" | "statefulset" | "daemonset" | "cronjob" | "job" | "service" => (name, name.to_owned()),
        "container" | "cluster" => return,
        _ => (name, String::new()),
    };
    if said.resource.is_empty() {
        resource.clone_into(&mut said.resource);
    }
    if said.service.is_empty() {
        said.service = service;
    }
}

/// Words that follow "pod" or "namespace" in a sentence without being its name.
fn is_filler(word: &str) -> bool {
    let word = word.to_lowercase();
    matches!(
        word.as_str(),
        "has"
            | "is"
            | "are"
            | "was"
            | "were"
            | "in"
            | "on"
            | "of"
            | "for"
            | "the"
            | "this"
            | "that"
            | "a"
            | "an"
            | "and"
            | "or"
            | "to"
            | "with"
            | "not"
            | "no"
            | "be"
            | "been"
            | "will"
            | "may"
            | "can"
            | "cannot"
            | "by"
            | "at"
            | "from"
            | "failed"
            | "failing"
            | "down"
            | "quota"
            | "name"
            | "map"
            | "non-ready"
            | "not-ready"
            | "any"
            | "all"
            | "each"
            | "every"
            | "same"
            | "its"
            | "your"
            | "default-deny"
            | "up"
    ) || word.starts_with("http:")
        || word.starts_with("https:")
        || word.starts_with("re-")
}
