//! What database engines and their vendors print for people: Performance Insights, the views of PostgreSQL and MySQL as
//! `psql` and `mysql` print them, and InnoDB's monitor. Each becomes a [`Document`] named after what gives it.

use serde_json::{Map, Value, json};

use super::wrapping::cut;
use crate::model::observation::Document;

pub mod events;

mod innodb;
mod insights;

/// How many rows of a view are kept. Source: no server is read through a screen of more sessions than this.
const ROWS: usize = 2_000;
/// How many lines may stand above a table: a prompt, the statement.
const HEAD: usize = 12;
/// How much of one cell is kept.
const CELL: usize = 2_000;

/// Reads `text` when it is one of these; `None` otherwise.
pub fn read(source: &str, text: &str) -> Option<Document> {
    let (kind, body) = if let Some(body) = insights::read(text) {
        ("performance_insights", body)
    } else if let Some(body) = innodb::read(text) {
        ("innodb_status", body)
    } else {
        let rows = aligned(text).or_else(|| vertical(text))?;
        (view(rows.first()?)?, Value::Array(rows.into_iter().map(Value::Object).collect()))
    };
    Some(Document { source: source.to_owned(), kind: kind.to_owned(), body })
}

/// Which view has these columns.
fn view(row: &Map<String, Value>) -> Option<&'static str> {
    let has = |name: &str| row.contains_key(name);
    let any = |names: &[&str]| names.iter().any(|name| has(name));
    if any(&["blocked_pid", "blocking_pid", "blocked_query", "waiting_pid", "blocking_trx_id"]) {
        Some("blocked_sessions")
    } else if has("slot_name") {
        Some("pg_replication_slots")
    } else if any(&["seconds_behind_master", "seconds_behind_source"]) {
        Some("show_replica_status")
    } else if any(&["replay_lag", "replay_lsn"]) && has("state") {
        Some("pg_stat_replication")
    } else if has("query") && has("calls") {
        Some("pg_stat_statements")
    } else if has("query") && has("state") || has("info") && has("command") && has("user") {
        Some("pg_stat_activity")
    } else if any(&["n_dead_tup", "last_autovacuum"]) {
        Some("pg_stat_user_tables")
    } else {
        None
    }
}

/// A table as `psql` prints it (` a | b ` over a rule of dashes) or `mysql` (`| a | b |` between `+---+` rules).
fn aligned(text: &str) -> Option<Vec<Map<String, Value>>> {
    let lines: Vec<&str> = text.lines().take(ROWS + HEAD).collect();
    let is_rule = |line: &str| {
        let line = line.trim();
        line.len() > 3 && line.contains('-') && line.contains('+') && line.bytes().all(|b| matches!(b, b'-' | b'+'))
    };
    let rule = lines.iter().take(HEAD).position(|line| is_rule(line))?;
    let boxed = lines.get(rule)?.trim().starts_with('+');
    let header = lines.get(if boxed { rule + 1 } else { rule.checked_sub(1)? })?;
    let columns: Vec<String> = cells(header, boxed).into_iter().map(|name| name.to_lowercase()).collect();
    if columns.len() < 2 {
        return None;
    }
    let mut rows = Vec::new();
    for line in lines.iter().skip(if boxed { rule + 3 } else { rule + 1 }) {
        let trimmed = line.trim();
        if is_rule(line) || trimmed.is_empty() || trimmed.starts_with('(') && trimmed.ends_with(')') || !line.contains('|') {
            break;
        }
        let values = cells(line, boxed);
        rows.push(columns.iter().cloned().zip(values.into_iter().map(|cell| Value::from(cut(&cell, CELL)))).collect());
        if rows.len() >= ROWS {
            break;
        }
    }
    (!rows.is_empty()).then_some(rows)
}

fn cells(line: &str, boxed: bool) -> Vec<String> {
    let line = line.trim_end();
    let inner = if boxed { line.trim().trim_start_matches('|').trim_end_matches('|') } else { line };
    inner.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// One column a line, as `\x` of psql and `\G` of mysql print rows.
fn vertical(text: &str) -> Option<Vec<Map<String, Value>>> {
    let starts = |line: &str| {
        let line = line.trim();
        line.starts_with("-[ RECORD ") || line.starts_with("***") && line.ends_with("***") && line.contains(". row")
    };
    if !text.lines().take(5).any(starts) {
        return None;
    }
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    for line in text.lines() {
        if starts(line) {
            if rows.len() >= ROWS {
                break;
            }
            rows.push(Map::new());
            continue;
        }
        let pair = line.split_once('|').or_else(|| line.split_once(": "));
        if let (Some(row), Some((name, value))) = (rows.last_mut(), pair) {
            row.insert(name.trim().to_lowercase(), Value::from(cut(value.trim(), CELL)));
        }
    }
    rows.retain(|row| !row.is_empty());
    (!rows.is_empty()).then_some(rows)
}

/// `name` and `load` pairs as JSON.
fn pair(name: &str, load: f64) -> Value {
    json!([name, load])
}

#[cfg(test)]
mod tests;
