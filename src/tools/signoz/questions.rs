//! A question in SigNoz' words, version 5.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Window, live::Subject, samples::ERROR_WORDS};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    Logs,
    Traces,
}

/// In which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    Rows { limit: usize, ascending: bool },
    Series { aggregation: String, group: String },
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub signal: Signal,
    pub filter: String,
    pub want: Want,
}

/// Attributes that name a service, a namespace and a pod.
const SERVICES: &[&str] = &["service.name", "k8s.deployment.name", "k8s.container.name", "k8s.statefulset.name"];
const NAMESPACES: &[&str] = &["k8s.namespace.name", "service.namespace"];
/// What a span needs to be placed in its trace.
const SPAN_FIELDS: &[&str] = &[
    "service.name",
    "name",
    "duration_nano",
    "has_error",
    "parent_span_id",
    "trace_id",
    "span_id",
    "status_message",
    "response_status_code",
    "http_method",
];

impl Signal {
    pub fn word(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
        }
    }
}

impl Question {
    /// For a person.
    pub fn text(&self) -> String {
        let what = match &self.want {
            Want::Rows { limit, .. } => format!("{} rows of {}", limit, self.signal.word()),
            Want::Series { aggregation, .. } => format!("{aggregation} of {}", self.signal.word()),
        };
        if self.filter.is_empty() { what } else { format!("{what} where {}", self.filter) }
    }

    pub fn body(&self, window: Window) -> Value {
        let mut spec = json!({"name": "A", "signal": self.signal.word(), "filter": {"expression": self.filter}, "disabled": false});
        let kind = match &self.want {
            Want::Rows { limit, ascending } => {
                set(&mut spec, "limit", json!(limit));
                set(&mut spec, "offset", json!(0));
                set(&mut spec, "order", json!([{"key": {"name": "timestamp"}, "direction": if *ascending { "asc" } else { "desc" }}]));
                if self.signal == Signal::Traces {
                    set(&mut spec, "selectFields", SPAN_FIELDS.iter().map(|name| json!({"name": name})).collect());
                }
                "raw"
            }
            Want::Series { aggregation, group } => {
                set(&mut spec, "aggregations", json!([{"expression": aggregation}]));
                set(&mut spec, "stepInterval", json!(window.step(60)));
                if !group.is_empty() {
                    set(&mut spec, "groupBy", json!([{"name": group}]));
                    set(&mut spec, "limit", json!(20));
                }
                "time_series"
            }
        };
        json!({"schemaVersion": "v1", "start": window.from.as_millisecond(), "end": window.until.as_millisecond(), "requestType": kind,
            "compositeQuery": {"queries": [{"type": "builder_query", "spec": spec}]}, "formatOptions": {"formatTableResultForUI": false, "fillGaps": false}, "variables": {}})
    }
}

/// The body that asks for one metric; `how` is over time and over series.
pub fn metric(name: &str, filter: &str, group: &str, how: (&str, &str), window: Window) -> Value {
    let mut spec = json!({"name": "A", "signal": "metrics", "filter": {"expression": filter}, "disabled": false, "stepInterval": window.step(120),
        "aggregations": [{"metricName": name, "timeAggregation": how.0, "spaceAggregation": how.1}]});
    if !group.is_empty() {
        set(&mut spec, "groupBy", json!([{"name": group}]));
        set(&mut spec, "limit", json!(50));
    }
    json!({"schemaVersion": "v1", "start": window.from.as_millisecond(), "end": window.until.as_millisecond(), "requestType": "time_series",
        "compositeQuery": {"queries": [{"type": "builder_query", "spec": spec}]}, "formatOptions": {"formatTableResultForUI": false, "fillGaps": false}, "variables": {}})
}

fn set(value: &mut Value, key: &str, inner: Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(key.to_owned(), inner);
    }
}

/// The filter that finds the subject, by attributes that exist; a key that no row has would be refused.
pub fn about(subject: &Subject, keys: &BTreeSet<String>) -> String {
    let exists = |names: &'static [&'static str]| {
        names.iter().copied().enumerate().filter(|(at, name)| keys.contains(*name) || keys.is_empty() && *at == 0).map(|(_, name)| name)
    };
    let mut out = String::new();
    if !subject.namespace.is_empty() {
        let any: Vec<String> =
            exists(NAMESPACES).filter(|_| !keys.is_empty()).map(|key| format!("{key} = {}", quoted(&subject.namespace))).collect();
        out = and(&out, &or(any));
    }
    let names: Vec<String> = subject.services.iter().map(|name| quoted(name)).collect();
    if !names.is_empty() {
        let any: Vec<String> = exists(SERVICES).map(|key| format!("{key} IN ({})", names.join(", "))).collect();
        out = and(&out, &or(any));
    }
    out
}

/// Lines that tell of trouble.
pub fn trouble() -> String {
    let words = ERROR_WORDS.iter().map(|word| word.replace(' ', ".?")).collect::<Vec<_>>().join("|");
    format!("(severity_text IN ('ERROR', 'FATAL', 'Error', 'error', 'fatal', 'CRITICAL') OR body REGEXP '(?i)({words})')")
}

pub fn and(a: &str, b: &str) -> String {
    [a, b].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" AND ")
}

fn or(any: Vec<String>) -> String {
    match any.len() {
        0 | 1 => any.concat(),
        _ => format!("({})", any.join(" OR ")),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The rows of a spans' answer as spans that every reader knows, one a line.
pub fn spans(bytes: &[u8]) -> Vec<u8> {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return bytes.to_vec() };
    let results = ["/data/data/results", "/data/results", "/data/result"].iter().find_map(|path| value.pointer(path)?.as_array());
    let rows =
        results.into_iter().flatten().flat_map(|result| ["rows", "list"].iter().filter_map(|key| result.get(*key)?.as_array()).flatten());
    let mut out = Vec::new();
    for row in rows {
        let data = row.get("data").unwrap_or(row);
        let get = |names: &[&str]| names.iter().find_map(|name| data.get(*name)).cloned().unwrap_or_default();
        let nanos = get(&["duration_nano", "durationNano"]);
        let nanos = nanos.as_f64().or_else(|| nanos.as_str()?.parse().ok()).unwrap_or(0.0);
        let failed = match get(&["has_error", "hasError"]) {
            Value::Bool(failed) => failed,
            Value::String(text) => text == "true",
            _ => false,
        };
        let span = json!({"trace_id": get(&["trace_id", "traceID"]), "span_id": get(&["span_id", "spanID"]), "parent_id": get(&["parent_span_id", "parentSpanID"]),
            "service": get(&["service.name", "serviceName"]), "name": get(&["name"]), "start": row.get("timestamp").or_else(|| data.get("timestamp")), "duration_ms": nanos / 1e6,
            "status": if failed { "error" } else { "ok" }, "status_message": get(&["status_message", "statusMessage"])});
        out.extend_from_slice(span.to_string().as_bytes());
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_asked_by_attributes_that_exist_and_cannot_break_out() {
        let subject = Subject { namespace: "shop".into(), services: vec!["it's".into()], ..Subject::default() };
        let keys: BTreeSet<String> = ["service.name", "k8s.namespace.name", "k8s.pod.name"].map(str::to_owned).into();
        assert_eq!(about(&subject, &keys), r"k8s.namespace.name = 'shop' AND service.name IN ('it\'s')");
        assert_eq!(about(&subject, &BTreeSet::new()), r"service.name IN ('it\'s')");
        assert_eq!(about(&Subject::default(), &keys), "");
    }

    #[test]
    fn rows_of_spans_become_spans() {
        let answer = json!({"status": "success", "data": {"type": "raw", "data": {"results": [{"queryName": "A", "rows": [{"timestamp": "2026-01-15T14:00:00Z",
            "data": {"trace_id": "t", "span_id": "s", "parent_span_id": "", "service.name": "checkout", "name": "GET /", "duration_nano": 1_500_000, "has_error": true}}]}]}}});
        let found = super::super::bundle::answer("x", &spans(answer.to_string().as_bytes()));
        assert_eq!(found.spans.len(), 1, "{found:?}");
        assert_eq!((found.spans[0].service.as_str(), found.spans[0].duration_ms), ("checkout", 1.5));
        assert!(spans(b"{").len() == 1 && spans(br#"{"data":{"data":{"results":[{"rows":null}]}}}"#).is_empty());
    }
}
