//! Exceptions to the roles: allowed or denied for some roles, in some places.

use serde::Deserialize;

use crate::model::glob;

use super::{access::Scope, permissions::Pattern};

/// What a policy does where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Adds to what the roles may do.
    Allow,
    /// Takes away, whatever else allows it.
    Deny,
}

/// A policy as it is written in the settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub effect: Effect,
    /// Empty for all, also for those without a role.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Patterns; at least one.
    pub permissions: Vec<String>,
    /// Names with `*`; empty for everywhere.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Names with `*`; empty for every runbook.
    #[serde(default)]
    pub runbooks: Vec<String>,
    /// Names with `*`; empty for every cluster.
    #[serde(default)]
    pub clusters: Vec<String>,
}

/// A policy whose patterns were read.
#[derive(Debug)]
pub struct Rule {
    /// Its place in the settings, counted from 0.
    pub place: usize,
    pub patterns: Vec<Pattern>,
    pub written: Policy,
}

impl Rule {
    /// Whether it says anything about `permission` at `scope`. What is not named in `scope` fits nothing but an empty list and `*`.
    pub fn covers(&self, permission: &str, scope: &Scope<'_>) -> bool {
        let within = |names: &[String], name: &str| names.is_empty() || names.iter().any(|pattern| glob::fits(pattern, name));
        self.patterns.iter().any(|pattern| pattern.matches(permission))
            && within(&self.written.channels, scope.channel)
            && within(&self.written.runbooks, scope.runbook)
            && within(&self.written.clusters, scope.cluster)
    }

    /// Whether it is about somebody with these roles.
    pub fn concerns<'a>(&self, mut roles: impl Iterator<Item = &'a String>) -> bool {
        self.written.roles.is_empty() || roles.any(|role| self.written.roles.contains(role))
    }
}
