//! Live systems: the tools against servers that behave as the real ones do, and as they should not.

mod bad_answers;
mod certificates;
mod cluster;
mod logs;
mod mcp;
mod mongodb;
mod others;
mod servers;

use std::sync::Arc;

use serde_json::Value;
use sre_agent::{
    app::{self, system_clock},
    config,
    model::observation::Observations,
    telemetry::Metrics,
    tools::{Output, Registry, ToolError},
};

/// The tools that these `sources` give, guarded as in the service.
pub async fn tools(sources: &str) -> Registry {
    tools_with("", sources).await
}

/// As [`tools`], with further sections of the settings.
pub async fn tools_with(more: &str, sources: &str) -> Registry {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, format!("{more}\nsources:\n{sources}\n")).unwrap();
    app::install_tls();
    let asking = config::load_sources(Some(&file), &config::environment()).unwrap();
    let limits = asking.sources.limits;
    let shared = asking.redis.map(|redis| (Arc::new(redis), asking.sources.fingerprint()));
    let backends = app::backends(asking.sources, &system_clock()).await.unwrap();
    Registry::new(app::guarded(backends, limits, shared, Arc::new(Metrics::default())))
}

pub async fn call(registry: &Registry, tool: &str, arguments: Value) -> Result<Output, ToolError> {
    registry.call(tool, &arguments).await
}

/// Everything that is seen, as text.
pub fn text(observations: &Observations) -> String {
    serde_json::to_string(observations).unwrap()
}
