//! Every number that a check compares with; `config/thresholds.yaml` holds the values with their sources.

use serde::Deserialize;

/// All thresholds.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {}
