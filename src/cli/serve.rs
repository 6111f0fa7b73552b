//! `sre-agent serve`: the service.

use std::{path::PathBuf, process::ExitCode};

use super::runtime::{bind, block_on, stop_signal};
use crate::{
    app::{App, Roles, random_ids, system_clock},
    config::{self, Delivery},
    telemetry,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Slack: with `slack.delivery: socket` we call Slack and no address is needed; else point the app's event\n\
subscriptions at /slack/events and its interactivity at /slack/interactions. `sre-agent doctor` says what is missing.\n\
Alerts by HTTP: POST /api/v1/alerts. Health: /healthz, /readyz; numbers: /metrics.")]
pub struct Args {
    /// The settings file; without it config/settings.yaml, or the built-in settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which parts run in this process [default: http,worker, and socket with `slack.delivery: socket`]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    roles: Vec<Role>,
    /// Which agents run in this process; all when it is left out
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    agents: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// The HTTP doors: Slack events and buttons, the alert API
    Http,
    /// Slack's events, buttons and commands over Socket Mode
    Socket,
    /// Investigations and messages
    Worker,
}

/// What runs here: whether the HTTP doors are open, and the rest.
fn roles(given: &[Role], delivery: Delivery) -> anyhow::Result<(bool, Roles)> {
    if given.is_empty() {
        return Ok((true, Roles::usual(delivery)));
    }
    let has = |role| given.contains(&role);
    if has(Role::Socket) && delivery != Delivery::Socket {
        anyhow::bail!("--roles: `socket` needs `slack.delivery: socket` and `slack.app_token` in the settings");
    }
    Ok((has(Role::Http), Roles { socket: has(Role::Socket), worker: has(Role::Worker) }))
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut settings = config::load(args.config.as_deref(), &config::environment())?;
    if !args.agents.is_empty() {
        let catalog = &mut settings.rules.agents;
        let known: Vec<String> = catalog.agents.iter().map(|agent| agent.name.clone()).collect();
        if let Some(unknown) = args.agents.iter().find(|name| !known.contains(name)) {
            anyhow::bail!("--agents: `{unknown}` is not an agent; there are {}", known.join(", "));
        }
        catalog.agents.retain(|agent| args.agents.contains(&agent.name));
    }
    telemetry::start_logging(&settings.log);
    let (http, roles) = roles(&args.roles, settings.slack.delivery)?;
    block_on(async {
        let stop = stop_signal()?;
        let listener = if http { Some(bind(settings.listen, "`server.listen` in the settings").await?) } else { None };
        let address = listener.as_ref().map(tokio::net::TcpListener::local_addr).transpose()?;
        let app = App::build(settings, roles, system_clock(), random_ids()).await?;
        match address {
            Some(address) => tracing::info!(%address, "sre-agent is listening"),
            None => tracing::info!("sre-agent is working, without a door"),
        }
        app.run(listener, stop).await?;
        Ok(ExitCode::SUCCESS)
    })
}
