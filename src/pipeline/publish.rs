//! The sender: makes Slack show what the slots wish, in the order of each thread, at Slack's speed, each message once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Ctx;
use crate::{
    model::{Origin, ThreadRef},
    slack::{SlackError, SlackErrorKind, blocks},
    store::{Commit, Place, Slot, SlotBody, SlotUpdate, StoreError},
};

/// How many wishes one look at the store takes.
const BATCH: usize = 200;
/// The sender looks by itself this often, for what came due by time (a wait that ended) or from another process.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Two looks are at least this far apart: while many incidents change, one look serves them all.
const LOOKS_APART: Duration = Duration::from_millis(20);
/// The longest wait between two attempts at one message.
const BACKOFF_MAX: i64 = 120;
/// How long a message waits for a person to give back a token, a scope or a membership.
const BLOCKED_WAIT: SignedDuration = SignedDuration::from_mins(5);
/// How long one process may speak into a channel before another may take over; above the time of a few slow calls.
const CHANNEL_LEASE: Duration = Duration::from_secs(60);

/// Sends until `stop`; what is in flight then is finished first.
pub async fn run(ctx: Arc<Ctx>, stop: CancellationToken) {
    let busy: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let mut sending = JoinSet::new();
    while !stop.is_cancelled() {
        let looked = tokio::time::Instant::now();
        match ctx.store.due_slots(ctx.clock.now(), BATCH).await {
            Ok(due) => {
                for (channel, slots) in by_channel(due) {
                    if !busy.lock().unwrap_or_else(PoisonError::into_inner).insert(channel.clone()) {
                        continue;
                    }
                    let (ctx, stop) = (Arc::clone(&ctx), stop.clone());
                    let speaking = Speaking { busy: Arc::clone(&busy), channel };
                    sending.spawn(async move {
                        send_channel(&ctx, &speaking.channel, slots, &stop).await;
                        drop(speaking);
                        ctx.outbox.notify_one();
                    });
                }
            }
            Err(error) => tracing::error!(%error, "the store cannot be asked for unsent messages"),
        }
        while let Some(ended) = sending.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "sending to a channel broke off");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = ctx.outbox.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        tokio::time::sleep_until(looked + LOOKS_APART).await;
    }
    while sending.join_next().await.is_some() {}
}

/// A channel that is being spoken into; however that ends, the channel is free again afterwards.
struct Speaking {
    busy: Arc<Mutex<BTreeSet<String>>>,
    channel: String,
}

impl Drop for Speaking {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.channel);
    }
}

/// One lane for each channel, and one for all reactions: Slack counts those by workspace, and no message waits for one.
fn by_channel(due: Vec<Slot>) -> BTreeMap<String, Vec<Slot>> {
    let mut channels: BTreeMap<String, Vec<Slot>> = BTreeMap::new();
    for slot in due {
        channels.entry(lane(&slot)).or_default().push(slot);
    }
    channels
}

fn lane(slot: &Slot) -> String {
    match &slot.body {
        SlotBody::Message(_) => slot.channel.clone(),
        SlotBody::Reaction { .. } => "reactions".to_owned(),
    }
}

async fn send_channel(ctx: &Ctx, channel: &str, slots: Vec<Slot>, stop: &CancellationToken) {
    let lease = match ctx.locks.try_lock(&format!("outbox/{channel}"), CHANNEL_LEASE).await {
        Ok(Some(lease)) => lease,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(%error, channel, "no lock for the outbox");
            return;
        }
    };
    for slot in slots {
        if stop.is_cancelled() {
            break;
        }
        // The wish may have changed since it was listed: the newest wording goes out, the older one never.
        match ctx.store.slot(&slot.key).await {
            Ok(Some(fresh)) if fresh.version > fresh.sent_version => {
                if let Err(error) = send(ctx, &fresh).await {
                    tracing::error!(slot = %fresh.key, %error, "the store did not take the outcome of a message");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!(slot = %slot.key, %error, "an unsent message cannot be read"),
        }
    }
    if let Err(error) = ctx.locks.unlock(&lease).await {
        tracing::warn!(%error, channel, "the outbox lock could not be given back");
    }
}

async fn send(ctx: &Ctx, slot: &Slot) -> Result<(), StoreError> {
    // Posts and edits share a channel's second.
    let pace = lane(slot);
    let wait = ctx.pace.take(&pace);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let result = match &slot.body {
        SlotBody::Message(message) => match show(ctx, slot, &blocks::message(message)).await? {
            Err(error) if error.kind == SlackErrorKind::BadBlocks => {
                tracing::warn!(slot = %slot.key, %error, "Slack refuses these blocks; sending plainer ones");
                show(ctx, slot, &blocks::plain_message(message)).await?
            }
            other => other,
        },
        SlotBody::Reaction { ts, name } => react(ctx, slot, ts, name.as_deref()).await,
    };
    match result {
        Ok(Some((version, ts))) => {
            ctx.metrics.slack_call("ok");
            let note = if let SlotBody::Reaction { name: Some(name), .. } = &slot.body { name } else { "" };
            ctx.store.slot_sent(&slot.key, version, &ts, note).await?;
            if slot.key == SlotUpdate::card_key(slot.incident) && slot.place == Place::Root && slot.ts.is_none() {
                thread_starts(ctx, slot, &ts).await?;
            }
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => failed(ctx, slot, &pace, &error).await,
    }
}

/// Posts or edits. The outer result is the store's, the inner one Slack's; the version that is out now goes with the message's `ts`.
async fn show(ctx: &Ctx, slot: &Slot, body: &serde_json::Value) -> Result<Result<Option<(u64, String)>, SlackError>, StoreError> {
    let slack = ctx.slack.of(&slot.team);
    if let Some(ts) = &slot.ts {
        return Ok(slack.client.update(&slot.channel, ts, body).await.map(|()| Some((slot.version, ts.clone()))));
    }
    let thread = match &slot.place {
        Place::Root => None,
        Place::Thread(ts) => Some(ts.as_str()),
        Place::UnderCard => slot.card_ts.as_deref(),
    };
    if slot.in_doubt {
        // It may be out already, from before a crash or a broken connection: what is found is edited, not posted again.
        match slack.client.find(&slot.channel, thread, &slot.delivery).await {
            Ok(Some(posted)) => return Ok(Ok(Some((0, posted.ts)))),
            Ok(None) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    ctx.store.slot_started(&slot.key).await?;
    Ok(slack.client.post(&slot.channel, thread, body, &slot.delivery).await.map(|posted| Some((slot.version, posted.ts))))
}

async fn react(ctx: &Ctx, slot: &Slot, ts: &str, name: Option<&str>) -> Result<Option<(u64, String)>, SlackError> {
    let slack = ctx.slack.of(&slot.team);
    if !slot.note.is_empty() && Some(slot.note.as_str()) != name {
        slack.client.unreact(&slot.channel, ts, &slot.note).await?;
    }
    if let Some(name) = name {
        slack.client.react(&slot.channel, ts, name).await?;
    }
    Ok(Some((slot.version, ts.to_owned())))
}

async fn failed(ctx: &Ctx, slot: &Slot, pace: &str, error: &SlackError) -> Result<(), StoreError> {
    let now = ctx.clock.now();
    let backoff = SignedDuration::from_secs((1i64 << slot.attempts.min(16)).min(BACKOFF_MAX));
    let (outcome, ambiguous, not_before) = match error.kind {
        SlackErrorKind::RateLimited(wait) => {
            ctx.pace.hold(pace, wait);
            let wait = SignedDuration::try_from(wait).unwrap_or(backoff);
            ("rate_limited", slot.in_doubt, Some(now + wait))
        }
        SlackErrorKind::Ambiguous => ("ambiguous", true, Some(now + backoff)),
        SlackErrorKind::Unavailable | SlackErrorKind::Already => ("unavailable", slot.in_doubt, Some(now + backoff)),
        // A person can mend it: the message waits for that, without a limit.
        SlackErrorKind::Blocked => ("blocked", slot.in_doubt, Some(now + BLOCKED_WAIT)),
        SlackErrorKind::Gone => return gone(ctx, slot, error).await,
        SlackErrorKind::BadBlocks | SlackErrorKind::Refused => ("refused", false, None),
    };
    ctx.metrics.slack_call(outcome);
    tracing::warn!(slot = %slot.key, channel = %slot.channel, outcome, %error, "Slack did not take a message");
    ctx.store.slot_failed(&slot.key, &error.to_string(), ambiguous, not_before).await
}

/// The message or its thread was deleted: what we have to say gets a place of its own, once.
async fn gone(ctx: &Ctx, slot: &Slot, error: &SlackError) -> Result<(), StoreError> {
    ctx.metrics.slack_call("gone");
    let is_card = slot.key == SlotUpdate::card_key(slot.incident);
    match &slot.body {
        SlotBody::Message(_) if is_card && slot.place != Place::Root => ctx.store.slot_lost(&slot.key, &Place::Root).await,
        SlotBody::Message(_) if !is_card && slot.place != Place::UnderCard => ctx.store.slot_lost(&slot.key, &Place::UnderCard).await,
        SlotBody::Message(_) if slot.ts.is_some() => ctx.store.slot_lost(&slot.key, &slot.place).await,
        _ => {
            tracing::warn!(slot = %slot.key, %error, "a message is gone and is not shown any more");
            ctx.store.slot_failed(&slot.key, &error.to_string(), false, None).await
        }
    }
}

/// The card of an incident that did not start in Slack is out: now the incident has a thread.
async fn thread_starts(ctx: &Ctx, slot: &Slot, ts: &str) -> Result<(), StoreError> {
    loop {
        let Some(mut incident) = ctx.store.incident(slot.incident).await? else { return Ok(()) };
        if incident.thread.is_some() || incident.alert.origin != Origin::Webhook {
            return Ok(());
        }
        incident.thread = Some(ThreadRef { channel: slot.channel.clone(), ts: ts.to_owned() });
        match ctx.store.commit(Commit { incidents: vec![incident], ..Commit::default() }).await {
            Err(StoreError::Conflict) => {}
            other => return other.map(drop),
        }
    }
}
