//! Checks over mongod logs and MongoDB command results.

use super::{Finding, Focus};
use crate::model::observation::Observations;

/// What mongod logs and command results say about a cause.
pub fn findings(_observations: &Observations, _focus: &Focus) -> Vec<Finding> {
    Vec::new()
}
