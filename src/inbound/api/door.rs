//! What every request to the API goes through, whatever it asks for: its id, its headers, one line in the log.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{Request, State as Shared},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method,
        header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;

use super::{
    Api, Problem,
    problem::{Kind, MEDIA_TYPE},
};
use crate::inbound::{gate, router::one_header};

/// The header by which a request is found in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_MAX: usize = 64;
/// How much of a path the log shows.
const PATH_MAX: usize = 200;

/// Around every request.
pub async fn around(Shared(api): Shared<Api>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let id = request_id(&api, request.headers());
    let answer = if is_foreign(&api, &method, request.headers()) {
        Problem::new(Kind::Forbidden, "this comes from a web page of another origin").into_response()
    } else {
        match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(answer) => answer,
            Err(_) => Problem::new(Kind::Internal, "the request met a defect of the service").into_response(),
        }
    };
    let mut answer = finished(&api, answer, &path);
    let headers = answer.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    // A path comes percent-encoded, so nothing in it can begin a line of its own; what is asked for in a query stays out.
    let shown = path.get(..path.floor_char_boundary(PATH_MAX)).unwrap_or_default();
    tracing::info!(
        target: "access",
        %method, path = shown, status = answer.status().as_u16(), request_id = %id,
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "api"
    );
    answer
}

/// The problem with what only the door knows: which request it was.
fn finished(api: &Api, mut answer: Response, path: &str) -> Response {
    let Some(problem) = answer.extensions_mut().remove::<Problem>() else { return answer };
    api.state.metrics.request_refused(problem.kind.slug());
    let mut full = problem.answer(path);
    // What the handler or the router added, `Allow` for one, stays.
    for (name, value) in answer.headers() {
        if !full.headers().contains_key(name) && name != "content-length" {
            full.headers_mut().insert(name.clone(), value.clone());
        }
    }
    debug_assert_eq!(full.headers().get("content-type").and_then(|value| value.to_str().ok()), Some(MEDIA_TYPE));
    full
}

/// The caller's own id where it is short and harmless, or else a fresh one.
fn request_id(api: &Api, headers: &HeaderMap) -> String {
    let harmless = |id: &&str| {
        (1..=REQUEST_ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    match one_header(headers, REQUEST_ID.as_str()).filter(harmless) {
        Some(id) => id.to_owned(),
        None => api.state.ids.fresh(api.state.clock.now()).to_string(),
    }
}

/// Without this, any page that somebody opens on this machine could act upon an API that needs no token.
fn is_foreign(api: &Api, method: &Method, headers: &HeaderMap) -> bool {
    method != Method::GET && method != Method::HEAD && gate::is_foreign(&api.state, headers)
}
