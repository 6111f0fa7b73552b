//! Which configured addresses may be posted to: never this machine, the link or a metadata service, unless the settings say so.

mod judge;

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use url::{Host, Url};

use crate::web;

/// How long the lookup of a name may take. Source: resolv.conf(5), one try at one server.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest address that is read. Source: what browsers and servers take.
const URL_MAX: usize = 2048;
/// How many addresses of one name are kept.
const ADDRESSES_MAX: usize = 16;

/// Names that stand for this machine, beside all that end with `.localhost`. Source: RFC 6761 and the usual /etc/hosts.
const HERE: &[&str] =
    &["localhost", "localhost.localdomain", "localhost4", "localhost6", "localhost6.localdomain6", "ip6-localhost", "ip6-loopback"];
/// Names of metadata services. Source: the providers' documentation (Google, AWS).
const METADATA_NAMES: &[&str] = &["metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

/// Why an address is not used. The text never repeats it: there may be a token in its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is not an address such as https://hooks.example.com/path, written without spaces and other hidden characters")]
    Unreadable,
    #[error("it begins with `{0}:`; only https: and http: can be posted to")]
    Scheme(String),
    #[error("there is a name or a password in it; put the secret into its own setting")]
    Credentials,
    #[error("its host is written in an unusual way; write a name without a dot at the end, or an IP address such as 203.0.113.7")]
    Spelling,
    #[error("its host is {0}; add the host to the allowed hosts if this is meant")]
    Forbidden(&'static str),
    /// It may work later.
    #[error("the name of its host cannot be resolved ({0})")]
    Unresolved(String),
}

/// Which addresses may be posted to although they look like a mistake or an attack; nothing by default.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// Names may then be private addresses or this machine. A link-local address or a metadata service is only reached
    /// when it is listed itself, as an address: a name can be made to point there by whoever answers for it.
    pub hosts: BTreeSet<String>,
    /// Private networks are fine, as where the receivers stand in the same cluster.
    pub allow_private: bool,
}

/// An address that was judged, with what its host resolved to: connections go there and nowhere else, so that a second
/// lookup with another answer changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub url: Url,
    /// As it is written in the address; what the pinned addresses are filed under.
    pub host: String,
    /// At least one; ports included.
    pub addresses: Vec<SocketAddr>,
}

impl Allowed {
    /// Reads, looks up and judges an address. Every address that the name has must be fine: which of them is used is chance.
    ///
    /// # Errors
    /// The reason, in words for the person who wrote the address.
    pub async fn check(&self, url: &str) -> Result<Place, Refused> {
        self.check_with(url, resolved).await
    }

    /// As [`Allowed::check`], with another way to look names up.
    ///
    /// # Errors
    /// As there.
    pub async fn check_with<F>(&self, url: &str, lookup: impl FnOnce(String, u16) -> F) -> Result<Place, Refused>
    where
        F: Future<Output = io::Result<Vec<IpAddr>>>,
    {
        let url = self.read(url)?;
        let port = url.port_or_known_default().ok_or(Refused::Unreadable)?;
        let (host, mut found) = match url.host() {
            None => return Err(Refused::Unreadable),
            Some(Host::Ipv4(address)) => (address.to_string(), vec![IpAddr::V4(address)]),
            Some(Host::Ipv6(address)) => (address.to_string(), vec![IpAddr::V6(address)]),
            Some(Host::Domain(name)) => {
                let found = tokio::time::timeout(LOOKUP_TIMEOUT, lookup(name.to_owned(), port)).await;
                let found = found
                    .map_err(|_| Refused::Unresolved(format!("no answer in {} s", LOOKUP_TIMEOUT.as_secs())))?
                    .map_err(|_| Refused::Unresolved("no such name, or no name server".to_owned()))?;
                (name.to_owned(), found)
            }
        };
        if found.is_empty() {
            return Err(Refused::Unresolved("it has no address".to_owned()));
        }
        for address in &found {
            self.judge(&host, *address)?;
        }
        found.truncate(ADDRESSES_MAX);
        Ok(Place { url, host, addresses: found.into_iter().map(|address| SocketAddr::new(address, port)).collect() })
    }

    /// What can be said without a lookup: the form of the address, its scheme, its host's spelling and name.
    ///
    /// # Errors
    /// The reason, in words for the person who wrote the address.
    pub fn read(&self, text: &str) -> Result<Url, Refused> {
        // The parser quietly drops tabs and line ends and turns `\` into `/`: what is judged must be what people read.
        let hidden = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        if text.len() > URL_MAX || text.contains(hidden) {
            return Err(Refused::Unreadable);
        }
        let url = Url::parse(text).map_err(|_| Refused::Unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().chars().take(20).collect()));
        }
        let (_, rest) = text.split_once("://").ok_or(Refused::Unreadable)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') || !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        match url.host() {
            None => return Err(Refused::Unreadable),
            Some(Host::Ipv4(address)) => {
                let written = authority.split(':').next().unwrap_or_default();
                if written != address.to_string() {
                    return Err(Refused::Spelling);
                }
                self.judge(written, IpAddr::V4(address))?;
            }
            Some(Host::Ipv6(address)) => self.judge(&address.to_string(), IpAddr::V6(address))?,
            Some(Host::Domain(name)) => {
                if authority.is_empty() || name.is_empty() || name.ends_with('.') || authority.contains('%') {
                    return Err(Refused::Spelling);
                }
                self.judge_name(name)?;
            }
        }
        Ok(url)
    }

    fn judge_name(&self, name: &str) -> Result<(), Refused> {
        if METADATA_NAMES.contains(&name) {
            return Err(Refused::Forbidden("a metadata service"));
        }
        let here = HERE.contains(&name) || name.ends_with(".localhost");
        if here && !self.lists(name) { Err(Refused::Forbidden("this machine")) } else { Ok(()) }
    }

    /// Judges one address that `host` stands for.
    fn judge(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        if self.lists(&address.to_string()) {
            return Ok(());
        }
        let reach = judge::reach(address);
        let fine = match reach {
            judge::Reach::Public => true,
            judge::Reach::Private => self.allow_private || self.lists(host),
            judge::Reach::Here => self.lists(host),
            judge::Reach::Link | judge::Reach::Metadata | judge::Reach::Nowhere => false,
        };
        if fine { Ok(()) } else { Err(Refused::Forbidden(reach.words())) }
    }

    fn lists(&self, host: &str) -> bool {
        self.hosts.iter().any(|listed| listed.trim_matches(['[', ']']).eq_ignore_ascii_case(host))
    }
}

impl Place {
    /// A client that connects to the judged addresses only: no second lookup, no redirects, no proxy.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn client(&self, timeout: Duration) -> Result<reqwest::Client, String> {
        reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_backend_preconfigured(web::tls())
            .resolve_to_addrs(&self.host, &self.addresses)
            .build()
            .map_err(|error| error.to_string())
    }
}

async fn resolved(host: String, port: u16) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((host, port)).await?;
    Ok(found.map(|address| address.ip()).collect())
}
