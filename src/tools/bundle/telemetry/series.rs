//! Metrics in the words of backends other than Prometheus: CloudWatch, Google, Azure, Datadog, InfluxDB, Graphite, Grafana,
//! VictoriaMetrics, Elasticsearch's aggregations, and plain lists of times and values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    super::logs::time,
    answers::{entity, labels, number},
    rows,
};
use crate::model::{
    Entity,
    observation::{Observations, Series},
};

/// How deep aggregations and plain maps may be nested.
const DEEP: usize = 5;

type Labels = BTreeMap<String, String>;
type Points = Vec<(Timestamp, f64)>;

/// `None` when `value` is none of these.
pub fn read(source: &str, value: &Value) -> Option<Observations> {
    let one = |metrics: Vec<Series>| (!metrics.is_empty()).then(|| Observations { metrics, ..Observations::default() });
    match value {
        Value::Array(items) => {
            items.first()?.get("datapoints").filter(|_| items.first().is_some_and(|item| item.get("target").is_some()))?;
            one(items.iter().filter_map(|item| graphite(source, item)).collect())
        }
        Value::Object(map) => one(cloud(source, map).or_else(|| influx(source, map)).unwrap_or_default())
            .or_else(|| frames(source, map))
            .or_else(|| one(plain(source, map))),
        _ => None,
    }
}

fn series(source: &str, metric: &str, labels: Labels, points: impl Iterator<Item = (Timestamp, f64)>) -> Option<Series> {
    let mut points: Points = points.collect();
    points.sort_by_key(|point| point.0);
    let series = Series { source: source.to_owned(), entity: entity(&labels), metric: metric.to_owned(), labels, points };
    (!series.points.is_empty()).then_some(series)
}

fn list<'a>(holder: &'a Value, key: &str) -> &'a [Value] {
    holder.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn words<'a>(holder: &'a Value, key: &str) -> &'a str {
    holder.get(key).and_then(Value::as_str).unwrap_or("")
}

/// `[value, time]`.
fn graphite(source: &str, item: &Value) -> Option<Series> {
    let points = list(item, "datapoints").iter().filter_map(|pair| Some((time::field(pair.get(1)?)?, number(pair.get(0)?)?)));
    series(source, words(item, "target"), labels(item.get("tags")), points)
}

/// The monitoring services of clouds and Datadog.
fn cloud(source: &str, map: &Map<String, Value>) -> Option<Vec<Series>> {
    if let Some(results) = map.get("MetricDataResults").and_then(Value::as_array) {
        let points = |one: &Value| -> Points {
            let pairs = list(one, "Timestamps").iter().zip(list(one, "Values"));
            pairs.filter_map(|(stamp, value)| Some((time::field(stamp)?, number(value)?))).collect()
        };
        let read = |one: &Value| {
            let name = if words(one, "Label").is_empty() { words(one, "Id") } else { words(one, "Label") };
            series(source, name, Labels::new(), points(one).into_iter())
        };
        return Some(results.iter().filter_map(read).collect());
    }
    if let (Some(name), Some(points)) = (map.get("Label").and_then(Value::as_str), map.get("Datapoints").and_then(Value::as_array)) {
        let of = |statistic: &str| {
            let labels = Labels::from([("statistic".to_owned(), statistic.to_owned())]);
            let points = points.iter().filter_map(|point| Some((time::field(point.get("Timestamp")?)?, number(point.get(statistic)?)?)));
            series(source, name, labels, points)
        };
        return Some(["Average", "Sum", "Minimum", "Maximum", "SampleCount"].iter().filter_map(|statistic| of(statistic)).collect());
    }
    if let Some(all) = map.get("timeSeries").and_then(Value::as_array) {
        return Some(all.iter().filter_map(|one| google(source, one)).collect());
    }
    if map.contains_key("timespan")
        && let Some(metrics) = map.get("value").and_then(Value::as_array)
    {
        return Some(metrics.iter().flat_map(|metric| azure(source, metric)).collect());
    }
    let datadog = map.get("series").and_then(Value::as_array).filter(|all| all.iter().any(|one| one.get("pointlist").is_some()))?;
    let read = |one: &Value| {
        let tags = list(one, "tag_set").iter().filter_map(Value::as_str).chain(words(one, "scope").split(','));
        let labels = tags.filter_map(|tag| tag.split_once(':')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let points = list(one, "pointlist").iter().filter_map(|pair| Some((time::field(pair.get(0)?)?, number(pair.get(1)?)?)));
        series(source, words(one, "metric"), labels, points)
    };
    Some(datadog.iter().filter_map(read).collect())
}

fn google(source: &str, one: &Value) -> Option<Series> {
    let mut named = labels(one.pointer("/resource/labels"));
    named.extend(labels(one.pointer("/metric/labels")));
    let value = |point: &Value| {
        let value = point.get("value")?.as_object()?.values().next()?;
        number(value).or_else(|| number(value.get("mean")?))
    };
    let points = list(one, "points").iter().filter_map(|point| Some((time::field(point.pointer("/interval/endTime")?)?, value(point)?)));
    series(source, one.pointer("/metric/type").and_then(Value::as_str).unwrap_or(""), named, points)
}

fn azure(source: &str, metric: &Value) -> Vec<Series> {
    let name = metric.pointer("/name/value").and_then(Value::as_str).unwrap_or("");
    let read = |one: &Value| {
        let label = |pair: &Value| Some((pair.pointer("/name/value")?.as_str()?.to_owned(), pair.get("value")?.as_str()?.to_owned()));
        let value = |point: &Value| ["average", "total", "maximum", "count", "minimum"].iter().find_map(|key| number(point.get(*key)?));
        let points = list(one, "data").iter().filter_map(|point| Some((time::field(point.get("timeStamp")?)?, value(point)?)));
        series(source, name, list(one, "metadatavalues").iter().filter_map(label).collect(), points)
    };
    list(metric, "timeseries").iter().filter_map(read).collect()
}

fn influx(source: &str, map: &Map<String, Value>) -> Option<Vec<Series>> {
    let results = map.get("results")?.as_array()?;
    let all = results.iter().flat_map(|result| list(result, "series")).filter(|one| one.get("columns").is_some());
    let read = |one: &Value| -> Vec<Series> {
        let columns: Vec<&str> = list(one, "columns").iter().filter_map(Value::as_str).collect();
        let Some(stamp) = columns.iter().position(|name| *name == "time") else { return Vec::new() };
        let column = |(at, name): (usize, &&str)| {
            let points = list(one, "values").iter().filter_map(|row| Some((time::field(row.get(stamp)?)?, number(row.get(at)?)?)));
            series(source, &format!("{}_{name}", words(one, "name")), labels(one.get("tags")), points)
        };
        columns.iter().enumerate().filter(|(at, _)| *at != stamp).filter_map(column).collect()
    };
    Some(all.flat_map(read).collect())
}

/// Grafana's data frames: columns of times, numbers and words.
fn frames(source: &str, map: &Map<String, Value>) -> Option<Observations> {
    let results = map.get("results")?.as_object()?;
    let mut out = Observations::default();
    for frame in results.values().flat_map(|result| list(result, "frames")) {
        let fields = frame.pointer("/schema/fields").and_then(Value::as_array)?;
        let columns = frame.pointer("/data/values").and_then(Value::as_array)?;
        let is = |field: &Value, kind: &str| field.get("type").and_then(Value::as_str) == Some(kind);
        let Some(times) = fields.iter().position(|field| is(field, "time")).and_then(|at| columns.get(at)?.as_array()) else { continue };
        let name = frame.pointer("/schema/name").and_then(Value::as_str).unwrap_or("");
        for (field, column) in fields.iter().zip(columns).filter(|(field, _)| is(field, "number")) {
            let own = words(field, "name");
            let metric = if name.is_empty() || !matches!(own, "Value" | "value") { own } else { name };
            let pairs = times.iter().zip(column.as_array().into_iter().flatten());
            let points = pairs.filter_map(|(stamp, value)| Some((time::field(stamp)?, number(value)?)));
            out.metrics.extend(series(source, metric, labels(field.get("labels")), points));
        }
        let said = |field: &Value| is(field, "string") && matches!(words(field, "name"), "Line" | "line" | "body" | "message" | "Message");
        if let Some(at) = fields.iter().position(said) {
            let lines = columns.get(at).and_then(Value::as_array).into_iter().flatten();
            let line = |(stamp, line): (&Value, &Value)| serde_json::json!({"timestamp": stamp, "message": line});
            out.logs.push(rows::stream(source, times.iter().zip(lines).map(line)));
        }
    }
    (out != Observations::default()).then_some(out)
}

/// Buckets over time, one below the other: numbers of documents and what is computed of them.
pub fn aggregations(source: &str, value: &Value) -> Vec<Series> {
    let mut out = BTreeMap::new();
    for (name, one) in ["aggregations", "aggs"].iter().filter_map(|key| value.get(*key)?.as_object()).flatten() {
        aggregation(name, one, None, &Labels::new(), DEEP, &mut out);
    }
    out.into_iter().filter_map(|((metric, labels), points)| series(source, &metric, labels, points.into_iter())).collect()
}

fn aggregation(
    name: &str,
    value: &Value,
    at: Option<Timestamp>,
    labels: &Labels,
    deep: usize,
    out: &mut BTreeMap<(String, Labels), Points>,
) {
    let Some(map) = value.as_object().filter(|_| deep > 0) else { return };
    if let Some(at) = at {
        let mut keep = |metric: String, value: f64| out.entry((metric, labels.clone())).or_default().push((at, value));
        if let Some(value) = map.get("value").and_then(number) {
            keep(name.to_owned(), value);
        }
        for (part, value) in map.get("values").and_then(Value::as_object).into_iter().flatten() {
            value.as_f64().into_iter().for_each(|value| keep(format!("{name}_{}", part.trim_end_matches(".0")), value));
        }
    }
    let buckets: Vec<(Option<&str>, &Value)> = match map.get("buckets") {
        Some(Value::Array(buckets)) => buckets.iter().map(|bucket| (None, bucket)).collect(),
        Some(Value::Object(buckets)) => buckets.iter().map(|(key, bucket)| (Some(key.as_str()), bucket)).collect(),
        // a filter, a nested scope: its own members are aggregations
        _ => Vec::new(),
    };
    for (key, bucket) in buckets {
        let stamp = bucket.get("key_as_string").or_else(|| bucket.get("key")).and_then(time::field);
        let mut labels = labels.clone();
        if stamp.is_none() {
            let word =
                key.map(str::to_owned).or_else(|| bucket.get("key").map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned)));
            labels.insert(label(name), word.unwrap_or_default());
        }
        let at = stamp.or(at);
        if let (Some(at), Some(count)) = (at, bucket.get("doc_count").and_then(number)) {
            out.entry(("doc_count".to_owned(), labels.clone())).or_default().push((at, count));
        }
        for (name, inner) in bucket.as_object().into_iter().flatten() {
            aggregation(name, inner, at, &labels, deep - 1, out);
        }
    }
}

/// `by_services` are services.
fn label(name: &str) -> String {
    let name = ["by_", "per_", "group_by_"].iter().find_map(|start| name.strip_prefix(start)).unwrap_or(name);
    name.strip_suffix('s').filter(|rest| rest.len() > 2 && !rest.ends_with('s')).unwrap_or(name).to_owned()
}

/// `{shop: {cpu: [[time, value], …]}}`.
fn plain(source: &str, map: &Map<String, Value>) -> Vec<Series> {
    let mut out = Vec::new();
    for (name, inner) in map {
        nested(source, &[name], inner, DEEP, &mut out);
    }
    out
}

fn nested(source: &str, path: &[&str], value: &Value, deep: usize, out: &mut Vec<Series>) {
    match value {
        Value::Object(map) if deep > 0 => {
            for (name, inner) in map {
                let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
                nested(source, &path, inner, deep - 1, out);
            }
        }
        Value::Array(items) => {
            let Some(points) = points(items) else { return };
            let Some((metric, holders)) = path.split_last() else { return };
            let holder = holders.iter().rev().find(|name| !matches!(**name, "metrics" | "data" | "series" | "values")).copied();
            let metric = if matches!(*metric, "values" | "data" | "points") { holder.unwrap_or(metric) } else { metric };
            let entity = holder.map(|name| Entity::new("Service", "", name)).unwrap_or_default();
            out.extend(series(source, metric, Labels::new(), points.into_iter()).map(|series| Series { entity, ..series }));
        }
        _ => {}
    }
}

/// `[time, value]` or `{timestamp, value}`, every one of them.
fn points(items: &[Value]) -> Option<Points> {
    let key = |item: &Value, keys: &[&str]| keys.iter().find_map(|key| item.get(*key).cloned());
    let point = |item: &Value| match item {
        Value::Array(pair) if pair.len() == 2 => Some((time::field(pair.first()?)?, number(pair.get(1)?)?)),
        Value::Object(_) => {
            Some((time::field(&key(item, &["timestamp", "time", "t", "ts"])?)?, number(&key(item, &["value", "v", "y", "avg", "mean"])?)?))
        }
        _ => None,
    };
    let points: Option<Points> = items.iter().map(point).collect();
    points.filter(|points| !points.is_empty())
}
