//! Our own line formats: logs, spans and changes as JSON lines, metrics and topology as CSV.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    super::logs::{self, LINE_LIMIT, cut, json, time},
    answers::number,
    facts::Facts,
    history,
};
use crate::model::{
    Entity,
    observation::{Document, Level, LogLine, LogStream, Observations, Series, TraceSpan},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Log,
    Span,
    Change,
    Profile,
    Metric,
}

/// What the keys of a row say that it is.
fn kind(row: &Value) -> Option<Kind> {
    let row = row.as_object()?;
    let has = |keys: &[&str]| keys.iter().any(|key| row.contains_key(*key));
    if row.contains_key("apiVersion") || row.contains_key("metadata") {
        return None;
    }
    if has(&["trace_id", "traceId", "traceID"])
        && has(&["span_id", "spanId", "spanID"])
        && has(&["duration_ms", "duration", "durationMs", "duration_us", "duration_ns", "end", "endTime", "end_time"])
        && has(&["name", "operationName", "operation"])
    {
        return Some(Kind::Span);
    }
    if history::is_change(row) {
        return Some(Kind::Change);
    }
    if has(&["millis"]) && has(&["ns"]) && has(&["op"]) {
        return Some(Kind::Profile);
    }
    let timed = has(&[
        "timestamp",
        "time",
        "@timestamp",
        "ts",
        "timeUnixNano",
        "Timestamp",
        "t",
        "@t",
        "_time",
        "TimeGenerated",
        "timegenerated",
        "date",
        "datetime",
    ]);
    if timed && has(METRICS) && row.get("value").is_some_and(|value| number(value).is_some()) {
        return Some(Kind::Metric);
    }
    let says = has(&[
        "body",
        "message",
        "msg",
        "log",
        "Body",
        "textPayload",
        "MESSAGE",
        "Message",
        "event",
        "@m",
        "@mt",
        "_msg",
        "_raw",
        "jsonPayload",
    ]);
    (timed && says).then_some(Kind::Log)
}

/// JSON lines whose first object is `first`.
pub fn lines(source: &str, first: &Value, text: &str) -> Option<Observations> {
    match kind(first)? {
        // the log reader knows more conventions, and line numbers
        Kind::Log => Some(Observations { logs: vec![logs::read(source, text)?], ..Observations::default() }),
        kind => {
            let mut out = Observations::default();
            let mut broken = 0;
            let mut rows = Vec::new();
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                match serde_json::from_str(line.trim()) {
                    Ok(row) => rows.push(row),
                    Err(_) => broken += 1,
                }
            }
            fill(&mut out, source, kind, rows);
            if broken > 0 {
                out.gaps.push(format!("{broken} lines of {source} are no JSON and were skipped"));
            }
            Some(out)
        }
    }
}

/// Rows that are parsed already: the elements of an array.
pub fn read(source: &str, rows: Vec<Value>) -> Option<Observations> {
    let kind = kind(rows.first()?)?;
    let mut out = Observations::default();
    fill(&mut out, source, kind, rows);
    Some(out)
}

fn fill(out: &mut Observations, source: &str, kind: Kind, rows: Vec<Value>) {
    match kind {
        Kind::Log => out.logs.push(stream(source, rows.into_iter())),
        Kind::Span => out.spans.extend(rows.iter().filter_map(|row| span(source, row))),
        Kind::Change => out.changes.extend(rows.iter().filter_map(|row| history::change(source, row))),
        Kind::Metric => out.metrics.extend(metrics(source, &rows)),
        Kind::Profile => out.documents.push(Document { source: source.to_owned(), kind: "profile".to_owned(), body: Value::Array(rows) }),
    }
}

/// Log objects as one stream, in time order where all have a time.
pub fn stream(source: &str, rows: impl Iterator<Item = Value>) -> LogStream {
    let mut lines: Vec<LogLine> = (1_u32..)
        .zip(rows)
        .map(|(number, row)| {
            let record = json::from_value(row);
            let text = logs::without_ansi(record.message.trim()).into_owned();
            LogLine {
                number,
                time: record.time,
                level: record.level.unwrap_or(Level::Info),
                level_stated: record.level.is_some(),
                service: record.service,
                text: cut(&text, LINE_LIMIT).to_owned(),
                fields: record.fields,
            }
        })
        .collect();
    if lines.iter().all(|line| line.time.is_some()) {
        lines.sort_by_key(|line| line.time);
    }
    LogStream { source: source.to_owned(), dialect: "text".to_owned(), lines, ..LogStream::default() }
}

fn string(row: &Map<String, Value>, keys: &[&str]) -> String {
    let found = keys.iter().find_map(|key| match row.get(*key) {
        Some(Value::String(s)) => Some(s.clone()),
        Some(Value::Number(n)) => Some(n.to_string()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn instant(row: &Map<String, Value>, keys: &[&str]) -> Option<Timestamp> {
    keys.iter().find_map(|key| row.get(*key).and_then(time::field))
}

fn span(source: &str, row: &Value) -> Option<TraceSpan> {
    let row = row.as_object()?;
    let start = instant(row, &["start", "start_time", "startTime", "startTimeUnixNano", "timestamp", "time"])?;
    let duration =
        |key: &str, unit: f64| row.get(key).and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok())).map(|n| n * unit);
    let duration_ms = duration("duration_ms", 1.0)
        .or_else(|| duration("durationMs", 1.0))
        .or_else(|| duration("duration_us", 1e-3))
        .or_else(|| duration("duration_ns", 1e-6))
        .or_else(|| duration("duration", 1.0))
        .or_else(|| Some(instant(row, &["end", "end_time", "endTime", "endTimeUnixNano"])?.duration_since(start).as_secs_f64() * 1e3))?;
    let status = match row.get("status") {
        Some(Value::Object(inner)) => string(inner, &["code", "message"]),
        _ => string(row, &["status", "status_code", "statusCode"]),
    };
    let service = match row.get("resource").and_then(|resource| resource.get("service.name")).and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None => string(row, &["service", "service_name", "serviceName", "service.name"]),
    };
    let inner = |key: &str| row.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let own = ["attributes", "tags"].iter().flat_map(|key| inner(key)).collect();
    let mut facts = Facts::new(&own, &inner("resource"));
    for key in ["kind", "span_kind", "spanKind", "span.kind"] {
        facts.kind_of(row.get(key).unwrap_or(&Value::Null));
    }
    for key in ["error", "error_message", "status_message", "statusMessage", "exception"] {
        facts.failure(row.get(key).and_then(Value::as_str).unwrap_or(""));
    }
    let pod = string(row, &["pod", "pod_name", "podName", "PodName", "instance", "host"]);
    Some(TraceSpan {
        source: source.to_owned(),
        trace_id: string(row, &["trace_id", "traceId", "traceID"]),
        span_id: string(row, &["span_id", "spanId", "spanID"]),
        parent_id: string(row, &["parent_id", "parent_span_id", "parentSpanId", "parentId", "parentSpanID"]),
        service,
        name: string(row, &["name", "operationName", "operation"]),
        kind: facts.kind,
        instance: if pod.is_empty() { facts.instance } else { pod },
        start,
        duration_ms,
        status,
        error: facts.error,
        attributes: facts.attributes,
    })
}

/// What a point's metric is called by.
pub const METRICS: &[&str] = &["metric", "metric_name", "kpi_name", "name", "__name__"];
/// Whose point it is.
pub const SERVICES: &[&str] = &["service", "entity", "cmdb_id", "node", "host", "pod"];

/// Service, metric and further labels.
type SeriesKey = (String, String, BTreeMap<String, String>);

/// Collects points by service, metric and labels.
#[derive(Default)]
pub struct Collected(BTreeMap<SeriesKey, Vec<(Timestamp, f64)>>);

impl Collected {
    pub fn add(&mut self, service: &str, metric: &str, labels: BTreeMap<String, String>, point: (Timestamp, f64)) {
        self.0.entry((service.to_owned(), metric.to_owned(), labels)).or_default().push(point);
    }

    /// The series, each in time order.
    pub fn finish(self, source: &str) -> Vec<Series> {
        let one = |((service, metric, labels), mut points): (SeriesKey, Vec<(Timestamp, f64)>)| {
            points.sort_by_key(|point| point.0);
            let entity = if service.is_empty() { Entity::default() } else { Entity::new("Service", "", &service) };
            Series { source: source.to_owned(), entity, metric, labels, points }
        };
        self.0.into_iter().map(one).collect()
    }
}

/// One point a row.
fn metrics(source: &str, rows: &[Value]) -> Vec<Series> {
    let mut out = Collected::default();
    for row in rows.iter().filter_map(Value::as_object) {
        let point = instant(row, &["timestamp", "time", "ts", "@timestamp", "date", "t"]).zip(row.get("value").and_then(number));
        let Some(point) = point else { continue };
        let known = |key: &str| {
            METRICS.contains(&key) || SERVICES.contains(&key) || ["value", "timestamp", "time", "ts", "date", "t"].contains(&key)
        };
        let labels = row.iter().filter(|(key, _)| !known(key)).filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        let inner = ["labels", "tags", "dimensions"].iter().find_map(|key| row.get(*key)?.as_object()).into_iter().flatten();
        let inner = inner.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        out.add(&string(row, SERVICES), &string(row, METRICS), labels.chain(inner).collect(), point);
    }
    out.finish(source)
}
