//! Loki: the lines of the subject that tell of trouble. Labels first, then the cost of the question, then counts, then samples.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::Value;

use super::{
    Backend, Output, Query, Tool, ToolError, Window,
    http::{Answer, Endpoint, Place},
    live::{self, Gathering, Subject, asked, quoted},
    samples::{self, EARLIEST, LATEST, Search, USUAL},
};
use crate::model::{Clock, Finding, observation::Observations};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "loki";
/// How many labels are tried for the subject's name: each is a call.
const LABELS_MAX: usize = 4;

/// One Loki.
pub struct Loki {
    instance: String,
    endpoint: Endpoint,
    clock: Clock,
}

impl Loki {
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { instance: instance.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn logs(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let subject = Subject::of(&query);
        let Some(selector) = self.selector(tool, &subject, window).await? else {
            let mut gathering = Gathering::default();
            let said = format!(
                "{KIND} {}: no stream carries the name of {}",
                self.instance,
                subject.services.first().or(subject.pods.first()).map_or("the subject", String::as_str)
            );
            gathering.add(
                asked(self.source("labels"), String::new(), None, window),
                Observations { gaps: vec![said], ..Observations::default() },
            );
            return gathering.finish();
        };
        let mut gathering = Gathering::default();
        let stats = self
            .endpoint
            .get(
                tool,
                "loki/api/v1/index/stats",
                &[("query", selector.clone()), ("start", nanos(window.from)), ("end", nanos(window.until))],
            )
            .await;
        let entries = match gathering.took(stats) {
            Some(answer) => answer.json().ok().and_then(|value| value.get("entries")?.as_u64()),
            None => None,
        };
        if entries == Some(0) {
            gathering.add(asked(self.source(&selector), selector.clone(), None, window), Observations::default());
            return gathering.finish();
        }
        let troubled = format!("{selector} |~ \"{}\"", samples::error_pattern());
        let step = window.step(60);
        let counts = format!("sum(count_over_time({troubled} [{step}s]))");
        let (counted, latest, earliest, usual) = tokio::join!(
            self.range(tool, &counts, window, USUAL, "backward", Some(step)),
            self.range(tool, &troubled, window, LATEST, "backward", None),
            self.range(tool, &troubled, window, EARLIEST, "forward", None),
            self.range(tool, &selector, window, USUAL, "backward", None)
        );
        if let Some(answer) = gathering.took(counted) {
            let source = self.source(&counts);
            let mut found = super::bundle::answer(&source, &answer.body);
            samples::counted(&mut found.metrics, &subject);
            gathering.add(asked(source, counts.clone(), None, window), found);
        }
        for (question, answer) in [(&troubled, latest), (&troubled, earliest), (&selector, usual)] {
            gathering.read(asked(self.source(&selector), question.clone(), None, window), answer);
        }
        let source = self.source(&selector);
        gathering.observations().logs.iter_mut().for_each(|stream| source.clone_into(&mut stream.source));
        samples::merge(gathering.observations());
        gathering.finish()
    }

    /// The streams of the subject: by the label that carries its name.
    async fn selector(&self, tool: &str, subject: &Subject, window: Window) -> Result<Option<String>, ToolError> {
        let span = [("start", nanos(window.from)), ("end", nanos(window.until))];
        let names = strings(&self.endpoint.get(tool, "loki/api/v1/labels", &span).await?.json()?);
        let label = |candidates: &[&str]| candidates.iter().map(|name| name.replace(['.', '/'], "_")).find(|name| names.contains(name));
        let mut matchers = Vec::new();
        if let Some(label) = label(samples::NAMESPACE_FIELDS).filter(|_| !subject.namespace.is_empty()) {
            matchers.push(format!("{label}={}", quoted(&subject.namespace)));
        }
        let wanted: Vec<String> = subject.services.clone();
        let labels: Vec<String> = samples::SERVICE_FIELDS
            .iter()
            .map(|name| name.replace(['.', '/'], "_"))
            .filter(|name| names.contains(name))
            .take(LABELS_MAX)
            .collect();
        let mut query = span.to_vec();
        if !matchers.is_empty() {
            query.push(("query", format!("{{{}}}", matchers.join(","))));
        }
        let answers = join_all(labels.iter().map(|label| {
            let (path, query) = (format!("loki/api/v1/label/{label}/values"), query.clone());
            async move { self.endpoint.get(tool, &path, &query).await }
        }))
        .await;
        for (label, answer) in labels.iter().zip(answers) {
            let values = strings(&answer?.json()?);
            let found: Vec<String> =
                values.into_iter().filter(|value| wanted.iter().any(|name| name == value)).map(|value| regex::escape(&value)).collect();
            if !found.is_empty() {
                matchers.push(format!("{label}=~{}", quoted(&found.join("|"))));
                return Ok(Some(format!("{{{}}}", matchers.join(", "))));
            }
        }
        if let Some(label) = label(samples::POD_FIELDS).filter(|_| !wanted.is_empty() || !subject.pods.is_empty()) {
            let pods: Vec<String> = subject
                .pods
                .iter()
                .map(|pod| regex::escape(pod))
                .chain(wanted.iter().map(|name| format!("{}-.+", regex::escape(name))))
                .collect();
            matchers.push(format!("{label}=~{}", quoted(&pods.join("|"))));
        }
        // A regular expression that fits the empty text is refused as a whole selector.
        if matchers.is_empty() {
            let any = names
                .iter()
                .find(|name| ["namespace", "job", "app", "service_name", "container"].contains(&name.as_str()))
                .or(names.first());
            matchers.extend(any.filter(|_| subject.services.is_empty()).map(|name| format!("{name}=~\".+\"")));
        }
        Ok((!matchers.is_empty()).then(|| format!("{{{}}}", matchers.join(", "))))
    }

    async fn range(
        &self,
        tool: &str,
        query: &str,
        window: Window,
        limit: usize,
        direction: &str,
        step: Option<i64>,
    ) -> Result<Answer, ToolError> {
        let mut form = vec![
            ("query", query.to_owned()),
            ("start", nanos(window.from)),
            ("end", nanos(window.until)),
            ("limit", limit.to_string()),
            ("direction", direction.to_owned()),
        ];
        form.extend(step.map(|step| ("step", format!("{step}s"))));
        self.endpoint.get(tool, "loki/api/v1/query_range", &form).await
    }

    async fn logql(&self, tool: &str, wanted: Search) -> Result<Output, ToolError> {
        let (window, limit) = wanted.bounds(tool, self.clock.now())?;
        let answer = self.range(tool, &wanted.query, window, limit, "backward", None).await;
        let mut gathering = Gathering::default();
        gathering.read(asked(self.source(&wanted.query), wanted.query.clone(), None, window), answer);
        gathering.finish()
    }

    fn source(&self, query: &str) -> String {
        format!("loki {}: {query}", self.instance)
    }
}

#[async_trait]
impl Backend for Loki {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(KIND, &self.instance, verb, says);
        let logs = spec(
            "logs",
            "The log lines of a subject in Loki that tell of trouble: how many, the first and the last of them, and what is usual",
        )
        .about("logs");
        let query =
            spec("query", r#"Answers one LogQL expression over a span of time, such as `{namespace="shop", app="checkout"} |= "error"`"#);
        vec![
            live::tool(logs, &self, |this: &Self, tool, query: Query| Box::pin(this.logs(tool, query))),
            live::tool(query, &self, |this: &Self, tool, query: Search| Box::pin(this.logql(tool, query))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("Loki ({})", self.instance);
        vec![match self.endpoint.get(KIND, "loki/api/v1/labels", &[]).await.and_then(|answer| answer.json()) {
            Ok(value) => Finding::fine(what, format!("has {} labels", strings(&value).len())),
            Err(error) => Finding::lacking(what, error.message, "Reports go without these logs until this works."),
        }]
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.get("data").and_then(Value::as_array).into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn nanos(time: jiff::Timestamp) -> String {
    time.as_nanosecond().to_string()
}
