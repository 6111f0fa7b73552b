//! From observations to findings to ranked causes. Pure: `fn(data, now) -> data`, the same input gives the same output.
//!
//! Every check looks at [`crate::model::observation::Observations`] and returns [`Finding`]s; `fuse` turns the findings of all checks into numbered
//! evidence and ranked hypotheses.

mod chains;
mod finding;
mod thresholds;

pub mod links;

pub mod asked;
pub mod changes;
pub mod levels;
pub mod probes;
pub mod reported;
pub mod signals;
pub mod spans;

pub mod databases;
pub mod fuse;
pub mod kubernetes;
pub mod logs;
pub mod mongodb;

pub use finding::{Finding, Focus, Role, Seen};
pub use thresholds::{Thresholds, ThresholdsError};
