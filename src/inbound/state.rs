//! What the doors work with, and the one way in: a durable record, then a word to the queue.

use std::{borrow::Cow, sync::Arc};

use secrecy::SecretString;

use super::{Arrivals, Config};
use crate::{
    coord::Queue,
    model::{Alert, AlertId, Clock, Ids, Inbound, Priority, RawRecord, RecordSource},
    redact,
    runbooks::Runbooks,
    slack::Workspaces,
    store::{Recorded, Store, StoreError},
    telemetry::Metrics,
};

/// One per process; cheap to clone.
#[derive(Clone)]
pub struct State {
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn Queue>,
    /// Rung when a delivery waits to be read.
    pub deliveries: Arc<Arrivals>,
    pub slack: Arc<Workspaces>,
    /// How Socket Mode fares, where this process has that role.
    pub socket: Option<Arc<crate::slack::socket::Health>>,
    /// What installs the app into further workspaces; `None` where that is not wanted.
    pub install: Option<Arc<super::Install>>,
    /// Empty where Slack does not call us: then no request can be Slack's.
    pub signing_secret: Arc<SecretString>,
    /// Who callers of the API and the console are.
    pub gate: Arc<super::Gate>,
    /// Where people reach us, without a slash at the end.
    pub public_url: Option<Arc<str>>,
    pub config: Arc<Config>,
    /// Who is on call, by schedule.
    pub rota: Arc<crate::notify::Rota>,
    /// What can be done about a cause; shown here, done by the pipeline.
    pub runbooks: Arc<Runbooks>,
    /// The live systems, to look how they are.
    pub live: Arc<super::Live>,
    pub clock: Clock,
    pub ids: Ids,
    pub metrics: Arc<Metrics>,
}

/// What is to be recorded of a delivery besides its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    pub source: RecordSource,
    /// The sender's own id of the delivery; `None` where it has none, so that each delivery stands for itself.
    pub key: Option<&'a str>,
    /// The Slack workspace (team id); empty for the configured one.
    pub team: &'a str,
    pub priority: Priority,
}

impl State {
    /// Makes `inbound` durable and wakes a worker. Returns the record's id, or the first one's when this delivery is a repetition.
    ///
    /// # Errors
    /// When the record is not durable: the sender must not be told that it was taken.
    pub async fn record(&self, door: Door<'_>, inbound: impl FnOnce(AlertId) -> Inbound) -> Result<AlertId, StoreError> {
        let Door { source, key: dedup_key, team, priority } = door;
        let now = self.clock.now();
        let id = AlertId(self.ids.fresh(now));
        let record = RawRecord {
            id,
            source,
            dedup_key: dedup_key.map_or_else(|| id.to_string(), str::to_owned),
            received_at: now,
            team: self.slack.own(team).to_owned(),
            inbound: inbound(id),
        };
        match self.store.record(&record, priority).await? {
            Recorded::Fresh => {
                self.metrics.record_received(source.as_str());
                if let Err(error) = self.queue.push(&crate::store::WorkKind::Record(id).id(), priority).await {
                    tracing::warn!(%error, "the queue takes no work; the sweeper will find it");
                }
                Ok(id)
            }
            Recorded::Duplicate(first) => {
                self.metrics.duplicate_delivery();
                Ok(first)
            }
        }
    }
}

/// Takes the secrets out of everything that an alert says, before it is stored.
pub fn clean(alert: &mut Alert) {
    // What was received is JSON: with its line breaks and quotes as they are meant, the rules see words where words are.
    alert.raw = alert.raw.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"");
    let fields = [
        &mut alert.name,
        &mut alert.summary,
        &mut alert.description,
        &mut alert.raw,
        &mut alert.resource,
        &mut alert.service,
        &mut alert.namespace,
        &mut alert.cluster,
    ];
    let links = alert.links.iter_mut().flat_map(|link| [&mut link.title, &mut link.url]);
    for field in fields.into_iter().chain(alert.labels.values_mut()).chain(links) {
        if let Cow::Owned(without) = redact::text(field) {
            *field = without;
        }
    }
}
