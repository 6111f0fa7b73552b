//! A record's alerts become incidents: a known fingerprint joins its open incident, a resolved one closes it, a new one opens one.

use std::collections::HashMap;

use anyhow::Context as _;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use ulid::Ulid;

use super::{Ctx, act, act::Person, ask, changes, mentions, route, slots};
use crate::{
    model::{
        Alert, AlertId, AlertStatus, Inbound, Incident, IncidentId, IncidentState, InvestigationId, Origin, RawRecord, Request, ThreadRef,
        TimelineEntry,
    },
    store::{Commit, NewWork, Occasion, Work, WorkKind},
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
        Inbound::Alerts { alerts, follow_up } => alerts_step(ctx, work, &record, alerts, *follow_up).await,
        Inbound::Act { act, incident, user, reply } => {
            act::step(ctx, work, act, *incident, &Person { id: user, team: &record.team, reply }).await
        }
        Inbound::Ask { ask: asked, reply } => ask::step(ctx, work, asked, &Person { id: &asked.user, team: &record.team, reply }).await,
        Inbound::Changes { changes } => changes::step(ctx, work, &record, changes).await,
    }
}

async fn alerts_step(ctx: &Ctx, work: &Work, record: &RawRecord, alerts: &[Alert], follow_up: bool) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    // What is over is closed before what begins is opened: an escalation comes as both in one message.
    let mut ordered: Vec<&Alert> = alerts.iter().collect();
    ordered.sort_by_key(|alert| alert.status != AlertStatus::Resolved);
    let mut changed: Vec<Incident> = Vec::new();
    let mut newest: HashMap<&str, usize> = HashMap::new();
    for alert in ordered {
        if alert.status == AlertStatus::Firing && ctx.engine.is_heartbeat(alert) {
            // It says that all is well, so there is nothing to investigate or to show.
            tracing::info!(alert = %alert.name, "a heartbeat arrived");
            continue;
        }
        let before = newest.get(alert.fingerprint.as_str()).copied();
        let known = match before.and_then(|at| changed.get(at)) {
            Some(incident) => Some(incident.clone()),
            None => ctx.store.incident_of(&alert.fingerprint).await?,
        };
        let news = News { alert, size: size(alert, alerts.len()), record: record.id, team: &record.team, follow_up };
        match (group(&news, known, &ctx.settings.channel, now), before) {
            (Grouped::Joined(incident), Some(at)) => {
                if let Some(slot) = changed.get_mut(at) {
                    *slot = incident;
                }
            }
            (Grouped::Joined(incident) | Grouped::Opened(incident), _) => {
                newest.insert(&alert.fingerprint, changed.len());
                changed.push(incident);
            }
            (Grouped::Nothing, _) => {}
        }
    }
    let enqueue = begin(ctx, record.id, &mut changed, now).await?;
    let slots = changed.iter().flat_map(slots::standing).collect();
    let wake: Vec<_> = enqueue.iter().map(|work| (work.kind.id(), work.priority)).collect();
    ctx.store.commit(Commit { done: Some(work.clone()), incidents: changed, enqueue, slots, ..Commit::default() }).await?;
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.investigations.push(&id, priority).await;
    }
    Ok(())
}

/// Numbers the new incidents, in one step however many they are, and asks for their investigations.
async fn begin(ctx: &Ctx, record: AlertId, changed: &mut [Incident], now: Timestamp) -> anyhow::Result<Vec<NewWork>> {
    let fresh = changed.iter().filter(|incident| incident.version == 0).count() as u64;
    if fresh == 0 {
        return Ok(Vec::new());
    }
    let first = ctx.store.reserve_incident_ids(fresh).await?;
    let mut enqueue = Vec::new();
    for (number, incident) in (first.0..).zip(changed.iter_mut().filter(|incident| incident.version == 0)) {
        incident.id = IncidentId(number);
        if incident.state.is_closed() {
            continue;
        }
        incident.mention = mentions::of(&ctx.settings.mentions, incident.priority, now);
        let investigation = investigation_id(&format!("{}/{record}", incident.id), now);
        incident.investigation = Some(investigation);
        incident.agents = route::step(&ctx.engine, &Request::alert(incident.alert.clone())).agents;
        enqueue.push(NewWork {
            kind: WorkKind::Investigate { incident: incident.id, investigation, occasion: Occasion::Alert },
            priority: incident.priority,
        });
    }
    Ok(enqueue)
}

/// An alert as it arrived in one record.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    pub alert: &'a Alert,
    /// How many alerts it stands for.
    pub size: u64,
    pub record: AlertId,
    /// The Slack workspace that it came from.
    pub team: &'a str,
    pub follow_up: bool,
}

/// How many alerts this one stands for: a sender's group that came as one message counts whole, its members that came
/// one by one count once each (every member carries the group's size).
fn size(alert: &Alert, together: usize) -> u64 {
    if together > 1 { 1 } else { u64::from(alert.alert_count.max(1)) }
}

/// The rule, without any I/O: `known` is the fingerprint's open incident, or else its newest closed one.
pub fn group(news: &News<'_>, known: Option<Incident>, channel: &str, now: Timestamp) -> Grouped {
    let alert = news.alert;
    match known {
        Some(incident) if !incident.state.is_closed() || is_stale(news, &incident) || alert.status == AlertStatus::Resolved => {
            Grouped::Joined(join(incident, news, now))
        }
        _ if news.follow_up => Grouped::Nothing,
        _ => match alert.status {
            AlertStatus::Paused | AlertStatus::Pending => Grouped::Nothing,
            // A sentence has no identity that a later firing could be told by: there is nothing to close.
            AlertStatus::Resolved if alert.source == "text" => Grouped::Nothing,
            AlertStatus::Resolved => {
                let mut incident = opened(news, channel, now);
                incident.state = IncidentState::Resolved;
                incident.resolved_at = Some(alert.ends_at.unwrap_or(now));
                note(&mut incident, now, &alert.source, "resolved; it was never seen firing");
                Grouped::Opened(incident)
            }
            AlertStatus::Firing | AlertStatus::NoData | AlertStatus::Acknowledged => Grouped::Opened(opened(news, channel, now)),
        },
    }
}

/// It tells of an earlier moment than what the incident knows already: it arrived before, or it is the very firing that
/// was resolved since. Ids sort by their time of arrival.
fn is_stale(news: &News<'_>, incident: &Incident) -> bool {
    let earlier = incident.applied.is_some_and(|applied| news.record.0.timestamp_ms() < applied.0.timestamp_ms());
    let latest = incident.latest.as_ref().unwrap_or(&incident.alert);
    let same_firing = matches!((news.alert.starts_at, latest.starts_at), (Some(new), Some(known)) if new <= known);
    earlier || incident.state.is_closed() && same_firing
}

fn opened(news: &News<'_>, channel: &str, now: Timestamp) -> Incident {
    let alert = news.alert;
    let (channel, thread) = match &alert.origin {
        Origin::Slack { channel, ts } => (channel.clone(), Some(ThreadRef { channel: channel.clone(), ts: ts.clone() })),
        Origin::Webhook => (channel.to_owned(), None),
    };
    let title = if alert.summary.is_empty() { alert.name.clone() } else { format!("{}: {}", alert.name, alert.summary) };
    let mut incident = Incident {
        id: IncidentId(0),
        version: 0,
        state: IncidentState::Investigating,
        fingerprint: alert.fingerprint.clone(),
        title,
        service: alert.subject().to_owned(),
        namespace: alert.namespace.clone(),
        priority: alert.priority,
        alert: alert.clone(),
        latest: None,
        alert_count: news.size,
        owner: None,
        thread,
        channel,
        team: news.team.to_owned(),
        keys: Vec::new(),
        firing: 1,
        returns: Vec::new(),
        storm: None,
        silenced: None,
        mention: Vec::new(),
        escalations: Vec::new(),
        feedback: Vec::new(),
        investigation: None,
        applied: Some(news.record),
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

fn join(mut incident: Incident, news: &News<'_>, now: Timestamp) -> Incident {
    let alert = news.alert;
    let stale = is_stale(news, &incident);
    match alert.status {
        AlertStatus::Resolved if stale || incident.state.is_closed() => {}
        AlertStatus::Resolved => {
            incident.state = IncidentState::Resolved;
            incident.resolved_at = Some(now);
            note(&mut incident, now, &alert.source, "resolved by the sender");
        }
        _ if news.follow_up => {}
        status => {
            incident.alert_count += news.size;
            note(&mut incident, now, &alert.source, &format!("{} again ({})", alert.name, status.as_str()));
        }
    }
    if !stale {
        // The most urgent word wins: a repeat at a lower severity does not make the incident less urgent.
        incident.priority = incident.priority.min(alert.priority);
        incident.latest = Some(alert.clone());
        incident.applied = Some(news.record);
    }
    incident
}

/// Adds a line to the incident's timeline.
pub fn note(incident: &mut Incident, at: Timestamp, actor: &str, text: &str) {
    if incident.timeline.len() >= TIMELINE_MAX {
        // The beginning and the present tell the story; what goes is the middle.
        incident.timeline.remove(TIMELINE_MAX / 2);
    }
    incident.timeline.push(TimelineEntry { at, actor: actor.to_owned(), text: text.to_owned() });
}

/// An investigation's id, made of what it is for: two investigations never share one.
pub fn investigation_id(of: &str, now: Timestamp) -> InvestigationId {
    let random = Sha256::digest(of).iter().take(10).fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
    InvestigationId(Ulid::from_parts(now.as_millisecond().max(0).unsigned_abs(), random))
}
