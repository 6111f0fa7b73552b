//! Prometheus and what speaks its API (Thanos, Mimir, VictoriaMetrics, Cortex): metrics about a subject, rules and active alerts.
//!
//! Counts first: one instant query says which metrics there are about the subject and how many series each has. What fits is
//! then asked for in few range queries. Counters become rates here, so that they need no query of their own.

mod pick;
mod rates;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Backend, Output, Query, Tool, ToolError, Window, bundle,
    http::{Answer, Endpoint, Place, seconds},
    live::{self, Gathering, Subject, asked},
};
use crate::model::{Clock, Finding, observation::Observations};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "prometheus";
/// How many points a series has at most.
const POINTS: i64 = 120;
/// How many alerts are told.
const ALERTS_MAX: usize = 50;

/// One Prometheus.
pub struct Prometheus {
    instance: String,
    endpoint: Endpoint,
    clock: Clock,
}

/// A PromQL question of a person or a model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Promql {
    /// PromQL, such as `sum by (pod) (rate(http_requests_total{namespace="shop"}[5m]))`.
    query: String,
    /// RFC 3339; an hour before `until` where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    from: Option<jiff::Timestamp>,
    /// RFC 3339; now where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    until: Option<jiff::Timestamp>,
}

/// Which alerts are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only alerts with this namespace; all where it is empty.
    #[serde(default)]
    namespace: String,
}

impl Prometheus {
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { instance: instance.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn metrics(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let subject = Subject::of(&query);
        let mut gathering = Gathering::default();
        let selectors = pick::selectors(&subject, &query.labels);
        let counting = [("query", pick::counting(&selectors)), ("time", seconds(window.until))];
        let (counted, own) = tokio::join!(self.endpoint.get(tool, "api/v1/query", &counting), self.own_rule(tool, &query, window));
        let metrics = match gathering.took(counted).map(|answer| answer.json()).transpose() {
            Ok(value) => value.map(|value| pick::counted(&value)).unwrap_or_default(),
            Err(error) => {
                gathering.failed(error);
                Vec::new()
            }
        };
        let plan = pick::plan(metrics);
        if plan.left_out > 0 {
            gathering.cut();
        }
        let questions: Vec<String> = pick::questions(&plan, &selectors);
        let answers = join_all(questions.iter().map(|question| self.range(tool, question, window))).await;
        for (question, answer) in questions.into_iter().zip(answers) {
            self.take(&mut gathering, question, answer, window);
        }
        if let Some((expression, answer)) = own {
            self.take(&mut gathering, expression, answer, window);
        }
        if gathering.observations().metrics.is_empty() && plan.left_out == 0 {
            // An empty answer is an answer: there is nothing about this subject here.
            gathering.add(asked(self.source("count"), pick::counting(&selectors), None, window), Observations::default());
        }
        gathering.finish()
    }

    /// The alert's own expression without its comparison: the one metric that is about this alert for certain.
    async fn own_rule(&self, tool: &str, query: &Query, window: Window) -> Option<(String, Result<Answer, ToolError>)> {
        let name = query.labels.get("alertname")?;
        let rules = self
            .endpoint
            .get(tool, "api/v1/rules", &[("type", "alert".to_owned()), ("rule_name[]", name.clone())])
            .await
            .ok()?
            .json()
            .ok()?;
        let groups = rules.pointer("/data/groups").and_then(Value::as_array)?;
        let rule = groups.iter().flat_map(|group| group.get("rules").and_then(Value::as_array).into_iter().flatten());
        let mut rule = rule.filter(|rule| rule.get("name").and_then(Value::as_str) == Some(name));
        let expression = pick::left_side(rule.next()?.get("query")?.as_str()?)?;
        let answer = self.range(tool, &expression, window).await;
        Some((expression, answer))
    }

    async fn promql(&self, tool: &str, query: Promql) -> Result<Output, ToolError> {
        if query.query.trim().is_empty() {
            return Err(ToolError::arguments(tool, "`query` is empty: PromQL is wanted"));
        }
        let window = Window::between(query.from, query.until, self.clock.now());
        let mut gathering = Gathering::default();
        let answer = self.range(tool, &query.query, window).await;
        gathering.read(asked(self.source(&query.query), query.query.clone(), self.link(&query.query, window), window), answer);
        gathering.finish()
    }

    async fn alerts(&self, tool: &str, which: Which) -> Result<Output, ToolError> {
        let window = Window::between(None, None, self.clock.now());
        let asked = asked(self.source("alerts"), "GET /api/v1/alerts".to_owned(), self.endpoint.link("alerts", &[]), window);
        let fits = |alert: &&Value| {
            which.namespace.is_empty() || alert.pointer("/labels/namespace").and_then(Value::as_str) == Some(&which.namespace)
        };
        let fitting = |value: Value| {
            let alerts = value.pointer("/data/alerts").and_then(Value::as_array).into_iter().flatten();
            alerts.filter(fits).take(ALERTS_MAX).cloned().collect()
        };
        let mut gathering = Gathering::default();
        gathering.keep(asked, self.endpoint.get(tool, "api/v1/alerts", &[]).await, "alerts", fitting)?;
        gathering.finish()
    }

    async fn range(&self, tool: &str, query: &str, window: Window) -> Result<Answer, ToolError> {
        let step = window.step(POINTS);
        let form = [
            ("query", query.to_owned()),
            ("start", seconds(window.from)),
            ("end", seconds(window.until)),
            ("step", step.to_string()),
            ("timeout", "5s".to_owned()),
        ];
        self.endpoint.get(tool, "api/v1/query_range", &form).await
    }

    fn take(&self, gathering: &mut Gathering, query: String, answer: Result<Answer, ToolError>, window: Window) {
        let asked = asked(self.source(&query), query.clone(), self.link(&query, window), window);
        gathering.read_as(asked, answer, |source, bytes| rates::of_counters(bundle::answer(source, bytes)));
    }

    fn source(&self, query: &str) -> String {
        format!("prometheus {}: {query}", self.instance)
    }

    fn link(&self, query: &str, window: Window) -> Option<String> {
        let range = format!("{}s", window.seconds());
        self.endpoint.link(
            "graph",
            &[
                ("g0.expr", query.to_owned()),
                ("g0.range_input", range),
                ("g0.end_input", window.until.strftime("%F %T").to_string()),
                ("g0.tab", "0".to_owned()),
            ],
        )
    }
}

#[async_trait]
impl Backend for Prometheus {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(KIND, &self.instance, verb, says);
        let metrics = spec(
            "metrics",
            "The metrics of Prometheus that are about a subject: its golden signals, saturation and limits, before and during",
        )
        .about("metrics");
        let query = spec("query", "Answers one PromQL expression over a span of time");
        let alerts = spec("alerts", "The alerts that fire now, with the expressions of their rules");
        vec![
            live::tool(metrics, &self, |this: &Self, tool, query: Query| Box::pin(this.metrics(tool, query))),
            live::tool(query, &self, |this: &Self, tool, query: Promql| Box::pin(this.promql(tool, query))),
            live::tool(alerts, &self, |this: &Self, tool, which: Which| Box::pin(this.alerts(tool, which))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("Prometheus ({})", self.instance);
        vec![match self.endpoint.get(KIND, "api/v1/query", &[("query", "vector(1)".to_owned())]).await.and_then(|answer| answer.json()) {
            Ok(value) if value.pointer("/data/result").is_some() => Finding::fine(what, "answers PromQL"),
            Ok(_) => Finding::lacking(
                what,
                "answers something that is not Prometheus' API",
                format!("Check `{}.url`: it ends before /api/v1.", self.endpoint.key()),
            ),
            Err(error) => Finding::lacking(what, error.message, "Reports go without metrics until this works."),
        }]
    }
}
