//! SigNoz: logs, traces and metrics by its query API, version 5 first and 4 where a server does not know it.

mod legacy;
mod questions;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::questions::{Question, Signal, Want};
use super::{
    Backend, Output, Query, Tool, ToolError, ToolErrorKind, Window, bundle,
    http::{Answer, Endpoint, Place},
    live::{self, Gathering, Subject, asked},
    samples::{self, EARLIEST, LATEST, USUAL},
};
use crate::model::{
    Clock, Entity, Finding,
    observation::{Series, TraceSpan},
};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "signoz";
/// How many traces are read whole.
const TRACES_MAX: usize = 10;
/// How many spans are read.
const SPANS: usize = 200;
/// How many changes of a rule's state are told.
const HISTORY_MAX: usize = 100;
/// How many services are told.
const SERVICES_MAX: usize = 200;

/// One SigNoz.
pub struct Signoz {
    instance: String,
    endpoint: Endpoint,
    clock: Clock,
    /// Version 5 was asked for once and is not there.
    legacy: AtomicBool,
}

/// A search of a person or a model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// `logs` or `traces`.
    signal: Signal,
    /// SigNoz' filter expression, such as `service.name = 'checkout' AND severity_text = 'ERROR'`.
    #[serde(default)]
    filter: String,
    /// RFC 3339; an hour before `until` where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    from: Option<jiff::Timestamp>,
    /// RFC 3339; now where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    until: Option<jiff::Timestamp>,
    /// 1 to 1000.
    #[serde(default = "samples::hundred")]
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

/// A span of time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Span {
    /// RFC 3339; an hour before `until` where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    from: Option<jiff::Timestamp>,
    /// RFC 3339; now where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    until: Option<jiff::Timestamp>,
}

/// One metric over time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Metric {
    /// Its name, such as `http.server.request.duration`.
    metric: String,
    /// SigNoz' filter expression.
    #[serde(default)]
    filter: String,
    /// The attribute by which it is split, such as `service.name`; not at all where it is empty.
    #[serde(default)]
    group_by: String,
    /// How the points of one series become one: `latest`, `avg`, `sum`, `min`, `max`, `count`, `rate`, `increase`.
    #[serde(default = "avg")]
    time_aggregation: String,
    /// How series become one: `sum`, `avg`, `min`, `max`, `count`, `p50`, `p75`, `p90`, `p95`, `p99`.
    #[serde(default = "sum")]
    space_aggregation: String,
    /// RFC 3339; an hour before `until` where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    from: Option<jiff::Timestamp>,
    /// RFC 3339; now where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    until: Option<jiff::Timestamp>,
}

/// What one alert rule did.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct History {
    /// The rule's id, as `signoz_alerts` tells it.
    rule: String,
    /// RFC 3339; an hour before `until` where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    from: Option<jiff::Timestamp>,
    /// RFC 3339; now where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    until: Option<jiff::Timestamp>,
}

fn avg() -> String {
    "avg".to_owned()
}

fn sum() -> String {
    "sum".to_owned()
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Signoz {
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { instance: instance.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock, legacy: AtomicBool::new(false) })
    }

    async fn logs(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let subject = Subject::of(&query);
        let keys = self.keys(tool, "logs").await;
        let about = questions::about(&subject, &keys);
        let troubled = questions::and(&about, &questions::trouble());
        let asks = [
            Question { signal: Signal::Logs, filter: about.clone(), want: Want::Rows { limit: USUAL, ascending: false } },
            Question { signal: Signal::Logs, filter: troubled.clone(), want: Want::Rows { limit: EARLIEST, ascending: true } },
            Question { signal: Signal::Logs, filter: troubled.clone(), want: Want::Rows { limit: LATEST, ascending: false } },
            Question {
                signal: Signal::Logs,
                filter: troubled,
                want: Want::Series { aggregation: "count()".to_owned(), group: String::new() },
            },
        ];
        let answers = join_all(asks.iter().map(|question| self.ask(tool, question, window))).await;
        let mut gathering = Gathering::default();
        for (question, answer) in asks.iter().zip(answers) {
            let counts = matches!(question.want, Want::Series { .. });
            let source = self.source(if counts { "log errors" } else { "logs" });
            gathering.read(asked(source, question.text(), None, window), answer);
        }
        samples::counted(&mut gathering.observations().metrics, &subject);
        samples::merge(gathering.observations());
        gathering.finish()
    }

    async fn traces(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let subject = Subject::of(&query);
        let keys = self.keys(tool, "traces").await;
        let about = questions::about(&subject, &keys);
        let rows = |filter: String, limit| Question { signal: Signal::Traces, filter, want: Want::Rows { limit, ascending: false } };
        let series = |filter: &str, aggregation: &str| Question {
            signal: Signal::Traces,
            filter: filter.to_owned(),
            want: Want::Series { aggregation: aggregation.to_owned(), group: "service.name".to_owned() },
        };
        let failed = questions::and(&about, "has_error = true");
        let asks = [
            rows(failed.clone(), SPANS),
            rows(about.clone(), SPANS / 2),
            series(&failed, "count()"),
            series(&about, "p99(duration_nano)"),
            series(&about, "count()"),
        ];
        let names = ["spans", "spans", "span_errors", "span_p99_nanoseconds", "span_count"];
        let answers = join_all(asks.iter().map(|question| self.ask(tool, question, window))).await;
        let mut gathering = Gathering::default();
        for ((question, name), answer) in asks.iter().zip(names).zip(answers) {
            gathering.read_as(asked(self.source(name), question.text(), None, window), answer, |source, bytes| {
                let mut found =
                    if name == "spans" { bundle::answer(source, &questions::spans(bytes)) } else { bundle::answer(source, bytes) };
                found.metrics.iter_mut().for_each(|series| name.clone_into(&mut series.metric));
                found
            });
        }
        // What failed in a service is often the fault of one that it called: the whole traces are looked at.
        let traces = whole(&gathering.observations().spans);
        if !traces.is_empty() {
            let filter = format!("trace_id IN ({})", traces.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", "));
            let question = rows(filter, SPANS);
            let answer = self.ask(tool, &question, window).await;
            gathering.read_as(asked(self.source("spans"), question.text(), None, window), answer, |source, bytes| {
                bundle::answer(source, &questions::spans(bytes))
            });
        }
        gathering.observations().metrics.iter_mut().for_each(of_service);
        live::once(&mut gathering.observations().spans);
        gathering.finish()
    }

    async fn search(&self, tool: &str, wanted: Search) -> Result<Output, ToolError> {
        let limit = samples::checked_limit(tool, wanted.limit)?;
        let window = Window::between(wanted.from, wanted.until, self.clock.now());
        let question = Question { signal: wanted.signal, filter: wanted.filter, want: Want::Rows { limit, ascending: false } };
        let answer = self.ask(tool, &question, window).await;
        let mut gathering = Gathering::default();
        gathering.read_as(asked(self.source(&question.text()), question.text(), None, window), answer, |source, bytes| {
            if question.signal == Signal::Traces { bundle::answer(source, &questions::spans(bytes)) } else { bundle::answer(source, bytes) }
        });
        gathering.finish()
    }

    /// Every service with its traffic, errors and latency, as SigNoz' own first page shows them.
    async fn services(&self, tool: &str, span: Span) -> Result<Output, ToolError> {
        let window = Window::between(span.from, span.until, self.clock.now());
        let body = json!({"start": window.from.as_nanosecond().to_string(), "end": window.until.as_nanosecond().to_string(), "tags": []});
        let answer = self.endpoint.post(tool, "api/v1/services", &body).await;
        let mut gathering = Gathering::default();
        let asked = asked(self.source("services"), "POST /api/v1/services".to_owned(), self.endpoint.link("services", &[]), window);
        gathering.keep(asked, answer, "services", |value| live::first(value, SERVICES_MAX))?;
        gathering.finish()
    }

    async fn metric(&self, tool: &str, wanted: Metric) -> Result<Output, ToolError> {
        if wanted.metric.trim().is_empty() {
            return Err(ToolError::arguments(tool, "`metric` is empty: the name of a metric is wanted"));
        }
        let window = Window::between(wanted.from, wanted.until, self.clock.now());
        let body = questions::metric(
            &wanted.metric,
            &wanted.filter,
            &wanted.group_by,
            (&wanted.time_aggregation, &wanted.space_aggregation),
            window,
        );
        let answer = self.endpoint.post(tool, "api/v5/query_range", &body).await;
        let mut gathering = Gathering::default();
        gathering.read_as(asked(self.source(&wanted.metric), body.to_string(), None, window), answer, |source, bytes| {
            let mut found = bundle::answer(source, bytes);
            found.metrics.iter_mut().for_each(|series| wanted.metric.clone_into(&mut series.metric));
            found
        });
        gathering.observations().metrics.iter_mut().for_each(of_service);
        gathering.finish()
    }

    async fn history(&self, tool: &str, wanted: History) -> Result<Output, ToolError> {
        let fine =
            !wanted.rule.is_empty() && wanted.rule.len() <= 64 && wanted.rule.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !fine {
            return Err(ToolError::arguments(tool, "`rule`: the id of a rule is wanted, letters, digits and `-`"));
        }
        let window = Window::between(wanted.from, wanted.until, self.clock.now());
        let path = format!("api/v2/rules/{}/history/timeline", wanted.rule);
        let span = [
            ("start", window.from.as_millisecond().to_string()),
            ("end", window.until.as_millisecond().to_string()),
            ("limit", HISTORY_MAX.to_string()),
        ];
        let answer = self.endpoint.get(tool, &path, &span).await;
        let mut gathering = Gathering::default();
        let asked = asked(self.source(&format!("history of rule {}", wanted.rule)), format!("GET /{path}"), None, window);
        gathering.keep(asked, answer, "alert_history", |value| value.get("data").cloned().unwrap_or_default())?;
        gathering.finish()
    }

    /// Rules and how they stand.
    async fn alerts(&self, tool: &str, _: Nothing) -> Result<Output, ToolError> {
        let window = Window::between(None, None, self.clock.now());
        let mut gathering = Gathering::default();
        let answer = self.endpoint.get(tool, "api/v1/rules", &[]).await;
        let asked = asked(self.source("rules"), "GET /api/v1/rules".to_owned(), self.endpoint.link("alerts", &[]), window);
        gathering.keep(asked, answer, "alerts", |value| value)?;
        gathering.finish()
    }

    /// The attributes that this signal has; empty where they cannot be had, so that the usual ones are taken.
    async fn keys(&self, tool: &str, signal: &str) -> BTreeSet<String> {
        let Ok(answer) =
            self.endpoint.get(tool, "api/v1/fields/keys", &[("signal", signal.to_owned()), ("limit", "1000".to_owned())]).await
        else {
            return BTreeSet::new();
        };
        let Ok(value) = answer.json() else { return BTreeSet::new() };
        match value.pointer("/data/keys") {
            Some(Value::Object(keys)) => keys.keys().cloned().collect(),
            Some(Value::Array(keys)) => {
                keys.iter().filter_map(|key| key.as_str().or_else(|| key.get("name")?.as_str())).map(str::to_owned).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    async fn ask(&self, tool: &str, question: &Question, window: Window) -> Result<Answer, ToolError> {
        if !self.legacy.load(Ordering::Relaxed) {
            match self.endpoint.post(tool, "api/v5/query_range", &question.body(window)).await {
                Err(error) if error.kind == ToolErrorKind::NotFound => self.legacy.store(true, Ordering::Relaxed),
                answer => return answer,
            }
        }
        let body = legacy::body(question, window);
        match self.endpoint.post(tool, "api/v4/query_range", &body).await {
            Err(error) if error.kind == ToolErrorKind::NotFound => self.endpoint.post(tool, "api/v3/query_range", &body).await,
            answer => answer,
        }
    }

    fn source(&self, what: &str) -> String {
        format!("signoz {}: {what}", self.instance)
    }
}

/// A series that is split by service is that service's.
fn of_service(series: &mut Series) {
    let name = ["service.name", "serviceName"].iter().find_map(|label| series.labels.get(*label));
    if let Some(name) = name.filter(|_| series.entity.is_empty()) {
        series.entity = Entity::new("Service", "", name);
    }
}

/// The traces that are worth reading whole, those that failed first. An id becomes part of a question.
fn whole(spans: &[TraceSpan]) -> Vec<&str> {
    let is_id = |id: &str| !id.is_empty() && id.len() <= 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let failed = spans.iter().filter(|span| span.status.eq_ignore_ascii_case("error"));
    let mut seen = BTreeSet::new();
    failed.chain(spans).map(|span| span.trace_id.as_str()).filter(|id| is_id(id) && seen.insert(*id)).take(TRACES_MAX).collect()
}

#[async_trait]
impl Backend for Signoz {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(KIND, &self.instance, verb, says);
        let logs = spec("logs", "The log lines of a subject in SigNoz that tell of trouble: counts over time, the first and the last of them, and what is usual").about("logs");
        let traces = spec("traces", "The spans of a subject in SigNoz: failed ones and usual ones, errors, latency and traffic over time")
            .about("traces");
        let search = spec("search", "Searches logs or spans by SigNoz' filter expression");
        let alerts = spec("alerts", "The alert rules of SigNoz and how they stand");
        let metric = spec("metric", "One metric of SigNoz over time, split and put together as asked");
        let history = spec("alert_history", "When one alert rule of SigNoz fired and was well again");
        let services = spec("services", "The services that SigNoz knows, with calls, errors and latency over a span of time");
        vec![
            live::tool(logs, &self, |this: &Self, tool, query: Query| Box::pin(this.logs(tool, query))),
            live::tool(traces, &self, |this: &Self, tool, query: Query| Box::pin(this.traces(tool, query))),
            live::tool(search, &self, |this: &Self, tool, wanted: Search| Box::pin(this.search(tool, wanted))),
            live::tool(services, &self, |this: &Self, tool, span: Span| Box::pin(this.services(tool, span))),
            live::tool(metric, &self, |this: &Self, tool, wanted: Metric| Box::pin(this.metric(tool, wanted))),
            live::tool(history, &self, |this: &Self, tool, wanted: History| Box::pin(this.history(tool, wanted))),
            live::tool(alerts, &self, |this: &Self, tool, nothing: Nothing| Box::pin(this.alerts(tool, nothing))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("SigNoz ({})", self.instance);
        let version = self.endpoint.get(KIND, "api/v1/version", &[]).await.and_then(|answer| answer.json());
        let version = match version {
            Ok(value) => value.get("version").and_then(Value::as_str).unwrap_or("?").to_owned(),
            Err(error) => return vec![Finding::lacking(what, error.message, "Reports go without SigNoz until this works.")],
        };
        // The version is told to anybody; a question wants the key.
        let window = Window::between(None, None, self.clock.now());
        let question = Question { signal: Signal::Logs, filter: String::new(), want: Want::Rows { limit: 1, ascending: false } };
        vec![match self.ask(KIND, &question, window).await {
            Ok(_) => Finding::fine(what, format!("version {version}, answers queries")),
            Err(error) => {
                Finding::lacking(what, error.message, format!("Put the key of a service account into `{}.api_key`.", self.endpoint.key()))
            }
        }]
    }
}
