//! `sre-agent config check`: validate the configuration.

use std::{path::PathBuf, process::ExitCode};

use crate::config;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Validate every configuration file; prints all errors at once
    Check {
        /// The settings file; without it config/settings.yaml, or the built-in settings
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Check { config: file } = command;
    let settings = config::load(file.as_deref(), &config::environment())?;
    println!("the configuration is valid: listening on {}, store in {}", settings.listen, settings.store_path.display());
    Ok(ExitCode::SUCCESS)
}
