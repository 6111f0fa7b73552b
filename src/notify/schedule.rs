//! On-call schedules of one's own, from `config/oncall.yaml`: who is on call at an instant, and when that changes.
//!
//! A schedule has layers; each is a rotation of people. The last layer that has somebody is the one that counts, so that an
//! exception (nights, weekends) stands below the rule. An override counts before all layers, the last one that holds first.
//! Turns change by the clock on the wall: a handover at 09:00 is at 09:00 before and after the clock changes.

mod read;

use std::collections::BTreeMap;

use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};

use super::{Wrong, hours, hours::Hours};

/// How far [`next_change`] looks. Every rotation that people remember turns within it.
const HORIZON: SignedDuration = SignedDuration::from_hours(92 * 24);
/// How many moments it looks at: a rotation by the hour over the whole of it, twice.
const MOMENTS_MAX: usize = 5_000;

/// Somebody who can be called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person {
    pub name: String,
    /// A Slack user id; empty where nobody said it.
    pub slack: String,
    /// Empty where nobody said it.
    pub email: String,
}

/// All schedules by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedules(pub BTreeMap<String, Schedule>);

/// One schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub zone: TimeZone,
    /// The last that has somebody counts.
    pub layers: Vec<Layer>,
    pub overrides: Vec<Override>,
}

/// A rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// At least one, in the order of their turns; the first has the turn that begins with `start`.
    pub people: Vec<Person>,
    /// The first handover, by the clock on the wall; nobody is on call before it.
    pub start: DateTime,
    /// How long a turn is by the clock on the wall, in hours, at least 1; 24 is daily and 168 weekly.
    pub turn_hours: i64,
    /// The layer has somebody only within one of these; always where there is none.
    pub restrictions: Vec<Restriction>,
}

/// Hours on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// The days on which the hours begin.
    pub days: Vec<Weekday>,
    pub hours: Hours,
}

/// Other people for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub from: Timestamp,
    /// The first moment that is no longer part of it.
    pub to: Timestamp,
    pub people: Vec<Person>,
}

impl Schedules {
    /// A file that shows everything.
    pub const EXAMPLE: &str = include_str!("../../config/oncall.yaml");

    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong, with the key.
    pub fn from_yaml(text: &str) -> Result<Self, Wrong> {
        read::schedules(text)
    }
}

/// Who is on call; nobody where no layer has anybody.
pub fn who(schedule: &Schedule, at: Timestamp) -> Vec<Person> {
    if let Some(holding) = schedule.overrides.iter().rev().find(|held| held.from <= at && at < held.to) {
        return holding.people.clone();
    }
    let on_call = schedule.layers.iter().rev().find_map(|layer| layer.person(at, &schedule.zone));
    on_call.cloned().into_iter().collect()
}

/// The first instant after `at` at which somebody else is on call; `None` where that is more than 92 days away.
pub fn next_change(schedule: &Schedule, at: Timestamp) -> Option<Timestamp> {
    let now = who(schedule, at);
    let end = at.checked_add(HORIZON).ok()?;
    let mut seen = at;
    for _ in 0..MOMENTS_MAX {
        seen = moments(schedule, seen).filter(|moment| *moment <= end).min()?;
        if who(schedule, seen) != now {
            return Some(seen);
        }
    }
    None
}

/// The next moment of each thing that can change who is on call.
fn moments(schedule: &Schedule, after: Timestamp) -> impl Iterator<Item = Timestamp> {
    let overrides = schedule.overrides.iter().flat_map(|held| [held.from, held.to]);
    let layers = schedule.layers.iter().flat_map(move |layer| layer.moments(after, &schedule.zone));
    overrides.chain(layers).filter(move |moment| *moment > after)
}

impl Layer {
    fn person(&self, at: Timestamp, zone: &TimeZone) -> Option<&Person> {
        let turn = self.turn(at, zone)?;
        let open = self.restrictions.is_empty() || self.restrictions.iter().any(|only| only.holds(at, zone));
        let place = turn.rem_euclid(i64::try_from(self.people.len()).ok().filter(|count| *count > 0)?);
        self.people.get(usize::try_from(place).ok()?).filter(|_| open)
    }

    /// Which turn it is, from 0; `None` before the first.
    fn turn(&self, at: Timestamp, zone: &TimeZone) -> Option<i64> {
        // By the clock on the wall first, which is wrong by little where the clock changes; then by the handovers' instants.
        let shown = at.to_zoned(zone.clone()).datetime();
        let mut turn = shown.duration_since(self.start).as_hours().div_euclid(self.turn_hours.max(1));
        while self.handover(turn.checked_add(1)?, zone).is_some_and(|next| next <= at) {
            turn += 1;
        }
        while turn >= 0 && self.handover(turn, zone)? > at {
            turn -= 1;
        }
        (turn >= 0).then_some(turn)
    }

    /// When a turn begins.
    fn handover(&self, turn: i64, zone: &TimeZone) -> Option<Timestamp> {
        let shown = self.start.checked_add(SignedDuration::try_from_hours(turn.checked_mul(self.turn_hours)?)?).ok()?;
        hours::instant(shown, zone)
    }

    fn moments(&self, after: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        let mut moments = Vec::new();
        let turn = self.turn(after, zone);
        if turn.is_none() || self.people.len() > 1 {
            moments.extend(self.handover(turn.map_or(0, |turn| turn + 1), zone));
        }
        let today = after.to_zoned(zone.clone()).date();
        // Yesterday's hours can end today, and one weekday a week is the rarest restriction.
        let days = (-1..=8).filter_map(|days: i64| today.checked_add(days.days()).ok());
        let windows = days
            .flat_map(|day| self.restrictions.iter().filter(move |only| only.begins(day)).filter_map(move |only| only.hours.on(day, zone)));
        moments.extend(windows.flat_map(|(from, to)| [from, to]).filter(|moment| *moment > after));
        moments
    }
}

impl Restriction {
    fn begins(&self, day: Date) -> bool {
        self.days.contains(&day.weekday())
    }

    fn holds(&self, at: Timestamp, zone: &TimeZone) -> bool {
        self.hours.around(at, zone, |day| self.begins(day)).is_some()
    }
}
