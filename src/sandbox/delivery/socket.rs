//! Socket Mode: connections from the app, envelopes to it, acknowledgements back.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use axum::{
    Router,
    extract::{
        Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{Attempt, Kind, millis};
use crate::sandbox::{Fault, Sandbox, workspace::APP};

/// The app's connections and the envelopes that wait for an acknowledgement.
#[derive(Default)]
pub struct Sockets {
    used: bool,
    list: Vec<Socket>,
    turn: usize,
    waiting: HashMap<String, (u64, oneshot::Sender<Value>)>,
    tickets: HashSet<String>,
    serial: u64,
}

struct Socket {
    id: u64,
    out: mpsc::UnboundedSender<Out>,
}

enum Out {
    Text(String),
    Close,
    /// The network breaks: no farewell.
    Cut,
}

/// Slack allows this many connections of one app.
const MOST: usize = 10;

impl Sockets {
    /// From its first connection on, an app gets everything this way; HTTP deliveries stop.
    pub fn in_use(&self) -> bool {
        self.used
    }

    /// Notes a ticket that `apps.connections.open` gave out.
    pub fn admit(&mut self, ticket: &str) {
        self.tickets.insert(ticket.to_owned());
    }

    /// Any of the connections, in turn.
    fn pick(&mut self) -> Option<&Socket> {
        let count = self.list.len();
        self.turn = self.turn.checked_add(1).unwrap_or_default();
        self.list.get(self.turn.checked_rem(count)?)
    }
}

/// `/ws`, where the URLs of `apps.connections.open` lead.
pub fn router() -> Router<Sandbox> {
    Router::new().route("/ws", get(connect))
}

async fn connect(State(sandbox): State<Sandbox>, Query(query): Query<HashMap<String, String>>, upgrade: WebSocketUpgrade) -> Response {
    let known = {
        let mut state = sandbox.state();
        let ticket = query.get("ticket").cloned().unwrap_or_default();
        state.sockets.list.len() < MOST && state.sockets.tickets.remove(&ticket)
    };
    // The methods' faults hold for the handshake too, under the name `handshake`.
    match sandbox.take_fault("handshake") {
        Some(Fault::Hang(wait)) => tokio::time::sleep(wait).await,
        Some(Fault::ServerError(code)) => {
            return StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        }
        Some(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        None => {}
    }
    if !known {
        return (StatusCode::FORBIDDEN, "invalid ticket, or too many connections").into_response();
    }
    let debug = query.get("debug_reconnects").is_some_and(|v| v == "true");
    upgrade.on_upgrade(move |socket| run(sandbox, socket, debug))
}

async fn run(sandbox: Sandbox, mut socket: WebSocket, debug: bool) {
    let (out, mut inbox) = mpsc::unbounded_channel();
    let (id, count) = {
        let mut state = sandbox.state();
        let sockets = &mut state.sockets;
        sockets.serial += 1;
        sockets.used = true;
        sockets.list.push(Socket { id: sockets.serial, out });
        (sockets.serial, sockets.list.len())
    };
    let mut cut = false;
    let lifetime = if debug { 360 } else { 3600 };
    let hello = json!({
        "type": "hello", "num_connections": count, "connection_info": {"app_id": APP},
        "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": lifetime},
    });
    // And for the hello, under that name.
    if let Some(Fault::Hang(wait)) = sandbox.take_fault("hello") {
        tokio::time::sleep(wait).await;
    }
    if socket.send(Message::text(hello.to_string())).await.is_ok() {
        sandbox.0.connected.notify_waiters();
        sandbox.0.version.send_modify(|version| *version += 1);
        let mut ping = tokio::time::interval(Duration::from_secs(10));
        let mut end = std::pin::pin!(tokio::time::sleep(Duration::from_secs(lifetime)));
        loop {
            tokio::select! {
                next = inbox.recv() => match next {
                    Some(Out::Text(text)) => if socket.send(Message::text(text)).await.is_err() { break },
                    Some(Out::Close) | None => break,
                    Some(Out::Cut) => {
                        cut = true;
                        break;
                    }
                },
                heard = socket.recv() => match heard {
                    Some(Ok(Message::Text(text))) => sandbox.acknowledge(&text),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
                _ = ping.tick() => if socket.send(Message::Ping("Ping from sandbox".into())).await.is_err() { break },
                () = &mut end => { let _ = socket.send(Message::text(goodbye("refresh_requested"))).await; break }
            }
        }
    }
    {
        // Dropping the senders wakes whoever waits for an acknowledgement from this connection.
        let mut state = sandbox.state();
        state.sockets.list.retain(|s| s.id != id);
        state.sockets.waiting.retain(|_, (socket, _)| *socket != id);
    }
    if !cut {
        let _ = socket.send(Message::Close(None)).await;
    }
    sandbox.0.version.send_modify(|version| *version += 1);
}

fn goodbye(reason: &str) -> String {
    json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}).to_string()
}

impl Sandbox {
    /// How many Socket Mode connections the app has.
    pub fn connections(&self) -> usize {
        self.state().sockets.list.len()
    }

    /// Lets the present connections end as Slack does every few hours: a warning, then `refresh_requested`.
    pub async fn refresh_connections(&self, warning: Duration) {
        let old: Vec<_> = self.state().sockets.list.iter().map(|s| s.out.clone()).collect();
        for socket in &old {
            let _ = socket.send(Out::Text(goodbye("warning")));
        }
        tokio::time::sleep(warning).await;
        for socket in &old {
            let _ = socket.send(Out::Text(goodbye("refresh_requested")));
            let _ = socket.send(Out::Close);
        }
    }

    /// Tells the app that somebody has switched Socket Mode off, and closes.
    pub fn disable_link(&self) {
        for socket in &self.state().sockets.list {
            let _ = socket.out.send(Out::Text(goodbye("link_disabled")));
            let _ = socket.out.send(Out::Close);
        }
    }

    /// Cuts all connections without a word.
    pub fn drop_connections(&self) {
        for socket in &self.state().sockets.list {
            let _ = socket.out.send(Out::Cut);
        }
    }

    fn acknowledge(&self, text: &str) {
        let Ok(ack) = serde_json::from_str::<Value>(text) else { return };
        let Some(id) = ack.get("envelope_id").and_then(Value::as_str) else { return };
        if let Some((_, waiter)) = self.state().sockets.waiting.remove(id) {
            let _ = waiter.send(ack.get("payload").cloned().unwrap_or(Value::Null));
        }
    }

    pub(super) async fn over_socket(&self, kind: Kind, payload: &Value) -> Vec<Attempt> {
        let id = self.state().next_id("envelope-");
        let mut attempts = vec![self.envelope_once(kind, payload, &id, 0, None).await];
        for (retry, pause) in (1u32..).zip(self.pauses(kind)) {
            let Some(failure) = attempts.last().and_then(|a| a.failure) else { break };
            // A lost connection need not cost the whole pause: the app usually comes back at once.
            let wait = self.0.connected.notified();
            if failure == "connection_failed" && self.connections() > 0 {
                drop(wait);
            } else {
                tokio::select! { () = wait => {}, () = tokio::time::sleep(*pause) => {} }
            }
            attempts.push(self.envelope_once(kind, payload, &id, retry, Some(failure)).await);
        }
        attempts
    }

    async fn envelope_once(&self, kind: Kind, payload: &Value, id: &str, retry: u32, reason: Option<&str>) -> Attempt {
        let start = Instant::now();
        let mut envelope = json!({
            "envelope_id": id, "type": kind.name(), "accepts_response_payload": kind != Kind::Event, "payload": payload,
        });
        if let (Kind::Event, Some(object)) = (kind, envelope.as_object_mut()) {
            object.insert("retry_attempt".to_owned(), retry.into());
            object.insert("retry_reason".to_owned(), reason.unwrap_or_default().into());
        }
        let (done, ack) = oneshot::channel();
        let sent = {
            let mut state = self.state();
            let socket = state.sockets.pick().map(|s| (s.id, s.out.send(Out::Text(envelope.to_string())).is_ok()));
            match socket {
                Some((socket, true)) => {
                    state.sockets.waiting.insert(id.to_owned(), (socket, done));
                    true
                }
                _ => false,
            }
        };
        if !sent {
            return Attempt::failed(retry, "connection_failed", start);
        }
        match tokio::time::timeout(self.0.config.ack_timeout, ack).await {
            // Slack says beforehand where an answer is taken; one that comes all the same is the app's mistake.
            Ok(Ok(answer)) if kind == Kind::Event && !answer.is_null() => {
                Attempt { body: answer.to_string(), ..Attempt::failed(retry, "unexpected_response_payload", start) }
            }
            Ok(Ok(answer)) => {
                let body = if answer.is_null() { String::new() } else { answer.to_string() };
                Attempt { retry, status: Some(200), body, failure: None, ms: millis(start), no_retry: false }
            }
            Ok(Err(_)) => Attempt::failed(retry, "connection_failed", start),
            Err(_) => {
                self.state().sockets.waiting.remove(id);
                Attempt::failed(retry, "timeout", start)
            }
        }
    }
}
