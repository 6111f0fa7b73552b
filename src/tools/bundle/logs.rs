//! Text logs of any convention: lines in, records out.

use serde_json::Value;

use crate::model::{
    Entity,
    observation::{Level, LogLine, LogStream},
};

/// Reads `text` as a log; `None` when it holds no line at all.
pub fn read(source: &str, text: &str) -> Option<LogStream> {
    let mut lines = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        lines.push(LogLine { number, time: None, level: Level::Info, service: String::new(), text: line.to_owned(), fields: Value::Null });
    }
    if lines.is_empty() {
        return None;
    }
    Some(LogStream {
        source: source.to_owned(),
        entity: Entity::default(),
        container: String::new(),
        previous: false,
        dialect: "text".to_owned(),
        lines,
    })
}
