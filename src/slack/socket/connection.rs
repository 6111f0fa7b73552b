//! One connection: takes envelopes, several at a time, and acknowledges each on it as soon as it is durable.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_util::sync::CancellationToken;

use super::{Answer, Envelope, Handler, Health, NotTaken, dial::Wire};
use crate::telemetry::Metrics;

/// How many envelopes are in hand at the same time; more wait in Slack's side of the connection.
const IN_HAND_MAX: usize = 64;
/// How long one envelope may take; Slack gives up after 3 s and sends it again.
const HANDLE_WAIT: Duration = Duration::from_secs(8);
/// How long a write may take.
const WRITE_WAIT: Duration = Duration::from_secs(5);
/// How often we ask whether the other side is there.
const PING_EVERY: Duration = Duration::from_secs(10);
/// A connection that says nothing for so long is dead, whatever TCP says.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long an old connection is still read after the new one is up. Source: Slack warns about 10 s before it closes.
const LINGER: Duration = Duration::from_secs(15);

/// Why a connection goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Slack renews it: `warning` or `refresh_requested`.
    Refresh(String),
    LinkDisabled,
    Broken(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refresh(reason) | Self::Broken(reason) => f.write_str(reason),
            Self::LinkDisabled => f.write_str("link_disabled"),
        }
    }
}

/// How far a connection's life has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    Opening,
    Up,
    /// It still works, and will not for long.
    Leaving(Why),
    Gone(Why),
}

/// What a connection works with.
pub struct Serving {
    pub handler: Handler,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub phase: watch::Sender<Phase>,
    /// The next connection is up: this one may go.
    pub retire: CancellationToken,
    pub stop: CancellationToken,
}

/// A frame, as far as we need it; unknown fields and types are no error.
#[derive(Debug, Deserialize)]
struct Frame {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    envelope_id: Option<String>,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    accepts_response_payload: bool,
    #[serde(default)]
    retry_attempt: Option<u64>,
    #[serde(default)]
    retry_reason: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    num_connections: Option<u64>,
}

/// An envelope that was handled.
struct Handled {
    id: String,
    accepts_payload: bool,
    answer: Answer,
}

type Sink = SplitSink<Wire, Message>;

impl Serving {
    /// Serves one connection to its end.
    pub async fn run(self, wire: Wire) {
        let (mut sink, mut stream) = wire.split();
        let mut in_hand: JoinSet<Handled> = JoinSet::new();
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut up = None;
        let mut linger = std::pin::pin!(async {
            self.retire.cancelled().await;
            // One that never said hello is not waited for.
            if *self.phase.borrow() != Phase::Opening {
                tokio::time::sleep(LINGER).await;
            }
        });
        let why = loop {
            tokio::select! {
                frame = stream.next(), if in_hand.len() < IN_HAND_MAX => {
                    heard = Instant::now();
                    match frame {
                        Some(Ok(Message::Text(text))) => if let Some(frame) = self.read(&text) {
                            if frame.kind == "hello" {
                                tracing::debug!(connections = frame.num_connections, "Slack says hello");
                                up.get_or_insert_with(|| self.health.count());
                            }
                            self.take(frame, &mut in_hand);
                        },
                        Some(Ok(Message::Close(_))) | None => break "Slack closed the connection".to_owned(),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => break error.to_string(),
                    }
                }
                Some(done) = in_hand.join_next() => {
                    // While all hands are full nothing is read, which is not the other side's silence.
                    heard = Instant::now().checked_sub(PING_EVERY).map_or(heard, |recent| heard.max(recent));
                    if let Ok(handled) = done && let Err(error) = self.acknowledge(&mut sink, handled).await {
                        break error;
                    }
                }
                _ = ping.tick() => {
                    if in_hand.len() < IN_HAND_MAX && heard.elapsed() > SILENCE_MAX {
                        break format!("Slack has said nothing for {} s", SILENCE_MAX.as_secs());
                    }
                    if let Err(error) = write(&mut sink, Message::Ping(Bytes::new())).await {
                        break error;
                    }
                }
                () = &mut linger => break "the next connection has taken over".to_owned(),
                () = self.stop.cancelled() => break "we stop".to_owned(),
            }
        };
        self.phase.send_modify(|phase| {
            let announced = if let Phase::Leaving(why) = phase { Some(why.clone()) } else { None };
            *phase = Phase::Gone(announced.unwrap_or(Why::Broken(why)));
        });
        drop(up);
        // What is in hand becomes durable in any case; where the connection still stands, Slack also learns of it.
        while let Some(done) = in_hand.join_next().await {
            if let Ok(handled) = done {
                let _ = self.acknowledge(&mut sink, handled).await;
            }
        }
        let _ = write(&mut sink, Message::Close(None)).await;
    }

    fn read(&self, text: &str) -> Option<Frame> {
        match serde_json::from_str(text) {
            Ok(frame) => Some(frame),
            Err(error) => {
                self.metrics.unknown_event();
                tracing::warn!(%error, "a Socket Mode frame is not as Slack documents it");
                None
            }
        }
    }

    fn take(&self, frame: Frame, in_hand: &mut JoinSet<Handled>) {
        match (frame.kind.as_str(), frame.envelope_id) {
            ("hello", None) => {
                self.phase.send_if_modified(|phase| {
                    let opening = *phase == Phase::Opening;
                    if opening {
                        *phase = Phase::Up;
                    }
                    opening
                });
            }
            ("disconnect", None) => {
                let reason = frame.reason.unwrap_or_default();
                let why = if reason == "link_disabled" { Why::LinkDisabled } else { Why::Refresh(reason) };
                self.phase.send_replace(Phase::Leaving(why));
            }
            (_, Some(id)) => {
                if let Some(attempt) = frame.retry_attempt.filter(|attempt| *attempt > 0) {
                    tracing::info!(attempt, reason = frame.retry_reason, "Slack sends an envelope again");
                }
                let envelope = Envelope {
                    kind: frame.kind,
                    payload: frame.payload,
                    attempt: frame.retry_attempt.unwrap_or_default(),
                    reason: frame.retry_reason.unwrap_or_default(),
                };
                let (handling, accepts_payload) = ((self.handler)(envelope), frame.accepts_response_payload);
                in_hand.spawn(async move {
                    let answer = tokio::time::timeout(HANDLE_WAIT, handling).await.unwrap_or(Err(NotTaken));
                    Handled { id, accepts_payload, answer }
                });
            }
            _ => self.metrics.unknown_event(),
        }
    }

    /// Tells Slack that the envelope is durable. Without that word Slack sends it again, which is what we want of one that is not.
    async fn acknowledge(&self, sink: &mut Sink, handled: Handled) -> Result<(), String> {
        let Ok(payload) = handled.answer else {
            self.metrics.socket("not_acknowledged");
            tracing::warn!("an envelope is not acknowledged, because it could not be made durable; Slack sends it again");
            return Ok(());
        };
        let mut ack = json!({"envelope_id": handled.id});
        if let (Some(payload), true, Some(fields)) = (payload, handled.accepts_payload, ack.as_object_mut()) {
            fields.insert("payload".to_owned(), payload);
        }
        write(sink, Message::text(ack.to_string())).await
    }
}

async fn write(sink: &mut Sink, message: Message) -> Result<(), String> {
    match tokio::time::timeout(WRITE_WAIT, sink.send(message)).await {
        Ok(sent) => sent.map_err(|error| error.to_string()),
        Err(_) => Err(format!("Slack took nothing for {} s", WRITE_WAIT.as_secs())),
    }
}
