//! A record's alerts become incidents: a known fingerprint joins its open incident, a resolved one closes it, a new one opens one.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use ulid::Ulid;

use super::{Ctx, act, route, slots};
use crate::{
    model::{
        Alert, AlertId, AlertStatus, Inbound, Incident, IncidentId, IncidentState, InvestigationId, Origin, RawRecord, Request, ThreadRef,
        TimelineEntry,
    },
    store::{Commit, NewWork, Work, WorkKind},
};

/// How many lines an incident's own timeline keeps; the first ones tell how it began and stay.
const TIMELINE_MAX: usize = 200;

/// What an alert means for the incident of its fingerprint.
#[derive(Debug, Clone, PartialEq)]
pub enum Grouped {
    /// A new incident; it wants an investigation unless it is over already.
    Opened(Incident),
    /// The incident changed.
    Joined(Incident),
    /// Nothing to show: a pause, or the end of something that nobody saw begin in this place.
    Nothing,
}

/// Handles one record.
pub async fn step(ctx: &Ctx, work: &Work, id: AlertId) -> anyhow::Result<()> {
    let record = ctx.store.load_record(id).await?.context("the record is gone")?;
    match &record.inbound {
        Inbound::Alerts { alerts } => alerts_step(ctx, work, &record, alerts).await,
        Inbound::Act { act, incident, user, .. } => act::step(ctx, work, *act, *incident, user).await,
    }
}

async fn alerts_step(ctx: &Ctx, work: &Work, record: &RawRecord, alerts: &[Alert]) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let mut changed: BTreeMap<String, Incident> = BTreeMap::new();
    let mut enqueue = Vec::new();
    for alert in alerts {
        let routing = route::step(&ctx.engine, &Request::alert(alert.clone()));
        if routing.agents.is_empty() && alert.status == AlertStatus::Firing {
            // A heartbeat: it says that all is well, so there is nothing to investigate or to show.
            tracing::info!(alert = %alert.name, reasons = ?routing.reasons, "a heartbeat arrived");
            continue;
        }
        let open = match changed.get(&alert.fingerprint) {
            Some(incident) => Some(incident.clone()).filter(|incident| !incident.state.is_closed()),
            None => ctx.store.open_incident(&alert.fingerprint).await?,
        };
        let id = if open.is_none() { ctx.store.next_incident_id().await? } else { IncidentId(0) };
        match group(alert, size(alert, alerts.len()), open, id, &ctx.settings.channel, now) {
            Grouped::Opened(mut incident) => {
                if !incident.state.is_closed() {
                    let investigation = investigation_id(incident.id, record.id, now);
                    incident.investigation = Some(investigation);
                    incident.agents = routing.agents;
                    enqueue.push(NewWork {
                        kind: WorkKind::Investigate { incident: incident.id, investigation },
                        priority: incident.priority,
                    });
                }
                changed.insert(alert.fingerprint.clone(), incident);
            }
            Grouped::Joined(incident) => {
                changed.insert(alert.fingerprint.clone(), incident);
            }
            Grouped::Nothing => {}
        }
    }
    let incidents: Vec<Incident> = changed.into_values().collect();
    let slots = incidents.iter().flat_map(slots::standing).collect();
    let wake: Vec<_> = enqueue.iter().map(|work| (work.kind.id(), work.priority)).collect();
    ctx.store.commit(Commit { done: Some(work.clone()), incidents, investigation: None, enqueue, slots }).await?;
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.queue.push(&id, priority).await;
    }
    Ok(())
}

/// How many alerts this one stands for: a sender's group that came as one message counts whole, its members that came
/// one by one count once each (every member carries the group's size).
fn size(alert: &Alert, together: usize) -> u64 {
    if together > 1 { 1 } else { u64::from(alert.alert_count.max(1)) }
}

/// The rule, without any I/O: `size` is how many alerts this one stands for, `open` the open incident of its fingerprint,
/// `id` the number for a new one.
pub fn group(alert: &Alert, size: u64, open: Option<Incident>, id: IncidentId, channel: &str, now: Timestamp) -> Grouped {
    match (open, alert.status) {
        (Some(incident), status) => Grouped::Joined(join(incident, alert, size, status, now)),
        (None, AlertStatus::Paused | AlertStatus::Pending) => Grouped::Nothing,
        (None, AlertStatus::Resolved) => {
            let mut incident = opened(alert, size, id, channel, now);
            incident.state = IncidentState::Resolved;
            incident.resolved_at = Some(alert.ends_at.unwrap_or(now));
            note(&mut incident, now, &alert.source, "resolved; it was never seen firing");
            Grouped::Opened(incident)
        }
        (None, AlertStatus::Firing | AlertStatus::NoData | AlertStatus::Acknowledged) => {
            Grouped::Opened(opened(alert, size, id, channel, now))
        }
    }
}

fn opened(alert: &Alert, size: u64, id: IncidentId, channel: &str, now: Timestamp) -> Incident {
    let (channel, thread) = match &alert.origin {
        Origin::Slack { channel, ts } => (channel.clone(), Some(ThreadRef { channel: channel.clone(), ts: ts.clone() })),
        Origin::Webhook => (channel.to_owned(), None),
    };
    let title = if alert.summary.is_empty() { alert.name.clone() } else { format!("{}: {}", alert.name, alert.summary) };
    let mut incident = Incident {
        id,
        version: 0,
        state: IncidentState::Investigating,
        fingerprint: alert.fingerprint.clone(),
        title,
        service: alert.subject().to_owned(),
        namespace: alert.namespace.clone(),
        priority: alert.priority,
        alert: alert.clone(),
        latest: None,
        alert_count: size,
        owner: None,
        thread,
        channel,
        investigation: None,
        agents: Vec::new(),
        report: None,
        timeline: Vec::new(),
        opened_at: now,
        reported_at: None,
        acknowledged_at: None,
        resolved_at: None,
    };
    note(&mut incident, now, &alert.source, &format!("{} ({})", alert.name, alert.status.as_str()));
    incident
}

fn join(mut incident: Incident, alert: &Alert, size: u64, status: AlertStatus, now: Timestamp) -> Incident {
    match status {
        AlertStatus::Resolved => {
            incident.state = IncidentState::Resolved;
            incident.resolved_at = Some(now);
            note(&mut incident, now, &alert.source, "resolved by the sender");
        }
        _ => {
            incident.alert_count += size;
            note(&mut incident, now, &alert.source, &format!("{} again ({})", alert.name, status.as_str()));
        }
    }
    // The most urgent word wins: a repeat at a lower severity does not make the incident less urgent.
    incident.priority = incident.priority.min(alert.priority);
    incident.latest = Some(alert.clone());
    incident
}

/// Adds a line to the incident's timeline.
pub fn note(incident: &mut Incident, at: Timestamp, actor: &str, text: &str) {
    if incident.timeline.len() < TIMELINE_MAX {
        incident.timeline.push(TimelineEntry { at, actor: actor.to_owned(), text: text.to_owned() });
    }
}

/// The same record opens the same investigation, however often the step is run.
fn investigation_id(incident: IncidentId, record: AlertId, now: Timestamp) -> InvestigationId {
    let digest = Sha256::digest(format!("{incident}/{record}"));
    let random = digest.iter().take(10).fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
    InvestigationId(Ulid::from_parts(now.as_millisecond().max(0).unsigned_abs(), random))
}
