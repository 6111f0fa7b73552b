//! `sre-agent tools`: the tools for people and scripts.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::runtime::block_on;
use crate::{
    app::{self, install_tls, system_clock},
    config,
    telemetry::Metrics,
    tools::{Registry, bundle::Bundle},
};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The tools that the settings give, with what each wants
    List(List),
    /// Call one tool; its answer is JSON on standard output
    #[command(
        after_help = "Examples:\n  sre-agent tools call prometheus_query '{\"query\": \"up == 0\"}'\n  sre-agent tools call kubernetes_get '{\"kind\": \"pods\", \"namespace\": \"shop\"}'\nExit code 1 when the tool fails; what went wrong is on standard error."
    )]
    Call(Call),
}

/// Where the tools come from.
#[derive(Debug, clap::Args)]
pub struct From {
    /// The settings file; without it config/settings.yaml, or the built-in settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Evidence on disk beside the live systems
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    from: From,
    /// As JSON, one object a line, with the schemas
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Call {
    /// The tool's name, as `tools list` prints it
    name: String,
    /// Its arguments as JSON
    #[arg(value_name = "JSON", default_value = "{}")]
    arguments: String,
    #[command(flatten)]
    from: From,
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(list) => {
            let (registry, _) = block_on(registry(list.from))?;
            super::print(&if list.json { lines(&registry) } else { table(&registry) })?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Call(call) => {
            let arguments: Value = serde_json::from_str(&call.arguments).context("the arguments are no JSON")?;
            anyhow::ensure!(arguments.is_object(), "the arguments want to be a JSON object, like {{\"query\": \"up\"}}");
            block_on(async {
                let (registry, _) = registry(call.from).await?;
                if !registry.specs().any(|spec| spec.name == call.name) {
                    let known: Vec<&str> = registry.specs().map(|spec| spec.name.as_str()).collect();
                    anyhow::bail!(
                        "there is no tool {}; there are {}",
                        call.name,
                        if known.is_empty() { "none: name live systems in `sources`".to_owned() } else { known.join(", ") }
                    );
                }
                let output = registry.call(&call.name, &arguments).await?;
                super::print(&format!("{:#}\n", json!(output)))?;
                Ok(ExitCode::SUCCESS)
            })
        }
    }
}

/// The tools of the settings, guarded, and the rules beside them.
pub async fn registry(from: From) -> anyhow::Result<(Registry, config::Rules)> {
    install_tls();
    let asking = config::load_sources(from.config.as_deref(), &config::environment())?;
    let limits = asking.sources.limits;
    let shared = asking.redis.map(|redis| (Arc::new(redis), asking.sources.fingerprint()));
    let mut tools = match from.bundle.or(asking.bundle) {
        Some(path) => Bundle::open(&path)?.tools(),
        None => Vec::new(),
    };
    let backends = app::backends(asking.sources, &system_clock()).await?;
    tools.extend(app::guarded(backends, limits, shared, Arc::new(Metrics::default())));
    Ok((Registry::new(tools), asking.rules))
}

fn lines(registry: &Registry) -> String {
    registry.specs().map(|spec| format!("{}\n", json!(spec))).collect()
}

fn table(registry: &Registry) -> String {
    let mut out = String::new();
    for spec in registry.specs() {
        let wants: Vec<String> =
            spec.schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let topic = if spec.topic.is_empty() { String::new() } else { format!(" (agents ask it for {})", spec.topic) };
        let writes = if spec.annotations.read_only { "" } else { "  MAY CHANGE THINGS" };
        out.push_str(&format!("{}{writes}\n    {}{topic}\n", spec.name, spec.description));
        if !wants.is_empty() {
            out.push_str(&format!("    arguments: {}\n", wants.join(", ")));
        }
    }
    if out.is_empty() {
        out.push_str("no tools: name live systems in `sources` of the settings, or evidence with --bundle\n");
    }
    out
}
