//! Performance Insights as text: the statements, waits, users and hosts that carry the load.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{super::wrapping::cut, pair};

/// How much of one statement is kept. Source: Performance Insights itself shows 4,096 bytes.
const STATEMENT: usize = 4_096;
const ROWS: usize = 200;

/// `None` when `text` is nothing of the kind.
pub fn read(text: &str) -> Option<Value> {
    let head: String = text.trim_start().lines().take(3).collect::<Vec<_>>().join(" ").to_lowercase();
    let titled = ["performance insights", "database insights", "query insights", "top sql"].iter().any(|title| head.contains(title));
    if !titled {
        return None;
    }
    let rows: Vec<(Kind, &str)> = text.lines().take(4 * ROWS).filter_map(row).take(ROWS).collect();
    if rows.is_empty() {
        return None;
    }
    let mut body = Map::new();
    if let Some((instance, from, until)) = title(text) {
        body.insert("instance".to_owned(), Value::from(instance));
        body.insert("from".to_owned(), Value::from(from));
        body.insert("until".to_owned(), Value::from(until));
    }
    let of = |wanted: Kind| rows.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, rest)| *rest);
    body.insert("statements".to_owned(), of(Kind::Statement).filter_map(statement).collect());
    for (name, kind) in [("waits", Kind::Wait), ("users", Kind::User), ("hosts", Kind::Host), ("databases", Kind::Database)] {
        body.insert(name.to_owned(), of(kind).filter_map(named).collect());
    }
    Some(Value::Object(body))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Statement,
    Wait,
    User,
    Host,
    Database,
}

fn row(line: &str) -> Option<(Kind, &str)> {
    const HEADS: &[(&str, Kind)] = &[
        ("top sql", Kind::Statement),
        ("top wait", Kind::Wait),
        ("top user", Kind::User),
        ("top host", Kind::Host),
        ("top client", Kind::Host),
        ("top application", Kind::User),
        ("top database", Kind::Database),
    ];
    let line = line.trim().trim_start_matches(['-', '*', ' ']);
    let (head, rest) = line.split_once(':')?;
    let head = head.to_lowercase();
    let kind = HEADS.iter().find(|(name, _)| head.starts_with(name) && head.len() < name.len() + 12)?.1;
    (!rest.trim().is_empty()).then_some((kind, rest.trim()))
}

/// `Performance Insights, orders-prod, 2026-03-26T10:00:00Z to 2026-03-26T10:15:00Z`
fn title(text: &str) -> Option<(String, String, String)> {
    static TITLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?im)^\W*(?:performance|database|query) insights[,:]?(?: for)? +(?:db instance +)?([a-z0-9][\w.-]*)[,:]?(?: +(?:from +)?(\d{4}-\S+) +(?:to|until|-) +(\d{4}-\S+))?").ok()
    });
    let found = TITLE.as_ref()?.captures(text)?;
    let part = |at: usize| found.get(at).map_or(String::new(), |part| part.as_str().to_owned());
    Some((part(1), part(2), part(3)))
}

/// The name in front of the first ` | … load`, and the fields after it.
fn split(rest: &str) -> (&str, &str) {
    static LOAD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)\s*\|\s*(?:average |avg |db )*(?:load|aas)\b").ok());
    match LOAD.as_ref().and_then(|load| load.find(rest)) {
        Some(found) => (rest.get(..found.start()).unwrap_or(rest).trim(), rest.get(found.start()..).unwrap_or_default()),
        None => (rest.trim(), ""),
    }
}

fn number_after(fields: &str, word: &str) -> Option<f64> {
    let lower = fields.to_lowercase();
    let at = lower.find(word)? + word.len();
    let rest = lower.get(at..)?.trim_start_matches([' ', ':', '=', '(', ')']);
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

fn load(fields: &str) -> Option<f64> {
    number_after(fields, "load").or_else(|| number_after(fields, "aas"))
}

fn statement(rest: &str) -> Option<Value> {
    let (text, fields) = split(rest);
    let waits: Vec<Value> = fields
        .split_once("waits:")
        .map(|(_, waits)| waits.split('|').next().unwrap_or(waits))
        .into_iter()
        .flat_map(|waits| waits.split(','))
        .filter_map(|wait| {
            let (name, load) = wait.trim().rsplit_once(' ')?;
            Some(pair(name.trim(), load.trim_end_matches('%').parse().ok()?))
        })
        .collect();
    let user =
        fields.to_lowercase().find("user:").and_then(|at| fields.get(at + 5..)).map(|rest| rest.split('|').next().unwrap_or(rest).trim());
    Some(json!({
        "text": cut(text, STATEMENT),
        "load": load(fields)?,
        "calls": number_after(fields, "calls per second").or_else(|| number_after(fields, "calls/sec")),
        "waits": waits,
        "user": user,
    }))
}

fn named(rest: &str) -> Option<Value> {
    let (name, fields) = split(rest);
    Some(pair(name, load(fields)?))
}
