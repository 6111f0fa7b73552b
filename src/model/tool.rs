//! What a tool says about itself, in the words of the Model Context Protocol.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A tool's name, what it is good for, what it wants and what it does to the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// `loki_logs`, `kubernetes_objects`…; unique in a process.
    pub name: String,
    pub description: String,
    /// The kind of evidence that an agent asks for by this word: `logs`, `metrics`… Empty for a tool that answers a precise
    /// question and is never asked by an agent on its own.
    pub topic: String,
    /// The system behind it; limits, the circuit breaker and `doctor` go by it. Empty for what is in memory.
    pub backend: String,
    /// The JSON Schema of its arguments.
    pub schema: Value,
    pub annotations: Annotations,
}

/// MCP's hints about a tool. A tool in doubt says the more dangerous word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotations {
    /// It changes nothing.
    pub read_only: bool,
    /// What it changes may be lost.
    pub destructive: bool,
    /// A second call with the same arguments changes nothing more.
    pub idempotent: bool,
}

impl Annotations {
    /// Looks and touches nothing.
    pub const READING: Self = Self { read_only: true, destructive: false, idempotent: true };
    /// Nothing is known, so the worst is assumed.
    pub const UNKNOWN: Self = Self { read_only: false, destructive: true, idempotent: false };
}

impl ToolSpec {
    /// A tool that only reads, without arguments of its own.
    pub fn reading(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            topic: String::new(),
            backend: String::new(),
            schema: json!({"type": "object"}),
            annotations: Annotations::READING,
        }
    }

    /// Asked by agents for this kind of evidence.
    #[must_use]
    pub fn about(mut self, topic: impl Into<String>) -> Self {
        self.topic = topic.into();
        self
    }

    /// Asks this system.
    #[must_use]
    pub fn of(mut self, backend: impl Into<String>) -> Self {
        self.backend = backend.into();
        self
    }

    /// Wants arguments of this schema.
    #[must_use]
    pub fn wanting(mut self, schema: Value) -> Self {
        self.schema = schema;
        self
    }
}
