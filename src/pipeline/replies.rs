//! Answers to the person who acted: seen by them alone, best effort, after what they did is durable.

use super::{Ctx, act::Person};
use crate::{model::Message, slack::blocks};

/// Tells the person; a failure is logged and changes nothing.
pub async fn answer(ctx: &Ctx, person: &Person<'_>, message: &Message) {
    ctx.slack.of(person.team).client.answer(person.reply, person.id, &blocks::message(message)).await;
}
