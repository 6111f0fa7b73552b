//! Traces, deployments, probes, changes told by CI, and `doctor` over all of them.

use std::{fs, time::Duration};

use axum::{Router, routing::get};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sre_agent::app::system_clock;
use tokio::{net::TcpListener, process::Command};

use super::{call, cluster, tools};
use crate::{
    fakes::{
        backends::{atlas::Atlas, github::GitHub, gitlab::GitLab, jaeger::Jaeger, signoz::SigNoz, span::Span, tempo::Tempo},
        mongod::{FakeMongod, Options},
    },
    world::World,
};

const TOKEN: &str = "token-that-nobody-may-see";

/// Three requests of checkout: one failed in payments, one slow, one as usual.
fn three_traces(span: impl Fn(Span)) {
    let now = system_clock().now();
    for (at, millis) in [(0, 300), (1, 2500), (2, 200)] {
        let time = now - SignedDuration::from_secs(300 + at * 60);
        let (trace, root, inner) = (format!("{:032x}", 0xabc + at), format!("{:016x}", 10 + at), format!("{:016x}", 20 + at));
        let root_span = Span::new(&trace, &root, "", "checkout", "GET /pay", time, millis);
        let inner_span = Span::new(&trace, &inner, &root, "payments", "POST /charge", time, millis / 2);
        if at == 0 {
            span(root_span.failed("upstream failed"));
            span(inner_span.failed("connection refused"));
        } else {
            span(root_span);
            span(inner_span);
        }
    }
}

#[tokio::test]
async fn traces_that_failed_are_read_whole_and_who_calls_whom_is_told() {
    let (tempo, jaeger) = (Tempo::start(None).await, Jaeger::start(None).await);
    let (signoz, old) = (SigNoz::start(TOKEN, false).await, SigNoz::start(TOKEN, true).await);
    three_traces(|span| tempo.span(span));
    three_traces(|span| jaeger.span(span));
    three_traces(|span| signoz.span(span));
    three_traces(|span| old.span(span));
    let registry = tools(&format!(
        "  tempo: {{main: {{url: '{}'}}}}\n  jaeger: {{main: {{url: '{}'}}}}\n  signoz: {{main: {{url: '{}', api_key: {TOKEN}}}, old: {{url: '{}', api_key: {TOKEN}}}}}",
        tempo.url, jaeger.url, signoz.url, old.url
    ))
    .await;
    for tool in ["tempo_traces", "jaeger_traces", "signoz_traces", "signoz_old_traces"] {
        let output = call(&registry, tool, json!({"words": ["checkout"]})).await.unwrap();
        let spans = &output.observations.spans;
        assert_eq!(output.observations.gaps, Vec::<String>::new(), "{tool}");
        assert_eq!(spans.len(), 6, "{tool}: each span once: {spans:?}");
        assert!(
            spans.iter().any(|span| span.trace_id.ends_with("abc") && span.span_id.len() == 16),
            "{tool}: ids as logs have them: {spans:?}"
        );
        let failed: Vec<&str> =
            spans.iter().filter(|span| span.status.eq_ignore_ascii_case("error")).map(|span| span.service.as_str()).collect();
        assert!(
            failed.len() == 2 && failed.contains(&"payments"),
            "{tool}: the failure in the service that was called is seen: {failed:?}"
        );
    }
    let jaegers = call(&registry, "jaeger_traces", json!({"words": ["checkout"]})).await.unwrap();
    assert_eq!((jaegers.observations.edges[0].caller.as_str(), jaegers.observations.edges[0].callee.as_str()), ("checkout", "payments"));
    let signozs = call(&registry, "signoz_traces", json!({"words": ["checkout"]})).await.unwrap();
    assert!(signozs.observations.metrics.iter().any(|series| series.metric == "span_p99_nanoseconds" && series.entity.name == "checkout"));
    let services = call(&registry, "signoz_services", json!({})).await.unwrap();
    assert!(services.observations.documents[0].body.to_string().contains("payments"));
    let now = system_clock().now();
    for minute in 0..30 {
        signoz.metric(now - SignedDuration::from_mins(30 - minute), "queue_size", 5.0, &[("service.name", "checkout")]);
    }
    let metric = call(&registry, "signoz_metric", json!({"metric": "queue_size", "group_by": "service.name", "time_aggregation": "max"}))
        .await
        .unwrap();
    let series = &metric.observations.metrics[0];
    assert_eq!((series.metric.as_str(), series.entity.name.as_str(), series.points[0].1), ("queue_size", "checkout", 5.0), "{series:?}");
    let unknown = call(&registry, "signoz_metric", json!({"metric": "no_such_metric"})).await.unwrap_err();
    assert!(unknown.message.contains("no_such_metric"), "{unknown}");
    signoz.rule("7", "Errors of checkout", "firing");
    signoz.transition("7", now - SignedDuration::from_mins(5), "firing");
    let history = call(&registry, "signoz_alert_history", json!({"rule": "7"})).await.unwrap();
    assert!(history.observations.documents[0].body.to_string().contains("firing"), "{:?}", history.observations);
    assert!(call(&registry, "signoz_alert_history", json!({"rule": "../7"})).await.unwrap_err().message.contains("`rule`"));
    let stranger = call(&registry, "jaeger_traces", json!({"words": ["nobody"]})).await.unwrap();
    assert!(stranger.observations.gaps[0].contains("it knows no service nobody"));
    for id in ["../services", "zz", ""] {
        assert!(call(&registry, "tempo_trace", json!({"trace_id": id})).await.unwrap_err().message.contains("hexadecimal"), "{id}");
    }
    let unknown = call(&registry, "tempo_trace", json!({"trace_id": "def"})).await.unwrap_err();
    assert!(unknown.message.contains("has nothing at /api/traces/def (404)"), "{unknown}");
}

#[tokio::test]
async fn deployments_of_github_and_gitlab_are_changes_of_the_window() {
    let (now, sha) = (system_clock().now(), "0123456789012345678901234567890123456789");
    let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
    let (github, gitlab) = (GitHub::start(TOKEN).await, GitLab::start(TOKEN).await);
    github.deployment("acme/checkout", 1, sha, "main", "production", ago(10));
    github.deployment("acme/checkout", 0, sha, "main", "production", ago(60 * 24 * 30));
    gitlab.project(7, "acme/checkout");
    gitlab.deployment(7, 1, sha, "production", "success", ago(11), ago(10));
    let registry = tools(&format!(
        "  github: {{main: {{url: '{}', token: {TOKEN}, repositories: [acme/checkout]}}}}\n  gitlab: {{main: {{url: '{}', token: {TOKEN}, projects: [acme/checkout]}}}}",
        github.url, gitlab.url
    ))
    .await;
    for tool in ["github_deployments", "gitlab_deployments"] {
        let output = call(&registry, tool, json!({})).await.unwrap();
        let [change] = output.observations.changes.as_slice() else { panic!("{tool}: {:?}", output.observations) };
        assert_eq!((change.service.as_str(), change.id.as_str(), change.kind.as_str()), ("checkout", sha, "deploy"));
        assert!(!change.author.is_empty() && change.summary.starts_with("deployed checkout main to production"), "{change:?}");
    }
    let wrong = tools(&format!("  github: {{main: {{url: '{}', token: another-token, repositories: [acme/checkout]}}}}", github.url)).await;
    let error = call(&wrong, "github_deployments", json!({})).await.unwrap_err();
    assert!(error.message.contains("does not know our credentials (401): Bad credentials. Check them in `sources.github.main`"), "{error}");
}

#[tokio::test]
async fn atlas_gives_measurements_and_slow_queries_and_a_token_that_was_taken_back_is_renewed() {
    const PROJECT: &str = "5f0c0e0e0e0e0e0e0e0e0e0e";
    const PROCESS: &str = "shard-00.abc.mongodb.net:27017";
    let (now, atlas) = (system_clock().now(), Atlas::start(PROJECT, "mdb_sa_id", TOKEN).await);
    atlas.process(PROCESS, "REPLICA_PRIMARY");
    for minute in 0..60 {
        atlas.measure(PROCESS, "CONNECTIONS", "SCALAR", now - SignedDuration::from_mins(60 - minute), (minute < 45).then_some(80.0));
    }
    let line = r#"{"t":{"$date":"2026-01-15T14:00:00.000+00:00"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn1","msg":"Slow query","attr":{"ns":"shop.orders","planSummary":"COLLSCAN","durationMillis":4200}}"#;
    atlas.slow_query(PROCESS, now - SignedDuration::from_mins(5), "shop.orders", line);
    atlas.alert("1", "OUTSIDE_METRIC_THRESHOLD", "OPEN", now);
    let settings = |secret: &str| {
        format!(
            "  limits: {{keep: 1s}}\n  atlas: {{main: {{url: '{}', project: {PROJECT}, client_id: mdb_sa_id, client_secret: {secret}}}}}",
            atlas.url
        )
    };
    let registry = tools(&settings(TOKEN)).await;
    let output = call(&registry, "atlas_diagnose", json!({})).await.unwrap();
    let found = &output.observations;
    assert_eq!(found.gaps, Vec::<String>::new());
    let series = found.metrics.iter().find(|series| series.metric == "connections").unwrap();
    assert!((40..=45).contains(&series.points.len()) && series.entity.name == PROCESS, "what was not measured is no zero: {series:?}");
    assert_eq!((found.logs[0].dialect.as_str(), found.logs[0].lines.len()), ("mongod", 1), "{:?}", found.logs);
    atlas.expire_tokens();
    let alerts = call(&registry, "atlas_alerts", json!({})).await.unwrap();
    assert_eq!(alerts.observations.documents[0].body[0]["status"], "OPEN");
    assert_eq!(atlas.tokens_issued(), 2, "the token that was taken back is asked for anew, once");
    let error = call(&tools(&settings("another-secret")).await, "atlas_diagnose", json!({})).await.unwrap_err();
    assert!(error.message.contains("does not know our credentials (401)") && error.message.contains("`sources.atlas.main`"), "{error}");
}

/// A site of this machine that answers each path in its own way.
async fn site() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new()
        .route("/well", get(|| async { "ok" }))
        .route("/broken", get(|| async { (axum::http::StatusCode::SERVICE_UNAVAILABLE, "no backend") }))
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(Duration::from_millis(1500)).await;
                "late"
            }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    port
}

#[tokio::test]
async fn probes_try_what_the_catalogue_names_and_nothing_of_this_machine_unless_allowed() {
    let port = site().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    let services = |path: &str| {
        format!(
            "services:\n  - {{name: checkout, probes: ['http://localhost:{port}/{path}', 'tcp://localhost:9', 'tls://localhost:{port}']}}\n"
        )
    };
    let probed = async |allow: &str, path: &str| {
        fs::write(folder.path().join("services.yaml"), services(path)).unwrap();
        fs::write(&file, format!("sources: {{probes: {{allow: [{allow}]}}}}\n")).unwrap();
        let ran = Command::new(env!("CARGO_BIN_EXE_sre-agent"))
            .args(["tools", "call", "probes", r#"{"words": ["checkout"]}"#, "--config"])
            .arg(&file)
            .output()
            .await
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        serde_json::from_slice::<Value>(&ran.stdout).unwrap()
    };
    let refused = probed("", "well").await;
    let gaps = refused["observations"]["gaps"].to_string();
    assert_eq!(gaps.matches("is never tried").count(), 3, "{gaps}");
    assert_eq!(refused["observations"]["documents"], json!([]));

    let seen = probed("127.0.0.1, '::1'", "broken").await["observations"]["documents"].to_string();
    for sign in ["time_namelookup", "The requested URL returned error: 503", "(tcp) failed: Connection refused", "wrong version number"] {
        assert!(seen.contains(sign), "no `{sign}` in {seen}");
    }
    let slow = probed("127.0.0.1, '::1'", "slow").await["observations"]["documents"].to_string();
    assert!(slow.contains("time_starttransfer: 1.5"), "{slow}");
    let ran = Command::new(env!("CARGO_BIN_EXE_sre-agent"))
        .args(["tools", "call", "probe", r#"{"url": "http://169.254.169.254/latest"}"#, "--config"])
        .arg(&file)
        .output()
        .await
        .unwrap();
    assert!(!ran.status.success() && String::from_utf8_lossy(&ran.stderr).contains("only hosts of the service catalogue"), "{ran:?}");
}

#[tokio::test]
async fn a_change_that_ci_tells_of_is_kept_and_a_broken_one_is_told_by_its_field() {
    let world = World::usual().await;
    let http = reqwest::Client::new();
    let post = |body: Value| http.post(format!("{}/api/v1/changes", world.service_url)).body(body.to_string()).send();
    let answer = post(json!([{"service": "checkout", "summary": "1.4.2 to production, token=abcdefghijkl", "id": "abc", "author": "ci"}]))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json_text().await["changes"], 1);
    for (body, field) in [
        (json!({"service": "", "summary": "x"}), "changes[0].service"),
        (json!({"service": "a", "summary": "x", "kind": "nonsense"}), "changes[0].kind"),
        (json!({"service": "a", "summary": "x", "time": "2999-01-01T00:00:00Z"}), "changes[0].time"),
        (json!({"service": "a", "summary": "x", "sumary": 1}), "unknown field `sumary`"),
        (json!([]), "changes"),
    ] {
        let answer = post(body).await.unwrap();
        assert_eq!(answer.status(), 422);
        let said = answer.text().await.unwrap();
        assert!(said.contains(field), "{said}");
    }
    assert_eq!(http.post(format!("{}/api/v1/changes", world.service_url)).body("{").send().await.unwrap().status(), 400);
}

/// A response's JSON, without another feature of the client.
trait JsonText {
    async fn json_text(self) -> Value;
}

impl JsonText for reqwest::Response {
    async fn json_text(self) -> Value {
        serde_json::from_str(&self.text().await.unwrap()).unwrap()
    }
}

#[tokio::test]
async fn doctor_tries_every_live_system_and_says_what_to_do() {
    let shop = cluster::shop().await;
    let mongod = FakeMongod::start(Options::default().user("sre-agent", "right-password")).await;
    let jaeger = Jaeger::start(None).await;
    three_traces(|span| jaeger.span(span));
    shop.forbid("list", "nodes");
    let sources = format!(
        "{}\n  mongodb: {{main: {{uri: '{}'}}}}\n  jaeger: {{main: {{url: '{}'}}}}\n  prometheus: {{main: {{url: 'http://127.0.0.1:9'}}}}\n  loki: {{main: {{url: '{}'}}}}\n",
        cluster::sources(&shop),
        mongod.uri("sre-agent", "wrong-password-of-mine"),
        jaeger.url,
        jaeger.url,
    );
    let world = World::unstarted().await;
    world.name_sources(&sources, false);
    let ran = Command::new(env!("CARGO_BIN_EXE_sre-agent")).args(["doctor", "--config"]).arg(world.settings_file()).output().await.unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "the service works without any of them: {said}");
    for sign in [
        "Kubernetes (main)",
        "v1.33.1; not allowed to list nodes",
        "Apply deploy/kubernetes/rbac.yaml",
        "MongoDB (main)",
        "`sources.mongodb.main.uri`",
        "knows 2 services",
        "nobody listens on 127.0.0.1:9 (connection refused): check `sources.prometheus.main.url`",
        "Reports go without metrics until this works.",
        "has nothing at /loki/api/v1/labels (404)",
    ] {
        assert!(said.contains(sign), "no `{sign}` in {said}");
    }
    assert!(!said.contains("wrong-password-of-mine") && !said.contains("cluster-token"), "{said}");
}
