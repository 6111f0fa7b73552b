//! The composition root: the only file that names concrete types. Builds the parts, runs them, drains them.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;

use crate::{
    agents::Engine,
    config::Settings,
    coord, inbound,
    model::{Clock, Ids},
    pipeline::{self, Ctx},
    slack::{Identity, Pace, Workspaces},
    store::{self, IncidentFilter, Store},
    telemetry::Metrics,
    tools::{Registry, bundle::Bundle},
};

/// How long a process that was told to stop may take to finish what it has in hand.
const DRAIN: Duration = Duration::from_secs(10);
/// The longest wait between two attempts to learn who we are.
const IDENTITY_WAIT_MAX: Duration = Duration::from_secs(60);

/// Which parts run in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    pub http: bool,
    pub worker: bool,
}

/// The service, built and not yet running.
pub struct App {
    ctx: Arc<Ctx>,
    state: inbound::State,
    roles: Roles,
    store_path: std::path::PathBuf,
}

/// The real clock.
#[expect(clippy::disallowed_methods, reason = "the one place that makes the clock")]
pub fn system_clock() -> Clock {
    Clock::new(jiff::Timestamp::now)
}

/// Ids from the operating system's randomness.
pub fn random_ids() -> Ids {
    Ids::new(|now| {
        let fresh = ulid::Ulid::new();
        ulid::Ulid::from_parts(now.as_millisecond().max(0).unsigned_abs(), fresh.random())
    })
}

/// The library's TLS provider is chosen once per process; a second call finds it chosen.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Opens a bundle and makes the engine that looks at it.
///
/// # Errors
/// When the bundle cannot be opened.
pub fn engine(bundle: Option<&std::path::Path>, rules: crate::config::Rules) -> anyhow::Result<Engine> {
    let tools = match bundle {
        Some(path) => Bundle::open(path)?.tools(),
        None => Vec::new(),
    };
    Ok(Engine::new(Registry::new(tools), rules.router, rules.thresholds).with_catalog(rules.agents))
}

impl App {
    /// Builds everything; nothing runs yet.
    ///
    /// # Errors
    /// When the store or the bundle cannot be opened.
    pub async fn build(settings: Settings, roles: Roles, clock: Clock, ids: Ids) -> anyhow::Result<Self> {
        install_tls();
        let store: Arc<dyn Store> = Arc::new(store::Embedded::open(&settings.store_path).context("cannot open the store")?);
        let coord = Arc::new(coord::Embedded::default());
        let metrics = Arc::new(Metrics::default());
        let slack = Arc::new(Workspaces::new(settings.slack.connection, &settings.slack.bot_token));
        for (team, token) in &settings.slack.workspaces {
            slack.add(team, token);
        }
        let (bundle, rules) = (settings.bundle, settings.rules);
        let engine = tokio::task::spawn_blocking(move || engine(bundle.as_deref(), rules)).await.context("opening the evidence")??;
        let state = inbound::State {
            store: Arc::clone(&store),
            queue: coord.clone(),
            deliveries: Arc::default(),
            slack: Arc::clone(&slack),
            signing_secret: Arc::new(settings.slack.signing_secret),
            api_token: settings.api_token.map(Arc::new),
            public_url: settings.public_url.map(Into::into),
            config: Arc::new(settings.inbound),
            clock: clock.clone(),
            ids,
            metrics: Arc::clone(&metrics),
        };
        let ctx = Ctx {
            store,
            queue: coord.clone(),
            investigations: Arc::new(coord::Embedded::default()),
            locks: coord,
            engine: Arc::new(engine),
            slack,
            pace: Pace::default(),
            clock,
            metrics,
            settings: settings.pipeline,
            outbox: Notify::new(),
        };
        Ok(Self { ctx: Arc::new(ctx), state, roles, store_path: settings.store_path })
    }

    /// Serves on `listener`, where there is one, and works until `stop`, then finishes what is in hand.
    ///
    /// # Errors
    /// When the listener fails, or another process already works on the same store.
    pub async fn run(self, listener: Option<TcpListener>, stop: CancellationToken) -> anyhow::Result<()> {
        let identity = tokio::spawn(learn_identities(Arc::clone(&self.state.slack), stop.clone()));
        let _alone = if self.roles.worker { Some(only_worker(&self.store_path)?) } else { None };
        if self.roles.worker {
            self.ctx.store.take_over().await.context("the store does not take writes")?;
        }
        let background = Background::start()?;
        let pipeline = self.roles.worker.then(|| background.spawn(pipeline::run(Arc::clone(&self.ctx), stop.clone())));
        let reading = self.roles.worker.then(|| background.spawn(inbound::read_deliveries(self.state.clone(), stop.clone())));
        if let Some(listener) = listener {
            let router = inbound::router(self.state);
            let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
            tokio::select! {
                served = serving => served.context("the HTTP server failed")?,
                // A sender that holds its connection open does not hold up the end.
                () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => {}
            }
        } else {
            stop.cancelled().await;
        }
        identity.abort();
        if let Some(reading) = reading {
            // It stops after the batch in hand; what it does not get to waits in the store.
            let _ = tokio::time::timeout(DRAIN, reading).await;
        }
        if let Some(pipeline) = pipeline
            && tokio::time::timeout(DRAIN, pipeline).await.is_err()
        {
            tracing::warn!("work was still in hand when the time to stop was over; it will be taken up again at the next start");
        }
        Ok(())
    }

    /// A handle that tells when everything that came in has been answered.
    pub fn watch(&self) -> Watch {
        Watch { store: Arc::clone(&self.ctx.store), clock: self.ctx.clock.clone() }
    }
}

/// Threads for all that nobody waits for with an open connection. They have a lower priority than those of the doors: a
/// sender's acknowledgement does not wait for an investigation, even on one core.
struct Background(Option<tokio::runtime::Runtime>);

/// How much nicer than the doors; 10 leaves about a tenth of a busy core. Source: the weights of Linux' scheduler.
const NICER: i32 = 10;
/// How many threads may read the store or evidence at the same time.
const BLOCKING_THREADS: usize = 16;

impl Background {
    fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("background")
            .max_blocking_threads(BLOCKING_THREADS)
            .on_thread_start(|| {
                // Without the right to be nicer everything still works, only slower at the doors.
                let _ = rustix::process::nice(NICER);
            })
            .enable_all()
            .build()
            .context("cannot start the background threads")?;
        Ok(Self(Some(runtime)))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        match &self.0 {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(task),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Inside a runtime another one must not be waited for.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Takes the lock beside the store: two workers on one embedded store would void each other's leases and post twice.
fn only_worker(store: &std::path::Path) -> anyhow::Result<std::fs::File> {
    let path = store.with_extension("lock");
    let file = std::fs::File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => anyhow::bail!("another sre-agent works on {}: stop it first, or give this one a store of its own", store.display()),
    }
}

/// Answers "is it all done?" from the store.
pub struct Watch {
    store: Arc<dyn Store>,
    clock: Clock,
}

impl Watch {
    /// At least one incident is there, every one has its report, and every message is out.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn settled(&self) -> store::Result<bool> {
        let later = self.clock.now() + jiff::SignedDuration::from_hours(1);
        let incidents = self.store.incidents(&IncidentFilter::default()).await?;
        let reported = !incidents.is_empty() && incidents.iter().all(|incident| incident.report.is_some() || incident.state.is_closed());
        Ok(reported
            && self.store.deliveries(1).await?.is_empty()
            && self.store.unfinished(later, 1).await?.is_empty()
            && self.store.due_slots(later, 1).await?.is_empty())
    }
}

/// Asks Slack who we are in every workspace, patiently: until then our own messages are told by the app's id alone.
async fn learn_identities(slack: Arc<Workspaces>, stop: CancellationToken) {
    let mut wait = Duration::from_secs(1);
    while !stop.is_cancelled() {
        let unknown: Vec<_> = slack.all().into_iter().filter(|workspace| workspace.identity.get().is_none()).collect();
        if unknown.is_empty() {
            return;
        }
        for workspace in unknown {
            match workspace.client.auth_test().await {
                Ok(answer) => {
                    let field = |name: &str| answer.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
                    let identity =
                        Identity { bot_id: field("bot_id"), user_id: field("user_id"), team_id: field("team_id"), url: field("url") };
                    if identity.bot_id.is_empty() && identity.user_id.is_empty() {
                        tracing::warn!("Slack's answer does not say who we are");
                        continue;
                    }
                    tracing::info!(bot_id = %identity.bot_id, team = %field("team"), "connected to Slack");
                    // Only this task sets it, once.
                    let _ = workspace.identity.set(identity);
                }
                Err(error) => tracing::warn!(%error, "Slack does not say who we are"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(IDENTITY_WAIT_MAX);
    }
}
