//! Which metrics are worth asking for: those about the subject, the telling ones first, within a budget of series.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::live::{Subject, quoted};

/// How many series are asked for in all; with 120 points each that is some 2 MiB.
const SERIES_MAX: usize = 400;
/// How many series one metric may bring before it is asked for as a sum.
const SERIES_EACH: usize = 60;
/// How many histograms are asked for: each is a query of its own.
const HISTOGRAMS_MAX: usize = 4;
/// How long one list of names in a query may be.
const NAMES_EACH: usize = 40;

/// Parts of names that tell most, the most telling first. Source: the golden signals and USE, in the words of the common exporters.
const TELLING: &[&str] = &[
    "error",
    "fail",
    "oom",
    "restart",
    "throttl",
    "dropped",
    "rejected",
    "timeout",
    "limit",
    "working_set",
    "memory",
    "request",
    "latency",
    "duration",
    "queue",
    "lag",
    "pending",
    "connections",
    "pool",
    "cpu",
    "disk",
    "filesystem",
    "volume",
    "inode",
    "fds",
    "replica",
    "ready",
    "up",
    "available",
    "retrans",
    "conntrack",
    "gc",
    "threads",
    "goroutines",
    "cache",
    "evict",
    "hit",
    "miss",
    "expir",
    "certificate",
];
/// Names that say nothing about how a subject is.
const IDLE: &[&str] =
    &["_info", "_created", "_labels", "_annotations", "_owner", "scrape_", "go_info", "_build_", "_metadata_", "promhttp_", "_tolerations"];

/// A metric and how many series of it are about the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub name: String,
    pub series: usize,
}

/// What will be asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub plain: Vec<String>,
    /// Too many series: only their sum.
    pub summed: Vec<String>,
    /// Without `_bucket`.
    pub histograms: Vec<String>,
    pub left_out: usize,
}

/// The label matchers that find the subject, each a whole selector's inside; the most specific first. Nothing is known: the nodes and the control plane.
pub fn selectors(subject: &Subject, labels: &BTreeMap<String, String>) -> Vec<String> {
    let mut out = Vec::new();
    let within = if subject.namespace.is_empty() { String::new() } else { format!("namespace={}", quoted(&subject.namespace)) };
    let and = |more: String| if within.is_empty() { more } else { format!("{within},{more}") };
    if let Some(pods) = alternatives(&subject.pods, "") {
        out.push(and(format!("pod=~{pods}")));
    }
    if let Some(nodes) = alternatives(&subject.nodes, "(:[0-9]+)?") {
        out.push(format!("instance=~{nodes}"));
        out.push(format!("node=~{nodes}"));
    }
    if let Some(services) = alternatives(&subject.services, "") {
        for label in ["service", "job", "app", "service_name", "deployment", "container"] {
            out.push(and(format!("{label}=~{services}")));
        }
        if let Some(pods) = alternatives(&subject.services, "-.+") {
            out.push(and(format!("pod=~{pods}")));
        }
    }
    for label in ["instance", "job", "persistentvolumeclaim", "queue", "topic", "mountpoint"] {
        if let Some(value) = labels.get(label).filter(|value| !value.is_empty()) {
            out.push(and(format!("{label}={}", quoted(value))));
        }
    }
    if out.is_empty() {
        out.push(if within.is_empty() {
            "__name__=~\"up|node_.+|apiserver_.+|etcd_.+|coredns_.+|kube_node_status_condition\"".to_owned()
        } else {
            within
        });
    }
    let mut seen = BTreeSet::new();
    out.retain(|selector| seen.insert(selector.clone()));
    out
}

/// How many series of which metric there are, in one question.
pub fn counting(selectors: &[String]) -> String {
    let any: Vec<String> = selectors.iter().map(|selector| format!("{{{selector}}}")).collect();
    format!("count by (__name__) ({})", any.join(" or "))
}

/// That question's answer.
pub fn counted(value: &Value) -> Vec<Counted> {
    let rows = value.pointer("/data/result").and_then(Value::as_array).into_iter().flatten();
    let read = |row: &Value| {
        let name = row.pointer("/metric/__name__")?.as_str()?.to_owned();
        let series = row.pointer("/value/1")?.as_str()?.parse().ok()?;
        Some(Counted { name, series })
    };
    rows.filter_map(read).collect()
}

/// The telling metrics within the budget.
pub fn plan(mut metrics: Vec<Counted>) -> Plan {
    metrics.retain(|metric| !IDLE.iter().any(|idle| metric.name.contains(idle)));
    let histograms: BTreeSet<String> = metrics.iter().filter_map(|metric| metric.name.strip_suffix("_bucket")).map(str::to_owned).collect();
    metrics.retain(|metric| {
        !["_bucket", "_count", "_sum"].iter().any(|end| metric.name.strip_suffix(end).is_some_and(|stem| histograms.contains(stem)))
    });
    let rank = |name: &str| TELLING.iter().position(|word| name.contains(word)).unwrap_or(TELLING.len());
    metrics.sort_by(|a, b| rank(&a.name).cmp(&rank(&b.name)).then_with(|| a.name.cmp(&b.name)));
    let mut histograms: Vec<String> = histograms.into_iter().collect();
    histograms.sort_by_key(|name| rank(name));
    let mut plan = Plan { left_out: histograms.len().saturating_sub(HISTOGRAMS_MAX), ..Plan::default() };
    histograms.truncate(HISTOGRAMS_MAX);
    plan.histograms = histograms;
    let mut left = SERIES_MAX;
    for metric in metrics {
        let many = metric.series > SERIES_EACH;
        let costs = if many { 1 } else { metric.series };
        if costs > left {
            plan.left_out += 1;
            continue;
        }
        left -= costs;
        if many { plan.summed.push(metric.name) } else { plan.plain.push(metric.name) }
    }
    plan
}

/// The range queries of a plan.
pub fn questions(plan: &Plan, selectors: &[String]) -> Vec<String> {
    let any = |names: &str| {
        selectors.iter().map(|selector| format!("{{__name__=~\"{names}\",{}}}", without_name(selector))).collect::<Vec<_>>().join(" or ")
    };
    let mut out = Vec::new();
    for names in plan.plain.chunks(NAMES_EACH) {
        out.push(any(&names.join("|")));
    }
    for names in plan.summed.chunks(NAMES_EACH) {
        out.push(format!("sum by (__name__) ({})", any(&names.join("|"))));
    }
    for name in &plan.histograms {
        let rates: Vec<String> =
            selectors.iter().map(|selector| format!("rate({name}_bucket{{{}}}[5m])", without_name(selector))).collect();
        out.push(format!(
            "label_replace(histogram_quantile(0.99, sum by (le, job, service, namespace) ({})), \"__name__\", \"{name}:p99\", \"\", \"\")",
            rates.join(" or ")
        ));
    }
    out
}

/// A selector that finds by name cannot be combined with names.
fn without_name(selector: &str) -> &str {
    if selector.starts_with("__name__") { "job!=\"\"" } else { selector }
}

/// `a` of `a > 5`: what the alert compares. An expression whose comparison is not at its outermost is left alone.
pub fn left_side(expression: &str) -> Option<String> {
    let (mut depth, mut quote, mut last) = (0_i32, None, None);
    let bytes = expression.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(open), b) if *b == open => quote = None,
            (Some(_), b'\\') => at += 1,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(*byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth -= 1,
            (None, b'>' | b'<') if depth == 0 => last = last.or(Some(at)),
            (None, b'=' | b'!') if depth == 0 && bytes.get(at + 1) == Some(&b'=') => last = last.or(Some(at)),
            _ => {}
        }
        at += 1;
    }
    let left = expression.get(..last?)?.trim();
    let joined = [" and ", " or ", " unless "].iter().any(|word| expression.contains(word));
    (!left.is_empty() && !joined && !left.starts_with("absent") && left.parse::<f64>().is_err()).then(|| left.to_owned())
}

/// Names as a regular expression, each taken literally.
fn alternatives(names: &[String], end: &str) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let any: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
    Some(quoted(&format!("({}){end}", any.join("|"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted_as(list: &[(&str, usize)]) -> Vec<Counted> {
        list.iter().map(|(name, series)| Counted { name: (*name).to_owned(), series: *series }).collect()
    }

    #[test]
    fn the_telling_ones_come_first_and_the_budget_holds() {
        let plan = plan(counted_as(&[
            ("kube_pod_info", 3),
            ("zzz_gauge", 300),
            ("http_request_duration_seconds_bucket", 900),
            ("http_request_duration_seconds_count", 90),
            ("http_requests_failed_total", 3),
            ("a_gauge", 60),
        ]));
        assert_eq!(plan.plain, ["http_requests_failed_total", "a_gauge"]);
        assert_eq!(plan.summed, ["zzz_gauge"]);
        assert_eq!(plan.histograms, ["http_request_duration_seconds"]);
    }

    #[test]
    fn names_cannot_break_out_of_a_selector() {
        let subject = Subject { namespace: "a\"} or up{x=\"".into(), services: vec!["x.y\"z".into()], ..Subject::default() };
        let all = selectors(&subject, &BTreeMap::new());
        assert!(all[0].starts_with(r#"namespace="a\"} or up{x=\"","#), "{all:?}");
        assert!(all[0].contains(r#"service=~"(x\\.y\"z)""#), "{all:?}");
    }

    #[test]
    fn an_expression_is_cut_at_its_own_comparison() {
        for (expression, left) in [
            ("rate(a{b=\">\"}[5m]) > 0.5", Some("rate(a{b=\">\"}[5m])")),
            ("a / b >= 0.9", Some("a / b")),
            ("up == 0", Some("up")),
            ("(a > 5) and b", None),
            ("a > 5 and b < 3", None),
            ("absent(up)", None),
            ("5 > x", None),
            ("", None),
        ] {
            assert_eq!(left_side(expression).as_deref(), left, "{expression}");
        }
    }
}
