//! `POST /api/v5/query_range` of the fake SigNoz.

use std::{cmp::Ordering, collections::BTreeMap};

use serde_json::{Value, json};

use super::{
    common::rfc3339,
    infix::{self, Expr, Style, plain},
    signoz::{Refusal, State},
    signoz_data::{Aggregation, Fold, Row, bare, buckets, group},
};

const MAX_LIMIT: u64 = 10_000;
const TOP: &[&str] = &["schemaVersion", "start", "end", "requestType", "compositeQuery", "formatOptions", "variables", "noCache"];
const SPEC: &[&str] = &[
    "name",
    "signal",
    "source",
    "filter",
    "limit",
    "limitBy",
    "offset",
    "cursor",
    "order",
    "aggregations",
    "groupBy",
    "stepInterval",
    "disabled",
    "having",
    "selectFields",
    "functions",
    "secondaryAggregations",
    "legend",
];

type Fault = (Refusal, Vec<String>);
type V5<T> = Result<T, Fault>;

fn bad<T>(message: impl Into<String>) -> V5<T> {
    Err(((400, "invalid_input", message.into()), Vec::new()))
}

fn known(value: &Value, names: &[&str], what: &str) -> V5<()> {
    let Some(object) = value.as_object() else { return bad(format!("{what} must be an object")) };
    match object.keys().find(|key| !names.contains(&key.as_str())) {
        Some(key) => bad(format!("unknown field \"{key}\" in {what}")),
        None => Ok(()),
    }
}

pub fn query_range(state: &State, body: &Value) -> V5<Value> {
    known(body, TOP, "query")?;
    let (Some(start), Some(end)) = (body.get("start").and_then(Value::as_i64), body.get("end").and_then(Value::as_i64)) else {
        return bad("start and end must be whole milliseconds");
    };
    if start <= 0 || end <= 0 || start >= end {
        return bad(format!("start time {start} must be before end time {end}"));
    }
    let kind = body.get("requestType").and_then(Value::as_str).unwrap_or_default();
    if !["raw", "time_series", "scalar", "trace"].contains(&kind) {
        return bad(format!("invalid request type: {kind}"));
    }
    let queries = body.pointer("/compositeQuery/queries").and_then(Value::as_array).filter(|all| !all.is_empty());
    let Some(queries) = queries else { return bad("at least one query is required") };
    let (mut results, mut scanned, mut names) = (Vec::new(), 0, Vec::new());
    for query in queries {
        known(query, &["type", "spec"], "query envelope")?;
        match query.get("type").and_then(Value::as_str) {
            Some("builder_query") => {}
            Some(other @ ("builder_formula" | "promql" | "clickhouse_sql" | "builder_trace_operator")) => {
                return bad(format!("the fake does not run {other}"));
            }
            other => return bad(format!("unknown query type \"{}\"", other.unwrap_or_default())),
        }
        let spec = query.get("spec").unwrap_or(&Value::Null);
        known(spec, SPEC, "query spec")?;
        let name = spec.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let Some(name) = name else { return bad("query name is required") };
        if names.contains(&name) {
            return bad(format!("duplicate query name '{name}'"));
        }
        names.push(name);
        if spec.get("disabled") == Some(&json!(true)) {
            continue;
        }
        let (rows, result) = one(state, spec, name, kind, start, end)?;
        scanned += rows;
        results.push(result);
    }
    let meta = json!({"rowsScanned": scanned, "bytesScanned": scanned * 200, "durationMs": 1, "stepIntervals": {}});
    Ok(json!({"type": kind, "data": {"results": results}, "meta": meta}))
}

/// The filter with every key checked against those that the signal has.
fn filter(state: &State, spec: &Value, signal: &str) -> V5<Expr> {
    let text = match spec.get("filter") {
        None | Some(Value::Null) => "",
        Some(filter) => match filter.get("expression").and_then(Value::as_str) {
            Some(text) => text,
            None => return bad("filter.expression must be a string"),
        },
    };
    let expr = infix::parse(text, Style::SigNoz)
        .map_err(|why| ((400, "invalid_input", "Found 1 syntax errors while parsing the search expression.".to_owned()), vec![why]))?;
    let keys = state.keys(signal);
    let missing: Vec<String> = expr
        .keys()
        .into_iter()
        .filter(|key| !key.is_empty() && !keys.contains(*key) && !keys.contains(bare(key)))
        .map(|key| format!("key `{key}` not found"))
        .collect();
    if missing.is_empty() {
        return Ok(expr);
    }
    Err(((400, "invalid_input", format!("Found {} errors while parsing the search expression.", missing.len())), missing))
}

fn whole(spec: &Value, name: &str) -> V5<Option<u64>> {
    match spec.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .map_or_else(|| bad(format!("{name} must be a whole number that is not negative, got {value}")), |number| Ok(Some(number))),
    }
}

fn one(state: &State, spec: &Value, name: &str, kind: &str, start: i64, end: i64) -> V5<(usize, Value)> {
    let signal = spec.get("signal").and_then(Value::as_str).unwrap_or_default();
    if !["logs", "traces", "metrics"].contains(&signal) {
        return bad(format!("unknown signal \"{signal}\""));
    }
    let (limit, offset) = (whole(spec, "limit")?, whole(spec, "offset")?.unwrap_or(0));
    if limit.is_some_and(|limit| limit > MAX_LIMIT) {
        return bad(format!("limit exceeds maximum allowed value of {MAX_LIMIT}"));
    }
    let step = match spec.get("stepInterval") {
        None | Some(Value::Null) => 60,
        Some(Value::String(text)) => match super::common::duration_ns(text) {
            Some(ns) => ns / 1_000_000_000,
            None => return bad(format!("invalid step interval: {text}")),
        },
        Some(value) => match value.as_i64().filter(|step| *step > 0) {
            Some(step) => step,
            None => return bad(format!("invalid step interval: {value}")),
        },
    };
    let order = order(spec)?;
    let expr = filter(state, spec, signal)?;
    let list = spec.get("aggregations").and_then(Value::as_array).cloned().unwrap_or_default();
    let rows = match (signal, kind) {
        ("metrics", "raw" | "trace") => return bad(format!("{kind} request type is not supported for metric queries")),
        ("logs", "trace") => return bad("trace request type is only supported for traces"),
        ("logs", _) => state.log_rows(),
        ("traces", _) => state.span_rows(),
        _ => {
            let metric = list.first().and_then(|one| one.get("metricName")).and_then(Value::as_str).filter(|name| !name.is_empty());
            let Some(metric) = metric else { return bad("metric name is required for metric aggregation") };
            state.points(metric).ok_or_else(|| ((404, "not_found", format!("could not find the metric {metric}")), Vec::new()))?
        }
    };
    let total = rows.len();
    let inside: Vec<&Row> = rows.iter().filter(|row| (start..end).contains(&(row.ns / 1_000_000)) && row.fits(&expr)).collect();
    let answer = match kind {
        "raw" => raw(name, inside, &order, limit.unwrap_or(100), offset, signal),
        "trace" => traces(name, &inside, limit.unwrap_or(100), offset),
        _ => {
            let folds = folds(signal, &list)?;
            grouped(
                name,
                spec,
                &inside,
                &folds,
                &order,
                limit,
                if kind == "scalar" { None } else { Some(step) },
                (end - start) as f64 / 1000.0,
            )?
        }
    };
    Ok((total, answer))
}

fn order(spec: &Value) -> V5<Vec<(String, bool)>> {
    let mut all = Vec::new();
    for one in spec.get("order").and_then(Value::as_array).into_iter().flatten() {
        let key = one.pointer("/key/name").and_then(Value::as_str);
        match (key, one.get("direction").and_then(Value::as_str)) {
            (Some(key), Some(way @ ("asc" | "desc"))) => all.push((key.to_owned(), way == "desc")),
            (_, way) => {
                return bad(format!(
                    "invalid order: key.name and direction asc or desc are needed, got direction {}",
                    way.unwrap_or("none")
                ));
            }
        }
    }
    Ok(all)
}

fn raw(name: &str, mut rows: Vec<&Row>, order: &[(String, bool)], limit: u64, offset: u64, signal: &str) -> Value {
    let by_time = [("timestamp".to_owned(), true)];
    let order = if order.is_empty() { &by_time } else { order };
    rows.sort_by(|one, other| {
        order.iter().fold(Ordering::Equal, |so_far, (key, down)| {
            so_far.then_with(|| {
                let way = match (one.get(key).and_then(Value::as_f64), other.get(key).and_then(Value::as_f64)) {
                    _ if key == "timestamp" => one.ns.cmp(&other.ns),
                    (Some(one), Some(other)) => one.total_cmp(&other),
                    _ => one.text(key).cmp(&other.text(key)),
                };
                if *down { way.reverse() } else { way }
            })
        })
    });
    let show = |row: &&Row| json!({"timestamp": rfc3339(row.ns), "data": row.data});
    let shown: Vec<Value> = rows.iter().skip(offset as usize).take(limit as usize).map(show).collect();
    let rows = if shown.is_empty() { Value::Null } else { json!(shown) };
    if signal == "logs" { json!({"queryName": name, "nextCursor": "", "rows": rows}) } else { json!({"queryName": name, "rows": rows}) }
}

fn traces(name: &str, rows: &[&Row], limit: u64, offset: u64) -> Value {
    let mut by_trace: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_trace.entry(row.text("trace_id")).or_default().push(row);
    }
    let mut all: Vec<(i64, Value)> = Vec::new();
    for (id, spans) in by_trace {
        let Some(root) = spans.iter().find(|row| row.get("parent_span_id").is_none()).or(spans.first()) else { continue };
        let data = json!({"trace_id": id, "service.name": root.text("service.name"), "name": root.text("name"), "duration_nano": root.get("duration_nano"), "span_count": spans.len()});
        all.push((root.ns, json!({"timestamp": rfc3339(root.ns), "data": data})));
    }
    all.sort_by_key(|(ns, _)| -ns);
    let shown: Vec<Value> = all.into_iter().skip(offset as usize).take(limit as usize).map(|(_, value)| value).collect();
    json!({"queryName": name, "rows": if shown.is_empty() { Value::Null } else { json!(shown) }})
}

type Folding = Box<dyn Fn(&[&Row], f64) -> f64>;

/// Each aggregation with the name under which results may be ordered.
fn folds(signal: &str, list: &[Value]) -> V5<Vec<(String, Folding)>> {
    let mut all: Vec<(String, Folding)> = Vec::new();
    for one in list {
        if signal == "metrics" {
            let word = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let fold = Fold { time: word("timeAggregation"), space: word("spaceAggregation") };
            if !["latest", "sum", "avg", "min", "max", "count", "rate", "increase"].contains(&fold.time.as_str()) {
                return bad(format!("invalid time aggregation: {}", fold.time));
            }
            if !["sum", "avg", "min", "max", "count", "p50", "p75", "p90", "p95", "p99"].contains(&fold.space.as_str()) {
                return bad(format!("invalid space aggregation: {}", fold.space));
            }
            all.push((word("metricName"), Box::new(move |rows, seconds| fold.of(rows, seconds))));
        } else {
            known(one, &["expression", "alias"], "aggregation")?;
            let text = one.get("expression").and_then(Value::as_str).unwrap_or_default().to_owned();
            let aggregation = Aggregation::parse(&text).or_else(bad)?;
            all.push((text, Box::new(move |rows, seconds| aggregation.of(rows, seconds))));
        }
    }
    if all.is_empty() { bad("at least one aggregation is required") } else { Ok(all) }
}

#[expect(clippy::too_many_arguments, reason = "one query has that many parts")]
fn grouped(
    name: &str,
    spec: &Value,
    rows: &[&Row],
    folds: &[(String, Folding)],
    order: &[(String, bool)],
    limit: Option<u64>,
    step: Option<i64>,
    seconds: f64,
) -> V5<Value> {
    let keys = spec
        .get("groupBy")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|key| key.get("name").and_then(Value::as_str).map(ToOwned::to_owned))
        .collect::<Option<Vec<_>>>();
    let Some(keys) = keys else { return bad("groupBy needs objects with a name") };
    let values = |rows: &[&Row], seconds: f64| folds.iter().map(|(_, fold)| fold(rows, seconds)).collect::<Vec<f64>>();
    let mut groups: Vec<(Vec<String>, Vec<&Row>, Vec<f64>)> =
        group(rows, &keys).into_iter().map(|(key, rows)| (key, rows.clone(), values(&rows, seconds))).collect();
    let by_first = [(folds.first().map(|(text, _)| text.clone()).unwrap_or_default(), true)];
    let order = if order.is_empty() { &by_first } else { order };
    for (key, down) in order.iter().rev() {
        let index =
            folds.iter().position(|(text, _)| text == key).or_else(|| key.strip_prefix("__result_").and_then(|text| text.parse().ok()));
        let column = keys.iter().position(|known| known == key);
        if index.is_none() && column.is_none() && key != "timestamp" {
            return bad(format!("invalid order by key `{key}`: valid keys are the aggregations and the group by keys"));
        }
        groups.sort_by(|one, other| {
            let way = match (index, column) {
                (Some(at), _) => one.2.get(at).copied().unwrap_or_default().total_cmp(&other.2.get(at).copied().unwrap_or_default()),
                (_, Some(at)) => one.0.get(at).cmp(&other.0.get(at)),
                _ => Ordering::Equal,
            };
            if *down { way.reverse() } else { way }
        });
    }
    groups.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    let Some(step) = step else {
        let mut columns: Vec<Value> = keys
            .iter()
            .map(|key| json!({"name": key, "queryName": name, "aggregationIndex": 0, "meta": {}, "columnType": "group"}))
            .collect();
        columns.extend((0..folds.len()).map(|at| json!({"name": format!("__result_{at}"), "queryName": name, "aggregationIndex": at, "meta": {}, "columnType": "aggregation"})));
        let line = |(key, _, values): &(Vec<String>, Vec<&Row>, Vec<f64>)| {
            key.iter().map(|text| json!(text)).chain(values.iter().map(|value| json!(value))).collect::<Value>()
        };
        return Ok(json!({"columns": columns, "data": groups.iter().map(line).collect::<Vec<_>>()}));
    };
    let labels = |key: &[String]| {
        keys.iter().zip(key).map(|(name, value)| json!({"key": {"name": name}, "value": plain(&json!(value))})).collect::<Vec<_>>()
    };
    let mut aggregations = Vec::new();
    for (at, (_, fold)) in folds.iter().enumerate() {
        let points = |rows: &[&Row]| {
            buckets(rows, step)
                .into_iter()
                .map(|(ms, rows)| json!({"timestamp": ms, "value": fold(&rows, step as f64)}))
                .collect::<Vec<_>>()
        };
        let series: Vec<Value> = groups.iter().map(|(key, rows, _)| json!({"labels": labels(key), "values": points(rows)})).collect();
        aggregations.push(json!({"index": at, "alias": format!("__result_{at}"), "meta": {}, "series": if series.is_empty() { Value::Null } else { json!(series) }}));
    }
    Ok(json!({"queryName": name, "aggregations": aggregations}))
}
