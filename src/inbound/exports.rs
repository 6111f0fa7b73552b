//! "All evidence as a file": what a modal does not hold goes into the thread as a text, once.

use super::{
    State,
    commands::{READ, Rights},
    reply::Refusal,
};
use crate::{
    model::{Action, IncidentId, Message},
    store::{Commit, FileContent, FileWish, Place, SlotBody, SlotUpdate},
};

/// What comes back when the button is pressed.
pub const ACTION: &str = "evidence_file";

/// The button, for the details of an incident.
pub fn button(incident: IncidentId) -> Action {
    Action::button(ACTION, "All evidence as a file", incident.to_string())
}

/// Wishes for the file; the sender shares it within a second. Pressing twice gives one file. A message comes back for a person
/// who may not see the incident.
pub async fn handle(state: &State, team: &str, user: &str, id: IncidentId) -> Result<Option<Message>, Refusal> {
    let Some(incident) = state.store.incident(id).await? else { return Ok(None) };
    let Some(investigation) = incident.investigation.filter(|_| incident.report.is_some()) else { return Ok(None) };
    if let Err(why) = Rights::of(state, team, user).await.need_for(state, READ, &incident).await {
        return Ok(Some(why));
    }
    let wish = FileWish { content: FileContent::Evidence(investigation), title: format!("{id}: all evidence"), after: String::new() };
    let slot = SlotUpdate {
        key: format!("{id}/evidence/{investigation}"),
        incident: id,
        team: incident.team.clone(),
        channel: incident.channel.clone(),
        place: Place::below(&incident),
        body: SlotBody::File(wish),
    };
    state.store.commit(Commit { slots: vec![slot], ..Commit::default() }).await?;
    Ok(None)
}
