//! `sre-agent investigate`: one investigation from evidence on disk.

use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder (or .tar.gz) with the evidence
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,
    /// The alert as JSON, `-` for standard input
    #[arg(long, value_name = "FILE")]
    alert: Option<PathBuf>,
    /// What to find out, where there is no alert
    #[arg(long, value_name = "TEXT", conflicts_with = "alert")]
    question: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
    Slack,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet: {args:?}")
}
