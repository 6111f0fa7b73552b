//! `aws rds describe-events`: what happened to instances and clusters, as lines of a log.

use serde_json::Value;

use super::super::{logs::time, wrapping::cut};
use crate::model::observation::{Level, LogLine, LogStream};

/// `None` when `text` is nothing of the kind.
pub fn read(source: &str, text: &str) -> Option<LogStream> {
    if !text.trim_start().starts_with('{') || !cut(text, 4_096).contains("\"SourceIdentifier\"") {
        return None;
    }
    let body: Value = serde_json::from_str(text).ok()?;
    let mut lines: Vec<LogLine> =
        (1_u32..).zip(body.get("Events")?.as_array()?).filter_map(|(number, event)| line(number, event)).collect();
    lines.sort_by_key(|line| line.time);
    Some(LogStream { source: source.to_owned(), dialect: "text".to_owned(), lines, ..LogStream::default() })
}

fn line(number: u32, event: &Value) -> Option<LogLine> {
    let categories: Vec<&str> =
        event.get("EventCategories").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let level = match categories.first() {
        Some(&("failure" | "low storage")) => Level::Error,
        Some(&("failover" | "availability")) => Level::Warn,
        _ => Level::Info,
    };
    Some(LogLine {
        number,
        time: event.get("Date").and_then(time::field),
        level,
        level_stated: true,
        service: event.get("SourceIdentifier")?.as_str()?.to_owned(),
        text: event.get("Message")?.as_str()?.to_owned(),
        ..LogLine::default()
    })
}
