//! What the steps work with.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use crate::{
    agents::Engine,
    coord::{Locks, Queue},
    model::Clock,
    slack::{Client, Pace},
    store::Store,
    telemetry::Metrics,
};

/// The pipeline's own settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the bot posts incidents that did not start in Slack: a channel id.
    pub channel: String,
    /// How many investigations run at the same time.
    pub workers: usize,
    /// How long a worker may keep a piece of work before another may take it over. Source: the no-alert-lost contract (60 s).
    pub lease: Duration,
    /// How long one investigation may take; below the lease, so that a slow one is not done twice.
    pub deadline: Duration,
    /// After so many failed attempts work is put aside, visibly.
    pub attempts_max: u32,
    /// How long finished records and messages are kept.
    pub keep: Duration,
    /// How often the sweeper looks for work that nobody was told of.
    pub sweep_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            channel: String::new(),
            workers: 4,
            lease: Duration::from_secs(60),
            deadline: Duration::from_secs(45),
            attempts_max: 8,
            keep: Duration::from_secs(30 * 24 * 3600),
            sweep_every: Duration::from_secs(2),
        }
    }
}

/// One per process; every step takes it by reference.
pub struct Ctx {
    pub store: Arc<dyn Store>,
    /// Records: milliseconds of work each, so that a card or a button never waits behind an investigation.
    pub queue: Arc<dyn Queue>,
    /// Investigations: up to the deadline each.
    pub investigations: Arc<dyn Queue>,
    pub locks: Arc<dyn Locks>,
    pub engine: Arc<Engine>,
    pub slack: Arc<Client>,
    pub pace: Pace,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub settings: Settings,
    /// Rung when a slot may have become due.
    pub outbox: Notify,
}
