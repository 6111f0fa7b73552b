//! VictoriaLogs: it has no default limit, so that every question here carries one.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;

use super::{
    Backend, Output, Query, Tool, ToolError, Window,
    http::{Answer, Body, Endpoint, Place},
    live::{self, Gathering, Subject, asked, quoted},
    samples::{self, LATEST, Search, USUAL},
};
use crate::model::{Clock, Finding};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "victorialogs";
/// How many fields are tried for the subject's name: each is a call.
const FIELDS_MAX: usize = 4;

/// One VictoriaLogs.
pub struct VictoriaLogs {
    instance: String,
    endpoint: Endpoint,
    clock: Clock,
}

impl VictoriaLogs {
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { instance: instance.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn logs(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let subject = Subject::of(&query);
        let mut gathering = Gathering::default();
        let about = self.about(tool, &subject, window, &mut gathering).await;
        let troubled = format!("{about} AND _msg:~{}", quoted(&samples::error_pattern()));
        let (latest, usual) = tokio::join!(self.select(tool, &troubled, window, LATEST), self.select(tool, &about, window, USUAL));
        for (question, answer) in [(&about, usual), (&troubled, latest)] {
            gathering.read_lines(asked(self.source(&about), question.clone(), None, window), answer);
        }
        samples::merge(gathering.observations());
        gathering.finish()
    }

    /// The filter that finds the subject: the first field that has its name among its values, or the words themselves.
    async fn about(&self, tool: &str, subject: &Subject, window: Window, gathering: &mut Gathering) -> String {
        let names = match self.names(tool, window).await {
            Ok(names) => names,
            Err(error) => {
                gathering.failed(error);
                Vec::new()
            }
        };
        let within = |fields: &'static [&'static str], wanted: Vec<String>| {
            let fields: Vec<&'static str> =
                fields.iter().copied().filter(|field| names.iter().any(|name| name == field)).take(FIELDS_MAX).collect();
            async move {
                let answers = join_all(fields.iter().map(|field| self.values(tool, field, window))).await;
                let mut failed = None;
                for (field, answer) in fields.iter().zip(answers) {
                    match answer {
                        Ok(values) => {
                            let found: Vec<String> = values
                                .into_iter()
                                .filter(|value| wanted.contains(value))
                                .map(|value| format!("\"{field}\":={}", quoted(&value)))
                                .collect();
                            if !found.is_empty() {
                                return (format!("({})", found.join(" OR ")), None);
                            }
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                (String::new(), failed)
            }
        };
        let mut parts = Vec::new();
        if !subject.namespace.is_empty() {
            let (filter, failed) = within(samples::NAMESPACE_FIELDS, vec![subject.namespace.clone()]).await;
            parts.extend(Some(filter).filter(|filter| !filter.is_empty()));
            failed.into_iter().for_each(|error| gathering.failed(error));
        }
        if !subject.services.is_empty() {
            let (filter, failed) = within(samples::SERVICE_FIELDS, subject.services.clone()).await;
            failed.into_iter().for_each(|error| gathering.failed(error));
            if filter.is_empty() {
                let words: Vec<String> = subject.services.iter().map(|name| quoted(name)).collect();
                parts.push(format!("({})", words.join(" OR ")));
            } else {
                parts.push(filter);
            }
        }
        if parts.is_empty() { "*".to_owned() } else { parts.join(" AND ") }
    }

    /// The fields that there are.
    async fn names(&self, tool: &str, window: Window) -> Result<Vec<String>, ToolError> {
        let form = [
            ("query", "*".to_owned()),
            ("start", window.from.to_string()),
            ("end", window.until.to_string()),
            ("limit", "1000".to_owned()),
        ];
        self.told(tool, "select/logsql/field_names", &form).await
    }

    async fn values(&self, tool: &str, field: &str, window: Window) -> Result<Vec<String>, ToolError> {
        let form = [
            ("query", "*".to_owned()),
            ("field", field.to_owned()),
            ("start", window.from.to_string()),
            ("end", window.until.to_string()),
            ("limit", "200".to_owned()),
        ];
        self.told(tool, "select/logsql/field_values", &form).await
    }

    /// What such a question lists.
    async fn told(&self, tool: &str, path: &str, form: &[(&str, String)]) -> Result<Vec<String>, ToolError> {
        let value = self.endpoint.send(tool, Method::POST, path, &[], Body::Form(form)).await?.json()?;
        let values = value.get("values").and_then(Value::as_array).into_iter().flatten();
        Ok(values.filter_map(|value| value.get("value")?.as_str().map(str::to_owned)).collect())
    }

    async fn select(&self, tool: &str, query: &str, window: Window, limit: usize) -> Result<Answer, ToolError> {
        let form = [
            ("query", query.to_owned()),
            ("start", window.from.to_string()),
            ("end", window.until.to_string()),
            ("limit", limit.to_string()),
            ("timeout", "5s".to_owned()),
        ];
        self.endpoint.send(tool, Method::POST, "select/logsql/query", &[], Body::Form(&form)).await
    }

    async fn logsql(&self, tool: &str, wanted: Search) -> Result<Output, ToolError> {
        let (window, limit) = wanted.bounds(tool, self.clock.now())?;
        let answer = self.select(tool, &wanted.query, window, limit).await;
        let mut gathering = Gathering::default();
        gathering.read_lines(asked(self.source(&wanted.query), wanted.query.clone(), None, window), answer);
        gathering.finish()
    }

    fn source(&self, query: &str) -> String {
        format!("victorialogs {}: {query}", self.instance)
    }
}

#[async_trait]
impl Backend for VictoriaLogs {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(KIND, &self.instance, verb, says);
        let logs = spec("logs", "The log lines of a subject in VictoriaLogs that tell of trouble, and what is usual").about("logs");
        let query =
            spec("query", "Answers one LogsQL question over a span of time, such as `kubernetes.container_name:=checkout AND error`");
        vec![
            live::tool(logs, &self, |this: &Self, tool, query: Query| Box::pin(this.logs(tool, query))),
            live::tool(query, &self, |this: &Self, tool, query: Search| Box::pin(this.logsql(tool, query))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("VictoriaLogs ({})", self.instance);
        let now = self.clock.now();
        vec![match self.select(KIND, "*", Window::between(None, None, now), 1).await {
            Ok(answer) if answer.body.is_empty() => {
                Finding::lacking(what, "holds no line of the last hour", "Check that logs arrive there, and `account` and `project`.")
            }
            Ok(_) => Finding::fine(what, "answers LogsQL"),
            Err(error) => Finding::lacking(what, error.message, "Reports go without these logs until this works."),
        }]
    }
}
