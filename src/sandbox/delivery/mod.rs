//! Brings events, interactions and commands to the app, and keeps a record of how that went.

mod http;
mod socket;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

#[cfg(test)]
pub use self::http::sign;
pub use self::{
    http::{HttpClient, http_client},
    socket::{Sockets, router},
};
use super::{
    Delivery, DeliveryOptions, Sandbox,
    workspace::{APP, BOT_USER, TEAM},
};

/// What is delivered; each has its own door, form and rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An Events API callback: retried.
    Event,
    /// A click, a choice, a modal: one attempt.
    Interaction,
    /// A slash command: one attempt.
    Command,
}

impl Kind {
    /// The envelope type of Socket Mode, which also names it in the record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "events_api",
            Self::Interaction => "interactive",
            Self::Command => "slash_commands",
        }
    }
}

/// One delivery with all its attempts, for the traffic view and for assertions.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Sent {
    pub at: Timestamp,
    pub kind: &'static str,
    /// `http` or `socket`.
    pub transport: &'static str,
    pub payload: Value,
    pub attempts: Vec<Attempt>,
}

/// One attempt and what came of it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Attempt {
    /// 0 for the first, then `X-Slack-Retry-Num`.
    pub retry: u32,
    /// None where nobody answered.
    pub status: Option<u16>,
    pub body: String,
    /// Slack's word for the failure: `http_timeout`, `connection_failed`, `http_error`…
    pub failure: Option<&'static str>,
    pub ms: u64,
    /// The app asked not to be tried again (`x-slack-no-retry: 1`).
    pub no_retry: bool,
}

impl Attempt {
    fn failed(retry: u32, failure: &'static str, since: Instant) -> Self {
        Self { retry, status: None, body: String::new(), failure: Some(failure), ms: millis(since), no_retry: false }
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Sandbox {
    /// Sends one event to the app, well or badly as `options` say; waits for the last attempt.
    pub async fn send_event(&self, event: Value, options: DeliveryOptions) -> Delivery {
        let payload = self.envelope(event);
        if let Some(delay) = options.delay {
            tokio::time::sleep(delay).await;
        }
        let mut done = self.deliver(Kind::Event, payload.clone(), &options).await;
        if options.duplicate {
            let second = self.deliver(Kind::Event, payload, &options).await;
            done = Delivery { attempts: done.attempts + second.attempts, elapsed: done.elapsed + second.elapsed, ..second };
        }
        done
    }

    /// Every delivery to the app so far, as JSON: `at`, `kind`, `transport`, `payload`, `attempts`.
    pub fn deliveries(&self) -> Vec<Value> {
        self.state().sent.iter().filter_map(|s| serde_json::to_value(s).ok()).collect()
    }

    /// Starts the delivery of all events that wait in the outbox.
    pub(super) fn flush(&self) {
        let events = std::mem::take(&mut self.state().outbox);
        let own = self.0.config.echo;
        for event in events.into_iter().filter(|e| own || !is_own(e)) {
            let sandbox = self.clone();
            let payload = self.envelope(event);
            tokio::spawn(async move { sandbox.deliver(Kind::Event, payload, &DeliveryOptions::default()).await });
        }
    }

    /// Delivers over Socket Mode once the app has opened a connection, else over HTTP.
    pub(super) async fn deliver(&self, kind: Kind, payload: Value, options: &DeliveryOptions) -> Delivery {
        let start = Instant::now();
        let at = self.0.clock.now();
        let payload = self.localised(payload);
        let socket = self.state().sockets.in_use();
        let attempts = if socket { self.over_socket(kind, &payload).await } else { self.over_http(kind, &payload, options).await };
        let last = attempts.last();
        let done = Delivery {
            attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
            status: last.and_then(|a| a.status),
            body: last.map(|a| a.body.clone()).unwrap_or_default(),
            elapsed: start.elapsed(),
        };
        let transport = if socket { "socket" } else { "http" };
        self.state().record_sent(Sent { at, kind: kind.name(), transport, payload, attempts });
        self.0.version.send_modify(|version| *version += 1);
        done
    }

    /// How often this kind may be sent again, and after which pauses.
    fn pauses(&self, kind: Kind) -> &[Duration] {
        if kind == Kind::Event { &self.0.config.retry_delays } else { &[] }
    }

    /// The outer `event_callback` around an event.
    fn envelope(&self, event: Value) -> Value {
        let now = self.0.clock.now().as_second();
        let id = self.state().next_id("Ev0SANDBOX");
        json!({
            "token": "sandbox-verification-token", "team_id": TEAM, "context_team_id": TEAM,
            "context_enterprise_id": null, "api_app_id": APP, "event": event, "type": "event_callback",
            "event_id": id, "event_time": now, "is_ext_shared_channel": false,
            "event_context": format!("4-{id}"),
            "authorizations": [{
                "enterprise_id": null, "team_id": TEAM, "user_id": BOT_USER, "is_bot": true,
                "is_enterprise_install": false,
            }],
        })
    }
}

/// Whether an event tells the app of its own doing.
fn is_own(event: &Value) -> bool {
    let by_bot = |v: &Value| v.get("user").and_then(Value::as_str) == Some(BOT_USER);
    by_bot(event) || event.get("message").is_some_and(by_bot)
}
