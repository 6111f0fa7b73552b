//! The sender: makes Slack show what the slots wish, in the order of each thread, at Slack's speed, each message once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Ctx, files, slots};
use crate::{
    model::{Message, Origin, ThreadRef},
    slack::{Recipient, SlackError, SlackErrorKind, Workspace, blocks},
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

/// The sender's note on a message that is being streamed.
const STREAMING: &str = "streaming";

/// What Slack shows now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The wording; 0 for one that was found again and whose wording is not known.
    pub version: u64,
    /// The message's timestamp, or a file's id.
    pub ts: String,
    /// What the sender has to remember about it.
    pub note: String,
}

/// The store's trouble outside, Slack's inside; `None` when there was nothing to do.
pub type Sending = Result<Result<Option<Shown>, SlackError>, StoreError>;

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

/// One lane for each channel, one for all reactions and one for all files: Slack counts those by workspace, and no message
/// waits for one.
fn by_channel(due: Vec<Slot>) -> BTreeMap<String, Vec<Slot>> {
    let mut channels: BTreeMap<String, Vec<Slot>> = BTreeMap::new();
    for slot in due {
        channels.entry(lane(&slot)).or_default().push(slot);
    }
    channels
}

fn lane(slot: &Slot) -> String {
    match &slot.body {
        SlotBody::Message(_) | SlotBody::Progress { .. } => slot.channel.clone(),
        SlotBody::Reaction { .. } => "reactions".to_owned(),
        SlotBody::File(_) => "files".to_owned(),
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

/// The method that Slack will count, where it counts it over all channels.
fn method(slot: &Slot) -> Option<&'static str> {
    match &slot.body {
        SlotBody::Message(_) | SlotBody::Progress { .. } => slot.ts.is_some().then_some("chat.update"),
        SlotBody::Reaction { .. } => Some("reactions.add"),
        SlotBody::File(_) => None,
    }
}

async fn send(ctx: &Ctx, slot: &Slot) -> Result<(), StoreError> {
    // Posts and edits share a channel's second, in a storm with the reactions.
    let pace = if ctx.pace.is_strict(&slot.channel) { slot.channel.clone() } else { lane(slot) };
    let counted = method(slot).map_or(Duration::ZERO, |method| ctx.pace.take_method(&slot.team, method));
    let wait = ctx.pace.take(&pace).max(counted);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let result = match &slot.body {
        SlotBody::Message(message) | SlotBody::Progress { message, .. } => match show(ctx, slot, message, &blocks::message(message)).await?
        {
            Err(error) if error.kind == SlackErrorKind::BadBlocks => {
                tracing::warn!(slot = %slot.key, %error, "Slack refuses these blocks; sending plainer ones");
                show(ctx, slot, message, &blocks::plain_message(message)).await?
            }
            other => other,
        },
        SlotBody::Reaction { ts, .. } => {
            react(ctx, slot, ts).await?.map(|name| Some(Shown { version: slot.version, ts: ts.clone(), note: name }))
        }
        SlotBody::File(wish) => files::send(ctx, slot, wish).await?,
    };
    ctx.pace.ended(&pace);
    match result {
        Ok(Some(shown)) => {
            ctx.metrics.slack_call("ok");
            ctx.store.slot_sent(&slot.key, shown.version, &shown.ts, &shown.note).await?;
            if slot.key == SlotUpdate::card_key(slot.incident) && slot.place == Place::Root && slot.ts.is_none() {
                thread_starts(ctx, slot, &shown.ts).await?;
            }
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => failed(ctx, slot, &pace, &error).await,
    }
}

/// Posts, streams or edits; `body` is `message` in blocks.
async fn show(ctx: &Ctx, slot: &Slot, message: &Message, body: &Value) -> Sending {
    let slack = ctx.slack.of(&slot.team);
    let out = |ts: &str, note: &str| Shown { version: slot.version, ts: ts.to_owned(), note: note.to_owned() };
    if let Some(ts) = &slot.ts {
        if slot.note == STREAMING
            && let Some(outcome) = stream_on(&slack, slot, ts, message, body).await
        {
            return Ok(outcome.map(|note| Some(out(ts, note))));
        }
        return Ok(slack.client.update(&slot.channel, ts, body).await.map(|()| Some(out(ts, ""))));
    }
    let thread = thread_of(slot);
    if slot.in_doubt {
        // It may be out already, from before a crash or a broken connection: what is found is edited, not posted again.
        match slack.client.find(&slot.channel, thread, &slot.delivery).await {
            Ok(Some(found)) => {
                let note = if found.streamed { STREAMING } else { "" };
                return Ok(Ok(Some(Shown { version: 0, ts: found.ts, note: note.to_owned() })));
            }
            Ok(None) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    ctx.store.slot_started(&slot.key).await?;
    if let (SlotBody::Progress { user, .. }, Some(thread)) = (&slot.body, thread)
        && let Some(outcome) = stream_starts(&slack, slot, thread, message, user).await
    {
        return Ok(outcome.map(|ts| Some(out(&ts, STREAMING))));
    }
    Ok(slack.client.post(&slot.channel, thread, body, &slot.delivery).await.map(|posted| Some(out(&posted.ts, ""))))
}

/// The thread that the slot's message is in, where that is one.
pub fn thread_of(slot: &Slot) -> Option<&str> {
    match &slot.place {
        Place::Root => None,
        Place::Thread(ts) => Some(ts),
        Place::UnderCard => slot.card_ts.as_deref(),
    }
}

/// Starts a stream where a person asked and the workspace has it; `None` means that the plan is to be posted instead.
async fn stream_starts(slack: &Workspace, slot: &Slot, thread: &str, message: &Message, user: &str) -> Option<Result<String, SlackError>> {
    if user.is_empty() || !slack.streaming.is_there() {
        return None;
    }
    let team = slack.identity.get().map_or(slot.team.as_str(), |identity| identity.team_id.as_str());
    let team = if slot.team.is_empty() { team } else { &slot.team };
    let chunks = blocks::chunks(message, &slot.delivery);
    match slack.client.start_stream(&slot.channel, thread, Recipient { user, team }, &chunks).await {
        Ok(posted) => Some(Ok(posted.ts)),
        Err(error) if error.is_unknown_here() => {
            if slack.streaming.is_missing() {
                tracing::info!(%error, "this workspace does not stream; progress is posted and edited instead");
            }
            None
        }
        // This person or this channel cannot be streamed to: the plan is posted like any other message.
        Err(error) if matches!(error.kind, SlackErrorKind::Refused | SlackErrorKind::BadBlocks) => None,
        Err(error) => Some(Err(error)),
    }
}

/// Brings a streamed message on, and says what to remember about it; `None` when it is not being streamed any more.
async fn stream_on(slack: &Workspace, slot: &Slot, ts: &str, message: &Message, body: &Value) -> Option<Result<&'static str, SlackError>> {
    let outcome = match &slot.body {
        SlotBody::Progress { .. } => {
            let chunks = blocks::chunks(message, &slot.delivery);
            slack.client.append_stream(&slot.channel, ts, &chunks).await.map(|()| STREAMING)
        }
        _ => match slack.client.stop_stream(&slot.channel, ts, body, &slot.delivery).await {
            // The report stands under the plan now; from here on it is a message like any other, and takes the plan's place.
            Ok(()) => return None,
            Err(error) => Err(error),
        },
    };
    match outcome {
        Err(error) if error.kind == SlackErrorKind::Refused => None,
        other => Some(other),
    }
}

/// Sets our one reaction on a message: the most urgent of those that the incidents in it wish for. Returns the name that
/// is set now.
async fn react(ctx: &Ctx, slot: &Slot, ts: &str) -> Result<Result<String, SlackError>, StoreError> {
    let wishes = ctx.store.reactions_on(&slot.channel, ts).await?;
    let wished = |slot: &Slot| match &slot.body {
        SlotBody::Reaction { name, .. } => name.clone(),
        _ => None,
    };
    let rank = |name: &String| slots::REACTIONS.iter().position(|one| one == name).unwrap_or(slots::REACTIONS.len());
    let name = wishes.iter().filter_map(wished).min_by_key(rank);
    let slack = ctx.slack.of(&slot.team);
    let mut set: BTreeSet<&str> = wishes.iter().map(|slot| slot.note.as_str()).filter(|note| !note.is_empty()).collect();
    if let Some(name) = &name
        && !set.remove(name.as_str())
        && let Err(error) = slack.client.react(&slot.channel, ts, name).await
    {
        return Ok(Err(error));
    }
    for old in set {
        if let Err(error) = slack.client.unreact(&slot.channel, ts, old).await {
            return Ok(Err(error));
        }
        // What another incident had set is gone; it is known to be satisfied with what is there.
        for other in wishes.iter().filter(|other| other.note == old && other.key != slot.key) {
            ctx.store.slot_sent(&other.key, other.sent_version, ts, name.as_deref().unwrap_or_default()).await?;
        }
    }
    Ok(Ok(name.unwrap_or_default()))
}

async fn failed(ctx: &Ctx, slot: &Slot, pace: &str, error: &SlackError) -> Result<(), StoreError> {
    let now = ctx.clock.now();
    let backoff = SignedDuration::from_secs((1i64 << slot.attempts.min(16)).min(BACKOFF_MAX));
    let (outcome, ambiguous, not_before) = match error.kind {
        SlackErrorKind::RateLimited(wait) => {
            // Slack blocks the method in the workspace; only posting is counted for each channel.
            if error.method == "chat.postMessage" {
                ctx.pace.hold(pace, wait);
            } else {
                ctx.pace.hold_method(&slot.team, error.method, wait);
            }
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
        SlotBody::Message(_) | SlotBody::Progress { .. } | SlotBody::File(_) if !is_card && slot.place != Place::UnderCard => {
            ctx.store.slot_lost(&slot.key, &Place::UnderCard).await
        }
        SlotBody::Message(_) | SlotBody::Progress { .. } if slot.ts.is_some() => ctx.store.slot_lost(&slot.key, &slot.place).await,
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
