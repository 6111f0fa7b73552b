//! Runbooks: what is written down, when it applies, the dry run, the approval, the execution and its verification.
//!
//! Only this room can change a system of the user's, with credentials of its own (`actions` in the settings), and every
//! function that changes something takes an [`Approved`]: a value that only an approval makes.

mod alertmanager;
mod approval;
mod catalog;
mod fill;
mod http;
mod kubernetes;
mod mongodb;
mod operate;
mod place;
mod systems;
#[cfg(test)]
mod tests;

use crate::model::{Incident, Runbook};

pub use approval::{Approved, Refused, Terms, decide, hash};
pub use catalog::{Catalog, CatalogErrors};
pub use fill::{Facts, FillError, defaults, steps, values};
pub use operate::{Doing, Failure, Seen, apply, check, clusters, preview, undo};
pub use place::place;
pub use systems::{Call, Reach, Systems, Target};

/// Everything that the pipeline needs of this room.
#[derive(Default)]
pub struct Runbooks {
    pub catalog: Catalog,
    pub systems: Systems,
    pub terms: Terms,
}

impl Runbooks {
    /// The runbooks that fit the incident and whose systems are named in the settings: what cannot be run is not offered.
    pub fn for_incident(&self, incident: &Incident) -> Vec<&Runbook> {
        let reachable = |runbook: &&Runbook| {
            runbook.steps.iter().all(|step| match step.action.split('.').next() {
                Some(kind @ ("kubernetes" | "mongodb" | "alertmanager" | "http")) => !self.systems.names(kind).is_empty(),
                _ => true,
            })
        };
        self.catalog.for_incident(incident).into_iter().filter(reachable).collect()
    }
}
