//! Checks over Kubernetes objects and events: present state first, then history.

mod admission;
mod certificates;
mod cluster;
mod configuration;
mod creation;
mod deletion;
mod external;
mod gateway;
mod ingress;
mod mesh;
mod names;
mod nodes;
mod platform;
mod pods;
mod policies;
mod reach;
mod rollouts;
mod scaling;
mod services;
mod storage;
mod value;
mod workloads;

#[cfg(test)]
mod tests;

pub use cluster::{Cluster, Thing};

use super::{Finding, Focus, Role, Seen, Thresholds};
use crate::model::{Category, EvidenceKind, observation::Event};

/// What a group of checks found, and what it looked at and found healthy.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    pub ruled_out: Vec<String>,
}

/// What every check is given.
pub(crate) struct Look<'a> {
    pub cluster: &'a Cluster<'a>,
    pub focus: &'a Focus,
    pub thresholds: &'a Thresholds,
}

type Check = fn(&Look<'_>, &mut Checked);

/// Workloads, nodes, storage, quotas, platform.
const INFRASTRUCTURE: &[Check] = &[
    pods::check,
    workloads::check,
    creation::check,
    deletion::check,
    rollouts::check,
    nodes::check,
    storage::check,
    scaling::check,
    platform::check,
    admission::check,
    configuration::check,
];

/// Between two programs.
const NETWORK: &[Check] = &[
    services::check,
    ingress::check,
    gateway::check,
    policies::check,
    reach::check,
    mesh::check,
    certificates::check,
    external::check,
    names::check,
];

pub fn infrastructure(cluster: &Cluster<'_>, focus: &Focus, thresholds: &Thresholds) -> Checked {
    run(INFRASTRUCTURE, cluster, focus, thresholds)
}

pub fn network(cluster: &Cluster<'_>, focus: &Focus, thresholds: &Thresholds) -> Checked {
    run(NETWORK, cluster, focus, thresholds)
}

fn run(checks: &[Check], cluster: &Cluster<'_>, focus: &Focus, thresholds: &Thresholds) -> Checked {
    let look = Look { cluster, focus, thresholds };
    let mut checked = Checked::default();
    for check in checks {
        check(&look, &mut checked);
    }
    checked
}

impl Look<'_> {
    /// A field of an object as evidence.
    pub fn field(&self, thing: &Thing<'_>, summary: impl Into<String>) -> Seen {
        Seen::new(EvidenceKind::Condition, thing.source, thing.entity(), summary)
    }

    /// An event as evidence, with how often and how long ago.
    pub fn event(&self, thing: &Thing<'_>, event: &Event) -> Seen {
        let (first, last) = self.cluster.times_of(event);
        let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
        let summary = format!("event {}{times} on {}: {}", event.reason, thing.entity(), value::short(&event.message, 200));
        Seen::new(EvidenceKind::Event, &event.source, thing.entity(), summary).at(first.or(last), last).quoting(event.message.clone())
    }

    /// The newest event of one of these reasons that is not too old to matter.
    pub fn recent<'e>(&'e self, thing: &Thing<'_>, reasons: &[&str]) -> Option<&'e Event> {
        let events = self.cluster.events_of(thing);
        events.iter().rev().find(|event| reasons.contains(&event.reason.as_str()) && self.is_recent(event)).copied()
    }

    /// Something untidy: the cause of an alert hardly ever, worth a sentence when a person asks what is wrong.
    pub fn housekeeping(&self, thing: &Thing<'_>, category: Category, statement: String) -> Finding {
        let named = self.focus.entities.iter().any(|entity| entity.name == thing.name);
        let asked = named || self.focus.entities.is_empty() && (!self.cluster.is_live() || self.speaks_of(thing.kind));
        let role = if asked { Role::Cause } else { Role::Context };
        Finding::new(category, role, thing.entity(), statement.clone())
            .strength(0.2)
            .saw(self.field(thing, statement))
            .falsifier("it is meant to be so")
    }

    /// The alert or the question uses the kind's name: `network policy`, `ConfigMaps`, `pvc`.
    fn speaks_of(&self, kind: &str) -> bool {
        let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
        let (text, kind) = (plain(&self.focus.text), plain(kind));
        let short = match kind.as_str() {
            "persistentvolumeclaim" => "pvc",
            "poddisruptionbudget" => "pdb",
            "networkpolicy" => "networkpolicies",
            "resourcequota" => "quota",
            "configmap" => "configuration",
            _ => kind.as_str(),
        };
        text.contains(&kind) || text.contains(short)
    }

    pub fn is_recent(&self, event: &Event) -> bool {
        self.cluster.age_of(event).is_none_or(|age| age <= self.thresholds.event_age_minutes * 60)
    }
}
