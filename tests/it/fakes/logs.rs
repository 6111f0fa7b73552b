//! Loki, Elasticsearch, VictoriaLogs, Datadog and SigNoz with the same lines, each in its own words and with its own refusals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Value, json};

use super::server::{Asked, Server, json, judge, parts, text, unquoted};

/// One line of a log.
#[derive(Debug, Clone)]
pub struct Line {
    pub time: Timestamp,
    pub namespace: &'static str,
    pub service: &'static str,
    pub level: &'static str,
    pub text: String,
}

/// Loki with a tenant.
pub async fn loki(lines: Vec<Line>, tenant: &'static str) -> Server {
    Server::start(move |asked| {
        if asked.header("x-scope-orgid") != tenant {
            return text(401, "no org id");
        }
        let labels = |line: &Line| {
            BTreeMap::from([
                ("app".to_owned(), line.service.to_owned()),
                ("namespace".to_owned(), line.namespace.to_owned()),
                ("level".to_owned(), line.level.to_owned()),
            ])
        };
        let (from, until) = (nanos(asked, "start", i128::MIN), nanos(asked, "end", i128::MAX));
        let within = lines.iter().filter(|line| (from..until).contains(&line.time.as_nanosecond()));
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/loki/api/v1/labels") => json(200, json!({"status": "success", "data": ["app", "level", "namespace"]})),
            ("GET", path) if path.starts_with("/loki/api/v1/label/") => {
                let name = path.trim_start_matches("/loki/api/v1/label/").trim_end_matches("/values");
                let chosen = match asked.get("query").map_or(Ok(Vec::new()), matchers) {
                    Ok(chosen) => chosen,
                    Err(error) => return text(400, error),
                };
                let values: BTreeSet<String> = within
                    .map(labels)
                    .filter(|labels| chosen.iter().all(|matcher| matcher.fits(labels)))
                    .filter_map(|labels| labels.get(name).cloned())
                    .collect();
                json(200, json!({"status": "success", "data": values}))
            }
            ("GET", "/loki/api/v1/index/stats") => {
                let chosen = match matchers(asked.get("query").unwrap_or_default()) {
                    Ok(chosen) => chosen,
                    Err(error) => return text(400, error),
                };
                let entries = within.filter(|line| chosen.iter().all(|matcher| matcher.fits(&labels(line)))).count();
                json(200, json!({"streams": 1, "chunks": 1, "entries": entries, "bytes": entries * 100}))
            }
            ("GET", "/loki/api/v1/query_range") => {
                let limit: usize = asked.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(100);
                if limit > 5000 {
                    return text(400, format!("max entries limit per query exceeded, limit > max_entries_limit ({limit} > 5000)"));
                }
                let query = asked.get("query").unwrap_or_default();
                let (inner, step) = match query.strip_prefix("sum(count_over_time(") {
                    Some(rest) => {
                        match rest.rsplit_once(" [").and_then(|(inner, end)| Some((inner, end.strip_suffix("s]))")?.parse::<i64>().ok()?)))
                        {
                            Some((inner, step)) => (inner, Some(step)),
                            None => return text(400, "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"),
                        }
                    }
                    None => (query, None),
                };
                let (selector, filter) = inner.split_once('}').map_or((inner, ""), |(selector, filter)| (selector, filter.trim()));
                let chosen = match matchers(&format!("{selector}}}")) {
                    Ok(chosen) => chosen,
                    Err(error) => return text(400, error),
                };
                let pattern = match filter.strip_prefix("|~ ").map(unquoted) {
                    None if filter.is_empty() => None,
                    Some(Ok(pattern)) => Some(Regex::new(&pattern).unwrap()),
                    _ => return text(400, format!("parse error at line 1, col {}: syntax error: unexpected {filter}", selector.len())),
                };
                let mut found: Vec<&Line> = within
                    .filter(|line| chosen.iter().all(|matcher| matcher.fits(&labels(line))))
                    .filter(|line| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&line.text)))
                    .collect();
                if let Some(step) = step {
                    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
                    found.iter().for_each(|line| *counts.entry(line.time.as_second() / step * step + step).or_default() += 1);
                    let values: Vec<Value> = counts.into_iter().map(|(second, count)| json!([second, count.to_string()])).collect();
                    return json(
                        200,
                        json!({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}}),
                    );
                }
                found.sort_by_key(|line| line.time);
                if asked.get("direction") != Some("forward") {
                    found.reverse();
                }
                found.truncate(limit);
                let mut streams: BTreeMap<BTreeMap<String, String>, Vec<Value>> = BTreeMap::new();
                for line in found {
                    streams.entry(labels(line)).or_default().push(json!([line.time.as_nanosecond().to_string(), line.text]));
                }
                let streams: Vec<Value> = streams.into_iter().map(|(labels, values)| json!({"stream": labels, "values": values})).collect();
                json(200, json!({"status": "success", "data": {"resultType": "streams", "result": streams}}))
            }
            _ => text(404, "404 page not found"),
        }
    })
    .await
}

fn nanos(asked: &Asked, name: &str, otherwise: i128) -> i128 {
    asked.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// One matcher of a stream selector.
struct Matcher {
    label: String,
    pattern: Regex,
}

impl Matcher {
    fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        self.pattern.is_match(labels.get(&self.label).map_or("", String::as_str))
    }
}

fn matchers(selector: &str) -> Result<Vec<Matcher>, String> {
    let wrong = |col: usize| format!("parse error at line 1, col {col}: syntax error: unexpected IDENTIFIER");
    let inner = selector.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(|| wrong(1))?;
    let mut out = Vec::new();
    for part in parts(inner, ",")?.into_iter().map(str::trim) {
        let (label, value, literal) = if let Some((label, value)) = part.split_once("=~") {
            (label, unquoted(value)?, false)
        } else {
            let (label, value) = part.split_once('=').ok_or_else(|| wrong(2))?;
            (label, unquoted(value)?, true)
        };
        let pattern = if literal { regex::escape(&value) } else { value };
        out.push(Matcher {
            label: label.trim().to_owned(),
            pattern: Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())?,
        });
    }
    if out.iter().all(|matcher| matcher.pattern.is_match("")) {
        return Err(
            "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value".to_owned()
        );
    }
    Ok(out)
}

/// Elasticsearch with an API key.
pub async fn elasticsearch(lines: Vec<Line>, key: &'static str) -> Server {
    let refused = |status: u16, kind: &str, reason: String| {
        json(status, json!({"error": {"root_cause": [{"type": kind, "reason": reason}], "type": kind, "reason": reason}, "status": status}))
    };
    Server::start(move |asked| {
        if asked.header("authorization") != format!("ApiKey {key}") {
            return refused(401, "security_exception", "missing authentication credentials for REST request".to_owned());
        }
        let (index, verb) = asked.path.trim_start_matches('/').split_once('/').unwrap_or(("", ""));
        if !index.split(',').any(|pattern| "logs-shop".starts_with(pattern.trim_end_matches('*'))) && asked.get("ignore_unavailable") != Some("true") {
            return refused(404, "index_not_found_exception", format!("no such index [{index}]"));
        }
        let documents = || lines.iter().map(|line| json!({"@timestamp": line.time.to_string(), "message": line.text, "service.name": line.service, "kubernetes.namespace": line.namespace, "log.level": line.level}));
        match (asked.method.as_str(), verb) {
            ("GET", "_count") => json(200, json!({"count": lines.len(), "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0}})),
            ("GET", "_field_caps") => {
                let known = [("service.name", "keyword"), ("kubernetes.namespace", "keyword"), ("log.level", "keyword"), ("message", "text")];
                let wanted: Vec<&str> = asked.get("fields").unwrap_or_default().split(',').collect();
                let fields: serde_json::Map<String, Value> =
                    known.iter().filter(|(name, _)| wanted.contains(name)).map(|(name, kind)| ((*name).to_owned(), json!({*kind: {"type": kind, "searchable": true, "aggregatable": *kind == "keyword"}}))).collect();
                json(200, json!({"indices": ["logs-shop"], "fields": fields}))
            }
            ("POST", "_search") => {
                let Some(body) = asked.json() else { return refused(406, "media_type_header_exception", "Content-Type header is missing".to_owned()) };
                let mut found = Vec::new();
                for document in documents() {
                    match matches(&body["query"], &document) {
                        Ok(true) => found.push(document),
                        Ok(false) => {}
                        Err(reason) => return refused(400, "parsing_exception", reason),
                    }
                }
                found.sort_by_key(|document| document["@timestamp"].as_str().unwrap().to_owned());
                if body["sort"][0]["@timestamp"]["order"] == "desc" {
                    found.reverse();
                }
                let mut answer = json!({"took": 3, "timed_out": false, "hits": {"max_score": null}});
                if let Some(aggregations) = body.get("aggs").and_then(Value::as_object) {
                    let (name, spec) = aggregations.iter().next().unwrap();
                    let step: i64 = spec["date_histogram"]["fixed_interval"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
                    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
                    for document in &found {
                        let second = document["@timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap().as_second();
                        *counts.entry(second / step * step).or_default() += 1;
                    }
                    let buckets: Vec<Value> = counts.into_iter().map(|(second, count)| json!({"key": second * 1000, "key_as_string": Timestamp::from_second(second).unwrap().to_string(), "doc_count": count})).collect();
                    answer["aggregations"] = json!({name: {"buckets": buckets}});
                }
                found.truncate(body["size"].as_u64().unwrap_or(10) as usize);
                answer["hits"]["hits"] = found.into_iter().enumerate().map(|(at, document)| json!({"_index": "logs-shop", "_id": at.to_string(), "_source": document})).collect();
                json(200, answer)
            }
            _ => refused(405, "method_not_allowed", format!("Incorrect HTTP method for uri [{}]", asked.path)),
        }
    })
    .await
}

/// Query DSL, as far as it is spoken here; anything else is refused.
fn matches(query: &Value, document: &Value) -> Result<bool, String> {
    let (kind, spec) = query.as_object().and_then(|fields| fields.iter().next()).ok_or("query malformed, empty clause found")?;
    let field = || spec.as_object().and_then(|fields| fields.iter().next()).ok_or("field name is null or empty".to_owned());
    let value = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "bool" => {
            for filter in spec.get("filter").and_then(Value::as_array).into_iter().flatten() {
                if !matches(filter, document)? {
                    return Ok(false);
                }
            }
            let should: Vec<bool> = spec
                .get("should")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|one| matches(one, document))
                .collect::<Result<_, _>>()?;
            Ok(should.is_empty() || should.contains(&true))
        }
        "range" => {
            let (name, bounds) = field()?;
            let time: Timestamp = value(name).parse().map_err(|_| format!("failed to parse date field [{name}]"))?;
            let bound = |key: &str| {
                bounds
                    .get(key)
                    .and_then(Value::as_str)
                    .map(|text| text.parse::<Timestamp>().map_err(|_| format!("failed to parse date field [{text}]")))
                    .transpose()
            };
            Ok(bound("gte")?.is_none_or(|from| time >= from) && bound("lte")?.is_none_or(|until| time <= until))
        }
        "term" => field().map(|(name, wanted)| value(name) == wanted.as_str().unwrap_or_default()),
        "terms" => {
            field().map(|(name, wanted)| wanted.as_array().is_some_and(|list| list.iter().any(|one| one.as_str() == Some(&value(name)))))
        }
        "prefix" => field().map(|(name, wanted)| value(name).starts_with(wanted.as_str().unwrap_or_default()) && !value(name).is_empty()),
        "match" | "match_phrase" => {
            field().map(|(name, wanted)| value(name).to_lowercase().contains(&wanted.as_str().unwrap_or_default().to_lowercase()))
        }
        "simple_query_string" => {
            let text =
                spec["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).map(value).collect::<String>().to_lowercase();
            Ok(spec["query"].as_str().unwrap_or_default().split(" | ").any(|word| text.contains(word.trim_matches(['"', '*']))))
        }
        "query_string" => judge(spec["query"].as_str().unwrap_or_default(), &|condition| match condition.split_once(':') {
            Some((name, wanted)) => Ok(value(name) == wanted.trim_matches('"')),
            None if condition == "*" => Ok(true),
            None => Ok(value("message").to_lowercase().contains(&condition.to_lowercase())),
        }),
        other => Err(format!("unknown query [{other}]")),
    }
}

/// VictoriaLogs; a question without a limit is refused, because the real one would answer with everything.
pub async fn victorialogs(lines: Vec<Line>) -> Server {
    Server::start(move |asked| {
        let time = |name: &str| asked.get(name).and_then(|text| text.parse::<Timestamp>().ok());
        let (Some(from), Some(until)) = (time("start"), time("end")) else { return text(400, "cannot parse start and end") };
        let Some(limit) = asked.get("limit").and_then(|limit| limit.parse::<usize>().ok()) else { return text(400, "unbounded") };
        let fields = |line: &Line| [("kubernetes.container_name", line.service), ("kubernetes.pod_namespace", line.namespace), ("level", line.level)];
        let within = lines.iter().filter(|line| line.time >= from && line.time <= until);
        match asked.path.as_str() {
            "/select/logsql/field_names" => json(
                200,
                json!({"values": [{"value": "_msg", "hits": 1}, {"value": "kubernetes.container_name", "hits": 1}, {"value": "kubernetes.pod_namespace", "hits": 1}]}),
            ),
            "/select/logsql/field_values" => {
                let wanted = asked.get("field").unwrap_or_default();
                let mut hits: BTreeMap<&str, u64> = BTreeMap::new();
                within.flat_map(fields).filter(|(name, _)| *name == wanted).for_each(|(_, value)| *hits.entry(value).or_default() += 1);
                json(200, json!({"values": hits.into_iter().map(|(value, hits)| json!({"value": value, "hits": hits})).collect::<Vec<_>>()}))
            }
            "/select/logsql/query" => {
                let query = asked.get("query").unwrap_or_default();
                let mut found = Vec::new();
                for line in within {
                    let leaf = |condition: &str| -> Result<bool, String> {
                        if condition == "*" {
                            return Ok(true);
                        }
                        if let Some(word) = condition.strip_prefix("i(").and_then(|rest| rest.strip_suffix("*)")) {
                            return Ok(line.text.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(&unquoted(word).unwrap_or_default())) || line.text.to_lowercase().contains(&unquoted(word)?));
                        }
                        match condition.split_once(":=") {
                            Some((name, wanted)) => Ok(fields(line).contains(&(unquoted(name)?.as_str(), unquoted(wanted)?.as_str()))),
                            None => Ok(line.text.contains(&unquoted(condition)?)),
                        }
                    };
                    match judge(query, &leaf) {
                        Ok(true) => found.push(line),
                        Ok(false) => {}
                        Err(error) => return text(400, format!("cannot parse query [{query}]: {error}")),
                    }
                }
                found.sort_by_key(|line| std::cmp::Reverse(line.time));
                found.truncate(limit);
                let row = |line: &Line| json!({"_time": line.time.to_string(), "_msg": line.text, "_stream": "{}", "level": line.level, "kubernetes.container_name": line.service, "kubernetes.pod_namespace": line.namespace}).to_string();
                (200, "application/stream+json", found.into_iter().map(|line| format!("{}\n", row(line))).collect())
            }
            _ => text(400, format!("unsupported path requested: {}", asked.path)),
        }
    })
    .await
}

/// Datadog with both keys.
pub async fn datadog(lines: Vec<Line>, keys: (&'static str, &'static str)) -> Server {
    Server::start(move |asked| {
        if (asked.header("dd-api-key"), asked.header("dd-application-key")) != keys {
            return json(403, json!({"errors": ["Forbidden"]}));
        }
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/api/v1/validate") => json(200, json!({"valid": true})),
            ("POST", "/api/v2/logs/events/search") => {
                let Some(body) = asked.json() else { return json(400, json!({"errors": ["invalid JSON"]})) };
                let limit = body["page"]["limit"].as_u64().unwrap_or(10) as usize;
                if limit > 1000 {
                    return json(400, json!({"errors": ["page[limit] must be at most 1000"]}));
                }
                let time = |name: &str| body["filter"][name].as_str().and_then(|text| text.parse::<Timestamp>().ok());
                let (Some(from), Some(until)) = (time("from"), time("to")) else { return json(400, json!({"errors": ["invalid filter"]})) };
                let query = body["filter"]["query"].as_str().unwrap_or_default();
                let mut found = Vec::new();
                for line in lines.iter().filter(|line| line.time >= from && line.time <= until) {
                    let leaf = |condition: &str| -> Result<bool, String> {
                        match condition.split_once(':') {
                            Some(("service", wanted)) => Ok(line.service == unquoted(wanted)?),
                            Some(("kube_deployment", wanted)) => Ok(line.service == unquoted(wanted)?),
                            Some(("kube_namespace", wanted)) => Ok(line.namespace == unquoted(wanted)?),
                            Some(("status", wanted)) => Ok(wanted.trim_matches(['(', ')']).split(" OR ").any(|level| level == line.level)),
                            None if condition == "*" => Ok(true),
                            _ => Err(condition.to_owned()),
                        }
                    };
                    // A blank between conditions is an AND.
                    let fits = parts(query, " ").and_then(|all| all.into_iter().try_fold(true, |found, part| Ok(judge(part, &leaf)? && found)));
                    match fits {
                        Ok(true) => found.push(line),
                        Ok(false) => {}
                        Err(error) => return json(400, json!({"errors": [format!("invalid query: {error}")]})),
                    }
                }
                found.sort_by_key(|line| line.time);
                if body["sort"] == "-timestamp" {
                    found.reverse();
                }
                found.truncate(limit);
                let data: Vec<Value> =
                    found.into_iter().map(|line| json!({"id": "AQ", "type": "log", "attributes": {"timestamp": line.time.to_string(), "status": line.level, "service": line.service, "message": line.text, "tags": [format!("kube_namespace:{}", line.namespace)]}})).collect();
                json(200, json!({"data": data, "meta": {"status": "done"}}))
            }
            _ => json(404, json!({"errors": ["Not found"]})),
        }
    })
    .await
}

/// SigNoz; an old one knows only version 4.
pub async fn signoz(lines: Vec<Line>, key: &'static str, old: bool) -> Server {
    let refused =
        |status: u16, message: String| json(status, json!({"status": "error", "error": {"code": "invalid_input", "message": message}}));
    Server::start(move |asked| {
        if asked.method == "GET" && asked.path == "/api/v1/version" {
            return json(200, json!({"version": if old { "v0.60.0" } else { "v0.96.1" }}));
        }
        if asked.header("signoz-api-key") != key {
            return refused(401, "unauthenticated".to_owned());
        }
        let fields = |line: &Line| BTreeMap::from([("service.name", line.service.to_owned()), ("k8s.namespace.name", line.namespace.to_owned()), ("severity_text", line.level.to_uppercase()), ("body", line.text.clone())]);
        let within = |body: &Value| {
            let (from, until) = (body["start"].as_i64().unwrap_or(0), body["end"].as_i64().unwrap_or(i64::MAX));
            lines.iter().filter(|line| (from..=until).contains(&line.time.as_millisecond())).collect::<Vec<_>>()
        };
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/api/v1/fields/keys") if !old => json(200, json!({"status": "success", "data": {"keys": {"service.name": [{}], "k8s.namespace.name": [{}], "severity_text": [{}], "body": [{}]}, "complete": true}})),
            ("POST", "/api/v5/query_range") if !old => {
                let Some(body) = asked.json() else { return refused(400, "invalid JSON".to_owned()) };
                let spec = &body["compositeQuery"]["queries"][0]["spec"];
                if body["schemaVersion"] != "v1" || spec["signal"].is_null() {
                    return refused(400, "invalid request".to_owned());
                }
                let filter = spec["filter"]["expression"].as_str().unwrap_or_default().to_owned();
                let mut found = Vec::new();
                for line in if spec["signal"] == "logs" { within(&body) } else { Vec::new() } {
                    let fields = fields(line);
                    let known = |name: &str| fields.get(name).ok_or_else(|| format!("key `{name}` not found"));
                    let leaf = |condition: &str| -> Result<bool, String> {
                        if let Some((name, list)) = condition.split_once(" IN (") {
                            let wanted: Vec<String> = parts(list.trim_end_matches(')'), ", ")?.into_iter().map(unquoted).collect::<Result<_, _>>()?;
                            return Ok(wanted.contains(known(name)?));
                        }
                        if let Some((name, pattern)) = condition.split_once(" REGEXP ") {
                            return Ok(Regex::new(&unquoted(pattern)?).map_err(|error| error.to_string())?.is_match(known(name)?));
                        }
                        let (name, wanted) = condition.split_once(" = ").ok_or_else(|| format!("syntax error at {condition}"))?;
                        Ok(*known(name)? == unquoted(wanted)?)
                    };
                    match if filter.is_empty() { Ok(true) } else { judge(&filter, &leaf) } {
                        Ok(true) => found.push(line),
                        Ok(false) => {}
                        Err(error) => return refused(400, error),
                    }
                }
                let result = if body["requestType"] == "time_series" {
                    let step = spec["stepInterval"].as_i64().unwrap_or(60);
                    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
                    found.iter().for_each(|line| *counts.entry(line.time.as_second() / step * step).or_default() += 1);
                    let values: Vec<Value> = counts.into_iter().map(|(second, count)| json!({"timestamp": second * 1000, "value": count})).collect();
                    json!({"queryName": "A", "aggregations": [{"index": 0, "alias": "__result_0", "series": [{"labels": [], "values": values}]}]})
                } else {
                    found.sort_by_key(|line| line.time);
                    if spec["order"][0]["direction"] == "desc" {
                        found.reverse();
                    }
                    found.truncate(spec["limit"].as_u64().unwrap_or(100) as usize);
                    let rows: Vec<Value> = found.iter().map(|line| row(line)).collect();
                    json!({"queryName": "A", "nextCursor": "", "rows": if rows.is_empty() { Value::Null } else { Value::Array(rows) }})
                };
                json(200, json!({"status": "success", "data": {"type": body["requestType"], "meta": {}, "data": {"results": [result]}}}))
            }
            ("POST", "/api/v4/query_range") if old => {
                let Some(body) = asked.json() else { return refused(400, "invalid JSON".to_owned()) };
                let query = &body["compositeQuery"]["builderQueries"]["A"];
                let fits = |line: &&Line| {
                    let fields = fields(line);
                    query["filters"]["items"].as_array().into_iter().flatten().all(|item| {
                        let value = fields.get(item["key"]["key"].as_str().unwrap_or_default()).cloned().unwrap_or_default();
                        match &item["value"] {
                            Value::Array(list) => list.iter().any(|one| one == value.as_str()),
                            one => one == value.as_str(),
                        }
                    })
                };
                let mut found: Vec<&Line> = within(&body).into_iter().filter(fits).collect();
                found.truncate(query["limit"].as_u64().unwrap_or(100) as usize);
                let result = if body["compositeQuery"]["panelType"] == "list" { json!({"queryName": "A", "list": found.iter().map(|line| row(line)).collect::<Vec<_>>()}) } else { json!({"queryName": "A", "series": []}) };
                json(200, json!({"status": "success", "data": {"resultType": "", "result": [result]}}))
            }
            _ => refused(404, "not found".to_owned()),
        }
    })
    .await
}

fn row(line: &Line) -> Value {
    json!({"timestamp": line.time.to_string(), "data": {"body": line.text, "severity_text": line.level.to_uppercase(), "resources_string": {"service.name": line.service, "k8s.namespace.name": line.namespace}}})
}

/// Nothing that was sent to a server tells of a credential outside of its header.
pub fn credentials_stay_in_headers(server: &Server, secret: &str) -> bool {
    server.asked().iter().all(|asked| {
        !asked.path.contains(secret) && !asked.body.contains(secret) && asked.query.iter().all(|(_, value)| !value.contains(secret))
    })
}
