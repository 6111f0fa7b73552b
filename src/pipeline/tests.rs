use jiff::{SignedDuration, Timestamp};

use super::{
    act::apply,
    group::{Effect, Grouped, Known, News, Rules, group, keys},
    slots,
};
use crate::{
    model::{Act, Alert, AlertId, AlertStatus, Incident, IncidentId, IncidentState, Matcher, Origin, Priority, Silence},
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

/// The alert as it came in the record that arrived `minute` minutes after two o'clock.
fn news(alert: &Alert, minute: u64) -> News<'_> {
    let at = now().as_millisecond().unsigned_abs() + minute * 60_000;
    let record = AlertId(ulid::Ulid::from_parts(at, 1));
    News { alert, size: 1, record, team: "", channel: "C1", follow_up: false, silence: None, storm: None }
}

const RULES: Rules = Rules { window: SignedDuration::from_mins(10), cooldown: SignedDuration::from_hours(3), flapping: 3 };

fn at(minute: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minute)
}

/// The news as the rule sees it at the minute of its record.
fn apply_rule(news: &News<'_>, known: Option<Known>, near: &[Incident]) -> Grouped {
    group(news, known, near, &keys::of(news.alert, None), &RULES, news.received_at())
}

fn opened_by(news: &News<'_>) -> Known {
    match apply_rule(news, None, &[]) {
        Grouped::Changed { mut incident, member, effect: Effect::Opened } => {
            incident.id = IncidentId(7);
            Known { incident: *incident, member: member.map(|member| *member) }
        }
        other => panic!("{other:?}"),
    }
}

pub fn opened(alert: &Alert) -> Known {
    opened_by(&news(alert, 1))
}

fn changed(grouped: Grouped) -> (Known, Effect) {
    match grouped {
        Grouped::Changed { incident, member, effect } => (Known { incident: *incident, member: member.map(|member| *member) }, effect),
        Grouped::Nothing => panic!("nothing"),
    }
}

fn joined(news: &News<'_>, known: Known) -> Known {
    let (known, effect) = changed(apply_rule(news, Some(known), &[]));
    assert_eq!(effect, Effect::Told);
    known
}

#[test]
fn a_new_fingerprint_opens_an_incident_that_is_looked_at() {
    let Known { incident, member } = opened(&alert(AlertStatus::Firing));
    assert_eq!((incident.version, incident.state, incident.alert_count), (0, IncidentState::Investigating, 1));
    assert_eq!((incident.firing, incident.group.members), (1, 1));
    assert_eq!(incident.channel, "C1", "a webhook's incident goes to the configured channel");
    assert_eq!(incident.timeline.len(), 1);
    let member = member.unwrap();
    assert_eq!((member.count, member.reason.as_str(), member.first_at), (1, "", at(1)));
}

#[test]
fn repeats_are_counted_and_the_most_urgent_word_wins() {
    let mut louder = alert(AlertStatus::Firing);
    louder.priority = Priority::P0;
    let known = joined(&News { size: 4, ..news(&louder, 2) }, opened(&alert(AlertStatus::Firing)));
    assert_eq!((known.incident.alert_count, known.incident.priority), (5, Priority::P0));
    let known = joined(&news(&alert(AlertStatus::Firing), 3), known);
    assert_eq!((known.incident.alert_count, known.incident.priority), (6, Priority::P0));
    assert_eq!((known.member.unwrap().count, known.incident.firing), (6, 1), "one alert, told of six times");
}

#[test]
fn resolved_closes_and_resolved_before_firing_opens_a_closed_one() {
    let Known { incident, .. } = joined(&news(&alert(AlertStatus::Resolved), 2), opened(&alert(AlertStatus::Firing)));
    assert_eq!((incident.state, incident.alert_count, incident.firing), (IncidentState::Resolved, 1, 0));
    let early = opened(&alert(AlertStatus::Resolved)).incident;
    assert!(early.state.is_closed() && early.resolved_at.is_some());
}

#[test]
fn what_arrived_earlier_never_undoes_what_is_known() {
    // The resolved message (minute 2) was handled before the firing one (minute 1).
    let closed = joined(&news(&alert(AlertStatus::Resolved), 2), opened(&alert(AlertStatus::Firing)));
    let late = joined(&news(&alert(AlertStatus::Firing), 1), closed.clone());
    assert_eq!(late.incident.state, IncidentState::Resolved, "an older firing does not reopen");
    // A firing of minute 3 brings it back; the resolved message of minute 2 must not close it again.
    let (again, effect) = changed(apply_rule(&news(&alert(AlertStatus::Firing), 3), Some(closed), &[]));
    assert_eq!(effect, Effect::Returned);
    assert_eq!(joined(&news(&alert(AlertStatus::Resolved), 2), again).incident.state, IncidentState::Investigating);
}

#[test]
fn the_very_firing_that_was_resolved_does_not_open_again() {
    let firing = Alert { starts_at: Some(now()), ..alert(AlertStatus::Firing) };
    let resolved = Alert { starts_at: Some(now()), ..alert(AlertStatus::Resolved) };
    let closed = joined(&news(&resolved, 2), opened(&firing));
    assert_eq!(joined(&news(&firing, 3), closed.clone()).incident.state, IncidentState::Resolved);
    let next = Alert { starts_at: Some(at(9)), ..firing };
    assert_eq!(changed(apply_rule(&news(&next, 10), Some(closed), &[])).1, Effect::Returned);
}

#[test]
fn what_a_person_resolved_while_it_fires_stays_quiet_for_the_cooldown() {
    let firing = Alert { starts_at: Some(now()), ..alert(AlertStatus::Firing) };
    let mut known = opened(&firing);
    known.incident.state = IncidentState::Resolved;
    known.incident.resolved_at = Some(at(5));
    let quiet = joined(&news(&firing, 60), known.clone()).incident;
    assert_eq!((quiet.state, quiet.alert_count), (IncidentState::Resolved, 2), "the sender only repeats itself");
    let (later, effect) = changed(apply_rule(&news(&firing, 60 * 4), Some(known), &[]));
    assert_eq!((effect, later.incident.group.last_seen), (Effect::Opened, Some(IncidentId(7))), "but not for ever");
}

#[test]
fn what_is_back_within_the_cooldown_is_the_same_incident_and_later_it_is_another() {
    let firing = alert(AlertStatus::Firing);
    let mut known = opened(&firing);
    known.incident.owner = Some("U1".into());
    let closed = joined(&news(&alert(AlertStatus::Resolved), 2), known);
    let (back, effect) = changed(apply_rule(&news(&firing, 60), Some(closed.clone()), &[]));
    assert_eq!((effect, back.incident.state, back.incident.firing), (Effect::Returned, IncidentState::Investigating, 1));
    assert_eq!((back.incident.returns.as_slice(), back.incident.resolved_at), ([at(60)].as_slice(), None));
    assert_eq!(back.incident.owner.as_deref(), Some("U1"));
    let (other, effect) = changed(apply_rule(&news(&firing, 60 * 4), Some(closed.clone()), &[]));
    assert_eq!((effect, other.incident.group.last_seen), (Effect::Opened, Some(IncidentId(7))));
    let mut wrong = closed;
    wrong.incident.state = IncidentState::FalsePositive;
    assert_eq!(changed(apply_rule(&news(&firing, 60), Some(wrong), &[])).1, Effect::Opened, "nobody wants that one back");
}

#[test]
fn coming_and_going_is_flapping_and_is_not_looked_at_again() {
    let (firing, resolved) = (alert(AlertStatus::Firing), alert(AlertStatus::Resolved));
    let mut known = opened(&firing);
    let mut effects = Vec::new();
    for turn in 1..=4 {
        known = joined(&news(&resolved, turn * 10), known);
        let (next, effect) = changed(apply_rule(&news(&firing, turn * 10 + 5), Some(known), &[]));
        effects.push((effect, next.incident.group.flapping));
        known = next;
    }
    let quiet = (Effect::Told, true);
    assert_eq!(effects, [(Effect::Returned, false), (Effect::Returned, false), quiet, quiet]);
    // An hour without a turn, and it is worth a look again.
    known = joined(&news(&resolved, 50), known);
    let (calm, effect) = changed(apply_rule(&news(&firing, 130), Some(known), &[]));
    assert_eq!((effect, calm.incident.group.flapping), (Effect::Returned, false));
}

fn of(name: &str, cluster: &str, namespace: &str, service: &str, labels: &[(&str, &str)]) -> Alert {
    Alert {
        name: name.into(),
        cluster: cluster.into(),
        namespace: namespace.into(),
        service: service.into(),
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        fingerprint: format!("{name}{cluster}{namespace}{service}{labels:?}"),
        ..alert(AlertStatus::Firing)
    }
}

#[test]
fn different_alerts_join_by_what_an_engineer_would_see_as_one() {
    let first = of("HighLatency", "prod", "shop", "checkout", &[("node", "n1")]);
    let known = opened(&first).incident;
    let cases = [
        (of("KubePodCrashLooping", "prod", "shop", "checkout", &[]), Some("same service shop/checkout, 4 min apart")),
        (of("KubeNodeNotReady", "prod", "", "", &[("node", "n1")]), Some("same node n1, 4 min apart")),
        (of("HighLatency", "prod", "shop", "cart", &[]), Some("same alert HighLatency in namespace shop, 4 min apart")),
        (of("MongoDown", "prod", "shop", "mongo", &[]), None),
        (of("HighLatency", "staging", "shop", "checkout", &[("node", "n1")]), None),
        (of("HighLatency", "prod", "store", "checkout", &[]), None),
        (of("DiskFull", "prod", "shop", "", &[("instance", "n1:8080"), ("job", "kube-state-metrics")]), None),
    ];
    for (other, expected) in cases {
        let news = news(&other, 5);
        let reason = match apply_rule(&news, None, std::slice::from_ref(&known)) {
            Grouped::Changed { incident, member, effect: Effect::Joined } => {
                assert_eq!((incident.firing, incident.group.members, incident.alert_count), (2, 2, 2));
                Some(member.unwrap().reason)
            }
            _ => None,
        };
        assert_eq!(reason.as_deref(), expected, "{} {}/{}", other.name, other.namespace, other.service);
    }
    let late = of("KubePodCrashLooping", "prod", "shop", "checkout", &[]);
    let late = changed(apply_rule(&news(&late, 30), None, std::slice::from_ref(&known)));
    assert_eq!(late.1, Effect::Opened, "half an hour later it is another matter");
}

#[test]
fn the_strongest_reason_is_chosen_and_one_does_not_chain_to_the_next() {
    let service = Incident { id: IncidentId(1), ..opened(&of("A", "prod", "shop", "checkout", &[])).incident };
    let node = Incident { id: IncidentId(2), ..opened(&of("B", "prod", "", "", &[("node", "n1")])).incident };
    let both = of("C", "prod", "shop", "checkout", &[("node", "n1")]);
    let (known, _) = changed(apply_rule(&news(&both, 2), None, &[node.clone(), service]));
    assert_eq!(known.incident.id, IncidentId(1));
    assert!(!known.incident.keys.iter().any(|key| key.starts_with("node:")), "the node of one alert is not the incident's");
    let (known, _) = changed(apply_rule(&news(&of("C", "prod", "shop", "cart", &[("node", "n1")]), 2), None, &[node]));
    assert!(known.incident.keys.contains(&"service:prod/shop/cart".to_owned()), "its service is: {:?}", known.incident.keys);
}

#[test]
fn an_incident_is_over_when_none_of_its_alerts_fires() {
    let (one, two) = (of("A", "", "shop", "checkout", &[]), of("B", "", "shop", "checkout", &[]));
    let first = opened(&one);
    let (second, _) = changed(apply_rule(&news(&two, 2), None, std::slice::from_ref(&first.incident)));
    let over = |alert: &Alert| Alert { status: AlertStatus::Resolved, ..alert.clone() };
    let half = joined(&news(&over(&one), 3), Known { incident: second.incident, member: first.member });
    assert_eq!((half.incident.state, half.incident.firing), (IncidentState::Investigating, 1));
    let again = joined(&news(&over(&one), 4), half);
    assert_eq!(again.incident.firing, 1, "the same end twice counts once");
    let done = joined(&news(&over(&two), 5), Known { incident: again.incident, member: second.member });
    assert_eq!((done.incident.state, done.incident.firing), (IncidentState::Resolved, 0));
}

fn silence() -> Silence {
    Silence {
        id: "SIL-1".into(),
        matchers: vec![Matcher { name: "service".into(), value: "orders".into() }],
        from: now(),
        until: at(60),
        by: "U1".into(),
        reason: String::new(),
        incident: IncidentId(1),
        pushed: Vec::new(),
        ended: None,
        kept_quiet: 0,
    }
}

#[test]
fn what_is_silenced_opens_without_messages_and_comes_back_with_them() {
    let silence = silence();
    let mut alert = alert(AlertStatus::Firing);
    alert.origin = Origin::Slack { channel: "C9".into(), ts: "1.5".into() };
    let known = opened_by(&News { silence: Some(&silence), ..news(&alert, 1) });
    assert_eq!(known.incident.state, IncidentState::Silenced);
    assert!(slots::standing(&known.incident).is_empty());
    // A different alert that nobody silenced must not vanish in it.
    let loud = of("Loud", "", "", "orders", &[]);
    assert_eq!(changed(apply_rule(&news(&loud, 2), None, std::slice::from_ref(&known.incident))).1, Effect::Opened);
    // The same alert outside the silence is told of.
    let (back, effect) = changed(apply_rule(&news(&alert, 3), Some(known), &[]));
    assert_eq!((effect, back.incident.state), (Effect::Returned, IncidentState::Investigating));
    assert_eq!(slots::standing(&back.incident).len(), 2, "card and reaction");
}

#[test]
fn a_sentence_closes_the_incident_that_it_is_about() {
    let known = opened(&alert(AlertStatus::Firing));
    let words = Alert { source: "text".into(), name: "orders is healthy again".into(), ..alert(AlertStatus::Resolved) };
    let words = Alert { fingerprint: "other".into(), ..words };
    let known = Known { member: None, ..known };
    let closed = joined(&news(&words, 5), known).incident;
    assert_eq!((closed.state, closed.resolved_at), (IncidentState::Resolved, Some(at(5))));
}

#[test]
fn edits_and_replies_change_what_is_there_and_open_nothing() {
    let (firing, resolved) = (alert(AlertStatus::Firing), alert(AlertStatus::Resolved));
    let follow = |alert| News { follow_up: true, ..news(alert, 2) };
    assert_eq!(apply_rule(&follow(&firing), None, &[]), Grouped::Nothing);
    assert_eq!(joined(&follow(&firing), opened(&firing)).incident.alert_count, 1, "an edit is no further alert");
    assert_eq!(joined(&follow(&resolved), opened(&firing)).incident.state, IncidentState::Resolved);
}

#[test]
fn a_pause_opens_nothing() {
    assert_eq!(apply_rule(&news(&alert(AlertStatus::Paused), 1), None, &[]), Grouped::Nothing);
}

#[test]
fn acts_change_what_they_can_and_nothing_else() {
    let reported = Incident { state: IncidentState::Reported, ..opened(&alert(AlertStatus::Firing)).incident };
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
    let incident = opened(&alert).incident;
    let slots = slots::standing(&incident);
    assert_eq!(slots[0].place, Place::Thread("1.5".into()));
    assert_eq!(slots[0].channel, "C9");
    let reaction = SlotBody::Reaction { ts: "1.5".into(), name: Some("eyes".into()) };
    assert_eq!((slots.len(), &slots[1].body), (2, &reaction));
}
