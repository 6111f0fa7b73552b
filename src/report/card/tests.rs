use super::{card, runbook};
use crate::{
    model::{Act, ActionKind, Escalation, Incident, IncidentState, InvestigationId, Link, Message, Part, Scope, Silenced, TimelineEntry},
    report::{
        answers, background, details_page, forms, known,
        services::Services,
        tests::{at, incident, investigation, reading},
    },
};

fn silenced() -> Incident {
    let silence = Silenced { silence: "SIL-1".into(), until: at("16:30:00"), by: "U2".into(), before: IncidentState::Acknowledged };
    Incident { silenced: Some(silence), owner: Some("U1".into()), ..incident(IncidentState::Silenced) }
}

#[test]
fn a_silenced_card_says_until_when_and_offers_the_way_back() {
    let mut incident = silenced();
    incident.mention = vec!["S1".into()];
    incident.escalations.push(Escalation {
        at: at("14:25:00"),
        by: "U1".into(),
        to: "S9".into(),
        name: "platform on-call".into(),
        reason: String::new(),
    });
    insta::assert_snapshot!(reading(&card(&incident)), @r"
    INC-42 checkout: Pod is crash looping

    :white_circle: *INC-42 · checkout* · P0
    Pod is crash looping
    (*Silenced* until 16:30 by @U2  ·  owner @U1  ·  called platform on-call  ·  3 alerts  ·  since 14:03)
    [Unacknowledge] [Resolve] [Undo silence] [⋮ Assign… | Escalate… | Run again | Runbooks and similar… | What is known…]
    ");
}

#[test]
fn only_a_card_that_waits_for_somebody_mentions_anybody() {
    let mentions = |state, owner: Option<&str>| {
        let mut incident = incident(state);
        incident.mention = vec!["S1".into(), "U1".into()];
        incident.owner = owner.map(str::to_owned);
        reading(&card(&incident)).contains("@S1 @U1")
    };
    assert!(mentions(IncidentState::Investigating, None) && mentions(IncidentState::Reported, None));
    assert!(!mentions(IncidentState::Reported, Some("U9")) && !mentions(IncidentState::Resolved, None));
    assert!(!mentions(IncidentState::Acknowledged, None) && !mentions(IncidentState::Silenced, None));
}

#[test]
fn a_runbook_is_a_link_only_when_the_alert_calls_it_one_and_a_browser_opens_it() {
    let with = |title: &str, url: &str| {
        let mut incident = incident(IncidentState::Reported);
        incident.alert.links = vec![Link { title: title.into(), url: url.into() }];
        incident
    };
    assert!(runbook(&with("Runbook", "https://wiki.example.com/a")).is_some());
    assert!(runbook(&with("playbook url", "http://wiki/a")).is_some());
    for (title, url) in [
        ("runbook", "javascript:alert(1)"),
        ("runbook", "https://"),
        ("runbook", "slack://open"),
        ("source", "https://prometheus.example.com"),
        ("runbook", &format!("https://wiki.example.com/{}", "x".repeat(3000))),
    ] {
        assert_eq!(runbook(&with(title, url)), None, "{title} {url}");
    }
    let message = card(&with("Runbook", "https://wiki.example.com/a"));
    let Some(Part::Actions(actions)) = message.parts.last() else { panic!("no buttons") };
    assert!(actions.iter().any(|action| matches!(&action.kind, ActionKind::Link { url } if url.ends_with("/a"))));
}

#[test]
fn late_acts_hear_who_was_first_and_when() {
    let mut incident = incident(IncidentState::Resolved);
    let entry = |minute: &str, actor: &str, text: &str| TimelineEntry { at: at(minute), actor: actor.into(), text: text.into() };
    incident.timeline = vec![entry("14:00:00", "grafana", "Alert (firing)"), entry("14:27:00", "U01ALICE", "resolved")];
    let said = |act: &Act, incident: &Incident| answers::nothing(act, incident, at("14:30:00")).text;
    assert_eq!(said(&Act::Acknowledge, &incident), "INC-42 is resolved already, by @U01ALICE 3 min ago.");
    assert_eq!(said(&Act::Resolve, &incident), "INC-42 is resolved already, by @U01ALICE 3 min ago.");
    assert_eq!(said(&Act::Unsilence, &incident), "INC-42 is not silenced.");
    incident.timeline.push(entry("14:29:00", "grafana", "resolved by the sender"));
    assert_eq!(said(&Act::Resolve, &incident), "INC-42 is resolved already, by grafana 60 s ago.");
    assert_eq!(answers::done(&Act::Acknowledge, &silenced()).text, "You acknowledged INC-42; it stays silenced until 16:30 UTC.");
}

#[test]
fn who_may_is_named_in_full() {
    let who = ["S1", "U2", "U3"].map(str::to_owned);
    let said = |who: &[String]| answers::not_allowed(&Act::Rerun, incident(IncidentState::Reported).id, who).text;
    assert_eq!(said(&who), "You may not run again INC-42; @S1, @U2 and @U3 may.");
    assert_eq!(said(&who[..1]), "You may not run again INC-42; @S1 may.");
    assert_eq!(said(&[]), "You may not run again INC-42; nobody may, as the settings stand.");
}

#[test]
fn the_silence_form_says_in_words_what_it_covers() {
    let mut incident = incident(IncidentState::Reported);
    incident.alert.service = "checkout".into();
    let preview =
        forms::Preview { matchers: Scope::Service.matchers(&incident.alert), incidents: vec![(incident.id, "checkout".into())], alerts: 3 };
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let draft = forms::SilenceDraft { scope: Scope::Service, zone: &zone, preview: &preview, pushed_to: Some("Alertmanager") };
    let form = forms::silence(&incident, &draft, String::new());
    insta::assert_snapshot!(reading(&Message { text: form.title, parts: form.parts }), @r"
    Silence INC-42

    *INC-42 · checkout*
    t
    For how long: ____
    Or in your own words: ____
    What it covers: ____
    *Matches*  `service = checkout`
    Now that is 1 open incident with 3 alerts: *INC-42* checkout.
    Why: ____
    (It is set in Alertmanager too, and ended there with “Undo silence”.)
    ");
}

#[test]
fn runbooks_of_the_team_come_before_those_of_the_alert() {
    let services = Services::from_yaml(
        "services: [{name: check*, team: payments, runbooks: [{title: Roll back, url: 'https://wiki.example.com/rb'}]}]",
    )
    .unwrap();
    let mut incident = incident(IncidentState::Reported);
    incident.alert.links = vec![Link { title: "runbook".into(), url: "https://runbooks.example.com/x".into() }];
    let shown = |services: &Services, incident: &Incident| {
        let parts = background(incident, services.of("checkout"), &["INC-17 (12 Oct): limit lowered".to_owned()]);
        reading(&Message { text: String::new(), parts })
    };
    insta::assert_snapshot!(shown(&services, &incident).trim(), @r"
    *check**  ·  owned by payments
    *Runbooks*
    • Roll back
    The alert's runbook  `https://runbooks.example.com/x`  [Open]
    ---
    *Similar incidents*
    • INC-17 (12 Oct): limit lowered
    ");
    incident.alert.links.clear();
    assert!(shown(&Services::default(), &incident).contains("No runbook is known for checkout."));
}

#[test]
fn details_longer_than_a_modal_are_turned_page_by_page() {
    let mut long = investigation();
    let one = long.evidence[0].clone();
    long.evidence = (0..150).map(|_| one.clone()).collect();
    let mut parts = crate::report::details(&long);
    parts.extend(known(&incident(IncidentState::Investigating)));
    let pages: Vec<Vec<Part>> = (0..5).map(|page| details_page(&parts, page, "INC-42")).collect();
    assert!(pages.iter().all(|page| page.len() <= 100));
    let shown: usize = parts.len().div_ceil(90);
    assert_eq!(pages[shown - 1], pages[4], "there is nothing behind the last page");
    let buttons = |page: &Vec<Part>| match page.last() {
        Some(Part::Actions(actions)) => actions.iter().map(|action| action.value.clone()).collect(),
        _ => Vec::new(),
    };
    assert_eq!(buttons(&pages[0]), ["INC-42 1"]);
    assert_eq!(buttons(&pages[1])[0], "INC-42 0");
    assert_eq!(details_page(&parts[..10], 0, "INC-42").len(), 10, "a short one has no pages");
    let Part::Feedback { value, .. } = forms::feedback(incident(IncidentState::Reported).id, InvestigationId(1u128.into())) else {
        panic!()
    };
    assert!(value.starts_with("INC-42 0000"));
}

#[test]
fn what_is_known_names_people_as_people() {
    let mut incident = incident(IncidentState::Acknowledged);
    let entry = |actor: &str, text: &str| TimelineEntry { at: at("14:00:00"), actor: actor.into(), text: text.into() };
    incident.timeline = vec![entry("U1A", "gave it to <@U2B>, at last"), entry("grafana", "x <@not a person> y <@")];
    let shown = reading(&Message { text: String::new(), parts: known(&incident) });
    assert!(shown.contains("14:00  @U1A gave it to @U2B, at last\n14:00  x <@not a person> y <@"), "{shown}");
}
