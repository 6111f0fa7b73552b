//! Answers of query backends: Prometheus, Loki, Elasticsearch, SigNoz.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    super::logs::{self, time},
    rows, series,
};
use crate::model::{
    Entity,
    observation::{Level, LogStream, Observations, Series},
};

pub fn read(source: &str, value: &Value) -> Option<Observations> {
    let metrics = series::aggregations(source, value);
    if let Some(hits) = value.pointer("/hits/hits").and_then(Value::as_array).filter(|hits| !hits.is_empty() || !metrics.is_empty()) {
        let documents = hits.iter().map(|hit| hit.get("_source").or_else(|| hit.get("fields")).unwrap_or(hit).clone());
        return Some(Observations { metrics, ..logs_of(rows::stream(source, documents)) });
    }
    if !metrics.is_empty() {
        return Some(Observations { metrics, ..Observations::default() });
    }
    if is_export(value) {
        return Some(Observations { metrics: exported(source, value).into_iter().collect(), ..Observations::default() });
    }
    if let Some(refusal) = refusal(source, value) {
        return Some(refusal);
    }
    let data = value.get("data")?;
    let result = data.get("result").and_then(Value::as_array);
    match (data.get("resultType").and_then(Value::as_str), result) {
        (Some("streams"), Some(streams)) => {
            Some(Observations { logs: streams.iter().map(|stream| loki(source, stream)).collect(), ..Observations::default() })
        }
        (Some("matrix" | "vector"), Some(series)) => {
            Some(Observations { metrics: series.iter().map(|one| prometheus(source, one)).collect(), ..Observations::default() })
        }
        (Some("scalar"), Some(point)) => {
            Some(Observations { metrics: vec![prometheus(source, &serde_json::json!({ "value": point }))], ..Observations::default() })
        }
        (Some("string"), _) => Some(Observations::default()),
        (None, None) if data.get("activeTargets").is_some_and(Value::is_array) => Some(targets(source, data)),
        (_, Some(results)) => signoz(source, results),
        _ => signoz(source, value.pointer("/data/data/results").or_else(|| value.pointer("/data/results"))?.as_array()?),
    }
}

/// VictoriaMetrics' export: one series a line, with its times apart.
pub fn is_export(value: &Value) -> bool {
    value.get("metric").is_some_and(Value::is_object)
        && ["values", "timestamps"].iter().all(|key| value.get(*key).is_some_and(Value::is_array))
}

/// One line of such an export.
pub fn exported(source: &str, value: &Value) -> Option<Series> {
    let pairs: Vec<Value> = value
        .get("timestamps")?
        .as_array()?
        .iter()
        .zip(value.get("values")?.as_array()?)
        .map(|(stamp, number)| serde_json::json!([stamp, number]))
        .collect();
    Some(prometheus(source, &serde_json::json!({"metric": value.get("metric")?, "values": pairs})))
}

/// What Prometheus could not scrape, as a log: the reason is the network's or the server's own word.
fn targets(source: &str, data: &Value) -> Observations {
    let down = data.get("activeTargets").and_then(Value::as_array).into_iter().flatten();
    let down = down.filter(|target| target.get("health").and_then(Value::as_str) == Some("down"));
    let row = |target: &Value| {
        let text = |key: &str| target.get(key).and_then(Value::as_str).unwrap_or("");
        let service = target.pointer("/labels/job").and_then(Value::as_str).unwrap_or("");
        serde_json::json!({"time": text("lastScrape"), "level": "error", "service": service, "message": format!("scrape of {} failed: {}", text("scrapeUrl"), text("lastError"))})
    };
    logs_of(rows::stream(source, down.map(row)))
}

/// An API's error answer (`{"message": "…", "status": "403"}`), which somebody kept because it is the failure.
fn refusal(source: &str, value: &Value) -> Option<Observations> {
    let map = value.as_object()?;
    let has = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
    let says = ["message", "error", "detail", "error_description"].iter().any(|key| map.get(*key).is_some_and(Value::is_string));
    let coded = has(&["status", "code", "statusCode", "status_code", "documentation_url", "error", "errors"]);
    if !says || !coded || map.len() > 8 || has(&["apiVersion", "kind", "metadata", "alerts", "data", "id", "name", "labels", "title"]) {
        return None;
    }
    let mut stream = rows::stream(source, std::iter::once(value.clone()));
    stream.lines.iter_mut().for_each(|line| line.level = line.level.max(Level::Error));
    Some(logs_of(stream))
}

fn logs_of(stream: LogStream) -> Observations {
    Observations { logs: if stream.lines.is_empty() { Vec::new() } else { vec![stream] }, ..Observations::default() }
}

/// Labels as text.
pub fn labels(holder: Option<&Value>) -> BTreeMap<String, String> {
    let map = holder.and_then(Value::as_object);
    let pairs = map.into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect()
}

/// The object that a set of labels is about, the most specific first.
pub fn entity(labels: &BTreeMap<String, String>) -> Entity {
    const KINDS: &[(&str, &str)] = &[
        ("pod", "Pod"),
        ("pod_name", "Pod"),
        ("deployment", "Deployment"),
        ("statefulset", "StatefulSet"),
        ("daemonset", "DaemonSet"),
        ("job_name", "Job"),
        ("persistentvolumeclaim", "PersistentVolumeClaim"),
        ("service_name", "Service"),
        ("service", "Service"),
        ("app", "Service"),
        ("node", "Node"),
        ("instance", "Host"),
        ("namespace", "Namespace"),
        ("job", "Service"),
    ];
    let namespace = labels.get("namespace").or_else(|| labels.get("exported_namespace")).map_or("", String::as_str);
    let found = KINDS.iter().find_map(|(label, kind)| Some((*kind, labels.get(*label)?)));
    found
        .map(|(kind, name)| Entity::new(kind, if matches!(kind, "Namespace" | "Node" | "Host") { "" } else { namespace }, name))
        .unwrap_or_default()
}

/// A number, or text that is one.
pub fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|n: &f64| n.is_finite())
}

fn prometheus(source: &str, one: &Value) -> Series {
    let mut labels = labels(one.get("metric"));
    let metric = labels.remove("__name__").unwrap_or_default();
    let pairs = one.get("values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let histograms = one.get("histograms").and_then(Value::as_array).into_iter().flatten();
    let points = pairs.iter().chain(one.get("value")).chain(histograms);
    // a native histogram counts its observations
    let value = |sample: &Value| number(sample).or_else(|| number(sample.get("count")?));
    let points = points.filter_map(|pair| Some((time::field(pair.get(0)?)?, value(pair.get(1)?)?)));
    Series { source: source.to_owned(), entity: entity(&labels), metric, points: points.collect(), labels }
}

fn loki(source: &str, one: &Value) -> LogStream {
    let labels = labels(one.get("stream"));
    let mut lines: Vec<(Option<Timestamp>, &str)> = Vec::new();
    for pair in one.get("values").and_then(Value::as_array).into_iter().flatten() {
        if let Some(text) = pair.get(1).and_then(Value::as_str) {
            lines.push((pair.get(0).and_then(time::field), text));
        }
    }
    // Loki answers newest first
    lines.sort_by_key(|line| line.0);
    let mut out = LogStream {
        source: source.to_owned(),
        entity: entity(&labels),
        container: labels.get("container").cloned().unwrap_or_default(),
        dialect: "text".to_owned(),
        ..LogStream::default()
    };
    for (number, (stamp, text)) in (1_u32..).zip(lines) {
        if let Some(mut line) = logs::read(source, text).and_then(|stream| stream.lines.into_iter().next()) {
            line.number = number;
            line.time = stamp.or(line.time);
            out.lines.push(line);
        }
    }
    out
}

/// `list` or `rows` of `{timestamp, data}` are logs, `series` of `{labels, values}` metrics.
fn signoz(source: &str, results: &[Value]) -> Option<Observations> {
    let mut out = Observations::default();
    let mut logs: Vec<Value> = Vec::new();
    for result in results {
        for row in ["list", "rows"].iter().filter_map(|key| result.get(*key)?.as_array()).flatten() {
            logs.push(signoz_row(row));
        }
        let aggregations = result.get("aggregations").and_then(Value::as_array).into_iter().flatten();
        for holder in std::iter::once(result).chain(aggregations) {
            for series in holder.get("series").and_then(Value::as_array).into_iter().flatten() {
                out.metrics.push(signoz_series(source, result, series));
            }
        }
    }
    if !logs.is_empty() {
        out.logs.push(rows::stream(source, logs.into_iter()));
    }
    (out != Observations::default()).then_some(out)
}

fn signoz_row(row: &Value) -> Value {
    let mut map: Map<String, Value> = row.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(stamp) = row.get("timestamp") {
        map.insert("timestamp".to_owned(), stamp.clone());
    }
    Value::Object(map)
}

fn signoz_series(source: &str, result: &Value, series: &Value) -> Series {
    // v3 and v4: an object; v5: a list of {key: {name}, value}
    let labels = match series.get("labels") {
        Some(Value::Array(pairs)) => pairs
            .iter()
            .filter_map(|pair| {
                Some((
                    pair.pointer("/key/name")?.as_str()?.to_owned(),
                    pair.get("value").map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))?,
                ))
            })
            .collect(),
        other => labels(other),
    };
    let points = series.get("values").and_then(Value::as_array).into_iter().flatten();
    let mut points: Vec<(Timestamp, f64)> =
        points.filter_map(|point: &Value| Some((time::field(point.get("timestamp")?)?, number(point.get("value")?)?))).collect();
    points.sort_by_key(|point| point.0);
    let metric = ["queryName", "metric"].iter().find_map(|key| result.get(*key).and_then(Value::as_str)).unwrap_or("").to_owned();
    Series { source: source.to_owned(), entity: entity(&labels), metric, labels, points }
}
