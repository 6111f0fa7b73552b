//! Datadog: log search with a cursor, counts by group, and its two keys.

use std::{collections::BTreeMap, sync::Mutex};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    common::{Backend, Log, Req, Resp, Server, duration_ns, fake_methods, find, lock, millis_text, now_ns, parse_rfc3339},
    words::{self, Expr, Leaf, Style, What, glob, has_phrase, tokens},
};

const MAX_LIMIT: u64 = 1000;

pub struct Datadog {
    pub url: String,
    server: Server<State>,
}
fake_methods!(Datadog);

struct State {
    api_key: String,
    application_key: String,
    logs: Mutex<Vec<Log>>,
}

impl Datadog {
    pub async fn start(api_key: &str, application_key: &str) -> Self {
        let server =
            Server::start(State { api_key: api_key.to_owned(), application_key: application_key.to_owned(), logs: Mutex::default() }).await;
        Self { url: server.url.clone(), server }
    }

    /// `host` among the labels is the host, names that begin with `@` are attributes, all others tags.
    pub fn log(&self, time: Timestamp, service: &str, severity: &str, body: &str, labels: &[(&str, &str)]) {
        lock(&self.server.state.logs).push(Log::new(time, service, &severity.to_lowercase(), body, labels));
    }
}

fn errors(status: u16, message: &str) -> Resp {
    Resp::json(status, &json!({"errors": [message]}))
}

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        match status {
            401 => errors(401, "Unauthorized"),
            403 => errors(403, "Forbidden"),
            429 => errors(429, "Too many requests")
                .with("x-ratelimit-limit", 2)
                .with("x-ratelimit-period", 10)
                .with("x-ratelimit-remaining", 0)
                .with("x-ratelimit-reset", 3)
                .with("x-ratelimit-name", "logs_public_search_api"),
            503 => errors(503, "Service Unavailable"),
            status => errors(status, "Internal Error"),
        }
    }

    fn handle(&self, req: &Req) -> Resp {
        let method = match req.path.as_str() {
            "/api/v2/logs/events/search" | "/api/v2/logs/analytics/aggregate" => "POST",
            "/api/v1/validate" => "GET",
            _ => return errors(404, "Not found"),
        };
        if req.method != method {
            return errors(405, "Method Not Allowed");
        }
        let api = req.header("dd-api-key") == Some(self.api_key.as_str());
        if req.path == "/api/v1/validate" {
            return if api { Resp::json(200, &json!({"valid": true})) } else { errors(403, "Forbidden") };
        }
        if !api || req.header("dd-application-key") != Some(self.application_key.as_str()) {
            return errors(403, "Forbidden");
        }
        if !req.has_type("application/json") {
            return errors(415, "Unsupported Media Type");
        }
        let answer = req
            .json()
            .map_err(|why| format!("Invalid JSON: {why}"))
            .and_then(|body| if req.path.ends_with("search") { self.search(&body, req) } else { self.aggregate(&body) });
        match answer {
            Ok(body) => Resp::json(200, &body)
                .with("x-ratelimit-limit", 2)
                .with("x-ratelimit-remaining", 1)
                .with("x-ratelimit-reset", 10)
                .with("x-ratelimit-period", 10),
            Err(why) => errors(400, &why),
        }
    }
}

type Answer = Result<Value, String>;

fn invalid(field: &str, why: &str) -> String {
    format!("input_validation_error(Field '{field}' is invalid: {why})")
}

fn known(body: &Value, names: &[&str], field: &str) -> Result<(), String> {
    match body.as_object().map(|object| object.keys().find(|key| !names.contains(&key.as_str()))) {
        None => Err(invalid(field, "must be an object")),
        Some(Some(key)) => Err(invalid(key, "unknown field")),
        Some(None) => Ok(()),
    }
}

fn moment(filter: &Value, name: &str, default: &str) -> Result<i64, String> {
    let text = match filter.get(name) {
        None => default,
        Some(value) => value.as_str().ok_or_else(|| invalid(&format!("filter.{name}"), "must be a string"))?,
    };
    let relative = text.strip_prefix("now").map(|rest| {
        let (sign, span) = rest.split_at_checked(1).unwrap_or(("-", "0"));
        duration_ns(span).map(|ns| if sign == "-" { now_ns() - ns } else { now_ns() + ns })
    });
    let number = || text.parse::<i64>().ok().map(|ms| ms.saturating_mul(1_000_000));
    relative
        .unwrap_or_else(|| number().or_else(|| parse_rfc3339(text)))
        .ok_or_else(|| invalid(&format!("filter.{name}"), "cannot be parsed as a time"))
}

impl State {
    fn found(&self, filter: &Value) -> Result<Vec<Log>, String> {
        known(filter, &["query", "from", "to", "indexes", "storage_tier"], "filter")?;
        let (from, to) = (moment(filter, "from", "now-15m")?, moment(filter, "to", "now")?);
        if from > to {
            return Err(invalid("filter.from", "must be before filter.to"));
        }
        if filter.get("indexes").is_some_and(|all| !all.as_array().is_some_and(|all| all.iter().all(Value::is_string))) {
            return Err(invalid("filter.indexes", "must be a list of strings"));
        }
        if filter.get("storage_tier").is_some_and(|tier| !["indexes", "online-archives", "flex"].iter().any(|known| tier == known)) {
            return Err(invalid("filter.storage_tier", "must be one of indexes, online-archives, flex"));
        }
        let query = filter.get("query").map_or(Some("*"), Value::as_str).ok_or_else(|| invalid("filter.query", "must be a string"))?;
        let expr: Expr =
            words::parse(query, Style { or: false, fold: false, logsql: false }).map_err(|why| invalid("filter.query", &why))?;
        let mut found: Vec<Log> =
            lock(&self.logs).iter().filter(|log| (from..to).contains(&log.ns) && expr.eval(&|leaf| fits(leaf, log))).cloned().collect();
        found.sort_by_key(|log| log.ns);
        Ok(found)
    }

    fn search(&self, body: &Value, req: &Req) -> Answer {
        known(body, &["filter", "sort", "page", "options"], "body")?;
        let (nothing, no_page) = (json!({}), json!({}));
        let filter = body.get("filter").unwrap_or(&nothing);
        let page = body.get("page").unwrap_or(&no_page);
        known(page, &["limit", "cursor"], "page")?;
        let limit = page.get("limit").map_or(Some(10), Value::as_u64).filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let limit = limit.ok_or_else(|| invalid("page.limit", "must be between 1 and 1000"))? as usize;
        let mut found = self.found(filter)?;
        match body.get("sort").map_or(Some("-timestamp"), Value::as_str) {
            Some("timestamp") => {}
            Some("-timestamp") => found.reverse(),
            other => return Err(invalid("sort", &format!("must be timestamp or -timestamp, not {}", other.unwrap_or_default()))),
        }
        let mark = filter.get("query").and_then(Value::as_str).unwrap_or("*");
        let from = match page.get("cursor").and_then(Value::as_str) {
            None => 0,
            Some(cursor) => {
                let text = BASE64_STANDARD.decode(cursor).ok().and_then(|raw| String::from_utf8(raw).ok());
                let at = text
                    .as_deref()
                    .and_then(|text| text.split_once('|'))
                    .filter(|(_, query)| *query == mark)
                    .and_then(|(at, _)| at.parse::<usize>().ok());
                at.ok_or_else(|| invalid("page.cursor", "it does not belong to this query"))?
            }
        };
        let more = found.len() > from + limit;
        let data: Vec<Value> = found.iter().skip(from).take(limit).map(event).collect();
        let mut answer = json!({"data": data, "meta": {"elapsed": 3, "request_id": "pddv1ChZmYWtl", "status": "done"}});
        if more {
            let cursor = BASE64_STANDARD.encode(format!("{}|{mark}", from + limit));
            let host = req.header("host").unwrap_or_default();
            answer["links"] = json!({"next": format!("http://{host}/api/v2/logs/events?page[cursor]={cursor}")});
            answer["meta"]["page"] = json!({"after": cursor});
        }
        Ok(answer)
    }

    fn aggregate(&self, body: &Value) -> Answer {
        known(body, &["filter", "compute", "group_by", "page", "options"], "body")?;
        let found = self.found(body.get("filter").unwrap_or(&json!({})))?;
        let computes = body.get("compute").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![json!({"aggregation": "count"})]);
        if let Some(bad) = computes.iter().find(|one| one.get("aggregation").and_then(Value::as_str) != Some("count")) {
            return Err(invalid("compute.aggregation", &format!("the fake counts only, not {}", bad["aggregation"])));
        }
        let (mut facets, mut limit) = (Vec::new(), usize::MAX);
        for group in body.get("group_by").and_then(Value::as_array).into_iter().flatten() {
            facets.push(group.get("facet").and_then(Value::as_str).ok_or_else(|| invalid("group_by.facet", "missing"))?);
            limit = limit.min(
                group
                    .get("limit")
                    .map_or(Some(10), Value::as_u64)
                    .filter(|limit| *limit > 0)
                    .ok_or_else(|| invalid("group_by.limit", "must be positive"))? as usize,
            );
        }
        let mut groups: BTreeMap<Vec<String>, Vec<&Log>> = BTreeMap::new();
        for log in &found {
            let key: Option<Vec<String>> = facets.iter().map(|facet| facet_of(log, facet)).collect();
            if let Some(key) = key {
                groups.entry(key).or_default().push(log);
            }
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, logs)| std::cmp::Reverse(logs.len()));
        let mut buckets = Vec::new();
        for (key, logs) in groups.into_iter().take(limit) {
            let by: Map<String, Value> = facets.iter().zip(key).map(|(facet, value)| ((*facet).to_owned(), json!(value))).collect();
            let mut values = Map::new();
            for (index, compute) in computes.iter().enumerate() {
                let value = match compute.get("type").and_then(Value::as_str).unwrap_or("total") {
                    "total" => json!(logs.len()),
                    "timeseries" => {
                        let step = compute
                            .get("interval")
                            .and_then(Value::as_str)
                            .and_then(duration_ns)
                            .filter(|step| *step > 0)
                            .ok_or_else(|| invalid("compute.interval", "missing or wrong"))?;
                        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
                        logs.iter().for_each(|log| *counts.entry(log.ns.div_euclid(step) * step).or_default() += 1);
                        counts.into_iter().map(|(ns, count)| json!({"time": millis_text(ns), "value": count})).collect()
                    }
                    other => return Err(invalid("compute.type", other)),
                };
                values.insert(format!("c{index}"), value);
            }
            buckets.push(json!({"by": by, "computes": values}));
        }
        Ok(json!({"data": {"buckets": buckets}, "meta": {"elapsed": 3, "request_id": "pddv1ChZmYWtl", "status": "done"}}))
    }
}

fn event(log: &Log) -> Value {
    let custom: Map<String, Value> =
        log.labels.iter().filter_map(|(key, value)| key.strip_prefix('@').map(|key| (key.to_owned(), json!(value)))).collect();
    let plain = log.labels.iter().filter(|(key, _)| key != "host" && !key.starts_with('@')).map(|(key, value)| format!("{key}:{value}"));
    let tags: Vec<String> = std::iter::once(format!("service:{}", log.service)).chain(plain).collect();
    let attributes = json!({"timestamp": millis_text(log.ns), "service": log.service, "status": log.severity, "message": log.body,
        "host": log.label("host").unwrap_or("fake-host"), "tags": tags, "attributes": custom});
    json!({"id": format!("AQAAAY{:x}", log.ns), "type": "log", "attributes": attributes})
}

fn facet_of(log: &Log, facet: &str) -> Option<String> {
    match facet {
        "service" => Some(log.service.clone()),
        "status" => Some(log.severity.clone()),
        other => find(&log.labels, other).map(ToOwned::to_owned),
    }
}

fn fits(leaf: &Leaf, log: &Log) -> bool {
    match (&leaf.field, &leaf.what) {
        (None, What::Word(word)) if word == "*" => true,
        (None, What::Word(word)) => tokens(&log.body).iter().any(|one| glob(&word.to_lowercase(), one)) || has_phrase(&log.body, word),
        (None, What::Phrase(text)) => has_phrase(&log.body, text),
        (Some(field), what) => {
            let Some(have) = facet_of(log, field) else { return false };
            match what {
                What::Word(word) if !leaf.op.is_empty() => match (have.parse::<f64>(), word.parse::<f64>(), leaf.op) {
                    (Ok(have), Ok(limit), ">") => have > limit,
                    (Ok(have), Ok(limit), ">=") => have >= limit,
                    (Ok(have), Ok(limit), "<") => have < limit,
                    (Ok(have), Ok(limit), _) => have <= limit,
                    _ => false,
                },
                What::Word(word) => glob(word, &have),
                What::Phrase(text) => have == *text,
                What::Range { low, high, .. } => {
                    matches!((have.parse::<f64>(), low.parse(), high.parse()), (Ok(have), Ok(low), Ok(high)) if (low..=high).contains(&have))
                }
                What::In(_) | What::Braces(_) => false,
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::common::client::{Got, call},
        *,
    };

    const KEYS: [(&str, &str); 3] = [("dd-api-key", "a"), ("dd-application-key", "b"), ("content-type", "application/json")];

    async fn datadog() -> Datadog {
        let datadog = Datadog::start("a", "b").await;
        for second in 0..5 {
            let level = if second % 2 == 0 { "ERROR" } else { "info" };
            datadog.log(
                Timestamp::from_second(1_700_000_000 + second).unwrap(),
                "api",
                level,
                &format!("line {second} timeout"),
                &[("env", "prod"), ("@http.status_code", "500")],
            );
        }
        datadog
    }

    fn search(datadog: &Datadog, query: &str, page: Value) -> Got {
        let body = json!({"filter": {"query": query, "from": "2023-11-14T22:13:20Z", "to": "1700000100000", "indexes": ["*"]}, "sort": "-timestamp", "page": page});
        call(&datadog.url, "POST", "/api/v2/logs/events/search", &KEYS, &body.to_string())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_by_cursor() {
        let datadog = datadog().await;
        let (mut page, mut seen) = (json!({"limit": 2}), Vec::new());
        loop {
            let got = search(&datadog, "service:api status:error @http.status_code:>=500 -env:dev timeout", page.clone()).json();
            seen.extend(got["data"].as_array().unwrap().iter().map(|one| one["attributes"]["message"].as_str().unwrap().to_owned()));
            let Some(after) = got["meta"]["page"]["after"].as_str() else { break };
            page["cursor"] = json!(after);
        }
        assert_eq!(seen, ["line 4 timeout", "line 2 timeout", "line 0 timeout"]);
        assert_eq!(search(&datadog, "*", page).status, 400);
        assert_eq!(search(&datadog, "service:nope", json!({})).json()["data"], json!([]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn counts_by_group() {
        let datadog = datadog().await;
        let body = json!({"filter": {"query": "*", "from": "1700000000000", "to": "1700000100000"}, "compute": [{"aggregation": "count", "type": "total"}], "group_by": [{"facet": "status"}]});
        let got = call(&datadog.url, "POST", "/api/v2/logs/analytics/aggregate", &KEYS, &body.to_string()).json();
        assert_eq!(
            got["data"]["buckets"],
            json!([{"by": {"status": "error"}, "computes": {"c0": 3}}, {"by": {"status": "info"}, "computes": {"c0": 2}}])
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn refuses() {
        let datadog = datadog().await;
        assert_eq!(call(&datadog.url, "POST", "/api/v2/logs/events/search", &KEYS[..1], "{}").json(), json!({"errors": ["Forbidden"]}));
        assert_eq!(call(&datadog.url, "GET", "/api/v1/validate", &KEYS[..1], "").json(), json!({"valid": true}));
        assert_eq!(search(&datadog, "*", json!({"limit": 1001})).status, 400);
        assert_eq!(search(&datadog, "(a", json!({})).status, 400);
        assert_eq!(call(&datadog.url, "POST", "/api/v2/logs/events/search", &KEYS, "{").status, 400);
        assert_eq!(call(&datadog.url, "POST", "/api/v2/logs/events/search", &KEYS, "{\"query\":\"x\"}").status, 400);
        assert_eq!(call(&datadog.url, "GET", "/api/v2/logs/events/search", &KEYS, "").status, 405);
        assert_eq!(call(&datadog.url, "GET", "/x", &KEYS, "").status, 404);
        datadog.fail_next(429, 1);
        let limited = search(&datadog, "*", json!({}));
        assert_eq!((limited.status, limited.header("x-ratelimit-reset")), (429, Some("3")));
    }
}
