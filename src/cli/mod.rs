//! The command line: one file per command.

mod access;
mod approval;
mod audit;
mod config;
mod demo;
mod doctor;
mod eval;
mod investigate;
mod logs;
mod mcp;
mod parse_alert;
mod route;
mod runtime;
mod serve;
mod token;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The on-call bot for Slack: an alert in, a root-cause report with evidence in its own thread.
#[derive(Debug, Parser)]
#[command(
    name = "sre-agent",
    version,
    after_help = "Start here:\n  sre-agent demo            the whole product on this machine, with a browser page\n  sre-agent demo --once     the same, printed as text\n  sre-agent investigate --bundle DIR    find the cause in files that you collected"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole product on this machine: a local Slack workspace with a browser page, an alert, and its report
    Demo(demo::Args),
    /// The service: listens to Slack and to alert webhooks
    Serve(serve::Args),
    /// One investigation from evidence on disk, without any network; or from live systems with --live
    Investigate(investigate::Args),
    /// Alert payloads in (webhook bodies, Slack events), one JSON line per file out
    ParseAlert(parse_alert::Args),
    /// JSON lines of alerts in, which agents take each and why out
    Route(route::Args),
    /// Mine a log file: its templates, or what is new and wrong in it
    Logs(logs::Args),
    /// Replay every scenario below a folder and score the causes
    Eval(eval::Args),
    /// Check the configuration: all errors at once
    #[command(subcommand)]
    Config(config::Command),
    /// Every permission, and the roles that have it
    Access(access::Args),
    /// Try every connection and every Slack scope, and say what is missing
    Doctor(doctor::Args),
    /// The tools that ask live systems: list them, or call one
    #[command(subcommand)]
    Tools(tools::Command),
    /// Serve the tools, and `investigate`, to any MCP client
    Mcp(mcp::Args),
    /// Tokens for people and keys for machines
    #[command(subcommand)]
    Token(token::Command),
    /// What waits for approval, and the decision
    #[command(subcommand)]
    Approval(approval::Command),
    /// The audit log: is it whole? hand it out
    #[command(subcommand)]
    Audit(audit::Command),
}

/// Runs the command; an error is one sentence on stderr and exit code 1 (2 for wrong arguments, by clap).
pub fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Investigate(args) => investigate::run(args),
        Command::ParseAlert(args) => parse_alert::run(args),
        Command::Route(args) => route::run(args),
        Command::Logs(args) => logs::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Config(command) => config::run(command),
        Command::Access(args) => access::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Tools(command) => tools::run(command),
        Command::Mcp(args) => mcp::run(args),
        Command::Token(command) => token::run(command),
        Command::Approval(command) => approval::run(command),
        Command::Audit(command) => audit::run(command),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sre-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output; a reader that has gone away (`| head`) is no error, a full disk is one.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow::anyhow!("cannot write the result: {error}")),
        _ => Ok(()),
    }
}
