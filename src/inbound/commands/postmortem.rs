//! The postmortem's draft: a message in the incident's thread, or a text to copy.

use std::collections::BTreeSet;

use crate::{
    inbound::State,
    model::{Incident, Message, Part, Span, Text, is_slack_user},
    report::{self, Names},
    store::{Commit, Place, Result, SlotBody, SlotUpdate},
};

/// More people than this act on no incident; the others are shown by their ids.
const NAMES_MAX: usize = 20;
/// Characters of one block of text to copy: a section takes 3,000.
const BLOCK_MAX: usize = 2800;

/// Posts the draft into the incident's thread, or brings the one that is there up to date, and says so.
///
/// # Errors
/// When the store fails.
pub async fn post(state: &State, incident: &Incident) -> Result<Message> {
    let names = names(state, incident).await;
    let slot = SlotUpdate {
        key: format!("{}/postmortem", incident.id),
        incident: incident.id,
        team: incident.team.clone(),
        channel: incident.channel.clone(),
        place: Place::below(incident),
        body: SlotBody::Message(report::postmortem(incident, &names, state.clock.now())),
    };
    state.store.commit(Commit { slots: vec![slot], ..Commit::default() }).await?;
    let text = format!("A postmortem draft is in the thread of {}", incident.id);
    let mut shown = Text::new().plain(format!("{text}. "));
    let slack = state.slack.of(&incident.team);
    let link = incident.thread.as_ref().and_then(|thread| slack.identity.get()?.permalink(&thread.channel, &thread.ts));
    if let Some(url) = link {
        shown.0.push(Span::Link { url, text: "Open the thread".to_owned() });
        shown = shown.plain(". ");
    }
    shown = shown.plain("As text to copy: ").code(format!("/sre postmortem {} markdown", incident.id));
    Ok(Message { text, parts: vec![Part::Section(shown)] })
}

/// The draft as Markdown, seen by the person alone.
pub async fn as_text(state: &State, incident: &Incident) -> Message {
    let names = names(state, incident).await;
    let markdown = report::postmortem_markdown(incident, &names, state.clock.now());
    let mut blocks = vec![String::new()];
    for line in markdown.lines() {
        let full = blocks.last().is_none_or(|block| block.chars().count() + line.chars().count() > BLOCK_MAX);
        if full {
            blocks.push(String::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
    let parts = blocks.into_iter().filter(|block| !block.trim().is_empty()).map(Part::Excerpt).collect();
    Message { text: format!("Postmortem draft of {}", incident.id), parts }
}

/// What the people of the timeline are called, as far as Slack says.
pub async fn names(state: &State, incident: &Incident) -> Names {
    let people: BTreeSet<&str> = incident
        .timeline
        .iter()
        .map(|entry| entry.actor.as_str())
        .chain(incident.owner.as_deref())
        .filter(|actor| is_slack_user(actor))
        .collect();
    let slack = state.slack.of(&incident.team);
    let asked = people.into_iter().take(NAMES_MAX).map(|user| {
        let slack = &slack;
        async move { slack.client.person(user).await.ok().map(|known| (user.to_owned(), known.name)) }
    });
    futures_util::future::join_all(asked).await.into_iter().flatten().collect()
}
