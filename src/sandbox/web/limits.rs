//! Slack's rate tiers as token buckets: per method, and per channel for `chat.postMessage`.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{Args, methods::Method};

/// Calls per minute that Slack promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// 1+ per minute, with a small burst.
    One,
    /// 20+ per minute.
    Two,
    /// 50+ per minute.
    Three,
    /// 100+ per minute.
    Four,
    /// `chat.postMessage`: one a second per channel, with a short burst.
    Posting,
    /// Hundreds per minute.
    Free,
}

impl Tier {
    /// Bucket size, and seconds until one more call is allowed.
    fn bucket(self) -> (f64, f64) {
        match self {
            Self::One => (10.0, 60.0),
            Self::Two => (20.0, 3.0),
            Self::Three => (50.0, 1.2),
            Self::Four => (100.0, 0.6),
            Self::Posting => (4.0, 1.0),
            Self::Free => (600.0, 0.1),
        }
    }
}

/// What has been used of every limit.
#[derive(Debug, Default)]
pub struct Limits(HashMap<String, Bucket>);

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Limits {
    /// Uses one call; returns how long to wait where none is left.
    pub fn take(&mut self, method: &Method, args: &Args) -> Option<Duration> {
        let key = match method.tier {
            Tier::Posting => format!("{} {}", method.name, args.str("channel").unwrap_or_default()),
            _ => method.name.to_owned(),
        };
        let (size, seconds) = method.tier.bucket();
        // Monotonic time, not the workspace's clock: a test that holds the clock still must not run dry.
        let now = Instant::now();
        let bucket = self.0.entry(key).or_insert(Bucket { left: size, at: now });
        let gained = now.duration_since(bucket.at).as_secs_f64() / seconds;
        bucket.left = (bucket.left + gained).min(size);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return None;
        }
        Some(Duration::from_secs_f64((1.0 - bucket.left) * seconds))
    }
}
