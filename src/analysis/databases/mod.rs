//! Relational and managed databases (PostgreSQL, MySQL, Aurora, caches): metrics, load and events of one database become
//! faults with a mechanism and a culprit, and what only moves along is named as no cause.

mod age;
mod connections;
mod cpu;
mod events;
mod failover;
mod fault;
mod limits;
mod load;
mod locks;
mod memory;
mod metric;
mod replication;
mod scene;
mod sessions;
mod storage;
mod storm;
mod volume;
mod weave;

use std::collections::BTreeSet;

use self::{fault::Report, scene::Scene};
use super::{Finding, Focus};
use crate::model::observation::{LogStream, Observations};

/// What the checks say about the databases that were asked about.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    pub ruled_out: Vec<String>,
    /// Sources most of whose lines are a database's events, weighed here with their time and with the metrics.
    pub weighed: BTreeSet<String>,
}

/// With fewer metrics than these, the events are left to the other checks too.
const KNOWN: usize = 3;

/// Looks at every database that the focus means.
pub fn check(observations: &Observations, focus: &Focus) -> Checked {
    let mut out = Checked::default();
    for scene in Scene::all(observations, focus) {
        let mut report = Report::default();
        storage::check(&scene, &mut report);
        memory::check(&scene, &mut report);
        failover::check(&scene, &mut report);
        age::check(&scene, &mut report);
        storm::check(&scene, &mut report);
        replication::check(&scene, &mut report);
        locks::check(&scene, &mut report);
        connections::check(&scene, &mut report);
        volume::check(&scene, &mut report);
        cpu::check(&scene, &mut report);
        if report.faults.is_empty() {
            out.ruled_out.extend(weave::in_bounds(&scene));
        }
        out.findings.extend(weave::weave(report.faults, &scene));
        out.ruled_out.extend(report.ruled_out);
        out.ruled_out.extend(weave::old_events(&scene));
        if scene.readings.len() >= KNOWN {
            let tells = |source: &str| scene.events.iter().any(|event| event.source == source);
            let of_it = |stream: &LogStream| stream.lines.iter().filter(|line| scene.members.contains(&line.service)).count();
            let streams = observations.logs.iter().filter(|stream| tells(&stream.source) && of_it(stream) * 2 > stream.lines.len());
            out.weighed.extend(streams.map(|stream| stream.source.clone()));
        }
    }
    out
}

#[cfg(test)]
mod tests;
