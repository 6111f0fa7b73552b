//! Answers to the person who acted: seen by them alone, best effort, after what they did is durable.

use super::{Ctx, act::Person};
use crate::{
    model::Message,
    slack::{SlackErrorKind, blocks},
};

/// Tells the person; a failure is logged and changes nothing.
pub async fn answer(ctx: &Ctx, person: &Person<'_>, message: &Message) {
    let (slack, body) = (ctx.slack.of(person.team), blocks::message(message));
    let thread = person.reply.thread.as_deref();
    if let Some(url) = &person.reply.response_url {
        match slack.client.respond(url, thread, &body).await {
            Ok(()) => return,
            Err(error) => tracing::info!(%error, "an answer did not reach its address; trying a message"),
        }
    }
    if person.reply.channel.is_empty() {
        return;
    }
    match slack.client.whisper(&person.reply.channel, thread, person.id, &body).await {
        Ok(()) => {}
        Err(error) if error.kind == SlackErrorKind::Refused => {
            tracing::info!(%error, user = person.id, "the person cannot be answered there")
        }
        Err(error) => tracing::warn!(%error, user = person.id, "an answer was not sent"),
    }
}
