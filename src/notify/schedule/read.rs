//! Reads `config/oncall.yaml`.

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time, Weekday},
    tz::TimeZone,
};

use super::{Layer, Override, Person, Restriction, Schedule, Schedules};
use crate::model::is_slack_user;
use crate::notify::{
    Wrong,
    email::is_address,
    hours::{Hours, instant},
    yaml::{Field, File},
};

// Far more than a company has, and little enough to be looked through in no time.
const PEOPLE_MAX: usize = 1_000;
const SCHEDULES_MAX: usize = 100;
const LAYERS_MAX: usize = 16;
const OVERRIDES_MAX: usize = 500;
const RESTRICTIONS_MAX: usize = 14;
const NAME_MAX: usize = 80;
/// The longest turn, in hours: a year.
const TURN_MAX: i64 = 366 * 24;

const DAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

type People = BTreeMap<String, Person>;

pub(super) fn schedules(text: &str) -> Result<Schedules, Wrong> {
    let file = File::new("oncall.yaml", text)?;
    let root = file.root().section(&["people", "schedules"]);
    let named = |name: &str, most: usize| root.get(name).map(|field| field.named(most)).unwrap_or_default();
    let people: People = named("people", PEOPLE_MAX).iter().map(|(id, field)| ((*id).to_owned(), person(id, field))).collect();
    let schedules =
        named("schedules", SCHEDULES_MAX).into_iter().filter_map(|(name, field)| Some((name.to_owned(), schedule(&field, &people)?)));
    let schedules = Schedules(schedules.collect());
    file.done(schedules)
}

fn person(id: &str, field: &Field) -> Person {
    let section = field.section(&["name", "slack", "email"]);
    let slack = section
        .get("slack")
        .and_then(|field| field.parsed("a Slack user id such as U012AB3CD", |text| is_slack_user(text).then(|| text.to_owned())));
    let email = section.get("email").and_then(|field| field.parsed("an e-mail address", |text| is_address(text).then(|| text.to_owned())));
    if section.get("slack").is_none() && section.get("email").is_none() {
        field.wants("a `slack` user id or an `email` address; nobody could be called otherwise");
    }
    let name = section.get("name").and_then(|field| field.text(NAME_MAX)).unwrap_or_else(|| id.to_owned());
    Person { name, slack: slack.unwrap_or_default(), email: email.unwrap_or_default() }
}

fn schedule(field: &Field, people: &People) -> Option<Schedule> {
    let section = field.section(&["timezone", "layers", "overrides"]);
    let zone = section.must("timezone").and_then(|field| field.zone());
    // The other mistakes are looked for all the same.
    let near = zone.clone().unwrap_or(TimeZone::UTC);
    let layers: Vec<Option<Layer>> = section.list("layers", LAYERS_MAX).iter().map(|field| layer(field, people)).collect();
    let overrides: Vec<Option<Override>> =
        section.list("overrides", OVERRIDES_MAX).iter().map(|field| override_(field, people, &near)).collect();
    if layers.is_empty() {
        field.wants("at least one layer under `layers:`");
    }
    Some(Schedule {
        zone: zone?,
        layers: layers.into_iter().collect::<Option<_>>()?,
        overrides: overrides.into_iter().collect::<Option<_>>()?,
    })
}

fn layer(field: &Field, people: &People) -> Option<Layer> {
    let section = field.section(&["name", "people", "rotation", "start", "handover", "restrictions"]);
    let turn_hours = section.must("rotation").and_then(|field| field.parsed("`daily`, `weekly`, or hours such as 12h", rotation));
    let start = section.must("start").and_then(|field| field.parsed("a day such as 2026-01-05", |text| text.parse::<Date>().ok()));
    let handover = section.get("handover").map_or(Some(Time::midnight()), |field| field.time());
    let people = section.must("people").and_then(|field| named_people(&field, people));
    let restrictions: Vec<Option<Restriction>> = section.list("restrictions", RESTRICTIONS_MAX).iter().map(restriction).collect();
    Some(Layer {
        people: people?,
        start: start?.to_datetime(handover?),
        turn_hours: turn_hours?,
        restrictions: restrictions.into_iter().collect::<Option<_>>()?,
    })
}

fn rotation(text: &str) -> Option<i64> {
    match text {
        "daily" => Some(24),
        "weekly" => Some(7 * 24),
        _ => text.strip_suffix('h')?.trim().parse().ok().filter(|hours| (1..=TURN_MAX).contains(hours)),
    }
}

fn named_people(field: &Field, people: &People) -> Option<Vec<Person>> {
    let names = field.list(PEOPLE_MAX);
    if names.is_empty() {
        field.wants("at least one of the names under `people:`");
        return None;
    }
    let found: Vec<Option<Person>> = names
        .iter()
        .map(|field| {
            let name = field.text(NAME_MAX)?;
            let known = people.get(&name);
            if known.is_none() {
                field.unknown("name under `people:`", &name, people.keys().map(String::as_str));
            }
            known.cloned()
        })
        .collect();
    found.into_iter().collect()
}

fn restriction(field: &Field) -> Option<Restriction> {
    let section = field.section(&["days", "from", "to"]);
    let days = section.list("days", DAYS.len());
    let day = |text: &str| DAYS.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|(_, day)| *day);
    let days: Vec<Option<Weekday>> = days.iter().map(|field| field.parsed("a day: mon, tue, wed, thu, fri, sat, sun", day)).collect();
    let every = || DAYS.iter().map(|(_, day)| *day).collect();
    let days: Vec<Weekday> = if days.is_empty() { every() } else { days.into_iter().collect::<Option<_>>()? };
    let time = |name: &str| section.get(name).map_or(Some(Time::midnight()), |field| field.time());
    let (from, to) = (time("from"), time("to"));
    Some(Restriction { days, hours: Hours { from: from?, to: to? } })
}

fn override_(field: &Field, people: &People, zone: &TimeZone) -> Option<Override> {
    let section = field.section(&["from", "to", "people"]);
    let moment =
        |name: &str| section.must(name).and_then(|field| field.parsed("a moment such as 2026-03-02T09:00", |text| moment(text, zone)));
    let (from, to) = (moment("from"), moment("to"));
    let people = section.must("people").and_then(|field| named_people(&field, people));
    let (from, to) = (from?, to?);
    if to <= from {
        field.wants("a `to` that is later than its `from`");
    }
    Some(Override { from, to, people: people? })
}

/// `2026-03-02T09:00` by the schedule's clock, or with an offset of its own: `2026-03-02T09:00Z`.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| instant(text.parse::<DateTime>().ok()?, zone))
}
