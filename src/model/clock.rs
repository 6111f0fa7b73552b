//! The only way to learn the time: a value that is passed in, so that tests and replays can hold it still.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

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
