//! The tools that this process has, by name, each call bounded in time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Output, Query, Tool, ToolError, ToolErrorKind};

/// How long one call may take. Source: a person waits for the thread; the slowest documented backend timeout we set is 8 s.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// The tools by name.
#[derive(Clone, Default)]
pub struct Registry {
    tools: BTreeMap<String, Arc<dyn Tool>>,
}

impl Registry {
    pub fn new(tools: Vec<Arc<dyn Tool>>) -> Self {
        Self { tools: tools.into_iter().map(|tool| (tool.spec().name, tool)).collect() }
    }

    pub fn names(&self) -> Vec<&str> {
        self.tools.keys().map(String::as_str).collect()
    }

    /// Calls the tool `name`.
    ///
    /// # Errors
    /// When there is no such tool, it fails, or it takes longer than the time that a call may take.
    pub async fn call(&self, name: &str, query: &Query) -> Result<Output, ToolError> {
        let error = |message: String, kind| ToolError { tool: name.to_owned(), message, kind };
        let Some(tool) = self.tools.get(name) else {
            return Err(error("is not configured".to_owned(), ToolErrorKind::Unavailable));
        };
        match tokio::time::timeout(CALL_TIMEOUT, tool.call(query)).await {
            Ok(answer) => answer,
            Err(_) => Err(error(format!("no answer in {} s", CALL_TIMEOUT.as_secs()), ToolErrorKind::Timeout)),
        }
    }
}
