//! Alert storms: above a rate one summary stands in a channel for all messages, until it is calm again.
//!
//! Nothing is dropped: every alert is grouped and listed as ever, and every incident is investigated. Only what would be
//! posted for each of them is held back, and the groups are broader.

use std::collections::{BTreeMap, HashMap, VecDeque};

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use super::{
    Ctx,
    group::{Memory, keys, last_alert},
    slots,
};
use crate::{
    model::{Alert, AlertStatus, Inbound, Incident, IncidentId, RawRecord, Silence, Storm},
    report,
    store::{Commit, DocumentKind, DocumentUpdate, IncidentFilter, Place, SlotBody, SlotUpdate, StoreError, Work},
};

/// Over which time the rate is counted.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// How long it must be calm before a storm is over.
const CALM: SignedDuration = SignedDuration::from_mins(2);
/// So many incidents at most; one more is for all the others. Source: more rows nobody reads, and a table takes 100.
const INCIDENTS_MAX: usize = 49;
/// How many things in common are counted at a time.
const SHARED_MAX: usize = 200;
/// How many open incidents are looked at when a storm begins.
const OPEN_MAX: usize = 500;
/// How many storms are read.
const STORMS_MAX: usize = 100;

/// How many alerts came in each second of the last minute.
#[derive(Debug, Default)]
pub struct Rate(VecDeque<(Timestamp, usize)>);

impl Rate {
    pub fn hit(&mut self, now: Timestamp, alerts: usize) {
        self.forget(now);
        match self.0.back_mut() {
            Some((at, count)) if at.as_second() == now.as_second() => *count += alerts,
            _ => self.0.push_back((now, alerts)),
        }
    }

    /// The last minute's alerts.
    pub fn lately(&self, now: Timestamp) -> usize {
        self.0.iter().filter(|(at, _)| now.duration_since(*at) < MINUTE).map(|(_, count)| count).sum()
    }

    fn began(&self, now: Timestamp) -> Timestamp {
        self.0.iter().map(|(at, _)| *at).find(|at| now.duration_since(*at) < MINUTE).unwrap_or(now)
    }

    fn forget(&mut self, now: Timestamp) {
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) >= MINUTE) {
            self.0.pop_front();
        }
    }
}

/// Counts what the records bring, by channel. Heartbeats, edits and what is silenced bring no messages and do not count.
pub fn count(ctx: &Ctx, memory: &mut Memory, records: &[(Work, RawRecord)], silences: &[Silence], now: Timestamp) {
    for (_, record) in records {
        let Inbound::Alerts { alerts, follow_up: false } = &record.inbound else { continue };
        for alert in alerts {
            if ctx.engine.is_heartbeat(alert) || silences.iter().any(|silence| silence.is_active(now) && silence.matches(alert)) {
                continue;
            }
            let place = (record.team.clone(), keys::channel(alert, &ctx.settings.channel).to_owned());
            memory.rates.entry(place).or_default().hit(now, 1);
        }
    }
}

/// The storms as one batch of decisions sees and changes them.
pub struct Storms {
    live: Vec<Live>,
    /// The channels whose rate is above the limit.
    above: HashMap<(String, String), usize>,
    began: HashMap<(String, String), Timestamp>,
    limit: usize,
}

struct Live {
    storm: Storm,
    fresh: bool,
    changed: bool,
    /// Whose own messages are not wanted any more.
    withdrawn: Vec<IncidentId>,
}

impl Storms {
    /// Reads the storms that are on.
    pub async fn read(ctx: &Ctx, memory: &Memory) -> anyhow::Result<Self> {
        let now = ctx.clock.now();
        let live = active(ctx).await?.into_iter().map(|storm| Live { storm, fresh: false, changed: false, withdrawn: Vec::new() });
        let above = memory.rates.iter().map(|(place, rate)| (place.clone(), rate.lately(now)));
        let began = memory.rates.iter().map(|(place, rate)| (place.clone(), rate.began(now)));
        Ok(Self { live: live.collect(), above: above.collect(), began: began.collect(), limit: ctx.settings.storm_above })
    }

    /// The storm in a channel: its id, and whether it has so many incidents that the others go into one.
    pub fn in_channel(&self, place: &(String, String)) -> Option<(String, bool)> {
        let live = self.live.iter().find(|live| live.is_in(place))?;
        Some((live.storm.id.clone(), live.storm.incidents.len() >= INCIDENTS_MAX))
    }

    /// Whether a storm begins in this channel with this alert; then it has begun.
    pub fn begins(&mut self, place: &(String, String), status: AlertStatus, now: Timestamp) -> bool {
        let quiet = self.above.get(place).is_none_or(|rate| *rate <= self.limit);
        if quiet || status == AlertStatus::Resolved || place.1.is_empty() || self.live.iter().any(|live| live.is_in(place)) {
            return false;
        }
        let storm = Storm {
            id: format!("{}-{}", place.1, now.as_millisecond()),
            team: place.0.clone(),
            channel: place.1.clone(),
            began: self.began.get(place).copied().unwrap_or(now),
            last_at: now,
            alerts: 0,
            incidents: Vec::new(),
            shared: BTreeMap::new(),
            ended: None,
        };
        tracing::warn!(channel = %storm.channel, rate = self.above.get(place), "an alert storm has begun");
        self.live.push(Live { storm, fresh: true, changed: true, withdrawn: Vec::new() });
        true
    }

    /// The incidents of the storm's first minute are its own: those that were decided just now, and those in the store.
    pub async fn adopt(
        &mut self,
        ctx: &Ctx,
        place: &(String, String),
        decided: &mut BTreeMap<IncidentId, Incident>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let Some(live) = self.live.iter_mut().find(|live| live.is_in(place)) else { return Ok(()) };
        let filter = IncidentFilter { open: true, limit: OPEN_MAX, ..IncidentFilter::default() };
        for incident in ctx.store.incidents(&filter).await? {
            let lately = now.duration_since(last_alert(&incident)) < MINUTE;
            if lately && (&incident.team, &incident.channel) == (&place.0, &place.1) {
                decided.entry(incident.id).or_insert(incident);
            }
        }
        for incident in decided.values_mut().filter(|incident| !incident.state.is_closed() && incident.silenced.is_none()) {
            if (&incident.team, &incident.channel) == (&place.0, &place.1) {
                live.take_in(incident);
            }
        }
        Ok(())
    }

    /// An alert came in the storm's channel and belongs to this incident now.
    pub fn saw(&mut self, place: &(String, String), incident: &mut Incident, alert: &Alert, size: u64, now: Timestamp) {
        let Some(live) = self.live.iter_mut().find(|live| live.is_in(place)) else { return };
        live.changed = true;
        live.storm.last_at = now;
        if (&incident.team, &incident.channel) == (&place.0, &place.1) && !live.storm.incidents.contains(&incident.id) {
            live.take_in(incident);
        } else {
            live.storm.alerts += size;
            if !live.storm.incidents.contains(&incident.id) {
                // It has its card in another channel: it is listed here and shown there.
                live.storm.incidents.push(incident.id);
            }
        }
        for thing in keys::in_common(alert) {
            *live.storm.shared.entry(thing).or_default() += size;
        }
        if live.storm.shared.len() > SHARED_MAX {
            let mut counts: Vec<u64> = live.storm.shared.values().copied().collect();
            counts.sort_unstable();
            let middle = counts.get(counts.len() / 2).copied().unwrap_or_default();
            live.storm.shared.retain(|_, count| *count > middle);
        }
    }

    /// The incidents that had no number yet have one now.
    pub fn renumber(&mut self, numbers: &HashMap<IncidentId, IncidentId>) {
        for live in &mut self.live {
            for id in live.storm.incidents.iter_mut() {
                *id = numbers.get(id).copied().unwrap_or(*id);
            }
            live.withdrawn.retain(|id| !numbers.contains_key(id));
        }
    }

    /// What changed goes into the commit; a storm that has just begun says so at once.
    pub fn store(&self, ctx: &Ctx, commit: &mut Commit, decided: &BTreeMap<IncidentId, Incident>) -> anyhow::Result<()> {
        for live in self.live.iter().filter(|live| live.changed) {
            commit.documents.push(document(&live.storm)?);
            commit.withdrawn.extend(&live.withdrawn);
            if live.fresh {
                let incidents: Vec<Incident> = live.storm.incidents.iter().filter_map(|id| decided.get(id)).cloned().collect();
                commit.slots.push(summary(ctx, &live.storm, &incidents));
            }
        }
        Ok(())
    }

    /// The channels in which nothing may be said twice within a second.
    pub fn channels(&self) -> Vec<String> {
        self.live.iter().map(|live| live.storm.channel.clone()).collect()
    }
}

impl Live {
    fn is_in(&self, place: &(String, String)) -> bool {
        (&self.storm.team, &self.storm.channel) == (&place.0, &place.1)
    }

    fn take_in(&mut self, incident: &mut Incident) {
        incident.storm = Some(self.storm.id.clone());
        let broad = keys::broad(&incident.alert, keys::Broad { storm: &self.storm.id, full: false });
        if !incident.keys.iter().any(|key| key.starts_with("storm:")) {
            incident.keys.extend(broad.into_iter().map(|key| key.stored));
        }
        if !self.storm.incidents.contains(&incident.id) {
            self.storm.incidents.push(incident.id);
            self.storm.alerts += incident.alert_count;
            self.withdrawn.push(incident.id);
        }
    }
}

async fn active(ctx: &Ctx) -> anyhow::Result<Vec<Storm>> {
    let documents = ctx.store.documents(DocumentKind::Storm, STORMS_MAX).await?;
    let storms = documents.into_iter().filter_map(|document| match serde_json::from_value::<Storm>(document.body) {
        Ok(storm) => Some(storm),
        Err(error) => {
            tracing::error!(storm = %document.key, %error, "a storm cannot be read");
            None
        }
    });
    Ok(storms.filter(|storm| storm.ended.is_none()).collect())
}

fn document(storm: &Storm) -> anyhow::Result<DocumentUpdate> {
    Ok(DocumentUpdate { kind: DocumentKind::Storm, key: storm.id.clone(), body: Some(serde_json::to_value(storm)?) })
}

fn summary(ctx: &Ctx, storm: &Storm, incidents: &[Incident]) -> SlotUpdate {
    SlotUpdate {
        key: storm.slot_key(),
        incident: IncidentId(0),
        team: storm.team.clone(),
        channel: storm.channel.clone(),
        place: Place::Root,
        body: SlotBody::Message(report::storm(storm, incidents, ctx.settings.storm_below)),
    }
}

/// Brings every storm's summary up to date, and ends those that are over.
pub async fn tick(ctx: &Ctx, memory: &mut Memory, now: Timestamp) -> anyhow::Result<()> {
    memory.rates.retain(|_, rate| rate.lately(now) > 0);
    for storm in active(ctx).await? {
        ctx.pace.set_strict(&storm.channel, true);
        let place = (storm.team.clone(), storm.channel.clone());
        let rate = memory.rates.get(&place).map_or(0, |rate| rate.lately(now));
        if rate >= ctx.settings.storm_below {
            memory.calm.remove(&storm.id);
        } else if now.duration_since(*memory.calm.entry(storm.id.clone()).or_insert(now)) >= CALM {
            end(ctx, storm, now).await?;
            continue;
        }
        show(ctx, &storm).await?;
    }
    Ok(())
}

async fn show(ctx: &Ctx, storm: &Storm) -> anyhow::Result<()> {
    let incidents = try_join_all(storm.incidents.iter().map(|id| ctx.store.incident(*id))).await?;
    let summary = summary(ctx, storm, &incidents.into_iter().flatten().collect::<Vec<_>>());
    // Nothing is written where nothing has changed.
    if ctx.store.slot(&summary.key).await?.is_none_or(|slot| slot.body != summary.body) {
        ctx.store.commit(Commit { slots: vec![summary], ..Commit::default() }).await?;
        ctx.outbox.notify_one();
    }
    Ok(())
}

/// It is calm: what is still open gets its own messages, and the summary says how it was.
async fn end(ctx: &Ctx, mut storm: Storm, now: Timestamp) -> anyhow::Result<()> {
    for id in &storm.incidents {
        release(ctx, &storm.id, *id).await?;
    }
    storm.ended = Some(now);
    let incidents = try_join_all(storm.incidents.iter().map(|id| ctx.store.incident(*id))).await?;
    let slots = vec![summary(ctx, &storm, &incidents.into_iter().flatten().collect::<Vec<_>>())];
    ctx.store.commit(Commit { documents: vec![document(&storm)?], slots, ..Commit::default() }).await?;
    ctx.pace.set_strict(&storm.channel, false);
    ctx.outbox.notify_one();
    tracing::info!(channel = %storm.channel, alerts = storm.alerts, "an alert storm is over");
    Ok(())
}

/// The incident is shown by itself again. One that is over meanwhile is history: the summary and the list have it.
async fn release(ctx: &Ctx, storm: &str, id: IncidentId) -> anyhow::Result<()> {
    loop {
        let Some(mut incident) = ctx.store.incident(id).await? else { return Ok(()) };
        if incident.storm.as_deref() != Some(storm) {
            return Ok(());
        }
        incident.storm = None;
        incident.keys.retain(|key| !key.starts_with("storm:"));
        let mut slots = Vec::new();
        let has_card = ctx.store.slot(&SlotUpdate::card_key(id)).await?.is_some();
        if !incident.state.is_closed() || has_card {
            slots = slots::standing(&incident);
            if let (Some(report), Some(investigation)) = (&incident.report, incident.investigation) {
                slots.extend(slots::findings(&incident, investigation, report));
            }
        }
        match ctx.store.commit(Commit { incidents: vec![incident], slots, ..Commit::default() }).await {
            Err(StoreError::Conflict) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// Forgets the storms that ended before `before`.
pub async fn prune(ctx: &Ctx, before: Timestamp) -> anyhow::Result<Vec<DocumentUpdate>> {
    let documents = ctx.store.documents(DocumentKind::Storm, STORMS_MAX).await?;
    let old = documents.into_iter().filter(|document| {
        serde_json::from_value::<Storm>(document.body.clone()).is_ok_and(|storm| storm.ended.is_some_and(|ended| ended < before))
    });
    Ok(old.map(|document| DocumentUpdate { kind: DocumentKind::Storm, key: document.key, body: None }).collect())
}
