use jiff::{civil::time, tz::TimeZone};

use super::{Mentions, of};
use crate::model::Priority;

fn policy(from: (i8, i8), to: (i8, i8)) -> Mentions {
    Mentions {
        who: [(Priority::P0, vec!["S1".to_owned()]), (Priority::P1, vec!["U1".to_owned(), "U2".to_owned()])].into(),
        quiet: Some((time(from.0, from.1, 0, 0), time(to.0, to.1, 0, 0))),
        timezone: TimeZone::get("Europe/Berlin").unwrap(),
    }
}

fn mentions(policy: &Mentions, priority: Priority, at: &str) -> usize {
    of(policy, priority, at.parse().unwrap()).len()
}

#[test]
fn quiet_hours_hold_over_midnight_and_only_below_p0() {
    let night = policy((22, 0), (7, 0));
    for (at, expected) in [
        ("2026-01-15T20:59:59Z", 2),
        ("2026-01-15T21:00:00Z", 0),
        ("2026-01-15T23:30:00Z", 0),
        ("2026-01-16T05:59:59Z", 0),
        ("2026-01-16T06:00:00Z", 2),
    ] {
        assert_eq!(mentions(&night, Priority::P1, at), expected, "{at}");
        assert_eq!(mentions(&night, Priority::P0, at), 1, "{at}: the most urgent always");
    }
    assert_eq!(mentions(&night, Priority::P2, "2026-01-15T12:00:00Z"), 0, "nobody is configured");
}

#[test]
fn quiet_hours_within_a_day() {
    let lunch = policy((12, 0), (13, 30));
    let seen = ["2026-01-15T10:59:00Z", "2026-01-15T11:00:00Z", "2026-01-15T12:29:00Z", "2026-01-15T12:30:00Z"]
        .map(|at| mentions(&lunch, Priority::P1, at));
    assert_eq!(seen, [2, 0, 0, 2]);
}

#[test]
fn quiet_hours_follow_the_wall_clock_when_it_changes() {
    let night = policy((22, 0), (7, 0));
    // Summer time begins in Berlin on 29 March 2026 at 1:00 UTC, ends on 25 October at 1:00 UTC.
    assert_eq!(mentions(&night, Priority::P1, "2026-03-28T06:00:00Z"), 2, "7:00, still winter");
    assert_eq!(mentions(&night, Priority::P1, "2026-03-29T04:59:00Z"), 0, "6:59, summer");
    assert_eq!(mentions(&night, Priority::P1, "2026-03-29T05:00:00Z"), 2, "7:00, summer");
    assert_eq!(mentions(&night, Priority::P1, "2026-10-25T05:59:00Z"), 0, "6:59, winter again");
    assert_eq!(mentions(&night, Priority::P1, "2026-10-25T06:00:00Z"), 2);
}

#[test]
fn without_hours_nothing_is_quiet() {
    let mut policy = policy((8, 0), (8, 0));
    assert_eq!(mentions(&policy, Priority::P1, "2026-01-15T07:00:00Z"), 2, "an empty span");
    policy.quiet = None;
    assert_eq!(mentions(&policy, Priority::P1, "2026-01-15T23:00:00Z"), 2);
}
