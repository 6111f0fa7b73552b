//! The few plain pages that a person sees who installs the app.

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}";

/// The app is in the workspace `team`; what to do now.
pub fn installed(team: &str) -> Response {
    let body = html! {
        h1 { "Installed in " (team) }
        p { "Now invite it to the channel where your alerts arrive: type " code { "/invite @sre-agent" } " there." }
        p { "Try it at once: " code { "/sre help" } " works everywhere." }
    };
    page(StatusCode::OK, &body)
}

/// It did not work; `sentence` says why and what to do.
pub fn problem(status: StatusCode, sentence: &str) -> Response {
    let body = html! { h1 { "Not installed" } p { (sentence) } p { a href="/slack/install" { "Start again" } } };
    page(status, &body)
}

/// Installing is not switched on here.
pub fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "not found\n").into_response()
}

fn page(status: StatusCode, body: &Markup) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "sre-agent" } style { (PreEscaped(STYLE)) } }
            body { (body) }
        }
    };
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        // The address holds Slack's code: it goes nowhere else.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ];
    (status, headers, Html(html.into_string())).into_response()
}
