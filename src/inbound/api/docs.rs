//! `/docs`: the API's description for people. Everything on the page comes from the program itself: it works offline, and no
//! request leaves for anywhere else.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use maud::{DOCTYPE, Markup, html};
use utoipa_swagger_ui::Config;

use super::problem::Kind;

/// Only what comes from here; styles also in the page, which the reader sets itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The reader's settings. Its validator is a service elsewhere, so it is off.
static READER: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(
        Config::new([format!("{}/openapi.json", super::BASE)])
            .validator_url("none")
            .deep_linking(true)
            .display_request_duration(true)
            .default_models_expand_depth(0)
            .filter(true),
    )
});

/// The reader, and a page for each kind of problem.
pub fn router() -> Router {
    Router::new()
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { file("index.html") }))
        .route("/docs/problems", get(|| async { page(&all()) }))
        .route("/docs/problems/{kind}", get(|Path(kind): Path<String>| async move { problem(&kind) }))
        .route("/docs/{*file}", get(|Path(name): Path<String>| async move { file(&name) }))
}

fn file(name: &str) -> Response {
    match utoipa_swagger_ui::serve(name, Arc::clone(&READER)) {
        Ok(Some(file)) => guarded(StatusCode::OK, &file.content_type, file.bytes.into_owned()),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "the reader of the API's description is broken");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn problem(slug: &str) -> Response {
    match Kind::ALL.iter().find(|kind| kind.slug() == slug) {
        Some(kind) => page(&html! { h1 { (kind.title()) } (one(*kind)) p { a href="/docs/problems" { "All kinds of problems" } } }),
        None => guarded(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", b"there is no such kind of problem\n".to_vec()),
    }
}

fn all() -> Markup {
    html! {
        h1 { "What can go wrong" }
        @for kind in Kind::ALL { h2 id=(kind.slug()) { (kind.title()) } (one(*kind)) }
    }
}

fn one(kind: Kind) -> Markup {
    html! {
        p { code { (kind.slug()) } ", HTTP " (kind.status().as_u16()) }
        p { (kind.help()) }
    }
}

fn page(content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "sre-agent: problems of the API" }
                style { "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}" }
            }
            body { (content) p { a href="/docs/" { "The API's description" } } }
        }
    };
    guarded(StatusCode::OK, "text/html; charset=utf-8", page.into_string().into_bytes())
}

fn guarded(status: StatusCode, kind: &str, body: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (status, headers, body).into_response()
}
