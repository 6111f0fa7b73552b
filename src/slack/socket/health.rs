//! Whether a Socket Mode connection is up, for `/readyz` and `doctor`.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Shared by the connections and by those who ask.
#[derive(Debug, Default)]
pub struct Health {
    up: AtomicUsize,
    trouble: Mutex<Option<String>>,
}

impl Health {
    /// How many connections have said hello and are not gone.
    pub fn connections(&self) -> usize {
        self.up.load(Relaxed)
    }

    /// Why no connection is up, in words; `None` while one is.
    pub fn complaint(&self) -> Option<String> {
        if self.connections() > 0 {
            return None;
        }
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(trouble.unwrap_or_else(|| "not connected yet".to_owned()))
    }

    pub(super) fn trouble(&self, what: &str) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.to_owned());
    }

    pub(super) fn fine(&self) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Counts a connection for as long as the value lives.
    pub(super) fn count(self: &std::sync::Arc<Self>) -> Up {
        self.up.fetch_add(1, Relaxed);
        Up(std::sync::Arc::clone(self))
    }
}

/// One connection that is up.
pub(super) struct Up(std::sync::Arc<Health>);

impl Drop for Up {
    fn drop(&mut self) {
        self.0.up.fetch_sub(1, Relaxed);
    }
}
