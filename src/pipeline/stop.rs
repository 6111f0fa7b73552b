//! A person presses Stop: the investigation of that thread ends at once, and its report says so.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::oneshot;

use super::Ctx;
use crate::{
    model::{AuditEntry, IncidentId},
    store::{Commit, Work},
};

/// The investigations that run in this process, and how to end them.
#[derive(Default)]
pub struct Stops(Mutex<BTreeMap<IncidentId, oneshot::Sender<String>>>);

impl Stops {
    /// An investigation begins; what comes out is the user id of the person who stopped it. A later one of the same incident takes its place.
    pub fn listen(&self, incident: IncidentId) -> oneshot::Receiver<String> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(incident, sender);
        receiver
    }

    /// Ends the incident's investigation; false when none runs here.
    pub fn stop(&self, incident: IncidentId, user: &str) -> bool {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&incident);
        running.is_some_and(|running| running.send(user.to_owned()).is_ok())
    }

    /// Forgets those that have ended.
    pub fn sweep(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, running| !running.is_closed());
    }
}

/// Stops what runs in a thread.
pub async fn step(ctx: &Ctx, work: &Work, channel: &str, thread: &str, user: &str) -> anyhow::Result<()> {
    let at = ctx.clock.now();
    let mut audit = Vec::new();
    for incident in ctx.store.incidents_in_thread(channel, thread).await? {
        let stopped = ctx.stops.stop(incident.id, user);
        tracing::info!(incident = %incident.id, user, stopped, "a person pressed Stop");
        audit.push(AuditEntry {
            at,
            actor: user.to_owned(),
            act: "stop".to_owned(),
            object: incident.id.to_string(),
            outcome: if stopped { "done" } else { "nothing to do" }.to_owned(),
            detail: String::new(),
        });
    }
    ctx.store.commit(Commit { done: Some(work.clone()), audit, ..Commit::default() }).await?;
    Ok(())
}
