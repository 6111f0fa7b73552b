//! Jaeger's query service: services, traces, dependencies.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use serde_json::{Map, Value, json};

use super::{
    common::{Backend, Req, Resp, Server, duration_ns, fake_methods, find, lock, now_ns},
    span::Span,
};

pub struct Jaeger {
    pub url: String,
    server: Server<State>,
}
fake_methods!(Jaeger);

struct State {
    /// What the proxy in front asks for.
    token: Option<String>,
    spans: Mutex<Vec<Span>>,
}

impl Jaeger {
    /// With a token, as behind an authenticating proxy: `Authorization: Bearer` is asked for.
    pub async fn start(token: Option<&str>) -> Self {
        let server = Server::start(State { token: token.map(ToOwned::to_owned), spans: Mutex::default() }).await;
        Self { url: server.url.clone(), server }
    }

    pub fn span(&self, span: Span) {
        lock(&self.server.state.spans).push(span);
    }
}

fn wrong(status: u16, message: &str) -> Resp {
    Resp::json(status, &json!({"data": null, "total": 0, "limit": 0, "offset": 0, "errors": [{"code": status, "msg": message}]}))
}

fn data(all: Vec<Value>) -> Resp {
    Resp::json(200, &json!({"data": all, "total": all.len(), "limit": 0, "offset": 0, "errors": null}))
}

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        match status {
            401 | 403 => Resp::text(status, "Unauthorized\n"),
            status => wrong(status, "the fake was told to fail"),
        }
    }

    fn handle(&self, req: &Req) -> Resp {
        let segments = req.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        if !matches!(
            path.as_slice(),
            ["api", "services" | "traces" | "dependencies"] | ["api", "traces", _] | ["api", "services", _, "operations"]
        ) {
            return Resp::text(404, "404 page not found\n");
        }
        if !req.get() {
            return Resp::text(405, "");
        }
        if self.token.as_deref().is_some_and(|token| req.bearer() != Some(token)) {
            return self.failure(401);
        }
        let spans = lock(&self.spans).clone();
        match path.as_slice() {
            ["api", "services"] => {
                data(spans.iter().map(|span| &span.service).collect::<BTreeSet<_>>().into_iter().map(|name| json!(name)).collect())
            }
            ["api", "services", name, _] => data(
                spans
                    .iter()
                    .filter(|span| span.service == *name)
                    .map(|span| &span.name)
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .map(|name| json!(name))
                    .collect(),
            ),
            ["api", "dependencies"] => dependencies(req, &spans).unwrap_or_else(|why| wrong(400, &why)),
            ["api", "traces"] => search(req, &spans).unwrap_or_else(|why| wrong(400, &why)),
            ["api", "traces", id] => match id.len() <= 32 && !id.is_empty() && id.bytes().all(|c| c.is_ascii_hexdigit()) {
                false => wrong(400, &format!("strconv.ParseUint: parsing \"{id}\": invalid syntax")),
                true if spans.iter().any(|span| span.trace_id.trim_start_matches('0') == id.trim_start_matches('0')) => {
                    let whole = spans.iter().find(|span| span.trace_id.trim_start_matches('0') == id.trim_start_matches('0'));
                    data(whole.map(|span| trace(&span.trace_id, &spans)).into_iter().collect())
                }
                true => wrong(404, "trace not found"),
            },
            _ => Resp::text(404, ""),
        }
    }
}

fn number(req: &Req, name: &str) -> Result<Option<i64>, String> {
    let bad = |text: &str| format!("unable to parse param '{name}': strconv.ParseInt: parsing \"{text}\": invalid syntax");
    req.q(name).filter(|text| !text.is_empty()).map(|text| text.parse().map_err(|_| bad(text))).transpose()
}

fn search(req: &Req, spans: &[Span]) -> Result<Resp, String> {
    let known = ["service", "operation", "start", "end", "limit", "tags", "tag", "minDuration", "maxDuration", "lookback", "traceID"];
    if let Some((bad, _)) = req.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(format!("the fake does not know the parameter {bad}"));
    }
    let service = req.q("service").filter(|name| !name.is_empty()).ok_or("parameter 'service' is required")?;
    let (end, limit) = (number(req, "end")?.unwrap_or(now_ns() / 1000), number(req, "limit")?.unwrap_or(100));
    let start = number(req, "start")?.unwrap_or(end.saturating_sub(48 * 3_600_000_000));
    if limit <= 0 {
        return Err("limit must be positive".to_owned());
    }
    let span_of = |name: &str| match req.q(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => duration_ns(text)
            .filter(|_| text.ends_with(char::is_alphabetic))
            .map(Some)
            .ok_or_else(|| format!("unable to parse param '{name}': time: invalid duration \"{text}\"")),
    };
    let (least, most) = (span_of("minDuration")?, span_of("maxDuration")?);
    let mut tags: Map<String, Value> = Map::new();
    if let Some(text) = req.q("tags").filter(|text| !text.is_empty()) {
        let parsed: Value =
            serde_json::from_str(text).map_err(|why| format!("malformed 'tags' parameter, cannot unmarshal JSON: {why}"))?;
        tags = parsed
            .as_object()
            .filter(|object| object.values().all(Value::is_string))
            .cloned()
            .ok_or("malformed 'tags' parameter, expecting an object of strings")?;
    }
    for (_, pair) in req.query.iter().filter(|(name, _)| name == "tag") {
        let (key, value) =
            pair.split_once(':').ok_or_else(|| format!("malformed 'tag' parameter, expecting key:value, received: {pair}"))?;
        tags.insert(key.to_owned(), json!(value));
    }
    let fits = |span: &&Span| {
        let tagged = |(key, value): (&String, &Value)| match key.as_str() {
            "error" => value == "true" && span.error.is_some() || value == "false" && span.error.is_none(),
            key => find(&span.attrs, key).is_some_and(|have| value == have),
        };
        span.service == service
            && (start.saturating_mul(1000)..=end.saturating_mul(1000)).contains(&span.ns)
            && req.q("operation").filter(|name| !name.is_empty()).is_none_or(|name| span.name == name)
            && least.is_none_or(|least| span.duration_ns >= least)
            && most.is_none_or(|most| span.duration_ns <= most)
            && tags.iter().all(tagged)
    };
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for span in spans.iter().filter(fits) {
        let seen = newest.entry(&span.trace_id).or_insert(span.ns);
        *seen = span.ns.max(*seen);
    }
    let mut ids: Vec<(&str, i64)> = newest.into_iter().collect();
    ids.sort_by_key(|(_, ns)| -ns);
    Ok(data(ids.into_iter().take(limit as usize).map(|(id, _)| trace(id, spans)).collect()))
}

fn trace(id: &str, spans: &[Span]) -> Value {
    let (mut processes, mut all) = (Map::new(), Vec::new());
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    for span in spans.iter().filter(|span| span.trace_id == id) {
        let next = format!("p{}", known.len() + 1);
        let process = known.entry(&span.service).or_insert(next).clone();
        processes.insert(process.clone(), json!({"serviceName": span.service, "tags": []}));
        let tag = |key: &str, kind: &str, value: Value| json!({"key": key, "type": kind, "value": value});
        let mut tags: Vec<Value> = span.attrs.iter().map(|(key, value)| tag(key, "string", json!(value))).collect();
        tags.push(tag("span.kind", "string", json!("server")));
        if let Some(message) = &span.error {
            tags.extend([
                tag("error", "bool", json!(true)),
                tag("otel.status_code", "string", json!("ERROR")),
                tag("otel.status_description", "string", json!(message)),
            ]);
        }
        let parent = json!({"refType": "CHILD_OF", "traceID": id, "spanID": span.parent});
        let references = if span.parent.is_empty() { Vec::new() } else { vec![parent] };
        all.push(
            json!({"traceID": id, "spanID": span.span_id, "operationName": span.name, "references": references, "startTime": span.ns / 1000,
            "duration": span.duration_ns / 1000, "tags": tags, "logs": [], "processID": process, "warnings": null}),
        );
    }
    json!({"traceID": id, "spans": all, "processes": processes, "warnings": null})
}

fn dependencies(req: &Req, spans: &[Span]) -> Result<Resp, String> {
    let end = number(req, "endTs")?.ok_or("unable to parse endTimestamp: strconv.ParseInt: parsing \"\": invalid syntax")?;
    let lookback = number(req, "lookback")?.unwrap_or(86_400_000);
    let mut calls: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for span in spans.iter().filter(|span| (end.saturating_sub(lookback)..=end).contains(&(span.ns / 1_000_000))) {
        let parent = spans.iter().find(|one| one.trace_id == span.trace_id && one.span_id == span.parent);
        if let Some(parent) = parent.filter(|parent| parent.service != span.service) {
            *calls.entry((&parent.service, &span.service)).or_default() += 1;
        }
    }
    Ok(data(calls.into_iter().map(|((parent, child), count)| json!({"parent": parent, "child": child, "callCount": count})).collect()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{
        super::common::{client::call, encode},
        *,
    };

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[tokio::test(flavor = "multi_thread")]
    async fn answers_and_refuses() {
        let jaeger = Jaeger::start(None).await;
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        jaeger.span(Span::new(TRACE, "b7ad6b7169203331", "", "web", "GET /", at, 500));
        jaeger
            .span(Span::new(TRACE, "b7ad6b7169203332", "b7ad6b7169203331", "api", "query", at, 400).failed("timeout").attr("db", "mongo"));
        let get = |path: &str| call(&jaeger.url, "GET", path, &[], "");
        assert_eq!(get("/api/services").json()["data"], json!(["api", "web"]));
        let range = "start=1699999999000000&end=1700000100000000";
        let found = get(&format!("/api/traces?service=api&{range}&limit=5&tags={}", encode(r#"{"error":"true","db":"mongo"}"#))).json();
        assert_eq!(found["data"][0]["spans"].as_array().unwrap().len(), 2);
        assert_eq!(get(&format!("/api/traces?service=api&{range}&minDuration=1s")).json()["data"], json!([]));
        assert_eq!(get(&format!("/api/traces/{TRACE}")).json()["data"][0]["processes"]["p2"]["serviceName"], "api");
        assert_eq!(
            get("/api/dependencies?endTs=1700000100000&lookback=3600000").json()["data"],
            json!([{"parent": "web", "child": "api", "callCount": 1}])
        );
        for (path, status) in [
            ("/api/traces", 400),
            ("/api/traces?service=a&start=x", 400),
            ("/api/traces?service=a&tags=x", 400),
            ("/api/traces/zz", 400),
            ("/api/traces/ab", 404),
            ("/api/dependencies", 400),
            ("/nope", 404),
        ] {
            assert_eq!(get(path).status, status, "{path}");
        }
        assert_eq!(call(&jaeger.url, "POST", "/api/services", &[], "").status, 405);
        jaeger.fail_next(500, 1);
        assert_eq!(get("/api/services").json()["errors"][0]["code"], 500);
        assert_eq!(call(&Jaeger::start(Some("t")).await.url, "GET", "/api/services", &[], "").status, 401);
    }
}
