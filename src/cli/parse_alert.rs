//! `sre-agent parse-alert`: payloads in, one JSON line per file out.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde::Serialize;

use crate::{
    inbound::alerts::{self, AlertError, Recognised},
    model::Alert,
};

/// A payload is text of a few kilobytes; more than this is a mistake in the file's name.
const MAX_FILE: u64 = 16 << 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who sent it; `auto` finds out
    #[arg(long, default_value = "auto", value_name = "auto|NAME")]
    source: String,
    /// Payload files, `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Line<'f> {
    file: &'f str,
    is_alert: bool,
    alerts: Vec<Alert>,
    error: Option<String>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for file in &args.files {
        let name = file.to_string_lossy();
        let answer = read(file).and_then(|body| {
            alerts::parse(&args.source, &body).map_err(|error| match error {
                AlertError::UnknownSource(_) => format!("{error}; `auto` finds out"),
                other => other.to_string(),
            })
        });
        let line = match answer {
            Ok(Recognised::Alerts(alerts)) => Line { file: &name, is_alert: true, alerts, error: None },
            Ok(Recognised::Changes(_) | Recognised::NotAnAlert { .. } | Recognised::Unknown { .. }) => {
                Line { file: &name, is_alert: false, alerts: Vec::new(), error: None }
            }
            Err(error) => Line { file: &name, is_alert: false, alerts: Vec::new(), error: Some(error) },
        };
        serde_json::to_writer(&mut out, &line).context("cannot write the answer")?;
        writeln!(out).context("cannot write the answer")?;
    }
    out.flush().context("cannot write the answer")?;
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let result = if file.as_os_str() == "-" {
        io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut body)
    } else {
        fs::File::open(file).and_then(|opened| opened.take(MAX_FILE + 1).read_to_end(&mut body))
    };
    match result {
        Ok(size) if size as u64 > MAX_FILE => Err(format!("larger than {} MiB", MAX_FILE >> 20)),
        Ok(_) => Ok(body),
        Err(error) => Err(error.to_string()),
    }
}
