//! Slack's own speed: a small burst, then one message per second and channel; and so many calls of one method a minute in a workspace.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How many messages may go into a channel at once before the steady rate holds. Source: docs.slack.dev allows short bursts above 1/s.
const BURST: u32 = 3;
/// The steady distance between two messages into one channel. Source: docs.slack.dev, rate limits, `chat.postMessage`.
const STEADY: Duration = Duration::from_secs(1);
/// How many calls of a tier 3 method may come at once, and their steady distance. Source: docs.slack.dev, rate limits, tier 3
/// (50 a minute, for each method and workspace); a little less, so that other processes of ours find room.
const METHOD_BURST: u32 = 40;
const METHOD_STEADY: Duration = Duration::from_millis(1200);
/// How many keys are remembered; idle ones are forgotten first.
const KEYS_MAX: usize = 2048;

/// When the next call under a key may go out. A key is a channel, or a method where Slack counts those.
#[derive(Default)]
pub struct Pace {
    /// The instant at which the key's bucket is full again.
    full_at: Mutex<HashMap<String, Instant>>,
    /// The keys without a burst.
    strict: Mutex<HashSet<String>>,
}

impl Pace {
    /// Reserves the next call under `key` and says how long to wait before making it.
    pub fn take(&self, key: &str) -> Duration {
        self.reserve(key, BURST, STEADY)
    }

    /// The same for a tier 3 method in a workspace, which Slack counts over all channels.
    pub fn take_method(&self, team: &str, method: &str) -> Duration {
        self.reserve(&format!("{team}/{method}"), METHOD_BURST, METHOD_STEADY)
    }

    /// Slack said to stay away from a method for `wait`: that method and workspace are blocked, and nothing else.
    pub fn hold_method(&self, team: &str, method: &str, wait: Duration) {
        self.hold_until(&format!("{team}/{method}"), wait + METHOD_STEADY * (METHOD_BURST - 1));
    }

    fn reserve(&self, key: &str, burst: u32, steady: Duration) -> Duration {
        let now = Instant::now();
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > KEYS_MAX {
            buckets.retain(|_, full_at| *full_at > now);
        }
        let full_at = buckets.entry(key.to_owned()).or_insert(now);
        let spent = full_at.saturating_duration_since(now);
        *full_at = now + spent + steady;
        if self.is_strict(key) { spent } else { spent.saturating_sub(steady * (burst - 1)) }
    }

    /// From now on nothing goes out under `key` within a second of the call before, or the burst is allowed again.
    pub fn set_strict(&self, key: &str, strict: bool) {
        let mut keys = self.strict.lock().unwrap_or_else(PoisonError::into_inner);
        if strict {
            keys.insert(key.to_owned());
        } else {
            keys.remove(key);
        }
    }

    /// Whether there is no burst under `key`.
    pub fn is_strict(&self, key: &str) -> bool {
        self.strict.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    /// A call under `key` has ended. Where there is no burst the next one waits a second from here: a slow call does
    /// not bring the next one closer.
    pub fn ended(&self, key: &str) {
        if self.is_strict(key) {
            let until = Instant::now() + STEADY;
            let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
            let full_at = buckets.entry(key.to_owned()).or_insert(until);
            *full_at = (*full_at).max(until);
        }
    }

    /// Slack said to stay away for `wait`: nothing under `key` goes out before.
    pub fn hold(&self, key: &str, wait: Duration) {
        self.hold_until(key, wait + STEADY * (BURST - 1));
    }

    fn hold_until(&self, key: &str, full_in: Duration) {
        let until = Instant::now() + full_in;
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.entry(key.to_owned()).or_insert(until);
        *full_at = (*full_at).max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Pace};

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_a_second() {
        let pace = Pace::default();
        let waits: Vec<u64> = (0..6).map(|_| pace.take("C1").as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 1, 2, 3], "each call has its own second");
        assert_eq!(pace.take("C2"), Duration::ZERO, "another channel is another matter");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(pace.take("C1"), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_storm_each_call_waits_a_second_from_the_end_of_the_one_before() {
        let pace = Pace::default();
        pace.set_strict("C1", true);
        assert_eq!(pace.take("C1"), Duration::ZERO);
        tokio::time::advance(Duration::from_millis(700)).await;
        pace.ended("C1");
        assert_eq!(pace.take("C1"), Duration::from_secs(1), "counted from the end");
        pace.set_strict("C1", false);
        assert_eq!(pace.take("C1"), Duration::ZERO, "the burst is back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_method_is_counted_over_all_channels_of_a_workspace() {
        let pace = Pace::default();
        let waited = (0..40).map(|_| pace.take_method("T1", "chat.update")).max();
        assert_eq!(waited, Some(Duration::ZERO));
        assert_eq!(pace.take_method("T1", "chat.update"), Duration::from_millis(1200));
        assert_eq!(pace.take_method("T2", "chat.update"), Duration::ZERO, "another workspace is another matter");
        pace.hold_method("T2", "chat.update", Duration::from_secs(30));
        assert_eq!(pace.take_method("T2", "chat.update"), Duration::from_secs(30));
        assert_eq!(pace.take_method("T2", "reactions.add"), Duration::ZERO, "only that method is blocked");
    }

    #[tokio::test(start_paused = true)]
    async fn slacks_wish_to_be_left_alone_is_kept() {
        let pace = Pace::default();
        pace.hold("C1", Duration::from_secs(30));
        assert_eq!(pace.take("C1"), Duration::from_secs(30));
    }
}
