//! How workers find work and keep out of each other's way: queue, locks, cache.
//!
//! None of it is the truth: the store is. What is lost here is found again in the store.

mod embedded;
mod redis;
#[cfg(test)]
mod suite;

use std::time::Duration;

use async_trait::async_trait;

use crate::model::Priority;

pub use embedded::Embedded;
pub use redis::RedisCache;

/// Coordination is not reachable; the store still is, so the caller goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("coordination is not available: {0}")]
pub struct CoordError(pub String);

/// The result of a coordination call.
pub type Result<T> = std::result::Result<T, CoordError>;

/// Wakes workers. An id may be handed out twice or, after a crash, not at all: workers claim in the store, and a sweeper asks the store.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Offers work; returns at once. An id that is waiting already is not added again.
    async fn push(&self, work: &str, priority: Priority) -> Result<()>;

    /// The most urgent work, the oldest first among equals; waits until there is some.
    async fn pop(&self) -> Result<String>;

    /// The most urgent work and what waits behind it, most urgent first: at least one id, at most `most`.
    async fn pop_some(&self, most: usize) -> Result<Vec<String>> {
        let _ = most;
        Ok(vec![self.pop().await?])
    }

    /// How many ids wait.
    async fn waiting(&self) -> Result<usize>;
}

/// Proof that a lock is held; `token` only grows, so that a later holder's writes can be told from an earlier one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub key: String,
    pub token: u64,
}

/// Mutual exclusion with an end: a holder that dies frees the lock by its lease running out.
#[async_trait]
pub trait Locks: Send + Sync {
    /// Takes the lock, or `None` when somebody holds it.
    async fn try_lock(&self, key: &str, lease: Duration) -> Result<Option<Lease>>;

    /// Gives it back; a lease that ran out and was taken by another is left alone.
    async fn unlock(&self, lease: &Lease) -> Result<()>;
}

/// Answers that are good for a while.
#[async_trait]
pub trait Cache: Send + Sync {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;

    async fn put(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<()>;
}
