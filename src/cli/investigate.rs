//! `sre-agent investigate`: one investigation from evidence on disk, from live systems, or both.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};

use super::{
    runtime::block_on,
    tools::{From, registry},
};
use crate::{
    app, config,
    inbound::alerts::{self, Recognised},
    model::{Alert, IncidentId, InvestigationId, Request},
    report,
    slack::blocks,
};

/// The largest alert that is read, in bytes.
const ALERT_MAX: u64 = 4 * 1024 * 1024;
/// What is asked where nobody said what to look for.
const OPEN_QUESTION: &str = "What is wrong?";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  kubectl get pods,events -A -o json > evidence/pods.json; sre-agent investigate --bundle evidence --question 'why does checkout restart?'\n  sre-agent investigate --bundle evidence.tar.gz --alert alert.json --format markdown"
)]
pub struct Args {
    /// The folder (or .tar.gz) with the evidence: files of any name, recognised by their content
    #[arg(long, value_name = "DIR", required_unless_present = "live")]
    bundle: Option<PathBuf>,
    /// Ask the live systems of the settings, too
    #[arg(long)]
    live: bool,
    /// The settings file for --live; without it config/settings.yaml
    #[arg(long, value_name = "FILE", requires = "live")]
    config: Option<PathBuf>,
    /// The alert: our own JSON or any sender's payload; `-` for standard input
    #[arg(long, value_name = "FILE")]
    alert: Option<PathBuf>,
    /// What to find out, where there is no alert
    #[arg(long, value_name = "TEXT", conflicts_with = "alert")]
    question: Option<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
    /// The body of a Slack message
    Slack,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let request = match (&args.alert, &args.question) {
        (Some(file), _) => Request::alert(read_alert(file)?),
        (None, Some(question)) if question.trim().is_empty() => bail!("--question is empty: say what to find out"),
        (None, question) => Request::question(question.as_deref().unwrap_or(OPEN_QUESTION)),
    };
    let investigation = block_on(async {
        let engine = if args.live {
            let (registry, rules) = registry(From { config: args.config, bundle: args.bundle }).await?;
            app::engine_of(registry, rules)
        } else {
            app::engine(args.bundle.as_deref(), config::load_rules(None)?)?
        };
        engine.investigate(InvestigationId(ulid::Ulid::nil()), &request, &|_| {}).await
    })?;
    let report = report::conclude(&investigation, Vec::new());
    let out = match args.format {
        Format::Text => report::text(&report),
        Format::Markdown => report::markdown(&report),
        Format::Json => format!("{:#}\n", report::json(&investigation, &report)),
        Format::Slack => format!("{:#}\n", blocks::message(&report::findings(IncidentId(1), &report))),
    };
    super::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn read_alert(file: &Path) -> anyhow::Result<Alert> {
    let mut body = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().take(ALERT_MAX).read_to_end(&mut body).context("cannot read the alert from standard input")?;
    } else {
        let open = std::fs::File::open(file).with_context(|| format!("cannot read the alert {}", file.display()))?;
        open.take(ALERT_MAX).read_to_end(&mut body).with_context(|| format!("cannot read the alert {}", file.display()))?;
    }
    let found = match alerts::from_api(&body) {
        Ok(found) => found,
        // It is no alert of our own shape: perhaps some sender's.
        Err(ours) => match alerts::parse("auto", &body) {
            Ok(Recognised::Alerts(found)) => found,
            Ok(Recognised::Changes(_)) => bail!("{} holds no alert: it tells of a deployment", file.display()),
            Ok(Recognised::NotAnAlert { reason } | Recognised::Unknown { reason }) => bail!("{} holds no alert: {reason}", file.display()),
            Err(_) => bail!("{}: {ours}", file.display()),
        },
    };
    found.into_iter().next().with_context(|| format!("{} holds no alert", file.display()))
}
