//! Tables, of files and of query backends, as rows: objects with the columns' names as keys.

use serde_json::{Map, Value};

/// Separators of text tables.
const SEPARATORS: &[u8] = b",;\t|";
/// Names of a column that holds the time, in small letters.
pub const TIMES: &[&str] =
    &["timestamp", "time", "ts", "date", "datetime", "@timestamp", "_time", "timegenerated", "time_bucket", "bucket"];
/// What answers call their lists, where a list is all that they hold.
const LISTS: &[&str] = &[
    "results",
    "events",
    "logs",
    "entries",
    "records",
    "items",
    "hits",
    "data",
    "spans",
    "traces",
    "metrics",
    "series",
    "changes",
    "deployments",
    "deploys",
    "commits",
    "releases",
    "rollouts",
    "rows",
    "pull_requests",
    "Events",
];
/// Keys beside a list that hold more than the list's bookkeeping.
const MEANT: &[&str] = &["kind", "apiVersion", "alerts", "status_code", "inprog", "members"];

/// A text table.
pub struct Text {
    /// In small letters and without blanks around.
    pub header: Vec<String>,
    pub rows: Vec<csv::StringRecord>,
    /// Rows that are damaged.
    pub broken: usize,
}

impl Text {
    /// Which column has one of these names.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        self.header.iter().position(|name| names.contains(&name.as_str()))
    }

    /// One cell, without blanks around.
    pub fn cell(row: &csv::StringRecord, at: usize) -> &str {
        row.get(at).map_or("", str::trim)
    }

    /// The rows as objects.
    pub fn objects(&self) -> Vec<Value> {
        let object = |row: &csv::StringRecord| {
            let pairs = self.header.iter().enumerate().filter(|(at, name)| !name.is_empty() && !Self::cell(row, *at).is_empty());
            Value::Object(pairs.map(|(at, name)| (name.clone(), Value::from(Self::cell(row, at)))).collect())
        };
        self.rows.iter().map(object).collect()
    }
}

/// Reads a text whose first line is a header; `None` when it has not at least two columns of the same separator in its first two lines.
pub fn text(text: &str) -> Option<Text> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (head, first) = (lines.next()?, lines.next()?);
    let count = |line: &str, separator: u8| line.bytes().filter(|b| *b == separator).count();
    let separator = *SEPARATORS.iter().find(|separator| count(head, **separator) > 0 && count(first, **separator) > 0)?;
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().ok()?.iter().map(|name| name.trim().to_owned()).collect();
    let is_name = |name: &String| name.len() <= 200 && !name.contains(['\n']);
    if header.len() < 2 || !header.iter().all(is_name) {
        return None;
    }
    let header = header.into_iter().map(|name| if name.contains('{') { name } else { name.to_ascii_lowercase() }).collect();
    let (mut rows, mut broken) = (Vec::new(), 0);
    for row in reader.records() {
        match row {
            Ok(row) => rows.push(row),
            Err(_) => broken += 1,
        }
    }
    Some(Text { header, rows, broken })
}

/// Rows of an answer that is one table or one list; `None` for every other shape.
pub fn rows(value: &Value) -> Option<Vec<Value>> {
    let map = value.as_object()?;
    if let Some(names) = ["columns", "schema", "meta"].iter().find_map(|key| names(map.get(*key)?)) {
        let rows = ["values", "rows", "datarows", "data"].iter().find_map(|key| map.get(*key)?.as_array())?;
        return Some(rows.iter().map(|row| named(&names, row)).collect());
    }
    if let Some(table) = map.get("tables").and_then(Value::as_array).and_then(|tables| tables.first()) {
        return rows(table);
    }
    if MEANT.iter().any(|key| map.contains_key(*key)) {
        return None;
    }
    let lists: Vec<&Vec<Value>> = LISTS.iter().filter_map(|key| map.get(*key)?.as_array()).filter(|list| !list.is_empty()).collect();
    let [list] = lists[..] else { return None };
    Some(list.iter().map(item).collect())
}

fn names(value: &Value) -> Option<Vec<String>> {
    let name = |column: &Value| column.as_str().or_else(|| column.get("name")?.as_str()).map(str::to_owned);
    let names: Option<Vec<String>> = value.as_array()?.iter().map(name).collect();
    names.filter(|names| !names.is_empty())
}

fn named(names: &[String], row: &Value) -> Value {
    match row {
        Value::Array(cells) => {
            let pairs = names.iter().cloned().zip(cells.iter().cloned());
            Value::Object(pairs.filter(|(_, cell)| !cell.is_null()).collect())
        }
        other => other.clone(),
    }
}

/// One row: pairs of field and value, attributes around which an API has put its own frame, or itself.
fn item(value: &Value) -> Value {
    if let Some(fields) = value.as_array() {
        let pair = |field: &Value| Some((field.get("field")?.as_str()?.trim_start_matches('@').to_owned(), field.get("value")?.clone()));
        return Value::Object(fields.iter().filter_map(pair).collect());
    }
    let Some(attributes) = value.get("attributes").and_then(Value::as_object).filter(|_| value.get("type").is_some()) else {
        return value.clone();
    };
    let mut row: Map<String, Value> = attributes.clone();
    // Datadog: a log's level is its status, a span's times have names of their own.
    for (theirs, ours) in
        [("start_timestamp", "start"), ("end_timestamp", "end"), ("resource_name", "name"), ("operation_name", "operation")]
    {
        if let Some(found) = attributes.get(theirs) {
            row.insert(ours.to_owned(), found.clone());
        }
    }
    if row.contains_key("message")
        && let Some(status) = attributes.get("status")
    {
        row.insert("level".to_owned(), status.clone());
    }
    Value::Object(row)
}
