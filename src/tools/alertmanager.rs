//! Alertmanager: what else fires around the subject, and what is silenced.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Backend, Output, Tool, ToolError, Window,
    http::{Endpoint, Place},
    live::{self, Gathering, asked},
};
use crate::model::{Clock, Finding};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "alertmanager";
/// How many alerts or silences are told.
const MOST: usize = 100;

/// One Alertmanager.
pub struct Alertmanager {
    instance: String,
    endpoint: Endpoint,
    clock: Clock,
}

/// Which alerts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Matchers such as `namespace="shop"`; all alerts where there is none.
    #[serde(default)]
    filter: Vec<String>,
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Alertmanager {
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { instance: instance.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn alerts(&self, tool: &str, which: Which) -> Result<Output, ToolError> {
        let mut form = vec![("active", "true".to_owned()), ("silenced", "false".to_owned()), ("inhibited", "false".to_owned())];
        form.extend(which.filter.into_iter().map(|matcher| ("filter", matcher)));
        self.list(tool, "alerts", &form).await
    }

    async fn silences(&self, tool: &str, _: Nothing) -> Result<Output, ToolError> {
        self.list(tool, "silences", &[]).await
    }

    async fn list(&self, tool: &str, what: &str, form: &[(&str, String)]) -> Result<Output, ToolError> {
        let answer = self.endpoint.get(tool, &format!("api/v2/{what}"), form).await;
        let mut gathering = Gathering::default();
        let asked = asked(
            format!("alertmanager {}: {what}", self.instance),
            format!("GET /api/v2/{what}"),
            self.endpoint.link(&format!("#/{what}"), &[]),
            Window::between(None, None, self.clock.now()),
        );
        let mut more = false;
        let part = |value: Value| {
            more = value.as_array().is_some_and(|list| list.len() > MOST);
            live::first(value, MOST)
        };
        gathering.keep(asked, answer, what, part)?;
        if more {
            gathering.cut();
        }
        gathering.finish()
    }
}

#[async_trait]
impl Backend for Alertmanager {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(KIND, &self.instance, verb, says);
        let (alerts, silences) = (
            spec("alerts", "The alerts that Alertmanager tells of now"),
            spec("silences", "What is silenced in Alertmanager, by whom and until when"),
        );
        vec![
            live::tool(alerts, &self, |this: &Self, tool, which: Which| Box::pin(this.alerts(tool, which))),
            live::tool(silences, &self, |this: &Self, tool, nothing: Nothing| Box::pin(this.silences(tool, nothing))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("Alertmanager ({})", self.instance);
        vec![match self.endpoint.get(KIND, "api/v2/status", &[]).await.and_then(|answer| answer.json()) {
            Ok(value) => {
                Finding::fine(what, format!("version {}", value.pointer("/versionInfo/version").and_then(Value::as_str).unwrap_or("?")))
            }
            Err(error) => Finding::lacking(what, error.message, "Neither its alerts nor its silences can be seen until this works."),
        }]
    }
}
