//! Who is on call: the members of the configured user group, by name.

use futures_util::future::join_all;

use crate::{
    inbound::State,
    model::Message,
    report,
    slack::{SlackError, SlackErrorKind},
};

/// A group of more is no rotation; more names would not be read.
const PEOPLE_MAX: usize = 12;

/// The names; none where no group is configured.
///
/// # Errors
/// When Slack does not say who is in the group.
pub async fn names(state: &State, team: &str) -> Result<Vec<String>, SlackError> {
    if state.config.oncall_group.is_empty() {
        return Ok(Vec::new());
    }
    let slack = state.slack.of(team);
    let members = slack.client.group_members(&state.config.oncall_group).await?;
    let known = members.iter().take(PEOPLE_MAX).map(|user| async {
        // A name that Slack does not tell is shown by its id: better than nobody.
        slack.client.person(user).await.map_or_else(|_| user.clone(), |known| known.name)
    });
    Ok(join_all(known).await)
}

/// The answer to `/sre oncall`.
pub async fn message(state: &State, team: &str) -> Message {
    if state.config.oncall_group.is_empty() {
        return report::sentence("Nobody is configured: set `escalation.oncall_group` in the settings to the id of a Slack user group.");
    }
    match names(state, team).await {
        Ok(names) if names.is_empty() => report::sentence("The on-call group is empty."),
        Ok(names) => report::sentence(&format!("On call: {}.", names.join(", "))),
        Err(error) => {
            tracing::warn!(%error, "who is on call could not be asked");
            let hint = match error.kind {
                SlackErrorKind::Blocked => "the app needs the scopes `usergroups:read` and `users:read`",
                _ => "please try again",
            };
            report::sentence(&format!("Slack does not say who is on call: {hint}."))
        }
    }
}
