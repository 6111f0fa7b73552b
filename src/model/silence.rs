//! A silence: no messages about what matches, until it ends.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{alert::Alert, ids::IncidentId};

/// One condition of a silence; an alert matches when all of them hold. Alertmanager's own form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// A label's name, or one of the alert's own fields: `alertname`, `service`, `namespace`, `cluster`, `severity`.
    pub name: String,
    pub value: String,
}

/// Where else a silence was set, so that it can be ended there too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// `alertmanager` or `grafana`.
    pub system: String,
    /// Its id there.
    pub id: String,
}

/// A silence as it is stored, under its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// `SIL-7F3K…`, unique.
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub from: Timestamp,
    pub until: Timestamp,
    /// A Slack user id.
    pub by: String,
    pub reason: String,
    /// The incident that it was asked for.
    pub incident: IncidentId,
    pub pushed: Vec<Pushed>,
    /// It was ended before its time, at this instant.
    pub ended: Option<Timestamp>,
    /// How many alerts it has kept quiet.
    pub kept_quiet: u64,
}

impl Silence {
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.from <= now && now < self.until
    }

    /// Whether it is about this alert. A silence without matchers is about nothing.
    pub fn matches(&self, alert: &Alert) -> bool {
        !self.matchers.is_empty() && self.matchers.iter().all(|matcher| matcher.holds(alert))
    }
}

impl Matcher {
    pub fn holds(&self, alert: &Alert) -> bool {
        let own = match self.name.as_str() {
            "alertname" => Some(alert.name.as_str()),
            "service" => Some(alert.service.as_str()),
            "namespace" => Some(alert.namespace.as_str()),
            "cluster" => Some(alert.cluster.as_str()),
            "severity" => alert.severity_source.as_deref(),
            _ => None,
        };
        own == Some(self.value.as_str()) || alert.labels.get(&self.name) == Some(&self.value)
    }
}
