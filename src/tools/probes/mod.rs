//! Probes from here: does the name resolve, does somebody listen, is the certificate good, does it answer and where does the
//! time go. Only to names that the service catalogue or the alerted object gives, and never to this machine or to a cloud's
//! metadata service, whatever a name resolves to.
//!
//! What a probe sees is written down as the usual program would print it, so that one set of checks reads both.

mod allowed;
mod http;
mod names;
mod tls;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use url::Url;

pub use allowed::Allowed;

use super::{
    Asked, Backend, Cost, Output, Query, Tool, ToolError,
    live::{self, Gathering},
};
use crate::model::{
    Clock, Finding, ToolSpec,
    observation::{Document, Observations},
};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "probes";
/// How long one step may take. Source: glibc asks the next name server after 5 s; who needs longer to connect is not reachable for users.
const STEP: Duration = Duration::from_secs(3);
/// How many addresses of one name are tried: one of each family.
const ADDRESSES_MAX: usize = 2;
/// How many targets one investigation tries.
const TARGETS_MAX: usize = 6;
/// Labels of an alert that name what was alerted. Source: the blackbox exporter's and the common uptime checkers' labels.
const TARGET_LABELS: &[&str] = &["target", "url", "endpoint", "probe_target", "hostname", "host", "instance"];

/// A target of the service catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub service: String,
    /// `https://…`, `http://…`, `tcp://host:port`, `tls://host:port` or `dns://name`.
    pub url: Url,
}

/// Probes from this machine.
pub struct Probes {
    targets: Vec<Target>,
    allowed: Allowed,
    names: names::Names,
    clock: Clock,
}

/// What a person wants tried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Try {
    /// One of the catalogue's `probes`, or a host name that one of them has: `https://…`, `tcp://host:port`, `tls://host:port`, `dns://name`.
    url: String,
}

/// What was printed, by which command.
struct Printed {
    command: String,
    text: String,
}

impl Probes {
    pub fn new(targets: Vec<Target>, allowed: Allowed, clock: Clock) -> Self {
        Self { targets, allowed, names: names::Names::default(), clock }
    }

    async fn probe(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let mut wanted: Vec<Url> = Vec::new();
        let named = self
            .targets
            .iter()
            .filter(|target| query.words.iter().chain(&query.needs).any(|word| word.eq_ignore_ascii_case(&target.service)));
        wanted.extend(named.map(|target| target.url.clone()));
        let alerted = TARGET_LABELS.iter().filter_map(|label| query.labels.get(*label)).filter_map(|value| alerted(value));
        wanted.extend(alerted);
        wanted.dedup();
        wanted.truncate(TARGETS_MAX);
        self.all(tool, wanted).await
    }

    async fn one(&self, tool: &str, wanted: Try) -> Result<Output, ToolError> {
        let url = parse(&wanted.url).ok_or_else(|| {
            ToolError::arguments(tool, "`url`: https://…, http://…, tcp://host:port, tls://host:port or dns://name is wanted")
        })?;
        if !self.targets.iter().any(|target| target.url.host_str() == url.host_str()) {
            return Err(ToolError::arguments(tool, "`url`: only hosts of the service catalogue's `probes` may be tried"));
        }
        self.all(tool, vec![url]).await
    }

    async fn all(&self, _tool: &str, wanted: Vec<Url>) -> Result<Output, ToolError> {
        let tried = join_all(wanted.iter().map(|url| self.tried(url))).await;
        let mut gathering = Gathering::default();
        if wanted.is_empty() {
            gathering.add(Asked { source: KIND.to_owned(), ..Asked::default() }, Observations::default());
        }
        for (url, outcome) in wanted.iter().zip(tried) {
            let source = format!("probe {}", shown(url));
            let mut found = Observations::default();
            match outcome {
                Ok(printed) => {
                    let document = |printed: Printed| Document {
                        source: source.clone(),
                        kind: "transcript".to_owned(),
                        body: json!({"command": printed.command, "text": printed.text}),
                    };
                    found.documents = printed.into_iter().map(document).collect();
                }
                Err(said) => found.gaps.push(format!("{source}: {said}")),
            }
            gathering.spent(Cost { calls: 1, bytes: 0 });
            gathering.add(Asked { query: source.clone(), source, ..Asked::default() }, found);
        }
        gathering.finish()
    }

    /// Step by step, as far as it goes; an error is a target that must not be tried.
    async fn tried(&self, url: &Url) -> Result<Vec<Printed>, String> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let started = Instant::now();
        let mut printed = Vec::new();
        let addresses: Vec<IpAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let (addresses, said) = self.names.lookup(&host, STEP).await;
                printed.push(said);
                addresses
            }
        };
        let looked_up = started.elapsed();
        if addresses.is_empty() {
            return Ok(printed);
        }
        let allowed: Vec<IpAddr> = addresses.into_iter().filter(|address| self.allowed.may(*address)).take(ADDRESSES_MAX).collect();
        if allowed.is_empty() {
            return Err("an address of this machine, of the link or of a cloud's metadata service is never tried".to_owned());
        }
        if url.scheme() == "dns" {
            return Ok(printed);
        }
        let port = url.port_or_known_default().unwrap_or(443);
        let (address, stream) = match connect(&allowed, port).await {
            Ok(found) => found,
            Err((address, why)) => {
                printed.push(Printed {
                    command: format!("nc -vz {host} {port}"),
                    text: format!("nc: connect to {host} ({address}) port {port} (tcp) failed: {why}\n"),
                });
                return Ok(printed);
            }
        };
        let connected = started.elapsed();
        match url.scheme() {
            "tcp" => printed.push(Printed {
                command: format!("nc -vz {host} {port}"),
                text: format!("Connection to {host} ({address}) {port} port [tcp/*] succeeded!\n"),
            }),
            "http" => {
                printed.push(http::request(stream, url, http::Phases { looked_up, connected, secured: connected, started }, STEP).await)
            }
            scheme => {
                let (stream, said) = tls::handshake(stream, &host, port, self.clock.now(), STEP).await;
                printed.push(said);
                if let (Some(stream), "https") = (stream, scheme) {
                    let phases = http::Phases { looked_up, connected, secured: started.elapsed(), started };
                    printed.push(http::request(stream, url, phases, STEP).await);
                }
            }
        }
        Ok(printed)
    }
}

/// Connects to the first address that answers, as every client does. The addresses that were looked at are those that are
/// connected to: a second answer of the name server cannot lead elsewhere.
async fn connect(addresses: &[IpAddr], port: u16) -> Result<(IpAddr, TcpStream), (IpAddr, String)> {
    let mut failed = (IpAddr::from([0, 0, 0, 0]), "there is no address".to_owned());
    for address in addresses {
        failed = match timeout(STEP, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => return Ok((*address, stream)),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => (*address, "Connection refused".to_owned()),
            Ok(Err(error)) => (*address, error.to_string()),
            Err(_) => (*address, "Connection timed out".to_owned()),
        };
    }
    Err(failed)
}

#[async_trait]
impl Backend for Probes {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |name: &str, says: &str| ToolSpec::reading(name, says).of(KIND);
        let probe = spec("probes", "Tries the subject's own addresses from here: name, connection, certificate, request").about("probes");
        let one = spec("probe", "Tries one address of the service catalogue");
        vec![
            live::tool(probe, &self, |this: &Self, tool, query: Query| Box::pin(this.probe(tool, query))),
            live::tool(one, &self, |this: &Self, tool, wanted: Try| Box::pin(this.one(tool, wanted))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        Vec::new()
    }
}

/// What an alert names as its target: a URL, or a host name with or without a port. A bare address of an exporter is none.
fn alerted(value: &str) -> Option<Url> {
    if value.contains("://") {
        return parse(value).filter(|url| url.host_str().is_some_and(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_err()));
    }
    let (host, port) = value.split_once(':').unwrap_or((value, ""));
    let is_name = host.contains('.')
        && host.parse::<IpAddr>().is_err()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if !is_name || !port.is_empty() && port.parse::<u16>().is_err() {
        return None;
    }
    parse(&if port.is_empty() { format!("dns://{host}") } else { format!("tcp://{host}:{port}") })
}

/// A target's address, if it is of a kind that is tried.
///
/// User names, and schemes that are not listed, are refused.
pub fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let known = ["http", "https", "tcp", "tls", "dns"].contains(&url.scheme());
    let port = !["tcp", "tls"].contains(&url.scheme()) || url.port().is_some();
    (known && port && url.host_str().is_some_and(|host| !host.is_empty()) && url.username().is_empty() && url.password().is_none())
        .then_some(url)
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_an_alert_gives_become_targets() {
        for (value, target) in [
            ("https://shop.example.com/health", Some("https://shop.example.com/health")),
            ("db.example.com:5432", Some("tcp://db.example.com:5432")),
            ("db.example.com", Some("dns://db.example.com")),
            ("10.0.0.5:9100", None),
            ("http://169.254.169.254/latest/meta-data/", None),
            ("http://[::1]/", None),
            ("node-1", None),
            ("file:///etc/passwd", None),
            ("gopher://x.example.com/", None),
            ("https://user:pass@x.example.com/", None),
            ("x.example.com:99999", None),
            ("a b.example.com", None),
        ] {
            assert_eq!(alerted(value).map(|url| url.to_string()).as_deref(), target, "{value}");
        }
    }
}
