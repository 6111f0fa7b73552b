//! A tiny app that listens on 127.0.0.1, checks signatures with its own code, and answers as told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    model::Clock,
    sandbox::{Config, Sandbox},
};

/// One request as the app got it.
#[derive(Debug, Clone)]
pub struct Got {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
    pub signed: bool,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The `payload` field of an interaction.
    pub fn payload(&self) -> Value {
        serde_json::from_str(&self.field("payload")).unwrap()
    }

    pub fn field(&self, name: &str) -> String {
        let pairs = url::form_urlencoded::parse(self.body.as_bytes());
        pairs.into_owned().find(|(n, _)| n == name).map(|(_, v)| v).unwrap_or_default()
    }
}

/// What the app answers next; 200 with nothing where no answer is queued.
#[derive(Debug, Clone)]
pub enum Reply {
    Status(u16),
    Json(Value),
    Text(&'static str),
    Late(Duration),
    NoRetry,
}

#[derive(Clone, Default)]
pub struct App {
    pub got: Arc<Mutex<Vec<Got>>>,
    pub replies: Arc<Mutex<VecDeque<Reply>>>,
}

impl App {
    pub fn reply(&self, reply: Reply) {
        self.replies.lock().unwrap().push_back(reply);
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Requests to one door.
    pub fn at(&self, path: &str) -> Vec<Got> {
        self.got().into_iter().filter(|g| g.path == path).collect()
    }

    /// Event payloads of one type, in order of arrival.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        self.at("/events").iter().map(Got::json).filter(|e| e["event"]["type"] == kind).collect()
    }
}

async fn receive(State(app): State<App>, uri: axum::http::Uri, headers: HeaderMap, body: Bytes) -> Response {
    let stamp = headers["x-slack-request-timestamp"].to_str().unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"sandbox-signing-secret").unwrap();
    mac.update(format!("v0:{stamp}:").as_bytes());
    mac.update(&body);
    let expected = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let signed = headers["x-slack-signature"].to_str().unwrap() == expected;
    let body = String::from_utf8(body.to_vec()).unwrap();
    app.got.lock().unwrap().push(Got { path: uri.path().to_owned(), headers, body, signed });
    let reply = app.replies.lock().unwrap().pop_front();
    match reply {
        None => StatusCode::OK.into_response(),
        Some(Reply::Status(code)) => StatusCode::from_u16(code).unwrap().into_response(),
        Some(Reply::Json(value)) => axum::Json(value).into_response(),
        Some(Reply::Text(text)) => text.into_response(),
        Some(Reply::Late(wait)) => {
            tokio::time::sleep(wait).await;
            StatusCode::OK.into_response()
        }
        Some(Reply::NoRetry) => (StatusCode::INTERNAL_SERVER_ERROR, [("x-slack-no-retry", "1")]).into_response(),
    }
}

/// A workspace with an app, and a client for the Web API.
pub struct World {
    pub sandbox: Sandbox,
    pub app: App,
    pub base: String,
    client: crate::sandbox::delivery::HttpClient,
}

pub fn config() -> Config {
    Config {
        retry_delays: vec![Duration::ZERO, Duration::from_millis(5), Duration::from_millis(10)],
        ack_timeout: Duration::from_millis(300),
        rate_limits: false,
        // Without it every post of the app would take one of the queued replies.
        echo: false,
        ..Config::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is a composition root: here the clock is made")]
pub fn clock() -> Clock {
    Clock::new(jiff::Timestamp::now)
}

/// Starts a workspace and an app that know each other.
pub async fn world(config: Config) -> World {
    world_at(config, clock()).await
}

pub async fn world_at(config: Config, clock: Clock) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = App::default();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(any(receive)).with_state(app.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let sandbox = Sandbox::new(config, clock);
    sandbox.set_app_urls(&format!("{root}/events"), &format!("{root}/actions"), &format!("{root}/commands"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    sandbox.set_base_url(&base);
    tokio::spawn(sandbox.clone().serve(listener, std::future::pending()));
    World { sandbox, app, base, client: crate::sandbox::delivery::http_client() }
}

/// A Web API answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl World {
    /// Calls a method with the bot token; JSON for methods that write, a form for those that read.
    pub async fn call(&self, method: &str, args: Value) -> Answer {
        self.call_as("xoxb-sandbox", method, args).await.unwrap()
    }

    /// The body of a call that must succeed.
    pub async fn ok(&self, method: &str, args: Value) -> Value {
        let answer = self.call(method, args).await;
        assert_eq!(answer.body["ok"], true, "{method}: {}", answer.body);
        answer.body
    }

    /// The error code of a call that must fail.
    pub async fn error(&self, method: &str, args: Value) -> String {
        let answer = self.call(method, args).await;
        assert_eq!(answer.body["ok"], false, "{method}: {}", answer.body);
        answer.body["error"].as_str().unwrap().to_owned()
    }

    pub async fn call_as(&self, token: &str, method: &str, args: Value) -> Option<Answer> {
        let reads = ["conversations.history", "conversations.replies", "conversations.list", "conversations.info"];
        let form = reads.contains(&method) || method.starts_with("users") || method.contains("getPerma") || method.contains("getUpload");
        let (body, kind) = if form {
            let mut pairs = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in args.as_object().unwrap() {
                pairs.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
            (pairs.finish(), "application/x-www-form-urlencoded")
        } else {
            (args.to_string(), "application/json; charset=utf-8")
        };
        self.post(&format!("{}/api/{method}", self.base), token, kind, body).await
    }

    /// None where the connection ended without an answer.
    pub async fn post(&self, url: &str, token: &str, kind: &str, body: String) -> Option<Answer> {
        let mut request = axum::http::Request::post(url).header("content-type", kind);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = self.client.request(request.body(body.into()).unwrap()).await.ok()?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(axum::body::Body::new(answer.into_body()), 1 << 24).await.ok()?;
        Some(Answer { status, retry_after, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    /// Posts a message of the app and returns its ts.
    pub async fn say(&self, args: Value) -> String {
        let mut all = json!({"channel": "alerts", "text": "hello"});
        all.as_object_mut().unwrap().extend(args.as_object().unwrap().clone());
        self.ok("chat.postMessage", all).await["ts"].as_str().unwrap().to_owned()
    }

    /// Waits until `done` holds, looking again at every change.
    pub async fn until(&self, done: impl Fn() -> bool) {
        let mut versions = self.sandbox.subscribe();
        let wait = async {
            while !done() {
                let _ = versions.changed().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), wait).await.expect("did not come to pass within 5 s");
    }
}
