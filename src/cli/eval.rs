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
    // Hidden where standard error is no terminal.
    let bar = indicatif::ProgressBar::new_spinner();
    let scores = runtime.block_on(eval::run(&args.dir, &|score| {
        bar.inc(1);
        bar.set_message(format!("{} replayed, last {}", bar.position(), score.id));
    }))?;
    bar.finish_and_clear();
    let text = if args.json { format!("{}\n", serde_json::to_string(&scores)?) } else { scores.to_string() };
    match std::io::stdout().write_all(text.as_bytes()) {
        // The reader has seen enough (`| head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        done => done?,
    }
    Ok(ExitCode::SUCCESS)
}
