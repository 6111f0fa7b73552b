//! A part of the day by the clock on the wall, in instants: right also on the days on which the clock changes.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

/// From a time of day to a time of day, over midnight where `to` is earlier; the whole day where both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    pub from: Time,
    /// The first moment that is no longer part of it.
    pub to: Time,
}

impl Hours {
    /// The hours that begin on `date`: the first instant, and the first one after them. `None` at the ends of the calendar.
    pub fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to <= self.from { date.tomorrow().ok()? } else { date };
        Some((instant(date.to_datetime(self.from), zone)?, instant(last.to_datetime(self.to), zone)?))
    }

    /// The hours that `at` is in, where their first day is one of those that `counts` says: begin and end.
    pub fn around(&self, at: Timestamp, zone: &TimeZone, counts: impl Fn(Date) -> bool) -> Option<(Timestamp, Timestamp)> {
        let today = at.to_zoned(zone.clone()).date();
        let days = [today.yesterday().ok(), Some(today)];
        days.into_iter()
            .flatten()
            .filter(|day| counts(*day))
            .find_map(|day| self.on(day, zone).filter(|(from, to)| *from <= at && at < *to))
    }
}

/// The instant at which a clock in `zone` shows `shown`. A time that the change of the clock skips is as much later as the clock
/// is put forward; of a time that comes twice it is the first.
pub(super) fn instant(shown: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(shown).compatible().ok()
}
