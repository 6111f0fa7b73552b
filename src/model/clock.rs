//! The only ways to learn the time and to make an id: values that are passed in, so that tests and replays can hold them still.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use ulid::Ulid;

/// Answers "what time is it?". The real one is made in the composition root, tests use [`Clock::fixed`].
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `now` each time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// A clock that always shows `at`.
    pub fn fixed(at: Timestamp) -> Self {
        Self::new(move || at)
    }

    /// The present instant, for display and tolerances; ordering goes by ingest sequence.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Makes ids that nobody else makes. The real one draws from the operating system's randomness.
#[derive(Clone)]
pub struct Ids(Arc<dyn Fn(Timestamp) -> Ulid + Send + Sync>);

impl Ids {
    /// Ids from `make`, which is given the time of the call.
    pub fn new(make: impl Fn(Timestamp) -> Ulid + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// A fresh id that sorts by `now`.
    pub fn fresh(&self, now: Timestamp) -> Ulid {
        (self.0)(now)
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}
