use jiff::SignedDuration;

use super::{
    apply,
    escalate::escalated,
    silence::{silenced, unsilenced},
};
use crate::{
    model::{Act, AlertStatus, Incident, IncidentId, IncidentState, InvestigationId, Scope, Silence, Verdict},
    pipeline::tests::{alert, now, opened},
};

fn reported() -> Incident {
    Incident {
        state: IncidentState::Reported,
        investigation: Some(InvestigationId(1u128.into())),
        ..opened(&alert(AlertStatus::Firing)).incident
    }
}

fn silence(incident: &Incident) -> Silence {
    Silence {
        id: "SIL-1".into(),
        matchers: Scope::Alert.matchers(&incident.alert),
        from: now(),
        until: now() + SignedDuration::from_hours(2),
        by: "U1".into(),
        reason: "maintenance".into(),
        incident: IncidentId(1),
        pushed: Vec::new(),
        ended: None,
        kept_quiet: 0,
    }
}

#[test]
fn what_people_do_meanwhile_holds_when_the_silence_is_over() {
    let quiet = silenced(reported(), &silence(&reported()), now());
    assert_eq!((quiet.state, quiet.state_beneath()), (IncidentState::Silenced, IncidentState::Reported));
    assert!(quiet.timeline.last().unwrap().text.contains("maintenance"));
    let mine = apply(quiet.clone(), &Act::Acknowledge, "U2", now()).unwrap();
    assert_eq!((mine.state, mine.owner.as_deref()), (IncidentState::Silenced, Some("U2")));
    assert!(apply(mine.clone(), &Act::Acknowledge, "U3", now()).is_none(), "it has somebody already");
    assert_eq!(unsilenced(mine, now()).state, IncidentState::Acknowledged);
    let over = apply(quiet.clone(), &Act::Resolve, "U2", now()).unwrap();
    assert_eq!(over.state, IncidentState::Resolved);
    let after = unsilenced(over, now());
    assert_eq!((after.state, after.silenced), (IncidentState::Resolved, None), "it does not come back to life");
    let untouched = reported();
    assert_eq!(unsilenced(untouched.clone(), now()), untouched);
}

#[test]
fn a_report_that_came_during_the_silence_is_there_afterwards() {
    let open = opened(&alert(AlertStatus::Firing)).incident;
    let mut quiet = silenced(open.clone(), &silence(&open), now());
    assert_eq!(unsilenced(quiet.clone(), now()).state, IncidentState::Investigating);
    let investigation =
        crate::report::conclude(&crate::pipeline::investigate::failed(InvestigationId(2u128.into()), open.alert, "x"), Vec::new());
    quiet.report = Some(investigation);
    assert_eq!(unsilenced(quiet, now()).state, IncidentState::Reported);
}

#[test]
fn a_second_silence_remembers_what_was_before_the_first() {
    let first = silenced(reported(), &silence(&reported()), now());
    let second = silenced(first, &Silence { id: "SIL-2".into(), ..silence(&reported()) }, now());
    assert_eq!(second.silenced.as_ref().unwrap().silence, "SIL-2");
    assert_eq!(unsilenced(second, now()).state, IncidentState::Reported);
}

#[test]
fn an_owner_is_set_changed_and_removed_and_nothing_happens_twice() {
    let give = |incident: Incident, to: Option<&str>| apply(incident, &Act::Assign { to: to.map(str::to_owned) }, "U1", now());
    assert!(give(reported(), None).is_none(), "it has no owner");
    let given = give(reported(), Some("U2")).unwrap();
    assert_eq!((given.owner.as_deref(), given.state), (Some("U2"), IncidentState::Reported));
    assert!(give(given.clone(), Some("U2")).is_none());
    assert_eq!(give(given, None).unwrap().owner, None);
}

#[test]
fn one_opinion_for_each_person_and_investigation_the_newest() {
    let say = |incident: Incident, user: &str, verdict, about: Option<u128>| {
        let investigation = about.map(|id| InvestigationId(id.into()));
        apply(incident, &Act::Feedback { verdict, note: String::new(), investigation }, user, now())
    };
    let one = say(reported(), "U1", Verdict::Correct, None).unwrap();
    assert_eq!(one.feedback[0].investigation, Some(InvestigationId(1u128.into())), "it is about the newest");
    assert!(say(one.clone(), "U1", Verdict::Correct, Some(1)).is_none());
    let changed = say(one, "U1", Verdict::Wrong, Some(1)).unwrap();
    assert_eq!((changed.feedback.len(), changed.feedback[0].verdict), (1, Verdict::Wrong));
    let both = say(say(changed, "U1", Verdict::Correct, Some(2)).unwrap(), "U2", Verdict::Correct, Some(1)).unwrap();
    assert_eq!(both.feedback.len(), 3);
    let many = (0..300).fold(both, |incident, user| say(incident, &format!("U{user}X"), Verdict::Correct, None).unwrap());
    assert_eq!(many.feedback.len(), 100, "bounded");
}

#[test]
fn calls_are_remembered_within_bounds() {
    let many = (0..80).fold(reported(), |incident, call| escalated(incident, ("S1", "ops"), "U1", &call.to_string(), now()));
    assert_eq!(many.escalations.len(), 50);
    assert_eq!(many.escalations.last().unwrap().reason, "79");
    assert_eq!(many.timeline.last().unwrap().text, "called ops: 79");
}
