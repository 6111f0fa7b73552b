//! What a person of Slack may see and ask, by the roles that they have now. What they do to an incident is checked by the
//! pipeline, when it is done.

use std::time::Duration;

use super::Asker;
use crate::{
    auth::{Principal, Scope},
    inbound::{State, access::place},
    model::{AuditEntry, Incident, Message},
    report::{self, answers},
    store::Commit,
};

pub const READ: &str = "incident:read";
pub const ASK: &str = "incident:ask";
/// How long a question waits for Slack to say who is in which group: Slack gives three seconds in all.
const GROUPS_WAIT: Duration = Duration::from_millis(1500);

/// Somebody, and what they may.
pub struct Rights {
    user: String,
    who: Principal,
}

impl Rights {
    /// Those of a person. Slack is asked only where user groups have roles, and its answer is remembered for some minutes.
    pub async fn of(state: &State, team: &str, user: &str) -> Self {
        let slack = state.slack.of(state.slack.own(team));
        let (groups, _) = slack.client.memberships(user, state.gate.access.groups()).await;
        let who = Principal::slack(user, user, state.gate.access.roles_of(user, &groups));
        Self { user: user.to_owned(), who }
    }

    /// Whether they may; for what is shown or left out.
    pub fn may(&self, state: &State, permission: &str, scope: &Scope<'_>) -> bool {
        state.gate.access.check(&self.who, permission, scope).is_ok()
    }

    /// Whether they may see this incident.
    pub fn reads(&self, state: &State, incident: &Incident) -> bool {
        self.may(state, READ, &place(incident))
    }

    /// Whether they may; a line in the audit log where they may not. `object` is what they wanted it for.
    ///
    /// # Errors
    /// A message that says what is missing.
    pub async fn need(&self, state: &State, permission: &str, scope: &Scope<'_>, object: &str) -> Result<(), Message> {
        let Err(denied) = state.gate.access.check(&self.who, permission, scope) else { return Ok(()) };
        tracing::info!(user = self.user, permission, object, "refused");
        let answer = answers::refused(&denied.why);
        let entry = AuditEntry {
            at: state.clock.now(),
            actor: self.user.clone(),
            act: permission.to_owned(),
            object: object.to_owned(),
            outcome: "refused".to_owned(),
            detail: denied.why,
        };
        if let Err(error) = state.store.commit(Commit { audit: vec![entry], ..Commit::default() }).await {
            tracing::error!(%error, "a refusal could not be audited");
            return Err(report::sentence("The store does not answer at the moment. Please try again."));
        }
        Err(answer)
    }

    /// The same for an incident.
    ///
    /// # Errors
    /// As [`Rights::need`].
    pub async fn need_for(&self, state: &State, permission: &str, incident: &Incident) -> Result<(), Message> {
        self.need(state, permission, &place(incident), &incident.id.to_string()).await
    }

    /// For a list that came out empty: to those who may see nothing where they ask it says that, and not that there is nothing.
    ///
    /// # Errors
    /// As [`Rights::need`].
    pub async fn need_here(&self, state: &State, permission: &str, asker: &Asker) -> Result<(), Message> {
        self.need(state, permission, &Scope { channel: &asker.channel, ..Scope::default() }, &asker.channel).await
    }
}

/// Whether the person may ask: about the incident, or in the channel about nothing that is there yet.
///
/// # Errors
/// As [`Rights::need`].
pub async fn asks(state: &State, asker: &Asker, about: Option<&Incident>) -> Result<(), Message> {
    match (tokio::time::timeout(GROUPS_WAIT, Rights::of(state, &asker.team, &asker.user)).await, about) {
        (Ok(rights), Some(incident)) => rights.need_for(state, ASK, incident).await,
        (Ok(rights), None) => rights.need_here(state, ASK, asker).await,
        // The pipeline looks again, and has the time to.
        (Err(_), _) => Ok(()),
    }
}
