//! `sre-agent config check`: validate the configuration.

use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Validate every configuration file; prints all errors at once
    Check {
        /// The settings file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet: {command:?}")
}
