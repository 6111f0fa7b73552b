//! Tempo and Jaeger: traces of the subject that failed, that were slow, and usual ones to compare with.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Backend, Output, Query, Tool, ToolError, Window,
    http::{Endpoint, Place, seconds},
    live::{self, Gathering, Subject, asked},
};
use crate::model::{
    Clock, Finding,
    observation::{Edge, Observations},
};

/// The backends' words in names of tools and settings.
pub const TEMPO: &str = "tempo";
pub const JAEGER: &str = "jaeger";
/// How many traces are read whole from Tempo: each is a call.
const WHOLE_MAX: usize = 8;
/// How many traces of each sort are searched for.
const EACH: usize = 10;
/// A trace that took longer is searched for as slow. Source: Nielsen's limit for an uninterrupted thought.
const SLOW: &str = "1s";

/// One trace.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Trace {
    /// 16 or 32 hexadecimal digits.
    trace_id: String,
}

/// One Tempo.
pub struct Tempo {
    instance: String,
    endpoint: Endpoint,
    clock: Clock,
}

/// One Jaeger.
pub struct Jaeger {
    instance: String,
    endpoint: Endpoint,
    clock: Clock,
}

impl Tempo {
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { instance: instance.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn traces(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let subject = Subject::of(&query);
        let mut gathering = Gathering::default();
        let about = about(&subject);
        let questions: Vec<String> = ["status = error", &format!("duration > {SLOW}"), ""]
            .iter()
            .map(|more| [about.as_str(), more].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" && "))
            .map(|inside| format!("{{ {inside} }}"))
            .collect();
        let answers = join_all(questions.iter().map(|question| {
            let form =
                [("q", question.clone()), ("start", seconds(window.from)), ("end", seconds(window.until)), ("limit", EACH.to_string())];
            async move { self.endpoint.get(tool, "api/search", &form).await }
        }))
        .await;
        let mut ids = BTreeSet::new();
        let mut by_sort = Vec::new();
        for (question, answer) in questions.iter().zip(answers) {
            let Some(answer) = gathering.took(answer) else { continue };
            gathering.add(asked(self.source(question), question.clone(), None, window), Observations::default());
            by_sort.push(trace_ids(&answer.json()?));
        }
        // One of each sort in turn, so that every sort is there.
        for at in 0..EACH {
            ids.extend(by_sort.iter().filter_map(|found| found.get(at)).cloned());
            if ids.len() >= WHOLE_MAX {
                break;
            }
        }
        let whole = join_all(ids.iter().take(WHOLE_MAX).map(|id| self.whole(tool, id))).await;
        for (id, answer) in ids.into_iter().zip(whole) {
            gathering.read(asked(self.source(&id), format!("GET /api/traces/{id}"), None, window), answer);
        }
        in_hex(gathering.observations());
        gathering.finish()
    }

    async fn whole(&self, tool: &str, id: &str) -> Result<super::http::Answer, ToolError> {
        self.endpoint.get(tool, &format!("api/traces/{id}"), &[]).await
    }

    async fn trace(&self, tool: &str, wanted: Trace) -> Result<Output, ToolError> {
        let id = checked(tool, &wanted.trace_id)?;
        let mut gathering = Gathering::default();
        gathering.read(
            asked(self.source(id), format!("GET /api/traces/{id}"), None, Window::between(None, None, self.clock.now())),
            self.whole(tool, id).await,
        );
        in_hex(gathering.observations());
        gathering.finish()
    }

    fn source(&self, what: &str) -> String {
        format!("tempo {}: {what}", self.instance)
    }
}

#[async_trait]
impl Backend for Tempo {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(TEMPO, &self.instance, verb, says);
        let traces = spec("traces", "Traces of a subject in Tempo: failed ones, slow ones, and usual ones to compare with").about("traces");
        let trace = spec("trace", "Reads one trace of Tempo");
        vec![
            live::tool(traces, &self, |this: &Self, tool, query: Query| Box::pin(this.traces(tool, query))),
            live::tool(trace, &self, |this: &Self, tool, wanted: Trace| Box::pin(this.trace(tool, wanted))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("Tempo ({})", self.instance);
        vec![match self
            .endpoint
            .get(TEMPO, "api/search", &[("q", "{ }".to_owned()), ("limit", "1".to_owned())])
            .await
            .and_then(|answer| answer.json())
        {
            Ok(value) if value.get("traces").is_some() => Finding::fine(what, "answers TraceQL"),
            Ok(_) => Finding::lacking(what, "answers something that is not Tempo's API", format!("Check `{}.url`.", self.endpoint.key())),
            Err(error) => Finding::lacking(what, error.message, "Reports go without traces until this works."),
        }]
    }
}

impl Jaeger {
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { instance: instance.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn traces(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let subject = Subject::of(&query);
        let mut gathering = Gathering::default();
        let span = [("endTs", window.until.as_millisecond().to_string()), ("lookback", (window.seconds() * 1000).to_string())];
        let (known, calls) = tokio::join!(self.endpoint.get(tool, "api/services", &[]), self.endpoint.get(tool, "api/dependencies", &span));
        let known = known?.json()?;
        let known: Vec<&str> = known.get("data").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if let Some(answer) = gathering.took(calls) {
            let edges = answer.json().map(|value| dependencies(&value)).unwrap_or_default();
            gathering.add(
                asked(self.source("dependencies"), "GET /api/dependencies".to_owned(), None, window),
                Observations { edges, ..Observations::default() },
            );
        }
        let services: Vec<&String> = subject.services.iter().filter(|name| known.contains(&name.as_str())).take(2).collect();
        if services.is_empty()
            && let Some(name) = subject.services.first()
        {
            let said = format!("{}: it knows no service {name}", self.source("traces"));
            gathering.observations().gaps.push(said);
        }
        let mut questions = Vec::new();
        for service in services {
            for more in [Some(("tags", r#"{"error":"true"}"#)), Some(("minDuration", SLOW)), None] {
                let mut form = vec![
                    ("service", service.clone()),
                    ("start", window.from.as_microsecond().to_string()),
                    ("end", window.until.as_microsecond().to_string()),
                    ("limit", EACH.to_string()),
                ];
                form.extend(more.map(|(name, value)| (name, value.to_owned())));
                questions.push(form);
            }
        }
        let answers = join_all(questions.iter().map(|form| self.endpoint.get(tool, "api/traces", form))).await;
        for (form, answer) in questions.iter().zip(answers) {
            let query = form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
            let service = form.first().map(|(_, value)| value.as_str()).unwrap_or_default();
            let link = self.endpoint.link("search", form);
            gathering.read(asked(self.source(service), format!("GET /api/traces?{query}"), link, window), answer);
        }
        live::once(&mut gathering.observations().spans);
        gathering.finish()
    }

    async fn trace(&self, tool: &str, wanted: Trace) -> Result<Output, ToolError> {
        let id = checked(tool, &wanted.trace_id)?;
        let mut gathering = Gathering::default();
        let answer = self.endpoint.get(tool, &format!("api/traces/{id}"), &[]).await;
        let link = self.endpoint.link(&format!("trace/{id}"), &[]);
        gathering
            .read(asked(self.source(id), format!("GET /api/traces/{id}"), link, Window::between(None, None, self.clock.now())), answer);
        gathering.finish()
    }

    fn source(&self, what: &str) -> String {
        format!("jaeger {}: {what}", self.instance)
    }
}

#[async_trait]
impl Backend for Jaeger {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(JAEGER, &self.instance, verb, says);
        let traces =
            spec("traces", "Traces of a subject in Jaeger: failed ones, slow ones, and usual ones to compare with; who calls whom")
                .about("traces");
        let trace = spec("trace", "Reads one trace of Jaeger");
        vec![
            live::tool(traces, &self, |this: &Self, tool, query: Query| Box::pin(this.traces(tool, query))),
            live::tool(trace, &self, |this: &Self, tool, wanted: Trace| Box::pin(this.trace(tool, wanted))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("Jaeger ({})", self.instance);
        vec![match self.endpoint.get(JAEGER, "api/services", &[]).await.and_then(|answer| answer.json()) {
            Ok(value) if value.get("data").is_some() => {
                Finding::fine(what, format!("knows {} services", value.get("data").and_then(Value::as_array).map_or(0, Vec::len)))
            }
            Ok(_) => Finding::lacking(
                what,
                "answers something that is not Jaeger's API",
                format!("Check `{}.url`: the address of the query service.", self.endpoint.key()),
            ),
            Err(error) => Finding::lacking(what, error.message, "Reports go without traces until this works."),
        }]
    }
}

/// Tempo writes ids in base64, as OTLP's JSON of before did; everybody else, logs too, knows them in hexadecimal digits.
fn in_hex(observations: &mut Observations) {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    for span in &mut observations.spans {
        for (id, bytes) in [(&mut span.trace_id, 16), (&mut span.span_id, 8), (&mut span.parent_id, 8)] {
            let decoded = BASE64_STANDARD.decode(id.as_bytes()).ok().filter(|decoded| decoded.len() == bytes);
            if let Some(decoded) = decoded.filter(|_| id.ends_with('=')) {
                *id = hex::encode(decoded);
            }
        }
    }
}

/// A TraceQL condition for the subject.
fn about(subject: &Subject) -> String {
    let quoted = |name: &String| format!("resource.service.name = \"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let any: Vec<String> = subject.services.iter().take(3).map(quoted).collect();
    match any.len() {
        0 if !subject.namespace.is_empty() => format!("resource.k8s.namespace.name = \"{}\"", subject.namespace.replace(['"', '\\'], "")),
        0 => String::new(),
        1 => any.concat(),
        _ => format!("({})", any.join(" || ")),
    }
}

fn trace_ids(value: &Value) -> Vec<String> {
    let traces = value.get("traces").and_then(Value::as_array).into_iter().flatten();
    traces.filter_map(|trace| trace.get("traceID")?.as_str()).filter(|id| is_id(id)).map(str::to_owned).collect()
}

fn dependencies(value: &Value) -> Vec<Edge> {
    let rows = value.get("data").and_then(Value::as_array).into_iter().flatten();
    rows.filter_map(|row| Some(Edge { caller: row.get("parent")?.as_str()?.to_owned(), callee: row.get("child")?.as_str()?.to_owned() }))
        .collect()
}

/// An id becomes part of an address.
fn is_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit())
}

fn checked<'a>(tool: &str, id: &'a str) -> Result<&'a str, ToolError> {
    if is_id(id) { Ok(id) } else { Err(ToolError::arguments(tool, "`trace_id`: at most 32 hexadecimal digits are wanted")) }
}
