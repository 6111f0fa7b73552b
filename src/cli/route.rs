//! `sre-agent route`: JSON lines of alerts in, agents and reasons out.

use std::{
    fs::File,
    io::{self, BufRead, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use serde_json::{Value, json};

use crate::{agents::router::Router, model::Alert};

/// One alert is a few kilobytes; a longer line is no alert.
const MAX_LINE: usize = 1 << 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON lines of alerts, `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let router = Router::embedded();
    let mut input: Box<dyn BufRead> = if args.file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(io::BufReader::new(File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?))
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut broken = false;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line).context("cannot read the next line")? == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = match alert(&line) {
            Ok(alert) => {
                let routing = router.route(&alert);
                json!({"name": alert.name, "agents": routing.agents, "reasons": routing.reasons})
            }
            Err(reason) => {
                broken = true;
                eprintln!("sre-agent: line {number}: {reason}");
                json!({"error": format!("line {number}: {reason}")})
            }
        };
        writeln!(out, "{answer}").context("cannot write the answer")?;
    }
    out.flush().context("cannot write the answer")?;
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Any part of an alert's fields; only what says what is sick matters here.
fn alert(line: &[u8]) -> Result<Alert, String> {
    if line.len() > MAX_LINE {
        return Err("longer than 1 MiB".into());
    }
    let value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    // A line of `parse-alert` holds its alerts in a list; the first one decides.
    let value = value.get("alerts").and_then(|alerts| alerts.get(0)).unwrap_or(&value);
    let fields = value.as_object().ok_or("not a JSON object")?;
    let text = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("`{key}` must be text")),
    };
    let mut alert = Alert {
        name: text("name")?,
        service: text("service")?,
        resource: text("resource")?,
        namespace: text("namespace")?,
        summary: text("summary")?,
        description: text("description")?,
        ..Alert::default()
    };
    match fields.get("labels") {
        None | Some(Value::Null) => {}
        Some(Value::Object(labels)) => {
            alert.labels =
                labels.iter().map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect();
        }
        Some(_) => return Err("`labels` must be an object".into()),
    }
    if alert.name.is_empty() {
        alert.name = alert.labels.get("alertname").cloned().unwrap_or_default();
    }
    Ok(alert)
}
