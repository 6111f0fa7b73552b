//! `sre-agent serve`: the service.

use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which parts run in this process
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    roles: Vec<String>,
    /// Which agents run in this process
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    agents: Vec<String>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet: {args:?}")
}
