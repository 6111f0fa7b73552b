//! Checks over logs: templates, what is new or rare, and what an error line says.

pub mod anomalies;
pub mod templates;

use super::{Finding, Focus};
use crate::model::observation::LogStream;

/// What the logs say about a cause.
pub fn findings(_streams: &[LogStream], _focus: &Focus) -> Vec<Finding> {
    Vec::new()
}
