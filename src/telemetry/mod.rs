//! Logs and metrics: the set-up, and one named function per metric.

mod metrics;

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

pub use metrics::Metrics;

/// Starts logging to standard error: readable text for a terminal, JSON lines otherwise.
///
/// `filter` has the syntax of `tracing_subscriber`'s directives (`info,sre_agent=debug`); an unreadable one falls back to `info`.
pub fn start_logging(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start (in tests) keeps the first one's settings.
    let _ = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
}
