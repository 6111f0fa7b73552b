//! `sre-agent eval`: replay every scenario below a folder and score the causes.

use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder with scenarios at any depth
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet: {args:?}")
}
