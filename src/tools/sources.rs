//! The live systems that the settings name, as backends.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    Backend, Limits,
    alertmanager::{self, Alertmanager},
    atlas::{self, Atlas},
    datadog::{self, Datadog},
    deployments::{self, Deployments},
    elasticsearch::{self, Elasticsearch},
    http::Place,
    kubernetes::{Access, Kubernetes},
    loki::{self, Loki},
    mcp::{Mcp, Server},
    mongodb::MongoDb,
    probes::{Allowed, Probes, Target},
    prometheus::{self, Prometheus},
    signoz::{self, Signoz},
    traces::{self, Jaeger, Tempo},
    victorialogs::{self, VictoriaLogs},
};
use crate::model::Clock;

/// The kinds of systems that are reached by an address, as the settings name them.
pub const HTTP_KINDS: &[&str] = &[
    prometheus::KIND,
    alertmanager::KIND,
    atlas::KIND,
    loki::KIND,
    elasticsearch::KIND,
    elasticsearch::OPENSEARCH,
    victorialogs::KIND,
    signoz::KIND,
    datadog::KIND,
    traces::TEMPO,
    traces::JAEGER,
    deployments::GITHUB,
    deployments::GITLAB,
];

/// One system.
#[derive(Debug, Clone)]
pub enum Source {
    Kubernetes {
        name: String,
        access: Access,
        watch: bool,
    },
    MongoDb {
        name: String,
        uri: SecretString,
    },
    /// One of [`HTTP_KINDS`]; `index` is Elasticsearch's, or the project of Atlas.
    Http {
        kind: &'static str,
        name: String,
        place: Box<Place>,
        index: String,
        repositories: Vec<String>,
    },
    Mcp(Server),
}

/// All of them, and how much they may be asked.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub list: Vec<Source>,
    pub limits: Limits,
    /// What the service catalogue wants probed.
    pub targets: Vec<Target>,
    /// Addresses of this machine that may be probed all the same.
    pub allowed: Allowed,
    /// Probe what alerts name.
    pub probes: bool,
}

/// Backends; MCP servers apart, because their tools must be looked at before they have descriptions.
pub struct Backends {
    pub backends: Vec<Arc<dyn Backend>>,
    pub servers: Vec<Arc<Mcp>>,
}

impl Sources {
    /// The same for the same systems: answers that are shared must not be taken for those of other systems with the same names.
    pub fn fingerprint(&self) -> String {
        use sha2::{Digest as _, Sha256};
        // Secrets are not part of how it is shown.
        hex::encode(Sha256::digest(format!("{:?}", self.list).as_bytes()))
    }

    /// The backends.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn backends(self, clock: &Clock) -> Result<Backends, Vec<String>> {
        let clusters = self.list.iter().filter(|source| matches!(source, Source::Kubernetes { .. })).count();
        let (mut backends, mut servers, mut errors): (Vec<Arc<dyn Backend>>, _, _) = (Vec::new(), Vec::new(), Vec::new());
        for source in self.list {
            match source {
                Source::Kubernetes { name, access, watch } => {
                    backends.push(Arc::new(Kubernetes::new(&name, access, clusters > 1, watch, clock.clone())))
                }
                Source::MongoDb { name, uri } => backends.push(Arc::new(MongoDb::new(&name, uri))),
                Source::Mcp(server) => servers.push(Arc::new(Mcp::new(server, clock.clone()))),
                Source::Http { kind, name, place, index, repositories } => {
                    match http(kind, &name, *place, &index, repositories, clock.clone()) {
                        Ok(backend) => backends.push(backend),
                        Err(error) => errors.push(error),
                    }
                }
            }
        }
        if self.probes {
            backends.push(Arc::new(Probes::new(self.targets, self.allowed, clock.clone())));
        }
        if errors.is_empty() { Ok(Backends { backends, servers }) } else { Err(errors) }
    }
}

fn http(
    kind: &'static str,
    name: &str,
    place: Place,
    index: &str,
    repositories: Vec<String>,
    clock: Clock,
) -> Result<Arc<dyn Backend>, String> {
    Ok(match kind {
        prometheus::KIND => Arc::new(Prometheus::new(name, place, clock)?),
        atlas::KIND => Arc::new(Atlas::new(name, index, place, clock)?),
        alertmanager::KIND => Arc::new(Alertmanager::new(name, place, clock)?),
        loki::KIND => Arc::new(Loki::new(name, place, clock)?),
        elasticsearch::KIND | elasticsearch::OPENSEARCH => Arc::new(Elasticsearch::new(kind, name, index, place, clock)?),
        victorialogs::KIND => Arc::new(VictoriaLogs::new(name, place, clock)?),
        signoz::KIND => Arc::new(Signoz::new(name, place, clock)?),
        datadog::KIND => Arc::new(Datadog::new(name, place, clock)?),
        traces::TEMPO => Arc::new(Tempo::new(name, place, clock)?),
        traces::JAEGER => Arc::new(Jaeger::new(name, place, clock)?),
        deployments::GITHUB | deployments::GITLAB => Arc::new(Deployments::new(kind, name, repositories, place, clock)?),
        _ => return Err(format!("sources.{kind}: is not a kind of system that is known")),
    })
}
