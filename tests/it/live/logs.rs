//! The same incident in every log backend: its lines are found, counted, cited, and bounded.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sre_agent::{app::system_clock, tools::ToolErrorKind};

use super::{call, tools};
use crate::fakes::backends::{
    datadog::Datadog,
    elastic::{Auth, Elastic, Flavour},
    loki::Loki,
    signoz::SigNoz,
    victorialogs::VictoriaLogs,
};

const SECRET: &str = "a2V5LXRoYXQtbm9ib2R5LW1heS1zZWU=";
const OTHER: &str = "other-key-that-nobody-may-see";

/// An hour of the shop; checkout cannot reach its database since a quarter of an hour, and another team's service fails, too.
/// `log` takes the time, the namespace, the service, the level and the words.
fn an_hour(log: impl Fn(Timestamp, &str, &str, &str, &str)) {
    let now = system_clock().now();
    for second in (0..3600).step_by(10) {
        let time = now - SignedDuration::from_secs(3600 - second);
        log(time, "shop", "checkout", "info", &format!("order {} placed", 1000 + second));
        log(time, "blog", "comments", "error", "cannot load avatar: not found");
        if second > 2700 {
            let words = format!("payment failed: connection refused: dial tcp 10.0.0.{}:5432, password=hunter2hunter2", second % 7);
            log(time, "shop", "checkout", "error", &words);
        }
    }
}

/// Every line of trouble is found once; `asked` is what the server was asked, without headers.
async fn checked(asked: impl Fn() -> Vec<String>, settings: &str, tool: &str) {
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
    let counted = found.metrics.iter().filter(|series| series.metric == "log_errors");
    assert!(counted.clone().all(|series| series.entity.name == "checkout"), "{tool}: {:?}", found.metrics);
    for secret in [SECRET, OTHER] {
        let told = serde_json::to_string(&output).unwrap();
        assert!(!asked().iter().any(|request| request.contains(secret)) && !told.contains(secret), "{tool}: credentials stay in headers");
    }
    let nothing = call(&registry, tool, json!({"namespace": "nowhere", "words": ["nobody"]})).await.unwrap();
    assert!(nothing.observations.logs.is_empty(), "{tool}: {:?}", nothing.observations.logs);
}

#[tokio::test]
async fn loki() {
    let server = Loki::start(Some("team-a")).await;
    an_hour(|time, namespace, service, level, words| {
        server.log(time, service, level, words, &[("namespace", namespace), ("app", service)])
    });
    let settings = format!("  loki: {{main: {{url: '{}', tenant: team-a}}}}", server.url);
    checked(|| server.requests(), &settings, "loki_logs").await;
    let registry = tools(&settings).await;
    let counted = call(&registry, "loki_logs", json!({"namespace": "shop", "words": ["checkout"]})).await.unwrap();
    let series = counted.observations.metrics.iter().find(|series| series.metric == "log_errors").unwrap();
    assert_eq!(series.points.iter().map(|(_, count)| count).sum::<f64>(), 89.0, "counts before samples");
    let wrong = call(&registry, "loki_query", json!({"query": "{app=}"})).await.unwrap_err();
    assert!(wrong.kind == ToolErrorKind::BadArguments && wrong.message.contains("parse error"), "{wrong}");
    let stranger = tools(&format!("  loki: {{main: {{url: '{}'}}}}", server.url)).await;
    let error = call(&stranger, "loki_logs", json!({})).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::Unauthenticated && error.message.contains("no org id"), "{error}");
}

#[tokio::test]
async fn elasticsearch_and_opensearch() {
    let elastic = Elastic::start(Flavour::Elasticsearch, Auth::ApiKey(SECRET.to_owned())).await;
    let open = Elastic::start(Flavour::OpenSearch, Auth::Basic("reader".to_owned(), OTHER.to_owned())).await;
    for server in [&elastic, &open] {
        an_hour(|time, namespace, service, level, words| {
            server.log("logs-shop", time, service, level, words, &[("kubernetes.namespace", namespace)])
        });
    }
    let settings = format!("  elasticsearch: {{main: {{url: '{}', api_key: '{SECRET}', index: 'logs-*'}}}}", elastic.url);
    checked(|| elastic.requests(), &settings, "elasticsearch_logs").await;
    let opens = format!("  opensearch: {{main: {{url: '{}', user: reader, password: {OTHER}}}}}", open.url);
    checked(|| open.requests(), &opens, "opensearch_logs").await;

    let found = call(&tools(&settings).await, "elasticsearch_query", json!({"query": "service.name:checkout AND refused", "limit": 5}))
        .await
        .unwrap();
    assert_eq!(found.observations.logs[0].lines.len(), 5);
    let wrong = tools(&format!("  elasticsearch: {{main: {{url: '{}', api_key: wrong-key}}}}", elastic.url)).await;
    let error = call(&wrong, "elasticsearch_logs", json!({})).await.unwrap_err();
    assert!(
        error.kind == ToolErrorKind::Unauthenticated && error.message.contains("Check them in `sources.elasticsearch.main`"),
        "{error}"
    );
    // As an index without a template maps every text: analysed, with a keyword beside it.
    let dynamic = Elastic::start(Flavour::Elasticsearch, Auth::ApiKey(SECRET.to_owned())).await;
    dynamic.dynamic_mapping();
    an_hour(|time, namespace, service, level, words| {
        dynamic.log("logs-shop", time, service, level, words, &[("kubernetes.namespace", namespace)])
    });
    let settings = format!("  elasticsearch: {{main: {{url: '{}', api_key: '{SECRET}'}}}}", dynamic.url);
    checked(|| dynamic.requests(), &settings, "elasticsearch_logs").await;
    dynamic.forbid("logs-shop");
    // What may not be seen is left out of a pattern without a word: then there are no fields, and nothing is made up.
    let hidden = call(&tools(&settings).await, "elasticsearch_logs", json!({"words": ["checkout"]})).await.unwrap();
    assert!(hidden.observations.gaps[0].contains("names services or namespaces") && hidden.observations.logs.is_empty());
}

#[tokio::test]
async fn victorialogs_is_never_asked_without_a_limit() {
    let server = VictoriaLogs::start(None).await;
    an_hour(|time, namespace, service, level, words| {
        server.log(time, service, level, words, &[("kubernetes.pod_namespace", namespace), ("kubernetes.container_name", service)]);
    });
    checked(|| server.requests(), &format!("  victorialogs: {{main: {{url: '{}'}}}}", server.url), "victorialogs_logs").await;
    assert_eq!(server.unbounded(), Vec::<String>::new());
}

#[tokio::test]
async fn datadog() {
    let server = Datadog::start(SECRET, OTHER).await;
    an_hour(|time, namespace, service, level, words| server.log(time, service, level, words, &[("kube_namespace", namespace)]));
    let settings = format!("  datadog: {{main: {{url: '{}', api_key: '{SECRET}', application_key: {OTHER}}}}}", server.url);
    checked(|| server.requests(), &settings, "datadog_logs").await;
    let registry = tools(&format!("  datadog: {{main: {{url: '{}', api_key: x, application_key: y}}}}", server.url)).await;
    let error = call(&registry, "datadog_logs", json!({})).await.unwrap_err();
    assert!(error.kind == ToolErrorKind::PermissionDenied && error.message.contains("Forbidden"), "{error}");
    server.fail_next(429, 1);
    let again = call(&tools(&settings).await, "datadog_logs", json!({"namespace": "shop", "words": ["checkout"]})).await.unwrap();
    assert!(again.observations.gaps.iter().any(|gap| gap.contains("limits how often it is asked (429)")), "a part is missing, and said");
}

#[tokio::test]
async fn signoz_of_today_and_of_before() {
    let (server, old) = (SigNoz::start(SECRET, false).await, SigNoz::start(SECRET, true).await);
    for server in [&server, &old] {
        an_hour(|time, namespace, service, level, words| server.log(time, service, level, words, &[("k8s.namespace.name", namespace)]));
    }
    let settings = |server: &SigNoz| format!("  signoz: {{main: {{url: '{}', api_key: '{SECRET}'}}}}", server.url);
    checked(|| server.requests(), &settings(&server), "signoz_logs").await;
    let registry = tools(&settings(&server)).await;
    let wrong = call(&registry, "signoz_search", json!({"signal": "logs", "filter": "nokey = 'x'"})).await.unwrap_err();
    assert!(wrong.kind == ToolErrorKind::BadArguments && wrong.message.contains("nokey"), "{wrong}");

    let registry = tools(&settings(&old)).await;
    let output = call(&registry, "signoz_logs", json!({"namespace": "shop", "words": ["checkout"]})).await.unwrap();
    let failed = output.observations.logs.iter().flat_map(|log| &log.lines).filter(|line| line.text.contains("connection refused")).count();
    assert_eq!((failed, output.observations.gaps.len()), (89, 0), "{:?}", output.observations.gaps);
    let tried = || old.requests().iter().filter(|request| request.contains("/api/v5/query_range")).count();
    let before = tried();
    call(&registry, "signoz_search", json!({"signal": "logs"})).await.unwrap();
    assert_eq!(tried(), before, "version 5 is not tried for ever");
}
