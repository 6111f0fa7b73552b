//! Runbooks in the pipeline: a wish becomes a run, a run goes one durable turn at a time, and what nobody decided expires.

mod turn;
mod wish;

use anyhow::Context as _;
use jiff::Timestamp;

use super::{Ctx, group::note, slots};
use crate::{
    model::{AuditEntry, IncidentId, Run, RunId, RunState},
    report,
    store::{Commit, DocumentKind, DocumentUpdate, NewWork, Place, SlotBody, SlotUpdate, StoreError, WorkKind},
};

pub use turn::step as turn;
pub use wish::step as wish;

/// How many runs are looked at for those that expire.
const RUNS_MAX: usize = 500;

/// A run as it is stored, with what says that nobody else wrote it meanwhile.
#[derive(Debug, Clone)]
pub struct Stored {
    pub run: Run,
    sequence: u64,
}

/// The run; `None` where there is none of this id.
///
/// # Errors
/// When the store fails, or holds something else.
pub async fn load(ctx: &Ctx, id: RunId) -> anyhow::Result<Option<Stored>> {
    let Some(document) = ctx.store.document(DocumentKind::Run, &id.to_string()).await? else { return Ok(None) };
    let run = serde_json::from_value(document.body).context("a stored run")?;
    Ok(Some(Stored { run, sequence: document.sequence }))
}

/// The run as it shall be, the message that shows it, and its line in the audit log: all in one durable step. A commit that
/// cannot write the audit log writes nothing at all, so that nothing is done without a line.
fn write(stored: &Stored, run: &Run, mut commit: Commit) -> anyhow::Result<Commit> {
    commit.documents.push(DocumentUpdate { kind: DocumentKind::Run, key: run.id.to_string(), body: Some(serde_json::to_value(run)?) });
    commit.unchanged.push((DocumentKind::Run, run.id.to_string(), stored.sequence));
    Ok(commit)
}

/// Writes the run's next state, tells people, and asks for its next turn where there is one.
async fn save(ctx: &Ctx, stored: &Stored, mut run: Run, mut commit: Commit, next: Option<Option<Timestamp>>) -> anyhow::Result<()> {
    if let Some(not_before) = next {
        run.turn += 1;
        let kind = WorkKind::Run { run: run.id, turn: run.turn };
        commit.enqueue.push(NewWork { kind, priority: crate::model::Priority::P0, not_before });
    }
    let over = run.state.is_over() && !stored.run.state.is_over();
    show(ctx, &run, over, &mut commit).await?;
    let wake: Vec<_> = commit.enqueue.iter().filter(|work| work.not_before.is_none()).map(|work| (work.kind.id(), work.priority)).collect();
    ctx.store.commit(write(stored, &run, commit)?).await?;
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.investigations.push(&id, priority).await;
    }
    ctx.outbox.notify_one();
    Ok(())
}

/// The run's own message, edited in place; when it is over, a line that people are told of, and the incident's timeline.
async fn show(ctx: &Ctx, run: &Run, over: bool, commit: &mut Commit) -> anyhow::Result<()> {
    let incident = match run.incident {
        Some(id) => ctx.store.incident(id).await?,
        None => None,
    };
    let channel = if run.channel.is_empty() { ctx.settings.channel.clone() } else { run.channel.clone() };
    let place = incident.as_ref().map_or(Place::Root, Place::below);
    let slot = |what: &str, message| SlotUpdate {
        key: format!("{}/run/{}{what}", run.incident.unwrap_or(IncidentId(0)), run.id),
        incident: run.incident.unwrap_or(IncidentId(0)),
        team: run.team.clone(),
        channel: channel.clone(),
        place: place.clone(),
        body: SlotBody::Message(message),
    };
    if run.state != RunState::Planning {
        commit.slots.push(slot("", report::run_message(run)));
    }
    if over && !matches!(run.state, RunState::Denied | RunState::Expired) {
        commit.slots.push(slot("/outcome", report::run_outcome(run)));
    }
    if let (true, Some(mut incident)) = (over, incident) {
        note(&mut incident, ctx.clock.now(), "sre-agent", &report::run_sentence(run));
        commit.slots.extend(slots::standing(&incident));
        commit.incidents.push(incident);
    }
    Ok(())
}

fn audit(run: &Run, at: Timestamp, actor: &str, act: &str, outcome: &str, detail: impl Into<String>) -> AuditEntry {
    let object = run.incident.map_or_else(|| run.id.to_string(), |incident| incident.to_string());
    let detail: String = detail.into();
    AuditEntry {
        at,
        actor: actor.to_owned(),
        act: act.to_owned(),
        object,
        outcome: outcome.to_owned(),
        detail: format!("run {} of {}: {detail}", run.id, run.runbook),
    }
}

/// Runs whose time is over, told in their messages.
///
/// # Errors
/// When the store fails.
pub async fn tick(ctx: &Ctx, now: Timestamp) -> anyhow::Result<()> {
    for document in ctx.store.documents(DocumentKind::Run, RUNS_MAX).await? {
        let Ok(run) = serde_json::from_value::<Run>(document.body) else { continue };
        if run.state != RunState::Waiting || now < run.expires_at {
            continue;
        }
        let stored = Stored { run: run.clone(), sequence: document.sequence };
        match expire(ctx, &stored, run, now).await {
            // A person was faster.
            Err(error) if matches!(error.downcast_ref(), Some(StoreError::Conflict)) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Runs that are long over.
///
/// # Errors
/// When the store fails.
pub async fn prune(ctx: &Ctx, before: Timestamp) -> anyhow::Result<Vec<DocumentUpdate>> {
    let documents = ctx.store.documents(DocumentKind::Run, RUNS_MAX).await?;
    let old = |run: &Run| run.ended_at.is_some_and(|at| at < before);
    let gone = documents.into_iter().filter(|document| serde_json::from_value::<Run>(document.body.clone()).is_ok_and(|run| old(&run)));
    Ok(gone.map(|document| DocumentUpdate { kind: DocumentKind::Run, key: document.key, body: None }).collect())
}

/// The run cannot be brought further, whatever was tried: that is said.
///
/// # Errors
/// When the store fails.
pub async fn give_up(ctx: &Ctx, id: RunId, why: &str) -> anyhow::Result<()> {
    let Some(stored) = load(ctx, id).await?.filter(|stored| !stored.run.state.is_over()) else { return Ok(()) };
    let now = ctx.clock.now();
    let mut run = stored.run.clone();
    run.state = RunState::Failed;
    run.detail = format!("it could not be brought further ({why}): look at what it was about to do");
    run.ended_at = Some(now);
    let commit = Commit { audit: vec![audit(&run, now, "sre-agent", "runbook_run", "failed", &run.detail)], ..Commit::default() };
    save(ctx, &stored, run, commit, None).await
}

async fn expire(ctx: &Ctx, stored: &Stored, mut run: Run, now: Timestamp) -> anyhow::Result<()> {
    run.state = RunState::Expired;
    run.detail = "nobody approved it in time".to_owned();
    run.ended_at = Some(now);
    let commit = Commit { audit: vec![audit(&run, now, "sre-agent", "runbook_expire", "done", &run.detail)], ..Commit::default() };
    save(ctx, stored, run, commit, None).await
}
