//! Changes that somebody told of: kept as evidence for later investigations.

use super::Ctx;
use crate::{
    model::{RawRecord, observation::Change},
    store::{Commit, DocumentKind, DocumentUpdate, Work},
};

/// Keeps the changes.
pub async fn step(ctx: &Ctx, work: &Work, record: &RawRecord, changes: &[Change]) -> anyhow::Result<()> {
    let documents = changes
        .iter()
        .enumerate()
        .map(|(at, change)| {
            let body = serde_json::to_value(change)?;
            Ok(DocumentUpdate { kind: DocumentKind::Change, key: format!("{}/{at}", record.id), body: Some(body) })
        })
        .collect::<anyhow::Result<_>>()?;
    ctx.store.commit(Commit { done: Some(work.clone()), documents, ..Commit::default() }).await?;
    Ok(())
}
