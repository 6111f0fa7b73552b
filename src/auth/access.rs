//! What somebody may do: roles, and policies that add to them or take away. The answer is a proof or a reason.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    Denied, Effect, Policy, Principal,
    denied::Reason,
    permissions::{self, Pattern},
    policy::Rule,
    roles::{self, Problem},
};
use crate::model::is_slack_group;

/// The section `access` of the settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// Role to permission patterns (`resource:action`, `*` for either part), and `@role` for all that another role may do.
    /// A built-in role (`admin`, `developer`, `user`) that is named here is replaced, or extended where its list holds itself:
    /// `developer: ["@developer", "audit:read"]`.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Id of a person or a user group in Slack to roles.
    pub people: BTreeMap<String, Vec<String>>,
    /// What every signed-in person from Slack has.
    pub default_roles: Vec<String>,
    pub policies: Vec<Policy>,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { roles: BTreeMap::new(), people: BTreeMap::new(), default_roles: vec!["user".to_owned()], policies: Vec::new() }
    }
}

/// Where something is to be done. What does not apply is empty, and fits only policies that are not limited in that respect.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    pub channel: &'a str,
    pub runbook: &'a str,
    pub cluster: &'a str,
}

/// Who may do what. Pure: the same question has the same answer.
#[derive(Debug)]
pub struct Access {
    roles: BTreeMap<String, Vec<Pattern>>,
    people: BTreeMap<String, Vec<String>>,
    default_roles: Vec<String>,
    rules: Vec<Rule>,
}

/// Proof that a check was passed. What acts takes it as a parameter, so that nothing acts without one.
#[derive(Debug)]
#[must_use]
pub struct Granted {
    permission: String,
    who: Principal,
}

impl Granted {
    pub fn permission(&self) -> &str {
        &self.permission
    }

    pub fn who(&self) -> &Principal {
        &self.who
    }
}

impl Access {
    /// Reads the settings.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with its key.
    pub fn new(config: AccessConfig) -> Result<Self, Vec<Problem>> {
        let read = roles::read(&config)?;
        Ok(Self { roles: read.roles, people: config.people, default_roles: config.default_roles, rules: read.rules })
    }

    /// Whether `who` may do `permission` at `scope`: a policy that denies wins over everything; then the roles count, then policies
    /// that allow; what nothing allows is denied.
    ///
    /// # Errors
    /// A sentence for the person who was refused.
    pub fn check(&self, who: &Principal, permission: &str, scope: &Scope<'_>) -> Result<Granted, Denied> {
        // `*:*` would also fit a permission that nobody has defined.
        if !permissions::is_known(permission) {
            return Err(Reason::Unknown.about(permission, who, &[]));
        }
        let of = |effect: Effect| self.rules.iter().filter(move |rule| rule.written.effect == effect && rule.covers(permission, scope));
        if let Some(rule) = of(Effect::Deny).find(|rule| rule.concerns(who.roles.iter())) {
            let able: Vec<&String> = self.able(permission, scope).collect();
            return Err(Reason::Policy(rule.place).about(permission, who, &able));
        }
        let by_role = who.roles.iter().any(|role| self.role_may(role, permission));
        if by_role || of(Effect::Allow).any(|rule| rule.concerns(who.roles.iter())) {
            return Ok(Granted { permission: permission.to_owned(), who: who.clone() });
        }
        let able: Vec<&String> = self.able(permission, scope).collect();
        Err(Reason::Missing.about(permission, who, &able))
    }

    /// The roles of a person from Slack who is a member of the user groups `groups`; none for nobody.
    pub fn roles_of(&self, user: &str, groups: &[&str]) -> BTreeSet<String> {
        if user.is_empty() {
            return BTreeSet::new();
        }
        let own = std::iter::once(user).chain(groups.iter().copied()).filter_map(|id| self.people.get(id)).flatten();
        own.chain(&self.default_roles).cloned().collect()
    }

    /// The user groups whose members have roles of their own: only these need to be asked for.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.people.keys().map(String::as_str).filter(|id| is_slack_group(id))
    }

    /// Every role there is, by name.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    fn role_may(&self, role: &str, permission: &str) -> bool {
        self.roles.get(role).is_some_and(|patterns| patterns.iter().any(|pattern| pattern.matches(permission)))
    }

    /// The roles that may do it there.
    fn able<'a>(&'a self, permission: &'a str, scope: &'a Scope<'a>) -> impl Iterator<Item = &'a String> {
        let rule = move |effect: Effect, role: &'a String| {
            self.rules
                .iter()
                .any(|rule| rule.written.effect == effect && rule.covers(permission, scope) && rule.concerns(std::iter::once(role)))
        };
        self.roles.keys().filter(move |role| !rule(Effect::Deny, role) && (self.role_may(role, permission) || rule(Effect::Allow, role)))
    }
}
