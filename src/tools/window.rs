//! The span of time that a question is about.

use jiff::{SignedDuration, Timestamp};

use super::Query;

/// How far back is looked where nobody says: longer than an alert's own `for`, short enough for every backend.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(1);
/// The longest span that a backend is asked for: what is older has little to do with now, and costs it much.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// Ends are rounded to this many seconds, so that the same question a moment later finds the first answer.
const GRAIN: i64 = 15;

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Window {
    /// What `query` asks for, as far as it says so.
    pub fn of(query: &Query, now: Timestamp) -> Self {
        Self::between(query.from, query.until, now)
    }

    /// From `from` until `until`, at most a day; a span the wrong way round is turned.
    pub fn between(from: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Self {
        let until = round_up(until.map_or(now, |until| until.min(now)));
        let from = from.unwrap_or_else(|| earlier(until, LOOK_BACK));
        let (from, until) = if from > until { (until, from) } else { (from, until) };
        let from = from.max(earlier(until, LONGEST));
        Self { from: Timestamp::from_second(from.as_second() - from.as_second().rem_euclid(GRAIN)).unwrap_or(from), until }
    }

    pub fn seconds(self) -> i64 {
        (self.until.as_second() - self.from.as_second()).max(1)
    }

    /// The step in seconds that cuts the span into at most `points` parts; whole multiples of 15 s.
    pub fn step(self, points: i64) -> i64 {
        let step = self.seconds() / points.max(1);
        (step + GRAIN - 1).div_euclid(GRAIN).max(1) * GRAIN
    }
}

fn earlier(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn round_up(time: Timestamp) -> Timestamp {
    let second = time.as_second() + i64::from(time.subsec_nanosecond() > 0);
    let up = second + (GRAIN - second.rem_euclid(GRAIN)).rem_euclid(GRAIN);
    Timestamp::from_second(up).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_hour_until_now_where_nobody_says() {
        let window = Window::of(&Query::default(), at("2026-01-15T14:00:07Z"));
        assert_eq!((window.from, window.until), (at("2026-01-15T13:00:15Z"), at("2026-01-15T14:00:15Z")));
        assert_eq!(window.step(120), 30);
    }

    #[test]
    fn a_span_is_bounded_and_never_backwards() {
        let now = at("2026-01-15T14:00:00Z");
        let long = Window::between(Some(at("2025-01-01T00:00:00Z")), None, now);
        assert_eq!(long.seconds(), 24 * 3600);
        let turned = Window::between(Some(now), Some(at("2026-01-15T13:30:00Z")), now);
        assert_eq!((turned.from, turned.until), (at("2026-01-15T13:30:00Z"), now));
        Window::between(Some(Timestamp::MIN), Some(Timestamp::MAX), now).step(10);
        Window::between(Some(Timestamp::MAX), Some(Timestamp::MIN), now).step(10);
    }
}
