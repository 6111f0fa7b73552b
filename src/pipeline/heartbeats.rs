//! The dead-man timer: alerts that always fire prove that alerting works, so their silence is the alert.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Ctx,
    group::{Memory, id_of, keys},
};
use crate::{
    model::{Alert, AlertId, AlertStatus, Inbound, Priority, RawRecord, RecordSource, Severity},
    store::{Commit, DocumentKind, DocumentUpdate, WorkKind},
};

/// The source of the alert that a missing heartbeat is.
pub const SOURCE: &str = "heartbeat";
/// The label with the channel in which the heartbeat came.
pub const CHANNEL: &str = "slack_channel";
/// From so many distances the usual one is taken.
const LEARN_FROM: usize = 7;
/// So many intervals without it are too long. Source: the no-alert-lost contract.
const MISSED: i32 = 2;
/// A longer break in our own work is a break in what we can know.
const BREAK: SignedDuration = SignedDuration::from_secs(60);
/// How many heartbeats are watched.
const WATCHED_MAX: usize = 1000;

/// Since when we have been here without a break.
#[derive(Debug, Clone, Copy)]
pub struct Up {
    pub since: Timestamp,
    pub last: Timestamp,
}

/// A heartbeat as it is stored, under its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Heartbeat {
    name: String,
    cluster: String,
    team: String,
    channel: String,
    last_seen: Timestamp,
    /// The last few distances between two of them, in seconds.
    gaps: Vec<i64>,
    /// It is missing, and was told of, since.
    missing: Option<Timestamp>,
}

impl Heartbeat {
    /// How often it comes; before that is known, as seldom as it may. `None` for one that comes more seldom than that:
    /// it is no heartbeat to go by.
    fn interval(&self, least: SignedDuration, most: SignedDuration) -> Option<SignedDuration> {
        let mut gaps = self.gaps.clone();
        gaps.sort_unstable();
        match gaps.get(gaps.len() / 2) {
            None => Some(most),
            Some(median) => Some(SignedDuration::from_secs(*median).max(least)).filter(|usual| *usual <= most),
        }
    }

    fn place(&self) -> String {
        if self.cluster.is_empty() { self.name.clone() } else { format!("{} of {}", self.name, self.cluster) }
    }
}

/// The alerts that prove that alerting works; other alerts that nobody looks at (an inhibitor) come and go as they like.
fn proves_alerting(alert: &Alert) -> bool {
    let name: String = alert.name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    ["watchdog", "deadman", "heartbeat", "alwaysfiring"].iter().any(|word| name.contains(word))
}

/// The heartbeats of one batch.
#[derive(Default)]
pub struct Beats(HashMap<String, Heartbeat>);

impl Beats {
    /// A heartbeat came. Returns the end of its absence, where it was missed.
    pub async fn came(&mut self, ctx: &Ctx, alert: &Alert, record: &RawRecord) -> anyhow::Result<Option<Alert>> {
        if alert.status != AlertStatus::Firing || !proves_alerting(alert) {
            return Ok(None);
        }
        tracing::debug!(alert = %alert.name, "a heartbeat arrived");
        let known = match self.0.remove(&alert.fingerprint) {
            Some(known) => Some(known),
            None => read(ctx, &alert.fingerprint).await?,
        };
        let at = record.received_at;
        let mut beat = known.unwrap_or_else(|| Heartbeat {
            name: alert.name.clone(),
            cluster: alert.cluster.clone(),
            team: record.team.clone(),
            channel: String::new(),
            last_seen: at,
            gaps: Vec::new(),
            missing: None,
        });
        beat.channel = keys::channel(alert, &ctx.settings.channel).to_owned();
        let gap = at.duration_since(beat.last_seen).as_secs();
        // The same one from a second sender is no further one, and an absence is no interval.
        if gap > 0 && beat.missing.is_none() {
            beat.gaps.push(gap);
            if beat.gaps.len() > LEARN_FROM {
                beat.gaps.remove(0);
            }
        }
        beat.last_seen = beat.last_seen.max(at);
        let back = beat.missing.take().map(|since| missing(&beat, &alert.fingerprint, AlertStatus::Resolved, since));
        self.0.insert(alert.fingerprint.clone(), beat);
        Ok(back)
    }

    pub fn store(self, commit: &mut Commit) -> anyhow::Result<()> {
        for (key, beat) in self.0 {
            commit.documents.push(DocumentUpdate { kind: DocumentKind::Heartbeat, key, body: Some(serde_json::to_value(&beat)?) });
        }
        Ok(())
    }
}

async fn read(ctx: &Ctx, fingerprint: &str) -> anyhow::Result<Option<Heartbeat>> {
    let document = ctx.store.document(DocumentKind::Heartbeat, fingerprint).await?;
    Ok(document.and_then(|document| serde_json::from_value(document.body).ok()))
}

/// The alert that a missing heartbeat is, or its end.
fn missing(beat: &Heartbeat, fingerprint: &str, status: AlertStatus, since: Timestamp) -> Alert {
    let place = beat.place();
    Alert {
        fingerprint: format!("{SOURCE}/{fingerprint}"),
        source: SOURCE.to_owned(),
        name: "HeartbeatMissing".to_owned(),
        service: beat.name.clone(),
        cluster: beat.cluster.clone(),
        severity: Severity::Critical,
        priority: Priority::P0,
        status,
        labels: [(CHANNEL.to_owned(), beat.channel.clone())].into(),
        summary: format!("heartbeat {place} is missing since {}: alerts may not arrive", since.strftime("%H:%M UTC")),
        description: format!("The last {place} came at {}.", beat.last_seen.strftime("%-d %b %H:%M:%S UTC")),
        starts_at: Some(since),
        ..Alert::default()
    }
}

/// Looks for heartbeats that do not come. Only the time counts in which we were here to hear them.
pub async fn tick(ctx: &Ctx, memory: &mut Memory, now: Timestamp) -> anyhow::Result<()> {
    let up = match memory.up {
        Some(up) if now.duration_since(up.last) <= BREAK && now >= up.last => Up { last: now, ..up },
        _ => Up { since: now, last: now },
    };
    memory.up = Some(up);
    let length = |of| SignedDuration::try_from(of).unwrap_or(SignedDuration::MAX);
    let (least, most) = (length(ctx.settings.heartbeat_least), length(ctx.settings.heartbeat_most));
    for document in ctx.store.documents(DocumentKind::Heartbeat, WATCHED_MAX).await? {
        let Ok(mut beat) = serde_json::from_value::<Heartbeat>(document.body) else { continue };
        let Some(interval) = beat.interval(least, most) else { continue };
        let silent = now.duration_since(beat.last_seen.max(up.since));
        if beat.missing.is_some() || silent <= interval.saturating_mul(MISSED) {
            continue;
        }
        let key = format!("{SOURCE}/{}/{}", document.key, beat.last_seen.as_millisecond());
        let id = AlertId(id_of(&key, now));
        let mut alert = missing(&beat, &document.key, AlertStatus::Firing, beat.last_seen);
        alert.id = id;
        tracing::warn!(heartbeat = %beat.place(), last_seen = %beat.last_seen, "a heartbeat is missing");
        let record = RawRecord {
            id,
            source: RecordSource::Timer,
            dedup_key: key,
            received_at: now,
            team: beat.team.clone(),
            inbound: Inbound::Alerts { alerts: vec![alert], follow_up: false },
        };
        ctx.store.record(&record, Priority::P0).await?;
        beat.missing = Some(beat.last_seen);
        let body = Some(serde_json::to_value(&beat)?);
        let documents = vec![DocumentUpdate { kind: DocumentKind::Heartbeat, key: document.key, body }];
        ctx.store.commit(Commit { documents, ..Commit::default() }).await?;
        // When the queue is away the sweeper finds it.
        let _ = ctx.queue.push(&WorkKind::Record(id).id(), Priority::P0).await;
    }
    Ok(())
}
