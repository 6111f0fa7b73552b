//! Generic telemetry: logs, metrics, spans, topology and changes, and the answers of query backends and of MongoDB.
//!
//! `rows` reads our own line formats, `csv_files` text tables, `traces` OTLP, Jaeger, Tempo and Zipkin, `answers` what Prometheus,
//! Loki, Elasticsearch and SigNoz return, `series` the metrics of other backends, `tabular` their tables, `graph` topologies,
//! `history` changes, `commands` MongoDB command results. Each decides by what it finds, never by a file's name.

mod answers;
mod commands;
mod csv_files;
mod facts;
mod graph;
mod history;
mod rows;
mod series;
mod tabular;
mod traces;

use serde_json::Value;

use crate::model::observation::{Edge, Observations};

/// Reads `text` as telemetry; `None` when it has none of the known shapes.
pub fn read(source: &str, text: &str) -> Option<Observations> {
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    match trimmed.as_bytes().first()? {
        b'{' | b'[' => json(source, trimmed),
        _ => history::text(source, trimmed)
            .or_else(|| csv_files::read(source, trimmed))
            .or_else(|| graph::text(trimmed))
            .or_else(|| commands::from_shell(source, trimmed)),
    }
}

/// Who calls whom, where a mapping says it: a compose file, a catalogue.
pub fn edges(value: &Value) -> Vec<Edge> {
    graph::read(value).map(|found| found.edges).unwrap_or_default()
}

fn json(source: &str, text: &str) -> Option<Observations> {
    if let Ok(whole) = serde_json::from_str::<Value>(text) {
        return document(source, &whole).or_else(|| match whole {
            Value::Array(items) => rows::read(source, items),
            single => rows::read(source, vec![single]),
        });
    }
    let first = text.lines().next().and_then(|line| serde_json::from_str::<Value>(line.trim()).ok()).filter(Value::is_object);
    let Some(first) = first else {
        // mongosh prints dates and numbers as constructors
        return commands::from_shell(source, text);
    };
    if answers::is_export(&first) {
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim()).ok());
        return Some(Observations {
            metrics: lines.filter_map(|line| answers::exported(source, &line)).collect(),
            ..Observations::default()
        });
    }
    if !traces::is_batch(&first) {
        return rows::lines(source, &first, text);
    }
    let mut all = Observations::default();
    let mut unread = 0_usize;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<Value>(line.trim()).ok().and_then(|value| traces::read(source, &value)) {
            Some(part) => all.merge(part),
            None => unread += 1,
        }
    }
    if unread > 0 {
        all.gaps.push(format!("{source}: {unread} of its lines are no OTLP export and were not read"));
    }
    Some(all)
}

/// A whole file that is one answer of some backend.
fn document(source: &str, whole: &Value) -> Option<Observations> {
    commands::read(source, whole)
        .or_else(|| traces::read(source, whole))
        .or_else(|| answers::read(source, whole))
        .or_else(|| series::read(source, whole))
        .or_else(|| rows::read(source, tabular::rows(whole)?))
        .or_else(|| graph::read(whole))
}

#[cfg(test)]
mod tests;
