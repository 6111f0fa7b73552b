//! Tempo: search by TraceQL, and traces as OTLP in JSON.

use std::{collections::BTreeMap, sync::Mutex};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    common::{Backend, Req, Resp, Server, fake_methods, lock},
    infix::{self, Cond, Expr, Style},
    span::Span,
};

const MAX_SPAN_S: i64 = 168 * 3600;

pub struct Tempo {
    pub url: String,
    server: Server<State>,
}
fake_methods!(Tempo);

struct State {
    tenant: Option<String>,
    spans: Mutex<Vec<Span>>,
}

impl Tempo {
    /// With a tenant, `X-Scope-OrgID` is asked for and other tenants see nothing.
    pub async fn start(tenant: Option<&str>) -> Self {
        let server = Server::start(State { tenant: tenant.map(ToOwned::to_owned), spans: Mutex::default() }).await;
        Self { url: server.url.clone(), server }
    }

    pub fn span(&self, span: Span) {
        lock(&self.server.state.spans).push(span);
    }
}

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        match status {
            401 => Resp::text(401, "no org id\n"),
            429 => Resp::text(429, "job queue full\n"),
            status => Resp::text(status, "the fake was told to fail\n"),
        }
    }

    fn handle(&self, req: &Req) -> Resp {
        let segments = req.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let known = matches!(path.as_slice(), ["ready"] | ["api", "echo" | "search"] | ["api", "traces", _] | ["api", "v2", "traces", _]);
        match (known, req.get()) {
            (false, _) => return Resp::text(404, "404 page not found\n"),
            (true, false) => return Resp::text(405, ""),
            _ => {}
        }
        match path.as_slice() {
            ["ready"] => return Resp::text(200, "ready\n"),
            ["api", "echo"] => return Resp::text(200, "echo"),
            _ => {}
        }
        let spans = match (&self.tenant, req.header("x-scope-orgid").filter(|given| !given.is_empty())) {
            (Some(_), None) => return Resp::text(401, "no org id\n"),
            (Some(tenant), Some(given)) if given.split('|').all(|one| one != tenant) => Vec::new(),
            _ => lock(&self.spans).clone(),
        };
        match path.as_slice() {
            ["api", "search"] => match search(req, &spans) {
                Ok(body) => Resp::json(200, &body),
                Err(why) => Resp::text(400, why),
            },
            ["api", rest @ ..] => trace(rest.last().copied().unwrap_or_default(), rest.first() == Some(&"v2"), &spans),
            _ => Resp::text(404, "404 page not found\n"),
        }
    }
}

fn value(span: &Span, key: &str) -> Option<Value> {
    let attr = |name: &str| span.attrs.iter().find(|(key, _)| key == name).map(|(_, value)| json!(value));
    match key {
        "name" | "span:name" => Some(json!(span.name)),
        "duration" | "span:duration" => Some(json!(span.duration_ns)),
        "status" | "span:status" => Some(json!(if span.error.is_some() { "error" } else { "unset" })),
        "statusMessage" | "span:statusMessage" => span.error.as_ref().map(|text| json!(text)),
        "kind" | "span:kind" => Some(json!("server")),
        "trace:id" => Some(json!(span.trace_id)),
        "span:id" => Some(json!(span.span_id)),
        "resource.service.name" | ".service.name" => Some(json!(span.service)),
        key => key.strip_prefix("span.").or_else(|| key.strip_prefix("resource.")).or_else(|| key.strip_prefix('.')).and_then(attr),
    }
}

fn known_key(key: &str) -> bool {
    ["span.", "resource.", ".", "span:", "trace:", "event.", "link."].iter().any(|scope| key.starts_with(scope))
        || ["name", "duration", "status", "statusMessage", "kind", "rootName", "rootServiceName", "traceDuration"].contains(&key)
}

fn traceql(text: &str) -> Result<Expr, String> {
    let bad = |why: String| format!("invalid TraceQL query: parse error at line 1, col 1: syntax error: {why}");
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let inner = inner.ok_or_else(|| bad("unexpected IDENTIFIER, or a pipeline that the fake does not know".to_owned()))?;
    let expr = infix::parse(inner, Style::TraceQl).map_err(bad)?;
    match expr.keys().into_iter().find(|key| !known_key(key)) {
        Some(key) => Err(bad(format!("unexpected IDENTIFIER {key}"))),
        None => Ok(expr),
    }
}

fn search(req: &Req, spans: &[Span]) -> Result<Value, String> {
    let number = |name: &str| match req.q(name) {
        None => Ok(None),
        Some(text) => {
            text.parse::<i64>().map(Some).map_err(|_| format!("invalid {name}: strconv.ParseInt: parsing \"{text}\": invalid syntax"))
        }
    };
    if let Some((bad, _)) = req
        .query
        .iter()
        .find(|(name, _)| !["q", "start", "end", "limit", "spss", "tags", "minDuration", "maxDuration"].contains(&name.as_str()))
    {
        return Err(format!("the fake does not know the parameter {bad}"));
    }
    let (start, end) = (number("start")?, number("end")?);
    if start.is_some() != end.is_some() {
        return Err("please provide positive values for http parameters start and end".to_owned());
    }
    if let (Some(start), Some(end)) = (start, end) {
        if start >= end {
            return Err("http parameter start must be before end. received start=".to_owned() + &format!("{start} end={end}"));
        }
        if end - start > MAX_SPAN_S {
            return Err(format!("range specified by start and end exceeds 168h0m0s. received start={start} end={end}"));
        }
    }
    let limit = number("limit")?.unwrap_or(20);
    let per_set = number("spss")?.unwrap_or(3);
    if limit <= 0 || per_set < 0 {
        return Err("invalid limit: must be a positive number".to_owned());
    }
    let expr = req.q("q").filter(|text| !text.trim().is_empty()).map_or(Ok(Expr::True), traceql)?;
    let within =
        |span: &&Span| start.is_none_or(|start| span.ns / 1_000_000_000 >= start) && end.is_none_or(|end| span.ns / 1_000_000_000 <= end);
    let fits = |span: &&Span| expr.eval(&|cond: &Cond| value(span, &cond.key).is_some_and(|have| cond.fits(Some(&have))));
    let mut found: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    for span in spans.iter().filter(within).filter(fits) {
        found.entry(&span.trace_id).or_default().push(span);
    }
    let mut traces: Vec<(i64, Value)> = found.into_iter().map(|(id, matched)| summary(id, &matched, spans, per_set as usize)).collect();
    traces.sort_by_key(|(ns, _)| -ns);
    let traces: Vec<Value> = traces.into_iter().take(limit as usize).map(|(_, trace)| trace).collect();
    Ok(
        json!({"traces": traces, "metrics": {"inspectedTraces": spans.len(), "inspectedBytes": "1024", "totalBlocks": 1, "completedJobs": 1, "totalJobs": 1}}),
    )
}

fn summary(id: &str, matched: &[&Span], spans: &[Span], per_set: usize) -> (i64, Value) {
    let whole: Vec<&Span> = spans.iter().filter(|span| span.trace_id == id).collect();
    let start = whole.iter().map(|span| span.ns).min().unwrap_or_default();
    let end = whole.iter().map(|span| span.ns + span.duration_ns).max().unwrap_or_default();
    let root = whole.iter().find(|span| span.parent.is_empty());
    let shown: Vec<Value> = matched
        .iter()
        .take(per_set)
        .map(|span| json!({"spanID": span.span_id, "name": span.name, "startTimeUnixNano": span.ns.to_string(), "durationNanos": span.duration_ns.to_string(), "attributes": attributes(&span.attrs)}))
        .collect();
    let set = json!({"spans": shown, "matched": matched.len()});
    let trace = json!({"traceID": id.trim_start_matches('0'), "rootServiceName": root.map_or("<root span not yet received>", |span| &span.service),
        "rootTraceName": root.map_or("", |span| &span.name), "startTimeUnixNano": start.to_string(), "durationMs": (end - start) / 1_000_000, "spanSet": set, "spanSets": [set]});
    (start, trace)
}

fn attributes(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

/// OTLP in JSON has its ids in base64, as Tempo's marshaller writes bytes.
fn bytes(hex: &str) -> String {
    let raw: Vec<u8> =
        (0..hex.len() / 2).filter_map(|at| hex.get(at * 2..at * 2 + 2).and_then(|two| u8::from_str_radix(two, 16).ok())).collect();
    BASE64_STANDARD.encode(raw)
}

fn trace(id: &str, v2: bool, spans: &[Span]) -> Resp {
    if id.is_empty() || id.len() > 32 || !id.bytes().all(|c| c.is_ascii_hexdigit()) {
        return Resp::text(400, "trace IDs can only contain hex characters: invalid character");
    }
    let id = format!("{:0>32}", id.to_lowercase());
    let mut by_service: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for span in spans.iter().filter(|span| format!("{:0>32}", span.trace_id) == id) {
        let status = span.error.as_ref().map_or_else(|| json!({}), |text| json!({"message": text, "code": "STATUS_CODE_ERROR"}));
        let mut one = json!({"traceId": bytes(&id), "spanId": bytes(&span.span_id), "parentSpanId": bytes(&span.parent), "name": span.name, "kind": "SPAN_KIND_SERVER",
            "startTimeUnixNano": span.ns.to_string(), "endTimeUnixNano": (span.ns + span.duration_ns).to_string(), "attributes": attributes(&span.attrs), "status": status});
        if let (true, Some(object)) = (span.parent.is_empty(), one.as_object_mut()) {
            object.shift_remove("parentSpanId");
        }
        by_service.entry(&span.service).or_default().push(one);
    }
    if by_service.is_empty() {
        return Resp::text(404, "trace not found\n");
    }
    let batch = |(service, spans): (&str, Vec<Value>)| {
        let resource = attributes(&[("service.name".to_owned(), service.to_owned())]);
        json!({"resource": {"attributes": resource}, "scopeSpans": [{"scope": {"name": "fake"}, "spans": spans}]})
    };
    let batches: Vec<Value> = by_service.into_iter().map(batch).collect();
    Resp::json(200, &if v2 { json!({"trace": {"resourceSpans": batches}, "metrics": {}}) } else { json!({"batches": batches}) })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{
        super::common::{
            client::{Got, call},
            encode,
        },
        *,
    };

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    async fn tempo() -> Tempo {
        let tempo = Tempo::start(Some("team")).await;
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        tempo.span(Span::new(TRACE, "b7ad6b7169203331", "", "web", "GET /", at(0), 500));
        tempo.span(
            Span::new(TRACE, "b7ad6b7169203332", "b7ad6b7169203331", "api", "query", at(0), 400)
                .failed("timeout")
                .attr("db.system", "mongodb"),
        );
        tempo.span(Span::new("00f7651916cd43dd8448eb211c80319d", "b7ad6b7169203333", "", "web", "GET /ok", at(60), 5));
        tempo
    }

    fn get(tempo: &Tempo, path: &str) -> Got {
        call(&tempo.url, "GET", path, &[("x-scope-orgid", "team")], "")
    }

    fn search(tempo: &Tempo, q: &str) -> Got {
        get(tempo, &format!("/api/search?q={}&start=1700000000&end=1700000100&limit=5", encode(q)))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn finds_traces() {
        let tempo = tempo().await;
        let got =
            search(&tempo, r#"{ resource.service.name = "api" && status = error && duration > 100ms && span.db.system =~ "mongo.*" }"#)
                .json();
        assert_eq!(got["traces"][0]["rootServiceName"], "web");
        assert_eq!(got["traces"][0]["spanSets"][0]["matched"], 1);
        assert_eq!(search(&tempo, "{}").json()["traces"].as_array().unwrap().len(), 2);
        assert_eq!(search(&tempo, "{ name = \"nope\" }").json()["traces"], json!([]));
        let one = get(&tempo, &format!("/api/traces/{TRACE}")).json();
        assert_eq!(one["batches"][0]["scopeSpans"][0]["spans"][0]["status"]["code"], "STATUS_CODE_ERROR");
        assert_eq!(
            get(&tempo, "/api/v2/traces/f7651916cd43dd8448eb211c80319d").json()["trace"]["resourceSpans"].as_array().unwrap().len(),
            1
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn refuses() {
        let tempo = tempo().await;
        for bad in ["name = \"x\"", "{ name = }", "{ foo = \"x\" }", "{ name = \"x\" AND status = error }", "{} | count() > 2"] {
            assert_eq!(search(&tempo, bad).status, 400, "{bad}");
        }
        assert_eq!(get(&tempo, "/api/search?start=1700000100&end=1700000000").status, 400);
        assert_eq!(get(&tempo, "/api/traces/abcd").status, 404);
        assert_eq!(get(&tempo, "/api/traces/xyz").status, 400);
        assert_eq!(get(&tempo, "/api/nope").status, 404);
        assert_eq!(call(&tempo.url, "GET", "/api/search", &[], "").status, 401);
        assert_eq!(call(&tempo.url, "POST", "/api/search", &[], "").status, 405);
        assert_eq!(call(&tempo.url, "GET", "/api/echo", &[], "").body, "echo");
        tempo.fail_next(500, 1);
        assert_eq!(get(&tempo, "/ready").status, 500);
    }
}
