//! Changes that somebody told of: kept as evidence for later investigations.

use jiff::{SignedDuration, Timestamp};

use super::Ctx;
use crate::{
    model::{RawRecord, observation::Change},
    store::{Commit, DocumentKind, DocumentUpdate, Work},
};

/// How long before an alert a change can matter.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);
/// A sender's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// How many changes an investigation is given, the newest ones.
const GIVEN_MAX: usize = 200;
/// How long changes are kept: an investigation can look back at an alert that is some days old.
const KEEP: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many are kept at most; a store hands out 1000 at a time.
const KEPT_MAX: usize = 800;
const READ_MAX: usize = 1000;

/// Keeps the changes.
pub async fn step(ctx: &Ctx, work: &Work, record: &RawRecord, changes: &[Change]) -> anyhow::Result<()> {
    let documents = changes
        .iter()
        .enumerate()
        .map(|(at, change)| {
            // One without a time of its own happened when we were told.
            let change = Change { time: change.time.or(Some(record.received_at)), ..change.clone() };
            let body = serde_json::to_value(change)?;
            Ok(DocumentUpdate { kind: DocumentKind::Change, key: format!("{}/{at}", record.id), body: Some(body) })
        })
        .collect::<anyhow::Result<_>>()?;
    ctx.store.commit(Commit { done: Some(work.clone()), documents, ..Commit::default() }).await?;
    Ok(())
}

/// The changes of the day before `at`, the newest first.
pub async fn before(ctx: &Ctx, at: Timestamp) -> anyhow::Result<Vec<Change>> {
    let documents = ctx.store.documents(DocumentKind::Change, READ_MAX).await?;
    let mut changes: Vec<Change> = documents.into_iter().filter_map(|document| serde_json::from_value(document.body).ok()).collect();
    changes.retain(|change| {
        let ago = change.time.map(|time| at.duration_since(time));
        ago.is_some_and(|ago| -AHEAD <= ago && ago <= BEFORE)
    });
    changes.sort_by_key(|change| std::cmp::Reverse(change.time));
    changes.truncate(GIVEN_MAX);
    Ok(changes)
}

/// What is too old, or too many, as documents to take away.
pub async fn prune(ctx: &Ctx, now: Timestamp) -> anyhow::Result<Vec<DocumentUpdate>> {
    let documents = ctx.store.documents(DocumentKind::Change, READ_MAX).await?;
    let is_old = |change: Change| change.time.is_none_or(|time| time < now - KEEP);
    let gone = documents
        .into_iter()
        .enumerate()
        .filter(|(place, document)| *place >= KEPT_MAX || serde_json::from_value::<Change>(document.body.clone()).map_or(true, is_old));
    Ok(gone.map(|(_, document)| DocumentUpdate { kind: DocumentKind::Change, key: document.key, body: None }).collect())
}
