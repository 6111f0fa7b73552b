//! Shortcuts: "Investigate this message" from a message's menu.

use serde_json::Value;

use super::{
    State,
    deliveries::Ack,
    people::{Picked, pick_up},
    state::Door,
};
use crate::{
    model::{Message, Priority, RecordSource, Reply},
    slack::blocks,
};

/// The shortcut's name in the app's manifest.
const INVESTIGATE: &str = "investigate_message";

/// Handles one verified shortcut (`message_action` or `shortcut`).
///
/// # Errors
/// When what the person wants could not be made durable.
pub async fn handle(state: &State, payload: &Value) -> Ack {
    let field = |path: &str| payload.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let message = payload.get("message").filter(|_| field("/callback_id") == INVESTIGATE);
    let Some(message) = message else {
        state.metrics.unknown_event();
        return Ok(None);
    };
    let (team, channel, user) = (field("/team/id"), field("/channel/id"), field("/user/id"));
    let reply = Reply {
        channel: channel.to_owned(),
        thread: None,
        response_url: Some(field("/response_url").to_owned()).filter(|url| !url.is_empty()),
    };
    let trigger = Some(field("/trigger_id")).filter(|trigger| !trigger.is_empty());
    let door = Door { source: RecordSource::SlackInteraction, key: trigger, team, priority: Priority::P1 };
    let answer = pick_up(state, &Picked { channel, user, door, message }, reply.clone()).await?;
    tell(state, team, user, reply, answer);
    Ok(None)
}

/// Tells the person, after Slack has its acknowledgement; works also where the bot is no member.
fn tell(state: &State, team: &str, user: &str, reply: Reply, answer: Message) {
    let (state, team, user) = (state.clone(), team.to_owned(), user.to_owned());
    tokio::spawn(async move {
        let (slack, body) = (state.slack.of(&team), blocks::message(&answer));
        let told = match &reply.response_url {
            Some(url) => slack.client.respond(url, None, &body).await,
            None => slack.client.whisper(&reply.channel, None, &user, &body).await,
        };
        if let Err(error) = told {
            tracing::warn!(%error, user, "an answer did not reach the person");
        }
    });
}
