//! Every permission there is, and the patterns that stand for several.

use std::collections::BTreeSet;

use crate::model::nearest;

/// `resource:action`, and what it allows.
pub const PERMISSIONS: &[(&str, &str)] = &[
    ("incident:read", "see incidents, their reports and their evidence"),
    ("incident:acknowledge", "take an incident"),
    ("incident:unacknowledge", "give an incident back"),
    ("incident:resolve", "close an incident"),
    ("incident:reopen", "open a closed incident again"),
    ("incident:rerun", "investigate an incident again as of now"),
    ("incident:replay", "investigate an incident again as of then"),
    ("incident:assign", "give an incident to somebody"),
    ("incident:silence", "keep an alert quiet for a while"),
    ("incident:unsilence", "let a silenced alert be heard again"),
    ("incident:escalate", "call further people to an incident"),
    ("incident:feedback", "say whether a report was right"),
    ("incident:ask", "ask a question about an incident"),
    ("alert:create", "send an alert by the API"),
    ("change:create", "tell of a deployment or another change"),
    ("change:read", "see the changes that were told of"),
    ("agent:read", "see the agents and what they did"),
    ("agent:run", "start an agent without an alert"),
    ("runbook:read", "see the runbooks and their runs"),
    ("runbook:request", "ask for a run of a runbook"),
    ("approval:read", "see what waits for an approval"),
    ("approval:decide", "approve or refuse a run"),
    ("run:cancel", "stop a run that is under way"),
    ("silence:read", "see what is silenced"),
    ("audit:read", "read the audit log"),
    ("stats:read", "see the figures about incidents"),
    ("token:issue", "make tokens and keys for others"),
    ("token:revoke", "revoke tokens and keys"),
];

/// A word this many edits away is taken for a typing error.
const TYPING_ERROR: usize = 3;

/// Whether `permission` is one of [`PERMISSIONS`].
pub fn is_known(permission: &str) -> bool {
    PERMISSIONS.iter().any(|(known, _)| *known == permission)
}

/// `resource:action` where `*` stands for every resource or every action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    resource: Option<String>,
    action: Option<String>,
}

impl Pattern {
    /// Reads a pattern that fits at least one permission.
    ///
    /// # Errors
    /// A sentence that quotes it and offers what was probably meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        let part = |part: &str| (part != "*").then(|| part.to_owned());
        let pattern = text.split_once(':').map(|(resource, action)| Self { resource: part(resource), action: part(action) });
        match pattern {
            Some(pattern) if PERMISSIONS.iter().any(|(known, _)| pattern.matches(known)) => Ok(pattern),
            _ => Err(unknown(text)),
        }
    }

    pub fn matches(&self, permission: &str) -> bool {
        let fits = |wanted: &Option<String>, part: &str| wanted.as_deref().is_none_or(|wanted| wanted == part);
        permission.split_once(':').is_some_and(|(resource, action)| fits(&self.resource, resource) && fits(&self.action, action))
    }
}

fn unknown(text: &str) -> String {
    let shown: String = text.chars().take(60).collect();
    let resources: BTreeSet<&str> =
        PERMISSIONS.iter().filter_map(|(known, _)| known.split_once(':')).map(|(resource, _)| resource).collect();
    let whole = PERMISSIONS.iter().map(|(known, _)| (*known).to_owned());
    let all: Vec<String> = whole.chain(resources.iter().map(|resource| format!("{resource}:*"))).collect();
    match nearest(&shown, all.iter().map(String::as_str), TYPING_ERROR) {
        Some(meant) => format!("`{shown}` is not a permission; did you mean `{meant}`?"),
        None => {
            let resources = resources.into_iter().collect::<Vec<_>>().join(", ");
            format!("`{shown}` is not a permission: `resource:action` is wanted, `*` for all; resources are {resources}")
        }
    }
}
