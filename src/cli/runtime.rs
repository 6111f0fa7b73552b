//! What several commands need: a runtime, a stop signal, a port.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How many threads may wait for the store or the disk at the same time: each costs memory, and one disk serves them all.
const BLOCKING_THREADS: usize = 6;

/// Runs an asynchronous command to its end.
pub fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(command)
}

/// A token that is cancelled by Ctrl-C or SIGTERM.
pub fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::spawn({
        let stop = stop.clone();
        async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            stop.cancel();
        }
    });
    Ok(stop)
}

/// Binds an address; a taken port is one sentence that says what to do.
pub async fn bind(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!("port {} is in use: choose another one with {option}", address.port()),
        _ => anyhow::anyhow!("cannot listen on {address}: {error}"),
    })
}
