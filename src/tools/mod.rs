//! Where observations come from. A tool is a name, a description, a schema and one call; limits, retries, the circuit
//! breaker, the cache, redaction and audit wrap it from outside ([`Guards`]).
//!
//! Tools know one source each and hand out `model::observation` values; they never see Slack, an incident or a verdict.

mod breaker;
mod guard;
mod live;
mod redacted;
mod registry;
mod samples;
mod sources;
mod window;

pub mod alertmanager;
pub mod atlas;
pub mod bundle;
pub mod datadog;
pub mod deployments;
pub mod elasticsearch;
pub mod http;
pub mod kubernetes;
pub mod loki;
pub mod mcp;
pub mod mongodb;
pub mod probes;
pub mod prometheus;
pub mod signoz;
pub mod traces;
pub mod victorialogs;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::model::{Entity, Finding, ToolSpec, observation::Observations};

pub use guard::{Called, Guards, Keep, Limits, Outcome, Watcher};
pub use registry::Registry;
pub use sources::{Backends, HTTP_KINDS, Source, Sources};
pub use window::Window;

/// What an agent asks a tool for. Empty fields mean "everything that you have, within your limits".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// What the alert or question is about, the most specific first; a tool may answer with its neighbours too.
    pub focus: Vec<Entity>,
    /// The namespace that it is in, where one is known.
    pub namespace: String,
    /// Free words: service names, pods without their hash, words of the question.
    pub words: Vec<String>,
    /// The services that the subject calls.
    pub needs: Vec<String>,
    /// The alert's labels.
    pub labels: BTreeMap<String, String>,
    /// RFC 3339; an hour before `until` where it is not given.
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    /// RFC 3339; now where it is not given.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
}

/// What a tool answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Output {
    /// Shared, so that an answer from memory costs nothing.
    #[serde(with = "shared")]
    pub observations: Arc<Observations>,
    /// What was asked of the backend, in its own language, for a person to repeat; nothing for files.
    pub asked: Vec<Asked>,
    /// There was more than the limits allow.
    pub truncated: bool,
    /// What the answer cost.
    pub cost: Cost,
}

/// One question as the backend was asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The `source` of the observations that it brought.
    pub source: String,
    /// In the backend's own language.
    pub query: String,
    /// Where a person sees the same; only ever below the backend's configured address.
    pub link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What an answer cost the backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    pub calls: u64,
    pub bytes: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.bytes += other.bytes;
    }
}

/// Why a tool has no answer. Data for the report's gaps, never the end of an investigation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{tool}: {message}")]
pub struct ToolError {
    pub tool: String,
    /// One sentence for a person, without secrets.
    pub message: String,
    pub kind: ToolErrorKind,
}

impl ToolError {
    pub fn new(tool: impl Into<String>, message: impl Into<String>, kind: ToolErrorKind) -> Self {
        Self { tool: tool.into(), message: message.into(), kind }
    }

    /// The arguments are not what the tool's schema says.
    pub fn arguments(tool: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(tool, message, ToolErrorKind::BadArguments)
    }
}

/// The sort of a tool's failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolErrorKind {
    Timeout,
    /// Not reachable, or it failed itself (5xx).
    Unavailable,
    /// It wants fewer calls; after this time, where it said so.
    RateLimited(Option<Duration>),
    /// 401: it does not know us.
    Unauthenticated,
    /// 403: it knows us and does not allow it.
    PermissionDenied,
    /// It does not have what was asked for.
    NotFound,
    /// 409: somebody else wrote the object first.
    Conflict,
    /// The answer is not what the backend is documented to say.
    BadAnswer,
    /// The question does not fit the tool's schema, or the backend's language.
    BadArguments,
    /// Not asked: its circuit is open, or it is not configured or not allowed.
    NotAsked,
}

impl ToolErrorKind {
    /// The same call may succeed in a moment.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Unavailable | Self::RateLimited(_))
    }

    /// It says that the backend is not well, and not that the question was wrong.
    pub fn is_failure_of_backend(self) -> bool {
        matches!(self, Self::Timeout | Self::Unavailable | Self::BadAnswer)
    }
}

/// One way to learn something about the running system.
#[async_trait]
pub trait Tool: Send + Sync {
    fn spec(&self) -> ToolSpec;

    /// Answers `arguments`, which a tool with a topic reads as a [`Query`].
    ///
    /// # Errors
    /// When the source cannot be asked at all; a part that could not be read is a gap in the answer instead.
    async fn call(&self, arguments: &Value) -> Result<Output, ToolError>;
}

/// A system that is asked: its tools, and how it is when one tries.
#[async_trait]
pub trait Backend: Send + Sync {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>>;

    /// Tries it, for `doctor`: what works, what is lost and what to do.
    async fn examine(&self) -> Vec<Finding>;

    /// Keeps what it can answer from memory fresh, until the future is dropped; most have nothing to keep.
    async fn keep_warm(&self) {}

    /// What it keeps is there.
    fn is_warm(&self) -> bool {
        true
    }
}

/// Reads a tool's arguments into their type.
///
/// # Errors
/// Names the field that is wrong and what is expected there.
pub fn arguments<T: DeserializeOwned>(tool: &str, arguments: &Value) -> Result<T, ToolError> {
    let nothing = Value::Object(serde_json::Map::new());
    let arguments = if arguments.is_null() { &nothing } else { arguments };
    T::deserialize(arguments).map_err(|error| ToolError::arguments(tool, format!("the arguments do not fit: {error}")))
}

/// The JSON Schema of an argument type.
pub fn schema<T: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    if let Some(fields) = schema.as_object_mut() {
        fields.shift_remove("$schema");
        fields.shift_remove("title");
    }
    schema
}

/// Observations behind an `Arc`, as themselves.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::observation::Observations;

    pub fn serialize<S: Serializer>(value: &Arc<Observations>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Observations>, D::Error> {
        Observations::deserialize(deserializer).map(Arc::new)
    }
}
