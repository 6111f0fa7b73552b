//! The tools that answer from a bundle. They have the names that the live ones have: who asks need not know.

use std::sync::Arc;

use async_trait::async_trait;

use serde_json::Value;

use super::super::{Output, Tool, ToolError};
use crate::model::{ToolSpec, observation::Observations};

/// One kind of observation, held ready.
struct Shelf {
    name: &'static str,
    description: &'static str,
    observations: Arc<Observations>,
}

#[async_trait]
impl Tool for Shelf {
    fn spec(&self) -> ToolSpec {
        ToolSpec::reading(self.name, self.description).about(self.name)
    }

    async fn call(&self, _arguments: &Value) -> Result<Output, ToolError> {
        Ok(Output { observations: Arc::clone(&self.observations), ..Output::default() })
    }
}

/// Splits what was read by kind, one tool each; the sentences about unread files go with the objects.
pub fn split(all: Observations) -> Vec<Arc<dyn Tool>> {
    let shelf =
        |name, description, observations| Arc::new(Shelf { name, description, observations: Arc::new(observations) }) as Arc<dyn Tool>;
    vec![
        shelf(
            "kubernetes_objects",
            "the state of Kubernetes objects",
            Observations { objects: all.objects, gaps: all.gaps, ..Observations::default() },
        ),
        shelf("kubernetes_events", "Kubernetes events", Observations { events: all.events, ..Observations::default() }),
        shelf("logs", "logs of containers, services and servers", Observations { logs: all.logs, ..Observations::default() }),
        shelf("metrics", "time series of services and objects", Observations { metrics: all.metrics, ..Observations::default() }),
        shelf("traces", "spans, and who calls whom", Observations { spans: all.spans, edges: all.edges, ..Observations::default() }),
        shelf(
            "changes",
            "deploys, commits, flags and configuration changes",
            Observations { changes: all.changes, ..Observations::default() },
        ),
        shelf("database", "answers of databases in their own words", Observations { documents: all.documents, ..Observations::default() }),
    ]
}
