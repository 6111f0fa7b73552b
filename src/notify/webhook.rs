//! A signed webhook: any system that takes an HTTP call can be told.
//!
//! `POST` with a JSON body; new fields may be added, fields with these names keep their meaning as long as `schema` is 1:
//!
//! ```json
//! {"schema": 1, "key": "INC-42:escalated:0:1", "kind": "escalated", "priority": "P1", "incident": "INC-42",
//!  "headline": "checkout is down", "lines": ["since 12:03", "3 of 3 pods"],
//!  "links": [{"url": "https://example.slack.com/archives/C1/p1", "text": "Thread"}], "to": [], "sent_at": "2026-03-02T12:05:00Z"}
//! ```
//!
//! `kind` is one of opened, reported, escalated, resolved, failure, approval; `incident` is empty where there is none.
//!
//! | header | what |
//! |---|---|
//! | `X-Sre-Agent-Timestamp` | seconds since 1970, when it was sent |
//! | `X-Sre-Agent-Signature` | `v1=` and the HMAC-SHA256, in hex, of `v1:<timestamp>:<body>` with the shared secret |
//! | `X-Sre-Agent-Delivery`, `Idempotency-Key` | the key: the same key is the same notice |
//!
//! A receiver compares the signature in constant time, refuses timestamps that are more than five minutes off, and answers
//! 2xx when it has the notice. 408, 429 and 5xx are tried again; everything else, redirects included, is not.

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Allowed, Notice, Notifier, NotifyError, Place, Refused, http};
use crate::{
    model::Clock,
    web::{self, Proxy},
};

/// The longest key that is sent as it is; others are sent as their hash. Source: the usual limit of idempotency keys (Stripe).
const KEY_MAX: usize = 255;
/// The shortest secret: 128 bits in hex. Source: NIST SP 800-107, keys below 112 bits are weak.
const SECRET_MIN: usize = 32;

/// One receiver.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// How chains name it.
    pub name: String,
    pub url: String,
    /// What bodies are signed with; at least 32 letters.
    pub secret: SecretString,
}

/// Tells one receiver.
pub struct Webhook {
    config: WebhookConfig,
    allowed: Allowed,
    proxy: Option<Proxy>,
    clock: Clock,
}

impl Webhook {
    /// # Errors
    /// When its address or its secret cannot be used, with the webhook's name.
    pub fn new(config: WebhookConfig, allowed: Allowed, proxy: Option<&Proxy>, clock: Clock) -> Result<Self, String> {
        if config.secret.expose_secret().len() < SECRET_MIN {
            return Err(format!(
                "webhook `{}`: its secret wants at least {SECRET_MIN} letters, as from `openssl rand -hex 32`",
                config.name
            ));
        }
        allowed.read(&config.url).map_err(|refused| format!("webhook `{}`: its `url` is not used: {refused}", config.name))?;
        Ok(Self { config, allowed, proxy: proxy.cloned(), clock })
    }

    /// A client that goes to a judged place only.
    async fn client(&self) -> Result<(reqwest::Client, url::Url), NotifyError> {
        let name = &self.config.name;
        let refused = |refused: Refused| {
            let said = format!("webhook `{name}`: its `url` is not used: {refused}");
            if matches!(refused, Refused::Unresolved(_)) { NotifyError::Later(said) } else { NotifyError::Never(said) }
        };
        let url = self.allowed.read(&self.config.url).map_err(refused)?;
        let broken = |error: String| NotifyError::Never(format!("webhook `{name}`: no HTTP client: {error}"));
        // Behind a proxy the name is looked up there, by rules of its own: only its spelling can be judged here.
        if let Some(proxy) = self.proxy.as_ref().filter(|proxy| url.host_str().is_some_and(|host| proxy.applies(host))) {
            return Ok((web::client(http::CALL_TIMEOUT, Some(proxy)).map_err(broken)?, url));
        }
        let place: Place = self.allowed.check(&self.config.url).await.map_err(refused)?;
        Ok((place.client(http::CALL_TIMEOUT).map_err(broken)?, place.url))
    }
}

#[async_trait]
impl Notifier for Webhook {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let (client, url) = self.client().await?;
        let now = self.clock.now();
        let body = body(notice, &now.to_string()).to_string();
        let (timestamp, key) = (now.as_second().to_string(), delivery(&notice.key));
        let request = client
            .post(url)
            .header("content-type", "application/json")
            .header("user-agent", "sre-agent")
            .header("x-sre-agent-signature", signature(&self.config.secret, &timestamp, &body))
            .header("x-sre-agent-timestamp", timestamp)
            .header("x-sre-agent-delivery", &key)
            .header("idempotency-key", &key)
            .body(body);
        let named = |said: String| format!("webhook `{}`: {said}", self.config.name);
        http::send(request).await.and_then(http::Answer::success).map(drop).map_err(|error| match error {
            NotifyError::Later(said) => NotifyError::Later(named(said)),
            NotifyError::Never(said) => NotifyError::Never(named(said)),
        })
    }
}

/// What `X-Sre-Agent-Signature` holds for a body that is sent at `timestamp`.
pub fn signature(secret: &SecretString, timestamp: &str, body: &str) -> String {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return String::new() };
    for part in ["v1:", timestamp, ":", body] {
        mac.update(part.as_bytes());
    }
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// The body, as the head of this file describes it.
pub(super) fn body(notice: &Notice, sent_at: &str) -> Value {
    let links: Vec<Value> = notice.links.iter().map(|(url, text)| json!({"url": url, "text": text})).collect();
    json!({
        "schema": 1, "key": notice.key, "kind": notice.kind, "priority": notice.priority, "incident": notice.incident,
        "headline": notice.headline, "lines": notice.lines, "links": links, "to": notice.to, "sent_at": sent_at,
    })
}

/// The key as a header can carry it.
pub(super) fn delivery(key: &str) -> String {
    let fine = !key.is_empty() && key.len() <= KEY_MAX && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fine { key.to_owned() } else { hex::encode(Sha256::digest(key.as_bytes())) }
}
