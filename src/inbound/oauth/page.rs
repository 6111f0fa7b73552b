//! The few plain pages that a person sees who installs the app.

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// The app is in the workspace `team`; what to do now.
pub fn installed(team: &str) -> Response {
    let body = format!(
        "<h1>Installed in {}</h1><p>Now invite it to the channel where your alerts arrive: type <code>/invite @sre-agent</code> there.</p>\
         <p>Try it at once: <code>/sre help</code> works everywhere.</p>",
        escaped(team)
    );
    page(StatusCode::OK, &body)
}

/// It did not work; `sentence` says why and what to do.
pub fn problem(status: StatusCode, sentence: &str) -> Response {
    page(status, &format!("<h1>Not installed</h1><p>{}</p><p><a href=\"/slack/install\">Start again</a></p>", escaped(sentence)))
}

/// Installing is not switched on here.
pub fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "not found\n").into_response()
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>sre-agent</title>\
         <style>body{{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}}</style>{body}</html>\n"
    );
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        // The address holds Slack's code: it goes nowhere else.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ];
    (status, headers, Html(html)).into_response()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
