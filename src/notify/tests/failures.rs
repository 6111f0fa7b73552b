use jiff::{SignedDuration, Timestamp};

use crate::notify::Failures;

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

#[test]
fn a_kind_is_told_of_at_most_once_in_fifteen_minutes_with_a_count() {
    let mut failures = Failures::default();
    assert_eq!(failures.tell("slack", at(0)), Some(1));
    assert_eq!(failures.tell("store", at(1)), Some(1), "kinds do not hide each other");
    for minute in 1..15 {
        assert_eq!(failures.tell("slack", at(minute)), None);
    }
    assert_eq!(failures.tell("slack", at(15)), Some(15));
    assert_eq!(failures.tell("slack", at(16)), None);
    assert_eq!(failures.tell("slack", at(100)), Some(2));
    assert_eq!(failures.tell("slack", at(50)), Some(1), "a clock that was put back keeps nobody quiet");
}

#[test]
fn kinds_are_bounded_and_none_is_lost() {
    let mut failures = Failures::default();
    let told: u64 = (0..10_000).filter_map(|kind| failures.tell(&format!("kind {kind}"), at(0))).sum();
    assert_eq!(told, 64, "63 kinds and one for all others");
    assert_eq!(failures.tell("kind 10000", at(15)), Some(1), "after a while there is room again");
    let mut held = Failures::default();
    for kind in 0..200 {
        held.tell(&format!("kind {kind}"), at(0));
    }
    for kind in 0..63 {
        assert_eq!(held.tell(&format!("kind {kind}"), at(14)), None);
    }
    assert_eq!(held.tell("other failures", at(15)), Some(137));
}
