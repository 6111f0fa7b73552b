//! Datadog's logs.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    Backend, Output, Query, Tool, ToolError, Window,
    http::{Answer, Endpoint, Place},
    live::{self, Gathering, Subject, asked},
    samples::{self, EARLIEST, LATEST, Search, USUAL},
};
use crate::model::{Clock, Finding};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "datadog";

/// One organisation.
pub struct Datadog {
    instance: String,
    endpoint: Endpoint,
    clock: Clock,
}

impl Datadog {
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { instance: instance.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn logs(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let about = about(&Subject::of(&query));
        let troubled = format!("{about} status:(error OR critical OR alert OR emergency)").trim().to_owned();
        let about = if about.is_empty() { "*".to_owned() } else { about };
        let (latest, earliest, usual) = tokio::join!(
            self.search(tool, &troubled, window, LATEST, "-timestamp"),
            self.search(tool, &troubled, window, EARLIEST, "timestamp"),
            self.search(tool, &about, window, USUAL, "-timestamp")
        );
        let mut gathering = Gathering::default();
        for (question, answer) in [(&about, usual), (&troubled, earliest), (&troubled, latest)] {
            gathering.read(asked(self.source(&about), question.clone(), None, window), answer);
        }
        samples::merge(gathering.observations());
        gathering.finish()
    }

    async fn search(&self, tool: &str, query: &str, window: Window, limit: usize, sort: &str) -> Result<Answer, ToolError> {
        let body = json!({"filter": {"query": query, "from": window.from.to_string(), "to": window.until.to_string(), "indexes": ["*"]}, "sort": sort, "page": {"limit": limit}});
        self.endpoint.post(tool, "api/v2/logs/events/search", &body).await
    }

    async fn query(&self, tool: &str, wanted: Search) -> Result<Output, ToolError> {
        let (window, limit) = wanted.bounds(tool, self.clock.now())?;
        let answer = self.search(tool, &wanted.query, window, limit, "-timestamp").await;
        let mut gathering = Gathering::default();
        gathering.read(asked(self.source(&wanted.query), wanted.query.clone(), None, window), answer);
        gathering.finish()
    }

    fn source(&self, query: &str) -> String {
        format!("datadog {}: {query}", self.instance)
    }
}

#[async_trait]
impl Backend for Datadog {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(KIND, &self.instance, verb, says);
        let logs =
            spec("logs", "The log lines of a subject in Datadog that tell of trouble, the first and the last of them, and what is usual")
                .about("logs");
        let query = spec("query", "Searches Datadog's logs over a span of time, such as `service:checkout status:error`");
        vec![
            live::tool(logs, &self, |this: &Self, tool, query: Query| Box::pin(this.logs(tool, query))),
            live::tool(query, &self, |this: &Self, tool, query: Search| Box::pin(this.query(tool, query))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("Datadog ({})", self.instance);
        let valid = self.endpoint.get(KIND, "api/v1/validate", &[]).await.and_then(|answer| answer.json());
        vec![match valid.map(|value| value.get("valid").and_then(Value::as_bool)) {
            Ok(Some(true)) => Finding::fine(what, "takes the API key"),
            Ok(_) => Finding::lacking(
                what,
                "does not take the API key",
                format!("Check `{}.api_key` and `application_key`, and the site in `url`.", self.endpoint.key()),
            ),
            Err(error) => Finding::lacking(what, error.message, "Reports go without these logs until this works."),
        }]
    }
}

/// The subject in Datadog's words; a name in quotes is taken as it is.
fn about(subject: &Subject) -> String {
    let quoted = |name: &String| format!("\"{}\"", name.replace(['"', '\\'], ""));
    let mut parts = Vec::new();
    if !subject.namespace.is_empty() {
        parts.push(format!("kube_namespace:{}", quoted(&subject.namespace)));
    }
    if !subject.services.is_empty() {
        let any: Vec<String> = subject
            .services
            .iter()
            .flat_map(|name| [format!("service:{}", quoted(name)), format!("kube_deployment:{}", quoted(name))])
            .collect();
        parts.push(format!("({})", any.join(" OR ")));
    }
    parts.join(" ")
}
