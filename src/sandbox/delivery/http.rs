//! Signed HTTP requests to the app: 3 s to answer, and three more tries for events.

use axum::{
    body::Body,
    http::{Request, header},
};
use hmac::{Hmac, KeyInit, Mac};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use sha2::Sha256;
use tokio::time::Instant;

use super::{Attempt, Kind, millis};
use crate::sandbox::{DeliveryOptions, Sandbox};

/// Plain HTTP; the sandbox only ever talks to this machine.
pub type HttpClient = Client<HttpConnector, Body>;

/// The client for all deliveries.
pub fn http_client() -> HttpClient {
    Client::builder(TokioExecutor::new()).build_http()
}

impl Sandbox {
    pub(super) async fn over_http(&self, kind: Kind, payload: &Value, options: &DeliveryOptions) -> Vec<Attempt> {
        let Some(url) = self.url(kind) else { return Vec::new() };
        let pauses = self.pauses(kind);
        let mut attempts = vec![self.attempt(kind, &url, payload, options, 0, None).await];
        for (retry, pause) in (1u32..).zip(pauses) {
            let Some(failure) = attempts.last().filter(|a| !a.no_retry).and_then(|a| a.failure) else { break };
            tokio::time::sleep(*pause).await;
            // The app's settings may have changed meanwhile: a retry goes where they point now.
            let Some(url) = self.url(kind) else { break };
            attempts.push(self.attempt(kind, &url, payload, options, retry, Some(failure)).await);
        }
        attempts
    }

    /// Where the app takes deliveries of this kind.
    fn url(&self, kind: Kind) -> Option<String> {
        let urls = &self.state().urls;
        match kind {
            Kind::Event => urls.events.clone(),
            Kind::Interaction => urls.interactivity.clone(),
            Kind::Command => urls.commands.clone(),
        }
    }

    async fn attempt(
        &self,
        kind: Kind,
        url: &str,
        payload: &Value,
        options: &DeliveryOptions,
        retry: u32,
        reason: Option<&str>,
    ) -> Attempt {
        let start = Instant::now();
        let Ok(request) = self.request(kind, url, payload, options, retry, reason) else {
            return Attempt::failed(retry, "unknown_error", start);
        };
        let exchange = async {
            let answer = self.0.http.request(request).await.ok()?;
            let status = answer.status();
            let no_retry = answer.headers().get("x-slack-no-retry").is_some_and(|v| v == "1");
            let bytes = axum::body::to_bytes(Body::new(answer.into_body()), 1 << 20).await.ok()?;
            let failure = match status.as_u16() {
                200..=299 => None,
                300..=399 => Some("too_many_redirects"),
                _ => Some("http_error"),
            };
            Some(Attempt {
                retry,
                status: Some(status.as_u16()),
                body: String::from_utf8_lossy(&bytes).into_owned(),
                failure,
                ms: millis(start),
                no_retry: no_retry && status.as_u16() != 200,
            })
        };
        match tokio::time::timeout(self.0.config.ack_timeout, exchange).await {
            Ok(Some(attempt)) => attempt,
            Ok(None) => Attempt::failed(retry, "connection_failed", start),
            Err(_) => Attempt::failed(retry, "http_timeout", start),
        }
    }

    fn request(
        &self,
        kind: Kind,
        url: &str,
        payload: &Value,
        options: &DeliveryOptions,
        retry: u32,
        reason: Option<&str>,
    ) -> Result<Request<Body>, axum::http::Error> {
        let (body, content_type) = match kind {
            Kind::Event => (payload.to_string(), "application/json"),
            Kind::Interaction => (form([("payload", payload.to_string().as_str())]), FORM),
            Kind::Command => {
                let fields = payload.as_object().into_iter().flatten();
                (form(fields.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or("false")))), FORM)
            }
        };
        let age = i64::try_from(options.age.as_secs()).unwrap_or(i64::MAX);
        let signed_at = self.0.clock.now().as_second().saturating_sub(age);
        let mut signature = sign(&self.0.config.signing_secret, signed_at, body.as_bytes());
        if options.corrupt_signature {
            signature = format!("v0={}", "0".repeat(64));
        }
        let mut request = Request::post(url)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::USER_AGENT, "Slackbot 1.0 (+https://api.slack.com/robots)")
            .header("X-Slack-Request-Timestamp", signed_at)
            .header("X-Slack-Signature", signature);
        if let Some(reason) = reason {
            request = request.header("X-Slack-Retry-Num", retry).header("X-Slack-Retry-Reason", reason);
        }
        request.body(Body::from(body))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Slack's v0 signature: HMAC-SHA256 over `v0:{timestamp}:{raw body}`.
pub fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
    // HMAC takes keys of any length, so the error cannot happen; an empty signature would only be refused.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}
