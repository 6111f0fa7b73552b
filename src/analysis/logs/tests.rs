use proptest::prelude::*;

use super::*;
use crate::{
    analysis::Role,
    model::{
        Category, Entity,
        observation::{Level, LogLine},
    },
};

fn stream(lines: &[(Level, &str)]) -> LogStream {
    let lines = (1_u32..).zip(lines).map(|(number, (level, text))| LogLine {
        number,
        level: *level,
        text: (*text).to_owned(),
        ..LogLine::default()
    });
    LogStream {
        source: "app.log".to_owned(),
        entity: Entity::new("Pod", "blue", "app-1"),
        lines: lines.collect(),
        dialect: "text".to_owned(),
        ..LogStream::default()
    }
}

fn ask(streams: &[LogStream], question: &str) -> Vec<Finding> {
    let mut found = findings(streams, &Focus { text: question.to_owned(), ..Focus::default() });
    found.sort_by(|a, b| a.role.cmp(&b.role).then(b.strength.total_cmp(&a.strength)));
    found
}

#[test]
fn what_works_again_is_no_cause() {
    let down = (Level::Warn, "cannot reach cache.blue:6379: connection refused (will retry)");
    let up = (Level::Info, "connected to cache.blue:6379");
    assert_eq!(ask(&[stream(&[down, up, (Level::Info, "ready")])], "")[0].role, Role::Context);
    assert_eq!(ask(&[stream(&[up, down])], "")[0].role, Role::Cause);
    let other = (Level::Info, "connected to ledger.blue:5432");
    assert_eq!(ask(&[stream(&[down, other])], "")[0].role, Role::Cause);
}

#[test]
fn failed_requests_are_counted() {
    let bad = (Level::Info, r#"1.2.3.4 - - "GET /pay HTTP/1.1" 503 UH no_healthy_upstream outbound|80||pay.blue.svc"#);
    let good = (Level::Info, r#"1.2.3.4 - - "GET /failed/503 HTTP/1.1" 200 -"#);
    assert!(ask(&[stream(&[good, good, good, bad])], "").is_empty());
    let found = ask(&[stream(&[bad, bad, bad, good])], "");
    assert_eq!((found[0].category, found[0].role, found[0].entity.name.as_str()), (Category::NoEndpoints, Role::Cause, "pay"));
}

#[test]
fn a_needle_in_many_lines_is_found() {
    let mut lines = vec![(Level::Info, "tick done"); 5000];
    lines[2500] = (Level::Error, "cannot reach ledger:8443: connection refused");
    let found = ask(&[stream(&lines)], "");
    assert_eq!((found.len(), found[0].category), (1, Category::ConnectionRefused));
    assert!(found[0].statement.contains("ledger:8443") && found[0].seen[0].summary.starts_with("1×"));
}

#[test]
fn a_quoted_phrase_is_looked_up() {
    let found = ask(
        &[stream(&[(Level::Info, "link up"), (Level::Info, "Lamp broken"), (Level::Info, "link up")])],
        "Was there any 'lamp broken' reported?",
    );
    assert!(found[0].decisive && found[0].statement.contains("'lamp broken' stands 1 time"), "{}", found[0].statement);
}

#[test]
fn a_slow_database_call_names_its_procedure() {
    let lines = [(Level::Info, "calling stored procedure: sp_Blue"), (Level::Info, "Database call completed in 9.5 seconds.")];
    let found = ask(&[stream(&lines)], "Why is the latency high?");
    assert_eq!((found[0].category, found[0].role), (Category::SlowQuery, Role::Cause));
    assert!(found[0].statement.contains("sp_Blue"), "{}", found[0].statement);
}

#[test]
fn a_question_for_the_errors_gets_all_kinds() {
    let lines = [
        (Level::Error, "connect ECONNREFUSED redis:6379"),
        (Level::Error, "query failed: syntax error at or near \"FORM\""),
        (Level::Error, "query failed: duplicate key value violates unique constraint \"a\""),
    ];
    let found = ask(&[stream(&lines)], "Show me the errors of app");
    let text = &found[0].statement;
    assert!(text.contains("redis") && text.contains("syntax") && text.contains("unique"), "{text}");
}

#[test]
fn a_healthy_log_yields_nothing() {
    let lines = [
        (Level::Info, "started on :8080"),
        (Level::Info, "GET /errors 200 in 3ms"),
        (Level::Info, "sync finished: 0 errors"),
        (Level::Debug, "retry after connection refused"),
    ];
    assert!(ask(&[stream(&lines)], "").is_empty());
}

#[test]
fn a_terminal_report_shows_the_first_error() {
    let log = stream(&[(Level::Info, "a"), (Level::Error, "no space left on device: /data")]);
    let mut watch = anomalies::Watch::default();
    log.lines.iter().for_each(|line| watch.add(line));
    let text = watch.report().to_string();
    assert!(text.contains("first error") && text.contains("The disk is full"), "{text}");
}

const CI: &str = "Why did this CI job fail?";

#[test]
fn a_try_that_was_repeated_does_not_fail_a_job() {
    let tried = (Level::Warn, "GET https://registry.blue/x error (ECONNRESET). Will retry in 10 seconds.");
    let lock = (Level::Error, "ERR_PNPM_OUTDATED_LOCKFILE  pnpm-lock.yaml is not up to date with package.json");
    let found = ask(&[stream(&[tried, (Level::Info, "resolved 12"), (Level::Info, "reused 3"), lock])], CI);
    assert!(found[0].statement.contains("OUTDATED_LOCKFILE"), "{}", found[0].statement);
    assert!(ask(&[stream(&[tried])], CI).iter().any(|one| one.role == Role::Cause));
}

#[test]
fn the_last_words_name_a_place_or_the_file_that_differs() {
    let end = (Level::Error, "Process completed with exit code 1.");
    let style = [(Level::Error, "src/Blue.java:71:5: Missing a Javadoc comment."), (Level::Info, "Audit done."), end];
    assert!(ask(&[stream(&style)], CI)[0].statement.contains("Blue.java:71"));
    let lines = ["diff --git a/api.gen.go b/api.gen.go", "@@ -1,2 +1,3 @@", "+\tRetryable bool"].map(|line| (Level::Info, line));
    let [head, hunk, added] = lines;
    assert!(ask(&[stream(&[head, hunk, added, end])], CI)[0].statement.contains("api.gen.go"));
}

proptest! {
    #[test]
    fn no_log_is_too_odd(lines in proptest::collection::vec("\\PC{0,80}", 0..12), question in "\\PC{0,60}") {
        let lines: Vec<(Level, &str)> = lines.iter().map(|line| (Level::Warn, line.as_str())).collect();
        ask(&[stream(&lines)], &question);
    }
}
