//! The console: pages for people with a browser, filled from the store. What they do becomes a record, as at every other door.

mod acts;
mod fill;
mod pages;
mod session;
mod system;

use axum::{
    Router,
    extract::{Request, State as Shared},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::State;
use crate::console;

/// The build's version: shown, and the cache key of style and script.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// Its paths.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/", get(|| async { to("/incidents") }))
        .route("/sign-in", get(session::page))
        .route("/session", post(session::begin))
        .route("/session/end", post(session::end))
        .route("/session/slack", get(session::to_slack))
        .route("/session/slack/callback", get(session::from_slack))
        .route("/assets/console.css", get(|| async { asset("text/css; charset=utf-8", console::STYLE) }))
        .route("/assets/console.js", get(|| async { asset("text/javascript; charset=utf-8", console::SCRIPT) }))
        .route("/incidents", get(pages::incidents))
        .route("/incidents/{id}", get(pages::incident))
        .route("/incidents/{id}/report.md", get(pages::report_markdown))
        .route("/incidents/{id}/report.json", get(pages::report_json))
        .route("/incidents/{id}/postmortem.md", get(pages::postmortem))
        .route("/incidents/{id}/timeline.png", get(pages::picture))
        .route("/incidents/{id}/feedback", post(acts::feedback))
        .route("/incidents/{id}/runs", post(acts::prepare))
        .route("/incidents/{id}/{act}", post(acts::act))
        .route("/approvals", get(pages::approvals))
        .route("/approvals/{id}/approve", get(pages::confirm).post(acts::approve))
        .route("/approvals/{id}/deny", post(acts::deny))
        .route("/runs/{id}", get(pages::run))
        .route("/agents", get(system::agents))
        .route("/accuracy", get(system::accuracy))
        .route("/audit", get(system::audit))
        .layer(middleware::from_fn_with_state(state.clone(), headers))
        .with_state(state)
}

/// What every page says to the browser: nothing from elsewhere, in no frame, kept nowhere.
async fn headers(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let out = answer.headers_mut();
    out.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(console::POLICY));
    out.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    out.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    out.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    out.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    out.insert(OPENER, HeaderValue::from_static("same-origin"));
    out.insert(RESOURCE, HeaderValue::from_static("same-origin"));
    out.insert(PERMISSIONS, HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    if state.gate.secure {
        out.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    answer
}

fn asset(kind: &'static str, body: &'static str) -> Response {
    // Its address changes with the version.
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=86400")], body).into_response()
}

fn html(status: StatusCode, page: String) -> Response {
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// Sends the browser to a path of ours.
fn to(path: &str) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/incidents"));
    (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response()
}
