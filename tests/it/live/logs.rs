//! The same incident in every log backend: its lines are found, counted, cited, and bounded.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sre_agent::{app::system_clock, tools::ToolErrorKind};

use super::{call, tools};
use crate::fakes::{
    logs::{self, Line, credentials_stay_in_headers},
    server::Server,
};

const SECRET: &str = "key-that-nobody-may-see";
const OTHER: &str = "other-key-that-nobody-may-see";

/// An hour of the shop; checkout cannot reach its database since a quarter of an hour, and another team's service fails, too.
fn lines(now: Timestamp) -> Vec<Line> {
    let mut out = Vec::new();
    for second in (0..3600).step_by(10) {
        let time = now - SignedDuration::from_secs(3600 - second);
        let line = |namespace, service, level, text: String| Line { time, namespace, service, level, text };
        out.push(line("shop", "checkout", "info", format!("order {} placed", 1000 + second)));
        out.push(line("blog", "comments", "error", "cannot load avatar: not found".to_owned()));
        if second > 2700 {
            out.push(line(
                "shop",
                "checkout",
                "error",
                format!("payment failed: connection refused: dial tcp 10.0.0.{}:5432, password=hunter2hunter2", second % 7),
            ));
        }
    }
    out
}

async fn checked(server: &Server, settings: &str, tool: &str) {
    let registry = tools(settings).await;
    let output = call(&registry, tool, json!({"namespace": "shop", "words": ["checkout"]})).await.unwrap();
    let found = &output.observations;
    assert_eq!(found.gaps, Vec::<String>::new(), "{tool}");
    let all: Vec<&str> = found.logs.iter().flat_map(|log| &log.lines).map(|line| line.text.as_str()).collect();
    let failed = all.iter().filter(|text| text.contains("connection refused")).count();
    assert_eq!(failed, 89, "{tool}: every line of trouble once, of {}", all.len());
    assert!(all.iter().any(|text| text.contains("placed")), "{tool}: what is usual is there");
    assert!(!all.iter().any(|text| text.contains("avatar")), "{tool}: and nothing of others");
    assert!(!super::text(found).contains("hunter2hunter2"), "{tool}: no secret");
    assert!(!output.asked.is_empty() && output.asked.iter().any(|asked| !asked.query.is_empty()), "{tool}: {:?}", output.asked);
    assert!(output.cost.calls <= 12 && output.cost.bytes > 1000, "{tool}: {:?}", output.cost);
    for secret in [SECRET, OTHER] {
        assert!(credentials_stay_in_headers(server, secret) && !serde_json::to_string(&output).unwrap().contains(secret), "{tool}");
    }
    let nothing = call(&registry, tool, json!({"namespace": "nowhere", "words": ["nobody"]})).await.unwrap();
    assert!(nothing.observations.logs.is_empty(), "{tool}: {:?}", nothing.observations.logs);
}

#[tokio::test]
async fn loki() {
    let server = logs::loki(lines(system_clock().now()), "team-a").await;
    let settings = format!("  loki: {{main: {{url: '{}', tenant: team-a}}}}", server.url);
    checked(&server, &settings, "loki_logs").await;
    let registry = tools(&settings).await;
    let counted = call(&registry, "loki_logs", json!({"namespace": "shop", "words": ["checkout"]})).await.unwrap();
    let series = counted.observations.metrics.iter().find(|series| series.metric == "log_errors").unwrap();
    assert_eq!(
        (series.entity.name.as_str(), series.points.iter().map(|(_, count)| count).sum::<f64>()),
        ("checkout", 89.0),
        "counts before samples"
    );
    let wrong = call(&registry, "loki_query", json!({"query": "{app=}"})).await.unwrap_err();
    assert!(wrong.kind == ToolErrorKind::BadArguments && wrong.message.contains("a quoted text is wanted"), "{wrong}");
    let stranger = tools(&format!("  loki: {{main: {{url: '{}'}}}}", server.url)).await;
    let error = call(&stranger, "loki_logs", json!({})).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::Unauthenticated && error.message.contains("no org id"), "{error}");
}

#[tokio::test]
async fn elasticsearch_and_opensearch() {
    let server = logs::elasticsearch(lines(system_clock().now()), SECRET).await;
    for kind in ["elasticsearch", "opensearch"] {
        let settings = format!("  {kind}: {{main: {{url: '{}', api_key: {SECRET}, index: 'logs-*'}}}}", server.url);
        checked(&server, &settings, &format!("{kind}_logs")).await;
    }
    let registry = tools(&format!("  elasticsearch: {{main: {{url: '{}', api_key: wrong-key}}}}", server.url)).await;
    let error = call(&registry, "elasticsearch_logs", json!({})).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::Unauthenticated && error.message.contains("missing authentication credentials"), "{error}");
    let registry = tools(&format!("  elasticsearch: {{main: {{url: '{}', api_key: {SECRET}}}}}", server.url)).await;
    let found = call(&registry, "elasticsearch_query", json!({"query": "service.name:checkout AND refused", "limit": 5})).await.unwrap();
    assert_eq!(found.observations.logs[0].lines.len(), 5);
}

#[tokio::test]
async fn victorialogs_is_never_asked_without_a_limit() {
    let server = logs::victorialogs(lines(system_clock().now())).await;
    checked(&server, &format!("  victorialogs: {{main: {{url: '{}'}}}}", server.url), "victorialogs_logs").await;
    assert!(server.asked().iter().all(|asked| asked.get("limit").is_some()));
}

#[tokio::test]
async fn datadog() {
    let server = logs::datadog(lines(system_clock().now()), (SECRET, OTHER)).await;
    checked(
        &server,
        &format!("  datadog: {{main: {{url: '{}', api_key: {SECRET}, application_key: {OTHER}}}}}", server.url),
        "datadog_logs",
    )
    .await;
    let registry = tools(&format!("  datadog: {{main: {{url: '{}', api_key: x, application_key: y}}}}", server.url)).await;
    let error = call(&registry, "datadog_logs", json!({})).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::PermissionDenied && error.message.contains("Forbidden"), "{error}");
}

#[tokio::test]
async fn signoz_of_today_and_of_before() {
    let server = logs::signoz(lines(system_clock().now()), SECRET, false).await;
    checked(&server, &format!("  signoz: {{main: {{url: '{}', api_key: {SECRET}}}}}", server.url), "signoz_logs").await;
    let registry = tools(&format!("  signoz: {{main: {{url: '{}', api_key: {SECRET}}}}}", server.url)).await;
    let wrong = call(&registry, "signoz_search", json!({"signal": "logs", "filter": "nokey = 'x'"})).await.unwrap_err();
    assert!(wrong.kind == ToolErrorKind::BadArguments && wrong.message.contains("key `nokey` not found"), "{wrong}");

    let old = logs::signoz(lines(system_clock().now()), SECRET, true).await;
    let registry = tools(&format!("  signoz: {{main: {{url: '{}', api_key: {SECRET}}}}}", old.url)).await;
    let output = call(&registry, "signoz_logs", json!({"namespace": "shop", "words": ["checkout"]})).await.unwrap();
    let failed = output.observations.logs.iter().flat_map(|log| &log.lines).filter(|line| line.text.contains("connection refused")).count();
    assert_eq!((failed, output.observations.gaps.len()), (89, 0), "{:?}", output.observations.gaps);
    let before = old.asked().iter().filter(|asked| asked.path == "/api/v5/query_range").count();
    call(&registry, "signoz_search", json!({"signal": "logs"})).await.unwrap();
    assert_eq!(old.asked().iter().filter(|asked| asked.path == "/api/v5/query_range").count(), before, "version 5 is not tried for ever");
}
