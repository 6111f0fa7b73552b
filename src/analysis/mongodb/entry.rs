//! mongod's log lines, with names instead of JSON paths.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{Focus, Seen};
use crate::model::{
    Entity, EvidenceKind,
    observation::{Level, LogLine, LogStream},
};

/// How far from the time that the question names an event may lie.
const NAMED_WINDOW: f64 = 90.0;

/// One server's log.
pub struct Node<'a> {
    pub stream: &'a LogStream,
    /// `host:port`, or the file's name where the log does not say.
    pub name: String,
    pub entries: Vec<Entry<'a>>,
}

/// One line of it.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub line: &'a LogLine,
    pub id: u64,
    pub msg: &'a str,
}

impl<'a> Node<'a> {
    pub fn new(stream: &'a LogStream) -> Self {
        let entries = stream.lines.iter().map(Entry::new).collect();
        let file = stream.source.rsplit('/').next().unwrap_or(&stream.source);
        let name = if stream.entity.name.is_empty() { file.to_owned() } else { stream.entity.name.clone() };
        Self { stream, name, entries }
    }

    pub fn entity(&self) -> Entity {
        Entity { kind: "Database".to_owned(), name: self.name.clone(), ..self.stream.entity.clone() }
    }

    /// Evidence from some of this node's lines, which are in the log's order.
    pub fn seen(&self, entries: &[Entry<'_>], summary: String, decisive: bool) -> Seen {
        let excerpt: Vec<&str> = entries.iter().take(3).map(|entry| entry.line.text.as_str()).collect();
        Seen {
            kind: EvidenceKind::Database,
            source: self.stream.source.clone(),
            query: String::new(),
            entity: self.entity(),
            time: entries.iter().find_map(|entry| entry.line.time),
            until: if entries.len() > 1 { entries.iter().rev().find_map(|entry| entry.line.time) } else { None },
            summary: clip(&summary, 300),
            excerpt: clip(&excerpt.join("\n"), 1000),
            decisive,
        }
    }
}

impl<'a> Entry<'a> {
    fn new(line: &'a LogLine) -> Self {
        Self {
            line,
            id: line.fields.get("id").and_then(Value::as_u64).unwrap_or(0),
            msg: line.fields.get("msg").and_then(Value::as_str).unwrap_or(&line.text),
        }
    }

    pub fn time(&self) -> Option<Timestamp> {
        self.line.time
    }

    pub fn level(&self) -> Level {
        self.line.level
    }

    /// A string below `attr`, by path.
    pub fn text(&self, path: &[&str]) -> Option<&'a str> {
        self.value(path).and_then(Value::as_str)
    }

    pub fn number(&self, path: &[&str]) -> Option<f64> {
        self.value(path).and_then(super::number)
    }

    pub fn value(&self, path: &[&str]) -> Option<&'a Value> {
        path.iter().try_fold(self.line.fields.get("attr")?, |value, key| value.get(*key))
    }

    pub fn context(&self) -> &'a str {
        self.line.fields.get("ctx").and_then(Value::as_str).unwrap_or("")
    }

    /// The words of the line contain `needle`, in any case; message and attributes both.
    pub fn says(&self, needle: &str) -> bool {
        contains_ignoring_case(&self.line.text, needle)
    }
}

/// `needle` is lower case ASCII.
pub fn contains_ignoring_case(haystack: &str, needle: &str) -> bool {
    let (bytes, wanted) = (haystack.as_bytes(), needle.as_bytes());
    let Some(first) = wanted.first() else { return true };
    let upper = first.to_ascii_uppercase();
    memchr::memchr2_iter(*first, upper, bytes)
        .any(|at| bytes.get(at..at + wanted.len()).is_some_and(|part| part.eq_ignore_ascii_case(wanted)))
}

/// At most `limit` characters, with an ellipsis where something is missing.
pub fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit.saturating_sub(1)) {
        Some((at, _)) if text.chars().count() > limit => format!("{}…", text.get(..at).unwrap_or("")),
        _ => text.to_owned(),
    }
}

/// Instants that the question or the alert names.
pub fn named_times(focus: &Focus) -> Vec<Timestamp> {
    let words = focus.text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '?' | ';' | '"' | '\'' | '(' | ')' | '`'));
    words.filter(|word| word.len() >= 17 && word.contains('T')).filter_map(|word| word.trim_end_matches('.').parse().ok()).collect()
}

/// The question speaks of this server: by `host:port`, by the host, or by the port alone.
pub fn is_named(focus: &Focus, address: &str) -> bool {
    let port = address.rsplit_once(':').map_or("", |(_, port)| port);
    focus.text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.' | ':' | '_'))).any(|word| {
        let word = word.trim_end_matches(['.', ':']);
        word.len() > 2
            && (word == address
                || word == port
                || address.strip_suffix(port).is_some_and(|host| host.trim_end_matches(':') == word && word != "localhost"))
    })
}

/// Whole seconds between two instants, positive when `b` is later.
pub fn seconds(a: Timestamp, b: Timestamp) -> f64 {
    b.duration_since(a).as_secs_f64()
}

/// How near an event is to the times that the question names: 1 at the time, 0 outside the window; `None` when it names none.
pub fn nearness(focus: &Focus, time: Timestamp) -> Option<f64> {
    let times = named_times(focus);
    if times.is_empty() {
        return None;
    }
    let distance = times.iter().map(|named| seconds(*named, time).abs()).fold(f64::INFINITY, f64::min);
    Some((1.0 - distance / NAMED_WINDOW).max(0.0))
}

/// The question is about who is primary.
pub fn asks_for_primary(focus: &Focus) -> bool {
    let text = focus.text.to_ascii_lowercase();
    ["primary", "elect", "take over", "took over", "takeover", "failover", "fail over"].iter().any(|word| text.contains(word))
}

/// At most so many seconds before `time`, or after it.
pub fn within(entry: &Entry<'_>, time: Timestamp, before: f64, after: f64) -> bool {
    entry.time().is_some_and(|at| (-after..=before).contains(&seconds(at, time)))
}
