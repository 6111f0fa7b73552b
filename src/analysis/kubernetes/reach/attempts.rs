//! Connections that were tried and failed: who, to whom, on which port; from logs, and from the words of a question.

use std::{collections::BTreeSet, net::IpAddr, sync::LazyLock};

use regex::Regex;

use super::{
    Look, Thing, named,
    rules::{self, End},
};
use crate::{
    analysis::kubernetes::value::{int, list, selects, text},
    model::observation::{Level, LogLine},
};

/// How many lines of one log are looked at for failed connections; they repeat.
const LINES: usize = 2_000;
/// How many different attempts are followed.
const MOST: usize = 200;

/// Words of a connection that did not come about because nothing came back, or was cut. A refusal by the peer itself is no policy's.
static FAILED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)timed? ?out|timeout|etimedout|deadline exceeded|no route to host|ehostunreach|could not connect|connection reset|unreachable|\bhang|cannot connect|can't connect|not reachable|eai_again|no such host|temporary failure in name|name resolution|could not resolve",
    )
    .ok()
});
/// `->10.96.0.20:80`, `http://api:80/`, `redis.cache:6379`, `to 198.51.100.40:443`.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:(https?|grpc|amqps?|rediss?|postgres(?:ql)?|mongodb|mysql|nats|tcp)://(?:[^@\s/]*@)?)?\b((?:\d{1,3}\.){3}\d{1,3}|[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)(?::(\d{2,5}))?").ok()
});
const SCHEMES: &[(&str, i64)] = &[
    ("https", 443),
    ("http", 80),
    ("amqps", 5671),
    ("amqp", 5672),
    ("redis", 6379),
    ("rediss", 6379),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("mongodb", 27017),
    ("mysql", 3306),
    ("nats", 4222),
];

/// What was tried.
pub struct Attempt<'t> {
    pub source: &'t Thing<'t>,
    pub target: Target<'t>,
    /// The port that was asked for; of a Service, its own.
    pub port: Option<i64>,
    /// `TCP`, or `UDP` for names.
    pub protocol: &'static str,
    /// The Service that was asked.
    pub through: Option<String>,
    /// The log and the line that say so.
    pub seen: Option<(&'t str, &'t LogLine)>,
    service: Option<&'t Thing<'t>>,
}

/// Whom it was to reach.
pub enum Target<'t> {
    Pods { ends: Vec<End<'t>> },
    Outside { address: Option<IpAddr>, words: String },
}

impl Attempt<'_> {
    /// The port at the pod itself, behind a Service's port.
    pub fn port_at(&self, end: &End<'_>) -> Option<i64> {
        let Some(service) = self.service else { return self.port };
        let ports = service.list("/spec/ports");
        let asked = self.port.and_then(|asked| ports.iter().find(|port| int(port, "/port") == Some(asked)));
        let port = asked.or_else(|| ports.first().filter(|_| self.port.is_none() && ports.len() == 1))?;
        match (int(port, "/targetPort"), text(port, "/targetPort")) {
            (Some(number), _) => Some(number),
            (None, "") => int(port, "/port"),
            (None, name) => end.named_port(name),
        }
    }
}

/// Every different attempt, in the order of the logs; then what the question itself says.
pub fn all<'t>(look: &'t Look<'t>) -> Vec<Attempt<'t>> {
    let mut out = Vec::new();
    let mut seen = BTreeSet::new();
    let Some((failed, address)) = FAILED.as_ref().zip(ADDRESS.as_ref()) else { return out };
    for log in look.cluster.logs.iter().filter(|log| !log.entity.name.is_empty()) {
        let Some(source) = source(look, &log.entity.namespace, &log.entity.name) else { continue };
        let lines = log.lines.iter().rev().filter(|line| line.known_level().is_none_or(|level| level >= Level::Warn));
        for line in lines.take(LINES).filter(|line| failed.is_match(&line.text)) {
            if UNANSWERED.iter().any(|words| line.text.contains(words)) && seen.insert((source.path(), "", Some(53))) {
                out.extend(names(look, source).map(|one| Attempt { seen: Some((&log.source, line)), ..one }));
            }
            for (scheme, host, port) in addresses(&line.text, address) {
                if out.len() >= MOST || !seen.insert((source.path(), host, port)) {
                    continue;
                }
                let port = port.or_else(|| SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port));
                out.extend(attempt(look, source, host, port).map(|one| Attempt { seen: Some((&log.source, line)), ..one }));
            }
        }
    }
    out.extend(asked(look));
    out
}

/// Words of a question for a name that nobody answered. Source: glibc's EAI_AGAIN; Go's resolver, with the server's port.
const UNANSWERED: &[&str] =
    &["EAI_AGAIN", "Temporary failure in name resolution", "emporary failure in name", ":53: i/o timeout", "Resolving timed out"];

/// The cluster's name servers, over UDP.
fn names<'t>(look: &'t Look<'t>, source: &'t Thing<'t>) -> Option<Attempt<'t>> {
    let is_dns =
        |thing: &&Thing<'_>| matches!(thing.text("/metadata/labels/k8s-app"), "kube-dns" | "coredns") || thing.name.contains("coredns");
    let ends: Vec<End<'_>> = look.cluster.all("Pod").filter(is_dns).map(|pod| End::pod(look.cluster, pod)).collect();
    (!ends.is_empty()).then(|| Attempt {
        source,
        target: Target::Pods { ends },
        port: Some(53),
        protocol: "UDP",
        through: None,
        seen: None,
        service: None,
    })
}

fn source<'t>(look: &'t Look<'t>, namespace: &str, name: &str) -> Option<&'t Thing<'t>> {
    look.cluster
        .all("Pod")
        .find(|pod| pod.name == name && (namespace.is_empty() || pod.namespace == namespace))
        .or_else(|| named(look, name))
}

/// Addresses in a line, without the ends that connections come from.
fn addresses<'l>(text: &'l str, pattern: &Regex) -> Vec<(&'l str, &'l str, Option<i64>)> {
    let found = pattern.captures_iter(text).take(20).filter_map(|parts| {
        let whole = parts.get(0)?;
        let (scheme, host) = (parts.get(1).map_or("", |scheme| scheme.as_str()), parts.get(2)?.as_str());
        let port = parts.get(3).and_then(|port| port.as_str().parse::<i64>().ok());
        let is_source = text.get(whole.end()..).is_some_and(|rest| rest.starts_with("->"));
        (!is_source && host.len() > 1).then_some((scheme, host, port))
    });
    found.collect()
}

fn attempt<'t>(look: &'t Look<'t>, source: &'t Thing<'t>, host: &str, port: Option<i64>) -> Option<Attempt<'t>> {
    let of = |target, service: Option<&'t Thing<'t>>| Attempt {
        source,
        target,
        port,
        protocol: "TCP",
        through: service.map(|service| service.path() + &port.map(|port| format!(":{port}")).unwrap_or_default()),
        seen: None,
        service,
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        if let Some(pod) = look.cluster.all("Pod").find(|pod| pod.text("/status/podIP") == host) {
            return Some(of(Target::Pods { ends: vec![End::pod(look.cluster, pod)] }, None));
        }
        if let Some(service) = look.cluster.all("Service").find(|service| service.text("/spec/clusterIP") == host) {
            return Some(of(Target::Pods { ends: behind(look, service) }, Some(service)));
        }
        // an address inside of the cluster that nobody knows may be anything
        return (!rules::is_private(address)).then(|| of(Target::Outside { address: Some(address), words: host.to_owned() }, None));
    }
    let mut labels = host.split('.');
    let (name, namespace) = (labels.next()?, labels.next());
    let service = match namespace {
        Some(namespace) => look.cluster.get("Service", namespace, name),
        None => look.cluster.get("Service", &source.namespace, name),
    }?;
    Some(of(Target::Pods { ends: behind(look, service) }, Some(service)))
}

/// The pods behind a Service; where the evidence shows none, one that has the labels that it selects.
fn behind<'t>(look: &'t Look<'t>, service: &'t Thing<'t>) -> Vec<End<'t>> {
    let Some(selector) = service.body.pointer("/spec/selector").filter(|selector| selector.as_object().is_some_and(|map| !map.is_empty()))
    else {
        return Vec::new();
    };
    let wanted = serde_json::json!({ "matchLabels": selector });
    let behind = look.cluster.all("Pod").filter(|pod| pod.namespace == service.namespace && selects(&wanted, pod.labels()));
    let pods: Vec<End<'_>> = behind.map(|pod| End::pod(look.cluster, pod)).collect();
    if pods.is_empty() { vec![End::of_service(look.cluster, service, selector)] } else { pods }
}

/// `from web to api`, `web cannot reach api`: two workloads that a question about connections names, in this order.
fn asked<'t>(look: &'t Look<'t>) -> Option<Attempt<'t>> {
    let words = look.focus.text.to_lowercase();
    let is_about = FAILED.as_ref()?.is_match(&words) || ["reach", "connect", "talk to", "call"].iter().any(|word| words.contains(word));
    if !is_about {
        return None;
    }
    let mut order: Vec<&str> = words.split(|c: char| !(c.is_alphanumeric() || "-.:".contains(c))).filter(|word| word.len() > 1).collect();
    order.dedup();
    let first = order.iter().position(|word| named(look, word).is_some())?;
    let source = named(look, order.get(first)?)?;
    order.iter().skip(first + 1).find_map(|word| {
        let (host, port) = word.split_once(':').map_or((*word, None), |(host, port)| (host, port.parse().ok()));
        let target = attempt(look, source, host.trim_end_matches(['.', ':', '?']), port)?;
        let own = target.service.is_some_and(|service| list(&service.body, "/spec/selector").iter().any(|_| service.name == source.name));
        (!own).then_some(target)
    })
}
