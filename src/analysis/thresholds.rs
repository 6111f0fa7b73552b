//! Every number that a check compares with; `config/thresholds.yaml` holds the values with their sources.

use serde::Deserialize;

/// The file that comes with the program.
const EMBEDDED: &str = include_str!("../../config/thresholds.yaml");

/// Why a thresholds file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("thresholds: {0}")]
pub struct ThresholdsError(String);

/// All thresholds. Where each value comes from stands beside it in the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// A Warning event older than this is history.
    pub event_age_minutes: u64,
    /// An object younger than this may still be starting.
    pub startup_grace_seconds: u64,
    /// A restart or kill longer ago than this is history when the container runs and is ready.
    pub restart_recency_minutes: u64,
    /// Restarts from which a running container is called restarting.
    pub restart_count: u64,
    /// Used quota from which it counts as nearly used up, percent.
    pub quota_percent: f64,
    /// Requests on a node from which it counts as full, percent of allocatable.
    pub node_requests_percent: f64,
    /// How close to its memory limit a container is called close, percent.
    pub memory_limit_percent: f64,
    /// How close to its CPU limit a container is called throttled, percent.
    pub cpu_limit_percent: f64,
    /// Unavailable for this long, a deployment is stuck.
    pub rollout_minutes: u64,
    /// The least confidence with which a cause is asserted.
    pub bar: f64,
    /// How many hypotheses are kept.
    pub hypotheses: usize,
}

impl Thresholds {
    /// The values that come with the program.
    pub fn embedded() -> Self {
        // The file is part of the program; a test proves that it parses.
        Self::from_yaml(EMBEDDED).unwrap_or(Self {
            event_age_minutes: 60,
            startup_grace_seconds: 120,
            restart_recency_minutes: 60,
            restart_count: 5,
            quota_percent: 90.0,
            node_requests_percent: 95.0,
            memory_limit_percent: 90.0,
            cpu_limit_percent: 90.0,
            rollout_minutes: 10,
            bar: 0.3,
            hypotheses: 5,
        })
    }

    /// Values of one's own.
    ///
    /// # Errors
    /// Names the key that is missing, unknown or of the wrong type.
    pub fn from_yaml(text: &str) -> Result<Self, ThresholdsError> {
        serde_saphyr::from_str(text).map_err(|error| ThresholdsError(error.to_string()))
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self::embedded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_parses() {
        Thresholds::from_yaml(EMBEDDED).unwrap();
    }
}
