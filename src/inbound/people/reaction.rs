//! The reaction that asks for an investigation of the message it is put on.

use std::time::Duration;

use super::{
    super::{
        State,
        events::{self, Envelope, text},
        reply::Refusal,
        state::Door,
    },
    Picked, pick_up,
};
use crate::{
    model::{Message, Priority, RecordSource, Reply},
    report,
    slack::{SlackErrorKind, blocks},
};

/// Slack waits three seconds for the acknowledgement. Later than this it is asked to deliver again.
const FETCH_WAIT: Duration = Duration::from_millis(2500);

/// Handles one `reaction_added`.
///
/// # Errors
/// When the message could not be fetched in time or recorded: Slack then delivers the reaction again.
pub async fn handle(state: &State, envelope: &Envelope) -> Result<(), Refusal> {
    let event = &envelope.event;
    let item = event.get("item").cloned().unwrap_or_default();
    let (channel, ts, user) = (text(&item, "channel"), text(&item, "ts"), text(event, "user"));
    let wanted = !state.config.emoji.is_empty() && text(event, "reaction") == state.config.emoji && text(&item, "type") == "message";
    if !wanted || channel.is_empty() || ts.is_empty() || user.is_empty() || events::is_ours(state, envelope, event) {
        return Ok(());
    }
    let slack = state.slack.of(&envelope.team_id);
    let answer = match tokio::time::timeout(FETCH_WAIT, slack.client.message(channel, ts)).await {
        Err(_) => return Err(Refusal::Unavailable),
        Ok(Ok(Some(message))) => {
            // Two people who put the same reaction on a message want the same thing.
            let key = format!("reaction/{channel}/{ts}");
            let door = Door { source: RecordSource::SlackEvents, key: Some(&key), team: &envelope.team_id, priority: Priority::P2 };
            let reply = Reply { channel: channel.to_owned(), ..Reply::default() };
            pick_up(state, &Picked { channel, user, door, message: &message }, reply).await?
        }
        Ok(Ok(None)) => report::sentence("The message is not there any more."),
        Ok(Err(error)) => match error.kind {
            SlackErrorKind::RateLimited(_) | SlackErrorKind::Ambiguous | SlackErrorKind::Unavailable => {
                tracing::warn!(%error, "a message with our reaction could not be read yet");
                return Err(Refusal::Unavailable);
            }
            _ => {
                tracing::warn!(%error, "a message with our reaction cannot be read");
                report::sentence("I cannot read this message: I am not a member of this channel, or lack a scope.")
            }
        },
    };
    tell(state, &envelope.team_id, channel, user, answer);
    Ok(())
}

fn tell(state: &State, team: &str, channel: &str, user: &str, answer: Message) {
    let (state, team, channel, user) = (state.clone(), team.to_owned(), channel.to_owned(), user.to_owned());
    tokio::spawn(async move {
        if let Err(error) = state.slack.of(&team).client.whisper(&channel, None, &user, &blocks::message(&answer)).await {
            tracing::info!(%error, user, "the person cannot be answered there");
        }
    });
}
