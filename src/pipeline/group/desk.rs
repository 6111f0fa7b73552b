//! Decides about a batch of alerts: reads what is known of them, applies the rule to one after the other, commits all of it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use super::{
    Effect, Grouped, Known, Memory, News, Rules, group, investigation_id,
    keys::{self, Broad, Key},
};
use crate::{
    model::{
        Alert, AlertStatus, Inbound, Incident, IncidentId, IncidentState, Member, Priority, RawRecord, RecordSource, Request, Silence,
    },
    pipeline::{Ctx, heartbeats, members, mentions, route, slots, storm},
    store::{Commit, DocumentKind, DocumentUpdate, IncidentFilter, NewWork, Occasion, SlotUpdate, Work, WorkKind},
};

/// The first number of the incidents that have none yet.
const UNNUMBERED: u64 = u64::MAX / 2;

/// One alert with what was read about it.
struct Entry<'a> {
    alert: Alert,
    record: &'a RawRecord,
    size: u64,
    follow_up: bool,
    keys: Vec<Key>,
    /// What the store knows about it; alerts that are alike share it.
    read: Arc<Read>,
}

/// What the store knows about an alert.
#[derive(Default)]
struct Read {
    known: Option<Known>,
    near: Vec<Incident>,
}

/// What has been decided so far, before it is stored.
#[derive(Default)]
struct Desk {
    incidents: BTreeMap<IncidentId, Incident>,
    members: HashMap<(IncidentId, String), Member>,
    /// The incident of a fingerprint, as far as it was decided here.
    of: HashMap<String, IncidentId>,
    /// In the order of the decisions: which incident wants what.
    opened: Vec<IncidentId>,
    investigate: Vec<(IncidentId, String)>,
    pointers: Vec<(IncidentId, Alert, String)>,
    next: u64,
}

/// Decides and commits. Returns the investigations that can begin.
pub async fn decide(ctx: &Ctx, memory: &Memory, records: &[(Work, RawRecord)], now: Timestamp) -> anyhow::Result<Vec<(String, Priority)>> {
    let mut commit = Commit::default();
    let mut works = records.iter().map(|(work, _)| work.clone());
    commit.done = works.next();
    commit.also_done = works.collect();

    let mut silences = Silences::read(ctx, now).await?;
    let mut storms = storm::Storms::read(ctx, memory).await?;
    let mut entries = entries(ctx, records, &mut commit).await?;
    look_up(ctx, &mut entries, &storms).await?;

    let rules = rules(ctx);
    let mut desk = Desk { next: UNNUMBERED, ..Desk::default() };
    for entry in entries {
        let place = place(ctx, &entry);
        let silence = silences.of(&entry.alert);
        if silence.is_none() && storms.begins(&place, entry.alert.status, now) {
            storms.adopt(ctx, &place, &mut desk.incidents, now).await?;
        }
        desk.take(ctx, entry, silence, &mut storms, &place, &rules, now);
    }
    storms.renumber(&desk.number(ctx).await?);
    let wake = desk.finish(ctx, now, &mut commit);
    storms.store(ctx, &mut commit, &desk.incidents)?;
    silences.store(&mut commit);
    commit.incidents = desk.incidents.into_values().collect();
    commit.members = desk.members.into_values().collect();
    // In the order in which they joined.
    commit.members.sort_by_key(|member| (member.incident, member.first_at));
    let strict = storms.channels();
    ctx.store.commit(commit).await?;
    for channel in strict {
        ctx.pace.set_strict(&channel, true);
    }
    Ok(wake)
}

/// The settings as the rule takes them.
fn rules(ctx: &Ctx) -> Rules {
    let length = |of| SignedDuration::try_from(of).unwrap_or(SignedDuration::MAX);
    Rules { window: length(ctx.settings.window), cooldown: length(ctx.settings.cooldown), flapping: ctx.settings.flapping }
}

/// The workspace and channel that the alert belongs to.
fn place(ctx: &Ctx, entry: &Entry<'_>) -> (String, String) {
    (entry.record.team.clone(), keys::channel(&entry.alert, channel_of(ctx, entry)).to_owned())
}

fn channel_of<'a>(ctx: &'a Ctx, entry: &'a Entry<'_>) -> &'a str {
    // A heartbeat that is missing is told of where it used to come.
    let heartbeats = entry.alert.labels.get(heartbeats::CHANNEL).filter(|_| entry.alert.source == heartbeats::SOURCE);
    heartbeats.map_or(ctx.settings.channel.as_str(), String::as_str)
}

/// Every alert of the records; heartbeats are taken note of and go no further.
async fn entries<'a>(ctx: &Ctx, records: &'a [(Work, RawRecord)], commit: &mut Commit) -> anyhow::Result<Vec<Entry<'a>>> {
    let mut out = Vec::new();
    let mut beats = heartbeats::Beats::default();
    for (_, record) in records {
        let Inbound::Alerts { alerts, follow_up } = &record.inbound else { continue };
        // What is over is closed before what begins is opened. An escalation comes as both in one message: it goes on.
        let fires = |fingerprint: &str| alerts.iter().any(|one| one.fingerprint == fingerprint && one.status == AlertStatus::Firing);
        let goes_on = |alert: &Alert| alert.status == AlertStatus::Resolved && fires(&alert.fingerprint);
        let mut ordered: Vec<&Alert> = alerts.iter().filter(|alert| !goes_on(alert)).collect();
        ordered.sort_by_key(|alert| alert.status != AlertStatus::Resolved);
        let together = (alerts.len() > 1).then(|| record.id.to_string());
        for alert in ordered {
            let mut alert = alert.clone();
            if !record.team.is_empty() {
                // What two workspaces are told of are two problems, each with a thread of its own.
                alert.fingerprint = format!("{}/{}", record.team, alert.fingerprint);
            }
            if alert.source == heartbeats::SOURCE && record.source != RecordSource::Timer {
                // Nobody else decides where that is told of.
                alert.source = record.source.as_str().to_owned();
            }
            if alert.source != heartbeats::SOURCE && ctx.engine.is_heartbeat(&alert) {
                // It says that all is well, so there is nothing to investigate or to show.
                match beats.came(ctx, &alert, record).await? {
                    Some(back) => alert = back,
                    None => continue,
                }
            }
            let grouped = together.as_deref().filter(|_| alert.alert_count > 1);
            out.push(Entry {
                size: size(&alert, alerts.len()),
                keys: if alert.source == heartbeats::SOURCE { Vec::new() } else { keys::of(&alert, grouped) },
                alert,
                record,
                follow_up: *follow_up,
                read: Arc::default(),
            });
        }
    }
    beats.store(commit)?;
    Ok(out)
}

/// How many alerts this one stands for: a sender's group that came as one message counts whole, its members that came
/// one by one count once each (every member carries the group's size).
fn size(alert: &Alert, together: usize) -> u64 {
    if together > 1 { 1 } else { u64::from(alert.alert_count.max(1)) }
}

/// Reads what the store knows about each of them, all at once; about alerts that are alike only once.
async fn look_up(ctx: &Ctx, entries: &mut [Entry<'_>], storms: &storm::Storms) -> anyhow::Result<()> {
    let mut of: HashMap<(String, Vec<String>, AlertStatus), usize> = HashMap::new();
    let mut different = Vec::new();
    let mut places = Vec::new();
    for entry in &*entries {
        let mut stored: Vec<String> = entry.keys.iter().map(|key| key.stored.clone()).collect();
        if let Some((storm, _)) = storms.in_channel(&place(ctx, entry)) {
            stored.extend(keys::broad(&entry.alert, Broad { storm: &storm, full: true }).into_iter().map(|key| key.stored));
        }
        // A sentence is looked up by what it is about, too.
        let alike = (entry.alert.source != "text").then(|| (entry.alert.fingerprint.clone(), stored.clone(), entry.alert.status));
        let at = alike.map_or(different.len(), |alike| *of.entry(alike).or_insert(different.len()));
        if at == different.len() {
            different.push((&entry.alert, stored));
        }
        places.push(at);
    }
    let read = try_join_all(different.iter().map(|(alert, stored)| async {
        let near = if stored.is_empty() { Vec::new() } else { ctx.store.incidents_with_keys(stored).await? };
        anyhow::Ok(Arc::new(Read { known: known(ctx, alert).await?, near }))
    }))
    .await?;
    for (entry, at) in entries.iter_mut().zip(places) {
        if let Some(read) = read.get(at) {
            entry.read = Arc::clone(read);
        }
    }
    Ok(())
}

async fn known(ctx: &Ctx, alert: &Alert) -> anyhow::Result<Option<Known>> {
    let Some(incident) = ctx.store.incident_of(&alert.fingerprint).await? else { return by_sentence(ctx, alert).await };
    if incident.state.is_closed() && incident.fingerprint != alert.fingerprint {
        // Its first alert may have a newer incident that is open: then this one stays closed.
        let first = ctx.store.incident_of(&incident.fingerprint).await?;
        if first.is_some_and(|first| first.id != incident.id && !first.state.is_closed()) {
            return Ok(None);
        }
    }
    let member = ctx.store.member(incident.id, &alert.fingerprint).await?;
    Ok(Some(Known { incident, member }))
}

/// "payments is healthy again" is about the one open incident of payments, where there is exactly one.
async fn by_sentence(ctx: &Ctx, alert: &Alert) -> anyhow::Result<Option<Known>> {
    if alert.source != "text" || alert.status != AlertStatus::Resolved || alert.service.is_empty() {
        return Ok(None);
    }
    let filter = IncidentFilter { open: true, service: Some(alert.service.clone()), limit: 2, ..IncidentFilter::default() };
    let mut found = ctx.store.incidents(&filter).await?;
    found.retain(|incident| alert.namespace.is_empty() || incident.namespace == alert.namespace);
    Ok(if found.len() == 1 { found.pop().map(|incident| Known { incident, member: None }) } else { None })
}

impl Desk {
    /// Applies the rule to one alert, on top of what has been decided before it.
    #[expect(clippy::too_many_arguments, reason = "one alert with all that surrounds it")]
    fn take(
        &mut self,
        ctx: &Ctx,
        mut entry: Entry<'_>,
        silence: Option<&Silence>,
        storms: &mut storm::Storms,
        place: &(String, String),
        rules: &Rules,
        now: Timestamp,
    ) {
        let storm = silence.is_none().then(|| storms.in_channel(place)).flatten();
        if let Some((storm, full)) = &storm {
            entry.keys.extend(keys::broad(&entry.alert, Broad { storm, full: *full }));
        }
        let mut near: Vec<Incident> =
            entry.read.near.iter().filter(|incident| !self.incidents.contains_key(&incident.id)).cloned().collect();
        near.extend(self.incidents.values().filter(|one| entry.keys.iter().any(|key| one.keys.contains(&key.stored))).cloned());
        let known = self.known(&entry);
        let channel = channel_of(ctx, &entry).to_owned();
        let news = News {
            alert: &entry.alert,
            size: entry.size,
            record: entry.record.id,
            team: &entry.record.team,
            channel: &channel,
            follow_up: entry.follow_up,
            silence,
            storm: storm.as_ref().map(|(storm, _)| storm.as_str()),
        };
        let (mut incident, mut member, effect) = match group(&news, known, &near, &entry.keys, rules, now) {
            Grouped::Changed { incident, member, effect } => (*incident, member.map(|member| *member), effect),
            Grouped::Nothing => return,
        };
        let fingerprint = entry.alert.fingerprint.clone();
        if effect == Effect::Opened {
            incident.id = IncidentId(self.next);
            self.next += 1;
            self.opened.push(incident.id);
            if let Some(member) = &mut member {
                member.incident = incident.id;
            }
        }
        let id = incident.id;
        if silence.is_none() {
            storms.saw(place, &mut incident, &entry.alert, entry.size, now);
        }
        let investigates = entry.alert.source != heartbeats::SOURCE;
        let begins = effect == Effect::Opened && incident.state == IncidentState::Investigating || effect == Effect::Returned;
        if begins && investigates {
            self.investigate.push((id, format!("{fingerprint}/{}", entry.record.id)));
        } else if begins {
            // Nobody can look for what did not come; what is known is on the card.
            incident.state = IncidentState::Open;
        }
        if let (Effect::Joined, Some(member)) = (effect, &member)
            && silence.is_none()
        {
            self.pointers.push((id, entry.alert.clone(), member.reason.clone()));
        }
        if let Some(member) = member {
            self.members.insert((id, fingerprint.clone()), member);
            self.of.insert(fingerprint, id);
        }
        self.incidents.insert(id, incident);
    }

    /// What is known of the alert now: what this batch has decided goes before what was read.
    fn known(&self, entry: &Entry<'_>) -> Option<Known> {
        let fingerprint = &entry.alert.fingerprint;
        let decided = |id: IncidentId| {
            let incident = self.incidents.get(&id)?.clone();
            Some(Known { incident, member: self.members.get(&(id, fingerprint.clone())).cloned() })
        };
        if let Some(id) = self.of.get(fingerprint) {
            return decided(*id);
        }
        let read = entry.read.known.as_ref()?;
        // The alert has a line there that this batch has not touched.
        let member = read.member.clone();
        Some(match decided(read.incident.id) {
            Some(newer) => Known { incident: newer.incident, member },
            None => Known { incident: read.incident.clone(), member },
        })
    }

    /// Gives the new incidents their numbers, in one step however many they are. Returns what each was called before.
    async fn number(&mut self, ctx: &Ctx) -> anyhow::Result<HashMap<IncidentId, IncidentId>> {
        if self.opened.is_empty() {
            return Ok(HashMap::new());
        }
        let first = ctx.store.reserve_incident_ids(self.opened.len() as u64).await?;
        let numbers: HashMap<IncidentId, IncidentId> = self.opened.iter().copied().zip((first.0..).map(IncidentId)).collect();
        let new = |id: IncidentId| numbers.get(&id).copied().unwrap_or(id);
        for mut incident in std::mem::take(&mut self.incidents).into_values() {
            incident.id = new(incident.id);
            self.incidents.insert(incident.id, incident);
        }
        for ((_, fingerprint), mut member) in std::mem::take(&mut self.members) {
            member.incident = new(member.incident);
            self.members.insert((member.incident, fingerprint), member);
        }
        self.investigate.iter_mut().for_each(|(id, _)| *id = new(*id));
        self.pointers.iter_mut().for_each(|(id, _, _)| *id = new(*id));
        Ok(numbers)
    }

    /// What the decisions mean for the queue and for Slack.
    fn finish(&mut self, ctx: &Ctx, now: Timestamp, commit: &mut Commit) -> Vec<(String, Priority)> {
        for incident in self.incidents.values_mut().filter(|incident| incident.version == 0) {
            incident.mention = mentions::of(&ctx.settings.mentions, incident.priority, now);
        }
        for (id, why) in &self.investigate {
            let Some(incident) = self.incidents.get_mut(id).filter(|incident| !incident.state.is_closed()) else { continue };
            let investigation = investigation_id(&format!("{id}/{why}"), now);
            incident.investigation = Some(investigation);
            incident.agents = route::step(&ctx.engine, &Request::alert(incident.alert.clone())).agents;
            commit.enqueue.push(NewWork {
                kind: WorkKind::Investigate { incident: *id, investigation, occasion: Occasion::Alert },
                priority: incident.priority,
                not_before: None,
            });
        }
        commit.slots.extend(self.incidents.values().flat_map(slots::standing));
        let mut pointed: BTreeSet<String> = BTreeSet::new();
        for (id, alert, reason) in &self.pointers {
            let Some(incident) = self.incidents.get(id) else { continue };
            let pointer: Option<SlotUpdate> = slots::pointer(&ctx.slack, incident, alert, reason);
            // One message can bring several alerts of one incident.
            commit.slots.extend(pointer.filter(|slot| pointed.insert(slot.key.clone())));
        }
        commit.enqueue.iter().map(|work| (work.kind.id(), work.priority)).collect()
    }
}

/// The silences that are active now, and how many alerts each has kept quiet in this batch.
struct Silences(Vec<(Silence, u64, u64)>);

impl Silences {
    async fn read(ctx: &Ctx, now: Timestamp) -> anyhow::Result<Self> {
        let documents = ctx.store.documents(DocumentKind::Silence, 1000).await?;
        let read = documents.into_iter().filter_map(|document| {
            let silence = serde_json::from_value::<Silence>(document.body).ok()?;
            silence.is_active(now).then_some((silence, document.sequence, 0))
        });
        Ok(Self(read.collect()))
    }

    /// The silence that the alert matches; the end of an alert needs none.
    fn of(&mut self, alert: &Alert) -> Option<&Silence> {
        let (silence, _, kept) = self.0.iter_mut().find(|(silence, _, _)| silence.matches(alert))?;
        if members::fires(alert.status) {
            *kept += 1;
        }
        Some(silence)
    }

    fn store(&self, commit: &mut Commit) {
        for (silence, sequence, kept) in self.0.iter().filter(|(_, _, kept)| *kept > 0) {
            let silence = Silence { kept_quiet: silence.kept_quiet + kept, ..silence.clone() };
            // Somebody may be ending it at this moment: that must not be undone.
            commit.unchanged.push((DocumentKind::Silence, silence.id.clone(), *sequence));
            let Ok(body) = serde_json::to_value(&silence) else { continue };
            commit.documents.push(DocumentUpdate { kind: DocumentKind::Silence, key: silence.id, body: Some(body) });
        }
    }
}
