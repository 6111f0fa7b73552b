//! Workers take work from the queues, claim it in the store and run its step; a sweeper finds what the queues do not know.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Ctx, calls, further, group, investigate, publish, runs, slots, task, tell, timers};
use crate::{
    coord::Queue,
    model::Inbound,
    store::{Commit, StoreError, Work, WorkKind},
};

/// How many pieces of work one sweep offers at most; the next sweep offers the next ones.
const SWEEP_BATCH: usize = 1000;
/// How many workers read records: they wait for the disk, not for the processor.
const RECORD_WORKERS: usize = 2;
/// How many records are handled in one step at most: enough for a storm, few enough to keep the step below a second.
const TOGETHER: usize = 128;
/// After so many attempts, whatever became of them, work is put aside: it may be what kills its workers.
const ATTEMPTS_MAX: u32 = 64;
/// The longest wait between two attempts, in seconds.
const BACKOFF_MAX: i64 = 300;
/// How often what is old is forgotten.
const PRUNE_EVERY: SignedDuration = SignedDuration::from_hours(1);

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
    for _ in 0..RECORD_WORKERS {
        tasks.spawn(records(Arc::clone(&ctx), stop.clone()));
    }
    for _ in 0..ctx.settings.workers.max(1) {
        tasks.spawn(work(Arc::clone(&ctx), Arc::clone(&ctx.investigations), stop.clone()));
    }
    tasks.spawn(sweep(Arc::clone(&ctx), stop.clone()));
    tasks.spawn(timers::run(Arc::clone(&ctx), stop.clone()));
    tasks.spawn(publish::run(Arc::clone(&ctx), stop));
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a pipeline task has died");
        }
    }
}

async fn work(ctx: Arc<Ctx>, queue: Arc<dyn Queue>, stop: CancellationToken) {
    loop {
        let id = tokio::select! {
            () = stop.cancelled() => return,
            popped = queue.pop() => popped,
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

/// Takes records, as many as wait: alerts that came together are decided and stored together.
async fn records(ctx: Arc<Ctx>, stop: CancellationToken) {
    loop {
        let ids = tokio::select! {
            () = stop.cancelled() => return,
            popped = ctx.queue.pop_some(TOGETHER) => popped,
        };
        match ids {
            Ok(ids) => {
                if let Err(error) = batch(&ctx, &ids).await {
                    tracing::error!(works = ids.len(), error = format!("{error:#}"), "work could not be done");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the queue does not answer");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Does several pieces of work, the alerts among them in one step. When that fails each is done by itself, so that what
/// is wrong with one of them holds up no other.
async fn batch(ctx: &Arc<Ctx>, ids: &[String]) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let lease_until = now + SignedDuration::try_from(ctx.settings.lease).context("lease")?;
    let claimed = join_all(ids.iter().map(|id| ctx.store.claim(id, now, lease_until))).await;
    let mut alone = Vec::new();
    let mut alerts = Vec::new();
    let loaded = join_all(claimed.into_iter().map(async |work| {
        let work = work?;
        let record = match &work {
            Some(Work { kind: WorkKind::Record(id), attempts: 1, .. }) => ctx.store.load_record(*id).await?,
            _ => None,
        };
        Ok::<_, StoreError>((work, record))
    }))
    .await;
    for claimed in loaded {
        match claimed {
            Ok((Some(work), Some(record))) if matches!(record.inbound, Inbound::Alerts { .. }) => alerts.push((work, record)),
            Ok((Some(work), _)) => alone.push(work),
            Ok((None, _)) => {}
            // It stays claimed at most until its lease ends; the sweeper finds it then.
            Err(error) => tracing::error!(%error, "work could not be taken"),
        }
    }
    // What people did goes before what machines say.
    for work in alone {
        perform(ctx, work).await?;
    }
    if alerts.len() > 1 {
        let running = tokio::spawn({
            let ctx = Arc::clone(ctx);
            async move {
                let done = group::together(&ctx, &alerts).await;
                (done, alerts)
            }
        });
        match running.await {
            Ok((Ok(()), _)) => {
                ctx.outbox.notify_one();
                return Ok(());
            }
            Ok((Err(error), back)) => {
                tracing::warn!(alerts = back.len(), error = format!("{error:#}"), "a batch failed; one by one now");
                alerts = back;
            }
            // They are claimed; the sweeper finds them when their leases end, and then each goes alone.
            Err(error) => anyhow::bail!("a batch broke off: {error}"),
        }
    }
    for (work, _) in alerts {
        perform(ctx, work).await?;
    }
    Ok(())
}

async fn sweep(ctx: Arc<Ctx>, stop: CancellationToken) {
    let mut pruned = Timestamp::UNIX_EPOCH;
    loop {
        let now = ctx.clock.now();
        match ctx.store.unfinished(now, SWEEP_BATCH).await {
            Ok(found) => {
                for (id, priority) in found {
                    let queue = if id.starts_with("record/") { &ctx.queue } else { &ctx.investigations };
                    if let Err(error) = queue.push(&id, priority).await {
                        tracing::warn!(%error, "the queue takes no work");
                        break;
                    }
                }
            }
            Err(error) => tracing::error!(%error, "the store cannot be asked for unfinished work"),
        }
        if now.duration_since(pruned) >= PRUNE_EVERY {
            pruned = now;
            prune(&ctx, now).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ctx.settings.sweep_every) => {}
        }
    }
}

async fn prune(ctx: &Ctx, now: Timestamp) {
    let Ok(keep) = SignedDuration::try_from(ctx.settings.keep) else { return };
    match ctx.store.prune(now - keep).await {
        Ok(0) => {}
        Ok(rows) => tracing::info!(rows, "old records and messages were forgotten"),
        Err(error) => tracing::warn!(%error, "old records could not be forgotten"),
    }
}

/// Does one piece of work, if it is there to be done.
///
/// # Errors
/// When the store fails; the work is then found again by the sweeper.
pub async fn tick(ctx: &Arc<Ctx>, id: &str) -> anyhow::Result<Outcome> {
    let now = ctx.clock.now();
    let lease_until = now + SignedDuration::try_from(ctx.settings.lease).context("lease")?;
    let Some(work) = ctx.store.claim(id, now, lease_until).await? else { return Ok(Outcome::NotOurs) };
    perform(ctx, work).await
}

/// Does work that was claimed.
async fn perform(ctx: &Arc<Ctx>, work: Work) -> anyhow::Result<Outcome> {
    if work.attempts > ATTEMPTS_MAX {
        return put_aside(ctx, &work, &anyhow::anyhow!("it was begun {} times and never finished", work.attempts - 1)).await;
    }
    // In a task of its own, so that a defect in a step costs that step and not the worker.
    let running = tokio::spawn({
        let (ctx, work) = (Arc::clone(ctx), work.clone());
        async move {
            match &work.kind {
                WorkKind::Record(record) => group::step(&ctx, &work, *record).await,
                WorkKind::Investigate { incident, investigation, occasion } => {
                    investigate::step(&ctx, &work, *incident, *investigation, occasion).await
                }
                WorkKind::Tell(told) => tell::step(&ctx, &work, told).await,
                WorkKind::Run { run, turn } => runs::turn(&ctx, &work, *run, *turn).await,
                WorkKind::Task(record) => task::step(&ctx, &work, *record).await,
            }
        }
    });
    match running.await.unwrap_or_else(|error| Err(anyhow::anyhow!("the step broke off: {error}"))) {
        Ok(()) => {
            ctx.outbox.notify_one();
            Ok(Outcome::Done)
        }
        Err(error) => failed(ctx, &work, &error).await,
    }
}

async fn failed(ctx: &Ctx, work: &Work, error: &anyhow::Error) -> anyhow::Result<Outcome> {
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Fenced) => return Ok(Outcome::NotOurs),
        Some(StoreError::Conflict) => {
            // Somebody changed the incident first: that is no failure of the work, so it is tried again at once.
            ctx.store.hand_back(work).await?;
            let queue = if matches!(work.kind, WorkKind::Record(_)) { &ctx.queue } else { &ctx.investigations };
            // The queue may be away; then the sweeper finds it.
            let _ = queue.push(&work.id, work.priority).await;
            return Ok(Outcome::Later);
        }
        // The store's own trouble says nothing about the work.
        Some(StoreError::Unavailable(_)) => {}
        _ if work.failures + 1 >= ctx.settings.attempts_max => return put_aside(ctx, work, error).await,
        _ => {}
    }
    let wait = (1i64 << work.failures.min(16)).min(BACKOFF_MAX);
    tracing::warn!(work = %work.id, attempt = work.attempts, error = format!("{error:#}"), "a step failed");
    ctx.store.give_back(work, &format!("{error:#}"), Some(ctx.clock.now() + SignedDuration::from_secs(wait))).await?;
    Ok(Outcome::Later)
}

/// Gives up, visibly: an incident gets a report that says so, a record a notice in the channel.
async fn put_aside(ctx: &Ctx, work: &Work, error: &anyhow::Error) -> anyhow::Result<Outcome> {
    tracing::error!(work = %work.id, error = format!("{error:#}"), "work is put aside");
    let kind = work.id.split('/').next().unwrap_or_default();
    let what = format!("{} was tried {} times and is put aside; the log says why", work.id, work.attempts);
    if let Err(error) = calls::failure(ctx, kind, &what).await {
        tracing::error!(error = format!("{error:#}"), "no administrator was told of it");
    }
    match &work.kind {
        WorkKind::Investigate { incident, investigation, occasion } => {
            if let Some(found) = ctx.store.incident(*incident).await? {
                let failed = investigate::failed(*investigation, found.alert, "the investigation failed again and again");
                further::conclude(ctx, work, *incident, failed, occasion).await?;
                ctx.outbox.notify_one();
                return Ok(Outcome::PutAside);
            }
        }
        WorkKind::Record(record) if !ctx.settings.channel.is_empty() => {
            let slots = vec![slots::notice(&ctx.settings.channel, *record)];
            ctx.store.commit(Commit { slots, ..Commit::default() }).await?;
            ctx.outbox.notify_one();
        }
        WorkKind::Run { run, .. } => runs::give_up(ctx, *run, &format!("{error:#}")).await?,
        WorkKind::Task(record) => {
            task::put_aside(ctx, work, *record).await?;
            return Ok(Outcome::PutAside);
        }
        WorkKind::Record(_) | WorkKind::Tell(_) => {}
    }
    ctx.store.give_back(work, &format!("{error:#}"), None).await?;
    Ok(Outcome::PutAside)
}
