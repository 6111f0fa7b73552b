//! The thin binary: parse the arguments, run the command, say what went wrong in one sentence.

use std::process::ExitCode;

use clap::Parser;
use sre_agent::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse())
}
