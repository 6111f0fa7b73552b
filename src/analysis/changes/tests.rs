use super::*;
use crate::model::observation::{LogLine, LogStream};

fn change(id: &str, minute: i8, summary: &str, diff: &str) -> Change {
    Change {
        id: id.to_owned(),
        kind: "commit".to_owned(),
        summary: summary.to_owned(),
        diff: diff.to_owned(),
        time: format!("2026-01-01T10:{minute:02}:00Z").parse().ok(),
        ..Change::default()
    }
}

fn case(changes: Vec<Change>, log: &str) -> Vec<Finding> {
    let now = "2026-01-01T10:50:00Z".parse().ok();
    let line = LogLine { number: 1, time: now, level: Level::Error, text: log.to_owned(), ..LogLine::default() };
    let observations =
        Observations { changes, logs: vec![LogStream { lines: vec![line], ..LogStream::default() }], ..Observations::default() };
    let focus = Focus { text: "basketservice answers 500".to_owned(), words: vec!["basketservice".to_owned()], now, ..Focus::default() };
    findings(&observations, &focus)
}

#[test]
fn the_change_that_speaks_of_the_symptom_is_named_not_the_latest() {
    let changes = vec![
        change("aaa1", 10, "shorten voucher rounding", "- roundVoucher(total)\n+ total.floor()"),
        change("bbb2", 20, "tune colours of the banner", "+ color: red"),
        change("ccc3", 45, "log the build number", "+ log(build)"),
    ];
    let found = case(changes, "panic in roundVoucher: voucher total is NaN, rounding failed");
    assert!(found[0].statement.contains("aaa1"), "{}", found[0].statement);
    assert!(found[0].seen.iter().any(|seen| seen.entity.name == "aaa1"));
}

#[test]
fn no_change_is_named_when_none_speaks_of_the_symptom() {
    let changes = vec![
        change("bbb2", 20, "tune colours of the banner", "+ color: red"),
        change("ccc3", 45, "print the build number", "+ print(build)"),
    ];
    assert!(case(changes, "x509: certificate has expired or is not yet valid").is_empty());
}

#[test]
fn a_change_after_the_onset_is_innocent() {
    let changes = vec![
        change("aaa1", 58, "voucher rounding", "roundVoucher voucher rounding NaN"),
        change("ccc3", 45, "print the build number", "+ print(build)"),
    ];
    assert!(case(changes, "panic in roundVoucher: voucher total is NaN").iter().all(|finding| !finding.statement.contains("aaa1")));
}
