//! `sre-agent doctor`: try every connection and every Slack scope, and say what is missing.

use std::{path::PathBuf, process::ExitCode};

use futures_util::future::join_all;

use super::runtime::block_on;
use crate::{
    app::{backends, install_tls, system_clock},
    config::{self, Delivery, Settings},
    model::{Finding, Standing},
    report,
    slack::{Workspaces, doctor},
    store::{DocumentKind, Embedded, Store},
    tools::Sources,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 1 when something is broken without which nothing works.")]
pub struct Args {
    /// The settings file; without it config/settings.yaml, or the built-in settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = config::load(args.config.as_deref(), &config::environment())?;
    install_tls();
    let findings = block_on(async { Ok(examine(settings).await) })?;
    super::print(&report::doctor_text(&findings))?;
    let broken = findings.iter().any(|finding| finding.standing == Standing::Broken);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Tries every live system at once.
async fn live(sources: Sources) -> Vec<Finding> {
    match backends(sources, &system_clock()).await {
        Ok(backends) => join_all(backends.iter().map(|backend| backend.examine())).await.into_iter().flatten().collect(),
        Err(error) => vec![Finding::lacking("live systems", error.to_string(), "Correct the settings.")],
    }
}

async fn examine(settings: Settings) -> Vec<Finding> {
    let slack = Workspaces::new(settings.slack.connection.clone(), &settings.slack.bot_token);
    for (team, token) in &settings.slack.workspaces {
        slack.add(team, token);
    }
    let mut findings = vec![store(&settings, &slack).await];
    if let (Delivery::Socket, Some(token)) = (settings.slack.delivery, &settings.slack.app_token) {
        findings.push(doctor::app_token(&settings.slack.connection, token).await);
    }
    findings.extend(doctor::workspaces(&slack, &settings.pipeline.channel).await);
    if let Some(redis) = &settings.redis {
        findings.push(match redis.ping().await {
            Ok(()) => Finding::fine("Redis", "answers"),
            Err(error) => Finding::lacking(
                "Redis",
                error.to_string(),
                "Check `redis.url`. Until it answers, every process asks the live systems for itself.",
            ),
        });
    }
    findings.extend(live(settings.sources).await);
    findings
}

/// Tries a durable write; the workspaces that are stored are examined with the rest.
async fn store(settings: &Settings, slack: &Workspaces) -> Finding {
    let what = format!("store {}", settings.store_path.display());
    let advice = "Check that the folder of `store.path` is there, can be written to, and has space.";
    let store = match Embedded::open(&settings.store_path) {
        Ok(store) => store,
        Err(error) => return Finding::broken(what, error.to_string(), advice),
    };
    if let Err(error) = store.ping().await {
        return Finding::broken(what, error.to_string(), advice);
    }
    match store.documents(DocumentKind::Workspace, 1000).await {
        Ok(documents) => {
            for document in documents {
                if let Some(token) = document.body.get("bot_token").and_then(serde_json::Value::as_str) {
                    slack.add(&document.key, &token.to_owned().into());
                }
            }
            Finding::fine(what, "takes writes")
        }
        Err(error) => Finding::broken(what, error.to_string(), advice),
    }
}
