//! What an alert or a question is about, as objects, a namespace and words.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use crate::{
    analysis::{Focus, asked::quotes},
    model::{Alert, Entity, Request, Subject},
};

/// Labels that name an object, the most specific first.
const OBJECT_LABELS: &[(&str, &str)] = &[
    ("pod", "Pod"),
    ("pod_name", "Pod"),
    ("kube_pod", "Pod"),
    ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ("job_name", "Job"),
    ("kube_job", "Job"),
    ("cronjob", "CronJob"),
    ("deployment", "Deployment"),
    ("kube_deployment", "Deployment"),
    ("statefulset", "StatefulSet"),
    ("daemonset", "DaemonSet"),
    ("replicaset", "ReplicaSet"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
    ("ingress", "Ingress"),
    ("resourcequota", "ResourceQuota"),
    ("workload", ""),
    ("workload_name", ""),
    ("service", ""),
    ("service_name", ""),
    ("app", ""),
    ("db_instance", "Database"),
    ("db_instance_identifier", "Database"),
    ("read_replica", "Database"),
];

/// Labels that say where something ran, not what is sick, unless nothing else is named.
const PLACE_LABELS: &[(&str, &str)] = &[("node", "Node"), ("nodename", "Node"), ("instance", "Host"), ("host", "Host")];

/// Words of a question that name nothing.
const STOP_WORDS: &[&str] = &[
    "broken",
    "a",
    "about",
    "after",
    "all",
    "am",
    "an",
    "and",
    "any",
    "anything",
    "app",
    "application",
    "are",
    "as",
    "at",
    "be",
    "been",
    "but",
    "by",
    "can",
    "cause",
    "check",
    "cluster",
    "configured",
    "could",
    "dashboard",
    "data",
    "database",
    "deployment",
    "did",
    "do",
    "does",
    "down",
    "error",
    "errors",
    "explain",
    "fail",
    "failed",
    "failing",
    "figure",
    "find",
    "for",
    "from",
    "get",
    "give",
    "going",
    "happen",
    "happened",
    "happening",
    "has",
    "have",
    "healthy",
    "help",
    "high",
    "how",
    "http",
    "i",
    "in",
    "is",
    "issue",
    "issues",
    "it",
    "its",
    "job",
    "jobs",
    "latency",
    "list",
    "log",
    "logs",
    "look",
    "me",
    "my",
    "namespace",
    "namespaces",
    "need",
    "node",
    "nodes",
    "not",
    "of",
    "on",
    "or",
    "our",
    "out",
    "page",
    "please",
    "pod",
    "pods",
    "problem",
    "problems",
    "reported",
    "requests",
    "responding",
    "root",
    "running",
    "see",
    "server",
    "service",
    "services",
    "should",
    "show",
    "slow",
    "some",
    "something",
    "status",
    "summarize",
    "tell",
    "that",
    "the",
    "there",
    "this",
    "to",
    "unhealthy",
    "up",
    "us",
    "was",
    "we",
    "were",
    "what",
    "what's",
    "whats",
    "when",
    "where",
    "which",
    "who",
    "why",
    "with",
    "within",
    "work",
    "working",
    "workload",
    "wrong",
    "you",
    "your",
    "ci",
    "build",
    "set",
    "replica",
    "whole",
    "went",
    "away",
    "time",
    "times",
    "now",
    "today",
    "yesterday",
    "between",
    "since",
    "because",
    "kubernetes",
    "argocd",
    "every",
    "restarting",
    "crashing",
    "crash",
    "pending",
    "stuck",
    "timeout",
    "timeouts",
    "test",
    "tests",
    "step",
    "run",
    "runs",
    "had",
    "will",
    "would",
    "clusterroles",
    "member",
    "members",
    "primary",
    "secondary",
    "mongodb",
    "writes",
    "reads",
    "queries",
    "query",
    "become",
    "became",
    "pdb",
    "hpa",
    "pvc",
    "deployments",
    "cronjob",
    "statefulset",
    "daemonset",
    "replicaset",
    "configmap",
    "configmaps",
    "networkpolicy",
];

/// The focus of a request. Its `now` is the request's; without one the newest time of the evidence is filled in later.
pub fn focus_of(request: &Request) -> Focus {
    let mut focus = match &request.subject {
        Subject::Alert(alert) => of_alert(alert),
        Subject::Question(text) => of_question(text),
    };
    focus.now = request.now;
    let mut seen = BTreeSet::new();
    focus.words.retain(|word| seen.insert(word.to_lowercase()));
    let mut seen = BTreeSet::new();
    focus.entities.retain(|entity| seen.insert((entity.kind.clone(), entity.name.clone())));
    focus
}

fn of_alert(alert: &Alert) -> Focus {
    let text = [&alert.name, &alert.summary, &alert.description]
        .into_iter()
        .filter(|text| !text.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(". ");
    let mut focus = Focus { namespace: alert.namespace.clone(), text, ..Focus::default() };
    for name in ["namespace", "kube_namespace", "exported_namespace"] {
        if focus.namespace.is_empty() {
            focus.namespace = alert.labels.get(name).cloned().unwrap_or_default();
        }
    }
    let add = |focus: &mut Focus, kind: &str, name: &str| {
        if !name.is_empty() {
            focus.entities.push(Entity::new(kind, &focus.namespace, name));
            focus.words.push(name.to_owned());
        }
    };
    add(&mut focus, "", &alert.resource);
    for (label, kind) in OBJECT_LABELS {
        if let Some(name) = alert.labels.get(*label) {
            add(&mut focus, kind, name);
        }
    }
    add(&mut focus, "", &alert.service);
    named_in(&focus.text.clone(), &mut focus);
    if focus.entities.is_empty() {
        for (label, kind) in PLACE_LABELS {
            if let Some(name) = alert.labels.get(*label) {
                focus.entities.push(Entity::new(kind, "", name));
                focus.words.push(name.clone());
            }
        }
    }
    focus
}

fn of_question(text: &str) -> Focus {
    let mut focus = Focus { text: text.to_owned(), ..Focus::default() };
    if let Some(found) = embedded_json(text) {
        let get = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or_default();
        focus.namespace = get("namespace").to_owned();
        if !get("name").is_empty() {
            focus.entities.push(Entity::new(
                &kind_word(get("type")).or_else(|| kind_word(get("kind"))).unwrap_or_default(),
                get("namespace"),
                get("name"),
            ));
            focus.words.push(get("name").to_owned());
        }
        return focus;
    }
    named_in(text, &mut focus);
    let quoted: BTreeSet<String> = quotes(text).into_iter().filter(|quote| quote.contains(' ')).flat_map(|quote| words(&quote)).collect();
    let cluster = after(text, r"(?i)\bon (?:the )?([a-z0-9][a-z0-9.-]*) cluster\b|(?i)\bcluster ([a-z0-9][a-z0-9.-]*-[a-z0-9.-]*)");
    for word in words(text) {
        let lower = word.to_lowercase();
        let names = !STOP_WORDS.contains(&lower.as_str()) && lower.len() > 2 && lower.chars().any(char::is_alphabetic) && !is_time(&lower);
        if names && word != focus.namespace && Some(&word) != cluster.as_ref() && !quoted.contains(&word) {
            focus.words.push(word);
        }
    }
    focus
}

/// `Pod shop/checkout-1`, `pod checkout-1 in namespace shop`, `namespace shop`, `shop namespace`.
fn named_in(text: &str, focus: &mut Focus) {
    if focus.namespace.is_empty() {
        let patterns = [
            r"(?i)\bnamespace:? [`'\x22]?([a-z0-9][a-z0-9-]*[a-z0-9])",
            r"(?i)\b([a-z0-9][a-z0-9-]*[a-z0-9])[`'\x22]? namespace\b",
            r"(?i)\bpod ([a-z0-9-]+)/[a-z0-9.-]+",
        ];
        let found =
            patterns.iter().find_map(|pattern| after(text, pattern)).filter(|found| !STOP_WORDS.contains(&found.to_lowercase().as_str()));
        focus.namespace = found.unwrap_or_default();
    }
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(pod|deployment|statefulset|daemonset|job|cronjob|node|service|persistentvolumeclaim|pvc|ingress|hpa|replicaset|pdb|poddisruptionbudget|networkpolicy|configmap|certificate|httproute|gateway)s?:? [`'\x22]?(?:[a-z0-9-]+/)?([a-z0-9][a-z0-9.-]*[a-z0-9])").ok()
    });
    let Some(named) = NAMED.as_ref() else { return };
    for found in named.captures_iter(text) {
        let (Some(kind), Some(name)) = (found.get(1), found.get(2)) else { continue };
        let name = name.as_str();
        // Too short to be a word of its own, but named after its kind: `pdb db`.
        if name.len() == 2 && !STOP_WORDS.contains(&name.to_lowercase().as_str()) {
            focus.words.push(name.to_owned());
        }
        if STOP_WORDS.contains(&name.to_lowercase().as_str())
            || *name == focus.namespace
            || !(name.contains('-') || name.contains(|c: char| c.is_ascii_digit()))
        {
            continue;
        }
        focus.entities.push(Entity::new(&kind_word(kind.as_str()).unwrap_or_default(), &focus.namespace, name));
        focus.words.push(name.to_owned());
    }
}

fn after(text: &str, pattern: &str) -> Option<String> {
    let found = Regex::new(pattern).ok()?.captures(text)?;
    (1..found.len()).find_map(|at| found.get(at)).map(|found| found.as_str().to_owned())
}

fn embedded_json(text: &str) -> Option<Value> {
    let start = text.find('{')?;
    let end = text.rfind('}')?;
    serde_json::from_str(text.get(start..=end)?).ok()
}

fn kind_word(word: &str) -> Option<String> {
    let kind = match word.to_lowercase().trim_end_matches('s') {
        "pod" => "Pod",
        "deployment" => "Deployment",
        "statefulset" => "StatefulSet",
        "daemonset" => "DaemonSet",
        "replicaset" => "ReplicaSet",
        "job" => "Job",
        "cronjob" => "CronJob",
        "node" => "Node",
        "service" => "Service",
        "persistentvolumeclaim" | "pvc" => "PersistentVolumeClaim",
        "ingres" => "Ingress",
        "hpa" => "HorizontalPodAutoscaler",
        "pdb" | "poddisruptionbudget" => "PodDisruptionBudget",
        "networkpolicy" => "NetworkPolicy",
        "configmap" => "ConfigMap",
        "certificate" => "Certificate",
        "httproute" => "HTTPRoute",
        "gateway" => "Gateway",
        _ => return None,
    };
    Some(kind.to_owned())
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '\'' | ':' | '+')))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
        .map(|word| word.strip_suffix("'s").map(str::to_owned).unwrap_or(word))
        .filter(|word| !word.is_empty())
        .collect()
}

fn is_time(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    digits * 2 > word.len() && (word.contains(':') || word.matches('-').count() >= 2)
}
