//! SigNoz: the query API v5, or only v3 and v4 for one that was not upgraded; services, field keys and alert rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    common::{Backend, Log, Req, Resp, Server, fake_methods, lock, nanos, owned},
    signoz_data::{LOG_KEYS, Point, Row, SPAN_KEYS, fold, log_row, point_row, span_row},
    signoz_legacy, signoz_v5,
    span::Span,
};

pub struct SigNoz {
    pub url: String,
    server: Server<State>,
}
fake_methods!(SigNoz);

pub struct State {
    key: String,
    legacy: bool,
    logs: Mutex<Vec<Log>>,
    spans: Mutex<Vec<Span>>,
    points: Mutex<Vec<Point>>,
    rules: Mutex<Vec<Value>>,
    history: Mutex<BTreeMap<String, Vec<(i64, String)>>>,
}

impl SigNoz {
    /// `legacy` answers v5 with 404 and knows v3 and v4 only.
    pub async fn start(key: &str, legacy: bool) -> Self {
        let state = State {
            key: key.to_owned(),
            legacy,
            logs: Mutex::default(),
            spans: Mutex::default(),
            points: Mutex::default(),
            rules: Mutex::default(),
            history: Mutex::default(),
        };
        let server = Server::start(state).await;
        Self { url: server.url.clone(), server }
    }

    /// `trace_id` and `span_id` among the labels are the log's own; `k8s.`, `host.`, `deployment.` and `service.` are of the resource.
    pub fn log(&self, time: Timestamp, service: &str, severity: &str, body: &str, labels: &[(&str, &str)]) {
        lock(&self.server.state.logs).push(Log::new(time, service, severity, body, labels));
    }

    pub fn span(&self, span: Span) {
        lock(&self.server.state.spans).push(span);
    }

    pub fn metric(&self, time: Timestamp, name: &str, value: f64, labels: &[(&str, &str)]) {
        lock(&self.server.state.points).push(Point { ns: nanos(time), name: name.to_owned(), value, labels: owned(labels) });
    }

    /// `state` is `firing`, `inactive`, `pending` or `disabled`.
    pub fn rule(&self, id: &str, name: &str, state: &str) {
        let rule = json!({"id": id, "state": state, "alert": name, "alertType": "LOGS_BASED_ALERT", "ruleType": "threshold_rule", "evalWindow": "5m0s",
            "frequency": "1m0s", "labels": {"severity": "critical"}, "annotations": {}, "disabled": state == "disabled", "preferredChannels": []});
        lock(&self.server.state.rules).push(rule);
    }

    pub fn transition(&self, rule: &str, time: Timestamp, state: &str) {
        lock(&self.server.state.history).entry(rule.to_owned()).or_default().push((nanos(time), state.to_owned()));
    }
}

/// Status, code and message.
pub type Refusal = (u16, &'static str, String);

pub fn error(status: u16, code: &str, message: &str, more: &[String]) -> Resp {
    let kind = code.replace('_', "-");
    let more: Vec<Value> = more.iter().map(|one| json!({"message": one})).collect();
    Resp::json(status, &json!({"status": "error", "error": {"type": kind, "code": code, "message": message, "errors": more}}))
}

fn success(data: &Value) -> Resp {
    Resp::json(200, &json!({"status": "success", "data": data}))
}

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        let (code, message) = match status {
            401 => ("unauthenticated", "api key not found"),
            403 => ("forbidden", "only editors/admins can access this resource"),
            429 => ("too_many_requests", "rate limit exceeded"),
            504 => ("timeout", "context deadline exceeded"),
            _ => ("internal", "internal server error"),
        };
        error(status, code, message, &[])
    }

    fn handle(&self, req: &Req) -> Resp {
        let segments = req.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let methods: &[&str] = match path.as_slice() {
            ["api", "v5", "query_range"] if !self.legacy => &["POST"],
            ["api", "v3" | "v4", "query_range"] => &["POST"],
            ["api", "v1", "services"] => &["GET", "POST"],
            ["api", "v1", "version" | "health" | "rules"] | ["api", "v1", "rules", _] => &["GET"],
            ["api", "v1", "fields", "keys" | "values"] if !self.legacy => &["GET"],
            ["api", "v2", "rules", _, "history", "timeline"] if !self.legacy => &["GET"],
            _ => return Resp::text(404, "404 page not found\n"),
        };
        if !methods.contains(&req.method.as_str()) {
            return Resp::text(405, "");
        }
        match path.as_slice() {
            ["api", "v1", "version"] => {
                let version = if self.legacy { "v0.60.0" } else { "v0.105.1" };
                return Resp::json(200, &json!({"version": version, "ee": "Y", "setupCompleted": true}));
            }
            ["api", "v1", "health"] => return Resp::json(200, &json!({"status": "ok"})),
            _ => {}
        }
        if req.header("signoz-api-key").or_else(|| req.bearer()) != Some(self.key.as_str()) {
            return error(401, "unauthenticated", "unauthenticated", &[]);
        }
        match path.as_slice() {
            ["api", "v5", _] => match req.json() {
                Err(why) => error(400, "invalid_input", "failed to decode request body", &[why]),
                Ok(body) => signoz_v5::query_range(self, &body)
                    .map_or_else(|(refusal, more)| error(refusal.0, refusal.1, &refusal.2, &more), |data| success(&data)),
            },
            ["api", "v3" | "v4", _] => match req
                .json()
                .map_err(|why| format!("cannot parse the request body: {why}"))
                .and_then(|body| signoz_legacy::query_range(self, &body))
            {
                Err(why) => signoz_legacy::error(&why),
                Ok(data) => success(&data),
            },
            ["api", "v1", "services"] => self.services(req),
            ["api", "v1", "fields", what] => self.fields(req, what),
            ["api", "v1", "rules"] => success(&json!({"rules": *lock(&self.rules)})),
            ["api", "v1", "rules", id] => match lock(&self.rules).iter().find(|rule| rule["id"] == *id) {
                Some(rule) => success(rule),
                None => error(404, "not_found", "rule not found", &[]),
            },
            ["api", "v2", "rules", id, ..] => self.timeline(req, id),
            _ => Resp::text(404, "404 page not found\n"),
        }
    }
}

impl State {
    pub fn log_rows(&self) -> Vec<Row> {
        lock(&self.logs).iter().enumerate().map(|(index, log)| log_row(index, log)).collect()
    }

    pub fn span_rows(&self) -> Vec<Row> {
        lock(&self.spans).iter().map(span_row).collect()
    }

    /// The points of this metric in the order of time, or nothing when it was never seen.
    pub fn points(&self, name: &str) -> Option<Vec<Row>> {
        let mut rows: Vec<Row> = lock(&self.points).iter().filter(|point| point.name == name).map(point_row).collect();
        rows.sort_by_key(|row| row.ns);
        (!rows.is_empty()).then_some(rows)
    }

    /// Every key that a filter over this signal may use.
    pub fn keys(&self, signal: &str) -> BTreeSet<String> {
        let (own, rows): (&[&str], Vec<Row>) = match signal {
            "logs" => (LOG_KEYS, self.log_rows()),
            "traces" => (SPAN_KEYS, self.span_rows()),
            _ => (&[], lock(&self.points).iter().map(point_row).collect()),
        };
        let mut keys: BTreeSet<String> =
            rows.into_iter().flat_map(|row| row.flat.into_iter().map(|(key, _)| key)).filter(|key| key != "__value").collect();
        keys.extend(own.iter().map(|key| (*key).to_owned()));
        keys.insert("service.name".to_owned());
        keys
    }

    fn services(&self, req: &Req) -> Resp {
        let bad = |why: &str| error(400, "bad_data", why, &[]);
        let body = match req.post().then(|| req.json()).transpose() {
            Err(why) => return bad(&why),
            Ok(body) => body.unwrap_or_else(|| json!({"start": req.q("start"), "end": req.q("end"), "tags": []})),
        };
        let time = |name: &str| body.get(name).and_then(Value::as_str).and_then(|text| text.parse::<i64>().ok());
        let (Some(start), Some(end)) = (time("start"), time("end")) else { return bad("start and end must be strings of nanoseconds") };
        if body.get("tags").is_some_and(|tags| !tags.is_array() && !tags.is_null()) {
            return bad("json: cannot unmarshal into Go struct field GetServicesParams.tags");
        }
        let mut by_service: BTreeMap<String, Vec<Span>> = BTreeMap::new();
        for span in lock(&self.spans).iter().filter(|span| (start..=end).contains(&span.ns)) {
            by_service.entry(span.service.clone()).or_default().push(span.clone());
        }
        let seconds = ((end - start) as f64 / 1e9).max(1.0);
        let row = |(name, spans): (&String, &Vec<Span>)| {
            let times: Vec<f64> = spans.iter().map(|span| span.duration_ns as f64).collect();
            let (calls, errors) = (spans.len(), spans.iter().filter(|span| span.error.is_some()).count());
            json!({"serviceName": name, "p99": fold("p99", &times), "avgDuration": fold("avg", &times), "numCalls": calls, "callRate": calls as f64 / seconds,
                "numErrors": errors, "errorRate": errors as f64 * 100.0 / calls as f64, "num4XX": 0, "fourXXRate": 0, "dataWarning": {"topLevelOps": []}})
        };
        Resp::json(200, &by_service.iter().map(row).collect())
    }

    fn fields(&self, req: &Req, what: &str) -> Resp {
        let signal = req.q("signal").unwrap_or("logs");
        if !["logs", "traces", "metrics"].contains(&signal) {
            return error(400, "invalid_input", &format!("invalid signal: {signal}"), &[]);
        }
        if what == "values" {
            let Some(name) = req.q("name").filter(|name| !name.is_empty()) else {
                return error(400, "invalid_input", "name is required", &[]);
            };
            let rows = if signal == "traces" { self.span_rows() } else { self.log_rows() };
            let seen: BTreeSet<String> = rows.iter().map(|row| row.text(name)).filter(|text| !text.is_empty()).collect();
            return success(&json!({"values": {"stringValues": seen, "numberValues": [], "relatedValues": []}, "complete": true}));
        }
        let search = req.q("searchText").unwrap_or_default();
        let mut keys = Map::new();
        for key in self.keys(signal).into_iter().filter(|key| key.contains(search)) {
            let own = LOG_KEYS.contains(&key.as_str()) || SPAN_KEYS.contains(&key.as_str());
            let context = if own {
                signal.trim_end_matches('s').replace("trace", "span")
            } else if key.starts_with("service.") || key.starts_with("k8s.") {
                "resource".to_owned()
            } else {
                "attribute".to_owned()
            };
            keys.insert(key.clone(), json!([{"name": key, "signal": signal, "fieldContext": context, "fieldDataType": "string"}]));
        }
        success(&json!({"keys": keys, "complete": true}))
    }

    fn timeline(&self, req: &Req, id: &str) -> Resp {
        let time = |name: &str| req.q(name).and_then(|text| text.parse::<i64>().ok());
        let (Some(start), Some(end)) = (time("start"), time("end")) else {
            return error(400, "invalid_input", "start and end are required", &[]);
        };
        let Some(rule) = lock(&self.rules).iter().find(|rule| rule["id"] == id).cloned() else {
            return error(404, "not_found", "rule not found", &[]);
        };
        let limit = time("limit").unwrap_or(50).max(0) as usize;
        let mut items: Vec<(i64, String)> = lock(&self.history).get(id).cloned().unwrap_or_default();
        items.retain(|(ns, _)| (start..=end).contains(&(ns / 1_000_000)));
        items.sort_by_key(|(ns, _)| if req.q("order") == Some("asc") { *ns } else { -ns });
        let total = items.len();
        let row = |(ns, state): (i64, String)| {
            json!({"ruleId": id, "ruleName": rule["alert"], "overallState": state, "overallStateChanged": true, "state": state, "stateChanged": true,
                "unixMilli": ns / 1_000_000, "labels": [{"key": {"name": "severity"}, "value": "critical"}], "fingerprint": 1, "value": 1})
        };
        success(&json!({"items": items.into_iter().take(limit).map(row).collect::<Vec<_>>(), "total": total, "nextCursor": ""}))
    }
}

#[cfg(test)]
#[path = "signoz_tests.rs"]
mod tests;
