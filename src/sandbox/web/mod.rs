//! The Web API: one door for all methods that checks token, scope, rate and arguments, and writes everything down.

mod args;
mod chat;
mod content;
mod conversations;
mod files;
mod limits;
mod links;
mod methods;
mod people;
mod reactions;
mod sessions;
mod streams;
mod views;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path, Request, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Map, Value, json};

pub use self::{
    args::Args,
    content::Content,
    limits::Limits,
    methods::{Context, Refusal},
    streams::{Stream, cut_short},
};
use super::{Call, Fault, Sandbox, peer::Peer};

/// `/api/{method}` and the place that upload URLs lead to.
pub fn router() -> Router<Sandbox> {
    Router::new()
        .route("/api/{method}", any(call))
        .route("/upload/v1/{file}", post(files::upload))
        .route("/files/{file}", get(files::download))
}

/// What goes back: status, extra headers, body.
struct Answer {
    status: StatusCode,
    retry_after: Option<u64>,
    body: Value,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, retry_after: None, body }
    }

    fn rate_limited(wait: Duration) -> Self {
        let seconds = wait.as_secs_f64().ceil().max(1.0);
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(seconds as u64),
            body: json!({"ok": false, "error": "ratelimited"}),
        }
    }
}

async fn call(Shared(sandbox): Shared<Sandbox>, Path(method): Path<String>, request: Request) -> Response {
    let at = sandbox.0.clock.now();
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|c| c.0.clone());
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, 4 << 20).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "request too large").into_response();
    };
    let args = Args::read(&parts.headers, parts.uri.query(), &bytes, methods::takes_json(&method));
    let fault = sandbox.take_fault(&method);
    let record = |status: u16, answer: Value| {
        let call = Call { method: method.clone(), body: args.body(), status, answer, at };
        sandbox.state().record_call(call);
    };
    match fault {
        Some(Fault::RateLimited { retry_after }) => {
            let answer = Answer::rate_limited(retry_after);
            record(429, answer.body.clone());
            sandbox.bump();
            return respond(&sandbox, answer);
        }
        Some(Fault::ServerError(code)) => {
            record(code, Value::Null);
            sandbox.bump();
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, "upstream error").into_response();
        }
        Some(Fault::Drop) => {
            record(0, Value::Null);
            sandbox.bump();
            return dropped(peer);
        }
        Some(Fault::Hang(wait)) => {
            // A caller who gives up meanwhile takes this future with them; the call is written down all the same.
            let mut left = Left {
                sandbox: &sandbox,
                call: Some(Call { method: method.clone(), body: args.body(), status: 0, answer: Value::Null, at }),
            };
            tokio::time::sleep(wait).await;
            left.call = None;
        }
        Some(Fault::Ambiguous) | None => {}
    }
    let answer = sandbox.perform(&method, &parts.headers, &args);
    let ambiguous = fault == Some(Fault::Ambiguous);
    record(if ambiguous { 0 } else { answer.status.as_u16() }, answer.body.clone());
    sandbox.bump();
    if ambiguous { dropped(peer) } else { respond(&sandbox, answer) }
}

/// Records a call whose caller left before it was answered.
struct Left<'a> {
    sandbox: &'a Sandbox,
    call: Option<Call>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.sandbox.state().record_call(call);
            self.sandbox.bump();
        }
    }
}

impl Sandbox {
    /// The fault that is to happen to this method now; `*` means any method of the Web API.
    pub(super) fn take_fault(&self, method: &str) -> Option<Fault> {
        let mut state = self.state();
        let index =
            state.faults.iter().position(|(name, _, times)| *times > 0 && (name == method || name == "*" && method.contains('.')))?;
        let entry = state.faults.get_mut(index)?;
        entry.2 -= 1;
        let fault = entry.1;
        if entry.2 == 0 {
            state.faults.remove(index);
        }
        Some(fault)
    }

    fn perform(&self, name: &str, headers: &HeaderMap, args: &Args) -> Answer {
        let Some(method) = methods::find(name).filter(|method| !self.0.config.older || !method.is_new()) else {
            return Answer::ok(json!({"ok": false, "error": "unknown_method", "req_method": name}));
        };
        let config = &self.0.config;
        if let Err(refusal) = method.admit(config, &args.token(headers)) {
            return Answer::ok(refusal.body());
        }
        let now = self.0.clock.now();
        let mut state = self.state();
        if config.rate_limits
            && let Some(wait) = state.limits.take(method, args)
        {
            return Answer::rate_limited(wait);
        }
        let mut context = Context { state: &mut state, config, now };
        Answer::ok(match (method.run)(&mut context, args) {
            Ok(mut body) => {
                let mut out = Map::new();
                out.insert("ok".to_owned(), true.into());
                if let Some(fields) = body.as_object_mut() {
                    out.append(fields);
                }
                Value::Object(out)
            }
            Err(refusal) => refusal.body(),
        })
    }
}

fn respond(sandbox: &Sandbox, answer: Answer) -> Response {
    let mut response = (answer.status, axum::Json(sandbox.localised(answer.body))).into_response();
    let headers = response.headers_mut();
    if let Ok(scopes) = sandbox.0.config.scopes.join(",").parse() {
        headers.insert("x-oauth-scopes", scopes);
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Ends the connection without an answer. Behind a foreign server there is no switch: there the body breaks off.
fn dropped(peer: Option<Peer>) -> Response {
    match peer {
        Some(peer) => {
            peer.cut();
            StatusCode::OK.into_response()
        }
        None => {
            let broken = futures_util::stream::once(async { Err::<String, _>(std::io::Error::other("dropped")) });
            Body::from_stream(broken).into_response()
        }
    }
}
