//! Reads what Slack delivered: the door made it durable and answered; what it means is found out here, beside the door.
//!
//! The backlog stays in the store, on disk: what is read ahead is never more than the workers can take.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    State,
    alerts::{self, Recognised},
    events,
    state::clean,
};
use crate::{
    model::{AlertId, Inbound, Origin, Priority, RawRecord},
    store::{Delivery, Recorded, Settled, StoreError, WorkKind},
};

/// How many deliveries are read at once.
const BATCH: usize = 64;
/// How many records may wait for a worker before no more are read. Source: a worker takes some milliseconds for each.
const AHEAD: usize = 512;
/// How often the store is asked when nobody rings: another process may have a door, too.
const EVERY: Duration = Duration::from_secs(1);
/// How many records may wait while the door is busy: enough that the workers never wait for the reader.
const AHEAD_BUSY: usize = 32;
/// How long the reader waits for more when something came: what is read together shares its commits, and every commit
/// that is spared is one less that an answer at the door could have to wait for. Nobody notices so short a time.
const GATHER: Duration = Duration::from_millis(30);
/// So many deliveries a second are a busy door. Source: storms of alerts that people have seen stay below.
const BUSY: u64 = 1000;

/// Reads until `stop`.
pub async fn run(state: State, stop: CancellationToken) {
    loop {
        let arrived = state.deliveries.arrived.notified();
        match tick(&state).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "deliveries cannot be read; they wait in the store"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = arrived => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(EVERY) => {}
        }
        if stop.is_cancelled() {
            return;
        }
    }
}

/// Reads one batch; whether there may be more.
///
/// # Errors
/// When the store fails; the deliveries are still there.
pub async fn tick(state: &State) -> Result<bool, StoreError> {
    let waiting = state.queue.waiting().await.unwrap_or_default();
    if waiting > if state.deliveries.is_busy(state.clock.now()) { AHEAD_BUSY } else { AHEAD } {
        tokio::time::sleep(Duration::from_millis(20)).await;
        return Ok(true);
    }
    let batch = state.store.deliveries(BATCH).await?;
    if batch.is_empty() {
        return Ok(false);
    }
    let full = batch.len() == BATCH;
    // In a thread of its own: recognising takes the processor, and the door must not wait for it.
    let reader = state.clone();
    let settled = tokio::task::spawn_blocking(move || batch.iter().map(|delivery| settle(&reader, delivery)).collect::<Vec<_>>())
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let records: Vec<(AlertId, Priority, &'static str)> = settled
        .iter()
        .filter_map(|settled| settled.record.as_ref())
        .map(|(record, priority)| (record.id, *priority, record.source.as_str()))
        .collect();
    let outcomes = state.store.settle(settled).await?;
    for ((id, priority, source), outcome) in records.into_iter().zip(outcomes) {
        match outcome {
            Recorded::Fresh => {
                state.metrics.record_received(source);
                if let Err(error) = state.queue.push(&WorkKind::Record(id).id(), priority).await {
                    tracing::warn!(%error, "the queue takes no work; the sweeper will find it");
                }
            }
            Recorded::Duplicate(_) => state.metrics.duplicate_delivery(),
        }
    }
    Ok(full)
}

/// What one delivery means. One that breaks the reader is shown like one that it does not understand: never lost, never in the way.
fn settle(state: &State, delivery: &Delivery) -> Settled {
    let record = meaning(delivery).map(|(priority, inbound)| {
        let id = AlertId(state.ids.fresh(delivery.received_at));
        let inbound = inbound.with_id(id);
        let record = RawRecord {
            id,
            source: delivery.source,
            dedup_key: delivery.key.clone(),
            received_at: delivery.received_at,
            team: delivery.team.clone(),
            inbound,
        };
        (record, priority)
    });
    Settled { sequence: delivery.sequence, key: delivery.key.clone(), record }
}

fn meaning(delivery: &Delivery) -> Option<(Priority, Inbound)> {
    let event: Value = serde_json::from_str(&delivery.body).ok()?;
    let place = events::place(&event)?;
    let mut found = match alerts::from_slack_message(&event) {
        Recognised::Alerts(found) => found,
        // An edit repeats what is known, and a reply is about it.
        Recognised::Changes(changes) if !place.follow_up => return Some((Priority::P3, Inbound::Changes { changes })),
        _ => return None,
    };
    let priority = found.iter().map(|alert| alert.priority).min()?;
    for alert in &mut found {
        alert.origin = Origin::Slack { channel: place.channel.to_owned(), ts: place.ts.to_owned() };
        clean(alert);
    }
    Some((priority, Inbound::Alerts { alerts: found, follow_up: place.follow_up }))
}

/// How the door tells the reader that something came.
#[derive(Debug, Default)]
pub struct Arrivals {
    arrived: Notify,
    /// The second in which the last came, and how many came in it and in the one before.
    rate: Mutex<(i64, u64, u64)>,
}

impl Arrivals {
    /// Something came.
    pub fn ring(&self, now: Timestamp) {
        {
            let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
            let (second, count, _) = *rate;
            *rate = match now.as_second() - second {
                0 => (second, count + 1, rate.2),
                1 => (second + 1, 1, count),
                _ => (now.as_second(), 1, 0),
            };
        }
        self.arrived.notify_one();
    }

    /// More comes than can be read at the same time.
    fn is_busy(&self, now: Timestamp) -> bool {
        let (second, count, before) = *self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        (now.as_second() - second).abs() <= 1 && count.max(before) > BUSY
    }
}
