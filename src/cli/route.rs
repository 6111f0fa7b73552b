//! `sre-agent route`: JSON lines of alerts in, agents and reasons out.

use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON lines of alerts, `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet: {args:?}")
}
