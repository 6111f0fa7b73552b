//! The live systems of the settings: built, guarded, and every call of theirs written down.

use std::{sync::Arc, time::Duration};

use crate::{
    coord::{Cache as _, RedisCache},
    model::Clock,
    telemetry::Metrics,
    tools::{self, Backend, Called, Guards, Outcome, Sources, Tool, Watcher},
};

/// How long MCP servers are waited for at the start; one that is late is asked again at its first call.
const LOOK: Duration = Duration::from_secs(5);

/// The live systems as backends, MCP servers looked at.
///
/// # Errors
/// Every setting that cannot be used.
pub async fn backends(sources: Sources, clock: &Clock) -> anyhow::Result<Vec<Arc<dyn Backend>>> {
    let tools::Backends { mut backends, servers } = sources.backends(clock).map_err(|errors| anyhow::anyhow!(errors.join("\n")))?;
    let looks = servers.iter().map(|server| async {
        if let Err(error) = tokio::time::timeout(LOOK, server.look()).await.map_err(anyhow::Error::from).and_then(|looked| Ok(looked?)) {
            tracing::warn!(%error, "an MCP server is not there yet");
        }
    });
    futures_util::future::join_all(looks).await;
    backends.extend(servers.into_iter().map(|server| server as Arc<dyn Backend>));
    Ok(backends)
}

/// Their tools, guarded; `shared` keeps answers for other processes, too, under the sources' fingerprint.
pub fn guarded(
    backends: Vec<Arc<dyn Backend>>,
    limits: crate::tools::Limits,
    shared: Option<(Arc<RedisCache>, String)>,
    metrics: Arc<Metrics>,
) -> Vec<Arc<dyn Tool>> {
    let tools = backends.into_iter().flat_map(Backend::tools).collect();
    let guards = Guards::new(limits, Arc::new(Audit(metrics)), chance);
    let guards = match shared {
        Some((redis, whose)) => guards.with_keep(Arc::new(Shared(redis)), &whose),
        None => guards,
    };
    guards.around(tools)
}

/// Redis, as the guards want it: a failure is no answer, and never in the way.
struct Shared(Arc<RedisCache>);

#[async_trait::async_trait]
impl tools::Keep for Shared {
    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.get(key).await.inspect_err(|error| tracing::debug!(%error, "not from the shared cache")).ok()?
    }

    async fn put(&self, key: &str, value: Vec<u8>, time_to_live: Duration) {
        if let Err(error) = self.0.put(key, value, time_to_live).await {
            tracing::debug!(%error, "not kept in the shared cache");
        }
    }
}

/// Every call of a live tool, counted and written down.
struct Audit(Arc<Metrics>);

impl Watcher for Audit {
    fn called(&self, call: &Called<'_>) {
        self.0.tool_called(call.outcome.as_str(), call.took.as_secs_f64(), if call.outcome == Outcome::Answered { call.bytes } else { 0 });
        let took_ms = call.took.as_millis();
        tracing::info!(
            target: "audit",
            tool = call.tool,
            backend = call.backend,
            arguments = call.arguments,
            outcome = call.outcome.as_str(),
            error = call.error,
            attempts = call.attempts,
            bytes = call.bytes,
            took_ms,
            "a tool was called"
        );
    }
}

/// Between 0 and 1, from the operating system's randomness.
fn chance() -> f64 {
    f64::from(u32::try_from(ulid::Ulid::new().random() & 0xffff_ffff).unwrap_or(0)) / f64::from(u32::MAX)
}
