//! Runs the engine on an incident within its deadline and commits what it found.

use std::time::Instant;

use super::{Ctx, conclude};
use crate::{
    model::{IncidentId, Investigation, InvestigationId, InvestigationStatus, Request, Routing},
    store::{Commit, Work},
};

/// Investigates one incident.
pub async fn step(ctx: &Ctx, work: &Work, incident: IncidentId, id: InvestigationId) -> anyhow::Result<()> {
    let Some(found) = ctx.store.incident(incident).await? else {
        // Nothing refers to it any more: the work is void.
        ctx.store.commit(Commit { done: Some(work.clone()), ..Commit::default() }).await?;
        return Ok(());
    };
    let request = Request::alert(found.alert);
    let started = Instant::now();
    let running = ctx.engine.investigate(id, &request, &|_| {});
    let investigation = match tokio::time::timeout(ctx.settings.deadline, running).await {
        Ok(finished) => finished?,
        Err(_) => out_of_time(id, request, ctx.settings.deadline.as_secs()),
    };
    ctx.metrics.investigation_finished(investigation.status.as_str(), started.elapsed().as_secs_f64());
    conclude::step(ctx, work, incident, investigation).await
}

/// An honest answer for an investigation that did not come to an end.
fn out_of_time(id: InvestigationId, request: Request, seconds: u64) -> Investigation {
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
        gaps: vec![format!("the investigation took longer than {seconds} s and was stopped")],
        ruled_out: Vec::new(),
        duration_ms: seconds * 1000,
    }
}
