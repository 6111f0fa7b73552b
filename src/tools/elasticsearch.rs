//! Elasticsearch and OpenSearch: which fields there are, then one search with counts by minute and the newest lines of trouble.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    Backend, Output, Query, Tool, ToolError, Window,
    http::{Endpoint, Place},
    live::{self, Gathering, Subject, asked},
    samples::{self, EARLIEST, ERROR_LEVELS, LATEST, Search, USUAL},
};
use crate::model::{Clock, Finding, observation::Observations};

/// The backend's words in names of tools and settings.
pub const KIND: &str = "elasticsearch";
pub const OPENSEARCH: &str = "opensearch";
/// Fields that hold the level of a line.
const LEVEL_FIELDS: &[&str] = &["log.level", "level", "severity", "severity_text", "loglevel", "severity.text"];
/// Fields that hold the words of a line.
const TEXT_FIELDS: &[&str] = &["message", "log", "body", "msg", "event.original"];

/// One cluster of either kind.
pub struct Elasticsearch {
    kind: &'static str,
    instance: String,
    index: String,
    endpoint: Endpoint,
    clock: Clock,
}

/// The fields of the index that are of use, with their types.
type Fields = BTreeMap<String, String>;

impl Elasticsearch {
    /// `kind` is [`KIND`] or [`OPENSEARCH`]; `index` a pattern such as `logs-*`.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(kind: &'static str, instance: &str, index: &str, place: Place, clock: Clock) -> Result<Self, String> {
        let index = if index.is_empty() { "logs-*,filebeat-*,logstash-*" } else { index };
        Ok(Self { kind, instance: instance.to_owned(), index: index.to_owned(), endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn logs(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let subject = Subject::of(&query);
        let mut gathering = Gathering::default();
        let fields = self.fields(tool, &mut gathering).await?;
        let about = about(&subject, &fields);
        if about.is_empty() && !(subject.services.is_empty() && subject.namespace.is_empty()) {
            let said = format!("{} {}: no field of {} names services or namespaces", self.kind, self.instance, self.index);
            // Everybody's lines are worse than none.
            gathering
                .add(asked(self.source("logs"), String::new(), None, window), Observations { gaps: vec![said], ..Observations::default() });
            return gathering.finish();
        }
        let troubled = [range(window), about.clone(), trouble(&fields)].into_iter().flatten().collect::<Vec<_>>();
        let usual = [range(window), about].into_iter().flatten().collect::<Vec<_>>();
        let step = window.step(60);
        let counts =
            json!({"log_errors": {"date_histogram": {"field": "@timestamp", "fixed_interval": format!("{step}s"), "min_doc_count": 0}}});
        let latest = search(&troubled, LATEST, "desc", Some(counts));
        let earliest = search(&troubled, EARLIEST, "asc", None);
        let normal = search(&usual, USUAL, "desc", None);
        let (a, b, c) = tokio::join!(self.search(tool, &latest), self.search(tool, &earliest), self.search(tool, &normal));
        let source = self.source("logs");
        for (body, answer) in [(&normal, c), (&earliest, b), (&latest, a)] {
            gathering.read(asked(source.clone(), format!("POST /{}/_search {body}", self.index), None, window), answer);
        }
        // An answer without a line is no evidence of its own.
        gathering.observations().documents.clear();
        samples::counted(&mut gathering.observations().metrics, &subject);
        samples::merge(gathering.observations());
        gathering.finish()
    }

    async fn query(&self, tool: &str, wanted: Search) -> Result<Output, ToolError> {
        let (window, limit) = wanted.bounds(tool, self.clock.now())?;
        let mut filters = range(window);
        filters.push(json!({"query_string": {"query": wanted.query}}));
        let body = search(&filters, limit, "desc", None);
        let answer = self.search(tool, &body).await;
        let mut gathering = Gathering::default();
        gathering.read(asked(self.source(&wanted.query), format!("POST /{}/_search {body}", self.index), None, window), answer);
        gathering.finish()
    }

    async fn search(&self, tool: &str, body: &Value) -> Result<super::http::Answer, ToolError> {
        let path = format!("{}/_search?ignore_unavailable=true", self.index);
        self.endpoint.post(tool, &path, body).await
    }

    async fn fields(&self, tool: &str, gathering: &mut Gathering) -> Result<Fields, ToolError> {
        let wanted =
            [samples::SERVICE_FIELDS, samples::NAMESPACE_FIELDS, samples::POD_FIELDS, LEVEL_FIELDS, TEXT_FIELDS].concat().join(",");
        let answer = self
            .endpoint
            .get(tool, &format!("{}/_field_caps", self.index), &[("fields", wanted), ("ignore_unavailable", "true".to_owned())])
            .await?;
        let value = answer.json()?;
        gathering.took(Ok(answer));
        let fields = value.get("fields").and_then(Value::as_object).into_iter().flatten();
        Ok(fields.filter_map(|(name, types)| Some((name.clone(), types.as_object()?.keys().next()?.clone()))).collect())
    }

    fn source(&self, what: &str) -> String {
        format!("{} {}: {what}", self.kind, self.instance)
    }
}

#[async_trait]
impl Backend for Elasticsearch {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(self.kind, &self.instance, verb, says);
        let logs = spec(
            "logs",
            "The log lines of a subject that tell of trouble: counts over time, the first and the last of them, and what is usual",
        )
        .about("logs");
        let query = spec(
            "query",
            "Searches logs by Lucene's query language over a span of time, such as `service.name:checkout AND log.level:error`",
        );
        vec![
            live::tool(logs, &self, |this: &Self, tool, query: Query| Box::pin(this.logs(tool, query))),
            live::tool(query, &self, |this: &Self, tool, query: Search| Box::pin(this.query(tool, query))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("{} ({})", if self.kind == KIND { "Elasticsearch" } else { "OpenSearch" }, self.instance);
        let count = self
            .endpoint
            .get(KIND, &format!("{}/_count", self.index), &[("ignore_unavailable", "true".to_owned())])
            .await
            .and_then(|answer| answer.json());
        vec![match count.map(|value| value.get("count").and_then(Value::as_u64)) {
            Ok(Some(0)) => Finding::lacking(
                what,
                format!("there is nothing in {}", self.index),
                format!("Put the indices of your logs into `{}.index`.", self.endpoint.key()),
            ),
            Ok(Some(count)) => Finding::fine(what, format!("{count} documents in {}", self.index)),
            Ok(None) => {
                Finding::lacking(what, "answers something that is not the search API", format!("Check `{}.url`.", self.endpoint.key()))
            }
            Err(error) => Finding::lacking(what, error.message, "Reports go without these logs until this works."),
        }]
    }
}

fn range(window: Window) -> Vec<Value> {
    vec![json!({"range": {"@timestamp": {"gte": window.from.to_string(), "lte": window.until.to_string()}}})]
}

/// The filters that find the subject: its namespace, and any field that names it.
fn about(subject: &Subject, fields: &Fields) -> Vec<Value> {
    let has = |names: &'static [&'static str]| names.iter().filter(|name| fields.contains_key(**name)).copied();
    let mut filters = Vec::new();
    if !subject.namespace.is_empty() {
        let any: Vec<Value> = has(samples::NAMESPACE_FIELDS).map(|field| is(field, &subject.namespace, fields)).collect();
        filters.extend(one_of(any));
    }
    let mut any = Vec::new();
    for name in &subject.services {
        any.extend(has(samples::SERVICE_FIELDS).map(|field| is(field, name, fields)));
        any.extend(
            has(samples::POD_FIELDS)
                .filter(|field| fields.get(*field).is_some_and(|kind| kind == "keyword"))
                .map(|field| json!({"prefix": {field: format!("{name}-")}})),
        );
    }
    for pod in &subject.pods {
        any.extend(has(samples::POD_FIELDS).map(|field| is(field, pod, fields)));
    }
    filters.extend(one_of(any));
    filters
}

fn is(field: &str, value: &str, fields: &Fields) -> Value {
    if fields.get(field).is_some_and(|kind| kind == "keyword") {
        json!({"term": {field: value}})
    } else {
        json!({"match_phrase": {field: value}})
    }
}

fn trouble(fields: &Fields) -> Vec<Value> {
    let levels = LEVEL_FIELDS.iter().filter(|field| fields.contains_key(**field));
    let mut any: Vec<Value> = levels
        .map(|field| {
            if fields.get(*field).is_some_and(|kind| kind == "keyword") {
                json!({"terms": {*field: ERROR_LEVELS}})
            } else {
                json!({"match": {*field: "error"}})
            }
        })
        .collect();
    let texts: Vec<&str> = TEXT_FIELDS.iter().filter(|field| fields.contains_key(**field)).copied().collect();
    if !texts.is_empty() {
        let words = samples::ERROR_WORDS
            .iter()
            .map(|word| if word.contains(' ') { format!("\"{word}\"") } else { format!("{word}*") })
            .collect::<Vec<_>>()
            .join(" | ");
        any.push(json!({"simple_query_string": {"query": words, "fields": texts}}));
    }
    one_of(any)
}

fn one_of(any: Vec<Value>) -> Vec<Value> {
    if any.is_empty() { Vec::new() } else { vec![json!({"bool": {"should": any, "minimum_should_match": 1}})] }
}

fn search(filters: &[Value], size: usize, order: &str, aggregations: Option<Value>) -> Value {
    let mut body = json!({"size": size, "sort": [{"@timestamp": {"order": order}}], "query": {"bool": {"filter": filters}}, "timeout": "5s", "track_total_hits": false});
    if let (Some(aggregations), Some(fields)) = (aggregations, body.as_object_mut()) {
        fields.insert("aggs".to_owned(), aggregations);
    }
    body
}
