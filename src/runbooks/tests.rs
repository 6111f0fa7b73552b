use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Approved, Catalog, Refused, Terms, decide,
    fill::{is_plain_path, steps, values},
    hash, kubernetes,
};
use crate::model::{Caller, Check, Decision, Operation, Preview, Reply, Risk, Run, RunId, RunState, StepState};

const EMBEDDED: usize = 9;

fn catalog(text: &str) -> Result<Catalog, String> {
    Catalog::from_files([("test-one".to_owned(), text.to_owned())]).map_err(|errors| errors.to_string())
}

const SCALE: &str = "
title: Scale
risk: medium
parameters:
  - {name: workload, pattern: '[a-z-]+'}
  - {name: replicas, kind: integer, least: 1, most: 9}
steps:
  - name: Scale {{workload}} to {{replicas}}
    action: kubernetes.scale
    with: {cluster: prod, namespace: shop, name: '{{workload}}', replicas: '{{replicas}}'}
";

#[test]
fn the_runbooks_that_come_with_the_program_can_be_read() {
    assert_eq!(Catalog::embedded().all().count(), EMBEDDED);
}

#[test]
fn what_is_wrong_in_a_runbook_is_said_at_load_all_at_once() {
    let table = [
        (SCALE.replace("risk: medium", "risk: huge"), "risk"),
        (SCALE.replace("kubernetes.scale", "shell.exec"), "shell.exec"),
        (SCALE.replace("replicas: '{{replicas}}'", "replica: '{{replicas}}'"), "replica"),
        (SCALE.replace("'{{workload}}'", "'{{nobody}}'"), "`nobody` is no parameter"),
        (SCALE.replace("'[a-z-]+'", "'[a-z'"), "regular expression"),
        (SCALE.replace("risk: medium", "risk: medium\nrun: rm -rf /"), "run"),
        (SCALE.replace("risk: medium", "risk: medium\napplies: {categories: [bad_luck]}"), "bad_luck"),
        ("title: Nothing\nrisk: low\nsteps: []".to_owned(), "1 to 20"),
        ("title: Only words\nrisk: low\nsteps: [{name: a, action: note, with: {text: b}}]".to_owned(), "none of them does anything"),
        (
            "title: Out\nrisk: low\nsteps: [{name: a, action: http.call, with: {target: x, method: POST, path: /a/../b}}]".to_owned(),
            "stay below",
        ),
        (
            "title: Far\nrisk: low\nsteps: [{name: a, action: http.call, with: {target: x, method: TRACE, path: /a}}]".to_owned(),
            "must be GET",
        ),
    ];
    assert!(catalog(SCALE).is_ok());
    for (text, part) in table {
        let error = catalog(&text).expect_err(part);
        assert!(error.contains("test-one") && error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn values_are_checked_and_nothing_else_gets_into_a_step() {
    let catalog = catalog(SCALE).unwrap();
    let runbook = catalog.get("test-one").unwrap();
    let given = |pairs: &[(&str, Value)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<BTreeMap<_, _>>();
    let fine = values(runbook, &given(&[("workload", json!("checkout")), ("replicas", json!("5"))]), None).unwrap();
    let made = steps(runbook, &fine).unwrap();
    let Operation::Scale(of) = &made[0].operation else { panic!("{made:?}") };
    assert_eq!((of.name.as_str(), of.replicas, made[0].name.as_str()), ("checkout", 5, "Scale checkout to 5"));
    assert!(matches!(made[0].checks[..], [Check::Ready { .. }]));
    for (pairs, place, part) in [
        (vec![("workload", json!("checkout"))], "replicas", "is needed"),
        (vec![("workload", json!("checkout")), ("replicas", json!(99))], "replicas", "at most 9"),
        (vec![("workload", json!("../x")), ("replicas", json!(2))], "workload", "must match"),
        (vec![("workload", json!("a\nb")), ("replicas", json!(2))], "workload", "one line"),
        (vec![("workload", json!("a")), ("replicas", json!(2)), ("cluster", json!("prod"))], "cluster", "no parameter"),
        (vec![("workload", json!({"a": 1})), ("replicas", json!(2))], "workload", "no text"),
        (vec![("workload", json!("a")), ("replicas", json!("2; DROP"))], "replicas", "whole number"),
    ] {
        let errors = values(runbook, &given(&pairs), None).unwrap_err();
        assert!(errors.iter().any(|error| error.place == place && error.reason.contains(part)), "{place} {part}: {errors:?}");
    }
}

#[test]
fn a_path_stays_below_its_address() {
    for path in ["/flags/a", "/a/b?x=1&y=2", "/a-b_c.d"] {
        assert!(is_plain_path(path), "{path}");
    }
    for path in [
        "flags",
        "//evil.example/a",
        "/../a",
        "/a/../b",
        "/a/./b",
        "/a/%2e%2e/b",
        "/a%2F..",
        "\\\\evil",
        "/a\\b",
        "/a b",
        "/a#b",
        "/@evil",
        "/a\r\nHost: evil",
        "/%00",
        "",
        "/a?x=/../b/..",
    ] {
        assert!(!is_plain_path(path), "{path}");
    }
}

fn time(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

fn run(risk: Risk) -> Run {
    let catalog = catalog(SCALE).unwrap();
    let runbook = catalog.get("test-one").unwrap();
    let filled = BTreeMap::from([("workload".to_owned(), json!("checkout")), ("replicas".to_owned(), json!(5))]);
    let mut steps = steps(runbook, &filled).unwrap();
    steps[0].preview = Preview { seen: "as it is".to_owned(), diff: vec!["- 3".to_owned(), "+ 5".to_owned()], ..Preview::default() };
    let by = Caller::slack("U1ALICE");
    let (needed, own) = Terms::people(risk, None, &by);
    let mut run = Run {
        id: RunId(7u128.into()),
        runbook: "test-one".to_owned(),
        title: "Scale".to_owned(),
        risk,
        clusters: vec!["prod".to_owned()],
        incident: None,
        channel: String::new(),
        team: String::new(),
        parameters: filled,
        steps,
        hash: String::new(),
        requested_by: by,
        requested_at: time(0),
        reply: Reply::default(),
        expires_at: time(15),
        needed,
        own,
        decisions: Vec::new(),
        state: RunState::Waiting,
        turn: 1,
        detail: String::new(),
        ended_at: None,
    };
    run.hash = hash(&run);
    run
}

fn by(id: &str, approves: bool, minutes: i64) -> Decision {
    Decision { by: Caller::slack(id), team: String::new(), approves, at: time(minutes) }
}

#[test]
fn every_wrong_decision_is_refused() {
    let high = run(Risk::High);
    let shown = high.hash.clone();
    let table = [
        (by("U1ALICE", true, 1), shown.as_str(), Refused::Own),
        (by("U2BOB", true, 15), &shown, Refused::Expired),
        (by("U2BOB", true, 1), "", Refused::OtherHash),
        (by("U2BOB", true, 1), &shown[..11], Refused::OtherHash),
        (by("U2BOB", true, 1), "000000000000000000000000", Refused::OtherHash),
        (by("key:ci", true, 1), &shown, Refused::Machine),
        (by("api", true, 1), &shown, Refused::Machine),
        (by("jwt:alice@example.com", true, 1), &shown, Refused::Unknown),
        (by("idp:auth0|42", true, 1), &shown, Refused::Unknown),
    ];
    for (decision, hash, expected) in table {
        let who = decision.by.id.clone();
        assert_eq!(decide(high.clone(), decision, hash).unwrap_err(), expected, "{who}");
    }
    let approved = decide(high.clone(), by("U2BOB", true, 1), &shown[..24]).unwrap();
    assert_eq!(approved.state, RunState::Approved);
    assert_eq!(decide(approved, by("U3CAROL", true, 2), &shown).unwrap_err(), Refused::NotWaiting, "it is used once");
    let denied = decide(high.clone(), by("U2BOB", false, 1), &shown).unwrap();
    assert_eq!(denied.state, RunState::Denied);
    assert_eq!(decide(denied, by("U3CAROL", true, 2), &shown).unwrap_err(), Refused::NotWaiting, "one no kills it");
    let mut tokens = high.clone();
    tokens.requested_by = Caller::slack("jwt:alice@example.com");
    tokens.hash = hash(&tokens);
    let known = tokens.hash.clone();
    let other = decide(tokens.clone(), by("idp:auth0|42", true, 1), &known);
    assert_eq!(other.unwrap_err(), Refused::Unknown, "one person can have tokens of two issuers");
    assert!(decide(tokens, by("jwt:bob@example.com", true, 1), &known).is_ok());
    let own = decide(high, by("U1ALICE", false, 1), &shown).unwrap();
    assert_eq!(own.state, RunState::Denied, "who asked may take it back");
    let low = run(Risk::Low);
    let shown = low.hash.clone();
    assert_eq!(decide(low, by("U1ALICE", true, 1), &shown).unwrap().state, RunState::Approved, "little risk needs one person");
}

#[test]
fn two_approvals_are_two_people() {
    let mut high = run(Risk::High);
    high.needed = 2;
    high.hash = hash(&high);
    let shown = high.hash.clone();
    let one = decide(high, by("U2BOB", true, 1), &shown).unwrap();
    assert_eq!(one.state, RunState::Waiting);
    assert_eq!(decide(one.clone(), by("U2BOB", true, 2), &shown).unwrap_err(), Refused::Again);
    let second_thoughts = decide(one.clone(), by("U2BOB", false, 2), &shown).unwrap();
    assert_eq!(second_thoughts.state, RunState::Denied, "whoever agreed may still say no");
    assert_eq!(decide(one, by("U3CAROL", true, 2), &shown).unwrap().state, RunState::Approved);
    assert_eq!(Terms::people(Risk::High, None, &Caller::slack("key:ci")).0, 2, "what a machine asks for takes two people");
}

#[test]
fn a_no_to_a_run_under_way_stops_it_after_its_step() {
    let high = run(Risk::High);
    let shown = high.hash.clone();
    let mut running = decide(high, by("U2BOB", true, 1), &shown).unwrap();
    running.state = RunState::Running;
    running.steps[0].state = StepState::Begun;
    assert_eq!(decide(running.clone(), by("U3CAROL", true, 30), &shown).unwrap_err(), Refused::NotWaiting);
    let stopped = decide(running, by("U3CAROL", false, 30), &shown).unwrap();
    assert_eq!((stopped.state, stopped.refuser().map(|no| no.by.id.as_str())), (RunState::Running, Some("U3CAROL")));
    assert!(Approved::of(&stopped, time(30)).is_ok(), "the step that was begun comes to its end");
    let mut unbegun = stopped.clone();
    unbegun.steps[0].state = StepState::Waiting;
    assert!(Approved::of(&unbegun, time(2)).is_err());
    assert_eq!(decide(stopped, by("U3CAROL", false, 31), &shown).unwrap_err(), Refused::Again);
}

#[test]
fn the_proof_is_only_for_what_was_approved() {
    let high = run(Risk::High);
    let shown = high.hash.clone();
    let approved = decide(high, by("U2BOB", true, 1), &shown).unwrap();
    assert!(Approved::of(&approved, time(14)).is_ok());
    let refused = |change: &dyn Fn(&mut Run), at: i64| {
        let mut other = approved.clone();
        change(&mut other);
        Approved::of(&other, time(at)).unwrap_err()
    };
    assert!(refused(&|_| {}, 15).contains("not used in time"));
    assert!(refused(&|run| run.steps[0].preview.seen = "other".to_owned(), 2).contains("not what was approved"));
    assert!(refused(&|run| run.parameters.clear(), 2).contains("not what was approved"));
    assert!(
        refused(
            &|run| if let Operation::Scale(of) = &mut run.steps[0].operation {
                of.replicas = 0
            },
            2
        )
        .contains("not what was approved")
    );
    assert!(refused(&|run| run.decisions.clear(), 2).contains("not enough people"));
    assert!(refused(&|run| run.decisions[0].by = run.requested_by.clone(), 2).contains("not enough people"));
    assert!(refused(&|run| run.hash = String::new(), 2).contains("not what was approved"));
    assert!(refused(&|run| run.state = RunState::Done, 2).contains("done"));
    assert!(refused(&|run| run.state = RunState::Waiting, 2).contains("waiting"));
    let mut begun = approved.clone();
    begun.steps[0].state = StepState::Begun;
    begun.state = RunState::Running;
    assert!(Approved::of(&begun, time(40)).is_ok(), "what was begun in time goes through");
}

#[test]
fn differences_are_named_by_their_place() {
    let before =
        json!({"replicas": 3, "containers": [{"name": "a", "image": "x:1", "env": [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]}]});
    let after =
        json!({"replicas": 5, "containers": [{"name": "a", "image": "x:2", "env": [{"name": "DB_PASSWORD", "value": "other-secret-9"}]}]});
    let lines = kubernetes::diff(&before, &after);
    assert!(lines.contains(&"- containers.a.image: x:1".to_owned()) && lines.contains(&"+ replicas: 5".to_owned()), "{lines:?}");
    assert!(!lines.join("\n").contains("hunter2") && !lines.join("\n").contains("other-secret"), "{lines:?}");
    let many: Value = (0..100).map(|at| (format!("f{at}"), json!(at))).collect::<serde_json::Map<_, _>>().into();
    assert!(kubernetes::diff(&json!({}), &many).len() <= kubernetes::DIFF_MAX + 1);
}

#[test]
fn the_runbook_that_undoes_a_cited_change_comes_first() {
    use crate::model::{Alert, Incident};
    let ids = |kind: &str| {
        let report = json!({
            "status": "complete", "headline": "", "affected": [], "timeline": [], "impact": "", "immediate_actions": [], "prevention": [], "gaps": [],
            "ruled_out": [], "similar": [], "routing": {"agents": [], "reasons": []}, "tool_calls": 1, "duration_ms": 1,
            "evidence": [{"id": "E1", "kind": kind, "source": "s", "query": "", "entity": {}, "time": null, "until": null, "summary": "", "excerpt": "",
                "link": null, "decisive": true}],
            "hypotheses": [{"rank": 1, "category": "oom_killed", "statement": "", "entity": {}, "confidence": 0.9, "supporting": ["E1"],
                "contradicting": [], "falsifier": "", "remediation": [], "prevention": []}],
        });
        let mut incident = Incident::opened(Alert::default(), time(0));
        incident.report = Some(serde_json::from_value(report).unwrap());
        Catalog::embedded().for_incident(&incident).iter().map(|runbook| runbook.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("change").first().map(String::as_str), Some("roll-back-workload"));
    assert_eq!(ids("condition").first().map(String::as_str), Some("raise-memory-limit"));
}

#[test]
fn no_secret_of_a_template_is_in_its_difference() {
    const SECRET: &str = "hunter2hunter2";
    let bare = json!({"spec": {"containers": [{"name": "checkout", "image": "shop/checkout:1"}]}});
    let full = json!({"spec": {"containers": [{
        "name": "checkout", "image": "shop/checkout:2", "args": [format!("--db-password={SECRET}"), "--verbose"],
        "env": [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "MODE", "value": "fast"}],
    }, {"name": "sidecar", "command": ["run", format!("token={SECRET}")], "env": [{"name": "API_TOKEN", "value": SECRET}]}]}});
    let mut other = full.clone();
    other["spec"]["containers"][0]["env"][0]["value"] = json!("another-password-2");
    for (before, after) in [(&bare, &full), (&full, &bare), (&full, &other), (&json!({}), &full)] {
        let lines = super::kubernetes::diff(before, after).join("\n");
        assert!(!lines.contains(SECRET) && !lines.contains("another-password-2"), "{lines}");
        assert!(!lines.is_empty());
    }
    let lines = super::kubernetes::diff(&bare, &full).join("\n");
    assert!(lines.contains("--verbose") && lines.contains("fast") && lines.contains("shop/checkout:2"), "{lines}");
}
