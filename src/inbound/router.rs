//! Every path of the service, and the steps that all doors share.

use std::time::Duration;

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Query, Request, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{
    State, api, console, deliveries, oauth,
    reply::{BODY_MAX, Refusal},
    webhooks,
};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::{redact, slack::signature};

/// How long a sender may take over its body.
const BODY_WAIT: Duration = Duration::from_secs(10);

/// The service's HTTP side.
pub fn router(state: State) -> Router {
    let api = api::router(state.clone());
    Router::new()
        .route("/slack/events", post(slack))
        .route("/slack/interactions", post(slack))
        .route("/slack/commands", post(slack))
        .route("/api/v1/slack/webhook", post(slack_webhook))
        .route("/api/v1/webhooks/{sender}", post(webhook))
        .route("/slack/install", get(|Shared(state): Shared<State>| async move { oauth::install(&state) }))
        .route("/slack/oauth/callback", get(oauth_callback))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state.clone())
        .merge(console::router(state))
        .merge(api)
}

/// Events, clicks and commands: whatever Slack was told to send to whichever path.
async fn slack(Shared(state): Shared<State>, request: Request) -> Response {
    match slack_delivery(&state, request).await {
        Ok(Some(ack)) => Json(ack).into_response(),
        Ok(None) => StatusCode::OK.into_response(),
        Err(refusal) => refused(&state, refusal),
    }
}

/// The same, for those who want to read in the answer that it was taken.
async fn slack_webhook(Shared(state): Shared<State>, request: Request) -> Response {
    match slack_delivery(&state, request).await {
        Ok(ack) => Json(ack.unwrap_or_else(|| json!({"status": "received"}))).into_response(),
        Err(refusal) => refused(&state, refusal),
    }
}

async fn slack_delivery(state: &State, request: Request) -> deliveries::Ack {
    let body = signed_body(state, request).await?;
    deliveries::body(state, &body).await
}

async fn webhook(Shared(state): Shared<State>, Path(sender): Path<String>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let door = match webhooks::open(&state, &sender, &head.headers) {
        Ok(door) => door,
        Err(refusal) => return refused(&state, refusal),
    };
    match limited(body).await {
        Ok(body) => answer(&state, webhooks::receive(&state, &door, &head.headers, &body).await),
        Err(refusal) => refused(&state, refusal),
    }
}

async fn oauth_callback(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    back: Result<Query<oauth::Back>, axum::extract::rejection::QueryRejection>,
) -> Response {
    oauth::callback(&state, &headers, back.map(|Query(back)| back).unwrap_or_default()).await
}

async fn ready(Shared(state): Shared<State>) -> Response {
    match state.store.ping().await {
        Ok(()) => format!("ready\n{}", complaints(&state)).into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not take writes\n").into_response()
        }
    }
}

/// What else is wrong, a line each. It does not make us unready: alerts are still taken, and answered when Slack lets us.
fn complaints(state: &State) -> String {
    let refused = state.slack.named().into_iter().filter_map(|(team, workspace)| {
        let of = if team.is_empty() { String::new() } else { format!(" of {team}") };
        workspace.client.refusal().map(|why| format!("Slack refuses the bot token{of}: {why}\n"))
    });
    let socket = state.socket.as_ref().and_then(|health| health.complaint());
    refused.chain(socket.map(|why| format!("no Socket Mode connection is up: {why}\n"))).collect()
}

async fn metrics(Shared(state): Shared<State>) -> Response {
    let text = with_redactions(&state.metrics.render());
    ([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

/// The figures with how many secrets were taken out of texts, by rule, before their end mark.
fn with_redactions(figures: &str) -> String {
    let mut lines =
        String::from("# HELP sre_agent_redactions Secrets that were taken out of texts.\n# TYPE sre_agent_redactions counter\n");
    for (rule, count) in redact::taken() {
        lines.push_str(&format!("sre_agent_redactions_total{{rule=\"{rule}\"}} {count}\n"));
    }
    match figures.strip_suffix("# EOF\n") {
        Some(before) => format!("{before}{lines}# EOF\n"),
        None => figures.to_owned(),
    }
}

/// The body of a request that Slack has signed. The timestamp is judged before the body is read, the size while it is read.
async fn signed_body(state: &State, request: Request) -> Result<Bytes, Refusal> {
    if state.signing_secret.expose_secret().is_empty() {
        return Err(Refusal::Unauthorized("no signing secret is configured, so nothing can be taken for Slack's".to_owned()));
    }
    let (head, body) = request.into_parts();
    let header = |name: &str| one_header(&head.headers, name);
    let (timestamp, given) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
    let now = state.clock.now();
    signature::check_timestamp(timestamp, now).map_err(|refused| Refusal::Unauthorized(refused.to_string()))?;
    let body = limited(body).await?;
    signature::verify(&state.signing_secret, timestamp, given, &body, now).map_err(|refused| Refusal::Unauthorized(refused.to_string()))?;
    Ok(body)
}

/// A header that is there once; two of them are as good as none.
pub fn one_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

async fn limited(body: Body) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(BODY_WAIT, to_bytes(body, BODY_MAX)).await {
        Ok(body) => body.map_err(|_| Refusal::TooLarge),
        Err(_) => Err(Refusal::TooSlow),
    }
}

fn answer(state: &State, result: Result<Response, Refusal>) -> Response {
    result.unwrap_or_else(|refusal| refused(state, refusal))
}

fn refused(state: &State, refusal: Refusal) -> Response {
    state.metrics.request_refused(refusal.kind());
    tracing::info!(kind = refusal.kind(), "a request was refused");
    refusal.into_response()
}
