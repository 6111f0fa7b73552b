//! The rows of the fake SigNoz: logs, spans and metric points under the names that filters use, and what is computed over them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    common::{Log, Pairs, rfc3339},
    infix::{Cond, Expr, plain},
    span::Span,
};

#[derive(Debug, Clone)]
pub struct Row {
    pub ns: i64,
    /// Every field by its plain name.
    pub flat: Map<String, Value>,
    /// The row as `raw` shows it.
    pub data: Value,
}

#[derive(Debug, Clone)]
pub struct Point {
    pub ns: i64,
    pub name: String,
    pub value: f64,
    pub labels: Pairs,
}

pub const LOG_KEYS: &[&str] =
    &["body", "severity_text", "severity_number", "timestamp", "trace_id", "span_id", "trace_flags", "scope_name", "scope_version", "id"];
pub const SPAN_KEYS: &[&str] = &[
    "name",
    "duration_nano",
    "has_error",
    "status_code",
    "status_code_string",
    "status_message",
    "kind_string",
    "trace_id",
    "span_id",
    "parent_span_id",
    "timestamp",
    "response_status_code",
    "http_method",
    "db_name",
    "durationNano",
    "hasError",
    "traceID",
    "spanID",
    "statusCode",
];

fn labels(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
}

pub fn log_row(index: usize, log: &Log) -> Row {
    let number = match log.severity.to_uppercase().as_str() {
        "TRACE" => 1,
        "DEBUG" => 5,
        "INFO" => 9,
        "WARN" | "WARNING" => 13,
        "ERROR" => 17,
        "FATAL" => 21,
        _ => 0,
    };
    let resource =
        |key: &str| key.starts_with("k8s.") || key.starts_with("deployment.") || key.starts_with("host.") || key.starts_with("service.");
    let own = |key: &str| key == "trace_id" || key == "span_id";
    let (mut resources, mut attributes) = (Map::from_iter([("service.name".to_owned(), json!(log.service))]), Map::new());
    for (key, value) in labels(&log.labels).into_iter().filter(|(key, _)| !own(key)) {
        if resource(&key) {
            resources.insert(key, value)
        } else {
            attributes.insert(key, value)
        };
    }
    let data = json!({"attributes_bool": {}, "attributes_number": {}, "attributes_string": attributes, "body": log.body, "id": format!("2nFake{index:021}"),
        "resources_string": resources, "scope_name": "", "scope_string": {}, "scope_version": "", "severity_number": number, "severity_text": log.severity,
        "span_id": log.label("span_id").unwrap_or_default(), "timestamp": log.ns, "trace_flags": 0, "trace_id": log.label("trace_id").unwrap_or_default()});
    let mut flat = data.as_object().cloned().unwrap_or_default();
    flat.retain(|_, value| !value.is_object());
    flat.extend(resources);
    flat.extend(attributes);
    Row { ns: log.ns, flat, data }
}

pub fn span_row(span: &Span) -> Row {
    let failed = span.error.is_some();
    let (code, word) = if failed { (2, "Error") } else { (0, "Unset") };
    let mut flat = Map::from_iter(
        [
            ("trace_id", json!(span.trace_id)),
            ("span_id", json!(span.span_id)),
            ("traceID", json!(span.trace_id)),
            ("spanID", json!(span.span_id)),
            ("parent_span_id", json!(span.parent)),
            ("name", json!(span.name)),
            ("service.name", json!(span.service)),
            ("duration_nano", json!(span.duration_ns)),
            ("durationNano", json!(span.duration_ns)),
            ("has_error", json!(failed)),
            ("hasError", json!(failed)),
            ("status_code", json!(code)),
            ("status_code_string", json!(word)),
            ("status_message", json!(span.error.clone().unwrap_or_default())),
            ("kind_string", json!("Server")),
            ("timestamp", json!(span.ns)),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    flat.extend(labels(&span.attrs));
    let mut data = flat.clone();
    data.shift_remove("durationNano");
    data.shift_remove("hasError");
    data.insert("timestamp".to_owned(), json!(rfc3339(span.ns)));
    Row { ns: span.ns, flat, data: Value::Object(data) }
}

pub fn point_row(point: &Point) -> Row {
    let mut flat = labels(&point.labels);
    flat.insert("__value".to_owned(), json!(point.value));
    Row { ns: point.ns, data: Value::Null, flat }
}

/// A key without the context that may stand before it.
pub fn bare(key: &str) -> &str {
    let contexts = ["resource.", "attribute.", "log.", "span.", "scope.", "body.", "metric."];
    contexts.iter().find_map(|context| key.strip_prefix(context)).unwrap_or(key)
}

impl Row {
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.flat.get(key).or_else(|| self.flat.get(bare(key))).filter(|value| value.as_str() != Some(""))
    }

    pub fn fits(&self, expr: &Expr) -> bool {
        expr.eval(&|cond: &Cond| cond.fits(self.get(if cond.key.is_empty() { "body" } else { &cond.key })))
    }

    pub fn text(&self, key: &str) -> String {
        self.get(key).map(plain).unwrap_or_default()
    }
}

/// `count()`, `avg(x)`, `p99(x)`, `sum(x)`, `rate()` and their like.
#[derive(Debug, Clone)]
pub struct Aggregation {
    pub name: String,
    pub field: String,
}

const PLAIN: &[&str] = &["count", "rate"];
const OF_FIELD: &[&str] = &["avg", "sum", "min", "max", "p50", "p75", "p90", "p95", "p99", "count_distinct"];

impl Aggregation {
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("invalid aggregation expression `{text}`");
        let (name, rest) = text.trim().split_once('(').ok_or_else(bad)?;
        let field = rest.trim().strip_suffix(')').ok_or_else(bad)?.trim();
        let name = name.trim().to_lowercase();
        if PLAIN.contains(&name.as_str()) || OF_FIELD.contains(&name.as_str()) && !field.is_empty() {
            return Ok(Self { name, field: field.to_owned() });
        }
        Err(if OF_FIELD.contains(&name.as_str()) {
            format!("function {name}() expects exactly one argument")
        } else {
            format!("unrecognized function: {name}")
        })
    }

    pub fn of(&self, rows: &[&Row], seconds: f64) -> f64 {
        let numbers = || {
            rows.iter()
                .filter_map(|row| row.get(&self.field))
                .filter_map(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()))
                .collect::<Vec<f64>>()
        };
        match self.name.as_str() {
            "count" if self.field.is_empty() => rows.len() as f64,
            "count" => rows.iter().filter(|row| row.get(&self.field).is_some()).count() as f64,
            "rate" => rows.len() as f64 / seconds.max(1.0),
            "count_distinct" => rows.iter().map(|row| row.text(&self.field)).collect::<std::collections::BTreeSet<_>>().len() as f64,
            name => fold(name, &numbers()),
        }
    }
}

/// `avg`, `sum`, `min`, `max`, `latest` or a percentile of these numbers; 0 of none.
pub fn fold(name: &str, numbers: &[f64]) -> f64 {
    let sum: f64 = numbers.iter().sum();
    match name {
        _ if numbers.is_empty() => 0.0,
        "sum" => sum,
        "min" => numbers.iter().copied().fold(f64::MAX, f64::min),
        "max" => numbers.iter().copied().fold(f64::MIN, f64::max),
        "count" => numbers.len() as f64,
        "latest" => numbers.last().copied().unwrap_or_default(),
        name => match name.strip_prefix('p').and_then(|text| text.parse::<f64>().ok()) {
            Some(percent) => {
                let mut sorted = numbers.to_vec();
                sorted.sort_by(f64::total_cmp);
                let rank = ((percent / 100.0) * (sorted.len() - 1) as f64).round() as usize;
                sorted.get(rank).copied().unwrap_or_default()
            }
            None => sum / numbers.len() as f64,
        },
    }
}

pub type Groups<'a> = BTreeMap<Vec<String>, Vec<&'a Row>>;

pub fn group<'a>(rows: &[&'a Row], keys: &[String]) -> Groups<'a> {
    let mut groups = Groups::new();
    for row in rows {
        groups.entry(keys.iter().map(|key| row.text(key)).collect()).or_default().push(row);
    }
    groups
}

/// The rows of each step, by the start of the step in milliseconds.
pub fn buckets<'a>(rows: &[&'a Row], step_s: i64) -> BTreeMap<i64, Vec<&'a Row>> {
    let step = step_s.max(1) * 1000;
    let mut all: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        all.entry((row.ns / 1_000_000).div_euclid(step) * step).or_default().push(row);
    }
    all
}

/// What a metric query asks for: over time in each series, then over the series.
#[derive(Debug, Clone)]
pub struct Fold {
    pub time: String,
    pub space: String,
}

impl Fold {
    pub fn of(&self, rows: &[&Row], seconds: f64) -> f64 {
        let mut series: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for row in rows {
            let mut labels = row.flat.clone();
            let value = labels.shift_remove("__value").and_then(|value| value.as_f64()).unwrap_or_default();
            series.entry(Value::Object(labels).to_string()).or_default().push(value);
        }
        let over_time = |numbers: &Vec<f64>| match self.time.as_str() {
            "rate" | "increase" => {
                let grown = numbers
                    .windows(2)
                    .filter_map(|two| two.first().zip(two.get(1)))
                    .map(|(from, to)| if to >= from { to - from } else { *to })
                    .sum::<f64>();
                if self.time == "rate" { grown / seconds.max(1.0) } else { grown }
            }
            name => fold(name, numbers),
        };
        fold(&self.space, &series.values().map(over_time).collect::<Vec<_>>())
    }
}
