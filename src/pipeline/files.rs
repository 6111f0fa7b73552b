//! Files in threads: pictures and texts, made when they are sent, shared once.

use jiff::SignedDuration;

use super::{
    Ctx,
    publish::{Sending, Shown, thread_of},
};
use crate::{
    model::InvestigationId,
    report,
    slack::{SlackErrorKind, Upload},
    store::{FileContent, FileWish, Slot, StoreError},
};

/// How long a file waits for the message that it follows, the first time; then twice as long each time.
const FOLLOWS_AFTER_MS: i64 = 400;
/// The longest such wait.
const FOLLOWS_MAX: SignedDuration = SignedDuration::from_secs(60);

/// A file that is ready to be sent.
struct Made {
    name: String,
    alt: String,
    bytes: Vec<u8>,
}

/// Shares the file in the slot's thread, unless it is there already.
pub async fn send(ctx: &Ctx, slot: &Slot, wish: &FileWish) -> Sending {
    let slack = ctx.slack.of(&slot.team);
    let shared = |id: String| Shown { version: slot.version, ts: id, note: String::new() };
    if let Some(id) = &slot.ts {
        // A file that is out is not changed any more.
        return Ok(Ok(Some(shared(id.clone()))));
    }
    if !slack.files.is_there() {
        return put_aside(ctx, slot, "this workspace does not let the app share files").await;
    }
    if !follows(ctx, slot, wish).await? {
        return Ok(Ok(None));
    }
    let thread = thread_of(slot);
    if slot.in_doubt {
        match slack.client.find_file(&slot.channel, thread, &slot.delivery).await {
            Ok(Some(id)) => return Ok(Ok(Some(shared(id)))),
            Ok(None) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    let Some(made) = make(ctx, slot, wish).await? else { return put_aside(ctx, slot, "there is nothing to put into this file").await };
    ctx.store.slot_started(&slot.key).await?;
    let file = Upload { name: &made.name, title: &wish.title, alt: &made.alt, bytes: &made.bytes };
    match slack.client.upload(&slot.channel, thread, &file).await {
        Ok(id) => Ok(Ok(Some(shared(id)))),
        Err(error) if error.code() == "missing_scope" || error.code().starts_with("file_uploads") => {
            if slack.files.is_missing() {
                tracing::warn!(%error, "files cannot be shared here: the app needs the scope files:write; messages go on without them");
            }
            put_aside(ctx, slot, &error.to_string()).await
        }
        Err(error) if error.kind == SlackErrorKind::BadBlocks => put_aside(ctx, slot, &error.to_string()).await,
        Err(error) => Ok(Err(error)),
    }
}

/// The message before it is out; otherwise the file is told to wait.
async fn follows(ctx: &Ctx, slot: &Slot, wish: &FileWish) -> Result<bool, StoreError> {
    if wish.after.is_empty() {
        return Ok(true);
    }
    let out = match ctx.store.slot(&wish.after).await? {
        Some(before) => before.ts.is_some() && before.sent_version == before.version,
        None => true,
    };
    if !out {
        let wait = SignedDuration::from_millis(FOLLOWS_AFTER_MS << slot.attempts.min(12)).min(FOLLOWS_MAX);
        ctx.store.slot_failed(&slot.key, "it follows a message that is not out yet", slot.in_doubt, Some(ctx.clock.now() + wait)).await?;
    }
    Ok(out)
}

async fn put_aside(ctx: &Ctx, slot: &Slot, why: &str) -> Sending {
    ctx.store.slot_failed(&slot.key, why, false, None).await?;
    Ok(Ok(None))
}

/// The bytes, and a name that holds the delivery's id.
async fn make(ctx: &Ctx, slot: &Slot, wish: &FileWish) -> Result<Option<Made>, StoreError> {
    let name = |what: &str, end: &str| format!("{}-{what}-{}.{end}", slot.incident, slot.delivery);
    match &wish.content {
        FileContent::Text { name: given, text } => {
            let (stem, end) = given.rsplit_once('.').unwrap_or((given, "txt"));
            let bytes = text.clone().into_bytes();
            Ok((!bytes.is_empty()).then(|| Made { name: format!("{stem}-{}.{end}", slot.delivery), alt: String::new(), bytes }))
        }
        FileContent::Evidence(id) => {
            let Some(investigation) = ctx.store.investigation(*id).await? else { return Ok(None) };
            let bytes = report::evidence(&investigation).into_bytes();
            Ok(Some(Made { name: name("evidence", "txt"), alt: String::new(), bytes }))
        }
        FileContent::Timeline(id) => timeline(ctx, slot, *id, name("timeline", "png")).await,
    }
}

async fn timeline(ctx: &Ctx, slot: &Slot, id: InvestigationId, name: String) -> Result<Option<Made>, StoreError> {
    let (Some(incident), Some(investigation)) = (ctx.store.incident(slot.incident).await?, ctx.store.investigation(id).await?) else {
        return Ok(None);
    };
    let Some(picture) = report::timeline_picture(&incident, &investigation) else { return Ok(None) };
    let alt = picture.alt.clone();
    // Drawing is computing: not on the threads that speak with Slack.
    let drawn = tokio::task::spawn_blocking(move || picture.png()).await;
    match drawn {
        Ok(Ok(bytes)) => Ok(Some(Made { name, alt, bytes })),
        Ok(Err(error)) => {
            tracing::warn!(slot = %slot.key, error, "the timeline could not be drawn");
            Ok(None)
        }
        Err(error) => {
            tracing::error!(slot = %slot.key, %error, "drawing the timeline broke off");
            Ok(None)
        }
    }
}
