//! The control API under `/sandbox/api/`: what the page and tests in other processes use instead of the Rust methods.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State as Shared},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::Stream;
use serde_json::{Value, json};

use super::{
    Delivery, DeliveryOptions, Fault, Sandbox, SandboxError,
    click::Aim,
    workspace::{BOT_USER, SLACKBOT},
};

/// Everything under `/sandbox/api/`.
pub fn router() -> Router<Sandbox> {
    Router::new()
        .route("/sandbox/api/stream", get(stream))
        .route("/sandbox/api/{what}", get(look).post(act))
        .route("/sandbox/api/event", post(event))
}

type Params = HashMap<String, String>;

/// Says whenever something changed; the page then looks again.
async fn stream(Shared(sandbox): Shared<Sandbox>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut versions = sandbox.subscribe();
    versions.mark_changed();
    let events = futures_util::stream::unfold(versions, |mut versions| async move {
        versions.changed().await.ok()?;
        // A burst of changes is one look.
        tokio::time::sleep(Duration::from_millis(40)).await;
        let version = *versions.borrow_and_update();
        Some((Ok(Event::default().data(version.to_string())), versions))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn look(Shared(sandbox): Shared<Sandbox>, Path(what): Path<String>, Query(params): Query<Params>) -> Response {
    let text = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    let body = match what.as_str() {
        "state" => sandbox.overview(),
        "messages" => json!({
            "messages": sandbox.messages(text("channel")), "ephemeral": sandbox.ephemeral_in(text("user"), text("channel")),
        }),
        "thread" => json!({
            "messages": sandbox.thread(text("channel"), text("ts")),
            "ephemeral": sandbox.ephemeral_in(text("user"), text("channel")),
        }),
        "views" => {
            let views = sandbox.open_views(text("user"));
            let id = views.last().and_then(|v| v.get("id")).and_then(Value::as_str).unwrap_or_default().to_owned();
            json!({"views": views, "errors": sandbox.view_errors(&id), "home": sandbox.home(text("user"))})
        }
        "hold" => {
            tokio::time::sleep(Duration::from_millis(800)).await;
            return StatusCode::NO_CONTENT.into_response();
        }
        "traffic" => sandbox.traffic(text("since").parse().unwrap_or(0), text("sent").parse().unwrap_or(0)),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    Json(body).into_response()
}

async fn act(Shared(sandbox): Shared<Sandbox>, Path(what): Path<String>, Json(body): Json<Value>) -> Response {
    match sandbox.act(&what, &body).await {
        Ok(Some(answer)) => Json(answer).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error.to_string()}))).into_response(),
    }
}

fn millis(body: &Value, name: &str) -> Duration {
    Duration::from_millis(body.get(name).and_then(Value::as_u64).unwrap_or_default())
}

async fn event(Shared(sandbox): Shared<Sandbox>, Json(body): Json<Value>) -> Json<Value> {
    let on = |name: &str| body.get(name) == Some(&Value::Bool(true));
    let options = DeliveryOptions {
        duplicate: on("duplicate"),
        delay: body.get("delay_ms").map(|_| millis(&body, "delay_ms")),
        corrupt_signature: on("corrupt_signature"),
        age: millis(&body, "age_ms"),
    };
    let event = body.get("event").cloned().unwrap_or_default();
    Json(report(&sandbox.send_event(event, options).await))
}

fn report(delivery: &Delivery) -> Value {
    json!({
        "attempts": delivery.attempts, "status": delivery.status, "body": delivery.body,
        "ms": u64::try_from(delivery.elapsed.as_millis()).unwrap_or(u64::MAX),
    })
}

fn fault(body: &Value) -> Option<Fault> {
    Some(match body.get("kind").and_then(Value::as_str)? {
        "rate_limited" => Fault::RateLimited { retry_after: millis(body, "ms") },
        "server_error" => Fault::ServerError(body.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok()).unwrap_or(500)),
        "hang" => Fault::Hang(millis(body, "ms")),
        "drop" => Fault::Drop,
        "ambiguous" => Fault::Ambiguous,
        _ => return None,
    })
}

impl Sandbox {
    async fn act(&self, what: &str, body: &Value) -> Result<Option<Value>, SandboxError> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let some = |name: &str| body.get(name).and_then(Value::as_str).filter(|v| !v.is_empty());
        let (user, channel, ts) = (text("user"), text("channel"), text("ts"));
        let value = body.get("value").filter(|v| !v.is_null()).cloned();
        let aim = Aim { action_id: text("action_id"), block_id: some("block_id"), value };
        Ok(Some(match what {
            "post" if some("bot").is_some() => json!({"ts": self.post_as_bot(channel, text("bot"), body.clone()).await?}),
            "post" => {
                let typed = if body.get("typed") == Some(&Value::Bool(true)) { self.typed(text("text")) } else { text("text").to_owned() };
                json!({"ts": self.post_as_user(channel, user, &typed, some("thread_ts")).await?})
            }
            "update" => {
                self.update_as_bot(channel, ts, body.clone()).await?;
                json!({"ts": ts})
            }
            "action" | "click" | "choose" if some("view_id").is_some() => report(&self.act_in_view(user, text("view_id"), &aim).await?),
            "action" | "click" | "choose" => report(&self.act_on_message(user, channel, ts, &aim).await?),
            "command" => report(&self.command(user, channel, text("command"), text("text")).await?),
            "react" => report(&self.react(user, channel, ts, text("name")).await?),
            "unreact" => report(&self.unreact(user, channel, ts, text("name")).await?),
            "submit" => {
                let values = body.get("values").cloned().unwrap_or_default();
                report(&self.submit_view(user, text("view_id"), values).await?)
            }
            "close" => self.close_view(user, text("view_id")).await?.as_ref().map(report).unwrap_or_default(),
            "home" => report(&self.open_home(user).await?),
            "dismiss" => {
                self.state().ephemeral.retain(|e| e.message.ts != ts);
                self.bump();
                json!({})
            }
            "channel" => json!({"id": self.create_channel(text("name"), body.get("with_bot") != Some(&Value::Bool(false)))}),
            "inject" => {
                let fault = fault(body).ok_or_else(|| SandboxError::Missing(format!("fault {}", text("kind"))))?;
                let times = body.get("times").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
                self.inject(text("method"), fault, times.unwrap_or(1));
                json!({})
            }
            _ => return Ok(None),
        }))
    }

    /// What a person typed, as Slack stores it: escaped, with names turned into mentions.
    fn typed(&self, text: &str) -> String {
        let mut text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        for user in &self.state().users {
            text = text.replace(&format!("@{}", user.name), &format!("<@{}>", user.id));
        }
        text
    }

    fn ephemeral_in(&self, user: &str, channel: &str) -> Vec<Value> {
        let id = self.channel_id(channel);
        let here = |e: &Value| e.get("channel").and_then(Value::as_str) == id.as_deref();
        self.ephemeral(user).into_iter().filter(here).collect()
    }

    fn overview(&self) -> Value {
        let state = self.state();
        let users: Vec<Value> = state
            .users
            .iter()
            .filter(|u| u.id != SLACKBOT)
            .map(|u| json!({"id": u.id, "name": u.name, "real_name": u.real_name, "is_bot": u.is_bot}))
            .collect();
        let channels: Vec<Value> = state
            .channels
            .iter()
            .map(|c| {
                let last = c.messages.last().map(|m| m.ts.clone());
                json!({"id": c.id, "name": c.name, "im": c.im, "last": last, "members": c.members, "archived": c.archived})
            })
            .collect();
        json!({
            "app": {"name": self.0.config.app_name, "user": BOT_USER, "commands": self.0.config.commands},
            "users": users, "channels": channels, "version": *self.0.version.borrow(),
        })
    }

    /// Calls and deliveries from the given positions on.
    fn traffic(&self, since: usize, sent: usize) -> Value {
        let state = self.state();
        let calls: Vec<Value> = state
            .calls
            .iter()
            .skip(since)
            .map(|c| json!({"method": c.method, "body": c.body, "status": c.status, "answer": c.answer, "at": c.at}))
            .collect();
        let sent: Vec<Value> = state.sent.iter().skip(sent).filter_map(|s| serde_json::to_value(s).ok()).collect();
        json!({"calls": calls, "deliveries": sent})
    }
}
