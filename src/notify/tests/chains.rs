use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use proptest::prelude::*;

use crate::{
    model::Priority,
    notify::{Chain, Chains, Done, Due, Facts, Hours, Known, Quiet, Repeat, Step, StepRef, To, due},
};

fn known() -> Known {
    Known { schedules: vec!["primary".into()], webhooks: vec!["desk".into()], pagerduty: true, email: true }
}

fn example() -> Chain {
    Chains::from_yaml(Chains::EXAMPLE, &known()).unwrap().0.remove(0)
}

fn facts(opened_at: &str) -> Facts {
    Facts {
        opened_at: opened_at.parse().unwrap(),
        acknowledged: false,
        resolved: false,
        silenced: false,
        priority: Priority::P1,
        service: "checkout-api".into(),
    }
}

fn step(round: u32, step: usize) -> StepRef {
    StepRef { round, step }
}

/// Does what is due at each moment at which the chain wants to be asked; at most 1,000 of them.
fn play(chain: &Chain, facts: &Facts, from: Timestamp) -> Vec<Done> {
    let (mut done, mut now) = (Vec::new(), from);
    for _ in 0..1_000 {
        let Due { now: steps, next } = due(chain, facts, &done, now);
        done.extend(steps.into_iter().map(|step| Done { step, at: now }));
        let Some(next) = next else { break };
        assert!(next > now);
        now = next;
    }
    done
}

fn times(done: &[Done], zone: &str) -> Vec<String> {
    done.iter()
        .map(|done| format!("{} {}.{}", done.at.in_tz(zone).unwrap().strftime("%d %H:%M"), done.step.round, done.step.step))
        .collect()
}

#[test]
fn steps_come_in_their_time_and_then_again() {
    let chain = example();
    let facts = facts("2026-03-02T11:00:00Z");
    let done = play(&chain, &facts, facts.opened_at);
    assert_eq!(
        times(&done, "UTC"),
        [
            "02 11:05 0.0",
            "02 11:15 0.1",
            "02 11:30 0.2",
            "02 11:45 1.0",
            "02 11:55 1.1",
            "02 12:10 1.2",
            "02 12:25 2.0",
            "02 12:35 2.1",
            "02 12:50 2.2",
            "02 13:05 3.0",
            "02 13:15 3.1",
            "02 13:30 3.2"
        ]
    );
    assert_eq!(chain.step(step(0, 2)).unwrap().to, [To::Email("heads@example.com".into()), To::Webhook("desk".into())]);
    assert_eq!((chain.step(step(3, 0)).is_some(), chain.step(step(4, 0)), chain.step(step(0, 3))), (true, None, None));
    let first = due(&chain, &facts, &[], facts.opened_at);
    assert_eq!(first, Due { now: vec![], next: Some("2026-03-02T11:05:00Z".parse().unwrap()) });
}

#[test]
fn who_took_it_is_left_alone_and_so_is_everybody_else() {
    let chain = example();
    let open = facts("2026-03-02T11:00:00Z");
    let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
    assert!(!due(&chain, &open, &[], now).now.is_empty());
    for quiet in [
        Facts { acknowledged: true, ..open.clone() },
        Facts { resolved: true, ..open.clone() },
        Facts { silenced: true, ..open.clone() },
        Facts { priority: Priority::P2, ..open.clone() },
        Facts { service: "payments".into(), ..open.clone() },
    ] {
        assert_eq!(due(&chain, &quiet, &[], now), Due::default(), "{quiet:?}");
    }
    let chains = Chains::from_yaml(Chains::EXAMPLE, &known()).unwrap();
    assert_eq!(chains.of(Priority::P0, "Checkout").map(|chain| chain.name.as_str()), Some("checkout"));
    assert_eq!(chains.of(Priority::P3, "checkout"), None);
}

#[test]
fn after_a_restart_or_a_long_rest_each_step_is_called_once_and_the_newest_round_counts() {
    let chain = example();
    let facts = facts("2026-03-02T11:00:00Z");
    let late: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
    let first = due(&chain, &facts, &[], late);
    assert_eq!(first.now, [step(1, 0), step(1, 1), step(0, 2)]);
    // A crash in between: one of them is written down, and the others are not.
    let one = [Done { step: step(1, 1), at: late }];
    assert_eq!(due(&chain, &facts, &one, late).now, [step(1, 0), step(0, 2)]);
    let all: Vec<Done> = first.now.iter().map(|step| Done { step: *step, at: late }).collect();
    assert_eq!(due(&chain, &facts, &all, late), Due { now: vec![], next: Some("2026-03-02T12:10:00Z".parse().unwrap()) });
    let strange = [Done { step: step(0, 77), at: late }, Done { step: step(9, 0), at: late }];
    assert_eq!(due(&chain, &facts, &strange, late).now, [step(1, 1), step(0, 2)], "a chain that was longer once");
}

#[test]
fn quiet_hours_put_off_and_keep_the_distance() {
    let chain = Chain { repeat: None, ..example() };
    let open = facts("2026-03-02T20:50:00Z");
    // 21:50 in Berlin: the first step is in time, the second falls into the night.
    assert_eq!(times(&play(&chain, &open, open.opened_at), "Europe/Berlin"), ["02 21:55 0.0", "03 07:00 0.1", "03 07:15 0.2"]);
    let exempt = Facts { priority: Priority::P0, ..open.clone() };
    assert_eq!(times(&play(&chain, &exempt, open.opened_at), "Europe/Berlin"), ["02 21:55 0.0", "02 22:05 0.1", "02 22:20 0.2"]);
    let night = facts("2026-03-03T02:00:00Z");
    assert_eq!(times(&play(&chain, &night, night.opened_at), "Europe/Berlin"), ["03 07:00 0.0", "03 07:10 0.1", "03 07:25 0.2"]);
}

#[test]
fn quiet_hours_end_by_the_wall_clock_when_it_changes() {
    let chain = Chain { repeat: None, ..example() };
    for (opened, end) in [
        // Nights of 8, 9 and 10 hours.
        ("2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"),
        ("2026-03-27T22:00:00Z", "2026-03-28T06:00:00Z"),
        ("2026-10-24T22:00:00Z", "2026-10-25T06:00:00Z"),
        // Within the hour that comes twice.
        ("2026-10-25T01:30:00Z", "2026-10-25T06:00:00Z"),
    ] {
        let facts = facts(opened);
        assert_eq!(due(&chain, &facts, &[], facts.opened_at).next, Some(end.parse().unwrap()), "{opened}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_key() {
    let text = "
chain: []
chains:
  - name: a
    priorities: [P0, P9]
    steps:
      - {after: soon, to: [{oncall: primry}, {webhook: dek}, {slack_user: ana}, {slack_group: U012AB3CD}]}
      - {after: 8d, to: []}
      - {after: 5m, to: [{email: nobody}, {pagerduty: false}, {}, {oncall: primary, pagerduty: true}, {sms: 1}]}
    repeat: {every: 5s, times: 0}
  - {name: b, steps: [{after: 10m, to: [{pagerduty: true}]}, {after: 10m, to: [{pagerduty: true}]}]}
  - {name: c, steps: [{after: 0s, to: [{pagerduty: true}]}]}
  - {name: c, steps: [{after: 0s, to: [{pagerduty: true}]}]}
  - {steps: []}
quiet_hours: {from: '22:00', to: '22:00', timezone: Berlin, priorities_exempt: [P0]}
";
    let wrong = Chains::from_yaml(text, &known()).unwrap_err();
    for said in [
        "`chain` is no setting; did you mean `chains`?",
        "`chains[0].priorities[1]` wants P0, P1, P2 or P3",
        "`chains[0].steps[0].after` wants a length of time",
        "`chains[0].steps[0].to[0].oncall` names `primry`, which is no on-call schedule; did you mean `primary`?",
        "`chains[0].steps[0].to[1].webhook` names `dek`, which is no webhook of the settings; did you mean `desk`?",
        "`chains[0].steps[0].to[2].slack_user` wants",
        "`chains[0].steps[0].to[3].slack_group` wants",
        "`chains[0].steps[1].after` wants at least 0s and at most 7d",
        "`chains[0].steps[1]` wants somebody to call",
        "`chains[0].steps[2].to[0].email` wants",
        "`chains[0].steps[2].to[1].pagerduty` wants",
        "`chains[0].steps[2].to[2]` wants one of",
        "`chains[0].steps[2].to[3]` wants one of",
        "`chains[0].steps[2].to[4].sms` is no setting",
        "`chains[0].repeat.every` wants at least 1m",
        "`chains[0].repeat.times` wants a whole number from 1 to 100",
        "`chains[1]` wants steps in the order of their time",
        "`chains[3]` has the name `c`",
        "`chains[4].name` is missing",
        "`chains[4]` wants at least one step",
        "`quiet_hours` wants a `to` that differs",
        "`quiet_hours.timezone` wants",
    ] {
        assert!(wrong.0.iter().any(|line| line.contains(said)), "{said:?} is not in\n{wrong}");
    }
    let nothing = Chains::from_yaml(Chains::EXAMPLE, &Known::default()).unwrap_err();
    assert_eq!(nothing.0.len(), 4, "{nothing}");
    assert_eq!(Chains::from_yaml("", &Known::default()).unwrap(), Chains::default());
}

fn chain() -> impl Strategy<Value = Chain> {
    let steps = proptest::collection::btree_set(0u64..7200, 1..6);
    let repeat = proptest::option::of((60u64..7200, 1u32..5));
    let quiet = proptest::option::of((0i8..24, 0i8..24, 0usize..4));
    (steps, repeat, quiet).prop_map(|(steps, repeat, quiet)| Chain {
        name: "x".into(),
        priorities: BTreeSet::new(),
        services: vec![],
        steps: steps.into_iter().map(|after| Step { after: Duration::from_secs(after), to: vec![To::PagerDuty] }).collect(),
        repeat: repeat.map(|(every, times)| Repeat { every: Duration::from_secs(every), times }),
        quiet: quiet.filter(|(from, to, _)| from != to).map(|(from, to, zone)| Quiet {
            hours: Hours { from: Time::new(from, 30, 0, 0).unwrap(), to: Time::new(to, 30, 0, 0).unwrap() },
            zone: TimeZone::get(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"][zone]).unwrap(),
            exempt: [Priority::P0].into(),
        }),
    })
}

/// Openings around both changes of the clock in 2026, and moments after them, in seconds.
fn opening() -> impl Strategy<Value = Facts> {
    (
        prop_oneof![Just("2026-03-28T00:00:00Z"), Just("2026-10-24T00:00:00Z"), Just("2026-03-07T00:00:00Z"), Just("2026-04-04T00:00:00Z")],
        0i64..172_800,
    )
        .prop_map(|(day, seconds)| {
            let open = facts(day);
            Facts { opened_at: open.opened_at + SignedDuration::from_secs(seconds), service: String::new(), ..open }
        })
}

fn in_quiet(chain: &Chain, at: Timestamp) -> bool {
    chain.quiet.as_ref().is_some_and(|quiet| quiet.hours.around(at, &quiet.zone, |_| true).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_step_is_called_twice_whenever_somebody_asks(chain in chain(), facts in opening(), asks in proptest::collection::vec(0i64..20_000, 1..60), lost in any::<u64>()) {
        let (mut done, mut now, mut called) = (Vec::new(), facts.opened_at, BTreeSet::new());
        for (place, wait) in asks.into_iter().enumerate() {
            now += SignedDuration::from_secs(wait);
            let due = due(&chain, &facts, &done, now);
            prop_assert!(due.next.is_none_or(|next| next > now));
            let each: BTreeSet<usize> = due.now.iter().map(|step| step.step).collect();
            prop_assert_eq!(each.len(), due.now.len(), "nobody is called twice at once");
            // A crash after the first call: the rest is asked for again.
            let most = if lost >> (place % 64) & 1 == 1 { 1 } else { usize::MAX };
            for step in due.now.into_iter().take(most) {
                prop_assert!(called.insert(step), "{:?} twice", step);
                prop_assert!(chain.step(step).is_some());
                done.push(Done { step, at: now });
            }
        }
    }

    #[test]
    fn whoever_asks_in_time_calls_every_step_once_and_never_in_quiet_hours(chain in chain(), facts in opening()) {
        let done = play(&chain, &facts, facts.opened_at);
        let rounds = 1 + chain.repeat.map_or(0, |repeat| repeat.times) as usize;
        prop_assert_eq!(done.len(), rounds * chain.steps.len());
        prop_assert!(done.is_sorted_by_key(|done| (done.at, done.step)));
        for done in &done {
            prop_assert!(!in_quiet(&chain, done.at));
            prop_assert!(done.at >= facts.opened_at + SignedDuration::try_from(chain.steps[done.step.step].after).unwrap());
        }
        // The exempt are called at the very times that the file says.
        let exempt = Facts { priority: Priority::P0, ..facts.clone() };
        let without = Chain { quiet: None, ..chain.clone() };
        prop_assert_eq!(play(&chain, &exempt, facts.opened_at), play(&without, &exempt, facts.opened_at));
    }

    #[test]
    fn what_is_due_stays_due_until_it_is_done(chain in chain(), facts in opening(), first in 0i64..200_000, wait in 0i64..200_000) {
        let (early, late) = (facts.opened_at + SignedDuration::from_secs(first), facts.opened_at + SignedDuration::from_secs(first + wait));
        let (before, after) = (due(&chain, &facts, &[], early), due(&chain, &facts, &[], late));
        let newer = |step: &StepRef| after.now.iter().any(|other| other.step == step.step && other.round >= step.round);
        prop_assert!(before.now.iter().all(newer), "{:?} {:?}", before, after);
        match before.next {
            Some(next) if next > late => prop_assert_eq!(&before, &after),
            None => prop_assert_eq!(&before, &after),
            Some(next) => prop_assert!(after.next.is_none_or(|later| later >= next)),
        }
    }

    #[test]
    fn nobody_is_called_about_what_somebody_took(chain in chain(), facts in opening(), wait in 0i64..400_000, which in 0..3) {
        let now = facts.opened_at + SignedDuration::from_secs(wait);
        let taken = Facts { acknowledged: which == 0, resolved: which == 1, silenced: which == 2, ..facts };
        prop_assert_eq!(due(&chain, &taken, &[], now), Due::default());
    }
}
