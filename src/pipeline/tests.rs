use jiff::{SignedDuration, Timestamp};

use super::{
    act::apply,
    group::{Grouped, News, group},
    slots,
};
use crate::{
    model::{Act, Alert, AlertId, AlertStatus, Incident, IncidentState, Origin, Priority},
    store::{Place, SlotBody},
};

pub fn now() -> Timestamp {
    "2026-01-15T14:00:00Z".parse().unwrap()
}

pub fn alert(status: AlertStatus) -> Alert {
    Alert {
        name: "HighLatency".into(),
        source: "grafana".into(),
        service: "orders".into(),
        status,
        fingerprint: "f".into(),
        ..Alert::default()
    }
}

/// The alert as it came in the record that arrived `minute` minutes after the first.
fn news(alert: &Alert, minute: u64) -> News<'_> {
    News { alert, size: 1, record: AlertId(ulid::Ulid::from_parts(minute * 60_000, 1)), team: "", follow_up: false }
}

pub fn opened(alert: &Alert) -> Incident {
    match group(&news(alert, 1), None, "C1", now()) {
        Grouped::Opened(incident) => incident,
        other => panic!("{other:?}"),
    }
}

fn joined(news: &News<'_>, incident: Incident) -> Incident {
    match group(news, Some(incident), "C1", now() + SignedDuration::from_mins(5)) {
        Grouped::Joined(incident) => incident,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_fingerprint_opens_an_incident_that_is_looked_at() {
    let incident = opened(&alert(AlertStatus::Firing));
    assert_eq!((incident.version, incident.state, incident.alert_count), (0, IncidentState::Investigating, 1));
    assert_eq!(incident.channel, "C1", "a webhook's incident goes to the configured channel");
    assert_eq!(incident.timeline.len(), 1);
}

#[test]
fn repeats_are_counted_and_the_most_urgent_word_wins() {
    let mut louder = alert(AlertStatus::Firing);
    louder.priority = Priority::P0;
    let incident = joined(&News { size: 4, ..news(&louder, 2) }, opened(&alert(AlertStatus::Firing)));
    assert_eq!((incident.alert_count, incident.priority), (5, Priority::P0));
    let incident = joined(&news(&alert(AlertStatus::Firing), 3), incident);
    assert_eq!((incident.alert_count, incident.priority), (6, Priority::P0));
}

#[test]
fn resolved_closes_and_resolved_before_firing_opens_a_closed_one() {
    let incident = joined(&news(&alert(AlertStatus::Resolved), 2), opened(&alert(AlertStatus::Firing)));
    assert_eq!((incident.state, incident.alert_count), (IncidentState::Resolved, 1));
    let early = opened(&alert(AlertStatus::Resolved));
    assert!(early.state.is_closed() && early.resolved_at.is_some());
}

#[test]
fn what_arrived_earlier_never_undoes_what_is_known() {
    // The resolved message (minute 2) was handled before the firing one (minute 1).
    let closed = joined(&news(&alert(AlertStatus::Resolved), 2), opened(&alert(AlertStatus::Firing)));
    let late = joined(&news(&alert(AlertStatus::Firing), 1), closed.clone());
    assert_eq!(late.state, IncidentState::Resolved, "an older firing does not reopen");
    // A firing of minute 3 is a new problem; the resolved message of minute 2 must not close it.
    let Grouped::Opened(again) = group(&news(&alert(AlertStatus::Firing), 3), Some(closed), "C1", now()) else { panic!("not opened") };
    assert_eq!(joined(&news(&alert(AlertStatus::Resolved), 2), again).state, IncidentState::Investigating);
}

#[test]
fn the_very_firing_that_was_resolved_does_not_open_again() {
    let firing = Alert { starts_at: Some(now()), ..alert(AlertStatus::Firing) };
    let resolved = Alert { starts_at: Some(now()), ..alert(AlertStatus::Resolved) };
    let closed = joined(&news(&resolved, 2), opened(&firing));
    assert_eq!(joined(&news(&firing, 3), closed.clone()).state, IncidentState::Resolved);
    let next = Alert { starts_at: Some(now() + SignedDuration::from_mins(9)), ..firing };
    assert!(matches!(group(&news(&next, 4), Some(closed), "C1", now()), Grouped::Opened(_)));
}

#[test]
fn edits_and_replies_change_what_is_there_and_open_nothing() {
    let (firing, resolved) = (alert(AlertStatus::Firing), alert(AlertStatus::Resolved));
    let follow = |alert| News { follow_up: true, ..news(alert, 2) };
    assert_eq!(group(&follow(&firing), None, "C1", now()), Grouped::Nothing);
    assert_eq!(joined(&follow(&firing), opened(&firing)).alert_count, 1, "an edit is no further alert");
    assert_eq!(joined(&follow(&resolved), opened(&firing)).state, IncidentState::Resolved);
}

#[test]
fn a_pause_opens_nothing() {
    assert_eq!(group(&news(&alert(AlertStatus::Paused), 1), None, "C1", now()), Grouped::Nothing);
}

#[test]
fn acts_change_what_they_can_and_nothing_else() {
    let reported = Incident { state: IncidentState::Reported, ..opened(&alert(AlertStatus::Firing)) };
    let cases = [
        (IncidentState::Reported, Act::Acknowledge, Some(IncidentState::Acknowledged)),
        (IncidentState::Acknowledged, Act::Acknowledge, None),
        (IncidentState::Resolved, Act::Acknowledge, None),
        (IncidentState::Reported, Act::Unacknowledge, None),
        (IncidentState::Reported, Act::Resolve, Some(IncidentState::Resolved)),
        (IncidentState::Resolved, Act::Resolve, None),
        (IncidentState::Resolved, Act::Reopen, Some(IncidentState::Open)),
        (IncidentState::Reported, Act::Reopen, None),
        (IncidentState::Reported, Act::Rerun, Some(IncidentState::Investigating)),
        (IncidentState::Acknowledged, Act::Rerun, Some(IncidentState::Acknowledged)),
        (IncidentState::Investigating, Act::Rerun, None),
    ];
    for (before, act, after) in cases {
        let incident = Incident { state: before, ..reported.clone() };
        let got = apply(incident, &act, "U1", now()).map(|incident| incident.state);
        assert_eq!(got, after, "{act:?} on {before:?}");
    }
    let mine = apply(reported, &Act::Acknowledge, "U1", now()).unwrap();
    assert_eq!(mine.owner.as_deref(), Some("U1"));
    assert_eq!(apply(mine, &Act::Unacknowledge, "U1", now()).unwrap().owner, None);
}

#[test]
fn a_slack_alert_wants_a_card_in_its_thread_and_one_reaction() {
    let mut alert = alert(AlertStatus::Firing);
    alert.origin = Origin::Slack { channel: "C9".into(), ts: "1.5".into() };
    let incident = opened(&alert);
    let slots = slots::standing(&incident);
    assert_eq!(slots[0].place, Place::Thread("1.5".into()));
    assert_eq!(slots[0].channel, "C9");
    let reaction = SlotBody::Reaction { ts: "1.5".into(), name: Some("eyes".into()) };
    assert_eq!((slots.len(), &slots[1].body), (2, &reaction));
}
