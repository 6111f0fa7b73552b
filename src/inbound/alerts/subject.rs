//! The one line that Alertmanager's and Grafana's default templates leave: `[FIRING:2] Name group values (other values)`.
//!
//! The template prints label *values* only, sorted by label name. That order is what gives the names back: each value is
//! matched with the labels that it looks like, so that the labels stay in alphabetical order and as much as possible fits.

use std::collections::BTreeMap;

use super::{
    pattern::{Pattern, compile},
    words, workload,
};
use crate::model::AlertStatus;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    pub(super) status: AlertStatus,
    /// 0 where the line does not say.
    pub(super) count: u32,
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

static HEAD: Pattern = Pattern::new(|| compile(r"^\W*\[(FIRING|RESOLVED)(?:\s*:\s*(\d+))?(?:\s*[,|]\s*RESOLVED\s*:?\s*(\d+))?\]\s*(.*)$"));
static REGION: Pattern = Pattern::new(|| compile(r"^(?:[a-z]{2}(?:-gov)?-[a-z]+-\d[a-z]?|[a-z]+-[a-z]+\d(?:-[a-z])?)$"));
static NODE: Pattern = Pattern::new(|| {
    compile(
        r"^(?:ip-\d+-\d+-\d+-\d+.*|gke-.+|aks-.+|(?:[a-z]{1,5}\d*-)?(?:node|worker|master|control-plane|cp|k8s)-?\d+|.+\.(?:internal|compute\.[a-z.]+))$",
    )
});
static HEX: Pattern = Pattern::new(|| compile(r"^[0-9a-f]{4,}(?:-[0-9a-f]{4,})*$"));

/// Reads the line; `None` when it is not one of these.
pub(super) fn read(line: &str) -> Option<Subject> {
    // An opened fallback repeats the link after the last bar.
    let line = line.lines().next().unwrap_or("").trim();
    let line = line.split_once(" | ").filter(|(_, link)| link.contains("://")).map_or(line, |(subject, _)| subject);
    let found = HEAD.captures(line)?;
    let part = |at: usize| found.get(at).map_or("", |group| group.as_str());
    let status = if part(1) == "FIRING" { AlertStatus::Firing } else { AlertStatus::Resolved };
    let count = part(2).parse().unwrap_or(0);
    let (head, common) = split(part(4).trim());
    let (mut name, group) = name_of(head);
    let mut common: Vec<&str> = common.split_whitespace().collect();
    if (name.is_empty() || !is_rule_name(&name)) && common.first().is_some_and(|word| is_rule_name(word)) {
        // Grouped without the name: it is then the first of the other values.
        let rest = name.clone();
        name = common.remove(0).to_owned();
        let mut labels = BTreeMap::new();
        assign(&name, &rest.split_whitespace().collect::<Vec<_>>(), true, &mut labels);
        assign(&name, &common, false, &mut labels);
        return Some(Subject { status, count, name, labels });
    }
    let mut labels = BTreeMap::new();
    assign(&name, &group, true, &mut labels);
    assign(&name, &common, false, &mut labels);
    Some(Subject { status, count, name, labels })
}

/// The words before the last bracket, and those inside; a bracket that belongs to the name has no blank before it.
fn split(text: &str) -> (&str, &str) {
    let open = text.find(" (").map(|at| at + 1).or_else(|| text.starts_with('(').then_some(0));
    match open.and_then(|at| text.split_at_checked(at)) {
        Some((head, rest)) => (head.trim(), rest.trim_start_matches('(').trim_end_matches(['…', '.', ')'])),
        None => (text, ""),
    }
}

fn is_rule_name(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = word.chars().skip(1).filter(|c| c.is_uppercase()).count();
    letters > 4 && word.starts_with(|c: char| c.is_uppercase()) && capitals >= 1 && word.chars().any(char::is_lowercase)
}

/// A rule's name is one word in the Prometheus world; elsewhere all words are the name.
fn name_of(head: &str) -> (String, Vec<&str>) {
    let mut words = head.split_whitespace();
    let first = words.next().unwrap_or("");
    let rest: Vec<&str> = words.collect();
    // `Name for service` and `Name - service` of common templates.
    if is_rule_name(first) || first.contains('_') {
        return (first.to_owned(), rest.into_iter().filter(|word| !matches!(*word, "for" | "-" | "on" | "in" | "|")).collect());
    }
    match head.split_once(" for ") {
        Some((name, rest)) => (name.trim().to_owned(), rest.split_whitespace().collect()),
        None => (head.trim().to_owned(), Vec::new()),
    }
}

/// Gives the values their labels back; `key="value"` pairs, as some templates print, need no guess.
fn assign(name: &str, values: &[&str], group: bool, labels: &mut BTreeMap<String, String>) {
    let mut loose = Vec::new();
    for value in values.iter().take(64) {
        match value.trim_end_matches(',').split_once('=') {
            Some((key, value)) if !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_') => {
                labels.entry(key.to_owned()).or_insert_with(|| value.trim_matches('"').to_owned());
            }
            _ => loose.push(*value),
        }
    }
    let name = name.to_lowercase();
    let keys: Vec<&str> = KEYS.iter().copied().filter(|key| !labels.contains_key(*key)).collect();
    // best[i][j]: the most that values[i..] and keys[j..] can fit.
    let width = keys.len() + 1;
    let mut best = vec![0_i32; width * (loose.len() + 1)];
    let get = |best: &[i32], i: usize, j: usize| best.get(i * width + j).copied().unwrap_or(0);
    let shapes: Vec<Shape<'_>> = loose.iter().map(|value| Shape::of(value)).collect();
    let fits: Vec<i32> =
        shapes.iter().flat_map(|shape| keys.iter().map(|key| fit(key, shape, &name, group)).chain(std::iter::once(0))).collect();
    for i in (0..loose.len()).rev() {
        for j in (0..keys.len()).rev() {
            let fit = get(&fits, i, j);
            let taken = if fit > 0 { fit + get(&best, i + 1, j + 1) } else { 0 };
            let value = taken.max(get(&best, i + 1, j)).max(get(&best, i, j + 1));
            if let Some(slot) = best.get_mut(i * width + j) {
                *slot = value;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < loose.len() && j < keys.len() {
        let here = get(&best, i, j);
        let fit = get(&fits, i, j);
        if fit > 0 && here == fit + get(&best, i + 1, j + 1) {
            if let (Some(key), Some(value)) = (keys.get(j), loose.get(i)) {
                labels.insert((*key).to_owned(), (*value).to_owned());
            }
            (i, j) = (i + 1, j + 1);
        } else if here == get(&best, i, j + 1) {
            j += 1;
        } else {
            i += 1;
        }
    }
}

/// The labels that are worth giving back, in the template's order.
#[rustfmt::skip]
const KEYS: &[&str] = &[
    "app", "cl_role", "cluster", "condition", "consumergroup", "container", "cronjob", "csr_type", "daemonset", "database", "deployment",
    "device", "endpoint", "env", "fstype", "horizontalpodautoscaler", "instance", "job", "job_name", "metrics_path", "mongodb_cluster",
    "mountpoint", "name", "namespace", "node", "persistentvolumeclaim", "pod", "prometheus", "queue", "reason", "region", "replset",
    "rs_nm", "service", "service_name", "severity", "state", "statefulset", "status", "team", "topic", "type", "uid", "vhost", "zone",
];

/// What a value looks like: found out once, asked for every label.
struct Shape<'a> {
    value: &'a str,
    lower: String,
    /// Small letters, digits and `-._`, as names of workloads are.
    kebab: bool,
    environment: bool,
    port: bool,
    clusterish: bool,
    exporter: bool,
    severity: bool,
    template: bool,
    pod: bool,
}

impl<'a> Shape<'a> {
    fn of(value: &'a str) -> Self {
        let lower = value.to_lowercase();
        let kebab = value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c))
            && value.starts_with(|c: char| c.is_alphabetic());
        let environment = matches!(
            lower.as_str(),
            "prod" | "production" | "staging" | "stage" | "dev" | "development" | "test" | "qa" | "uat" | "preprod"
        );
        let region = near_region(&lower);
        let clusterish = kebab && (region || ["prod-", "-prod", "stag", "cluster", "eks"].iter().any(|part| lower.contains(part)));
        let pod = workload::looks_like_pod(value)
            || !(clusterish && region)
                && (kebab && value.rsplit_once('-').is_some_and(|(_, tail)| tail.len() < 4 && tail.chars().all(|c| c.is_ascii_digit())));
        Self {
            value,
            kebab,
            environment,
            port: value.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()),
            clusterish,
            exporter: words::is_exporter(value),
            severity: words::is_severity(value),
            template: words_of_templates(&lower),
            pod,
            lower,
        }
    }
}

/// How well a value fits a label; 0 is "not at all".
fn fit(key: &str, shape: &Shape<'_>, name: &str, group: bool) -> i32 {
    let Shape { value, ref lower, kebab, environment, port, clusterish, exporter, severity, template, pod } = *shape;
    let yes = |condition: bool, score: i32| if condition { score } else { 0 };
    // What the name says outweighs a guess by shape, but not what alerts are grouped by.
    let hint = |part: &str, score: i32| {
        yes(kebab && !clusterish && !environment && !exporter && !template && name.contains(part), if group { 3 } else { score })
    };
    let workload = kebab && !environment && !exporter && !severity && !template;
    match key {
        "app" => yes(workload && !pod && !value.contains('-') && group, 1),
        "cl_role" => yes(matches!(lower.as_str(), "mongod" | "mongos" | "shardsvr" | "configsvr"), 5),
        "cluster" => yes(clusterish && !workload::looks_like_pod(value), 3) + yes(environment && !group, 1),
        "condition" => yes(matches!(value, "Ready" | "MemoryPressure" | "DiskPressure" | "PIDPressure" | "NetworkUnavailable"), 6),
        "consumergroup" => hint("consumer", 6),
        "container" => yes(lower == "metrics", 4) + yes(workload && !pod, 2),
        "cronjob" => hint("cronjob", 6),
        "csr_type" => yes(matches!(lower.as_str(), "total" | "timedout"), 3),
        "daemonset" => hint("daemonset", 6),
        "database" => hint("database", 3),
        "deployment" => hint("deployment", 6) + yes(workload && !pod, 1),
        "device" => yes(
            value.starts_with("/dev/")
                || lower.starts_with("nvme")
                || lower.starts_with("eth")
                || (lower.len() < 6 && lower.starts_with("sd")),
            5,
        ),
        "endpoint" => yes(
            matches!(lower.as_str(), "http-metrics" | "https-metrics" | "metrics" | "http" | "https" | "web" | "https-main" | "http-web"),
            4,
        ),
        "env" => yes(environment, 4),
        "fstype" => yes(matches!(lower.as_str(), "ext4" | "xfs" | "btrfs" | "tmpfs" | "overlay" | "nfs" | "zfs"), 6),
        "horizontalpodautoscaler" => hint("hpa", 6),
        "instance" => yes(port || value.contains("://") || workload::is_address(value), 6),
        "job" => yes(exporter, 4) + yes(workload && !pod, 2),
        "job_name" => hint("kubejob", 6),
        "metrics_path" => yes(lower.starts_with("/metrics") || lower == "/probe", 6),
        "mongodb_cluster" => yes(workload && name.contains("mongo"), 4),
        "mountpoint" => yes(value.starts_with('/') && !lower.starts_with("/metrics"), 3),
        "name" => yes(port && value.starts_with(char::is_alphabetic), 5),
        "namespace" => {
            yes(kebab && !pod && !value.contains('.') && !severity && !template, if group { 5 } else { 1 }) + yes(environment, 4)
        }
        "node" => yes(NODE.is_match(value) && !port, 7),
        "persistentvolumeclaim" => hint("persistentvolume", 6).max(hint("pvc", 6)) + yes(lower.starts_with("data-"), 5),
        "pod" => yes(pod, 6),
        "prometheus" => {
            yes(value.split('/').count() == 2 && value.split('/').all(|half| !half.is_empty()) && !lower.starts_with("integrations/"), 7)
        }
        "queue" => yes(name.contains("queue") && !name.contains("queueing") && kebab && !clusterish, 5),
        "reason" => yes(is_rule_name(value) && !group, 4),
        "region" | "zone" => yes(REGION.is_match(lower), 4),
        "replset" | "rs_nm" => yes(lower.starts_with("rs-") || lower.starts_with("rs0") || lower.ends_with("-rs"), 6),
        "service" => yes(exporter, 4) + yes(workload && !pod, 3),
        "service_name" => yes(kebab && name.contains("mongo") && !severity, 3),
        "severity" => yes(severity || lower == "none", 8),
        "state" | "type" => {
            yes(value.len() > 3 && value.chars().all(|c| c.is_ascii_uppercase()), 4)
                + yes(matches!(lower.as_str(), "reader" | "writer" | "read" | "write"), 3)
        }
        "statefulset" => hint("statefulset", 6),
        "status" => yes(matches!(lower.as_str(), "true" | "false" | "unknown"), 5),
        "team" => yes(kebab && lower.contains("team"), 5),
        "topic" => hint("topic", 5),
        "uid" => yes(HEX.is_match(value) && value.chars().any(|c| c.is_ascii_digit()), 3),
        "vhost" => yes(value == "/", 6),
        _ => 0,
    }
}

fn near_region(text: &str) -> bool {
    text.split_once('-')
        .is_some_and(|_| ["us-", "eu-", "ap-", "-us", "-eu", "-ap", "europe", "asia"].iter().any(|part| text.contains(part)))
}

fn words_of_templates(word: &str) -> bool {
    matches!(
        word,
        "http" | "https" | "web" | "metrics" | "http-metrics" | "https-metrics" | "true" | "false" | "total" | "none" | "mongod" | "mongos"
    )
}
