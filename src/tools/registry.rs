//! The tools that this process has, by name, each call bounded in time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;

use super::{Output, Tool, ToolError, ToolErrorKind};
use crate::model::ToolSpec;

/// How long one call may take at the very most; the guard around a live tool ends it earlier.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(9);

/// The tools by name.
#[derive(Clone, Default)]
pub struct Registry {
    tools: BTreeMap<String, (ToolSpec, Arc<dyn Tool>)>,
}

impl Registry {
    /// A later tool takes the place of an earlier one of the same name.
    pub fn new(tools: Vec<Arc<dyn Tool>>) -> Self {
        let named = tools.into_iter().map(|tool| {
            let spec = tool.spec();
            (spec.name.clone(), (spec, tool))
        });
        Self { tools: named.collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// What every tool says about itself, by name.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.tools.values().map(|(spec, _)| spec)
    }

    /// The tools that answer for `topic`, or the one of that name.
    pub fn about<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a str> {
        self.specs()
            .filter(move |spec| !spec.topic.is_empty() && (spec.topic == topic || spec.name == topic))
            .map(|spec| spec.name.as_str())
    }

    /// Calls the tool `name`.
    ///
    /// # Errors
    /// When there is no such tool, it fails, or it takes longer than the time that a call may take.
    pub async fn call(&self, name: &str, arguments: &Value) -> Result<Output, ToolError> {
        let error = |message: String, kind| ToolError::new(name, message, kind);
        let Some((_, tool)) = self.tools.get(name) else {
            return Err(error("is not configured".to_owned(), ToolErrorKind::NotAsked));
        };
        match tokio::time::timeout(CALL_TIMEOUT, tool.call(arguments)).await {
            Ok(answer) => answer,
            Err(_) => Err(error(format!("no answer in {} s", CALL_TIMEOUT.as_secs()), ToolErrorKind::Timeout)),
        }
    }
}
