//! Runs the engine on an incident within its deadline and commits what it found.

use std::{sync::Arc, time::Instant};

use super::{Ctx, further};
use crate::{
    model::{Alert, IncidentId, Investigation, InvestigationId, InvestigationStatus, Request, Routing},
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
    // Judging evidence is computing: on a thread of its own it holds up neither the doors nor the sender, and the
    // deadline can pass while it computes.
    let running = tokio::task::spawn_blocking({
        let (engine, request, runtime) = (Arc::clone(&ctx.engine), further::request(&found, occasion), tokio::runtime::Handle::current());
        move || runtime.block_on(engine.investigate(id, &request, &|_| {}))
    });
    let investigation = match tokio::time::timeout(ctx.settings.deadline, running).await {
        Ok(finished) => finished??,
        Err(_) => {
            let seconds = ctx.settings.deadline.as_secs();
            failed(id, found.alert, &format!("the investigation took longer than {seconds} s and was stopped"))
        }
    };
    ctx.metrics.investigation_finished(investigation.status.as_str(), started.elapsed().as_secs_f64());
    further::conclude(ctx, work, incident, investigation, occasion).await
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
        narrowed: String::new(),
        duration_ms: 0,
    }
}
