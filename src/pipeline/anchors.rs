//! The audit log's newest link, written down elsewhere: in the process's log, in a file, in a channel.

use jiff::Timestamp;
use tokio::io::AsyncWriteExt as _;

use super::Ctx;
use crate::{
    model::IncidentId,
    report,
    store::{Anchor, Commit, Place, SlotBody, SlotUpdate},
};

/// Anchors the log, where it has grown and the time has come. `anchored` is when that was done last, and how long the log was
/// then; a log that could not be anchored is tried again at once.
///
/// # Errors
/// When the store fails, or the file does not take the anchor.
pub async fn tick(ctx: &Ctx, anchored: &mut Option<(Timestamp, u64)>, now: Timestamp) -> anyhow::Result<()> {
    let settings = &ctx.settings.anchors;
    if anchored.is_some_and(|(at, _)| now.duration_since(at) < settings.every) {
        return Ok(());
    }
    let count = ctx.store.audit_count().await?;
    if count == 0 || anchored.is_some_and(|(_, known)| known == count) {
        *anchored = Some((now, count));
        return Ok(());
    }
    let Some(line) = ctx.store.audit_lines(count - 1, 1).await?.into_iter().next() else { return Ok(()) };
    let anchor = Anchor { sequence: line.sequence, hash: line.hash };
    tracing::info!(target: "audit", %anchor, "the audit log is anchored");
    if let Some(path) = &settings.file {
        let text = serde_json::json!({"at": now, "sequence": anchor.sequence, "hash": anchor.hash}).to_string() + "\n";
        let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await?;
        file.write_all(text.as_bytes()).await?;
        file.sync_data().await?;
    }
    if !settings.channel.is_empty() {
        // One message a day: an edit would take the place of the one before.
        let day = now.strftime("%Y-%m-%d").to_string();
        let key = format!("audit/anchor/{day}");
        if ctx.store.slot(&key).await?.is_none() {
            let slot = SlotUpdate {
                key,
                incident: IncidentId(0),
                team: String::new(),
                channel: settings.channel.clone(),
                place: Place::Root,
                body: SlotBody::Message(report::sentence(&format!("Audit log of {day}: {count} lines, anchor `{anchor}`"))),
            };
            ctx.store.commit(Commit { slots: vec![slot], ..Commit::default() }).await?;
        }
    }
    *anchored = Some((now, count));
    Ok(())
}
