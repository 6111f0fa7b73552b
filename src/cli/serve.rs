//! `sre-agent serve`: the service.

use std::{path::PathBuf, process::ExitCode};

use super::runtime::{bind, block_on, stop_signal};
use crate::{
    app::{App, Roles, random_ids, system_clock},
    config, telemetry,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Slack: point the app's event subscriptions at /slack/events and its interactivity at /slack/interactions.\n\
Alerts by HTTP: POST /api/v1/alerts. Health: /healthz, /readyz; numbers: /metrics.")]
pub struct Args {
    /// The settings file; without it config/settings.yaml, or the built-in settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which parts run in this process
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',', default_value = "http,worker")]
    roles: Vec<Role>,
    /// Which agents run in this process; all when it is left out
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    agents: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// The HTTP doors: Slack events and buttons, the alert API
    Http,
    /// Investigations and messages
    Worker,
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
    let roles = Roles { http: args.roles.contains(&Role::Http), worker: args.roles.contains(&Role::Worker) };
    block_on(async {
        let stop = stop_signal()?;
        let listener = if roles.http { Some(bind(settings.listen, "`server.listen` in the settings").await?) } else { None };
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
