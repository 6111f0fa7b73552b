//! Reads what Slack delivered: the door made it durable and answered; what it means is found out here, beside the door.
//!
//! The backlog stays in the store, on disk: what is read ahead is never more than the workers can take.

use std::time::Duration;

use serde_json::Value;
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
/// While the door is busy, the reader rests so many times as long as it reads: a sender that waits comes first.
const REST: u32 = 4;
/// The longest rest.
const REST_MAX: Duration = Duration::from_millis(250);
/// So many deliveries while one batch was read are a busy door.
const BUSY: u64 = 32;

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
            () = arrived => {}
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
    if state.queue.waiting().await.is_ok_and(|waiting| waiting > AHEAD) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        return Ok(true);
    }
    let begun = tokio::time::Instant::now();
    let before = state.deliveries.taken();
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
    if state.deliveries.taken().saturating_sub(before) > BUSY {
        tokio::time::sleep((begun.elapsed() * REST).min(REST_MAX)).await;
    }
    Ok(full)
}

/// What one delivery means. One that breaks the reader is shown like one that it does not understand: never lost, never in the way.
fn settle(state: &State, delivery: &Delivery) -> Settled {
    let record = meaning(delivery).map(|(priority, inbound)| {
        let id = AlertId(state.ids.fresh(delivery.received_at));
        let inbound = with_id(inbound, id);
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

fn with_id(mut inbound: Inbound, id: AlertId) -> Inbound {
    if let Inbound::Alerts { alerts, .. } = &mut inbound {
        for alert in alerts {
            alert.id = id;
        }
    }
    inbound
}

fn meaning(delivery: &Delivery) -> Option<(Priority, Inbound)> {
    let event: Value = serde_json::from_str(&delivery.body).ok()?;
    let place = events::place(&event)?;
    let Recognised::Alerts(mut found) = alerts::from_slack_message(&event) else { return None };
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
    arrived: tokio::sync::Notify,
    taken: std::sync::atomic::AtomicU64,
}

impl Arrivals {
    /// Something came.
    pub fn ring(&self) {
        self.taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.arrived.notify_one();
    }

    fn taken(&self) -> u64 {
        self.taken.load(std::sync::atomic::Ordering::Relaxed)
    }
}
