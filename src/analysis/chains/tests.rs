use jiff::Timestamp;

use super::{brings_about, fits};
use crate::{
    analysis::{Finding, Focus, Role, Seen, Thresholds, fuse::fuse, links::Links},
    model::{Category, Entity, EvidenceKind, observation::Observations},
};

fn at(time: &str) -> Option<Timestamp> {
    Some(format!("2026-01-15T{time}Z").parse().unwrap())
}

fn seen(kind: EvidenceKind, entity: &Entity, time: &str, summary: &str, excerpt: &str) -> Seen {
    Seen::new(kind, "evidence.json", entity.clone(), summary.to_owned()).at(at(time), None).quoting(excerpt.to_owned())
}

fn cause(category: Category, entity: &Entity, time: &str, statement: &str) -> Finding {
    Finding::new(category, Role::Cause, entity.clone(), statement.to_owned()).decisive().saw(seen(
        EvidenceKind::Condition,
        entity,
        time,
        statement,
        "",
    ))
}

fn change(entity: &Entity, time: &str, summary: &str, diff: &str) -> Finding {
    let change = Entity::new("Change", "", "9c41e7d2");
    Finding::new(Category::BadChange, Role::Cause, entity.clone(), format!("The deploy fits: {summary}"))
        .strength(0.8)
        .saw(seen(EvidenceKind::Change, &change, time, summary, diff))
        .fix("git revert 9c41e7d2")
}

fn checkout() -> Entity {
    Entity::new("Deployment", "shop", "checkout")
}

fn focus() -> Focus {
    Focus { entities: vec![checkout()], namespace: "shop".into(), words: vec!["checkout".into()], ..Focus::default() }
}

fn rank(findings: Vec<Finding>) -> Vec<crate::model::Hypothesis> {
    let links = Links::of(&Observations::default());
    fuse(findings, &focus(), &links, &Thresholds::embedded()).hypotheses
}

#[test]
fn effects_are_not_brought_about_by_themselves_or_backwards() {
    for one in Category::ALL {
        assert!(!brings_about(*one, *one), "{one}");
        for other in Category::ALL {
            assert!(!(brings_about(*one, *other) && brings_about(*other, *one)), "{one} and {other} would take each other over for ever");
        }
    }
}

#[test]
fn a_deeper_cause_takes_over_its_effects_in_whatever_order_they_come() {
    let policy = cause(
        Category::NetworkPolicy,
        &Entity::new("NetworkPolicy", "shop", "default-deny"),
        "14:00:00",
        "NetworkPolicy shop/default-deny cuts DNS",
    );
    let dns = cause(Category::DnsFailure, &checkout(), "14:01:00", "DNS resolution fails");
    let timeout = cause(Category::ConnectionTimeout, &checkout(), "14:02:00", "Calls time out");
    for findings in [vec![policy.clone(), dns.clone(), timeout.clone()], vec![timeout, dns, policy]] {
        let ranked = rank(findings);
        assert_eq!(ranked.iter().map(|cause| cause.category).collect::<Vec<_>>(), [Category::NetworkPolicy]);
        assert_eq!(ranked[0].supporting.len(), 3, "it cites its effects");
    }
}

#[test]
fn a_fault_of_another_namespace_is_no_effect() {
    let policy = cause(
        Category::NetworkPolicy,
        &Entity::new("NetworkPolicy", "pay", "default-deny"),
        "14:00:00",
        "NetworkPolicy pay/default-deny cuts DNS",
    );
    let dns = cause(Category::DnsFailure, &checkout(), "14:01:00", "DNS resolution fails");
    assert_eq!(rank(vec![policy, dns])[0].category, Category::DnsFailure);
}

#[test]
fn a_change_of_the_very_field_leads_the_sentence_and_its_undoing_the_remedies() {
    let oom = cause(Category::OomKilled, &checkout(), "14:03:00", "checkout was OOMKilled");
    let diff = "checkout.image: a → b\ncheckout.resources.limits.memory: 512Mi → 128Mi";
    let ranked = rank(vec![oom, change(&checkout(), "14:02:00", "rollout to revision 18 of Deployment shop/checkout: 2 fields", diff)]);
    assert_eq!(ranked.len(), 1, "{ranked:#?}");
    assert_eq!(ranked[0].category, Category::OomKilled);
    assert_eq!(
        ranked[0].statement,
        "The rollout to revision 18 of Deployment shop/checkout changed checkout limits.memory: 512Mi → 128Mi; since then: checkout was OOMKilled"
    );
    assert_eq!(ranked[0].remediation, ["git revert 9c41e7d2"]);
}

#[test]
fn a_change_fits_only_when_it_touches_the_fault_and_came_before_it() {
    let links = Links::of(&Observations::default());
    let oom = cause(Category::OomKilled, &checkout(), "14:03:00", "checkout was OOMKilled");
    let cases = [
        ("14:02:00", "limits.memory: 512Mi → 128Mi", true),
        ("14:04:30", "limits.memory: 512Mi → 128Mi", true),
        ("14:06:00", "limits.memory: 512Mi → 128Mi", false),
        ("14:02:00", "image: a → b", false),
    ];
    for (time, diff, expected) in cases {
        let change = change(&checkout(), time, "rollout", diff);
        assert_eq!(fits(&oom, &change, &links).is_some(), expected, "{time} {diff}");
    }
    let index = cause(Category::MissingIndex, &Entity::new("Database", "", "orders"), "14:03:00", "no index on customerRef");
    let other = Entity::new("Service", "", "orders");
    assert!(fits(&index, &change(&other, "14:02:00", "deploy", "find(eq(\"customerRef\", ref))"), &links).is_some());
    assert!(fits(&index, &change(&other, "14:02:00", "deploy", "find(eq(\"orderId\", id))"), &links).is_none());
}

#[test]
fn replicas_with_the_same_fault_are_one_line() {
    let pod = |name: &str| Entity::new("Pod", "shop", name);
    let oom = |name: &str| {
        let statement = format!("pod {name} was OOMKilled");
        cause(Category::OomKilled, &pod(name), "14:03:00", &statement)
    };
    let ranked = rank(vec![oom("checkout-7f5b9c4d68-4xk9p"), oom("checkout-7f5b9c4d68-j7wqm"), oom("checkout-7f5b9c4d68-zt6rd")]);
    assert_eq!((ranked.len(), ranked[0].supporting.len()), (1, 1));
    assert!(
        ranked[0].statement.ends_with("the same on 2 more: checkout-7f5b9c4d68-j7wqm, checkout-7f5b9c4d68-zt6rd"),
        "{}",
        ranked[0].statement
    );
}
