//! How many requests a caller may make: a bucket that fills at a steady rate.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

/// Callers that are remembered at once.
const CALLERS_MAX: usize = 10_000;
/// How many are dropped together when there are more, so that making room costs little for each of them.
const CALLERS_DROPPED: usize = 1_000;
/// A caller's name is told apart by its first bytes.
const CALLER_BYTES: usize = 200;
const NANOS: i128 = 1_000_000_000;

/// Too many requests: how long to wait before the next one, for `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; try again in {} s", .0.as_secs().saturating_add(1))]
pub struct Wait(pub Duration);

/// One rate for all callers, each by itself. In one process's memory.
#[derive(Debug)]
pub struct RateLimits {
    /// Between two requests at the steady rate, in nanoseconds.
    apart: i128,
    /// How far a bucket can be from being full, in nanoseconds.
    depth: i128,
    callers: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// When it is full again, in nanoseconds since 1970.
    full_at: i128,
    /// The last request, also a refused one.
    seen: i128,
}

impl RateLimits {
    /// `per_second` requests at a steady rate, `burst` at once. `None` when either is no such number (rates from 0.001 to 1,000,000).
    pub fn new(per_second: f64, burst: u32) -> Option<Self> {
        if !(0.001..=1e6).contains(&per_second) || burst == 0 {
            return None;
        }
        let apart = (NANOS as f64 / per_second) as i128;
        Some(Self { apart, depth: apart * i128::from(burst), callers: Mutex::default() })
    }

    /// Counts a request of `caller` at `now`.
    ///
    /// # Errors
    /// How long to wait, when the bucket is empty. Such a request does not make the wait longer.
    pub fn take(&self, caller: &str, now: Timestamp) -> Result<(), Wait> {
        let now = now.as_nanosecond();
        let caller = caller.get(..caller.floor_char_boundary(CALLER_BYTES)).unwrap_or(caller);
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CALLERS_MAX && !callers.contains_key(caller) {
            make_room(&mut callers, now);
        }
        let bucket = callers.entry(caller.to_owned()).or_insert(Bucket { full_at: now, seen: now });
        bucket.seen = now;
        // Never further away than an empty bucket: a clock that was turned back does not lock anybody out.
        let full_at = bucket.full_at.clamp(now, now + self.depth) + self.apart;
        let over = full_at - now - self.depth;
        if over > 0 {
            return Err(Wait(Duration::from_nanos(u64::try_from(over).unwrap_or(u64::MAX))));
        }
        bucket.full_at = full_at;
        Ok(())
    }

    /// How many callers are remembered.
    pub fn callers(&self) -> usize {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Full buckets go first: forgetting them changes nothing. Then those that were idle longest.
fn make_room(callers: &mut HashMap<String, Bucket>, now: i128) {
    callers.retain(|_, bucket| bucket.full_at > now);
    if callers.len() < CALLERS_MAX {
        return;
    }
    let mut seen: Vec<i128> = callers.values().map(|bucket| bucket.seen).collect();
    let (_, newest_dropped, _) = seen.select_nth_unstable(CALLERS_DROPPED.saturating_sub(1));
    let newest_dropped = *newest_dropped;
    let mut left = CALLERS_DROPPED;
    callers.retain(|_, bucket| {
        let drop = left > 0 && bucket.seen <= newest_dropped;
        left -= usize::from(drop);
        !drop
    });
}
