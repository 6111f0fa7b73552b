use jiff::{Timestamp, Zoned};

use crate::notify::{Schedule, Schedules, next_change, who};

fn at(text: &str) -> Timestamp {
    match text.contains('[') {
        true => text.parse::<Zoned>().unwrap().timestamp(),
        false => text.parse().unwrap(),
    }
}

fn berlin(text: &str) -> Timestamp {
    at(&format!("{text}[Europe/Berlin]"))
}

fn people(schedule: &Schedule, at: Timestamp) -> String {
    who(schedule, at).into_iter().map(|person| person.name).collect::<Vec<_>>().join("+")
}

/// One schedule in Berlin with these layers, and what follows.
fn schedule(layers: &str) -> Schedule {
    let text = format!(
        "people: {{a: {{slack: U1AA}}, b: {{slack: U2BB}}, c: {{slack: U3CC}}}}\nschedules:\n  s:\n    timezone: Europe/Berlin\n    layers:\n{}",
        layers.lines().map(|line| format!("      {line}\n")).collect::<String>()
    );
    Schedules::from_yaml(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}")).0.remove("s").unwrap()
}

#[test]
fn the_example_is_read_and_shows_rule_exception_and_override() {
    let schedules = Schedules::from_yaml(Schedules::EXAMPLE).unwrap();
    let primary = &schedules.0["primary"];
    for (moment, expected) in [
        ("2026-01-05T08:59", ""),
        ("2026-01-05T09:00", "Ana Ruiz"),
        ("2026-01-10T07:59", "Ana Ruiz"),
        ("2026-01-10T08:00", "Cem Yildiz"),
        ("2026-01-10T20:00", "Ana Ruiz"),
        ("2026-01-12T08:59", "Ana Ruiz"),
        ("2026-01-12T09:00", "Ben Okafor"),
        ("2026-03-02T08:59", "Ben Okafor"),
        ("2026-03-02T09:00", "Cem Yildiz+Ben Okafor"),
        ("2026-03-03T09:00", "Ana Ruiz"),
    ] {
        assert_eq!(people(primary, berlin(moment)), expected, "{moment}");
    }
    assert_eq!(Schedules::from_yaml("").unwrap(), Schedules::default());
}

#[test]
fn handovers_stay_at_their_time_when_the_clock_changes() {
    // Berlin: 2026-03-29 02:00 → 03:00 and 2026-10-25 03:00 → 02:00.
    let daily = schedule("- {rotation: daily, start: 2026-03-27, handover: '09:00', people: [a, b, c]}");
    for (moment, expected) in [
        ("2026-03-28T09:00", "b"),
        ("2026-03-29T08:59", "b"),
        ("2026-03-29T09:00", "c"),
        ("2026-03-30T08:59", "c"),
        ("2026-03-30T09:00", "a"),
        // 211 and 212 days after the first.
        ("2026-10-25T08:59", "b"),
        ("2026-10-25T09:00", "c"),
    ] {
        assert_eq!(people(&daily, berlin(moment)), expected, "{moment}");
    }
    assert_eq!(next_change(&daily, berlin("2026-03-28T09:00")), Some(berlin("2026-03-29T09:00")));

    let in_the_gap = schedule("- {rotation: daily, start: 2026-03-27, handover: '02:30', people: [a, b, c]}");
    assert_eq!(people(&in_the_gap, at("2026-03-29T00:59:59Z")), "b", "01:59:59, and then comes 03:00");
    assert_eq!(people(&in_the_gap, at("2026-03-29T01:29:59Z")), "b");
    assert_eq!(people(&in_the_gap, at("2026-03-29T01:30:00Z")), "c", "03:30: an hour later, as clocks were put forward");
    assert_eq!(people(&in_the_gap, berlin("2026-03-30T02:30")), "a");

    let twice = schedule("- {rotation: daily, start: 2026-10-24, handover: '02:30', people: [a, b, c]}");
    assert_eq!(people(&twice, at("2026-10-25T00:29:59Z")), "a");
    assert_eq!(people(&twice, at("2026-10-25T00:30:00Z")), "b", "the first 02:30");
    assert_eq!(people(&twice, at("2026-10-25T01:10:00Z")), "b", "the second 02:10 is no step back");
    assert_eq!(people(&twice, berlin("2026-10-26T02:29")), "b");

    let halves = schedule("- {rotation: 12h, start: 2026-03-28, handover: '08:00', people: [a, b]}");
    for (moment, expected) in [
        ("2026-03-28T19:59", "a"),
        ("2026-03-28T20:00", "b"),
        ("2026-03-29T07:59", "b"),
        ("2026-03-29T08:00", "a"),
        ("2026-10-25T07:59", "b"),
        ("2026-10-25T08:00", "a"),
    ] {
        assert_eq!(people(&halves, berlin(moment)), expected, "{moment}");
    }
}

#[test]
fn restrictions_hold_by_the_wall_clock_and_over_midnight() {
    let nights = schedule(
        "- {rotation: weekly, start: 2026-01-05, people: [a]}\n- {rotation: weekly, start: 2026-01-05, people: [b], restrictions: [{days: [fri], from: '22:00', to: '06:00'}]}",
    );
    for (moment, expected) in [
        ("2026-01-09T21:59", "a"),
        ("2026-01-09T22:00", "b"),
        ("2026-01-10T05:59", "b"),
        ("2026-01-10T06:00", "a"),
        ("2026-01-10T22:00", "a"),
        ("2026-01-08T23:00", "a"),
        // The night in which the clock changes is a Saturday's: not this one's.
        ("2026-03-29T02:59", "a"),
    ] {
        assert_eq!(people(&nights, berlin(moment)), expected, "{moment}");
    }
    assert_eq!(next_change(&nights, berlin("2026-01-05T00:00")), Some(berlin("2026-01-09T22:00")));
    assert_eq!(next_change(&nights, berlin("2026-01-09T22:00")), Some(berlin("2026-01-10T06:00")));
    let days =
        schedule("- {rotation: daily, start: 2026-01-05, people: [a], restrictions: [{days: [SAT, sun]}, {from: '09:00', to: '24:00'}]}");
    for (moment, expected) in [
        ("2026-01-10T00:00", "a"),
        ("2026-01-12T00:00", ""),
        ("2026-01-12T09:00", "a"),
        ("2026-01-12T23:59", "a"),
        ("2026-01-13T00:00", ""),
    ] {
        assert_eq!(people(&days, berlin(moment)), expected, "{moment}");
    }
    // A window that ends within the hour that comes twice ends at the first of them.
    let early = schedule("- {rotation: daily, start: 2026-01-05, people: [a], restrictions: [{from: '01:00', to: '02:30'}]}");
    assert_eq!(people(&early, at("2026-10-25T00:29:59Z")), "a");
    assert_eq!(people(&early, at("2026-10-25T00:30:00Z")), "");
    assert_eq!(people(&early, at("2026-10-25T01:10:00Z")), "");
}

#[test]
fn the_next_change_is_where_the_answer_changes_and_nowhere_before() {
    let busy = schedule(
        "- {rotation: 7h, start: 2026-03-20, handover: '02:30', people: [a, b, a, c]}\n- {rotation: daily, start: 2026-03-22, people: [b, c], restrictions: [{days: [sat, sun, mon], from: '18:00', to: '03:30'}]}",
    );
    let (mut now, end) = (berlin("2026-03-19T00:00"), berlin("2026-04-05T00:00"));
    let mut minute = now;
    let mut changes = 0;
    while now < end {
        let next = next_change(&busy, now).unwrap();
        let before = who(&busy, now);
        while minute < next {
            assert_eq!(who(&busy, minute), before, "{minute}");
            minute += jiff::SignedDuration::from_mins(10);
        }
        assert_ne!(who(&busy, next), before, "{next}");
        (now, changes) = (next, changes + 1);
    }
    assert!(changes > 40, "{changes}");
    let alone = schedule("- {rotation: 1h, start: 2026-01-05, people: [a]}");
    assert_eq!(next_change(&alone, berlin("2026-02-05T00:00")), None);
    assert_eq!(next_change(&alone, berlin("2026-01-01T00:00")), Some(berlin("2026-01-05T00:00")));
    let distant = at("9999-12-30T00:00:00Z");
    assert_eq!((people(&alone, distant).as_str(), next_change(&alone, distant)), ("a", None));
    let equal = schedule("- {rotation: 1h, start: 2026-01-05, people: [a, a]}");
    assert_eq!(next_change(&equal, berlin("2026-02-05T00:00")), None);
}

#[test]
fn overrides_count_first_and_the_last_of_them_most() {
    let text = "
people: {a: {slack: U1AA}, b: {slack: U2BB}, c: {email: c@example.com}}
schedules:
  s:
    timezone: America/New_York
    layers: [{rotation: weekly, start: 2026-01-05, people: [a]}]
    overrides:
      - {from: 2026-03-08T01:00, to: 2026-03-08T09:00, people: [b]}
      - {from: 2026-03-08T07:00Z, to: 2026-03-08T08:00Z, people: [c, a]}
";
    let schedule = Schedules::from_yaml(text).unwrap().0.remove("s").unwrap();
    // New York: 02:00 → 03:00 that night, so that 09:00 is at 13:00Z.
    for (moment, expected) in [
        ("2026-03-08T05:59:00Z", "a"),
        ("2026-03-08T06:00:00Z", "b"),
        ("2026-03-08T07:30:00Z", "c+a"),
        ("2026-03-08T08:00:00Z", "b"),
        ("2026-03-08T12:59:00Z", "b"),
        ("2026-03-08T13:00:00Z", "a"),
    ] {
        assert_eq!(people(&schedule, at(moment)), expected, "{moment}");
    }
    assert_eq!(next_change(&schedule, at("2026-03-01T00:00:00Z")), Some(at("2026-03-08T06:00:00Z")));
    assert_eq!(next_change(&schedule, at("2026-03-08T13:00:00Z")), None);
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_key() {
    let text = "
people:
  ana: {name: Ana, slack: ana, mail: x}
  ben: {name: Ben}
schedule: {}
schedules:
  primary:
    timezone: Europe/Berlni
    layers:
      - {rotation: monthly, start: 5.1.2026, handover: 9am, people: [anna, ana]}
      - {people: []}
      - {rotation: 0h, start: 2026-01-05, people: [ana], restrictions: [{days: [weekend], from: '25:00', to: '9:5'}]}
    overrides:
      - {from: 2026-03-03T09:00, to: 2026-03-02T09:00, people: [ana]}
      - {from: tomorrow, people: ana}
  empty: {timezone: UTC}
";
    let wrong = Schedules::from_yaml(text).unwrap_err();
    for said in [
        "`people.ana.slack` wants a Slack user id",
        "`people.ana.mail` is no setting; did you mean `email`?",
        "`people.ben` wants",
        "`schedule` is no setting; did you mean `schedules`?",
        "`schedules.primary.timezone` wants the name of a time zone",
        "`schedules.primary.layers[0].rotation` wants",
        "`schedules.primary.layers[0].start` wants",
        "`schedules.primary.layers[0].handover` wants",
        "`schedules.primary.layers[0].people[0]` names `anna`, which is no name under `people:`; did you mean `ana`?",
        "`schedules.primary.layers[1].rotation` is missing",
        "`schedules.primary.layers[1].people` wants at least one",
        "`schedules.primary.layers[2].rotation` wants",
        "`schedules.primary.layers[2].restrictions[0].days[0]` wants a day",
        "`schedules.primary.overrides[0]` wants a `to` that is later",
        "`schedules.primary.overrides[1].from` wants a moment",
        "`schedules.primary.overrides[1].to` is missing",
        "`schedules.primary.overrides[1].people` wants a list",
        "`schedules.empty` wants at least one layer",
    ] {
        assert!(wrong.0.iter().any(|line| line.contains(said)), "{said:?} is not in\n{wrong}");
    }
    for bad in ["[", "a: b: c", "- x", "people: 7", &format!("x: {}", "y".repeat(2 << 20))] {
        assert!(Schedules::from_yaml(bad).is_err(), "{}", &bad[..bad.len().min(20)]);
    }
}
