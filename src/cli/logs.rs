//! `sre-agent logs`: mine a log file.

use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The log file; gzip is fine
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print `line_number<TAB>template_id` per line, then `---` and the templates
    #[arg(long, conflicts_with = "anomalies")]
    templates: bool,
    /// Print what is new, rare and wrong (the default)
    #[arg(long)]
    anomalies: bool,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet: {args:?}")
}
