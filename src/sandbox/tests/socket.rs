//! Socket Mode: hello, envelopes, acknowledgements, redelivery, refresh.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use slack_morphism::prelude::SlackCommandEvent;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::app::{World, config, world};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a connection and takes the hello.
    async fn open(world: &World) -> Self {
        let answer = world.call_as("xapp-sandbox", "apps.connections.open", json!({})).await.unwrap().body;
        let (stream, _) = connect_async(answer["url"].as_str().unwrap()).await.unwrap();
        let mut socket = Self(stream);
        let hello = socket.next().await.unwrap();
        assert_eq!(hello["type"], "hello");
        assert!(hello["connection_info"]["app_id"].is_string() && hello["debug_info"]["host"].is_string());
        assert!(hello["num_connections"].is_u64());
        socket
    }

    /// The next JSON frame; None where the connection ended.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(5), self.0.next()).await.unwrap();
            match frame {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn ack(&mut self, envelope: &Value, payload: Option<Value>) {
        let mut ack = json!({"envelope_id": envelope["envelope_id"]});
        if let Some(payload) = payload {
            ack["payload"] = payload;
        }
        self.0.send(Message::text(ack.to_string())).await.unwrap();
    }
}

#[tokio::test]
async fn events_and_commands_come_as_envelopes() {
    let world = world(config()).await;
    let mut socket = Socket::open(&world).await;
    world.sandbox.post_as_user("alerts", "alice", "hello", None).await.unwrap();
    let envelope = socket.next().await.unwrap();
    assert_eq!((&envelope["type"], &envelope["accepts_response_payload"]), (&json!("events_api"), &json!(false)));
    assert_eq!(envelope["payload"]["event"]["text"], "hello");
    socket.ack(&envelope, None).await;

    let command = tokio::spawn({
        let sandbox = world.sandbox.clone();
        async move { sandbox.command("alice", "alerts", "/sre", "help").await.unwrap() }
    });
    let envelope = socket.next().await.unwrap();
    assert_eq!(envelope["type"], "slash_commands");
    assert_eq!(envelope["payload"]["text"], "help");
    serde_json::from_value::<SlackCommandEvent>(envelope["payload"].clone()).unwrap();
    socket.ack(&envelope, Some(json!({"text": "helping"}))).await;
    assert_eq!(command.await.unwrap().status, Some(200));
    assert_eq!(world.sandbox.ephemeral("alice")[0]["text"], "helping");
    assert!(world.app.got().is_empty(), "HTTP deliveries stop while sockets are used");
}

#[tokio::test]
async fn an_unacknowledged_event_comes_again() {
    let world = world(config()).await;
    let mut socket = Socket::open(&world).await;
    world.sandbox.post_as_user("alerts", "alice", "hello", None).await.unwrap();
    let first = socket.next().await.unwrap();
    let second = socket.next().await.unwrap();
    assert_eq!(first["envelope_id"], second["envelope_id"]);
    assert_eq!(first["payload"]["event_id"], second["payload"]["event_id"]);
    assert_eq!((&second["retry_attempt"], &second["retry_reason"]), (&json!(1), &json!("timeout")));
    // The connection breaks before the acknowledgement: the envelope goes to the next one.
    drop(socket);
    let mut other = Socket::open(&world).await;
    let third = other.next().await.unwrap();
    assert_eq!(third["payload"]["event_id"], first["payload"]["event_id"]);
    other.ack(&third, None).await;
    world.until(|| !world.sandbox.deliveries().is_empty()).await;
    assert_eq!(world.sandbox.deliveries()[0]["attempts"].as_array().unwrap().last().unwrap()["status"], 200);
}

#[tokio::test]
async fn connections_are_refreshed_with_a_warning() {
    let world = world(config()).await;
    let mut old = Socket::open(&world).await;
    let sandbox = world.sandbox.clone();
    let refresh = tokio::spawn(async move { sandbox.refresh_connections(Duration::from_millis(100)).await });
    assert_eq!(old.next().await.unwrap()["reason"], "warning");
    let mut new = Socket::open(&world).await;
    refresh.await.unwrap();
    let goodbye = old.next().await.unwrap();
    assert_eq!(goodbye["reason"], "refresh_requested");
    assert_eq!(goodbye["debug_info"]["host"], "sandbox");
    assert!(old.next().await.is_none());
    world.sandbox.post_as_user("alerts", "alice", "still there?", None).await.unwrap();
    let envelope = new.next().await.unwrap();
    new.ack(&envelope, None).await;
}

#[tokio::test]
async fn a_socket_url_works_once() {
    let world = world(config()).await;
    let answer = world.call_as("xapp-sandbox", "apps.connections.open", json!({})).await.unwrap().body;
    let url = answer["url"].as_str().unwrap();
    connect_async(url).await.unwrap();
    assert!(connect_async(url).await.is_err());
}

#[tokio::test]
async fn an_event_takes_no_answer_with_its_acknowledgement() {
    let world = world(config()).await;
    let mut socket = Socket::open(&world).await;
    world.sandbox.post_as_user("alerts", "alice", "hello", None).await.unwrap();
    let first = socket.next().await.unwrap();
    socket.ack(&first, Some(json!({"text": "nobody asked"}))).await;
    let second = socket.next().await.unwrap();
    assert_eq!(second["retry_reason"], "unexpected_response_payload");
    socket.ack(&second, None).await;
}
