//! Who may do what. A person of Slack has the roles that the settings give to them and their user groups; another caller
//! brought theirs along, proved at the door. An act that `slack.rights` lists belongs, besides, to those named there.

use std::collections::BTreeSet;

use super::{Ctx, act::Person};
use crate::{
    auth::{Denied, Granted, Principal, Scope},
    model::{Act, Caller, Incident, is_slack_group, is_slack_user},
    store::DocumentKind,
};

/// What the settings say about an act of a person.
#[derive(Debug)]
pub enum Right {
    Granted,
    /// It belongs to these: user ids and user group ids.
    Refused(Vec<String>),
    /// Slack does not say who is in the groups, so nobody who is not named in person may.
    Unknown(Vec<String>),
    /// The role lacks the permission.
    Denied(Denied),
}

/// Whether the person may do it to this incident. Groups are asked of Slack, and remembered for some minutes.
pub async fn of(ctx: &Ctx, act: &Act, incident: &Incident, person: &Person<'_>) -> Right {
    // Of another caller the door has checked the right to this very act.
    if is_slack_user(person.id) {
        let who = principal(ctx, person.team, &Caller::slack(person.id)).await;
        let scope = Scope { channel: &incident.channel, cluster: &incident.alert.cluster, ..Scope::default() };
        if let Err(denied) = ctx.access.check(&who, &format!("incident:{}", act.name()), &scope) {
            return Right::Denied(denied);
        }
    }
    let Some(listed) = ctx.settings.rights.get(act.name()) else { return Right::Granted };
    if listed.iter().any(|id| id == person.id) {
        return Right::Granted;
    }
    let groups = listed.iter().map(String::as_str).filter(|id| is_slack_group(id));
    let (member, unknown) = ctx.slack.of(person.team).client.memberships(person.id, groups).await;
    if !member.is_empty() {
        Right::Granted
    } else if unknown {
        Right::Unknown(listed.clone())
    } else {
        Right::Refused(listed.clone())
    }
}

/// Who the caller is, with the roles as they are now.
pub async fn principal(ctx: &Ctx, team: &str, caller: &Caller) -> Principal {
    if !is_slack_user(&caller.id) {
        return Principal {
            subject: caller.id.clone(),
            name: caller.id.clone(),
            roles: caller.roles.iter().cloned().collect(),
            token: caller.token.clone(),
        };
    }
    let (groups, _) = ctx.slack.of(team).client.memberships(&caller.id, ctx.access.groups()).await;
    Principal::slack(&caller.id, &caller.id, ctx.access.roles_of(&caller.id, &groups))
}

/// Whether what the caller proved themselves with still counts: a key that is revoked, or a token, does not.
///
/// # Errors
/// When the store fails.
pub async fn still_counts(ctx: &Ctx, caller: &Caller) -> anyhow::Result<bool> {
    let Some(token) = &caller.token else { return Ok(true) };
    if ctx.store.document(DocumentKind::Revoked, token).await?.is_some() {
        return Ok(false);
    }
    let now = ctx.clock.now();
    Ok(match ctx.store.document(DocumentKind::ApiKey, token).await? {
        Some(document) => serde_json::from_value::<crate::auth::StoredKey>(document.body)
            .is_ok_and(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|until| until > now)),
        None => true,
    })
}

/// Whether the caller may, with a role among `roles` where some are named.
///
/// # Errors
/// A sentence that names what is missing.
pub async fn check(
    ctx: &Ctx,
    team: &str,
    caller: &Caller,
    permission: &str,
    scope: &Scope<'_>,
    roles: &[&[String]],
) -> Result<Granted, Denied> {
    let who = principal(ctx, team, caller).await;
    let granted = ctx.access.check(&who, permission, scope)?;
    for named in roles.iter().filter(|named| !named.is_empty()) {
        let named: BTreeSet<&String> = named.iter().collect();
        if !who.roles.iter().any(|role| named.contains(role)) {
            let wanted: Vec<&str> = named.iter().map(|role| role.as_str()).collect();
            return Err(Denied {
                permission: permission.to_owned(),
                why: format!("this takes one of the roles {}: you have not the permission `{permission}` for it", wanted.join(", ")),
            });
        }
    }
    Ok(granted)
}
