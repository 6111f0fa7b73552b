//! `sre-agent mcp`: our tools for other programs' models.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use secrecy::SecretString;

use super::{
    runtime::{bind, block_on, stop_signal},
    tools::{From, registry},
};
use crate::{app, config, inbound::mcp};

/// Where the bearer token for `--http` is taken from.
const TOKEN: &str = "SRE_AGENT_MCP_TOKEN";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --http, callers present the token of the environment variable SRE_AGENT_MCP_TOKEN as a bearer token; the endpoint is /mcp.\nThe tools are those of `sre-agent tools list`, and `investigate`. Tools that may change things are not served."
)]
pub struct Args {
    #[command(flatten)]
    from: From,
    /// Speak over standard input and output (the default)
    #[arg(long, conflicts_with = "http")]
    stdio: bool,
    /// Serve streamable HTTP on this address, such as 127.0.0.1:8765
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let token = config::environment().remove(TOKEN).filter(|token| !token.is_empty()).map(SecretString::from);
    block_on(async {
        let (registry, rules) = registry(args.from).await?;
        let engine = Arc::new(app::engine_of(registry.clone(), rules));
        let server = mcp::Server::new(registry, engine, app::system_clock(), app::random_ids());
        match args.http {
            None => mcp::stdio(server).await?,
            Some(address) => {
                let Some(token) = token else {
                    anyhow::bail!("--http wants a token of at least 16 characters in {TOKEN}: whoever has it reads what the tools read")
                };
                let listener = bind(address, "--http").await?;
                eprintln!("MCP on http://{}/mcp", listener.local_addr()?);
                mcp::http(server, listener, token, stop_signal()?).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
