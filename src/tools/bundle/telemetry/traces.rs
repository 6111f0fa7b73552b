//! OpenTelemetry's JSON (traces, logs, metrics) and Jaeger's.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{super::logs::time, facts::Facts, rows};
use crate::model::{
    Entity,
    observation::{Observations, Series, TraceSpan},
};

/// An OTLP export, as collectors write one per line.
pub fn is_batch(value: &Value) -> bool {
    ["resourceSpans", "resourceLogs", "resourceMetrics"].iter().any(|key| value.get(*key).is_some_and(Value::is_array))
}

pub fn read(source: &str, value: &Value) -> Option<Observations> {
    if is_batch(value) {
        let mut out = Observations::default();
        for resource in array(value, "resourceSpans") {
            let service = service(resource);
            let around = resource.get("resource").map(attributes).unwrap_or_default();
            for span in scopes(resource, &["scopeSpans", "instrumentationLibrarySpans"], "spans") {
                out.spans.extend(otlp_span(source, &service, &around, span));
            }
        }
        let mut logs = Vec::new();
        for resource in array(value, "resourceLogs") {
            let service = service(resource);
            for record in scopes(resource, &["scopeLogs", "instrumentationLibraryLogs"], "logRecords") {
                logs.push(otlp_log(&service, record));
            }
        }
        if !logs.is_empty() {
            out.logs.push(rows::stream(source, logs.into_iter()));
        }
        for resource in array(value, "resourceMetrics") {
            let service = service(resource);
            for metric in scopes(resource, &["scopeMetrics"], "metrics") {
                out.metrics.extend(otlp_metric(source, &service, metric));
            }
        }
        return Some(out);
    }
    // Tempo answers with OTLP's parts under names of its own.
    if let Some(parts) = value.get("batches").or_else(|| value.pointer("/trace/resourceSpans")).or_else(|| value.pointer("/trace/batches"))
    {
        return read(source, &serde_json::json!({ "resourceSpans": parts }));
    }
    if let Some(spans) = zipkin(source, value) {
        return Some(Observations { spans, ..Observations::default() });
    }
    // One Jaeger trace by itself, as its page downloads it.
    if value.get("traceID").is_some() && value.get("spans").is_some_and(Value::is_array) {
        let spans = array(value, "spans").iter().filter_map(|span| jaeger_span(source, value, span)).collect();
        return Some(Observations { spans, ..Observations::default() });
    }
    let traces = value.get("data")?.as_array()?;
    if !traces.first()?.get("spans").is_some_and(Value::is_array) {
        return None;
    }
    let spans = traces.iter().flat_map(|trace| array(trace, "spans").iter().filter_map(move |span| jaeger_span(source, trace, span)));
    Some(Observations { spans: spans.collect(), ..Observations::default() })
}

/// Zipkin's second format: an array of spans, or of traces, with microseconds.
fn zipkin(source: &str, value: &Value) -> Option<Vec<TraceSpan>> {
    let items = value.as_array()?;
    if let Some(traces) = items.first()?.as_array() {
        traces.first()?.get("localEndpoint")?;
        return Some(items.iter().filter_map(|trace| zipkin(source, trace)).flatten().collect());
    }
    items.first()?.get("localEndpoint")?;
    let one = |span: &Value| {
        let micros = |key: &str| span.get(key).and_then(Value::as_i64);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of one span fit")]
        let duration_ms = micros("duration").unwrap_or(0) as f64 / 1e3;
        let failed = span.pointer("/tags/error").is_some();
        Some(TraceSpan {
            source: source.to_owned(),
            trace_id: text(span, "traceId"),
            span_id: text(span, "id"),
            parent_id: text(span, "parentId"),
            service: span.pointer("/localEndpoint/serviceName").and_then(Value::as_str).unwrap_or("").to_owned(),
            name: text(span, "name"),
            start: jiff::Timestamp::from_microsecond(micros("timestamp")?).ok()?,
            duration_ms,
            status: if failed { "ERROR" } else { "" }.to_owned(),
            ..TraceSpan::default()
        })
    };
    Some(items.iter().filter_map(one).collect())
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn scopes<'a>(resource: &'a Value, holders: &[&str], items: &'a str) -> Vec<&'a Value> {
    holders.iter().flat_map(|holder| array(resource, holder)).flat_map(|scope| array(scope, items)).collect()
}

/// `[{key, value: {stringValue}}]` as plain pairs.
fn attributes(holder: &Value) -> Map<String, Value> {
    let one = |pair: &Value| {
        let value = pair.get("value")?;
        let plain = ["stringValue", "intValue", "doubleValue", "boolValue"].iter().find_map(|key| value.get(*key)).unwrap_or(value);
        Some((pair.get("key")?.as_str()?.to_owned(), plain.clone()))
    };
    array(holder, "attributes").iter().filter_map(one).collect()
}

fn service(resource: &Value) -> String {
    let found = resource.get("resource").map(attributes).unwrap_or_default();
    ["service.name", "k8s.deployment.name", "k8s.pod.name", "host.name"]
        .iter()
        .find_map(|key| found.get(*key).and_then(Value::as_str))
        .unwrap_or("")
        .to_owned()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or("").to_owned()
}

fn otlp_span(source: &str, service: &str, around: &Map<String, Value>, span: &Value) -> Option<TraceSpan> {
    let start = time::field(span.get("startTimeUnixNano")?)?;
    let end = time::field(span.get("endTimeUnixNano")?)?;
    let status = match span.pointer("/status/code") {
        Some(Value::Number(code)) => if code.as_u64() == Some(2) { "ERROR" } else { "OK" }.to_owned(),
        Some(Value::String(code)) => code.trim_start_matches("STATUS_CODE_").to_owned(),
        _ => String::new(),
    };
    let mut facts = Facts::new(&attributes(span), around);
    for event in array(span, "events") {
        facts.exception(&attributes(event));
    }
    facts.failure(span.pointer("/status/message").and_then(Value::as_str).unwrap_or(""));
    if let Some(kind) = span.get("kind") {
        facts.kind_of(kind);
    }
    Some(TraceSpan {
        source: source.to_owned(),
        trace_id: text(span, "traceId"),
        span_id: text(span, "spanId"),
        parent_id: text(span, "parentSpanId"),
        service: service.to_owned(),
        name: text(span, "name"),
        kind: facts.kind,
        instance: facts.instance,
        start,
        duration_ms: end.duration_since(start).as_secs_f64() * 1e3,
        status,
        error: facts.error,
        attributes: facts.attributes,
    })
}

fn otlp_log(service: &str, record: &Value) -> Value {
    let mut row = record.as_object().cloned().unwrap_or_default();
    let body = record.pointer("/body/stringValue").cloned().or_else(|| record.get("body").cloned()).unwrap_or(Value::Null);
    row.insert("body".to_owned(), body);
    row.insert("service".to_owned(), Value::from(service));
    row.insert("attributes".to_owned(), Value::Object(attributes(record)));
    Value::Object(row)
}

fn otlp_metric(source: &str, service: &str, metric: &Value) -> Vec<Series> {
    let holder = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"].iter().find_map(|key| metric.get(*key));
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    // Of a distribution the mean is kept: one number that moves when the distribution does.
    let mean = |point: &Value| {
        let (sum, count): (f64, f64) = (point.get("sum").and_then(number)?, point.get("count").and_then(number)?);
        (count > 0.0).then(|| sum / count)
    };
    let mut series: BTreeMap<BTreeMap<String, String>, Series> = BTreeMap::new();
    for point in holder.map(|holder| array(holder, "dataPoints")).unwrap_or_default() {
        let value = ["asDouble", "asInt"].iter().find_map(|key| point.get(*key)).and_then(number).or_else(|| mean(point));
        let Some((at, value)) = point.get("timeUnixNano").and_then(time::field).zip(value) else { continue };
        let labels: BTreeMap<String, String> = attributes(point)
            .into_iter()
            .map(|(key, value)| (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        let entry = series.entry(labels.clone()).or_insert_with(|| Series {
            source: source.to_owned(),
            entity: Entity::new("Service", "", service),
            metric: text(metric, "name"),
            labels,
            points: Vec::new(),
        });
        entry.points.push((at, value));
    }
    series
        .into_values()
        .map(|mut one| {
            one.points.sort_by_key(|point| point.0);
            one
        })
        .collect()
}

fn jaeger_span(source: &str, trace: &Value, span: &Value) -> Option<TraceSpan> {
    let process = span.get("processID").and_then(Value::as_str).unwrap_or("");
    let service = trace
        .get("processes")
        .and_then(|all| all.get(process))
        .or_else(|| span.get("process"))
        .map(|process| text(process, "serviceName"))
        .unwrap_or_default();
    let tags = array(span, "tags");
    let tag = |name: &str| tags.iter().find(|tag| tag.get("key").and_then(Value::as_str) == Some(name)).and_then(|tag| tag.get("value"));
    let failed = tag("error").is_some_and(|value| value == &Value::Bool(true) || value.as_str() == Some("true"))
        || tag("otel.status_code").and_then(Value::as_str) == Some("ERROR");
    let process_tags =
        trace.get("processes").and_then(|all| all.get(process)).or_else(|| span.get("process")).map(tags_of).unwrap_or_default();
    let mut facts = Facts::new(&tags_of(span), &process_tags);
    for log in array(span, "logs") {
        facts.exception(&pairs(array(log, "fields")));
    }
    let parent = array(span, "references")
        .iter()
        .find(|reference| text(reference, "refType") == "CHILD_OF")
        .map(|reference| text(reference, "spanID"));
    Some(TraceSpan {
        source: source.to_owned(),
        trace_id: text(span, "traceID"),
        span_id: text(span, "spanID"),
        parent_id: parent.unwrap_or_else(|| text(span, "parentSpanID")),
        service,
        name: text(span, "operationName"),
        kind: facts.kind,
        instance: facts.instance,
        start: time::epoch(span.get("startTime")?.as_f64()?)?,
        duration_ms: span.get("duration")?.as_f64()? / 1e3,
        status: if failed { "ERROR" } else { "OK" }.to_owned(),
        error: facts.error,
        attributes: facts.attributes,
    })
}

/// Jaeger's `[{key, type, value}]` as plain pairs.
fn pairs(tags: &[Value]) -> Map<String, Value> {
    tags.iter().filter_map(|tag| Some((tag.get("key")?.as_str()?.to_owned(), tag.get("value")?.clone()))).collect()
}

fn tags_of(holder: &Value) -> Map<String, Value> {
    pairs(array(holder, "tags"))
}
