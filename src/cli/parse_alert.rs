//! `sre-agent parse-alert`: payloads in, one JSON line per file out.

use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who sent it; `auto` finds out
    #[arg(long, default_value = "auto", value_name = "auto|NAME")]
    source: String,
    /// Payload files, `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet: {args:?}")
}
