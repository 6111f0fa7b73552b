//! Who is asking.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Somebody whose identity was proved: a person from Slack, the bearer of a token, or a machine with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// `slack:U01ALICE`, `jwt:alice@example.com` (a token of ours), `idp:auth0|42` (an identity provider's) or `key:ci`: what the audit log and the two-person rule go by.
    pub subject: String,
    /// For people to read; nothing is decided by it.
    pub name: String,
    pub roles: BTreeSet<String>,
    /// The token's `jti` or the key's id: what can be revoked.
    pub token: Option<String>,
}

impl Principal {
    /// A person from Slack.
    pub fn slack(user: &str, name: &str, roles: BTreeSet<String>) -> Self {
        Self { subject: format!("slack:{user}"), name: name.to_owned(), roles, token: None }
    }

    /// The Slack user id, where it is a person from Slack.
    pub fn slack_user(&self) -> Option<&str> {
        self.subject.strip_prefix("slack:")
    }
}
