//! Slack's own speed: a small burst, then one message per second and channel.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How many messages may go into a channel at once before the steady rate holds. Source: docs.slack.dev allows short bursts above 1/s.
const BURST: u32 = 3;
/// The steady distance between two messages into one channel. Source: docs.slack.dev, rate limits, `chat.postMessage`.
const STEADY: Duration = Duration::from_secs(1);
/// How many keys are remembered; idle ones are forgotten first.
const KEYS_MAX: usize = 2048;

/// When the next call under a key may go out. Keys are `method` or `method/channel`.
#[derive(Default)]
pub struct Pace {
    /// The instant at which the key's bucket is full again.
    full_at: Mutex<HashMap<String, Instant>>,
}

impl Pace {
    /// How long to wait before a call under `key`; a wait of zero takes a place in the burst.
    pub fn take(&self, key: &str) -> Duration {
        let now = Instant::now();
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > KEYS_MAX {
            buckets.retain(|_, full_at| *full_at > now);
        }
        let full_at = buckets.entry(key.to_owned()).or_insert(now);
        let spent = full_at.saturating_duration_since(now);
        let room = STEADY * (BURST - 1);
        if spent > room {
            return spent - room;
        }
        *full_at = now + spent + STEADY;
        Duration::ZERO
    }

    /// Slack said to stay away for `wait`: nothing under `key` goes out before.
    pub fn hold(&self, key: &str, wait: Duration) {
        let until = Instant::now() + wait + STEADY * (BURST - 1);
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.entry(key.to_owned()).or_insert(until);
        *full_at = (*full_at).max(until);
    }
}
