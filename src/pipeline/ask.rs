//! What people ask: an investigation of their own, or a further look within an incident's thread.

use super::{Ctx, act::Person};
use crate::{
    model::Ask,
    store::{Commit, Work},
};

/// Answers a question.
pub async fn step(ctx: &Ctx, work: &Work, asked: &Ask, person: &Person<'_>) -> anyhow::Result<()> {
    tracing::info!(channel = %asked.channel, user = %person.id, "a question arrived");
    ctx.store.commit(Commit { done: Some(work.clone()), ..Commit::default() }).await?;
    Ok(())
}
