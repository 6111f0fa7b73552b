use serde_json::json;

use super::*;
use crate::model::observation::Object;

#[test]
fn names_lose_what_controllers_append() {
    let cases = [
        ("cart-7c5ddbdf54-x2x9v", "cart"),
        ("cart-7c5ddbdf54", "cart"),
        ("java-api-checker-mdr44", "java-api-checker"),
        ("kafka-controller-0", "kafka-controller"),
        ("cart", "cart"),
        ("frontend-service", "frontend-service"),
        ("", ""),
    ];
    for (name, expected) in cases {
        assert_eq!(stem(name), expected, "{name}");
    }
}

#[test]
fn a_pod_is_linked_to_its_owner_its_claim_and_its_service() {
    let object = |kind: &str, name: &str, body: Value| Object {
        kind: kind.to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        body,
        ..Object::default()
    };
    let observations = Observations {
        objects: vec![
            object(
                "Pod",
                "cart-0",
                json!({"metadata": {"labels": {"app": "cart"}, "ownerReferences": [{"kind": "StatefulSet", "name": "cart", "controller": true}]},
                    "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data-cart-0"}}]}}),
            ),
            object("Service", "front", json!({"spec": {"selector": {"app": "cart"}}})),
        ],
        ..Observations::default()
    };
    let links = Links::of(&observations);
    let pod = Entity::new("Pod", "shop", "cart-0");
    assert_eq!(links.root(&pod).name, "cart");
    assert!(links.related(&pod, &Entity::new("PersistentVolumeClaim", "shop", "data-cart-0")));
    assert!(links.related(&Entity::new("Service", "shop", "front"), &pod));
    assert!(!links.related(&pod, &Entity::new("Pod", "shop", "mail-0")));
    assert!(!links.related(&pod, &Entity::new("StatefulSet", "other", "cart")));
}

#[test]
fn what_the_evidence_does_not_contain_is_unknown() {
    let object = Object { kind: "Pod".to_owned(), name: "cart-7c5ddbdf54-x2x9v".to_owned(), ..Object::default() };
    let links = Links::of(&Observations { objects: vec![object], ..Observations::default() });
    let focus = |word: &str| Focus { words: vec![word.to_owned()], ..Focus::default() };
    assert!(links.is_known(&focus("cart")));
    assert!(!links.is_known(&focus("mail")));
    assert!(links.is_known(&Focus::default()));
}
