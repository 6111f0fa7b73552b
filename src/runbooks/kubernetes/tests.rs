use serde_json::{Value, json};

use super::{diff, digest, mark, marked};

const SECRET: &str = "hunter2hunter2";

fn pods(containers: Value) -> Value {
    json!({"serviceAccountName": "checkout", "containers": containers})
}

/// Neither way round a secret is in the lines; returned are those of before → after.
fn without_secrets(before: &Value, after: &Value) -> String {
    let there = diff(before, after).join("\n");
    let back = diff(after, before).join("\n");
    assert!(!there.contains("hunter2") && !back.contains("hunter2"), "{there}\n{back}");
    there
}

#[test]
fn a_diff_shows_no_secret_of_arguments_or_of_variables_that_only_one_side_has() {
    let bare = pods(json!([{"name": "a", "image": "x:1"}]));
    let full = pods(json!([{
        "name": "a", "image": "x:1", "args": [format!("--db-password={SECRET}"), "--verbose"], "command": ["run", "--token", SECRET],
        "env": [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "DB_URL", "value": format!("mongodb://u:{SECRET}@db/")}, {"name": "MODE", "value": "fast"}],
    }]));
    let lines = without_secrets(&bare, &full);
    for part in ["+ containers.a.args: ", "--verbose", "+ containers.a.env: ", "\"MODE\"", "fast"] {
        assert!(lines.contains(part), "`{part}` is not in {lines}");
    }
    let lines = without_secrets(&pods(Value::Null), &full);
    assert!(lines.contains("x:1"), "a list that is absent: {lines}");
    let lines = without_secrets(&pods(json!([])), &full);
    assert!(lines.contains("- containers: []"), "a list without names: {lines}");
}

#[test]
fn a_secret_that_changes_has_its_lines_and_not_its_values() {
    let with =
        |secret: &str| pods(json!([{"name": "a", "args": ["--password", secret], "env": [{"name": "DB_PASSWORD", "value": secret}]}]));
    let lines = without_secrets(&with(SECRET), &with("hunter2-and-another"));
    for part in [
        "- containers.a.args: ",
        "+ containers.a.args: ",
        "- containers.a.env.DB_PASSWORD.value: ",
        "+ containers.a.env.DB_PASSWORD.value: ",
    ] {
        assert!(lines.contains(part), "`{part}` is not in {lines}");
    }
}

#[test]
fn a_mark_says_its_step_and_what_it_left() {
    let object = |mark: &str| json!({"metadata": {"annotations": {"sre-agent/run": mark}}});
    assert_eq!(marked(&object(&mark("r/0/undone", "1f.2e"))), ("r/0/undone", "1f.2e"));
    assert_eq!(marked(&object("r/0")), ("r/0", ""), "of an older version");
    assert_eq!(marked(&json!({})), ("", ""));
    let parts = (json!({"a": 1, "b": {"c": 2, "d": 3}}), json!({"b": {"d": 3, "c": 2}, "a": 1}));
    assert_eq!(digest(&[&parts.0]), digest(&[&parts.1]), "the order of fields says nothing");
}
