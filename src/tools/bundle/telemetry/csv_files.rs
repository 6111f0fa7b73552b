//! Text tables with a header: metrics in the long and in the wide form, call graphs, and rows of logs, spans or changes.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

use super::{
    super::logs::time,
    answers::entity,
    rows::{self, Collected, METRICS, SERVICES},
    tabular::{self, TIMES, Text},
};
use crate::model::observation::{Edge, Observations, Series};

/// How many rows say whether a column holds numbers.
const LOOKED_AT: usize = 20;
/// Words that a file about one metric is called after; its columns are services.
const METRIC_WORDS: &[&str] = &[
    "cpu",
    "mem",
    "memory",
    "latency",
    "duration",
    "error",
    "errors",
    "requests",
    "rps",
    "qps",
    "throughput",
    "load",
    "disk",
    "network",
    "availability",
];

/// `name{label="value", …}`, `{label="value"}`.
static LABELLED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^([\w:./ -]*)\{(.*)\}$"#).ok());
static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"([\w.]+)\s*=~?\s*"([^"]*)""#).ok());

/// `None` when the header holds nothing that we know.
pub fn read(source: &str, text: &str) -> Option<Observations> {
    let table = tabular::text(text)?;
    if let Some(edges) = edges(&table) {
        return Some(Observations { edges, ..Observations::default() });
    }
    let stamp = table.column(TIMES)?;
    let mut found = match (table.column(METRICS), table.column(&["value"])) {
        (Some(metric), Some(value)) => long(source, &table, stamp, metric, value),
        _ => rows::read(source, table.objects()).or_else(|| wide(source, &table, stamp))?,
    };
    if table.broken > 0 {
        found.gaps.push(format!("{} rows of {source} are damaged and were not read", table.broken));
    }
    Some(found)
}

fn edges(table: &Text) -> Option<Vec<Edge>> {
    let caller = table.column(&["source", "caller", "from", "parent"])?;
    let callee = table.column(&["target", "callee", "to", "destination", "child"])?;
    let edge = |row: &csv::StringRecord| Edge { caller: Text::cell(row, caller).to_owned(), callee: Text::cell(row, callee).to_owned() };
    (table.header.len() <= 5).then(|| table.rows.iter().map(edge).filter(|edge| !edge.callee.is_empty()).collect())
}

/// A column each for the metric's name and its value.
fn long(source: &str, table: &Text, stamp: usize, metric: usize, value: usize) -> Observations {
    let service = table.column(SERVICES);
    let known = |at: usize| at == stamp || at == metric || at == value || Some(at) == service;
    let others: Vec<(usize, &String)> = table.header.iter().enumerate().filter(|(at, name)| !known(*at) && !name.is_empty()).collect();
    let mut series = Collected::default();
    let mut broken = 0;
    for row in &table.rows {
        let get = |at: usize| Text::cell(row, at);
        let Some(point) = instant(get(stamp)).zip(get(value).parse::<f64>().ok()) else {
            // an empty value is a gap of the metric, no fault of the file
            broken += usize::from(!get(value).is_empty());
            continue;
        };
        let labels =
            others.iter().filter(|(at, _)| !get(*at).is_empty()).map(|(at, name)| ((*name).clone(), get(*at).to_owned())).collect();
        series.add(service.map_or("", get), get(metric), labels, point);
    }
    let mut out = Observations { metrics: series.finish(source), ..Observations::default() };
    if broken > 0 {
        out.gaps.push(format!("{broken} rows of {source} have no readable time or value"));
    }
    out
}

/// A column for each series; a column of words says whose the row is.
fn wide(source: &str, table: &Text, stamp: usize) -> Option<Observations> {
    let is_number = |at: usize| {
        let filled = table.rows.iter().take(LOOKED_AT).map(|row| Text::cell(row, at)).filter(|cell| !cell.is_empty());
        let (mut numbers, mut all) = (0, 0);
        for cell in filled {
            numbers += usize::from(cell.parse::<f64>().is_ok() || matches!(cell, "NaN" | "null" | "undefined"));
            all += 1;
        }
        all > 0 && numbers == all
    };
    let timed = table.rows.iter().take(LOOKED_AT).filter(|row| instant(Text::cell(row, stamp)).is_some()).count();
    if timed == 0 || timed * 2 < table.rows.len().min(LOOKED_AT) {
        return None;
    }
    let columns: Vec<usize> = (0..table.header.len()).filter(|at| *at != stamp && is_number(*at)).collect();
    let service = table.column(SERVICES).filter(|at| !columns.contains(at));
    let names: Vec<&str> = columns.iter().filter_map(|at| table.header.get(*at)).map(String::as_str).collect();
    let named = if service.is_some() { names.iter().map(|name| Name::metric(name)).collect() } else { names_of(source, &names) };
    let mut points: BTreeMap<(String, usize), Vec<(Timestamp, f64)>> = BTreeMap::new();
    for row in &table.rows {
        let Some(at) = instant(Text::cell(row, stamp)) else { continue };
        let whose = service.map_or("", |column| Text::cell(row, column));
        for (place, column) in columns.iter().enumerate() {
            if let Some(value) = Text::cell(row, *column).parse::<f64>().ok().filter(|value| value.is_finite()) {
                points.entry((whose.to_owned(), place)).or_default().push((at, value));
            }
        }
    }
    let one = |((whose, place), mut points): ((String, usize), Vec<(Timestamp, f64)>)| {
        points.sort_by_key(|point| point.0);
        let name = named.get(place)?;
        let mut labels = name.labels.clone();
        let service = if whose.is_empty() { name.service.clone() } else { whose };
        if !service.is_empty() {
            labels.insert("service".to_owned(), service);
        }
        Some(Series { source: source.to_owned(), entity: entity(&labels), metric: name.metric.clone(), labels, points })
    };
    let metrics: Vec<Series> = points.into_iter().filter_map(one).collect();
    (!metrics.is_empty()).then(|| Observations { metrics, ..Observations::default() })
}

/// What a column's name says.
#[derive(Default)]
struct Name {
    service: String,
    metric: String,
    labels: BTreeMap<String, String>,
}

impl Name {
    fn metric(name: &str) -> Self {
        Self { metric: name.to_owned(), ..Self::default() }
    }
}

/// Service and metric in one name (`cart_cpu`, `cart/cpu`): a tail that stands behind several names is a metric.
fn names_of(source: &str, columns: &[&str]) -> Vec<Name> {
    let mut tails: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, tail) in columns.iter().flat_map(|name| splits(name)) {
        *tails.entry(tail).or_default() += 1;
    }
    let file = source.rsplit('/').next().unwrap_or(source).to_ascii_lowercase();
    let of_one = file.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| METRIC_WORDS.contains(word));
    let read = |name: &&str| {
        if let Some(found) = LABELLED.as_ref().zip(LABEL.as_ref()).and_then(|(name_of, label)| Some((name_of.captures(name)?, label))) {
            let (parts, label) = found;
            let labels = label.captures_iter(parts.get(2).map_or("", |inner| inner.as_str()));
            let labels = labels.filter_map(|pair| Some((pair.get(1)?.as_str().to_owned(), pair.get(2)?.as_str().to_owned()))).collect();
            return Name { metric: parts.get(1).map_or("", |name| name.as_str()).trim().to_owned(), labels, ..Name::default() };
        }
        let count = |tail: &str| tails.get(tail).copied().unwrap_or(0);
        let best = splits(name).into_iter().max_by_key(|(_, tail)| (count(tail), tail.len())).filter(|(_, tail)| count(tail) >= 2);
        match (best, of_one) {
            (Some((service, metric)), _) => Name { service: service.to_owned(), metric: metric.to_owned(), ..Name::default() },
            (None, Some(metric)) => Name { service: (*name).to_owned(), metric: metric.to_owned(), ..Name::default() },
            (None, None) => Name::metric(name),
        }
    };
    columns.iter().map(read).collect()
}

/// Every way to part a name in two.
fn splits(name: &str) -> Vec<(&str, &str)> {
    let places = name.char_indices().filter(|(_, c)| matches!(c, '_' | '-' | '.' | '/' | ':' | '|' | ' '));
    let parts = places.filter_map(|(at, c)| Some((name.get(..at)?.trim(), name.get(at + c.len_utf8()..)?.trim())));
    parts.filter(|(head, tail)| !head.is_empty() && !tail.is_empty()).collect()
}

fn instant(cell: &str) -> Option<Timestamp> {
    cell.parse().ok().or_else(|| time::field(&Value::from(cell)))
}
