//! Answers to the person who acted: seen by them alone, best effort, after what they did is durable.

use super::{Ctx, act::Person};
use crate::{model::Message, slack::blocks};

/// Tells the person; a failure is logged and changes nothing. Slack being slow holds up nobody's work: the answer goes out
/// beside it.
pub async fn answer(ctx: &Ctx, person: &Person<'_>, message: &Message) {
    let (workspace, body) = (ctx.slack.of(person.team), blocks::message(message));
    let (reply, user) = (person.reply.clone(), person.id.to_owned());
    tokio::spawn(async move { workspace.client.answer(&reply, &user, &body).await });
}
