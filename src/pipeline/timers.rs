//! What happens because time passes: heartbeats that do not come, silences and storms that end, old things that are forgotten.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{
    Ctx, anchors, calls, changes,
    group::{Effect, Memory, investigation_id, unsilence},
    heartbeats, runs, slots, storm,
};
use crate::{
    model::{Incident, IncidentState, Silence},
    store::{Commit, DocumentKind, DocumentUpdate, IncidentFilter, NewWork, Occasion, StoreError, WorkKind},
};

/// How often the timers look. A storm's summary is edited that often at most.
const EVERY: Duration = Duration::from_secs(1);
/// How often what is old is forgotten, and how old it is then.
const PRUNE_EVERY: SignedDuration = SignedDuration::from_hours(1);
const KEEP: SignedDuration = SignedDuration::from_hours(30 * 24);
const SILENCES_MAX: usize = 1000;
/// How many open incidents are looked at when a silence ends.
const OPEN_MAX: usize = 500;

/// Runs the timers until `stop`.
pub async fn run(ctx: Arc<Ctx>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        tick(&ctx, ctx.clock.now()).await;
    }
}

/// Does everything that is due at `now`. What fails is logged and due again at the next tick.
pub async fn tick(ctx: &Ctx, now: Timestamp) {
    let mut memory = ctx.grouping.turn().await;
    if let Err(error) = storm::tick(ctx, &mut memory, now).await {
        tracing::warn!(error = format!("{error:#}"), "the storms could not be brought up to date");
    }
    if let Err(error) = silences(ctx, &mut memory, now).await {
        tracing::warn!(error = format!("{error:#}"), "the silences could not be looked at");
    }
    if let Err(error) = heartbeats::tick(ctx, &mut memory, now).await {
        tracing::warn!(error = format!("{error:#}"), "the heartbeats could not be looked at");
    }
    // From here on other systems and files may take their time: alerts are grouped meanwhile.
    let mut anchored = memory.anchored;
    drop(memory);
    if let Err(error) = runs::tick(ctx, now).await {
        tracing::warn!(error = format!("{error:#}"), "the runs that wait for approval could not be looked at");
    }
    if let Err(error) = calls::tick(ctx, now).await {
        tracing::warn!(error = format!("{error:#}"), "the escalation chains could not be looked at");
    }
    if let Err(error) = anchors::tick(ctx, &mut anchored, now).await {
        tracing::warn!(error = format!("{error:#}"), "the audit log could not be anchored");
    }
    let mut memory = ctx.grouping.turn().await;
    memory.anchored = anchored;
    if memory.pruned.is_none_or(|at| now.duration_since(at) >= PRUNE_EVERY) {
        memory.pruned = Some(now);
        if let Err(error) = prune(ctx, now).await {
            tracing::warn!(error = format!("{error:#}"), "what is old could not be forgotten");
        }
    }
}

/// Silences that have ended, by time or by a person: what they kept quiet and still fires is back.
async fn silences(ctx: &Ctx, memory: &mut Memory, now: Timestamp) -> anyhow::Result<()> {
    let documents = ctx.store.documents(DocumentKind::Silence, SILENCES_MAX).await?;
    let silences = documents.into_iter().filter_map(|document| serde_json::from_value::<Silence>(document.body).ok());
    let over: Vec<String> = silences
        .filter(|silence| silence.ended.is_some() || silence.until <= now)
        .map(|silence| silence.id)
        .filter(|id| !memory.ended.contains(id))
        .collect();
    if over.is_empty() {
        return Ok(());
    }
    let filter = IncidentFilter { open: true, limit: OPEN_MAX, ..IncidentFilter::default() };
    for incident in ctx.store.incidents(&filter).await? {
        let silenced = incident.state == IncidentState::Silenced;
        if silenced && incident.silenced.as_ref().is_some_and(|silenced| over.contains(&silenced.silence)) {
            match back(ctx, incident, now).await {
                // A person was faster: the next tick looks again.
                Err(error) if matches!(error.downcast_ref(), Some(StoreError::Conflict)) => return Ok(()),
                other => other?,
            }
        }
    }
    memory.ended.extend(over);
    Ok(())
}

async fn back(ctx: &Ctx, mut incident: Incident, now: Timestamp) -> anyhow::Result<()> {
    let mut commit = Commit::default();
    if unsilence(&mut incident, now) == Effect::Returned {
        let investigation = investigation_id(&format!("{}/{now}", incident.id), now);
        incident.investigation = Some(investigation);
        let kind = WorkKind::Investigate { incident: incident.id, investigation, occasion: Occasion::Alert };
        commit.enqueue.push(NewWork::now(kind, incident.priority));
    }
    let wake: Vec<_> = commit.enqueue.iter().map(|work| (work.kind.id(), work.priority)).collect();
    commit.slots = slots::standing(&incident);
    commit.incidents.push(incident);
    ctx.store.commit(commit).await?;
    ctx.outbox.notify_one();
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.investigations.push(&id, priority).await;
    }
    Ok(())
}

async fn prune(ctx: &Ctx, now: Timestamp) -> anyhow::Result<()> {
    let mut documents = changes::prune(ctx, now).await?;
    documents.extend(storm::prune(ctx, now - KEEP).await?);
    for document in ctx.store.documents(DocumentKind::Silence, SILENCES_MAX).await? {
        if serde_json::from_value::<Silence>(document.body).is_ok_and(|silence| silence.until < now - KEEP) {
            documents.push(DocumentUpdate { kind: DocumentKind::Silence, key: document.key, body: None });
        }
    }
    documents.extend(runs::prune(ctx, now - KEEP).await?);
    if !documents.is_empty() {
        ctx.store.commit(Commit { documents, ..Commit::default() }).await?;
    }
    Ok(())
}
