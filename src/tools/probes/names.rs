//! The name: asked of this machine's name servers, written down as `dig` prints it.

use std::{net::IpAddr, time::Duration};

use hickory_resolver::{TokioResolver, proto::op::ResponseCode};
use tokio::{sync::OnceCell, time::Instant};

use super::Printed;

/// The resolver of this machine's own settings.
#[derive(Default)]
pub struct Names {
    resolver: OnceCell<TokioResolver>,
}

impl Names {
    /// The addresses, and what `dig` would have said.
    pub async fn lookup(&self, name: &str, limit: Duration) -> (Vec<IpAddr>, Printed) {
        let command = format!("dig {name}");
        let made = self.resolver.get_or_try_init(|| async {
            TokioResolver::builder_tokio().map_err(|error| error.to_string())?.build().map_err(|error| error.to_string())
        });
        let resolver = match made.await {
            Ok(resolver) => resolver,
            Err(error) => {
                return (Vec::new(), Printed { command, text: format!("; this machine's name servers are not known: {error}\n") });
            }
        };
        let started = Instant::now();
        // A name with its final dot is not searched for in this machine's domains.
        let answer = tokio::time::timeout(limit, resolver.lookup_ip(name)).await;
        let took = started.elapsed().as_millis();
        let status = |status: &str| {
            format!(";; ->>HEADER<<- opcode: QUERY, status: {status}\n;; QUESTION SECTION:\n;{name}. IN A\n;; Query time: {took} msec\n")
        };
        let (addresses, text) = match answer {
            Err(_) => (Vec::new(), format!(";; QUESTION SECTION:\n;{name}. IN A\n;; connection timed out; no servers could be reached\n")),
            Ok(Ok(found)) => {
                let addresses: Vec<IpAddr> = found.iter().collect();
                let records: Vec<String> = addresses
                    .iter()
                    .map(|address| format!("{name}. IN {} {address}", if address.is_ipv4() { "A" } else { "AAAA" }))
                    .collect();
                let text = if records.is_empty() {
                    status("NOERROR")
                } else {
                    format!("{};; ANSWER SECTION:\n{}\n", status("NOERROR"), records.join("\n"))
                };
                (addresses, text)
            }
            Ok(Err(error)) => (Vec::new(), said(&error, name, &status)),
        };
        (addresses, Printed { command, text })
    }
}

fn said(error: &hickory_resolver::net::NetError, name: &str, status: &dyn Fn(&str) -> String) -> String {
    use hickory_resolver::net::{DnsError, NetError};
    match error {
        NetError::Dns(DnsError::NoRecordsFound(found)) => status(match found.response_code {
            ResponseCode::NXDomain => "NXDOMAIN",
            ResponseCode::NoError => "NOERROR",
            ResponseCode::Refused => "REFUSED",
            _ => "SERVFAIL",
        }),
        NetError::Dns(_) => status("SERVFAIL"),
        _ => format!(";; QUESTION SECTION:\n;{name}. IN A\n;; connection timed out; no servers could be reached ({error})\n"),
    }
}
