//! Checks over mongod logs of every generation and over MongoDB command results.
//!
//! Logs: `faults` what a server says about itself, `queries` slow operations and missing indexes, `index_builds`, `connections`,
//! `members` who is down, `primaries` why another member became primary, `shutdowns` why servers
//! stopped, both correlated over the logs of all nodes.
//! Commands: `status` compares serverStatus, replSetGetStatus, currentOp and collStats with thresholds, `habits` reads what their
//! counters say over a server's life.

mod connections;
mod entry;
mod faults;
mod habits;
mod index_builds;
mod members;
mod primaries;
mod queries;
mod shutdowns;
mod status;

use serde_json::Value;

use super::{Finding, Focus};
use crate::model::observation::Observations;

/// What mongod logs and command results say about a cause.
pub fn findings(observations: &Observations, focus: &Focus) -> Vec<Finding> {
    let nodes: Vec<entry::Node<'_>> = observations.logs.iter().filter(|stream| stream.dialect == "mongod").map(entry::Node::new).collect();
    let mut found = Vec::new();
    for node in &nodes {
        found.extend(faults::check(node));
        found.extend(queries::check(node));
        found.extend(connections::check(node));
        found.extend(index_builds::check(node, focus));
    }
    found.extend(shutdowns::check(&nodes, focus));
    found.extend(primaries::check(&nodes, focus));
    found.extend(members::check(&nodes, focus));
    found.extend(status::check(&observations.documents));
    found.extend(habits::check(&observations.documents, focus.now));
    found
}

/// A number as MongoDB prints it: plain, or wrapped in extended JSON.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.parse().ok(),
        Value::Object(map) => {
            ["$numberLong", "$numberInt", "$numberDouble", "$numberDecimal"].iter().find_map(|key| map.get(*key)).and_then(number)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
