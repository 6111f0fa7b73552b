//! What people do with an incident: acknowledge, resolve, reopen, run again.

use jiff::Timestamp;

use super::{
    Ctx,
    group::{investigation_id, note},
    slots,
};
use crate::{
    model::{Act, Incident, IncidentId, IncidentState, Reply},
    store::{Commit, NewWork, Occasion, Work, WorkKind},
};

/// Who acts, and where they are answered.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// A Slack user id.
    pub id: &'a str,
    /// Their workspace.
    pub team: &'a str,
    pub reply: &'a Reply,
}

/// Does `act` on the incident; an act that changes nothing is done, without a trace.
pub async fn step(ctx: &Ctx, work: &Work, act: &Act, id: IncidentId, person: &Person<'_>) -> anyhow::Result<()> {
    let user = person.id;
    let now = ctx.clock.now();
    let mut commit = Commit { done: Some(work.clone()), ..Commit::default() };
    match ctx.store.incident(id).await? {
        // A second open incident of one fingerprint cannot be: the problem is back already, under another number.
        Some(incident) if *act == Act::Reopen && somebody_else_is_open(ctx, &incident).await? => {
            tracing::info!(incident = %id, user, "not reopened: a newer incident of the same alert is open");
        }
        Some(incident) => {
            if let Some(mut incident) = apply(incident, act, user, now) {
                let occasion = match act {
                    Act::Rerun => Some(Occasion::Rerun { user: user.to_owned() }),
                    Act::Replay => Some(Occasion::Replay { user: user.to_owned() }),
                    _ => None,
                };
                if let Some(occasion) = occasion {
                    let investigation = investigation_id(&work.id, now);
                    if *act == Act::Rerun {
                        incident.investigation = Some(investigation);
                    }
                    commit.enqueue.push(NewWork {
                        kind: WorkKind::Investigate { incident: id, investigation, occasion },
                        priority: incident.priority,
                    });
                }
                commit.slots = slots::standing(&incident);
                commit.incidents.push(incident);
            }
        }
        None => tracing::warn!(incident = %id, user, "somebody acted on an incident that does not exist"),
    }
    let wake: Vec<_> = commit.enqueue.iter().map(|work| (work.kind.id(), work.priority)).collect();
    ctx.store.commit(commit).await?;
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.investigations.push(&id, priority).await;
    }
    Ok(())
}

async fn somebody_else_is_open(ctx: &Ctx, incident: &Incident) -> anyhow::Result<bool> {
    let found = ctx.store.incident_of(&incident.fingerprint).await?;
    Ok(found.is_some_and(|other| other.id != incident.id && !other.state.is_closed()))
}

/// The incident after the act, or `None` when it changes nothing.
pub fn apply(mut incident: Incident, act: &Act, user: &str, now: Timestamp) -> Option<Incident> {
    let text = match act {
        Act::Acknowledge if incident.state.is_closed() || incident.state == IncidentState::Acknowledged => return None,
        Act::Acknowledge => {
            incident.state = IncidentState::Acknowledged;
            incident.acknowledged_at = Some(now);
            incident.owner = Some(user.to_owned());
            "acknowledged"
        }
        Act::Unacknowledge if incident.state != IncidentState::Acknowledged => return None,
        Act::Unacknowledge => {
            incident.state = if incident.report.is_some() { IncidentState::Reported } else { IncidentState::Investigating };
            incident.acknowledged_at = None;
            incident.owner = None;
            "no longer acknowledged"
        }
        Act::Resolve if incident.state.is_closed() => return None,
        Act::Resolve => {
            incident.state = IncidentState::Resolved;
            incident.resolved_at = Some(now);
            "resolved"
        }
        Act::Reopen if !incident.state.is_closed() => return None,
        Act::Reopen => {
            incident.state = if incident.report.is_some() { IncidentState::Reported } else { IncidentState::Open };
            incident.resolved_at = None;
            incident.acknowledged_at = None;
            incident.owner = None;
            "reopened"
        }
        Act::Rerun if incident.state == IncidentState::Investigating => return None,
        Act::Rerun => {
            if matches!(incident.state, IncidentState::Open | IncidentState::Reported) {
                incident.state = IncidentState::Investigating;
            }
            "asked for another look"
        }
        Act::Replay => "asked for a replay",
        Act::Assign { .. } | Act::Silence { .. } | Act::Unsilence | Act::Escalate { .. } | Act::Feedback { .. } => {
            return None;
        }
    };
    note(&mut incident, now, user, text);
    Some(incident)
}
