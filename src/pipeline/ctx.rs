//! What the steps work with.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, civil::Time, tz::TimeZone};
use tokio::sync::Notify;

use super::{Grouping, Stops};
use crate::{
    agents::Engine,
    auth::Access,
    coord::{Locks, Queue},
    model::{Clock, Priority},
    notify::{Chains, Failures, Notifier, Pager, Rota, Silencer},
    runbooks::Runbooks,
    slack::{Pace, Workspaces},
    store::Store,
    telemetry::Metrics,
};

/// Who is mentioned when an incident opens, and when nobody is.
#[derive(Debug, Clone)]
pub struct Mentions {
    /// User ids and user group ids by priority.
    pub who: BTreeMap<Priority, Vec<String>>,
    /// From when to when only P0 mentions anybody.
    pub quiet: Option<(Time, Time)>,
    pub timezone: TimeZone,
}

impl Default for Mentions {
    fn default() -> Self {
        Self { who: BTreeMap::new(), quiet: None, timezone: TimeZone::UTC }
    }
}

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
    /// Different alerts of one service, node or namespace join one incident within this time.
    pub window: Duration,
    /// A closed incident whose alert fires again within this time is reopened.
    pub cooldown: Duration,
    /// So many returns within an hour are flapping.
    pub flapping: usize,
    /// Above so many alerts a minute in one channel a storm begins.
    pub storm_above: usize,
    /// Below so many a minute, for two minutes, it ends.
    pub storm_below: usize,
    /// The bounds of a heartbeat's interval.
    pub heartbeat_least: Duration,
    pub heartbeat_most: Duration,
    /// Who may do what: an act's name to user ids and user group ids. What is not listed is everybody's.
    pub rights: BTreeMap<String, Vec<String>>,
    pub mentions: Mentions,
    /// User groups that can be called for, by the name that people see.
    pub groups: BTreeMap<String, String>,
    /// How often the sweeper looks for work that nobody was told of.
    pub sweep_every: Duration,
    pub anchors: Anchors,
}

/// Where the audit log's newest link is written down besides.
#[derive(Debug, Clone)]
pub struct Anchors {
    pub file: Option<std::path::PathBuf>,
    /// A channel id, or empty.
    pub channel: String,
    pub every: SignedDuration,
}

impl Default for Anchors {
    fn default() -> Self {
        Self { file: None, channel: String::new(), every: SignedDuration::from_mins(10) }
    }
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
            window: Duration::from_secs(600),
            cooldown: Duration::from_secs(3 * 3600),
            flapping: 3,
            storm_above: 30,
            storm_below: 10,
            heartbeat_least: Duration::from_secs(60),
            heartbeat_most: Duration::from_secs(3600),
            rights: BTreeMap::new(),
            mentions: Mentions::default(),
            groups: BTreeMap::new(),
            sweep_every: Duration::from_secs(2),
            anchors: Anchors::default(),
        }
    }
}

/// Who is called, by which ways.
#[derive(Default)]
pub struct Calling {
    pub chains: Chains,
    pub rota: Arc<Rota>,
    /// `email`, `webhook:NAME`.
    pub ways: BTreeMap<String, Arc<dyn Notifier>>,
    /// Who is told of unexpected failures: user ids and user group ids, and the channel; the usual one where it is empty.
    pub administrators: Vec<String>,
    pub admin_channel: String,
    pub failures: std::sync::Mutex<Failures>,
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
    pub slack: Arc<Workspaces>,
    /// Where alerts come from can be silenced there too.
    pub silencer: Arc<dyn Silencer>,
    /// `None` where no paging service is configured.
    pub pager: Option<Arc<dyn Pager>>,
    pub pace: Pace,
    /// Who may do what.
    pub access: Arc<Access>,
    pub runbooks: Arc<Runbooks>,
    /// Who is called when nobody takes an incident.
    pub calling: Calling,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub settings: Settings,
    /// The investigations that run here.
    pub stops: Stops,
    /// Which alerts belong together is decided by one at a time.
    pub grouping: Grouping,
    /// Rung when a slot may have become due.
    pub outbox: Notify,
}
