//! A further look at an incident that a person asked for: its request, and its answer beside the incident's own report.

use super::{Ctx, ask, conclude, group::note, replay, slots};
use crate::{
    model::{AuditEntry, Incident, IncidentId, Investigation, Request},
    redact, report,
    store::{Commit, Occasion, SlotBody, SlotUpdate, StoreError, Work},
};

/// How often the commit is tried again when somebody changed the incident meanwhile; the engine does not run again for that.
const TRIES: usize = 8;
/// How much of a tool's arguments the audit log keeps.
const ARGUMENTS_MAX: usize = 300;

/// What is to be investigated.
pub fn request(incident: &Incident, occasion: &Occasion) -> Request {
    let mut request = if incident.alert.source == ask::QUESTION {
        let question = &incident.alert.summary;
        Request { narrow: Some(question.clone()), ..Request::question(question) }
    } else {
        Request::alert(incident.alert.clone())
    };
    if let Occasion::Question { text, .. } = occasion {
        // A person asks about the present: the newest evidence is "now", not the alert's start.
        request.now = None;
        request.narrow = Some(text.clone());
    }
    request
}

/// Concludes an investigation: the incident's own report, or an answer beside it.
pub async fn conclude(ctx: &Ctx, work: &Work, id: IncidentId, investigation: Investigation, occasion: &Occasion) -> anyhow::Result<()> {
    match occasion {
        Occasion::Alert | Occasion::Rerun { .. } => conclude::step(ctx, work, id, investigation).await,
        Occasion::Question { user, text } => {
            let narrowed = investigation.narrowed.clone();
            answer(ctx, work, id, investigation, user, |incident, _| ask::lead(incident.id, text, &narrowed)).await
        }
        Occasion::Replay { user } => answer(ctx, work, id, investigation, user, replay::lead).await,
    }
}

/// Posts the findings as an answer to a person; the incident's own report stays what it is.
async fn answer(
    ctx: &Ctx,
    work: &Work,
    id: IncidentId,
    investigation: Investigation,
    user: &str,
    lead: impl Fn(&Incident, &Investigation) -> String,
) -> anyhow::Result<()> {
    let found = report::conclude(&investigation, Vec::new());
    let mut tries = 0;
    loop {
        let Some(mut incident) = ctx.store.incident(id).await? else { anyhow::bail!("{id} is gone") };
        let lead = lead(&incident, &investigation);
        note(&mut incident, ctx.clock.now(), "sre-agent", &format!("answer: {}", found.headline));
        let slot = slots::answer(&incident, investigation.id, &found).map(|slot| with_lead(slot, &lead, user));
        let commit = Commit {
            done: Some(work.clone()),
            incidents: vec![incident],
            investigation: Some(Box::new(investigation.clone())),
            slots: slot.into_iter().collect(),
            audit: calls(id, &investigation, ctx.clock.now()),
            ..Commit::default()
        };
        tries += 1;
        match ctx.store.commit(commit).await {
            Err(StoreError::Conflict) if tries < TRIES => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// The investigation's tool calls, for the audit log: those that asked a live system, each with what it was asked.
pub fn calls(id: IncidentId, investigation: &Investigation, at: jiff::Timestamp) -> Vec<AuditEntry> {
    let live = investigation.tool_calls.iter().filter(|call| call.calls > 0 || call.error.is_some());
    live.map(|call| {
        let arguments = call.arguments.to_string();
        let said = call.error.as_deref().unwrap_or(&call.digest);
        AuditEntry {
            at,
            actor: format!("agent {}", call.agent),
            act: "tool_call".to_owned(),
            object: id.to_string(),
            outcome: if call.error.is_some() { "failed" } else { "done" }.to_owned(),
            detail: redact::text(&format!("{}: {}; {said}", call.tool, arguments.chars().take(ARGUMENTS_MAX).collect::<String>()))
                .into_owned(),
        }
    })
    .collect()
}

/// The report's message, which begins with what a question narrowed it to.
pub fn with_lead(mut slot: SlotUpdate, lead: &str, user: &str) -> SlotUpdate {
    if lead.is_empty() {
        return slot;
    }
    slot.body = match slot.body {
        SlotBody::Message(findings) => SlotBody::Message(report::further(lead, user, findings)),
        other => other,
    };
    slot
}
