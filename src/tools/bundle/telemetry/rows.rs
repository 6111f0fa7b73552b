//! Our own line formats: logs, spans and changes as JSON lines, metrics and topology as CSV.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    super::logs::{self, LINE_LIMIT, cut, json, time},
    facts::Facts,
};
use crate::model::{
    Entity,
    observation::{Change, Document, Edge, Level, LogLine, LogStream, Observations, Series, TraceSpan},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Log,
    Span,
    Change,
    Profile,
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
        && has(&["duration_ms", "duration", "durationMs", "duration_us", "end", "endTime", "end_time"])
        && has(&["name", "operationName", "operation"])
    {
        return Some(Kind::Span);
    }
    if has(&["time", "timestamp"]) && row.get("kind").is_some_and(Value::is_string) && has(&["summary", "files", "diff", "id"]) {
        return Some(Kind::Change);
    }
    if has(&["millis"]) && has(&["ns"]) && has(&["op"]) {
        return Some(Kind::Profile);
    }
    let timed = has(&["timestamp", "time", "@timestamp", "ts", "timeUnixNano", "Timestamp", "t", "@t"]);
    let says = has(&["body", "message", "msg", "log", "Body", "textPayload", "MESSAGE", "event", "@m", "@mt"]);
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
        Kind::Change => out.changes.extend(rows.iter().filter_map(|row| change(source, row))),
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

fn change(source: &str, row: &Value) -> Option<Change> {
    let row = row.as_object()?;
    let files = match row.get("files") {
        Some(Value::Array(files)) => files.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(files)) => files.split([',', ' ']).filter(|file| !file.is_empty()).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let service = string(row, &["service", "service_name", "app"]);
    let entity = if service.is_empty() { Entity::default() } else { Entity::new("Service", "", &service) };
    Some(Change {
        source: source.to_owned(),
        id: string(row, &["id", "sha", "commit", "revision", "version"]),
        kind: string(row, &["kind", "type"]),
        service,
        entity,
        time: instant(row, &["time", "timestamp", "date"]),
        author: string(row, &["author", "user", "by"]),
        summary: string(row, &["summary", "message", "title", "description"]),
        files,
        diff: string(row, &["diff", "patch"]),
    })
}

/// Service, metric and further labels.
type SeriesKey = (String, String, BTreeMap<String, String>);

/// CSV with a header that we know.
pub fn table(source: &str, text: &str) -> Option<Observations> {
    let mut lines = text.lines();
    let header: Vec<String> = fields(lines.next()?).iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    let column = |names: &[&str]| header.iter().position(|name| names.contains(&name.as_str()));
    let mut out = Observations::default();
    if let (Some(caller), Some(callee)) =
        (column(&["source", "caller", "from", "parent"]), column(&["target", "callee", "to", "destination", "child"]))
        && header.len() <= 5
    {
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let row = fields(line);
            if let (Some(caller), Some(callee)) = (row.get(caller), row.get(callee)) {
                out.edges.push(Edge { caller: caller.trim().to_owned(), callee: callee.trim().to_owned() });
            }
        }
        return Some(out);
    }
    let stamp = column(&["timestamp", "time", "ts", "date"])?;
    let (metric, value) = (column(&["metric", "metric_name", "name", "kpi_name"])?, column(&["value"])?);
    let service = column(&["service", "entity", "cmdb_id", "node", "host", "pod"]);
    let mut series: BTreeMap<SeriesKey, Vec<(Timestamp, f64)>> = BTreeMap::new();
    let mut broken = 0;
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let row = fields(line);
        let get = |at: usize| row.get(at).map_or("", |cell| cell.trim());
        let parsed = instant_of(get(stamp)).zip(get(value).parse::<f64>().ok());
        let Some(point) = parsed else {
            // an empty value is a gap of the metric, no fault of the file
            broken += usize::from(!get(value).is_empty());
            continue;
        };
        let known = |at: usize| at == stamp || at == metric || at == value || Some(at) == service;
        let labels = header
            .iter()
            .enumerate()
            .filter(|(at, name)| !known(*at) && !name.is_empty() && !get(*at).is_empty())
            .map(|(at, name)| (name.clone(), get(at).to_owned()))
            .collect();
        series.entry((service.map_or_else(String::new, |at| get(at).to_owned()), get(metric).to_owned(), labels)).or_default().push(point);
    }
    if broken > 0 {
        out.gaps.push(format!("{broken} rows of {source} have no readable time or value"));
    }
    for ((service, metric, labels), mut points) in series {
        points.sort_by_key(|point| point.0);
        let entity = if service.is_empty() { Entity::default() } else { Entity::new("Service", "", &service) };
        out.metrics.push(Series { source: source.to_owned(), entity, metric, labels, points });
    }
    Some(out)
}

fn instant_of(cell: &str) -> Option<Timestamp> {
    cell.parse().ok().or_else(|| time::field(&Value::from(cell)))
}

/// The cells of one CSV row; quotes may hold commas.
fn fields(line: &str) -> Vec<String> {
    if !line.contains('"') {
        return line.trim_end_matches('\r').split(',').map(str::to_owned).collect();
    }
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            _ => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}
