//! What tools bring back, in one neutral shape, whether it came from a live system, a JSON dump or the text of `kubectl`.
//!
//! Analysis reads only this. Kubernetes objects keep the shape of the Kubernetes API (its field names are the field's
//! standard vocabulary); a reader of `kubectl describe` text fills the same fields that the API's JSON would have.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entity::Entity;

/// Everything that was gathered for one investigation; several tools' answers are merged into one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observations {
    pub objects: Vec<Object>,
    pub events: Vec<Event>,
    pub logs: Vec<LogStream>,
    pub metrics: Vec<Series>,
    pub spans: Vec<TraceSpan>,
    /// Caller to callee.
    pub edges: Vec<Edge>,
    pub changes: Vec<Change>,
    pub documents: Vec<Document>,
    /// What could not be read, and why: one sentence each.
    pub gaps: Vec<String>,
}

impl Observations {
    /// Takes over everything that `other` holds.
    pub fn merge(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.events.extend(other.events);
        self.logs.extend(other.logs);
        self.metrics.extend(other.metrics);
        self.spans.extend(other.spans);
        self.edges.extend(other.edges);
        self.changes.extend(other.changes);
        self.documents.extend(other.documents);
        self.gaps.extend(other.gaps);
    }
}

/// A Kubernetes object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Object {
    /// Where it was read: a tool's query, or a path inside the bundle.
    pub source: String,
    pub api_version: String,
    pub kind: String,
    /// Empty for cluster-wide kinds.
    pub namespace: String,
    pub name: String,
    pub cluster: String,
    /// The whole object as the Kubernetes API has it (`metadata`, `spec`, `status`, …). Fields that the source did not show are absent.
    pub body: Value,
    /// The source shows only a part (a `kubectl get` table, a `describe` text): absence of a field proves nothing.
    pub partial: bool,
}

impl Object {
    pub fn entity(&self) -> Entity {
        Entity { kind: self.kind.clone(), namespace: self.namespace.clone(), name: self.name.clone(), cluster: self.cluster.clone() }
    }
}

/// A Kubernetes event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    pub source: String,
    /// The involved object.
    pub entity: Entity,
    /// `Normal` or `Warning`.
    pub event_type: String,
    pub reason: String,
    pub message: String,
    /// The component that reported it: `kubelet`, `default-scheduler`.
    pub reporter: String,
    pub count: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// The age as the source printed it (`3m12s`), where it gave no instant.
    pub age_seconds: Option<u64>,
}

/// How loud a log line is; every convention is mapped to these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Trace,
    Debug,
    /// Also a line whose level is unknown.
    #[default]
    Info,
    Warn,
    Error,
    Fatal,
}

/// One log: of a container, a server, a service or a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogStream {
    pub source: String,
    /// Who wrote it, as far as the source says: a Pod, a Database, a Service; empty otherwise.
    pub entity: Entity,
    pub container: String,
    /// It is the log of the container's previous run.
    pub previous: bool,
    /// `mongod` for a mongod log, `text` for everything without a special reader.
    pub dialect: String,
    pub lines: Vec<LogLine>,
}

/// One record of a log: a line, or a line with its stack trace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogLine {
    /// From 1, in the source.
    pub number: u32,
    pub time: Option<Timestamp>,
    pub level: Level,
    /// The source gave the level; otherwise `level` is what it is taken for.
    pub level_stated: bool,
    /// The service, where one stream mixes several; empty otherwise.
    pub service: String,
    /// The message without time and level prefixes where they could be told apart; at most 4 KiB.
    pub text: String,
    /// Structured fields of a JSON or mongod line; `Null` for plain text.
    pub fields: Value,
}

impl LogLine {
    /// The level, as far as the source or a stack trace tells it.
    pub fn known_level(&self) -> Option<Level> {
        (self.level_stated || self.level != Level::Info).then_some(self.level)
    }
}

/// One metric of one service or object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Series {
    pub source: String,
    pub entity: Entity,
    pub metric: String,
    pub labels: BTreeMap<String, String>,
    /// In time order.
    pub points: Vec<(Timestamp, f64)>,
}

/// One span of a trace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceSpan {
    pub source: String,
    pub trace_id: String,
    pub span_id: String,
    pub parent_id: String,
    pub service: String,
    pub name: String,
    pub kind: SpanKind,
    /// The pod or other instance of the service that ran it; empty where unknown.
    pub instance: String,
    pub start: Timestamp,
    pub duration_ms: f64,
    pub status: String,
    /// What the span says went wrong: an exception's or the status' message; short, and empty where it says nothing.
    pub error: String,
    /// Further facts of the span: at most 16 short ones.
    pub attributes: BTreeMap<String, String>,
}

/// Which end of a call a span is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    #[default]
    Unknown,
    Client,
    Server,
    Internal,
    Producer,
    Consumer,
}

/// A dependency: `caller` needs `callee`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub caller: String,
    pub callee: String,
}

/// Something that somebody or something changed on purpose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    pub source: String,
    /// A commit, a deploy's id, a rollout's revision.
    pub id: String,
    /// `deploy`, `commit`, `flag`, `config`, `scale`…
    pub kind: String,
    pub service: String,
    pub entity: Entity,
    pub time: Option<Timestamp>,
    pub author: String,
    pub summary: String,
    pub files: Vec<String>,
    pub diff: String,
}

/// An answer in a database's or backend's own words that fits none of the above: `serverStatus`, `replSetGetStatus`…
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    pub source: String,
    /// The command that gives it, in the server's own spelling; `text` for prose that no reader knows.
    pub kind: String,
    pub body: Value,
}
