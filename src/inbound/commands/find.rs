//! Which incident is meant.

use std::sync::Arc;

use super::{Asker, READ, Rights, parse::Reference};
use crate::{
    inbound::State,
    model::{Incident, Message},
    report,
    store::{IncidentFilter, Result},
};

/// How many are looked at when nobody said which.
const LOOK_MAX: usize = 500;
const CANDIDATES: usize = 8;

/// What can be meant without a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Only an open one.
    Open,
    /// Only a closed one.
    Closed,
    /// An open one, or else the channel's newest: reading does no harm.
    Any,
}

/// The incident that is meant, or a message that says why it is not clear; `command` is what was asked for.
/// What the asker may not see cannot be meant without its number or its thread; whether they may have it then is for the caller.
///
/// # Errors
/// When the store fails.
pub async fn incident(
    state: &State,
    asker: &Asker,
    reference: Reference,
    command: &str,
    wanted: Wanted,
) -> Result<std::result::Result<Incident, Message>> {
    if let Some(id) = reference {
        let found = state.store.incident(id).await?.filter(|incident| same_workspace(state, &asker.team, &incident.team));
        return Ok(found.ok_or_else(|| report::sentence(&format!("There is no {id}."))));
    }
    if let Some(thread) = &asker.thread {
        let found = state.store.incidents_in_thread(&asker.channel, thread).await?;
        let open = found.iter().find(|incident| !incident.state.is_closed()).or(found.first());
        if let Some(incident) = open {
            return Ok(Ok(incident.clone()));
        }
    }
    let rights = Rights::of(state, &asker.team, &asker.user).await;
    let mut found = all(state, asker, wanted == Wanted::Open).await?;
    found.retain(|incident| rights.reads(state, incident));
    if found.is_empty()
        && let Err(why) = rights.need_here(state, READ, asker).await
    {
        return Ok(Err(why));
    }
    if wanted == Wanted::Closed {
        found.retain(|incident| incident.state.is_closed() && incident.channel == asker.channel);
        found.truncate(CANDIDATES);
        return Ok(Err(chosen(found, asker, command, "Nothing in this channel is closed.")));
    }
    let newest_here = found.iter().find(|incident| incident.channel == asker.channel).cloned();
    found.retain(|incident| !incident.state.is_closed());
    let here: Vec<Incident> = found.iter().filter(|incident| incident.channel == asker.channel).cloned().collect();
    let mut candidates = if here.is_empty() { found } else { here };
    if candidates.len() == 1 {
        return Ok(candidates.pop().ok_or_else(|| nothing_open(asker, command)));
    }
    if candidates.is_empty() {
        return Ok(newest_here.filter(|_| wanted == Wanted::Any).ok_or_else(|| nothing_open(asker, command)));
    }
    Ok(Err(chosen(candidates, asker, command, "")))
}

fn chosen(candidates: Vec<Incident>, asker: &Asker, command: &str, none: &str) -> Message {
    if candidates.is_empty() { report::sentence(none) } else { report::which(&format!("{} {command}", asker.prefix), &candidates) }
}

fn nothing_open(asker: &Asker, command: &str) -> Message {
    report::sentence(&format!("Nothing is open here. Say which incident, like `{} {command} INC-42`.", asker.prefix))
}

/// The incidents of the asker's workspace, newest first.
async fn all(state: &State, asker: &Asker, open: bool) -> Result<Vec<Incident>> {
    let mut found = state.store.incidents(&IncidentFilter { open, limit: LOOK_MAX, ..IncidentFilter::default() }).await?;
    found.retain(|incident| same_workspace(state, &asker.team, &incident.team));
    Ok(found)
}

/// Whether two team ids mean one workspace of ours: what one organisation asks never shows what another one has.
pub fn same_workspace(state: &State, one: &str, other: &str) -> bool {
    one == other || Arc::ptr_eq(&state.slack.of(one), &state.slack.of(other))
}
