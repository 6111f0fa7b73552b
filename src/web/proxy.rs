//! The HTTP proxy that leads out, and which addresses are reached without it.

#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr};

use url::Url;

/// An HTTP proxy. Its name and password are in its address, and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    address: Url,
    /// Hosts that are reached directly, and everything below them; `*` for all.
    direct: Vec<String>,
}

impl Proxy {
    /// Reads an address like `http://name:password@proxy.example:3128`, and a list as in `NO_PROXY`: hosts and domains,
    /// with commas between them. Networks (`10.0.0.0/8`) are not read.
    ///
    /// # Errors
    /// When it is no address of an HTTP proxy. The error does not repeat it: there may be a password in it.
    pub fn parse(address: &str, direct: &str) -> Result<Self, String> {
        let wrong = || "is not the address of an HTTP proxy, like http://proxy.example:3128".to_owned();
        // The usual variable is often written without a scheme.
        let full = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let address = Url::parse(&full).map_err(|_| wrong())?;
        if address.scheme() != "http" || !address.has_host() {
            return Err(wrong());
        }
        let entries = direct.split(',').map(|entry| {
            let host = entry.trim().trim_start_matches("*.").trim_start_matches('.');
            without_port(host).to_ascii_lowercase()
        });
        Ok(Self { address, direct: entries.filter(|entry| !entry.is_empty()).collect() })
    }

    /// Whether `host` is reached through the proxy. This machine never is.
    pub fn applies(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let here = below("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        !here && !self.direct.iter().any(|entry| entry == "*" || below(entry))
    }

    /// With the name and the password in it.
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// The address without name and password.
    pub fn bare(&self) -> String {
        format!("http://{}:{}", self.host(), self.port())
    }

    /// An IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    pub fn port(&self) -> u16 {
        self.address.port_or_known_default().unwrap_or(80)
    }

    /// The value of `Proxy-Authorization`, where the address holds a name: a secret.
    pub fn authorization(&self) -> Option<String> {
        if self.address.username().is_empty() && self.address.password().is_none() {
            return None;
        }
        let plain = |text: &str| String::from_utf8_lossy(&percent_decoded(text)).into_owned();
        let pair = format!("{}:{}", plain(self.address.username()), plain(self.address.password().unwrap_or_default()));
        Some(format!("Basic {}", base64(pair.as_bytes())))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bare())
    }
}

/// `host:8080` without the port; an IPv6 address has more than one colon.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    // A form's rules but for `+`, which stands for itself in an address.
    let escaped = text.replace('+', "%2B");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned().into_bytes()).unwrap_or_default()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| LETTERS.get((bits & 63) as usize).map_or('=', |byte| char::from(*byte));
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| chunk.get(at).map_or(0, |byte| u32::from(*byte));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.extend([letter(bits >> 18), letter(bits >> 12)]);
        out.push(if chunk.len() > 1 { letter(bits >> 6) } else { '=' });
        out.push(if chunk.len() > 2 { letter(bits) } else { '=' });
    }
    out
}
