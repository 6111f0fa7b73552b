//! What every fake backend shares: start and stop, the journal of requests, failures on order, times, and the lines that they keep.

use std::{
    collections::VecDeque,
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot};

const BODY_LIMIT: usize = 64 << 20;
const JOURNAL_BODY: usize = 4000;

pub type Pairs = Vec<(String, String)>;

/// One request, taken apart.
#[derive(Debug, Clone)]
pub struct Req {
    pub method: String,
    pub path: String,
    pub query: Pairs,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Req {
    pub fn get(&self) -> bool {
        self.method == "GET"
    }

    pub fn post(&self) -> bool {
        self.method == "POST"
    }

    pub fn q(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The path between its slashes, percent-decoded.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').skip(1).map(|part| decode(part, false)).collect()
    }

    pub fn has_type(&self, wanted: &str) -> bool {
        self.header("content-type").is_some_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// The arguments of the URL, and those of a form when the body is one.
    pub fn params(&self) -> Pairs {
        let mut all = self.query.clone();
        if self.has_type("application/x-www-form-urlencoded") {
            all.extend(pairs(&self.text()));
        }
        all
    }

    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    pub fn basic(&self) -> Option<(String, String)> {
        let raw = BASE64_STANDARD.decode(self.header("authorization")?.strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(raw).ok()?;
        text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

#[derive(Debug, Clone)]
pub struct Resp {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Resp {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.to_string().into_bytes() }
    }

    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: vec![("content-type", "text/plain; charset=utf-8".to_owned())], body: body.into().into_bytes() }
    }

    /// The same answer with this header set.
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_string()));
        self
    }

    fn into_http(self) -> Response<Body> {
        let mut answer = Response::new(Body::from(self.body));
        *answer.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.headers_mut().append(HeaderName::from_static(name), value);
            }
        }
        answer
    }
}

/// What one backend adds: its answers, and its own words for a failure that was ordered.
pub trait Backend: Send + Sync + 'static {
    fn handle(&self, req: &Req) -> Resp;
    fn failure(&self, status: u16) -> Resp;
}

#[derive(Default)]
struct Gate {
    journal: Mutex<Vec<String>>,
    fails: Mutex<VecDeque<u16>>,
    delay: Mutex<Duration>,
}

/// A running server; it ends when dropped.
pub struct Server<B> {
    pub url: String,
    pub state: Arc<B>,
    gate: Arc<Gate>,
    end: Mutex<Option<oneshot::Sender<()>>>,
}

impl<B: Backend> Server<B> {
    pub async fn start(backend: B) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on 127.0.0.1");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (state, gate) = (Arc::new(backend), Arc::new(Gate::default()));
        let (end, ended) = oneshot::channel();
        let (inner, door) = (state.clone(), gate.clone());
        let app = Router::new().fallback(move |request: Request| answer(request, inner.clone(), door.clone()));
        tokio::spawn(async move {
            let wait = async move {
                let _ = ended.await;
            };
            let _ = axum::serve(listener, app).with_graceful_shutdown(wait).await;
        });
        Self { url, state, gate, end: Mutex::new(Some(end)) }
    }
}

impl<B> Server<B> {
    /// Every request so far: method, path with query (both percent-decoded) and the start of the body.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.gate.journal).clone()
    }

    pub fn clear_requests(&self) {
        lock(&self.gate.journal).clear();
    }

    /// The next so many requests get this status in the backend's own error format, before anything else is looked at.
    pub fn fail_next(&self, status: u16, times: usize) {
        lock(&self.gate.fails).extend(std::iter::repeat_n(status, times));
    }

    /// Every answer from now on waits this long.
    pub fn set_delay(&self, delay: Duration) {
        *lock(&self.gate.delay) = delay;
    }

    /// From now on connections are refused.
    pub fn stop(&self) {
        lock(&self.end).take();
    }
}

async fn answer<B: Backend>(request: Request, backend: Arc<B>, gate: Arc<Gate>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else { return Resp::text(413, "request body too large").into_http() };
    let raw_query = head.uri.query().unwrap_or_default();
    let req = Req {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: pairs(raw_query),
        headers: head.headers,
        body: body.to_vec(),
    };
    let query = if raw_query.is_empty() { String::new() } else { format!("?{}", decode(raw_query, true)) };
    let text = req.text();
    let body = if req.has_type("application/x-www-form-urlencoded") { decode(&text, true) } else { text };
    let short: String = body.chars().take(JOURNAL_BODY).collect();
    lock(&gate.journal).push(format!("{} {}{query} {short}", req.method, decode(&req.path, false)).trim_end().to_owned());
    let delay = *lock(&gate.delay);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let failing = lock(&gate.fails).pop_front();
    failing.map_or_else(|| backend.handle(&req), |status| backend.failure(status)).into_http()
}

/// The methods that every fake has, over its field `server`.
macro_rules! fake_methods {
    ($fake:ident) => {
        impl $fake {
            /// Method, path, query and the start of the body of every request so far.
            pub fn requests(&self) -> Vec<String> {
                self.server.requests()
            }
            pub fn clear_requests(&self) {
                self.server.clear_requests();
            }
            /// The next so many requests fail with this status, in this backend's words.
            pub fn fail_next(&self, status: u16, times: usize) {
                self.server.fail_next(status, times);
            }
            pub fn set_delay(&self, delay: std::time::Duration) {
                self.server.set_delay(delay);
            }
            /// From now on connections are refused.
            pub fn stop(&self) {
                self.server.stop();
            }
        }
    };
}
pub(crate) use fake_methods;

/// One line of a log, as tests put it in.
#[derive(Debug, Clone)]
pub struct Log {
    pub ns: i64,
    pub service: String,
    pub severity: String,
    pub body: String,
    pub labels: Pairs,
}

impl Log {
    pub fn new(time: Timestamp, service: &str, severity: &str, body: &str, labels: &[(&str, &str)]) -> Self {
        Self { ns: nanos(time), service: service.to_owned(), severity: severity.to_owned(), body: body.to_owned(), labels: owned(labels) }
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        find(&self.labels, name)
    }
}

pub fn owned(labels: &[(&str, &str)]) -> Pairs {
    labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

pub fn now_ns() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

pub fn rfc3339(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map(|time| time.to_string()).unwrap_or_default()
}

/// With exactly three digits of a second, as Elasticsearch and Datadog write it.
pub fn millis_text(ns: i64) -> String {
    Timestamp::from_millisecond(ns.div_euclid(1_000_000)).map(|time| format!("{time:.3}")).unwrap_or_default()
}

pub fn parse_rfc3339(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(nanos)
}

/// `90`, `1.5`, `15s`, `5m`, `1h30m`, `2d`, in nanoseconds; a bare number is seconds.
pub fn duration_ns(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Some((seconds * 1e9) as i64);
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let scale = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "d" => 86_400e9,
            "w" => 604_800e9,
            "y" => 31_536_000e9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    (!text.is_empty()).then_some(total as i64)
}

pub fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|two| u8::from_str_radix(two, 16).ok());
        match hex {
            Some(value) => {
                out.push(value);
                at += 3;
                continue;
            }
            None if byte == b'+' && plus => out.push(b' '),
            None => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

pub fn pairs(text: &str) -> Pairs {
    let both = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(key, true), decode(value, true))
    };
    text.split('&').filter(|part| !part.is_empty()).map(both).collect()
}

/// A blocking HTTP/1.1 client of a few lines, for the tests of the fakes.
#[cfg(test)]
pub mod client {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    use serde_json::Value;

    #[derive(Debug)]
    pub struct Got {
        pub status: u16,
        pub head: String,
        pub body: String,
    }

    impl Got {
        pub fn json(&self) -> Value {
            serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
        }

        pub fn header(&self, name: &str) -> Option<&str> {
            self.head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        }
    }

    pub fn call(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let host = url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let extra: String = headers.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{extra}\r\n{body}")
            .unwrap();
        let mut raw = String::new();
        stream.read_to_string(&mut raw).unwrap();
        let (head, body) = raw.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, head: head.to_owned(), body: body.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_and_escapes() {
        assert_eq!(duration_ns("1h30m"), Some(5_400_000_000_000));
        assert_eq!(duration_ns("1.5"), Some(1_500_000_000));
        assert_eq!(duration_ns("5x"), None);
        assert_eq!(decode(&encode("a b/{é}=\"+\""), true), "a b/{é}=\"+\"");
        assert_eq!(millis_text(1_700_000_000_000_000_000), "2023-11-14T22:13:20.000Z");
    }
}
