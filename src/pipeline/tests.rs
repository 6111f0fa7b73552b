use jiff::{SignedDuration, Timestamp};

use super::{
    act::apply,
    group::{Grouped, group},
    slots,
};
use crate::{
    model::{Act, Alert, AlertStatus, Incident, IncidentId, IncidentState, Origin, Priority},
    store::{Place, SlotBody},
};

fn now() -> Timestamp {
    "2026-01-15T14:00:00Z".parse().unwrap()
}

fn alert(status: AlertStatus) -> Alert {
    Alert {
        name: "HighLatency".into(),
        source: "grafana".into(),
        service: "orders".into(),
        status,
        fingerprint: "f".into(),
        ..Alert::default()
    }
}

fn opened(alert: &Alert) -> Incident {
    match group(alert, 1, None, IncidentId(7), "C1", now()) {
        Grouped::Opened(incident) => incident,
        other => panic!("{other:?}"),
    }
}

fn joined(alert: &Alert, size: u64, incident: Incident) -> Incident {
    match group(alert, size, Some(incident), IncidentId(0), "C1", now() + SignedDuration::from_mins(5)) {
        Grouped::Joined(incident) => incident,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_fingerprint_opens_an_incident_that_is_looked_at() {
    let incident = opened(&alert(AlertStatus::Firing));
    assert_eq!((incident.id, incident.state, incident.alert_count), (IncidentId(7), IncidentState::Investigating, 1));
    assert_eq!(incident.channel, "C1", "a webhook's incident goes to the configured channel");
    assert_eq!(incident.timeline.len(), 1);
}

#[test]
fn repeats_are_counted_and_the_most_urgent_word_wins() {
    let mut louder = alert(AlertStatus::Firing);
    louder.priority = Priority::P0;
    let incident = joined(&louder, 4, opened(&alert(AlertStatus::Firing)));
    assert_eq!((incident.alert_count, incident.priority), (5, Priority::P0));
    let incident = joined(&alert(AlertStatus::Firing), 1, incident);
    assert_eq!((incident.alert_count, incident.priority), (6, Priority::P0));
}

#[test]
fn resolved_closes_and_resolved_before_firing_opens_a_closed_one() {
    let incident = joined(&alert(AlertStatus::Resolved), 1, opened(&alert(AlertStatus::Firing)));
    assert_eq!((incident.state, incident.alert_count), (IncidentState::Resolved, 1));
    let early = opened(&alert(AlertStatus::Resolved));
    assert!(early.state.is_closed() && early.resolved_at.is_some());
}

#[test]
fn a_pause_opens_nothing() {
    assert_eq!(group(&alert(AlertStatus::Paused), 1, None, IncidentId(1), "C1", now()), Grouped::Nothing);
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
        let got = apply(incident, act, "U1", now()).map(|incident| incident.state);
        assert_eq!(got, after, "{act:?} on {before:?}");
    }
    let mine = apply(reported, Act::Acknowledge, "U1", now()).unwrap();
    assert_eq!(mine.owner.as_deref(), Some("U1"));
    assert_eq!(apply(mine, Act::Unacknowledge, "U1", now()).unwrap().owner, None);
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
