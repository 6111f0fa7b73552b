//! Who may do what: an act that is listed in the settings belongs to those named there.

use super::{Ctx, act::Person};
use crate::model::Act;

/// What the settings say about an act of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    Granted,
    /// It belongs to these: user ids and user group ids.
    Refused(Vec<String>),
    /// Slack does not say who is in the groups, so nobody who is not named in person may.
    Unknown(Vec<String>),
}

/// Whether the person may do it. Groups are asked of Slack, and remembered for some minutes.
pub async fn of(ctx: &Ctx, act: &Act, person: &Person<'_>) -> Right {
    let Some(listed) = ctx.settings.rights.get(act.name()) else { return Right::Granted };
    if listed.iter().any(|id| id == person.id) {
        return Right::Granted;
    }
    let slack = ctx.slack.of(person.team);
    let mut unknown = false;
    for group in listed.iter().filter(|id| id.starts_with('S')) {
        match slack.client.group_members(group).await {
            Ok(members) if members.contains(person.id) => return Right::Granted,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, group, act = act.name(), "nobody knows who is in the group; the act is refused");
                unknown = true;
            }
        }
    }
    if unknown { Right::Unknown(listed.clone()) } else { Right::Refused(listed.clone()) }
}
