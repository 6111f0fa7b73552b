//! Traces without a time before: where a failed request failed first, and what a slow one waited for.
//!
//! What can be compared with its own normal is compared in `signals`; this reads the few traces that people attach.

pub mod peers;
pub mod tree;

mod failure;
mod slow;
#[cfg(test)]
mod tests;

use tree::Forest;

use super::{Finding, Focus};
use crate::model::observation::Observations;

/// With more traces than this somebody took a sample of all traffic, and single ones say little. Source: own choice.
const FEW: usize = 500;

/// What the traces that concern `focus` say by themselves.
pub fn findings(observations: &Observations, focus: &Focus) -> Vec<Finding> {
    let forest = Forest::of(&observations.spans);
    if forest.traces.is_empty() || forest.traces.len() > FEW {
        return Vec::new();
    }
    let meant = |name: &str| focus.words.iter().any(|word| word.eq_ignore_ascii_case(name));
    let named: Vec<usize> = (0..forest.traces.len()).filter(|at| forest.spans_of(*at).any(|span| meant(&span.service))).collect();
    // an alert about something that no trace knows is not about these traces
    let chosen = match (named.is_empty(), focus.entities.is_empty()) {
        (false, _) => named,
        (true, true) => (0..forest.traces.len()).collect(),
        (true, false) => return Vec::new(),
    };
    let mut out = failure::findings(&forest, &chosen);
    out.extend(slow::findings(&forest, &chosen));
    out
}
