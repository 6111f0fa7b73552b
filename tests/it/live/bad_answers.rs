//! Every way of answering badly has a sentence that says what happened, where, and what to do; no credential is in any of them.

use std::time::Duration;

use serde_json::json;
use sre_agent::tools::{ToolError, ToolErrorKind};

use super::{call, tools};
use crate::fakes::misbehave::{Misbehaving, Mode};

const TOKEN: &str = "prometheus-token-that-nobody-may-see";

async fn asked(mode: Mode) -> Result<sre_agent::tools::Output, ToolError> {
    let server = Misbehaving::start(mode).await;
    let registry =
        tools(&format!("  limits: {{timeout: 8s, retries: 0}}\n  prometheus: {{main: {{url: '{}', token: {TOKEN}}}}}", server.url)).await;
    call(&registry, "prometheus_query", json!({"query": "up"})).await
}

#[tokio::test]
async fn each_bad_answer_has_its_sentence() {
    use ToolErrorKind as K;
    let text = "content-type: application/json\r\n";
    let html = "content-type: text/html\r\n";
    let table = [
        (
            Mode::Says("401 Unauthorized", text, r#"{"error":"token expired"}"#),
            K::Unauthenticated,
            "does not know our credentials (401): token expired. Check them in `sources.prometheus.main`",
        ),
        (
            Mode::Says("403 Forbidden", text, r#"{"message":"no access to tenant"}"#),
            K::PermissionDenied,
            "does not allow this to our credentials (403): no access to tenant",
        ),
        (
            Mode::Says("404 Not Found", text, "nothing"),
            K::NotFound,
            "has nothing at /api/v1/query_range (404): nothing: is `sources.prometheus.main.url` right",
        ),
        (
            Mode::Says("429 Too Many Requests", "retry-after: 30\r\n", ""),
            K::RateLimited(Some(Duration::from_secs(30))),
            "limits how often it is asked (429), it wants 30 s of rest",
        ),
        (
            Mode::Says("400 Bad Request", text, r#"{"status":"error","errorType":"bad_data","error":"parse error at char 3"}"#),
            K::BadArguments,
            "does not understand the question (400): parse error at char 3",
        ),
        (Mode::Says("500 Internal Server Error", html, "<html>boom</html>"), K::Unavailable, "failed itself (500)"),
        (Mode::Says("503 Service Unavailable", text, "overloaded"), K::Unavailable, "failed itself (503): overloaded"),
        (
            Mode::Says("302 Found", "location: http://169.254.169.254/\r\n", ""),
            K::BadAnswer,
            "redirects to another address (302), which is not followed",
        ),
        (Mode::Says("200 OK", html, "<!DOCTYPE html><html>Sign in</html>"), K::BadAnswer, "a web page instead of data"),
        (Mode::Says("200 OK", text, ""), K::BadAnswer, "answered with nothing"),
        (Mode::HalfClosed, K::Unavailable, "ended its answer in the middle"),
        (Mode::Drips, K::Timeout, "gave no whole answer in 6 s"),
        (Mode::Hangs, K::Timeout, "gave no whole answer in 6 s"),
    ];
    let answers = futures_util::future::join_all(table.iter().map(|(mode, ..)| asked(mode.clone()))).await;
    for ((mode, kind, sentence), answer) in table.iter().zip(answers) {
        let error = answer.expect_err(&format!("{mode:?}"));
        assert!(error.kind == *kind && error.message.contains(sentence), "{mode:?}: {error:?}");
        assert!(!error.to_string().contains(TOKEN), "{error}");
    }
}

#[tokio::test]
async fn a_hundred_mebibytes_are_cut_and_rows_that_are_null_are_no_rows() {
    let huge = asked(Mode::Huge).await;
    let told = match &huge {
        Ok(output) => (output.truncated, output.cost.bytes),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(told, (true, 2 << 20), "two mebibytes are read and no more");
    for body in [
        r#"{"status":"success","data":{"resultType":"matrix","result":null}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
        r#"{"data":null}"#,
        "null",
        "[]",
    ] {
        let output = asked(Mode::Says("200 OK", "content-type: text/plain\r\n", body)).await.unwrap();
        assert!(output.observations.metrics.is_empty(), "{body}");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_said() {
    let output = asked(Mode::Says(
        "200 OK",
        "date: Tue, 01 Jan 2019 00:00:00 GMT\r\n",
        r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
    ))
    .await
    .unwrap();
    assert!(
        output.observations.gaps.iter().any(|gap| gap.contains("the clock of sources.prometheus.main is") && gap.contains("behind ours")),
        "{:?}",
        output.observations.gaps
    );
}

#[tokio::test]
async fn nobody_there_and_names_that_do_not_exist() {
    for (url, sentence) in [
        ("http://127.0.0.1:9", "nobody listens on 127.0.0.1:9 (connection refused): check `sources.prometheus.main.url`"),
        ("http://prometheus.invalid:9090", "prometheus.invalid"),
    ] {
        let registry = tools(&format!("  limits: {{retries: 0}}\n  prometheus: {{main: {{url: '{url}'}}}}")).await;
        let error = call(&registry, "prometheus_query", json!({"query": "up"})).await.unwrap_err();
        assert!(error.kind == ToolErrorKind::Unavailable && error.message.contains(sentence), "{error}");
    }
}

#[tokio::test]
async fn five_failures_open_the_circuit_and_the_next_call_costs_nothing() {
    let server = Misbehaving::start(Mode::Says("503 Service Unavailable", "", "")).await;
    let registry = tools(&format!("  limits: {{retries: 0}}\n  prometheus: {{main: {{url: '{}'}}}}", server.url)).await;
    for at in 0..5 {
        let error = call(&registry, "prometheus_query", json!({"query": format!("up == {at}")})).await.unwrap_err();
        assert_eq!(error.kind, ToolErrorKind::Unavailable);
    }
    let error = call(&registry, "prometheus_query", json!({"query": "up"})).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::NotAsked && error.message.contains("not asked: it failed 5 times in a row"), "{error}");
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_told_by_name() {
    let registry = tools("  prometheus: {main: {url: 'http://127.0.0.1:9'}}\n  loki: {main: {url: 'http://127.0.0.1:9'}}").await;
    for (tool, arguments, sentence) in [
        ("prometheus_query", json!({"qery": "up"}), "unknown field `qery`, expected one of `query`, `from`, `until`"),
        ("prometheus_query", json!({"query": 5}), "invalid type: integer `5`, expected a string"),
        ("prometheus_query", json!({"query": " "}), "`query` is empty"),
        ("prometheus_query", json!({"query": "up", "from": "yesterday"}), "do not fit"),
        ("loki_query", json!({"query": "{a=\"b\"}", "limit": 100_000}), "`limit`: 100000 is not between 1 and 1000"),
    ] {
        let error = call(&registry, tool, arguments).await.unwrap_err();
        assert!(error.kind == ToolErrorKind::BadArguments && error.message.contains(sentence), "{error}");
    }
    let error = call(&registry, "no_such_tool", json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), "no_such_tool: is not configured");
}
