//! Runs the engine on an incident within its deadline, shows what it does meanwhile, and commits what it found.

use std::{sync::Arc, time::Instant};

use tokio::task::JoinHandle;

use super::{
    Ctx, changes, further,
    progress::{self, Board},
    route,
};
use crate::{
    model::{Activity, Alert, Incident, IncidentId, Investigation, InvestigationId, InvestigationStatus, Origin, Request, Routing},
    slack::SessionStatus,
    store::{Commit, Occasion, Work},
};

/// Investigates one incident.
pub async fn step(ctx: &Ctx, work: &Work, incident: IncidentId, id: InvestigationId, occasion: &Occasion) -> anyhow::Result<()> {
    let Some(found) = ctx.store.incident(incident).await? else {
        // Nothing refers to it any more: the work is void.
        ctx.store.commit(Commit { done: Some(work.clone()), ..Commit::default() }).await?;
        return Ok(());
    };
    let started = Instant::now();
    let mut request = further::request(&found, occasion);
    request.changes = changes::before(ctx, request.now.unwrap_or_else(|| ctx.clock.now())).await?;
    let board = Arc::new(Board::new(&found, &route::step(&ctx.engine, &request)));
    // Judging evidence is computing: on a thread of its own it holds up neither the doors nor the sender, and the
    // deadline can pass while it computes.
    let running = tokio::task::spawn_blocking({
        let (engine, board, runtime) = (Arc::clone(&ctx.engine), Arc::clone(&board), tokio::runtime::Handle::current());
        move || runtime.block_on(engine.investigate(id, &request, &|step| board.note(step)))
    });
    let user = asked_by(occasion);
    let session = session(ctx, &found, user, SessionStatus::Processing, None);
    let stopped = ctx.stops.listen(incident);
    let ended = async {
        tokio::select! {
            finished = tokio::time::timeout(ctx.settings.deadline, running) => match finished {
                Ok(finished) => anyhow::Ok(finished??),
                Err(_) => {
                    let seconds = ctx.settings.deadline.as_secs();
                    Ok(failed(id, found.alert.clone(), &format!("the investigation took longer than {seconds} s and was stopped")))
                }
            },
            Ok(by) = stopped => {
                tracing::info!(%incident, by, "the investigation was stopped by a person");
                Ok(failed(id, found.alert.clone(), "a person stopped the investigation before it came to an end"))
            }
        }
    };
    let investigation = progress::shown_until(ctx, &found, id, &board, user, ended).await;
    ctx.stops.sweep();
    self::session(ctx, &found, user, SessionStatus::Active, session);
    let investigation = investigation?;
    ctx.metrics.investigation_finished(investigation.status.as_str(), started.elapsed().as_secs_f64());
    further::conclude(ctx, work, incident, investigation, occasion).await
}

/// The Slack user id of the person who wants to know; empty where an alert began it.
fn asked_by(occasion: &Occasion) -> &str {
    match occasion {
        Occasion::Alert => "",
        Occasion::Rerun { user } | Occasion::Replay { user } | Occasion::Question { user, .. } => user,
    }
}

/// Tells Slack whether we work in a person's thread, after `before` was told. Best effort and beside the work: nobody waits
/// for it, and a workspace that does not know such sessions is not asked again.
fn session(ctx: &Ctx, incident: &Incident, user: &str, status: SessionStatus, before: Option<JoinHandle<()>>) -> Option<JoinHandle<()>> {
    let slack = ctx.slack.of(&incident.team);
    if user.is_empty() || !slack.sessions.is_there() {
        return None;
    }
    let (channel, thread) = match (&incident.alert.origin, &incident.thread) {
        (Origin::Slack { channel, ts }, _) => (channel.clone(), ts.clone()),
        (Origin::Webhook, Some(thread)) => (thread.channel.clone(), thread.ts.clone()),
        (Origin::Webhook, None) => return None,
    };
    let title = format!("{} {}", incident.id, incident.title);
    Some(tokio::spawn(async move {
        if let Some(before) = before {
            // Whatever became of it: the newer word is said all the same.
            let _ = before.await;
        }
        match slack.client.set_session_status(&channel, &thread, status, &title).await {
            Err(error) if error.is_unknown_here() && slack.sessions.is_missing() => {
                tracing::info!(%error, "this workspace has no agent sessions for this app; it is not asked again");
            }
            Err(error) => tracing::debug!(%error, "the session's status was not set"),
            Ok(()) => {}
        }
    }))
}

/// An honest answer for an investigation that did not come to an end.
pub fn failed(id: InvestigationId, alert: Alert, gap: &str) -> Investigation {
    let request = Request::alert(alert);
    Investigation {
        id,
        now: request.now,
        request,
        status: InvestigationStatus::Failed,
        routing: Routing::default(),
        tool_calls: Vec::new(),
        evidence: Vec::new(),
        hypotheses: Vec::new(),
        impact: String::new(),
        gaps: vec![gap.to_owned()],
        ruled_out: Vec::new(),
        activity: Activity::default(),
        narrowed: String::new(),
        duration_ms: 0,
    }
}
