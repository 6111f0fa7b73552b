//! The sentence for somebody who may not do something.

use super::Principal;

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
            [first @ .., last] => {
                let first = first.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
                format!("which the roles {first} and {last} have")
            }
        };
        let yours = match who.roles.iter().map(String::as_str).collect::<Vec<_>>().join(", ") {
            roles if roles.is_empty() => "You have no role".to_owned(),
            roles => format!("You have: {roles}"),
        };
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
