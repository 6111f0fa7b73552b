//! Opens a connection: the Web API's word for where, TCP or a proxy's tunnel, TLS, the WebSocket handshake. Each step has its time.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error as WsError, protocol::WebSocketConfig},
};
use url::Url;

use crate::{
    slack::{Client, Connection, SlackErrorKind},
    web::{self, Proxy},
};

/// How long each of TCP, tunnel, TLS and handshake may take. Without a bound a server that accepts and says nothing holds the
/// loop for ever.
const STEP_WAIT: Duration = Duration::from_secs(10);
/// The largest message that is taken, in bytes. Slack's payloads are far below; its HTTP bodies are bounded at 1 MiB here.
const MESSAGE_MAX: usize = 8 << 20;
/// The largest answer of a proxy, in bytes.
const PROXY_HEAD_MAX: usize = 16 << 10;

/// Bytes both ways, whatever carries them.
pub trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carrier for T {}

/// An open WebSocket.
pub type Wire = WebSocketStream<Box<dyn Carrier>>;

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Never with a token, a ticket or a password in it.
    pub message: String,
    pub kind: SlackErrorKind,
}

impl Trouble {
    /// It may work at the next attempt.
    pub fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: SlackErrorKind::Unavailable }
    }

    /// It works again when a person has changed something.
    pub fn person(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: SlackErrorKind::Blocked }
    }
}

/// Asks Slack for the address of a connection; it works once.
///
/// # Errors
/// What Slack or the way there says.
pub async fn open(client: &Client) -> Result<Url, Trouble> {
    let answer =
        client.call("apps.connections.open", &json!({})).await.map_err(|error| Trouble { message: error.to_string(), kind: error.kind })?;
    let url = answer.get("url").and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
    let url = url.ok_or_else(|| Trouble::passing("apps.connections.open: the answer holds no address"))?;
    // Without TLS only where the API itself is spoken to without it: a workspace on this machine.
    match url.scheme() {
        "wss" => Ok(url),
        "ws" if client.api_url.starts_with("http://") => Ok(url),
        other => Err(Trouble::passing(format!("apps.connections.open: the address begins with {other}: and not with wss:"))),
    }
}

/// Connects to an address that [`open`] gave.
///
/// # Errors
/// The step that failed or took too long.
pub async fn dial(url: &Url, connection: &Connection) -> Result<Wire, Trouble> {
    let host = url.host_str().ok_or_else(|| Trouble::passing("the connection's address has no host"))?;
    let port = url.port_or_known_default().unwrap_or(443);
    let tcp = match connection.proxy_to(host) {
        Some(proxy) => {
            let mut tcp = step("the connection to the proxy", connect(proxy.host(), proxy.port())).await?;
            step("the proxy's tunnel", tunnel(&mut tcp, proxy, host, port)).await?;
            tcp
        }
        None => step("the connection", connect(host, port)).await?,
    };
    let carrier: Box<dyn Carrier> = if url.scheme() == "wss" {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Trouble::passing("the connection's host is no host name"))?;
        let connector = TlsConnector::from(Arc::new(web::tls()));
        Box::new(step("TLS", async { connector.connect(name, tcp).await.map_err(|error| error.to_string()) }).await?)
    } else {
        Box::new(tcp)
    };
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_MAX)).max_frame_size(Some(MESSAGE_MAX));
    let handshake = async { client_async_with_config(url.as_str(), carrier, Some(config)).await.map_err(|error| handshake_error(&error)) };
    step("the WebSocket handshake", handshake).await.map(|(wire, _)| wire)
}

async fn step<T>(what: &str, doing: impl Future<Output = Result<T, String>>) -> Result<T, Trouble> {
    match tokio::time::timeout(STEP_WAIT, doing).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Trouble::passing(format!("{what} failed: {error}"))),
        Err(_) => Err(Trouble::passing(format!("{what} took more than {} s", STEP_WAIT.as_secs()))),
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let tcp = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    // Acknowledgements are small and wanted at once.
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(tcp)
}

/// Asks the proxy for a tunnel (RFC 9110, CONNECT).
async fn tunnel(tcp: &mut TcpStream, proxy: &Proxy, host: &str, port: u16) -> Result<(), String> {
    let authorization = proxy.authorization().map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}\r\n");
    tcp.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    // Byte by byte: what follows the head belongs to the tunnel.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= PROXY_HEAD_MAX {
            return Err("the proxy's answer has no end".to_owned());
        }
        head.push(tcp.read_u8().await.map_err(|error| error.to_string())?);
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.lines().next().and_then(|line| line.strip_prefix("HTTP/1.")).and_then(|line| line.split(' ').nth(1));
    match status {
        Some(status) if status.starts_with('2') => Ok(()),
        Some("407") => Err("the proxy wants a name and a password, or other ones: http://name:password@host:port".to_owned()),
        Some(status) => Err(format!("the proxy answers {status}")),
        None => Err("the proxy does not speak HTTP".to_owned()),
    }
}

/// Without the address, which is a secret while it lives.
fn handshake_error(error: &WsError) -> String {
    match error {
        WsError::Http(response) => format!("HTTP {}", response.status().as_u16()),
        WsError::Url(_) => "the address is no WebSocket address".to_owned(),
        other => other.to_string(),
    }
}
