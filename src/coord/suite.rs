//! What every queue, lock and cache must do, whatever it is made of. Time is tokio's, paused.

use std::{sync::Arc, time::Duration};

use super::{Cache, Embedded, Locks, Queue};
use crate::model::Priority;

pub async fn urgent_work_comes_first_and_only_once(queue: &impl Queue) {
    queue.push("slow", Priority::P3).await.unwrap();
    queue.push("first", Priority::P0).await.unwrap();
    queue.push("second", Priority::P0).await.unwrap();
    queue.push("first", Priority::P0).await.unwrap();
    assert_eq!(queue.waiting().await.unwrap(), 3);
    for expected in ["first", "second", "slow"] {
        assert_eq!(queue.pop().await.unwrap(), expected);
    }
    queue.push("first", Priority::P0).await.unwrap();
    assert_eq!(queue.pop().await.unwrap(), "first", "work may be offered again once it was taken");
}

pub async fn a_waiting_worker_is_woken(queue: Arc<impl Queue + 'static>) {
    let worker = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.pop().await.unwrap() }
    });
    tokio::task::yield_now().await;
    queue.push("late", Priority::P1).await.unwrap();
    assert_eq!(worker.await.unwrap(), "late");
}

pub async fn a_lock_has_one_holder_until_its_lease_ends(locks: &impl Locks) {
    let lease = Duration::from_secs(60);
    let first = locks.try_lock("INC-1", lease).await.unwrap().expect("free");
    assert!(locks.try_lock("INC-1", lease).await.unwrap().is_none());
    assert!(locks.try_lock("INC-2", lease).await.unwrap().is_some());
    tokio::time::advance(lease + Duration::from_millis(1)).await;
    let second = locks.try_lock("INC-1", lease).await.unwrap().expect("the lease has run out");
    assert!(second.token > first.token, "a later holder has a higher token");
    locks.unlock(&first).await.unwrap();
    assert!(locks.try_lock("INC-1", lease).await.unwrap().is_none(), "an old lease frees nothing");
    locks.unlock(&second).await.unwrap();
    assert!(locks.try_lock("INC-1", lease).await.unwrap().is_some());
}

pub async fn a_cached_value_expires(cache: &impl Cache) {
    assert_eq!(cache.get("k").await.unwrap(), None);
    cache.put("k", b"v".to_vec(), Duration::from_secs(5)).await.unwrap();
    assert_eq!(cache.get("k").await.unwrap(), Some(b"v".to_vec()));
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(cache.get("k").await.unwrap(), None);
}

macro_rules! coord_suite {
    ($name:ident, $make:expr) => {
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn urgent_work_comes_first_and_only_once() {
                super::urgent_work_comes_first_and_only_once(&$make).await;
            }

            #[tokio::test(start_paused = true)]
            async fn a_waiting_worker_is_woken() {
                super::a_waiting_worker_is_woken(Arc::new($make)).await;
            }

            #[tokio::test(start_paused = true)]
            async fn a_lock_has_one_holder_until_its_lease_ends() {
                super::a_lock_has_one_holder_until_its_lease_ends(&$make).await;
            }

            #[tokio::test(start_paused = true)]
            async fn a_cached_value_expires() {
                super::a_cached_value_expires(&$make).await;
            }
        }
    };
}

coord_suite!(embedded, Embedded::default());
