//! The browser page: files embedded in the binary, under a policy that runs no script but ours.

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use rust_embed::RustEmbed;

use super::Sandbox;

#[derive(RustEmbed)]
#[folder = "src/sandbox/page/"]
struct Files;

/// Messages may show pictures from anywhere, as in Slack; everything else is ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http: https: data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/`, its files, and the permalinks that `chat.getPermalink` gives out.
pub fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(|| async { file("index.html") }))
        .route("/page/{name}", get(|Path(name): Path<String>| async move { file(&name) }))
        .route("/archives/{channel}/{message}", get(permalink))
}

fn file(name: &str) -> Response {
    let Some(found) = Files::get(name) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, found.data).into_response()
}

/// `/archives/C…/p1700000000000100?thread_ts=…` opens that message's thread on the page.
async fn permalink(
    Path((channel, message)): Path<(String, String)>,
    query: axum::extract::Query<std::collections::HashMap<String, String>>,
) -> Response {
    let digits = message.trim_start_matches('p');
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    let ts = match (query.get("thread_ts"), digits.len().checked_sub(6)) {
        (Some(root), _) => root.clone(),
        (None, Some(cut)) => match digits.split_at_checked(cut) {
            Some((seconds, micros)) => format!("{seconds}.{micros}"),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
        (None, None) => return StatusCode::NOT_FOUND.into_response(),
    };
    if !plain(&channel) || !plain(&ts) {
        return StatusCode::NOT_FOUND.into_response();
    }
    Redirect::to(&format!("/#/{channel}/{ts}")).into_response()
}
