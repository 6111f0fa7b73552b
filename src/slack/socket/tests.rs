use std::time::Duration;

use super::{BACKOFF_MAX, backoff, health::Health};

#[test]
fn the_first_attempt_is_at_once_and_later_ones_wait_longer_and_longer_with_jitter() {
    assert_eq!([0, 1].map(|failures| backoff(failures, 7)), [Duration::ZERO; 2]);
    for failures in 2..200 {
        let (least, most) = (backoff(failures, 0), (0..400).map(|random| backoff(failures, random * 97)).max().unwrap());
        assert!(least >= Duration::from_millis(250), "never a hot loop");
        assert!(most <= BACKOFF_MAX && most > least, "{failures}: {least:?} to {most:?}");
    }
    assert!(backoff(5, 0) > backoff(3, 0));
    assert_eq!(backoff(u32::MAX, 0), BACKOFF_MAX / 2);
}

#[test]
fn health_complains_in_words_while_nothing_is_up() {
    let health = std::sync::Arc::new(Health::default());
    assert_eq!(health.complaint().unwrap(), "not connected yet");
    health.trouble("apps.connections.open: invalid_auth");
    assert_eq!(health.complaint().unwrap(), "apps.connections.open: invalid_auth");
    let up = health.count();
    assert_eq!((health.complaint(), health.connections()), (None, 1));
    drop(up);
    assert!(health.complaint().is_some());
}
