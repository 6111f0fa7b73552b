//! Text logs of any convention: lines in, records out.
//!
//! `header` takes time, level and process off the front, `json` knows structured lines, `fold` joins stack traces to the
//! line that they belong to. Nothing here uses a regular expression: a log of 100,000 lines is read in a fraction of a second.

pub mod header;
pub mod json;
pub mod level;
pub mod time;

mod fold;
mod lean;
mod verdict;

use std::borrow::Cow;

use serde_json::Value;

use crate::model::{
    Entity,
    observation::{Level, LogLine, LogStream},
};

/// Longest text of one record, in bytes.
pub const LINE_LIMIT: usize = 4096;

/// Reads `text` as a log; `None` when it holds no line at all.
pub fn read(source: &str, text: &str) -> Option<LogStream> {
    let mut lines: Vec<LogLine> = Vec::new();
    let mut reader = Reader::default();
    let mut take = |record: &mut LogLine| lines.push(std::mem::take(record));
    for (number, line) in (1_u32..).zip(text.lines()) {
        reader.line(number, line, &mut take);
    }
    reader.finish(&mut take);
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

/// Makes records of lines, one after the other; holds one record at a time, so that a log of any size can be read.
#[derive(Default)]
pub struct Reader {
    /// The record that may go on.
    record: LogLine,
    open: bool,
    trace: fold::Trace,
    lean: bool,
}

impl Reader {
    /// Without the fields of structured lines, which is faster: `LogLine::fields` stays null.
    pub fn lean() -> Self {
        Self { lean: true, ..Self::default() }
    }

    /// Takes the next line; hands every record that is complete now to `done`.
    pub fn line(&mut self, number: u32, raw: &str, done: &mut impl FnMut(&mut LogLine)) {
        let line = without_ansi(raw);
        let line = cut(line.trim_end(), LINE_LIMIT);
        if line.trim_start().is_empty() {
            return;
        }
        if line.starts_with('{')
            && let Some(record) = self.object(line)
        {
            self.structured(number, record, done);
            return;
        }
        let head = header::parse(line);
        let body = head.message.trim_start();
        if head.timed
            && body.starts_with('{')
            && let Some(mut record) = self.object(body)
        {
            record.time = head.time.or(record.time);
            record.level = record.level.or(head.level);
            self.structured(number, record, done);
            return;
        }
        if head.level.is_none()
            && let Some(mut record) = json::logfmt(body)
        {
            record.time = record.time.or(head.time);
            if record.service.is_empty() {
                record.service = head.service.to_owned();
            }
            self.structured(number, record, done);
            return;
        }
        if !head.is_logger()
            && self.open
            && (fold::continues(head.message, &mut self.trace, &self.record.text)
                || (self.record.level >= Level::Error && !head.timed && fold::names_exception(head.message)))
        {
            extend(&mut self.record.text, head.message);
            return;
        }
        self.trace = fold::opened(head.message);
        let record = self.next(number, done);
        record.time = head.time;
        record.level = head.level.unwrap_or(Level::Info);
        record.level_stated = head.level.is_some();
        record.service.push_str(head.service);
        record.text.push_str(head.message.trim());
    }

    fn object(&self, line: &str) -> Option<json::Structured> {
        if self.lean { lean::object(line) } else { json::object(line) }
    }

    /// Hands over the last record.
    pub fn finish(mut self, done: &mut impl FnMut(&mut LogLine)) {
        self.complete(done);
    }

    fn complete(&mut self, done: &mut impl FnMut(&mut LogLine)) {
        if self.open {
            settle_level(&mut self.record);
            done(&mut self.record);
        }
    }

    /// An empty record in the place of the complete one; its strings keep their memory where `done` left it.
    fn next(&mut self, number: u32, done: &mut impl FnMut(&mut LogLine)) -> &mut LogLine {
        self.complete(done);
        self.open = true;
        self.record.number = number;
        self.record.service.clear();
        self.record.text.clear();
        self.record.fields = Value::Null;
        &mut self.record
    }

    fn structured(&mut self, number: u32, structured: json::Structured, done: &mut impl FnMut(&mut LogLine)) {
        self.trace = fold::Trace::None;
        // a container's JSON wraps a line that has a head of its own
        let inner = header::parse(structured.message.trim_end());
        let level = structured.level.or(inner.level);
        let text = if inner.is_logger() && inner.timed { inner.message } else { structured.message.as_str() };
        let text = without_ansi(text);
        let record = self.next(number, done);
        record.time = structured.time.or(inner.time);
        record.level = level.unwrap_or(Level::Info);
        record.level_stated = level.is_some();
        record.service.push_str(&structured.service);
        record.text.push_str(cut(text.trim(), LINE_LIMIT));
        record.fields = structured.fields;
    }
}

/// Adds a continuation; frames are dropped first when the record is full, so that its causes still fit.
fn extend(text: &mut String, line: &str) {
    let trimmed = line.trim_start();
    let frame = fold::is_frame(trimmed, trimmed.len() < line.len()) || trimmed.len() < line.len();
    let limit = if frame { LINE_LIMIT / 2 } else { LINE_LIMIT };
    if text.len() + line.len() < limit {
        text.push('\n');
        text.push_str(line.trim_end());
    }
}

/// A trace without a level is an error.
fn settle_level(record: &mut LogLine) {
    if record.level == Level::Info && record.text.contains('\n') {
        let traced = ["Traceback (most recent", "\n\tat ", "\n    at ", "\nCaused by", "panicked at", "\ngoroutine "];
        if traced.iter().any(|mark| record.text.contains(mark)) {
            record.level = Level::Error;
        }
    }
}

/// The text without terminal colours.
pub fn without_ansi(text: &str) -> Cow<'_, str> {
    if memchr::memchr(0x1b, text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(rest.get(..at).unwrap_or(""));
        let after = rest.get(at + 1..).unwrap_or("");
        rest = match after.strip_prefix('[') {
            Some(sequence) => {
                let end = sequence.find(|c: char| c.is_ascii_alphabetic() || c == '~').map_or(sequence.len(), |end| end + 1);
                sequence.get(end..).unwrap_or("")
            }
            None => after,
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// At most `limit` bytes, never inside a character.
pub fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit { text } else { text.get(..text.floor_char_boundary(limit)).unwrap_or("") }
}

#[cfg(test)]
mod tests;
