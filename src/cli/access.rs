//! `sre-agent access`: every permission, what it allows, and the roles that have it.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use crate::{
    auth::{Access, AccessConfig, PERMISSIONS, Principal, Problem, Scope},
    config,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The settings file, for your own roles and policies; without it the roles that come with the program
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let access = match &args.config {
        Some(file) => config::load(Some(file), &config::environment())?.access,
        None => Access::new(AccessConfig::default()).map_err(|problems| anyhow::anyhow!(said(&problems)))?,
    };
    let mut out = std::io::stdout().lock();
    for (permission, meaning) in PERMISSIONS {
        writeln!(out, "{permission:<24} {meaning:<48} {}", with(&access, permission).join(" "))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn said(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The roles that may do it everywhere.
fn with<'a>(access: &'a Access, permission: &str) -> Vec<&'a str> {
    let may = |role: &&str| {
        let who = Principal { subject: String::new(), name: String::new(), roles: [(*role).to_owned()].into(), token: None };
        access.check(&who, permission, &Scope::default()).is_ok()
    };
    access.roles().filter(may).collect()
}
