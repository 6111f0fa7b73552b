//! The description against the router.

use std::collections::BTreeSet;

use super::{BASE, openapi, problem::Kind, routes};

fn described() -> BTreeSet<(String, String)> {
    let paths = openapi::document()["paths"].as_object().unwrap();
    let pairs =
        paths.iter().flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone())));
    pairs.collect()
}

#[test]
fn the_description_lists_exactly_what_is_served() {
    let served: BTreeSet<(String, String)> =
        routes().into_iter().map(|(method, path, _)| (method.to_owned(), format!("{BASE}{path}"))).collect();
    assert_eq!(described(), served);
}

#[test]
fn every_operation_is_described_in_full() {
    let document = openapi::document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (method, path) in described() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let of = |field: &str| operation[field].as_str().unwrap_or_default();
        assert!(ids.insert(of("operationId").to_owned()) && !of("operationId").is_empty(), "{method} {path}");
        assert!(!of("summary").is_empty() && operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{method} {path}");
        let public =
            operation["security"].as_array().is_some_and(|security| security.iter().any(|one| one.as_object().unwrap().is_empty()));
        assert_eq!(public, path.ends_with("/health") || path.ends_with("/openapi.json"), "{method} {path}");
        assert!(public || operation["responses"]["401"].is_object(), "{method} {path}");
        for parameter in operation["parameters"].as_array().unwrap() {
            assert!(!parameter.to_string().contains("null"), "{method} {path}: {parameter}");
        }
    }
    // What is wanted in a body is all that is taken.
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if name.ends_with("Given") && schema["properties"].is_object() && !name.contains("Data") {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
    }
}

#[test]
fn every_kind_of_problem_is_told_from_the_others() {
    let slugs: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
    assert_eq!(slugs.len(), Kind::ALL.len());
    assert!(Kind::ALL.iter().all(|kind| kind.status().is_client_error() || kind.status().is_server_error()));
}
