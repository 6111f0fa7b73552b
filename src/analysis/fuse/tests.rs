use serde_json::json;

use super::*;
use crate::model::{
    Category, Entity, EvidenceKind,
    observation::{Object, Observations},
};

fn finding(category: Category, role: Role, entity: &Entity, statement: &str, decisive: bool) -> Finding {
    let finding = Finding::new(category, role, entity.clone(), statement).strength(0.8).saw(Seen::new(
        EvidenceKind::Condition,
        "test",
        entity.clone(),
        format!("saw {statement}"),
    ));
    if decisive { finding.decisive() } else { finding }
}

fn pod(name: &str) -> Entity {
    Entity::new("Pod", "shop", name)
}

fn links() -> Links {
    let object = |name: &str| Object {
        kind: "Pod".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        body: json!({}),
        ..Object::default()
    };
    Links::of(&Observations { objects: vec![object("cart-7c5ddbdf54-x2x9v"), object("mail-6f5cbdf85-c5fsf")], ..Observations::default() })
}

fn about(word: &str) -> Focus {
    Focus { words: vec![word.to_owned()], namespace: "shop".to_owned(), ..Focus::default() }
}

#[test]
fn a_cause_cites_the_symptom_that_it_explains() {
    let entity = pod("cart-7c5ddbdf54-x2x9v");
    let found = vec![
        finding(Category::CrashLoop, Role::Symptom, &entity, "it crashes", false),
        finding(Category::TlsCertificate, Role::Cause, &entity, "the certificate has expired", false),
    ];
    let fused = fuse(found, &about("cart"), &links(), &Thresholds::default());
    assert_eq!(fused.hypotheses.len(), 1);
    assert_eq!(fused.hypotheses[0].category, Category::TlsCertificate);
    assert_eq!(fused.hypotheses[0].supporting.len(), 2);
}

#[test]
fn what_concerns_the_subject_outranks_what_is_merely_broken_too() {
    let found = vec![
        finding(Category::ImagePull, Role::Cause, &pod("mail-6f5cbdf85-c5fsf"), "mail cannot pull", true),
        finding(Category::CrashLoop, Role::Symptom, &pod("cart-7c5ddbdf54-x2x9v"), "cart crashes", false),
    ];
    let fused = fuse(found, &about("cart"), &links(), &Thresholds::default());
    assert_eq!(fused.hypotheses[0].statement, "cart crashes");
}

#[test]
fn decisive_facts_outrank_statistics_and_confidence_is_capped() {
    let entity = pod("cart-7c5ddbdf54-x2x9v");
    let found = vec![
        finding(Category::CodeError, Role::Cause, &entity, "an exception", false).strength(1.0),
        finding(Category::OomKilled, Role::Cause, &entity, "out of memory", true),
    ];
    let fused = fuse(found, &about("cart"), &links(), &Thresholds::default());
    assert_eq!(fused.hypotheses[0].category, Category::OomKilled);
    assert!(fused.hypotheses.iter().all(|hypothesis| hypothesis.confidence <= CONFIDENCE_CAP));
    assert_eq!(fused.hypotheses.iter().map(|hypothesis| hypothesis.rank).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn context_and_weak_findings_are_not_asserted() {
    let entity = pod("mail-6f5cbdf85-c5fsf");
    let found = vec![
        finding(Category::Scheduling, Role::Context, &entity, "a node is cordoned", false),
        finding(Category::Misconfiguration, Role::Cause, &Entity::new("ConfigMap", "other", "x"), "unused", false).strength(0.1),
    ];
    assert!(fuse(found, &about("cart"), &links(), &Thresholds::default()).hypotheses.is_empty());
}

#[test]
fn the_order_of_the_findings_does_not_matter() {
    let entity = pod("cart-7c5ddbdf54-x2x9v");
    let found = vec![
        finding(Category::CrashLoop, Role::Symptom, &entity, "it crashes", false),
        finding(Category::CodeError, Role::Cause, &entity, "an exception", false),
        finding(Category::DnsFailure, Role::Cause, &pod("mail-6f5cbdf85-c5fsf"), "no name", true),
        finding(Category::CodeError, Role::Cause, &entity, "another exception", false),
    ];
    let mut turned = found.clone();
    turned.reverse();
    assert_eq!(
        fuse(found, &about("cart"), &links(), &Thresholds::default()),
        fuse(turned, &about("cart"), &links(), &Thresholds::default())
    );
}
