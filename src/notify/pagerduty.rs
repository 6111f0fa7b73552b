//! PagerDuty: an event through the Events API v2.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Config, NotifyError, Pager, http};
use crate::{
    model::Priority,
    web::{self, Proxy},
};

// Source of the limits: developer.pagerduty.com, Events API v2.
const SUMMARY_MAX: usize = 1024;
const KEY_MAX: usize = 255;

/// What PagerDuty is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The same key is the same problem: PagerDuty joins its events.
    pub key: String,
    pub summary: String,
    /// What is sick.
    pub source: String,
    pub priority: Priority,
    pub details: BTreeMap<String, String>,
    /// Where the incident is talked about, first the thread; address and text.
    pub links: Vec<(String, String)>,
}

/// One PagerDuty service.
pub struct PagerDuty {
    http: reqwest::Client,
    url: String,
    key: SecretString,
}

impl PagerDuty {
    /// The configured service; `None` where there is none.
    ///
    /// # Errors
    /// When the proxy is not an address.
    pub fn new(config: &Config, proxy: Option<&Proxy>) -> Result<Option<Self>, String> {
        let Some(key) = config.pagerduty_key.clone() else { return Ok(None) };
        Ok(Some(Self { http: web::client(http::CALL_TIMEOUT, proxy)?, url: config.pagerduty_url.clone(), key }))
    }
}

#[async_trait]
impl Pager for PagerDuty {
    async fn page(&self, page: &Page) -> Result<(), NotifyError> {
        let mut body = event(page);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("routing_key".to_owned(), self.key.expose_secret().into());
        }
        http::call(&self.http, Method::POST, &format!("{}/v2/enqueue", self.url), None, Some(&body)).await?.success().map(drop)
    }
}

/// The event without its key to the service.
pub fn event(page: &Page) -> Value {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let links: Vec<Value> = page.links.iter().map(|(href, text)| json!({"href": href, "text": text})).collect();
    let source = if page.source.is_empty() { "unknown" } else { &page.source };
    json!({
        "event_action": "trigger", "dedup_key": cut(&page.key, KEY_MAX), "client": "sre-agent",
        "client_url": page.links.first().map(|(href, _)| href),
        "payload": {
            "summary": cut(&page.summary, SUMMARY_MAX), "source": source, "severity": severity(page.priority),
            "custom_details": page.details,
        },
        "links": links,
    })
}

/// PagerDuty knows critical, error, warning and info.
fn severity(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "critical",
        Priority::P1 => "error",
        Priority::P2 => "warning",
        Priority::P3 => "info",
    }
}
