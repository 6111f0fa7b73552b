//! Workers take work from the queue, claim it in the store and run its step; a sweeper finds what the queue does not know.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Ctx, group, investigate, publish};
use crate::store::{StoreError, Work, WorkKind};

/// How many pieces of work one sweep offers at most; the next sweep offers the next ones.
const SWEEP_BATCH: usize = 1000;
/// The longest wait between two attempts.
const BACKOFF_MAX: i64 = 300;

/// What became of one offer of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Somebody else has it, or it is done already.
    NotOurs,
    /// It failed and will be tried again.
    Later,
    /// It failed too often and is put aside.
    PutAside,
}

/// Runs workers, sweeper and sender until `stop`; a worker finishes what it has in hand.
pub async fn run(ctx: Arc<Ctx>, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    for _ in 0..ctx.settings.workers.max(1) {
        tasks.spawn(work(Arc::clone(&ctx), stop.clone()));
    }
    tasks.spawn(sweep(Arc::clone(&ctx), stop.clone()));
    tasks.spawn(publish::run(Arc::clone(&ctx), stop));
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a pipeline task has died");
        }
    }
}

async fn work(ctx: Arc<Ctx>, stop: CancellationToken) {
    loop {
        let id = tokio::select! {
            () = stop.cancelled() => return,
            popped = ctx.queue.pop() => popped,
        };
        match id {
            Ok(id) => {
                if let Err(error) = tick(&ctx, &id).await {
                    tracing::error!(work = %id, error = format!("{error:#}"), "work could not be done");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the queue does not answer");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn sweep(ctx: Arc<Ctx>, stop: CancellationToken) {
    loop {
        match ctx.store.unfinished(ctx.clock.now(), SWEEP_BATCH).await {
            Ok(found) => {
                for (id, priority) in found {
                    if let Err(error) = ctx.queue.push(&id, priority).await {
                        tracing::warn!(%error, "the queue takes no work");
                        break;
                    }
                }
            }
            Err(error) => tracing::error!(%error, "the store cannot be asked for unfinished work"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ctx.settings.sweep_every) => {}
        }
    }
}

/// Does one piece of work, if it is there to be done.
///
/// # Errors
/// When the store fails; the work is then found again by the sweeper.
pub async fn tick(ctx: &Ctx, id: &str) -> anyhow::Result<Outcome> {
    let now = ctx.clock.now();
    let lease_until = now + SignedDuration::try_from(ctx.settings.lease).context("lease")?;
    let Some(work) = ctx.store.claim(id, now, lease_until).await? else { return Ok(Outcome::NotOurs) };
    let result = match &work.kind {
        WorkKind::Record(record) => group::step(ctx, &work, *record).await,
        WorkKind::Investigate { incident, investigation } => investigate::step(ctx, &work, *incident, *investigation).await,
    };
    match result {
        Ok(()) => {
            ctx.outbox.notify_one();
            Ok(Outcome::Done)
        }
        Err(error) => failed(ctx, &work, &error).await,
    }
}

async fn failed(ctx: &Ctx, work: &Work, error: &anyhow::Error) -> anyhow::Result<Outcome> {
    let kind = error.downcast_ref::<StoreError>();
    if matches!(kind, Some(StoreError::Fenced)) {
        return Ok(Outcome::NotOurs);
    }
    // Somebody changed the incident first: that is no failure of the work, so it is tried again at once.
    let conflict = matches!(kind, Some(StoreError::Conflict));
    let wait = if conflict { 0 } else { (1i64 << work.attempts.min(16)).min(BACKOFF_MAX) };
    let put_aside = work.attempts >= ctx.settings.attempts_max && !matches!(kind, Some(StoreError::Unavailable(_)));
    let not_before = (!put_aside).then(|| ctx.clock.now() + SignedDuration::from_secs(wait));
    tracing::warn!(work = %work.id, attempt = work.attempts, put_aside, error = format!("{error:#}"), "a step failed");
    ctx.store.give_back(work, &format!("{error:#}"), not_before).await?;
    if conflict {
        // The queue may be away; then the sweeper finds it.
        let _ = ctx.queue.push(&work.id, work.priority).await;
    }
    Ok(if put_aside { Outcome::PutAside } else { Outcome::Later })
}
