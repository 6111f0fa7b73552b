use jiff::{Timestamp, tz::TimeZone};

use super::{Scope, Silence, SilenceError, silence_until};
use crate::model::{Alert, IncidentId};

/// A Thursday, 15:30 in Berlin.
fn now() -> Timestamp {
    "2026-01-15T14:30:00Z".parse().unwrap()
}

fn ends(words: &str) -> Result<String, SilenceError> {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    silence_until(words, now(), &zone).map(|end| end.to_zoned(zone).strftime("%d. %H:%M").to_string())
}

#[test]
fn lengths_and_times_are_read_as_people_write_them() {
    for (words, end) in [
        ("45m", "15. 16:15"),
        ("1h30m", "15. 17:00"),
        (" For 2 hours ", "15. 17:30"),
        ("1 h 5 min", "15. 16:35"),
        ("3d", "18. 15:30"),
        ("until 17:00", "15. 17:00"),
        ("17:00", "15. 17:00"),
        ("until 9:15", "16. 09:15"),
        ("tomorrow", "16. 09:00"),
        ("until tomorrow at 8:30", "16. 08:30"),
    ] {
        assert_eq!(ends(words).as_deref(), Ok(end), "{words}");
    }
    for words in ["", "soon", "5", "h", "until", "25:00", "1h soon", "-5m", "99999999999999999999d", "1.5h"] {
        assert_eq!(ends(words), Err(SilenceError::Unreadable), "{words}");
    }
    assert_eq!(ends("0m"), Err(SilenceError::TooShort));
    assert_eq!(ends("31d"), Err(SilenceError::TooLong));
    assert_eq!(ends("9000000000000d"), Err(SilenceError::TooLong));
}

#[test]
fn tomorrow_is_a_morning_also_when_the_clock_changes() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let evening: Timestamp = "2026-03-28T20:00:00Z".parse().unwrap();
    let end = silence_until("tomorrow", evening, &zone).unwrap();
    assert_eq!(end, "2026-03-29T07:00:00Z".parse().unwrap(), "9:00 is two hours ahead of UTC by then");
}

#[test]
fn every_scope_covers_its_own_alert_and_no_more_than_it_says() {
    let labels = |pod: &str, severity: &str| {
        [("namespace", "shop"), ("pod", pod), ("severity", severity)].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    };
    let alert = |name: &str, service: &str, pod: &str, severity: &str| Alert {
        name: name.into(),
        service: service.into(),
        namespace: "shop".into(),
        labels: labels(pod, severity),
        ..Alert::default()
    };
    let own = alert("PodCrashLooping", "checkout", "checkout-1", "warning");
    let covers = |scope: Scope, other: &Alert| {
        let matchers = scope.matchers(&own);
        let (from, until) = (now(), now());
        Silence {
            id: "s".into(),
            matchers,
            from,
            until,
            by: String::new(),
            reason: String::new(),
            incident: IncidentId(1),
            pushed: Vec::new(),
            ended: None,
            kept_quiet: 0,
        }
        .matches(other)
    };
    let worse = alert("PodCrashLooping", "checkout", "checkout-1", "critical");
    let neighbour = alert("PodCrashLooping", "checkout", "checkout-2", "warning");
    let other_name = alert("HighLatency", "checkout", "checkout-1", "warning");
    let elsewhere = alert("PodCrashLooping", "orders", "orders-1", "warning");
    let seen = |scope| [&own, &worse, &neighbour, &other_name, &elsewhere].map(|alert| covers(scope, alert));
    assert_eq!(seen(Scope::Alert), [true, true, false, false, false]);
    assert_eq!(seen(Scope::Service), [true, true, true, true, false]);
    assert_eq!(seen(Scope::Name), [true, true, true, false, true]);
    let bare = Alert { name: "something is wrong".into(), ..Alert::default() };
    assert!(Scope::Service.matchers(&bare).is_empty(), "nothing is everything's service");
}
