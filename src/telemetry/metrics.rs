//! Every number that this process counts, in Prometheus' text format at `/metrics`.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

/// One label; its values are a closed set, never data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// The process's metrics. Cheap to share behind an `Arc`.
pub struct Metrics {
    registry: Registry,
    received: Family<Kind, Counter>,
    refused: Family<Kind, Counter>,
    unknown_events: Counter,
    duplicates: Counter,
    investigations: Family<Kind, Counter>,
    slack_calls: Family<Kind, Counter>,
    socket: Family<Kind, Counter>,
    tool_calls: Family<Kind, Counter>,
    tool_bytes: Counter,
    investigation_seconds: Histogram,
    tool_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sre_agent");
        let investigation_seconds = Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]);
        let tool_seconds = Histogram::new([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]);
        let metrics = Self {
            received: Family::default(),
            refused: Family::default(),
            unknown_events: Counter::default(),
            duplicates: Counter::default(),
            investigations: Family::default(),
            slack_calls: Family::default(),
            socket: Family::default(),
            tool_calls: Family::default(),
            tool_bytes: Counter::default(),
            investigation_seconds,
            tool_seconds,
            registry: Registry::default(),
        };
        registry.register("records_received", "Inbound records made durable, by door", metrics.received.clone());
        registry.register("requests_refused", "Inbound requests refused, by reason", metrics.refused.clone());
        registry.register(
            "unknown_events",
            "Slack events of a type that this version does not know, acknowledged",
            metrics.unknown_events.clone(),
        );
        registry.register("duplicate_deliveries", "Deliveries that had been recorded before", metrics.duplicates.clone());
        registry.register("investigations", "Investigations finished, by status", metrics.investigations.clone());
        registry.register("slack_calls", "Slack Web API calls, by outcome", metrics.slack_calls.clone());
        registry.register("slack_socket", "What happened to Socket Mode connections and envelopes", metrics.socket.clone());
        registry.register("investigation_seconds", "Wall time of an investigation", metrics.investigation_seconds.clone());
        registry.register("tool_calls", "Calls of live tools, by outcome", metrics.tool_calls.clone());
        registry.register("tool_bytes", "Bytes that live tools read", metrics.tool_bytes.clone());
        registry.register("tool_seconds", "Wall time of a live tool's call", metrics.tool_seconds.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    pub fn record_received(&self, door: &'static str) {
        self.received.get_or_create(&Kind { kind: door }).inc();
    }

    pub fn request_refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Kind { kind: reason }).inc();
    }

    pub fn unknown_event(&self) {
        self.unknown_events.inc();
    }

    pub fn duplicate_delivery(&self) {
        self.duplicates.inc();
    }

    pub fn investigation_finished(&self, status: &'static str, seconds: f64) {
        self.investigations.get_or_create(&Kind { kind: status }).inc();
        self.investigation_seconds.observe(seconds);
    }

    pub fn slack_call(&self, outcome: &'static str) {
        self.slack_calls.get_or_create(&Kind { kind: outcome }).inc();
    }

    /// `connected`, `refreshed`, `reconnecting`, `refused`, `link_disabled`; `not_acknowledged` is one envelope.
    pub fn socket(&self, what: &'static str) {
        self.socket.get_or_create(&Kind { kind: what }).inc();
    }

    pub fn tool_called(&self, outcome: &'static str, seconds: f64, bytes: u64) {
        self.tool_calls.get_or_create(&Kind { kind: outcome }).inc();
        self.tool_bytes.inc_by(bytes);
        self.tool_seconds.observe(seconds);
    }

    /// Everything, in OpenMetrics text.
    pub fn render(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut out, &self.registry);
        out
    }
}
