//! Coordination inside one process.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::Notify, time::Instant};

use super::{Cache, Lease, Locks, Queue, Result};
use crate::model::Priority;

/// The most entries of the cache; the oldest to expire go first.
const CACHE_MAX: usize = 4096;

/// Queue, locks and cache of a single process.
#[derive(Default)]
pub struct Embedded {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    locks: Mutex<HeldLocks>,
    cache: Mutex<HashMap<String, (Instant, Vec<u8>)>>,
}

#[derive(Default)]
struct Waiting {
    order: BTreeSet<(Priority, u64, String)>,
    known: HashSet<String>,
    sequence: u64,
}

#[derive(Default)]
struct HeldLocks {
    held: BTreeMap<String, (Instant, u64)>,
    token: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data behind these locks is valid after every statement, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Queue for Embedded {
    async fn push(&self, work: &str, priority: Priority) -> Result<()> {
        {
            let mut waiting = lock(&self.waiting);
            if !waiting.known.insert(work.to_owned()) {
                return Ok(());
            }
            waiting.sequence += 1;
            let place = (priority, waiting.sequence, work.to_owned());
            waiting.order.insert(place);
        }
        self.arrived.notify_one();
        Ok(())
    }

    async fn pop(&self) -> Result<String> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = lock(&self.waiting);
                if let Some((_, _, work)) = waiting.order.pop_first() {
                    waiting.known.remove(&work);
                    if !waiting.order.is_empty() {
                        // One notification may stand for several arrivals.
                        self.arrived.notify_one();
                    }
                    return Ok(work);
                }
            }
            arrived.await;
        }
    }

    async fn pop_some(&self, most: usize) -> Result<Vec<String>> {
        let mut works = vec![self.pop().await?];
        let mut waiting = lock(&self.waiting);
        while works.len() < most
            && let Some((_, _, work)) = waiting.order.pop_first()
        {
            waiting.known.remove(&work);
            works.push(work);
        }
        Ok(works)
    }

    async fn waiting(&self) -> Result<usize> {
        Ok(lock(&self.waiting).order.len())
    }
}

#[async_trait]
impl Locks for Embedded {
    async fn try_lock(&self, key: &str, lease: Duration) -> Result<Option<Lease>> {
        let now = Instant::now();
        let mut locks = lock(&self.locks);
        locks.held.retain(|_, (until, _)| *until > now);
        if locks.held.contains_key(key) {
            return Ok(None);
        }
        locks.token += 1;
        let token = locks.token;
        locks.held.insert(key.to_owned(), (now + lease, token));
        Ok(Some(Lease { key: key.to_owned(), token }))
    }

    async fn unlock(&self, lease: &Lease) -> Result<()> {
        let mut locks = lock(&self.locks);
        if locks.held.get(&lease.key).is_some_and(|(_, token)| *token == lease.token) {
            locks.held.remove(&lease.key);
        }
        Ok(())
    }
}

#[async_trait]
impl Cache for Embedded {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let cache = lock(&self.cache);
        Ok(cache.get(key).filter(|(until, _)| *until > Instant::now()).map(|(_, value)| value.clone()))
    }

    async fn put(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<()> {
        let now = Instant::now();
        let mut cache = lock(&self.cache);
        if cache.len() >= CACHE_MAX {
            cache.retain(|_, (until, _)| *until > now);
        }
        if cache.len() >= CACHE_MAX && !cache.contains_key(key) {
            let oldest = cache.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                cache.remove(&oldest);
            }
        }
        cache.insert(key.to_owned(), (now + time_to_live, value));
        Ok(())
    }
}
