//! `sre-agent demo`: the whole product on this machine.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the thread as text and exit
    #[arg(long)]
    once: bool,
    /// Which example to play
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// The port of the browser page; 0 takes a free one
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet: {args:?}")
}
