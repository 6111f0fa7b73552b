//! What a span says beside its times: which end of the call it is, where it ran, what went wrong. Bounded, whatever the tracer sends.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::observation::SpanKind;

/// Facts of one span, kept short: a trace has thousands of spans.
#[derive(Debug, Default)]
pub struct Facts {
    pub kind: SpanKind,
    pub instance: String,
    pub error: String,
    pub attributes: BTreeMap<String, String>,
}

const KEPT: usize = 16;
const KEY_CHARS: usize = 64;
const VALUE_CHARS: usize = 200;

/// These say which call failed and how, so they are kept before all others.
const TELLING: [&str; 8] = ["error", "exception", "http", "rpc", "db", "messaging", "server", "peer"];

impl Facts {
    /// `own` are the span's attributes, `around` those of the process that ran it.
    pub fn new(own: &Map<String, Value>, around: &Map<String, Value>) -> Self {
        let mut facts = Self::default();
        let find = |keys: &[&str]| keys.iter().find_map(|key| own.get(*key).or_else(|| around.get(*key))).map(plain).unwrap_or_default();
        facts.instance = cut(&find(&["k8s.pod.name", "pod", "pod_name", "service.instance.id", "host.name", "hostname"]), VALUE_CHARS);
        if let Some(kind) = own.get("span.kind").or_else(|| own.get("span_kind")) {
            facts.kind_of(kind);
        }
        facts.exception(own);
        let telling = |key: &str| TELLING.contains(&key.split(['.', '_']).next().unwrap_or(key));
        let (first, rest): (Vec<_>, Vec<_>) = own.iter().partition(|(key, _)| telling(key));
        let scalar = first.into_iter().chain(rest).filter(|(_, value)| !value.is_object() && !value.is_array() && !value.is_null());
        facts.attributes = scalar.take(KEPT).map(|(key, value)| (cut(key, KEY_CHARS), cut(&plain(value), VALUE_CHARS))).collect();
        facts
    }

    /// OpenTelemetry's number or name, or Zipkin's and Jaeger's word; anything else changes nothing.
    pub fn kind_of(&mut self, value: &Value) {
        let word = plain(value).to_ascii_lowercase();
        self.kind = match word.trim_start_matches("span_kind_") {
            "1" | "internal" => SpanKind::Internal,
            "2" | "server" => SpanKind::Server,
            "3" | "client" => SpanKind::Client,
            "4" | "producer" => SpanKind::Producer,
            "5" | "consumer" => SpanKind::Consumer,
            _ => self.kind,
        };
    }

    /// The first message wins: it is the nearest to the cause.
    pub fn failure(&mut self, message: &str) {
        if self.error.is_empty() {
            self.error = cut(message.trim(), VALUE_CHARS);
        }
    }

    /// An exception's fields, by OpenTelemetry's and OpenTracing's names.
    pub fn exception(&mut self, fields: &Map<String, Value>) {
        let get = |keys: &[&str]| keys.iter().find_map(|key| fields.get(*key)).map(plain).unwrap_or_default();
        let kind = get(&["exception.type", "error.kind", "error.type"]);
        let mut message = get(&["exception.message", "error.message", "error.object", "error.msg"]);
        // OpenTracing: the message of an event that says to be an error
        let is_error = !kind.is_empty() || fields.get("event").is_some_and(|event| plain(event) == "error");
        if message.is_empty() && is_error {
            message = get(&["message"]);
        }
        match (kind.is_empty(), message.is_empty()) {
            (_, true) => self.failure(&kind),
            (true, false) => self.failure(&message),
            (false, false) if message.starts_with(&kind) => self.failure(&message),
            (false, false) => self.failure(&format!("{kind}: {message}")),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn cut(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}
