//! Socket Mode: we call Slack, so that no address of ours is needed. The next connection is open before Slack ends the present one.
//!
//! - `dial` opens a connection, every step within its time
//! - `connection` takes envelopes from one connection and acknowledges them on it
//! - here: one connection is kept, whatever happens to it

mod connection;
mod dial;
mod health;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Client, Connection, SlackErrorKind};
use crate::{
    model::{Clock, Ids},
    telemetry::Metrics,
};
use connection::{Phase, Serving, Why};
use dial::Trouble;
pub use health::Health;

/// How long a new connection may take to say hello. Source: judgement; Slack takes well under a second.
const HELLO_WAIT: Duration = Duration::from_secs(10);
/// A connection that lived this long was a good one: the next failure is a new story.
const STEADY: Duration = Duration::from_secs(10);
/// The wait after the second failure in a row; it doubles from there.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest wait between two attempts. Source: `apps.connections.open` is Tier 1, one call a minute.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long we wait where only a person can help: the token, a missing scope, Socket Mode switched off.
const PERSON_WAIT: Duration = Duration::from_mins(5);

/// One thing that Slack sends.
#[derive(Debug)]
pub struct Envelope {
    /// `events_api`, `interactive`, `slash_commands`, or something newer.
    pub kind: String,
    pub payload: Value,
    /// 0 for the first delivery.
    pub attempt: u64,
    /// Slack's word for why it sends this again; empty for the first delivery.
    pub reason: String,
}

/// The envelope could not be made durable: it is not acknowledged, and Slack sends it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotTaken;

/// What goes back with the acknowledgement, once the envelope is durable.
pub type Answer = Result<Option<Value>, NotTaken>;

/// Takes an envelope. Several run at the same time.
pub type Handler = Arc<dyn Fn(Envelope) -> BoxFuture<'static, Answer> + Send + Sync>;

/// What Socket Mode needs.
pub struct Socket {
    pub connection: Connection,
    /// `xapp-…`, with `connections:write`.
    pub app_token: SecretString,
    pub clock: Clock,
    /// Where the jitter comes from.
    pub ids: Ids,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
}

/// A connection that has said hello.
struct Live {
    phase: watch::Receiver<Phase>,
    /// Cancelled when the next connection is up.
    retire: CancellationToken,
}

impl Socket {
    /// Keeps a connection and gives what comes over it to `handler`, until `stop`; then finishes what is in hand.
    pub async fn run(self, handler: Handler, stop: CancellationToken) {
        let client = Client::new(&self.connection, &self.app_token);
        let mut connections = JoinSet::new();
        let mut leaving: Option<Live> = None;
        let mut failures = 0;
        while !stop.is_cancelled() {
            let attempt = tokio::select! {
                () = stop.cancelled() => break,
                attempt = self.establish(&client, &handler, &mut connections, &stop) => attempt,
            };
            let wait = match attempt {
                Ok(mut live) => {
                    self.health.fine();
                    self.metrics.socket("connected");
                    tracing::info!("connected to Slack by Socket Mode");
                    if let Some(old) = leaving.take() {
                        old.retire.cancel();
                    }
                    let since = Instant::now();
                    let Some(why) = departure(&mut live.phase, &stop).await else { break };
                    failures = if since.elapsed() < STEADY { failures + 1 } else { 0 };
                    self.after(why, failures, live, &mut leaving)
                }
                Err(trouble) => {
                    failures += 1;
                    self.in_trouble(&trouble, failures)
                }
            };
            while connections.try_join_next().is_some() {}
            if !wait.is_zero() {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
        // Each of them ends by itself: it acknowledges what it has in hand, within its time.
        while connections.join_next().await.is_some() {}
    }

    /// Opens a connection and waits for its hello.
    async fn establish(
        &self,
        client: &Client,
        handler: &Handler,
        connections: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> Result<Live, Trouble> {
        let url = dial::open(client).await?;
        let wire = dial::dial(&url, &self.connection).await?;
        let (sender, mut phase) = watch::channel(Phase::Opening);
        let retire = CancellationToken::new();
        // Until it has said hello, the connection goes with this function: one that hangs is not kept.
        let guard = retire.clone().drop_guard();
        let serving = Serving {
            handler: Arc::clone(handler),
            metrics: Arc::clone(&self.metrics),
            health: Arc::clone(&self.health),
            phase: sender,
            retire: retire.clone(),
            stop: stop.clone(),
        };
        connections.spawn(serving.run(wire));
        let hello = phase.wait_for(|phase| *phase != Phase::Opening);
        let said = match tokio::time::timeout(HELLO_WAIT, hello).await {
            Ok(Ok(phase)) => phase.clone(),
            Ok(Err(_)) => Phase::Gone(Why::Broken("the connection died".to_owned())),
            Err(_) => Phase::Gone(Why::Broken(format!("no hello within {} s", HELLO_WAIT.as_secs()))),
        };
        match said {
            Phase::Gone(Why::LinkDisabled) => Err(Trouble::person("Socket Mode is switched off for this app")),
            Phase::Gone(why) => Err(Trouble::passing(why.to_string())),
            _ => {
                guard.disarm();
                Ok(Live { phase, retire })
            }
        }
    }

    /// How long to wait after a connection went, and whether it still serves until the next one is up.
    fn after(&self, why: Why, failures: u32, live: Live, leaving: &mut Option<Live>) -> Duration {
        match why {
            Why::Refresh(reason) => {
                self.metrics.socket("refreshed");
                tracing::info!(%reason, "Slack renews the Socket Mode connection");
                *leaving = Some(live);
                self.backoff(failures)
            }
            Why::LinkDisabled => {
                self.metrics.socket("link_disabled");
                let what = "Socket Mode is switched off for this app: switch it on in the app's settings at api.slack.com/apps, \
                            or set `slack.delivery: events`";
                tracing::error!(retry_in_seconds = PERSON_WAIT.as_secs(), "{what}");
                self.health.trouble(what);
                PERSON_WAIT
            }
            Why::Broken(reason) => {
                self.metrics.socket("reconnecting");
                let wait = self.backoff(failures);
                tracing::warn!(%reason, wait_ms = millis(wait), "the Socket Mode connection is gone; reconnecting");
                self.health.trouble(&reason);
                wait
            }
        }
    }

    fn in_trouble(&self, trouble: &Trouble, failures: u32) -> Duration {
        self.metrics.socket("refused");
        let wait = match trouble.kind {
            SlackErrorKind::RateLimited(wait) => wait.max(self.backoff(failures)),
            SlackErrorKind::Blocked | SlackErrorKind::Refused => PERSON_WAIT,
            _ => self.backoff(failures),
        };
        if wait == PERSON_WAIT {
            tracing::error!(
                error = %trouble.message, retry_in_seconds = wait.as_secs(),
                "Slack refuses Socket Mode until a person changes something: check `slack.app_token` (xapp-…, scope connections:write) \
                 and that Socket Mode is on in the app's settings; `sre-agent doctor` says more"
            );
        } else {
            tracing::warn!(error = %trouble.message, wait_ms = millis(wait), "no Socket Mode connection");
        }
        self.health.trouble(&trouble.message);
        wait
    }

    fn backoff(&self, failures: u32) -> Duration {
        backoff(failures, self.ids.fresh(self.clock.now()).random())
    }
}

/// Waits until a connection leaves or is gone; `None` when we are to stop.
async fn departure(phase: &mut watch::Receiver<Phase>, stop: &CancellationToken) -> Option<Why> {
    let left = phase.wait_for(|phase| matches!(phase, Phase::Leaving(_) | Phase::Gone(_)));
    tokio::select! {
        () = stop.cancelled() => None,
        left = left => match left.as_deref() {
            Ok(Phase::Leaving(why) | Phase::Gone(why)) => Some(why.clone()),
            _ => Some(Why::Broken("the connection died".to_owned())),
        },
    }
}

/// At once after the first failure, then doubling, each wait between half and all of it.
fn backoff(failures: u32, random: u128) -> Duration {
    let Some(doublings) = failures.checked_sub(2) else { return Duration::ZERO };
    let whole = BACKOFF_FIRST.saturating_mul(1 << doublings.min(10)).min(BACKOFF_MAX);
    let half = millis(whole) / 2;
    let jitter = u64::try_from(random % u128::from(half + 1)).unwrap_or_default();
    Duration::from_millis(half + jitter)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
