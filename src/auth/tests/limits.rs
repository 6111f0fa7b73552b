//! Rates per caller.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::keys::{NOW, at};
use crate::auth::{RateLimits, Wait};

fn later(milliseconds: i64) -> Timestamp {
    at(NOW) + SignedDuration::from_millis(milliseconds)
}

#[test]
fn a_burst_passes_and_then_a_steady_rate() {
    let limits = RateLimits::new(2.0, 3).unwrap();
    for _ in 0..3 {
        assert_eq!(limits.take("a", later(0)), Ok(()));
    }
    assert_eq!(limits.take("a", later(0)), Err(Wait(Duration::from_millis(500))));
    assert_eq!(limits.take("a", later(400)), Err(Wait(Duration::from_millis(100))), "asking does not make it longer");
    assert_eq!(limits.take("b", later(400)), Ok(()), "another caller");
    assert_eq!(limits.take("a", later(500)), Ok(()));
    assert!(limits.take("a", later(500)).is_err());
    let passed = (0..10_000).filter(|ms| limits.take("a", later(1_000 + ms)).is_ok()).count();
    assert!((20..=22).contains(&passed), "{passed}");
    assert_eq!(Wait(Duration::from_millis(500)).to_string(), "too many requests; try again in 1 s");
}

#[test]
fn a_clock_that_was_turned_back_locks_nobody_out() {
    let limits = RateLimits::new(1.0, 2).unwrap();
    for _ in 0..2 {
        limits.take("a", later(3_600_000)).unwrap();
    }
    assert_eq!(limits.take("a", later(0)), Err(Wait(Duration::from_secs(1))));
    assert_eq!(limits.take("a", later(1_000)), Err(Wait(Duration::from_secs(1))), "clamped, not counted");
}

#[test]
fn callers_are_bounded_and_the_idle_go_first() {
    let limits = RateLimits::new(0.001, 2).unwrap();
    for n in 0..10_000 {
        limits.take(&format!("caller-{n}"), later(n)).unwrap();
    }
    for _ in 0..2 {
        let _ = limits.take("caller-0", later(10_000));
    }
    for n in 10_000..25_000 {
        limits.take(&format!("caller-{n}"), later(10_001)).unwrap();
        assert!(limits.callers() <= 10_000);
        if n == 10_000 {
            assert_eq!(limits.callers(), 9_001);
            assert!(limits.take("caller-0", later(10_001)).is_err(), "somebody busy is remembered");
        }
    }
    let long = "x".repeat(300);
    limits.take(&long, later(10_001)).unwrap();
    limits.take(&format!("{long}y"), later(10_001)).unwrap();
    assert!(limits.take(&"x".repeat(200), later(10_001)).is_err(), "told apart by the first 200 bytes");
    assert!(limits.take(&"é".repeat(150), later(10_001)).is_ok());
}

#[test]
fn full_buckets_are_forgotten_before_anything_else() {
    let limits = RateLimits::new(100.0, 2).unwrap();
    for n in 0..10_000 {
        limits.take(&format!("caller-{n}"), later(0)).unwrap();
    }
    limits.take("late", later(1_000)).unwrap();
    assert_eq!(limits.callers(), 1);
}

#[test]
fn a_rate_has_to_be_one() {
    for (rate, burst) in [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (1.0, 0), (1e7, 1)] {
        assert!(RateLimits::new(rate, burst).is_none(), "{rate} {burst}");
    }
    assert!(RateLimits::new(1e6, u32::MAX).unwrap().take("a", Timestamp::MAX).is_ok());
    assert!(RateLimits::new(0.001, u32::MAX).unwrap().take("a", Timestamp::MIN).is_ok());
}
