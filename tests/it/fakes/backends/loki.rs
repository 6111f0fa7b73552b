//! Loki: streams, LogQL, tenants, limits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    common::{Backend, Log, Pairs, Req, Resp, Server, duration_ns, fake_methods, find, lock, now_ns, parse_rfc3339},
    logql::{Metric, Pipeline, Query, parse, parse_selector},
};

const MAX_ENTRIES: i64 = 5000;
const MAX_POINTS: i64 = 11_000;
const MAX_LENGTH_NS: i64 = 721 * 3_600_000_000_000;
const PATHS: &[&str] = &["query_range", "labels", "label", "series", "index/stats"];

pub struct Loki {
    pub url: String,
    server: Server<State>,
}
fake_methods!(Loki);

struct State {
    tenant: Option<String>,
    logs: Mutex<Vec<(Pairs, Log)>>,
}

impl Loki {
    /// With a tenant, `X-Scope-OrgID` is asked for and other tenants see nothing.
    pub async fn start(tenant: Option<&str>) -> Self {
        let server = Server::start(State { tenant: tenant.map(ToOwned::to_owned), logs: Mutex::default() }).await;
        Self { url: server.url.clone(), server }
    }

    /// One line. The stream's labels are `service_name`, `level` (the severity in lower case) and those given, which win.
    pub fn log(&self, time: Timestamp, service: &str, severity: &str, body: &str, labels: &[(&str, &str)]) {
        let log = Log::new(time, service, severity, body, labels);
        let mut stream = BTreeMap::from([("service_name".to_owned(), service.to_owned())]);
        if !severity.is_empty() {
            stream.insert("level".to_owned(), severity.to_lowercase());
        }
        stream.extend(log.labels.clone());
        let mut logs = lock(&self.server.state.logs);
        logs.push((stream.into_iter().filter(|(_, value)| !value.is_empty()).collect(), log));
        logs.sort_by_key(|(_, log)| log.ns);
    }
}

type Answer = Result<Value, String>;

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        match status {
            401 => Resp::text(401, "no org id\n"),
            403 => Resp::text(403, "Forbidden\n"),
            429 => Resp::text(429, "too many outstanding requests\n"),
            504 => Resp::text(
                504,
                "request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex match) to reduce the amount of data processed\n",
            ),
            503 => Resp::text(503, "too many unhealthy instances in the ring\n"),
            status => Resp::text(status, "rpc error: code = Unknown desc = the fake was told to fail\n"),
        }
    }

    fn handle(&self, req: &Req) -> Resp {
        if req.path == "/ready" {
            return if req.get() { Resp::text(200, "ready\n") } else { Resp::text(405, "") };
        }
        let Some(api) = req.path.strip_prefix("/loki/api/v1/") else { return Resp::text(404, "404 page not found\n") };
        let segments = req.segments();
        let label = segments.get(4).filter(|_| api.starts_with("label/") && api.ends_with("/values") && segments.len() == 6);
        if !PATHS.contains(&api) && label.is_none() || api == "label" {
            return Resp::text(404, "404 page not found\n");
        }
        if !req.get() && !req.post() || req.post() && label.is_some() {
            return Resp::text(405, "");
        }
        let logs = match &self.tenant {
            None => lock(&self.logs).clone(),
            Some(tenant) => match req.header("x-scope-orgid").filter(|given| !given.is_empty()) {
                None => return Resp::text(401, "no org id\n"),
                Some(given) if given.split('|').any(|one| one == tenant) => lock(&self.logs).clone(),
                Some(_) => Vec::new(),
            },
        };
        let params = req.params();
        let answer = times(&params).and_then(|(start, end)| {
            let inside: Vec<_> = logs.into_iter().filter(|(_, log)| (start..end).contains(&log.ns)).collect();
            match (api, label) {
                ("query_range", _) => query_range(&params, inside, start, end),
                ("labels", _) => {
                    Ok(json!(inside.iter().flat_map(|(stream, _)| stream.iter().map(|(name, _)| name)).collect::<BTreeSet<_>>()))
                }
                ("series", _) => series(&params, &inside),
                ("index/stats", _) => stats(&params, &inside),
                (_, Some(name)) => values(&params, &inside, name),
                _ => Err("unreachable".to_owned()),
            }
        });
        match answer {
            Err(message) => Resp::text(400, message),
            Ok(stats) if api == "index/stats" => Resp::json(200, &stats),
            Ok(data) => Resp::json(200, &json!({"status": "success", "data": data})),
        }
    }
}

fn time(text: &str) -> Result<i64, String> {
    let bad = || format!("could not parse \"{text}\" as a timestamp");
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
    {
        return Ok((seconds * 1e9) as i64);
    }
    match text.parse::<i64>() {
        Ok(seconds) if text.len() <= 10 => Ok(seconds.saturating_mul(1_000_000_000)),
        Ok(ns) => Ok(ns),
        Err(_) => parse_rfc3339(text).ok_or_else(bad),
    }
}

fn times(params: &Pairs) -> Result<(i64, i64), String> {
    let end = find(params, "end").map(time).transpose()?.unwrap_or_else(now_ns);
    let start = find(params, "start").map(time).transpose()?.unwrap_or(end.saturating_sub(3_600_000_000_000));
    if end < start {
        return Err("end timestamp must not be before or equal to start time".to_owned());
    }
    if end.saturating_sub(start) > MAX_LENGTH_NS {
        return Err(format!(
            "the query time range exceeds the limit (query length: {}h0m0s, limit: 30d1h)",
            end.saturating_sub(start) / 3_600_000_000_000
        ));
    }
    Ok((start, end))
}

fn query_range(params: &Pairs, logs: Vec<(Pairs, Log)>, start: i64, end: i64) -> Answer {
    let text = find(params, "query").filter(|text| !text.trim().is_empty()).ok_or("parse error : syntax error: unexpected $end")?;
    let limit = match find(params, "limit") {
        None => 100,
        Some(text) => text.parse::<i64>().map_err(|_| format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))?,
    };
    if limit <= 0 {
        return Err("limit must be a positive value".to_owned());
    }
    let backward = match find(params, "direction").map(str::to_lowercase).as_deref() {
        None | Some("backward") => true,
        Some("forward") => false,
        Some(other) => return Err(format!("invalid direction '{other}'")),
    };
    if end == start {
        return Err("end timestamp must not be before or equal to start time".to_owned());
    }
    match parse(text)? {
        Query::Logs(_) if limit > MAX_ENTRIES => {
            Err(format!("max entries limit per query exceeded, limit > max_entries_limit ({limit} > {MAX_ENTRIES})"))
        }
        Query::Logs(pipeline) => Ok(streams(&pipeline, logs, limit as usize, backward)),
        Query::Metric(metric) => {
            let step = match find(params, "step") {
                None => ((end - start) / 250 / 1_000_000_000).max(1) * 1_000_000_000,
                Some(text) => duration_ns(text).ok_or_else(|| format!("cannot parse \"{text}\" to a valid duration"))?,
            };
            if step <= 0 {
                return Err("zero or negative query resolution step widths are not accepted. Try a positive integer".to_owned());
            }
            if (end - start) / step > MAX_POINTS {
                return Err("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
                    .to_owned());
            }
            Ok(matrix(&metric, &logs, start, end, step))
        }
    }
}

fn object(labels: &Pairs) -> Value {
    labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>().into()
}

fn streams(pipeline: &Pipeline, mut logs: Vec<(Pairs, Log)>, limit: usize, backward: bool) -> Value {
    logs.retain(|(labels, log)| pipeline.selects(labels) && pipeline.passes(log, labels));
    if backward {
        logs.reverse();
    }
    logs.truncate(limit);
    let bytes: usize = logs.iter().map(|(_, log)| log.body.len()).sum();
    let lines = logs.len();
    let mut by_stream: BTreeMap<Pairs, Vec<Value>> = BTreeMap::new();
    for (labels, log) in logs {
        by_stream.entry(labels).or_default().push(json!([log.ns.to_string(), log.body]));
    }
    let result: Vec<Value> = by_stream.iter().map(|(labels, values)| json!({"stream": object(labels), "values": values})).collect();
    let stats =
        json!({"summary": {"totalBytesProcessed": bytes, "totalLinesProcessed": lines, "execTime": 0.001, "totalEntriesReturned": lines}});
    json!({"resultType": "streams", "result": result, "stats": stats})
}

fn matrix(metric: &Metric, logs: &[(Pairs, Log)], start: i64, end: i64, step: i64) -> Value {
    let mut by_series: BTreeMap<Pairs, Vec<Value>> = BTreeMap::new();
    let mut at = start;
    while at <= end {
        let mut by_stream: BTreeMap<&Pairs, f64> = BTreeMap::new();
        for (labels, log) in logs {
            if log.ns > at - metric.range_ns && log.ns <= at && metric.pipeline.selects(labels) && metric.pipeline.passes(log, labels) {
                let scale = if metric.rate { metric.range_ns as f64 / 1e9 } else { 1.0 };
                *by_stream.entry(labels).or_default() += (if metric.bytes { log.body.len() as f64 } else { 1.0 }) / scale;
            }
        }
        let mut groups: BTreeMap<Pairs, Vec<f64>> = BTreeMap::new();
        for (labels, value) in by_stream {
            groups.entry(metric.group(labels)).or_default().push(value);
        }
        for (group, values) in groups {
            let sum: f64 = values.iter().sum();
            let value = match metric.outer.as_ref().map(|(name, _)| name.as_str()) {
                Some("max") => values.iter().copied().fold(f64::MIN, f64::max),
                Some("min") => values.iter().copied().fold(f64::MAX, f64::min),
                Some("avg") => sum / values.len() as f64,
                Some("count") => values.len() as f64,
                _ => sum,
            };
            by_series.entry(group).or_default().push(json!([at / 1_000_000_000, value.to_string()]));
        }
        at += step;
    }
    let result: Vec<Value> = by_series.iter().map(|(labels, values)| json!({"metric": object(labels), "values": values})).collect();
    json!({"resultType": "matrix", "result": result, "stats": {}})
}

fn series(params: &Pairs, logs: &[(Pairs, Log)]) -> Answer {
    let asked: Vec<&String> = params.iter().filter(|(name, _)| name == "match[]" || name == "match").map(|(_, value)| value).collect();
    if asked.is_empty() {
        return Err("0 matchers supplied".to_owned());
    }
    let selectors = asked.into_iter().map(|text| parse_selector(text)).collect::<Result<Vec<_>, _>>()?;
    let found: BTreeSet<&Pairs> =
        logs.iter().map(|(labels, _)| labels).filter(|labels| selectors.iter().any(|one| one.selects(labels))).collect();
    Ok(found.into_iter().map(object).collect())
}

fn stats(params: &Pairs, logs: &[(Pairs, Log)]) -> Answer {
    let selector = parse_selector(find(params, "query").unwrap_or_default())?;
    let found: Vec<_> = logs.iter().filter(|(labels, _)| selector.selects(labels)).collect();
    let streams = found.iter().map(|(labels, _)| labels).collect::<BTreeSet<_>>().len();
    let bytes: usize = found.iter().map(|(_, log)| log.body.len()).sum();
    Ok(json!({"streams": streams, "chunks": streams, "entries": found.len(), "bytes": bytes}))
}

fn values(params: &Pairs, logs: &[(Pairs, Log)], name: &str) -> Answer {
    let selector = find(params, "query").map(parse_selector).transpose()?;
    let seen = logs.iter().filter(|(labels, _)| selector.as_ref().is_none_or(|one| one.selects(labels)));
    Ok(json!(seen.filter_map(|(labels, _)| find(labels, name)).collect::<BTreeSet<_>>()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::common::{
            client::{Got, call},
            encode,
        },
        *,
    };

    async fn loki() -> Loki {
        let loki = Loki::start(Some("team")).await;
        for (second, level, body) in
            [(0, "info", "started"), (10, "error", "db timeout"), (20, "error", "db refused {\"a\":1}"), (70, "warn", "slow")]
        {
            loki.log(Timestamp::from_second(1_700_000_000 + second).unwrap(), "api", level, body, &[("namespace", "shop")]);
        }
        loki.log(Timestamp::from_second(1_700_000_030).unwrap(), "web", "error", r#"{"code":"500"}"#, &[]);
        loki
    }

    fn ask(loki: &Loki, path: &str) -> Got {
        call(&loki.url, "GET", &format!("/loki/api/v1/{path}"), &[("x-scope-orgid", "team")], "")
    }

    fn range(loki: &Loki, query: &str, more: &str) -> Got {
        ask(loki, &format!("query_range?query={}&start=1700000000000000000&end=1700000100000000000{more}", encode(query)))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn selects_filters_limits_and_orders() {
        let loki = loki().await;
        let got = range(&loki, r#"{service_name="api",level=~"error|warn",namespace!="x"} |= "db" !~ "time.?out""#, "").json();
        assert_eq!(got["data"]["result"][0]["values"], json!([["1700000020000000000", "db refused {\"a\":1}"]]));
        assert_eq!(got["data"]["result"][0]["stream"]["namespace"], "shop");
        let newest = range(&loki, r#"{service_name=~".+"}"#, "&limit=1").json();
        assert_eq!(newest["data"]["result"][0]["values"][0][1], "slow");
        let oldest = range(&loki, r#"{service_name=~".+"}"#, "&limit=1&direction=forward").json();
        assert_eq!(oldest["data"]["result"][0]["values"][0][1], "started");
        let json = range(&loki, r#"{level="error"} | json | code="500""#, "").json();
        assert_eq!(json["data"]["result"].as_array().unwrap().len(), 1);
        assert_eq!(loki.requests().len(), 4);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn counts_over_time() {
        let loki = loki().await;
        let got = range(&loki, r#"sum by (level) (count_over_time({service_name="api"} |~ "db|slow" [1m]))"#, "&step=60").json();
        assert_eq!(got["data"]["resultType"], "matrix");
        assert_eq!(got["data"]["result"], json!([{"metric": {"level": "error"}, "values": [[1_700_000_060, "2"]]}]));
        let stats = ask(&loki, &format!("index/stats?query={}&start=1700000000&end=1700000100", encode(r#"{service_name="api"}"#))).json();
        assert_eq!(stats, json!({"streams": 3, "chunks": 3, "entries": 4, "bytes": 39}));
        let values = ask(&loki, "label/level/values?start=1700000000&end=1700000100").json();
        assert_eq!(values["data"], json!(["error", "info", "warn"]));
        let series = ask(&loki, &format!("series?match[]={}&start=1700000000&end=1700000100", encode(r#"{service_name="web"}"#))).json();
        assert_eq!(series["data"], json!([{"level": "error", "service_name": "web"}]));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn refuses_as_loki_does() {
        let loki = loki().await;
        assert_eq!(call(&loki.url, "GET", "/loki/api/v1/labels", &[], "").status, 401);
        assert_eq!(range(&loki, "{}", "").status, 400);
        assert!(range(&loki, "{}", "").body.contains("empty-compatible"));
        let got = range(&loki, r#"{app="x"} |= boom"#, "");
        assert_eq!(
            (got.status, got.body.as_str()),
            (400, "parse error at line 1, col 14: syntax error: unexpected IDENTIFIER, expecting STRING")
        );
        assert!(got.header("content-type").unwrap().starts_with("text/plain"));
        assert!(range(&loki, r#"{app="x"}"#, "&limit=5001").body.contains("(5001 > 5000)"));
        for bad in [r#"{app="x""#, r#"{app=x}"#, r#"{app="x} "#, "app", r#"{app="x"} | boo"#, r#"sum(rate({app="x"}))"#, r#"{a=~"("}"#] {
            assert_eq!(range(&loki, bad, "").status, 400, "{bad}");
        }
        assert_eq!(range(&loki, r#"{app="x"}"#, "&direction=up").status, 400);
        assert_eq!(call(&loki.url, "DELETE", "/loki/api/v1/labels", &[("x-scope-orgid", "team")], "").status, 405);
        assert_eq!(ask(&loki, "nothing").status, 404);
        let other = call(&loki.url, "GET", "/loki/api/v1/labels?start=1700000000&end=1700000100", &[("x-scope-orgid", "other")], "");
        assert_eq!(other.json()["data"], json!([]));
        loki.fail_next(429, 1);
        assert_eq!(ask(&loki, "labels").status, 429);
        assert_eq!(ask(&loki, "labels").status, 200);
        assert_eq!(call(&loki.url, "GET", "/ready", &[], "").body, "ready\n");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn takes_a_form() {
        let loki = loki().await;
        let body = format!("query={}&start=1700000000&end=1700000100", encode(r#"{service_name="web"}"#));
        let headers = [("x-scope-orgid", "team"), ("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(
            call(&loki.url, "POST", "/loki/api/v1/query_range", &headers, &body).json()["data"]["result"].as_array().unwrap().len(),
            1
        );
        loki.stop();
    }
}
