//! One span, as tests put it into SigNoz, Tempo and Jaeger.

use super::common::{Pairs, nanos};
use jiff::Timestamp;

#[derive(Debug, Clone)]
pub struct Span {
    /// 32 and 16 hexadecimal digits.
    pub trace_id: String,
    pub span_id: String,
    /// Empty for a root.
    pub parent: String,
    pub service: String,
    pub name: String,
    pub ns: i64,
    pub duration_ns: i64,
    pub error: Option<String>,
    pub attrs: Pairs,
}

impl Span {
    pub fn new(trace_id: &str, span_id: &str, parent: &str, service: &str, name: &str, time: Timestamp, millis: i64) -> Self {
        Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            parent: parent.to_owned(),
            service: service.to_owned(),
            name: name.to_owned(),
            ns: nanos(time),
            duration_ns: millis * 1_000_000,
            error: None,
            attrs: Vec::new(),
        }
    }

    /// The same span, failed with this message.
    pub fn failed(self, message: &str) -> Self {
        Self { error: Some(message.to_owned()), ..self }
    }

    pub fn attr(mut self, key: &str, value: &str) -> Self {
        self.attrs.push((key.to_owned(), value.to_owned()));
        self
    }
}
