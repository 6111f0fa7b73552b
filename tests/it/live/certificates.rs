//! Certificates of backends, and of what is probed.

use std::fs;

use serde_json::json;
use sre_agent::{
    app, config,
    model::{InvestigationId, Request},
    tools::ToolErrorKind,
};

use super::{call, cluster, tools};
use crate::fakes::tls::TlsSite;

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;

#[tokio::test]
async fn a_certificate_of_ones_own_authority_is_trusted_when_it_is_named_and_an_expired_one_is_not() {
    let site = TlsSite::start("localhost", 2060, EMPTY).await;
    let url = format!("https://localhost:{}", site.port);
    let registry = tools(&format!("  limits: {{retries: 0}}\n  prometheus: {{main: {{url: '{url}'}}}}")).await;
    let error = call(&registry, "prometheus_query", json!({"query": "up"})).await.unwrap_err();
    assert!(
        error.kind == ToolErrorKind::Unavailable
            && error.message.contains("is not trusted")
            && error.message.contains("`sources.prometheus.main.ca_file`"),
        "{error}"
    );

    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, &site.pem).unwrap();
    let trusting = |port: u16| {
        format!("  limits: {{retries: 0}}\n  prometheus: {{main: {{url: 'https://localhost:{port}', ca_file: '{}'}}}}", ca.display())
    };
    call(&tools(&trusting(site.port)).await, "prometheus_query", json!({"query": "up"})).await.unwrap();

    let expired = TlsSite::start("localhost", 2021, EMPTY).await;
    fs::write(&ca, &expired.pem).unwrap();
    let error = call(&tools(&trusting(expired.port)).await, "prometheus_query", json!({"query": "up"})).await.unwrap_err();
    assert!(error.message.to_lowercase().contains("expired"), "{error}");
}

#[tokio::test]
async fn a_probe_sees_what_is_wrong_with_a_certificate_and_the_report_says_it() {
    let (expired, other) = (TlsSite::start("localhost", 2021, "ok").await, TlsSite::start("shop.example.com", 2060, "ok").await);
    for (site, sign, category) in [(&expired, "has expired", "tls_certificate"), (&other, "name", "tls_certificate")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.yaml");
        fs::write(&file, "sources: {probes: {allow: [127.0.0.1, '::1']}}\n").unwrap();
        fs::write(
            folder.path().join("services.yaml"),
            format!("services:\n  - {{name: checkout, probes: ['https://localhost:{}/']}}\n", site.port),
        )
        .unwrap();
        app::install_tls();
        let asking = config::load_sources(Some(&file), &config::environment()).unwrap();
        let backends = app::backends(asking.sources, &app::system_clock()).await.unwrap();
        let registry =
            sre_agent::tools::Registry::new(app::guarded(backends, sre_agent::tools::Limits::default(), None, std::sync::Arc::default()));
        let engine = app::engine_of(registry, asking.rules);
        let found = engine
            .investigate(InvestigationId(ulid::Ulid::nil()), &Request::question("why does the certificate of checkout fail?"), &|_| {})
            .await
            .unwrap();
        let cause = found.hypotheses.first().unwrap_or_else(|| panic!("{found:#?}"));
        assert!(cause.statement.contains(sign) && serde_json::to_value(cause.category).unwrap() == category, "{}", cause.statement);
    }
}

#[tokio::test]
async fn of_several_clusters_each_says_which_it_is() {
    let (one, other) = (cluster::shop().await, cluster::shop().await);
    let source = |name: &str, url: &str| format!("    {name}: {{url: '{url}', token: {}, watch: false}}", cluster::TOKEN);
    let registry = tools(&format!("  kubernetes:\n{}\n{}", source("eu", &one.url), source("us", &other.url))).await;
    for name in ["eu", "us"] {
        let output =
            call(&registry, &format!("kubernetes_{name}_objects"), json!({"namespace": "shop", "words": ["checkout"]})).await.unwrap();
        assert!(output.observations.objects.iter().all(|object| object.cluster == name), "{name}");
    }
}
