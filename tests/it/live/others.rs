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
        mongod::{FakeMongod, Options},
        traces,
    },
    world::World,
};

const TOKEN: &str = "token-that-nobody-may-see";

#[tokio::test]
async fn tempo_and_jaeger_give_failed_traces_and_who_calls_whom() {
    let start = system_clock().now().as_millisecond() - 60_000;
    let (tempo, jaeger) = (traces::tempo("checkout", start).await, traces::jaeger("checkout", start).await);
    let registry = tools(&format!("  tempo: {{main: {{url: '{}'}}}}\n  jaeger: {{main: {{url: '{}'}}}}", tempo.url, jaeger.url)).await;
    for tool in ["tempo_traces", "jaeger_traces"] {
        let output = call(&registry, tool, json!({"words": ["checkout"]})).await.unwrap();
        let spans = &output.observations.spans;
        assert!(spans.iter().any(|span| span.service == "payments" && span.status.eq_ignore_ascii_case("error")), "{tool}: {spans:?}");
        assert!(spans.iter().any(|span| span.service == "checkout"), "{tool}: {spans:?}");
        assert_eq!(output.observations.gaps, Vec::<String>::new(), "{tool}");
    }
    let jaegers = call(&registry, "jaeger_traces", json!({"words": ["checkout"]})).await.unwrap();
    assert_eq!((jaegers.observations.edges[0].caller.as_str(), jaegers.observations.edges[0].callee.as_str()), ("checkout", "payments"));
    assert_eq!(jaegers.observations.spans.len(), 2, "the same trace found three ways is there once");
    let stranger = call(&registry, "jaeger_traces", json!({"words": ["nobody"]})).await.unwrap();
    assert!(stranger.observations.gaps[0].contains("it knows no service nobody"));
    for id in ["../services", "zz", ""] {
        assert!(call(&registry, "tempo_trace", json!({"trace_id": id})).await.unwrap_err().message.contains("hexadecimal"), "{id}");
    }
    assert!(
        call(&registry, "tempo_trace", json!({"trace_id": "abc"}))
            .await
            .unwrap_err()
            .message
            .contains("has nothing at /api/traces/abc (404)")
    );
}

#[tokio::test]
async fn deployments_of_github_and_gitlab_are_changes_of_the_window() {
    let at = (system_clock().now() - SignedDuration::from_mins(10)).to_string();
    let (github, gitlab) = (traces::github(TOKEN, at.clone()).await, traces::gitlab(TOKEN, at).await);
    let registry = tools(&format!(
        "  github: {{main: {{url: '{}', token: {TOKEN}, repositories: [acme/checkout]}}}}\n  gitlab: {{main: {{url: '{}', token: {TOKEN}, projects: [acme/checkout]}}}}",
        github.url, gitlab.url
    ))
    .await;
    for (tool, author) in [("github_deployments", "ada"), ("gitlab_deployments", "grace")] {
        let output = call(&registry, tool, json!({})).await.unwrap();
        let [change] = output.observations.changes.as_slice() else { panic!("{tool}: {:?}", output.observations) };
        assert_eq!((change.service.as_str(), change.author.as_str(), change.kind.as_str()), ("checkout", author, "deploy"));
        assert!(change.summary.starts_with("deployed checkout main to production"), "{}", change.summary);
    }
    let wrong = tools(&format!("  github: {{main: {{url: '{}', token: another-token, repositories: [acme/checkout]}}}}", github.url)).await;
    let error = call(&wrong, "github_deployments", json!({})).await.unwrap_err();
    assert!(error.message.contains("does not know our credentials (401): Bad credentials. Check them in `sources.github.main`"), "{error}");
}

#[tokio::test]
async fn atlas_gives_measurements_and_slow_queries_and_a_token_that_was_taken_back_is_renewed() {
    let atlas = traces::atlas(TOKEN, system_clock().now() - SignedDuration::from_mins(60)).await;
    let settings = |secret: &str| {
        format!(
            "  atlas: {{main: {{url: '{}', project: 5f0c0e0e0e0e0e0e0e0e0e0e, client_id: mdb_sa_id, client_secret: {secret}}}}}",
            atlas.url
        )
    };
    let registry = tools(&settings(TOKEN)).await;
    let output = call(&registry, "atlas_diagnose", json!({})).await.unwrap();
    let found = &output.observations;
    assert_eq!(found.gaps, Vec::<String>::new());
    assert_eq!(
        (found.metrics[0].metric.as_str(), found.metrics[0].points.len(), found.metrics[0].entity.name.as_str()),
        ("connections", 45, "shard-00.abc.mongodb.net:27017")
    );
    assert_eq!((found.logs[0].dialect.as_str(), found.logs[0].lines.len()), ("mongod", 2), "{:?}", found.logs);
    let alerts = call(&registry, "atlas_alerts", json!({})).await.unwrap();
    assert_eq!(alerts.observations.documents[0].body[0]["status"], "OPEN");
    assert!(!serde_json::to_string(&output).unwrap().contains("atlas-token"));
    let error = call(&tools(&settings("another-secret")).await, "atlas_diagnose", json!({})).await.unwrap_err();
    assert!(error.message.contains("does not know our credentials (401): refused. Check them in `sources.atlas.main`"), "{error}");
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
    let jaeger = traces::jaeger("checkout", 0).await;
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
