//! Who is on call: the members of the configured user group, and whoever has the turn in each schedule.

use futures_util::future::join_all;

use crate::{
    inbound::State,
    model::Message,
    notify::Person,
    report::{self, OnCallNow},
    slack::{SlackError, SlackErrorKind},
};

/// A group of more is no rotation; more names would not be read.
const PEOPLE_MAX: usize = 12;
/// How many schedules are shown.
const SCHEDULES_MAX: usize = 20;

/// The members of the group, by name; none where no group is configured.
async fn group(state: &State, team: &str) -> Result<Vec<String>, SlackError> {
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

async fn turns(state: &State) -> Vec<OnCallNow> {
    let now = state.clock.now();
    let asked = state.rota.names().into_iter().take(SCHEDULES_MAX).map(|name| async move {
        let turn = state.rota.turn(name, now).await;
        let people = turn.people.into_iter().take(PEOPLE_MAX).map(named).collect();
        OnCallNow { schedule: name.to_owned(), people, until: turn.until, stale: turn.stale }
    });
    join_all(asked).await
}

fn named(person: Person) -> String {
    [person.name, person.email, person.slack].into_iter().find(|word| !word.is_empty()).unwrap_or_default()
}

/// Everybody who is on call, each once; as far as Slack and the schedules say it.
pub async fn names(state: &State, team: &str) -> Vec<String> {
    let (group, turns) = tokio::join!(group(state, team), turns(state));
    let mut names = group.unwrap_or_else(|error| {
        tracing::warn!(%error, "who is on call could not be asked");
        Vec::new()
    });
    for name in turns.into_iter().flat_map(|turn| turn.people) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The answer to `/sre oncall`.
pub async fn message(state: &State, team: &str) -> Message {
    let (group, mut all) = tokio::join!(group(state, team), turns(state));
    if !state.config.oncall_group.is_empty() {
        let first = match group {
            Ok(people) => OnCallNow { people, ..OnCallNow::default() },
            Err(error) => {
                tracing::warn!(%error, "who is on call could not be asked");
                let hint = match error.kind {
                    SlackErrorKind::Blocked => "the app needs the scopes usergroups:read and users:read",
                    _ => "please try again",
                };
                OnCallNow { stale: Some(format!("Slack does not say it; {hint}")), ..OnCallNow::default() }
            }
        };
        all.insert(0, first);
    }
    if all.is_empty() {
        return report::sentence(
            "Nobody is configured: set `escalation.schedules_file` to a file of schedules, or `escalation.oncall_group` to the id of a Slack user group.",
        );
    }
    report::on_call(&all)
}
