//! The MongoDB Atlas Admin API v2: service account tokens, versioned media types, pages, and what a process went through.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::common::{Backend, Req, Resp, Server, duration_ns, encode, fake_methods, lock, nanos, now_ns, parse_rfc3339, rfc3339};

pub struct Atlas {
    pub url: String,
    server: Server<State>,
}
fake_methods!(Atlas);

/// Process, name, unit, time and value.
type Point = (String, String, String, i64, Option<f64>);

struct State {
    group: String,
    client: (String, String),
    tokens: Mutex<BTreeSet<String>>,
    issued: AtomicUsize,
    processes: Mutex<Vec<(String, String)>>,
    points: Mutex<Vec<Point>>,
    alerts: Mutex<Vec<(i64, Value)>>,
    events: Mutex<Vec<(i64, Value)>>,
    slow: Mutex<Vec<(String, i64, String, String)>>,
}

impl Atlas {
    /// One project, and the service account that may read it.
    pub async fn start(group: &str, client_id: &str, client_secret: &str) -> Self {
        let state = State {
            group: group.to_owned(),
            client: (client_id.to_owned(), client_secret.to_owned()),
            tokens: Mutex::default(),
            issued: AtomicUsize::default(),
            processes: Mutex::default(),
            points: Mutex::default(),
            alerts: Mutex::default(),
            events: Mutex::default(),
            slow: Mutex::default(),
        };
        let server = Server::start(state).await;
        Self { url: server.url.clone(), server }
    }

    /// `id` is `host:port`; the type is `REPLICA_PRIMARY`, `REPLICA_SECONDARY` or the like.
    pub fn process(&self, id: &str, type_name: &str) {
        lock(&self.server.state.processes).push((id.to_owned(), type_name.to_owned()));
    }

    /// No value is a gap, which Atlas shows as null.
    pub fn measure(&self, process: &str, name: &str, units: &str, time: Timestamp, value: Option<f64>) {
        lock(&self.server.state.points).push((process.to_owned(), name.to_owned(), units.to_owned(), nanos(time), value));
    }

    pub fn alert(&self, id: &str, event_type: &str, status: &str, created: Timestamp) {
        let at = rfc3339(nanos(created));
        let alert = json!({"id": id, "groupId": self.server.state.group, "alertConfigId": "c1", "eventTypeName": event_type, "status": status, "created": at,
            "updated": at, "lastNotified": at, "clusterName": "Cluster0", "replicaSetName": "rs0", "metricName": "NORMALIZED_SYSTEM_CPU_USER", "links": []});
        lock(&self.server.state.alerts).push((nanos(created), alert));
    }

    pub fn event(&self, id: &str, event_type: &str, created: Timestamp) {
        let event = json!({"id": id, "groupId": self.server.state.group, "eventTypeName": event_type, "created": rfc3339(nanos(created)), "isGlobalAdmin": false, "links": []});
        lock(&self.server.state.events).push((nanos(created), event));
    }

    /// `line` is the log line as mongod wrote it.
    pub fn slow_query(&self, process: &str, time: Timestamp, namespace: &str, line: &str) {
        lock(&self.server.state.slow).push((process.to_owned(), nanos(time), namespace.to_owned(), line.to_owned()));
    }

    /// Every token that was given so far is refused from now on.
    pub fn expire_tokens(&self) {
        lock(&self.server.state.tokens).clear();
    }

    pub fn tokens_issued(&self) -> usize {
        self.server.state.issued.load(Ordering::Relaxed)
    }
}

fn error(status: u16, code: &str, detail: &str) -> Resp {
    let reason = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        429 => "Too Many Requests",
        _ => "Internal Server Error",
    };
    Resp::json(status, &json!({"detail": detail, "error": status, "errorCode": code, "parameters": [], "reason": reason}))
}

fn bad(code: &str, detail: impl Into<String>) -> Resp {
    error(400, code, &detail.into())
}

/// The date in `application/vnd.atlas.YYYY-MM-DD+json`.
fn version(accept: &str) -> Option<&str> {
    let date = accept.trim().strip_prefix("application/vnd.atlas.")?.strip_suffix("+json")?;
    let shape = date.len() == 10 && date.split('-').map(str::len).eq([4, 2, 2]) && date.bytes().all(|c| c.is_ascii_digit() || c == b'-');
    (shape && date >= "2023-01-01").then_some(date)
}

/// `PT10S`, `PT1M`, `PT1H`, `P1D`, `P1DT12H`.
fn iso_duration(text: &str) -> Option<i64> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    duration_ns(&format!("{days}{time}").to_lowercase()).filter(|ns| *ns > 0 && !text.bytes().all(|c| c.is_ascii_digit()))
}

fn epoch_ms(req: &Req, name: &str) -> Result<Option<i64>, Resp> {
    let wrong = |text: &str| bad("INVALID_QUERY_PARAMETER", format!("Invalid query parameter {name} specified: {text}"));
    req.q(name).map(|text| text.parse::<i64>().map_err(|_| wrong(text))).transpose()
}

fn date(req: &Req, name: &str) -> Result<Option<i64>, Resp> {
    let wrong =
        |text: &str| bad("INVALID_DATE_FORMAT", format!("Received an invalid date: {text} for {name}. Must be in ISO 8601 format."));
    req.q(name).map(|text| parse_rfc3339(text).ok_or_else(|| wrong(text))).transpose()
}

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        match status {
            401 => error(401, "UNAUTHORIZED", "You are not authorized for this resource.").with(
                "www-authenticate",
                "Digest realm=\"MMS Public API\", domain=\"\", nonce=\"n0\", algorithm=MD5, qop=\"auth\", stale=false",
            ),
            403 => error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "IP address 127.0.0.1 is not allowed to access this resource."),
            429 => error(429, "RATE_LIMITED", "Too many requests.").with("retry-after", 2),
            status => error(status, "UNEXPECTED_ERROR", "Unexpected error."),
        }
    }

    fn handle(&self, req: &Req) -> Resp {
        if req.path == "/api/oauth/token" {
            return self.token(req);
        }
        let segments = req.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["api", "atlas", "v2", "groups", group, rest @ ..] = path.as_slice() else {
            return error(404, "RESOURCE_NOT_FOUND", "Cannot find resource.");
        };
        if !matches!(
            rest,
            ["processes" | "alerts" | "events"]
                | ["processes", _]
                | ["processes", _, "measurements"]
                | ["processes", _, "performanceAdvisor", "slowQueryLogs"]
        ) {
            return error(404, "RESOURCE_NOT_FOUND", &format!("Cannot find resource {}.", req.path));
        }
        if !req.get() {
            return error(405, "METHOD_NOT_ALLOWED", &format!("The {} method is not allowed for this resource.", req.method));
        }
        if !req.bearer().is_some_and(|token| lock(&self.tokens).contains(token)) {
            return self.failure(401);
        }
        let Some(version) = req.header("accept").and_then(version) else {
            return error(
                406,
                "INVALID_VERSION_DATE",
                "The Accept header must name a versioned media type, application/vnd.atlas.YYYY-MM-DD+json.",
            );
        };
        if *group != self.group {
            return error(404, "GROUP_NOT_FOUND", &format!("No group with ID {group} exists."));
        }
        if let ["processes", process, ..] = rest
            && !lock(&self.processes).iter().any(|(id, _)| id == process)
        {
            return error(404, "HOST_NOT_FOUND", &format!("No host with ID {process} exists in group {group}."));
        }
        let answer = match rest {
            ["processes"] => self.paged(req, lock(&self.processes).iter().map(|one| self.shown(one)).collect()),
            ["processes", id] => Ok(lock(&self.processes).iter().find(|(known, _)| known == id).map_or(Value::Null, |one| self.shown(one))),
            ["processes", process, "measurements"] => self.measurements(req, process),
            ["processes", process, ..] => self.slow_queries(req, process),
            ["alerts"] => self.alerts(req),
            _ => self.events(req),
        };
        answer.map_or_else(
            |resp| resp,
            |body| Resp::json(200, &body).with("content-type", format!("application/vnd.atlas.{version}+json;charset=utf-8")),
        )
    }
}

impl State {
    fn token(&self, req: &Req) -> Resp {
        if !req.post() {
            return error(405, "METHOD_NOT_ALLOWED", "The token endpoint takes POST only.");
        }
        if req.basic().is_none_or(|given| given != self.client) {
            return error(401, "UNAUTHORIZED", "The client id or secret is wrong.");
        }
        if !req.params().iter().any(|(name, value)| name == "grant_type" && value == "client_credentials") {
            return bad("INVALID_GRANT_TYPE", "grant_type must be client_credentials.");
        }
        let token = format!("atlas-token-{}", self.issued.fetch_add(1, Ordering::Relaxed) + 1);
        lock(&self.tokens).insert(token.clone());
        Resp::json(200, &json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}))
    }

    fn shown(&self, (id, type_name): &(String, String)) -> Value {
        let (host, port) = id.split_once(':').unwrap_or((id, "27017"));
        json!({"id": id, "groupId": self.group, "hostname": host, "userAlias": host, "port": port.parse::<u16>().unwrap_or(27017), "typeName": type_name, "replicaSetName": "rs0",
            "version": "7.0.14", "created": "2024-01-01T00:00:00Z", "lastPing": rfc3339(now_ns()), "links": []})
    }

    fn paged(&self, req: &Req, all: Vec<Value>) -> Result<Value, Resp> {
        let (page, size) = (epoch_ms(req, "pageNum")?.unwrap_or(1), epoch_ms(req, "itemsPerPage")?.unwrap_or(100));
        if page < 1 || !(1..=500).contains(&size) {
            return Err(bad("INVALID_QUERY_PARAMETER", "pageNum must be at least 1 and itemsPerPage between 1 and 500."));
        }
        let host = req.header("host").unwrap_or_default();
        let link = |rel: &str, page: i64| {
            let kept = req
                .query
                .iter()
                .filter(|(name, _)| name != "pageNum" && name != "itemsPerPage")
                .map(|(name, value)| format!("&{name}={}", encode(value)))
                .collect::<String>();
            json!({"href": format!("http://{host}{}?pageNum={page}&itemsPerPage={size}{kept}", req.path), "rel": rel})
        };
        let mut links = vec![link("self", page)];
        if page > 1 {
            links.push(link("previous", page - 1));
        }
        if page.saturating_mul(size) < all.len() as i64 {
            links.push(link("next", page + 1));
        }
        let total = all.len();
        let results: Vec<Value> = all.into_iter().skip(((page - 1).saturating_mul(size)) as usize).take(size as usize).collect();
        let mut answer = json!({"links": links, "results": results});
        if req.q("includeCount") != Some("false") {
            answer["totalCount"] = json!(total);
        }
        Ok(answer)
    }

    fn alerts(&self, req: &Req) -> Result<Value, Resp> {
        let status = req.q("status");
        if let Some(wrong) = status.filter(|status| !["OPEN", "TRACKING", "CLOSED"].contains(status)) {
            return Err(bad("INVALID_ENUM_VALUE", format!("An invalid enumeration value {wrong} was specified.")));
        }
        let mut all: Vec<(i64, Value)> =
            lock(&self.alerts).iter().filter(|(_, alert)| status.is_none_or(|status| alert["status"] == status)).cloned().collect();
        all.sort_by_key(|(ns, _)| -ns);
        self.paged(req, all.into_iter().map(|(_, alert)| alert).collect())
    }

    fn events(&self, req: &Req) -> Result<Value, Resp> {
        let (min, max) = (date(req, "minDate")?.unwrap_or(i64::MIN), date(req, "maxDate")?.unwrap_or(i64::MAX));
        let types: Vec<&String> = req.query.iter().filter(|(name, _)| name == "eventType").map(|(_, value)| value).collect();
        let fits = |(ns, event): &&(i64, Value)| {
            (min..=max).contains(ns) && (types.is_empty() || types.iter().any(|one| event["eventTypeName"] == one.as_str()))
        };
        let mut all: Vec<(i64, Value)> = lock(&self.events).iter().filter(fits).cloned().collect();
        all.sort_by_key(|(ns, _)| -ns);
        self.paged(req, all.into_iter().map(|(_, event)| event).collect())
    }

    fn measurements(&self, req: &Req, process: &str) -> Result<Value, Resp> {
        let granularity = req
            .q("granularity")
            .ok_or_else(|| bad("MISSING_QUERY_PARAMETER", "The required query parameter granularity was not specified."))?;
        let step = iso_duration(granularity)
            .ok_or_else(|| bad("INVALID_GRANULARITY", format!("An invalid granularity {granularity} was specified.")))?;
        let (start, end) = match (req.q("period"), date(req, "start")?, date(req, "end")?) {
            (Some(period), None, None) => {
                let span =
                    iso_duration(period).ok_or_else(|| bad("INVALID_PERIOD", format!("An invalid period {period} was specified.")))?;
                (now_ns() - span, now_ns())
            }
            (None, Some(start), Some(end)) if start < end => (start, end),
            (None, Some(_), Some(_)) => return Err(bad("INVALID_DATE_RANGE", "start must be before end.")),
            _ => return Err(bad("MISSING_QUERY_PARAMETER", "Either period, or both start and end must be specified.")),
        };
        let wanted: Vec<&String> = req.query.iter().filter(|(name, _)| name == "m").map(|(_, value)| value).collect();
        let mut series: BTreeMap<(String, String), BTreeMap<i64, Option<f64>>> = BTreeMap::new();
        for (owner, name, units, ns, value) in lock(&self.points).iter() {
            if owner == process && (start..=end).contains(ns) && (wanted.is_empty() || wanted.contains(&name)) {
                series.entry((name.clone(), units.clone())).or_default().insert(ns.div_euclid(step) * step, *value);
            }
        }
        for name in wanted {
            if !series.keys().any(|(known, _)| known == name) {
                series.insert((name.clone(), "SCALAR".to_owned()), BTreeMap::new());
            }
        }
        let points = |points: BTreeMap<i64, Option<f64>>| {
            points.into_iter().map(|(ns, value)| json!({"timestamp": rfc3339(ns), "value": value})).collect::<Vec<_>>()
        };
        let measurements: Vec<Value> =
            series.into_iter().map(|((name, units), all)| json!({"name": name, "units": units, "dataPoints": points(all)})).collect();
        Ok(
            json!({"groupId": self.group, "hostId": process, "processId": process, "granularity": granularity, "start": rfc3339(start), "end": rfc3339(end),
            "links": [], "measurements": measurements}),
        )
    }

    fn slow_queries(&self, req: &Req, process: &str) -> Result<Value, Resp> {
        let (since, duration, most) = (epoch_ms(req, "since")?, epoch_ms(req, "duration")?, epoch_ms(req, "nLogs")?.unwrap_or(20_000));
        if !(0..=20_000).contains(&most) {
            return Err(bad("INVALID_QUERY_PARAMETER", "nLogs must be between 0 and 20000."));
        }
        let now = now_ns() / 1_000_000;
        let span = duration.unwrap_or(86_400_000);
        let (start, end) =
            since.map_or((now.saturating_sub(span), now), |since| (since, duration.map_or(now, |span| since.saturating_add(span))));
        let spaces: Vec<&String> = req.query.iter().filter(|(name, _)| name == "namespaces").map(|(_, value)| value).collect();
        let slow = lock(&self.slow);
        let inside = slow.iter().filter(|(owner, ns, space, _)| {
            owner == process && (start..=end).contains(&(ns / 1_000_000)) && (spaces.is_empty() || spaces.contains(&space))
        });
        Ok(
            json!({"slowQueries": inside.take(most as usize).map(|(_, _, space, line)| json!({"line": line, "namespace": space})).collect::<Vec<_>>()}),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::common::client::{Got, call},
        *,
    };

    const GROUP: &str = "32b6e34b3d91647abb20e7b8";
    const ACCEPT: (&str, &str) = ("accept", "application/vnd.atlas.2025-03-12+json");

    async fn atlas() -> (Atlas, String) {
        let atlas = Atlas::start(GROUP, "mdb_sa_id_1", "secret").await;
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        atlas.process("db0.example.net:27017", "REPLICA_PRIMARY");
        for second in [0, 60, 120] {
            atlas.measure("db0.example.net:27017", "CONNECTIONS", "SCALAR", at(second), Some(second as f64));
            atlas.alert(&format!("a{second}"), "OUTSIDE_METRIC_THRESHOLD", if second == 120 { "CLOSED" } else { "OPEN" }, at(second));
        }
        atlas.event("e1", "PRIMARY_ELECTED", at(5));
        atlas.slow_query("db0.example.net:27017", at(10), "shop.orders", "{\"msg\":\"Slow query\"}");
        let headers = [("authorization", "Basic bWRiX3NhX2lkXzE6c2VjcmV0"), ("content-type", "application/x-www-form-urlencoded")];
        let token = call(&atlas.url, "POST", "/api/oauth/token", &headers, "grant_type=client_credentials").json();
        (atlas, format!("Bearer {}", token["access_token"].as_str().unwrap()))
    }

    fn get(atlas: &Atlas, token: &str, path: &str) -> Got {
        call(&atlas.url, "GET", &format!("/api/atlas/v2/groups/{GROUP}/{path}"), &[("authorization", token), ACCEPT], "")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn answers() {
        let (atlas, token) = atlas().await;
        let page = get(&atlas, &token, "alerts?status=OPEN&itemsPerPage=1").json();
        assert_eq!((&page["totalCount"], &page["results"][0]["id"]), (&json!(2), &json!("a60")));
        let next =
            page["links"].as_array().unwrap().iter().find(|link| link["rel"] == "next").unwrap()["href"].as_str().unwrap().to_owned();
        let next = call(&atlas.url, "GET", next.strip_prefix(&atlas.url).unwrap(), &[("authorization", &token), ACCEPT], "").json();
        assert_eq!(next["results"][0]["id"], "a0");
        assert!(!next["links"].as_array().unwrap().iter().any(|link| link["rel"] == "next"));
        let process = "processes/db0.example.net:27017";
        let measured = get(
            &atlas,
            &token,
            &format!("{process}/measurements?granularity=PT1M&start=2023-11-14T22:13:20Z&end=2023-11-14T22:14:30Z&m=CONNECTIONS&m=NOPE"),
        )
        .json();
        assert_eq!(measured["measurements"][0]["dataPoints"].as_array().unwrap().len(), 2);
        assert_eq!(
            get(&atlas, &token, &format!("{process}/performanceAdvisor/slowQueryLogs?since=1700000000000&duration=60000")).json()["slowQueries"]
                [0]["namespace"],
            "shop.orders"
        );
        assert_eq!(get(&atlas, &token, "events?eventType=PRIMARY_ELECTED&minDate=2023-11-14T22:13:20Z").json()["totalCount"], 1);
        assert_eq!(get(&atlas, &token, "processes").json()["results"][0]["typeName"], "REPLICA_PRIMARY");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn refuses() {
        let (atlas, token) = atlas().await;
        let path = format!("/api/atlas/v2/groups/{GROUP}/processes");
        assert_eq!(call(&atlas.url, "GET", &path, &[("authorization", &token)], "").status, 406);
        assert_eq!(call(&atlas.url, "GET", &path, &[("authorization", &token), ("accept", "application/json")], "").status, 406);
        assert_eq!(call(&atlas.url, "GET", &path, &[ACCEPT], "").json()["error"], 401);
        assert_eq!(call(&atlas.url, "POST", "/api/oauth/token", &[("authorization", "Basic eDp5")], "").status, 401);
        assert_eq!(call(&atlas.url, "DELETE", &path, &[("authorization", &token), ACCEPT], "").status, 405);
        for (path, status) in [
            ("nope", 404),
            ("processes/x:1", 404),
            ("alerts?status=open", 400),
            ("alerts?itemsPerPage=501", 400),
            ("processes/db0.example.net:27017/measurements", 400),
            ("processes/db0.example.net:27017/measurements?granularity=1m&period=PT1H", 400),
            ("processes/db0.example.net:27017/measurements?granularity=PT1M", 400),
            ("events?minDate=x", 400),
        ] {
            assert_eq!(get(&atlas, &token, path).status, status, "{path}");
        }
        atlas.fail_next(403, 1);
        assert_eq!(get(&atlas, &token, "alerts").json()["errorCode"], "IP_ADDRESS_NOT_ON_ACCESS_LIST");
        atlas.expire_tokens();
        assert_eq!((get(&atlas, &token, "alerts").status, atlas.tokens_issued()), (401, 1));
    }
}
