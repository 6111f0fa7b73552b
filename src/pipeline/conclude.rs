//! An investigation becomes the incident's report, in one durable step with the messages that show it.

use super::{Ctx, further, group::note, slots};
use crate::{
    model::{Incident, IncidentId, IncidentState, Investigation, Part},
    report,
    store::{Commit, SlotBody, SlotUpdate, StoreError, Work},
};

/// How many similar incidents are mentioned.
const SIMILAR_MAX: usize = 3;
/// How often the commit is tried again when somebody changed the incident meanwhile; the engine does not run again for that.
const TRIES: usize = 8;

/// Stores the investigation and asks for its report to be posted.
pub async fn step(ctx: &Ctx, work: &Work, id: IncidentId, investigation: Investigation) -> anyhow::Result<()> {
    let mut tries = 0;
    loop {
        let Some(incident) = ctx.store.incident(id).await? else { anyhow::bail!("{id} is gone") };
        let report = report::conclude(&investigation, similar(ctx, &incident, &investigation).await);
        let incident = reported(incident, &investigation, report.clone(), ctx.clock.now());
        let mut wanted = slots::standing(&incident);
        wanted.extend(
            slots::findings(&incident, investigation.id, &report)
                .map(|slot| further::with_lead(offered(ctx, &incident, slot), &investigation.narrowed, "")),
        );
        wanted.extend(slots::picture(&incident, &investigation));
        let commit = Commit {
            done: Some(work.clone()),
            incidents: vec![incident],
            investigation: Some(Box::new(investigation.clone())),
            slots: wanted,
            audit: further::calls(id, &investigation, ctx.clock.now()),
            ..Commit::default()
        };
        tries += 1;
        match ctx.store.commit(commit).await {
            Err(StoreError::Conflict) if tries < TRIES => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

fn reported(mut incident: Incident, investigation: &Investigation, report: crate::model::Report, now: jiff::Timestamp) -> Incident {
    if matches!(incident.state, IncidentState::Open | IncidentState::Investigating) {
        incident.state = IncidentState::Reported;
    }
    if let Some(silenced) = &mut incident.silenced
        && matches!(silenced.before, IncidentState::Open | IncidentState::Investigating)
    {
        silenced.before = IncidentState::Reported;
    }
    // How long the first report took; a later look does not change that.
    incident.reported_at.get_or_insert(now);
    incident.investigation = Some(investigation.id);
    if !investigation.routing.agents.is_empty() {
        incident.agents.clone_from(&investigation.routing.agents);
    }
    note(&mut incident, now, "sre-agent", &format!("report: {}", report.headline));
    incident.report = Some(report);
    incident
}

/// The report with buttons for what can be done about its cause.
fn offered(ctx: &Ctx, incident: &Incident, mut slot: SlotUpdate) -> SlotUpdate {
    let fitting = ctx.runbooks.for_incident(incident);
    if let (SlotBody::Message(message), Some(buttons)) = (&mut slot.body, report::offered(incident, &fitting)) {
        // Before the small print and the thumbs.
        let at = message.parts.iter().position(|part| matches!(part, Part::Actions(_))).unwrap_or(message.parts.len());
        message.parts.insert(at, buttons);
    }
    slot
}

async fn similar(ctx: &Ctx, incident: &Incident, investigation: &Investigation) -> Vec<String> {
    let cause = investigation.hypotheses.first().map_or("", |first| first.statement.as_str());
    let text = format!("{} {} {cause}", incident.service, incident.alert.name);
    match ctx.store.similar(&text, SIMILAR_MAX).await {
        Ok(found) => found
            .into_iter()
            .filter(|past| past.incident != incident.id)
            .map(|past| {
                let what = if past.cause.is_empty() { &past.title } else { &past.cause };
                format!("{} ({}): {what}", past.incident, past.opened_at.strftime("%-d %b"))
            })
            .collect(),
        Err(error) => {
            tracing::warn!(%error, "similar incidents could not be looked up");
            Vec::new()
        }
    }
}
