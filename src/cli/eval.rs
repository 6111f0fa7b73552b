//! `sre-agent eval`: replay every scenario below a folder and score the causes.

use std::{
    io::{ErrorKind, Write},
    path::PathBuf,
    process::ExitCode,
};

use crate::eval;

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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let scores = runtime.block_on(eval::run(&args.dir, &|_| ()))?;
    let text = if args.json { format!("{}\n", serde_json::to_string(&scores)?) } else { scores.to_string() };
    match std::io::stdout().write_all(text.as_bytes()) {
        // The reader has seen enough (`| head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        done => done?,
    }
    Ok(ExitCode::SUCCESS)
}
