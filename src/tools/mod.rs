//! Where observations come from. A tool is a name, a description and one call; limits, audit and redaction wrap it from outside.
//!
//! Tools know one source each and hand out `model::observation` values; they never see Slack, an incident or a verdict.

mod registry;

pub mod bundle;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Entity, ToolSpec, observation::Observations};

pub use registry::Registry;

/// What a tool is asked for. Empty fields mean "everything that you have, within your limits".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// What the alert or question is about; a tool may answer with its neighbours too.
    pub focus: Vec<Entity>,
    /// Free words: service names, error texts.
    pub words: Vec<String>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// What a tool answers.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Shared, so that an answer from memory costs nothing.
    pub observations: Arc<Observations>,
    /// The query in the backend's own language, for a person to repeat; empty for files.
    pub query: String,
    /// There was more than the limits allow.
    pub truncated: bool,
}

/// Why a tool has no answer. Data for the report's gaps, never the end of an investigation.
#[derive(Debug, thiserror::Error)]
#[error("{tool}: {message}")]
pub struct ToolError {
    pub tool: String,
    /// One sentence for a person, without secrets.
    pub message: String,
    pub kind: ToolErrorKind,
}

/// The sort of a tool's failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolErrorKind {
    Timeout,
    Unavailable,
    PermissionDenied,
    BadAnswer,
    Unknown,
}

/// One way to learn something about the running system.
#[async_trait]
pub trait Tool: Send + Sync {
    fn spec(&self) -> ToolSpec;

    /// Answers `query`.
    ///
    /// # Errors
    /// When the source cannot be asked at all; a part that could not be read is a gap in the answer instead.
    async fn call(&self, query: &Query) -> Result<Output, ToolError>;
}
