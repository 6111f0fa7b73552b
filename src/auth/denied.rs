//! The sentence for somebody who may not do something.

use super::Principal;

/// Roles in a sentence; an identity provider may send every group of a person.
const ROLES_SHOWN: usize = 8;

/// A check that was not passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Denied {
    pub permission: String,
    /// For the person who was refused: what was missing, and who has it.
    pub why: String,
}

/// Why a check was not passed.
#[derive(Debug, Clone, Copy)]
pub enum Reason {
    /// No such permission exists: a mistake of ours, never granted.
    Unknown,
    /// The policy with this place in the settings.
    Policy(usize),
    /// Nothing allows it.
    Missing,
}

impl Reason {
    /// `able` are the roles that may do it.
    pub fn about(self, permission: &str, who: &Principal, able: &[&String]) -> Denied {
        let able = match able {
            [] => "which no role has here".to_owned(),
            [one] => format!("which the role {one} has"),
            many => format!("which the roles {} have", list(many)),
        };
        let yours: Vec<&String> = who.roles.iter().collect();
        let yours = if yours.is_empty() { "You have no role".to_owned() } else { format!("You have: {}", list(&yours)) };
        let ask = "an administrator can change that under `access` in the settings";
        let why = match self {
            Self::Unknown => format!("There is no permission `{permission}`, so nobody has it."),
            Self::Policy(place) => {
                format!("A policy (access.policies[{place}]) denies you `{permission}` here, {able}. {yours}; {ask}.")
            }
            Self::Missing => format!("This needs the permission `{permission}`, {able}. {yours}; {ask}."),
        };
        Denied { permission: permission.to_owned(), why }
    }
}

/// `a, b and c`; the end of a long list is left out.
fn list(roles: &[&String]) -> String {
    let shown: Vec<&str> = roles.iter().take(ROLES_SHOWN).map(|role| role.as_str()).collect();
    match (roles.len().saturating_sub(ROLES_SHOWN), shown.as_slice()) {
        (0, [first @ .., last]) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        (0, shown) => shown.join(""),
        (more, shown) => format!("{} and {more} more", shown.join(", ")),
    }
}
