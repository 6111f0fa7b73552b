//! `sre-agent approval`: what waits for a decision, and the decision, through the API of the running service.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::runtime::block_on;
use crate::{app, config, web};

/// How long one call may take: the decision is waited for.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Where the token is looked for.
const VARIABLE: &str = "SRE_AGENT_API_TOKEN";

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// What waits for approval, with the dry runs
    List {
        #[command(flatten)]
        service: Service,
    },
    /// Yes: exactly what this hash stands for may run
    Approve {
        #[command(flatten)]
        service: Service,
        /// The run's id
        run: String,
        /// Its hash, or the first 12 digits or more of it
        hash: String,
    },
    /// No: one is enough
    Deny {
        #[command(flatten)]
        service: Service,
        /// The run's id
        run: String,
        /// Its hash, or the first 12 digits or more of it
        hash: String,
    },
}

/// The running service, and who asks.
#[derive(Debug, clap::Args)]
pub struct Service {
    /// Where the service is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    url: String,
    /// A file with your token; without it the variable SRE_AGENT_API_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Service {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let token: Option<SecretString> = match &self.token_file {
            Some(file) => Some(std::fs::read_to_string(file).with_context(|| file.display().to_string())?.trim().to_owned().into()),
            None => config::environment().remove(VARIABLE).map(Into::into),
        };
        app::install_tls();
        let client = web::client(TIMEOUT, None).map_err(anyhow::Error::msg)?;
        let mut request = client.request(method, format!("{}/api/v1{path}", self.url.trim_end_matches('/')));
        if let Some(token) = &token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| anyhow::anyhow!("{} does not answer: {}", self.url, error.without_url()))?;
        let status = answer.status();
        let value: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        if !status.is_success() {
            let detail = value.get("detail").and_then(Value::as_str).unwrap_or("the service says no more");
            bail!("{}: {detail}", status.as_u16());
        }
        Ok(value)
    }
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    block_on(async {
        match command {
            Command::List { service } => list(&service).await,
            Command::Approve { service, run, hash } => decide(&service, &run, &hash, "approve").await,
            Command::Deny { service, run, hash } => decide(&service, &run, &hash, "deny").await,
        }
    })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

async fn list(service: &Service) -> anyhow::Result<ExitCode> {
    let page = service.call(Method::GET, "/approvals", None).await?;
    let runs = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut out = String::new();
    for run in &runs {
        out.push_str(&format!("{}  {}  risk {}\n", text(run, "id"), text(run, "title"), text(run, "risk")));
        out.push_str(&format!(
            "  asked by {} at {}, expires {}\n",
            text(run, "requested_by"),
            text(run, "requested_at"),
            text(run, "expires_at")
        ));
        for step in run.get("steps").and_then(Value::as_array).into_iter().flatten() {
            let lines = step.get("diff").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            lines.for_each(|line| out.push_str(&format!("  {line}\n")));
            out.push_str(&format!("  {}\n", text(step, "effect")));
        }
        out.push_str(&format!("  {}\n  hash {}\n\n", text(run, "verified_by"), text(run, "hash")));
    }
    super::print(if out.is_empty() { "Nothing waits for approval.\n" } else { &out })?;
    Ok(ExitCode::SUCCESS)
}

async fn decide(service: &Service, run: &str, hash: &str, word: &str) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(run.bytes().all(|b| b.is_ascii_alphanumeric()), "`{run}` is no run: `approval list` shows their ids");
    let answer = service.call(Method::POST, &format!("/runs/{run}/{word}?wait=10"), Some(json!({"hash": hash}))).await?;
    let state = answer.pointer("/run/state").and_then(Value::as_str).unwrap_or("recorded");
    super::print(&format!("{run} is {state}.\n"))?;
    Ok(ExitCode::SUCCESS)
}
