//! The composition root: the only file that names concrete types. Builds the parts, runs them, drains them.

mod calling;
mod gate;
mod installation;
mod live;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;

use crate::{
    agents::Engine,
    config::{Delivery, Settings},
    coord, inbound,
    model::{Clock, Ids},
    notify::{self, Silencer},
    pipeline::{self, Ctx},
    runbooks::{Runbooks, Systems},
    slack::{Identity, Pace, Workspaces, socket::Socket},
    store::{self, IncidentFilter, Store},
    telemetry::Metrics,
    tools::{Backend, Registry, Tool, bundle::Bundle},
};

pub use live::{backends, guarded};

/// How long a process that was told to stop may take to finish what it has in hand.
const DRAIN: Duration = Duration::from_secs(10);
/// How often the list of workspaces is read: another process may have installed one.
const WORKSPACES_EVERY: Duration = Duration::from_secs(30);
/// The longest wait between two attempts to learn who we are.
const IDENTITY_WAIT_MAX: Duration = Duration::from_secs(60);

/// Which parts run in this process. The HTTP doors run where there is a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Slack's events, clicks and commands over Socket Mode.
    pub socket: bool,
    /// Investigations and messages.
    pub worker: bool,
}

impl Roles {
    /// Everything that a single process does, besides the HTTP doors, which the listener brings.
    pub fn usual(delivery: Delivery) -> Self {
        Self { socket: delivery == Delivery::Socket, worker: true }
    }
}

/// The service, built and not yet running.
pub struct App {
    ctx: Arc<Ctx>,
    state: inbound::State,
    roles: Roles,
    /// What Socket Mode needs, where this process has that role.
    socket: Option<Socket>,
    /// The live systems.
    live: Vec<Arc<dyn Backend>>,
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

/// Bytes from the operating system's randomness.
///
/// # Errors
/// When it gives none.
pub fn random_bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; N];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the operating system gives no randomness"))?;
    Ok(bytes)
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
    engine_with(bundle, rules, Vec::new())
}

fn engine_with(bundle: Option<&std::path::Path>, rules: crate::config::Rules, more: Vec<Arc<dyn Tool>>) -> anyhow::Result<Engine> {
    let mut tools = match bundle {
        Some(path) => Bundle::open(path)?.tools(),
        None => Vec::new(),
    };
    tools.extend(more);
    Ok(engine_of(Registry::new(tools), rules))
}

/// The engine over these tools.
pub fn engine_of(tools: Registry, rules: crate::config::Rules) -> Engine {
    let topology = rules.services.edges();
    Engine::new(tools, rules.router, rules.thresholds).with_catalog(rules.agents).with_topology(topology)
}

impl App {
    /// Builds everything; nothing runs yet.
    ///
    /// # Errors
    /// When the store or the bundle cannot be opened.
    pub async fn build(settings: Settings, roles: Roles, clock: Clock, ids: Ids) -> anyhow::Result<Self> {
        Self::build_with(settings, roles, clock, ids, Vec::new()).await
    }

    /// As [`App::build`], with further tools; one that has the name of a bundle's tool takes its place.
    ///
    /// # Errors
    /// When the store or the bundle cannot be opened.
    pub async fn build_with(
        settings: Settings,
        roles: Roles,
        clock: Clock,
        ids: Ids,
        mut tools: Vec<Arc<dyn Tool>>,
    ) -> anyhow::Result<Self> {
        install_tls();
        let store: Arc<dyn Store> = Arc::new(store::Embedded::open(&settings.store_path).context("cannot open the store")?);
        let coord = Arc::new(coord::Embedded::default());
        installation::look(store.as_ref(), &settings.marks, settings.redact_emails, &clock).await?;
        let metrics = Arc::new(Metrics::default());
        let socket = match settings.slack.app_token {
            Some(app_token) if roles.socket => Some(Socket {
                connection: settings.slack.connection.clone(),
                app_token,
                clock: clock.clone(),
                ids: ids.clone(),
                metrics: Arc::clone(&metrics),
                health: Arc::default(),
            }),
            None if roles.socket => anyhow::bail!("the role `socket` needs `slack.app_token`"),
            _ => None,
        };
        let slack = Arc::new(Workspaces::new(settings.slack.connection, &settings.slack.bot_token));
        for (team, token) in &settings.slack.workspaces {
            slack.add(team, token);
        }
        let (bundle, rules) = (settings.bundle, settings.rules);
        let access = Arc::new(settings.access);
        let systems = Systems::new(settings.actions, &clock).map_err(|errors| anyhow::anyhow!(errors.join("\n")))?;
        let runbooks = Arc::new(Runbooks { catalog: rules.runbooks.clone(), systems, terms: settings.terms });
        let limits = settings.sources.limits;
        let shared = settings.redis.map(|redis| (Arc::new(redis), settings.sources.fingerprint()));
        let live = backends(settings.sources, &clock).await.context("the live systems")?;
        tools.extend(guarded(live.clone(), limits, shared, Arc::clone(&metrics)));
        let mut doors = settings.inbound;
        doors.proxy = slack.connection().proxy().cloned();
        doors.channel.clone_from(&settings.pipeline.channel);
        doors.services = rules.services.clone();
        doors.agents.clone_from(&rules.agents.agents);
        doors.groups.clone_from(&settings.pipeline.groups);
        doors.pagerduty = settings.notify.pagerduty_key.is_some();
        // Alert senders are inside, PagerDuty is outside.
        let silencer = notify::Senders::new(&settings.notify).map_err(anyhow::Error::msg)?;
        doors.silencers = ["alertmanager", "grafana"].into_iter().filter(|name| silencer.takes(name)).map(str::to_owned).collect();
        let pager = notify::PagerDuty::new(&settings.notify, slack.connection().proxy()).map_err(anyhow::Error::msg)?;
        let engine =
            tokio::task::spawn_blocking(move || engine_with(bundle.as_deref(), rules, tools)).await.context("opening the evidence")??;
        let slack_app = settings.slack.oauth.clone();
        let install =
            settings.slack.oauth.zip(settings.public_url.as_deref()).map(|(app, public_url)| inbound::Install::new(app, public_url));
        let own_url = settings.public_url.as_deref();
        let gate = gate::build(settings.api_token, settings.tokens, Arc::clone(&access), slack_app.as_ref(), own_url, slack.connection())?;
        let calling = calling::build(settings.calling, &clock).context("who is called")?;
        let state = inbound::State {
            store: Arc::clone(&store),
            queue: coord.clone(),
            deliveries: Arc::default(),
            slack: Arc::clone(&slack),
            socket: socket.as_ref().map(|socket| Arc::clone(&socket.health)),
            install,
            signing_secret: Arc::new(settings.slack.signing_secret),
            gate: Arc::new(gate),
            public_url: settings.public_url.map(Into::into),
            config: Arc::new(doors),
            rota: Arc::clone(&calling.rota),
            runbooks: Arc::clone(&runbooks),
            live: Arc::new(inbound::Live::new(live.clone())),
            clock: clock.clone(),
            ids,
            metrics: Arc::clone(&metrics),
        };
        inbound::load_workspaces(&state).await.context("the stored workspaces cannot be read")?;
        let ctx = Ctx {
            store,
            queue: coord.clone(),
            investigations: Arc::new(coord::Embedded::default()),
            locks: coord,
            engine: Arc::new(engine),
            slack,
            silencer: Arc::new(silencer),
            pager: pager.map(|pager| Arc::new(pager) as Arc<dyn notify::Pager>),
            pace: Pace::default(),
            access: Arc::clone(&access),
            runbooks: Arc::clone(&runbooks),
            calling,
            clock,
            metrics,
            settings: settings.pipeline,
            stops: pipeline::Stops::default(),
            grouping: pipeline::Grouping::default(),
            outbox: Notify::new(),
        };
        Ok(Self { ctx: Arc::new(ctx), state, roles, socket, live, store_path: settings.store_path })
    }

    /// Serves on `listener`, where there is one, and works until `stop`, then finishes what is in hand.
    ///
    /// # Errors
    /// When the listener fails, or another process already works on the same store.
    pub async fn run(self, listener: Option<TcpListener>, stop: CancellationToken) -> anyhow::Result<()> {
        let identity = tokio::spawn(know_workspaces(self.state.clone(), stop.clone()));
        let _alone = if self.roles.worker { Some(only_worker(&self.store_path)?) } else { None };
        if self.roles.worker {
            self.ctx.store.take_over().await.context("the store does not take writes")?;
        }
        let background = Background::start()?;
        let pipeline = self.roles.worker.then(|| background.spawn(pipeline::run(Arc::clone(&self.ctx), stop.clone())));
        let warm: Vec<_> = if self.roles.worker {
            self.live.into_iter().map(|backend| background.spawn(async move { backend.keep_warm().await })).collect()
        } else {
            Vec::new()
        };
        let reading = self.roles.worker.then(|| background.spawn(inbound::read_deliveries(self.state.clone(), stop.clone())));
        let socket = self.socket.map(|socket| tokio::spawn(inbound::socket(self.state.clone(), socket, stop.clone())));
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
        warm.iter().for_each(tokio::task::JoinHandle::abort);
        if let Some(socket) = socket
            && tokio::time::timeout(DRAIN, socket).await.is_err()
        {
            tracing::warn!("envelopes were still in hand when the time to stop was over; Slack sends them again");
        }
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
/// How many threads may read the store or evidence at the same time. Each costs memory that it does not give back, and the
/// store has fewer readers.
const BLOCKING_THREADS: usize = 8;

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

/// Keeps the list of workspaces as the store has it, and asks Slack who we are in each, patiently: until then our own
/// messages are told by the app's id alone.
async fn know_workspaces(state: inbound::State, stop: CancellationToken) {
    let mut patience = Duration::from_secs(1);
    loop {
        let wait = if learn_identities(&state.slack).await {
            WORKSPACES_EVERY
        } else {
            patience = (patience * 2).min(IDENTITY_WAIT_MAX);
            patience / 2
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if let Err(error) = inbound::load_workspaces(&state).await {
            tracing::warn!(%error, "the stored workspaces cannot be read");
        }
    }
}

/// Asks in every workspace where it is not known; true when it is known everywhere then.
async fn learn_identities(slack: &Workspaces) -> bool {
    let mut all_known = true;
    for workspace in slack.all().into_iter().filter(|workspace| workspace.identity.get().is_none()) {
        all_known = false;
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
    all_known
}
