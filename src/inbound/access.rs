//! Whether a caller of the API may: who they are, how often they come, what their roles allow. A refusal is audited.

use axum::http::HeaderMap;

use super::{
    State,
    api::Problem,
    gate::{self, Shut},
};
use crate::{
    auth::{self, Principal},
    model::{self, AuditEntry, Incident, IncidentId, Run},
    store::Commit,
};

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who they are: in the audit log, and as the `user` of what they do.
    pub subject: String,
    pub roles: Vec<String>,
    /// As records keep them.
    pub as_recorded: model::Caller,
}

/// What the permission is wanted for, as far as the request's path says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Whatever there is: a list, or a thing that belongs to nobody.
    All,
    Incident(IncidentId),
    /// An agent, by its name.
    Agent(&'a str),
    /// A runbook, by its id.
    Runbook(&'a str),
}

/// Where the rights to an incident count.
pub fn place(incident: &Incident) -> auth::Scope<'_> {
    auth::Scope { channel: &incident.channel, cluster: &incident.alert.cluster, ..auth::Scope::default() }
}

/// Where the rights to a run count: everywhere that it touches.
pub fn places(run: &Run) -> Vec<auth::Scope<'_>> {
    let at = |cluster| auth::Scope { channel: &run.channel, runbook: &run.runbook, cluster };
    if run.clusters.is_empty() { vec![at("")] } else { run.clusters.iter().map(|cluster| at(cluster)).collect() }
}

impl Caller {
    fn principal(&self) -> Principal {
        let roles = self.roles.iter().cloned().collect();
        Principal { subject: self.subject.clone(), name: self.subject.clone(), roles, token: self.as_recorded.token.clone() }
    }

    /// Whether they may, in one place; for what a list leaves out.
    pub fn may(&self, state: &State, permission: &str, place: &auth::Scope<'_>) -> bool {
        state.gate.access.check(&self.principal(), permission, place).is_ok()
    }

    /// As [`check`], for what was only found after the caller was let in.
    ///
    /// # Errors
    /// 403 with the missing permission.
    pub async fn need(&self, state: &State, permission: &str, scope: Scope<'_>) -> Result<(), Problem> {
        check(state, &self.principal(), permission, scope).await.map(drop)
    }
}

/// Lets the caller in, or says why not. Every handler of the API asks exactly once, before it reads anything else.
///
/// # Errors
/// 401 for nobody, 403 with the missing permission, 429 for one who comes too often.
pub async fn authorize(state: &State, headers: &HeaderMap, permission: &str, scope: Scope<'_>) -> Result<Caller, Problem> {
    let who = match state.gate.bearer(state.store.as_ref(), headers, state.clock.now()).await {
        Ok(who) => who,
        Err(Shut::Unknown(why)) => return Err(Problem::unauthorized(&why)),
        Err(Shut::Unavailable) => return Err(Problem::unavailable()),
    };
    // Senders of alerts drop an alert that is answered with 429, and are limited by the doors' own bounds.
    if permission != "alert:create"
        && let Err(wait) = state.gate.limits.take(&who.subject, state.clock.now())
    {
        return Err(Problem::too_many(&wait));
    }
    check(state, &who, permission, scope).await
}

/// Whether somebody whose identity is proved may.
///
/// # Errors
/// 403 with the missing permission.
pub async fn check(state: &State, who: &Principal, permission: &str, scope: Scope<'_>) -> Result<Caller, Problem> {
    let (channel, cluster) = match scope {
        Scope::Incident(id) => {
            state.store.incident(id).await?.map(|incident| (incident.channel, incident.alert.cluster)).unwrap_or_default()
        }
        _ => Default::default(),
    };
    let runbook = if let Scope::Runbook(id) = scope { id } else { "" };
    let place = auth::Scope { channel: &channel, runbook, cluster: &cluster };
    match state.gate.access.check(who, permission, &place) {
        Ok(granted) => {
            let as_recorded = gate::caller(granted.who());
            Ok(Caller { subject: as_recorded.id.clone(), roles: who.roles.iter().cloned().collect(), as_recorded })
        }
        Err(denied) => {
            // Each refusal is a line of the audit log: nobody may write it at will.
            if permission == "alert:create"
                && let Err(wait) = state.gate.limits.take(&who.subject, state.clock.now())
            {
                return Err(Problem::too_many(&wait));
            }
            let object = match scope {
                Scope::Incident(id) => id.to_string(),
                Scope::Agent(name) | Scope::Runbook(name) => name.chars().take(60).collect(),
                Scope::All => String::new(),
            };
            let entry = AuditEntry {
                at: state.clock.now(),
                actor: gate::caller(who).id,
                act: permission.to_owned(),
                object,
                outcome: "refused".to_owned(),
                detail: denied.why.clone(),
            };
            state.store.commit(Commit { audit: vec![entry], ..Commit::default() }).await?;
            Err(Problem::lacks(permission, &denied.why))
        }
    }
}
