//! A record becomes what it means: its alerts become incidents, and what people did and asked goes to their steps.

mod desk;
pub mod keys;
mod rule;

use std::collections::HashMap;

use anyhow::Context as _;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, MutexGuard};
use ulid::Ulid;

use super::{Ctx, act, act::Person, ask, changes, heartbeats, runs, stop, storm, task};
use crate::{
    model::{AlertId, Inbound, InvestigationId, RawRecord, Silence},
    store::{DocumentKind, StoreError, Work},
};

pub use rule::{Effect, Grouped, Known, News, Rules, group, last_alert, note, unsilence};

/// How often a batch is decided anew when somebody changed one of its incidents meanwhile.
const TRIES: usize = 8;
const SILENCES_MAX: usize = 1000;

/// One decision about groups at a time in this process, so that two alerts cannot open two incidents for one key; and
/// what those decisions remember. Between processes the versions of the incidents and documents say who was first.
#[derive(Default)]
pub struct Grouping(Mutex<Memory>);

/// What may be forgotten at a restart.
#[derive(Default)]
pub struct Memory {
    /// How many alerts came lately, by workspace and channel.
    pub rates: HashMap<(String, String), storm::Rate>,
    /// Since when a storm's channel is calm, by the storm's id.
    pub calm: HashMap<String, Timestamp>,
    /// Since when we have been here without a break.
    pub up: Option<heartbeats::Up>,
    /// The silences that have ended and been dealt with.
    pub ended: std::collections::HashSet<String>,
    pub pruned: Option<Timestamp>,
    /// When the audit log was anchored last, and how long it was then.
    pub anchored: Option<(Timestamp, u64)>,
}

impl Grouping {
    /// Waits for its turn.
    pub async fn turn(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().await
    }
}

/// Handles one record.
pub async fn step(ctx: &Ctx, work: &Work, id: AlertId) -> anyhow::Result<()> {
    let record = ctx.store.load_record(id).await?.context("the record is gone")?;
    match &record.inbound {
        Inbound::Alerts { .. } => together(ctx, &[(work.clone(), record)]).await,
        Inbound::Act { act, incident, user, reply } => {
            act::step(ctx, work, act, *incident, &Person { id: user, team: &record.team, reply }).await
        }
        Inbound::Ask { ask: asked, reply } => ask::step(ctx, work, asked, &Person { id: &asked.user, team: &record.team, reply }).await,
        Inbound::Stop { channel, thread, user } => stop::step(ctx, work, channel, thread, user).await,
        Inbound::Runbook { wish, by, reply } => runs::wish(ctx, work, wish, by, &record, reply).await,
        Inbound::Changes { changes } => changes::step(ctx, work, &record, changes).await,
        Inbound::Task { task } => task::begin(ctx, work, id, task).await,
    }
}

/// Handles records of alerts in one durable step, all of them or none.
pub async fn together(ctx: &Ctx, records: &[(Work, RawRecord)]) -> anyhow::Result<()> {
    let mut memory = ctx.grouping.turn().await;
    let now = ctx.clock.now();
    let silences: Vec<Silence> = ctx
        .store
        .documents(DocumentKind::Silence, SILENCES_MAX)
        .await?
        .into_iter()
        .filter_map(|silence| serde_json::from_value(silence.body).ok())
        .collect();
    storm::count(ctx, &mut memory, records, &silences, now);
    let mut tries = 0;
    let wake = loop {
        tries += 1;
        match desk::decide(ctx, &memory, records, now).await {
            Err(error) if tries < TRIES && matches!(error.downcast_ref(), Some(StoreError::Conflict)) => {}
            other => break other?,
        }
    };
    drop(memory);
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.investigations.push(&id, priority).await;
    }
    Ok(())
}

/// An investigation's id, made of what it is for: two investigations never share one.
pub fn investigation_id(of: &str, now: Timestamp) -> InvestigationId {
    InvestigationId(id_of(of, now))
}

/// An id made of what it is for.
pub fn id_of(what: &str, now: Timestamp) -> Ulid {
    let random = Sha256::digest(what).iter().take(10).fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
    Ulid::from_parts(now.as_millisecond().max(0).unsigned_abs(), random)
}
