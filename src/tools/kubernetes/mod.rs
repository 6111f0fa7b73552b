//! Kubernetes, live: what is about the subject, in lists and never object by object, with the reasons to look further taken
//! from what was seen.

mod client;
mod gather;
mod kinds;
mod lists;
mod pods;
mod precise;
mod releases;
mod scope;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

pub use client::{Access, Client};

use self::{
    kinds::Kind,
    lists::{Lists, Which},
};
use super::{Asked, Backend, Query, Tool, bundle, live};
use crate::model::{Clock, Finding, observation::Observations};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "kubernetes";

/// One cluster.
pub struct Kubernetes {
    client: Arc<Client>,
    lists: Lists,
    /// Objects carry the cluster's name where there are several.
    named: bool,
    watch: bool,
    clock: Clock,
}

impl Kubernetes {
    /// `named`: there are several clusters, so that objects must say which is theirs; `watch`: a long-lived process keeps a mirror.
    pub fn new(cluster: &str, access: Access, named: bool, watch: bool, clock: Clock) -> Self {
        let client = Arc::new(Client::new(cluster, access));
        Self { lists: Lists::new(Arc::clone(&client)), client, named, watch, clock }
    }

    /// Lists all of these at once; what cannot be had becomes a failure of its own part.
    async fn list_all(&self, tool: &str, wanted: Vec<(Kind, Which)>, gathering: &mut live::Gathering) {
        let answers = join_all(wanted.iter().map(|(kind, which)| self.lists.get(tool, *kind, which.clone()))).await;
        for ((kind, which), answer) in wanted.into_iter().zip(answers) {
            match answer {
                Ok(listed) => self.add(gathering, kind, &which, &listed),
                Err(error) => gathering.failed(error),
            }
        }
    }

    /// Takes a list into an answer.
    fn add(&self, gathering: &mut live::Gathering, kind: Kind, which: &Which, listed: &lists::Listed) {
        let mut found = Observations::default();
        let source = self.source(&which.words(&kind));
        for item in &listed.items {
            bundle::object(&source, item, &mut found);
        }
        if self.named {
            let cluster = self.client.cluster();
            found.objects.iter_mut().for_each(|object| cluster.clone_into(&mut object.cluster));
            found.events.iter_mut().for_each(|event| cluster.clone_into(&mut event.entity.cluster));
        }
        if listed.truncated {
            found.gaps.push(format!("{source}: there are more than {} and only the first were read", listed.items.len()));
            gathering.cut();
        }
        gathering.spent(listed.cost);
        gathering.add(self.asked(source, &which.words(&kind)), found);
    }

    fn source(&self, words: &str) -> String {
        format!("kubernetes {}: {words}", self.client.cluster())
    }

    fn asked(&self, source: String, words: &str) -> Asked {
        Asked { source, query: format!("kubectl get {words} -o json"), ..Asked::default() }
    }
}

#[async_trait]
impl Backend for Kubernetes {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let cluster = self.client.cluster().to_owned();
        let spec = |verb: &str, says: &str| live::spec(KIND, &cluster, verb, says);
        let objects = spec("objects", "The state of the Kubernetes objects around a subject: its pods, what owns them, their nodes, and what the trouble points at (volumes, quotas, webhooks…)").about("kubernetes_objects");
        let network = spec(
            "network",
            "The Kubernetes objects between two programs: Services and their endpoints, Ingresses, Gateways, NetworkPolicies, cluster DNS",
        )
        .about("kubernetes_network");
        let events = spec("events", "The Kubernetes events about a subject and the nodes").about("kubernetes_events");
        let logs =
            spec("pod_logs", "The logs of the subject's containers, the sick ones first, with those of their previous run").about("logs");
        let usage = spec("usage", "What pods and nodes use now, from metrics.k8s.io").about("metrics");
        let changes = spec("changes", "Rollouts with what they changed, and the syncs of Argo CD, Flux and Helm").about("changes");
        let get = spec("get", "Lists the objects of one kind, or reads one of them");
        let log = spec("log", "Reads the log of one container");
        vec![
            live::tool(objects, &self, |this: &Self, tool, query: Query| Box::pin(this.objects(tool, query))),
            live::tool(network, &self, |this: &Self, tool, query: Query| Box::pin(this.network(tool, query))),
            live::tool(events, &self, |this: &Self, tool, query: Query| Box::pin(this.events(tool, query))),
            live::tool(logs, &self, |this: &Self, tool, query: Query| Box::pin(this.logs(tool, query))),
            live::tool(usage, &self, |this: &Self, tool, query: Query| Box::pin(this.usage(tool, query))),
            live::tool(changes, &self, |this: &Self, tool, query: Query| Box::pin(this.changes(tool, query))),
            live::tool(get, &self, |this: &Self, tool, wanted: precise::Get| Box::pin(this.get(tool, wanted))),
            live::tool(log, &self, |this: &Self, tool, wanted: precise::Log| Box::pin(this.log(tool, wanted))),
        ]
    }

    async fn keep_warm(&self) {
        if self.watch {
            self.lists.mirror.keep(&self.client).await;
        }
    }

    fn is_warm(&self) -> bool {
        !self.watch || self.lists.mirror.is_warm()
    }

    /// What may be listed and what not.
    async fn examine(&self) -> Vec<Finding> {
        let what = format!("Kubernetes ({})", self.client.cluster());
        let version = match self.client.get(KIND, "/version", "application/json").await {
            Ok(page) => serde_json::from_slice::<serde_json::Value>(&page.body).ok(),
            Err(error) => return vec![Finding::lacking(what, error.message, "Reports go without Kubernetes until this works.")],
        };
        let version = version.as_ref().and_then(|value| value.get("gitVersion")?.as_str()).unwrap_or("?").to_owned();
        const NEEDED: &[Kind] = &[
            kinds::PODS,
            kinds::NODES,
            kinds::EVENTS,
            kinds::DEPLOYMENTS,
            kinds::REPLICA_SETS,
            kinds::SERVICES,
            kinds::SLICES,
            kinds::CLAIMS,
            kinds::POLICIES,
        ];
        let tried = join_all(NEEDED.iter().map(|kind| async move {
            let path = format!("{}?limit=1", kind.path(None));
            (kind, self.client.get(KIND, &path, "application/json").await)
        }))
        .await;
        let missing: Vec<&str> = tried.iter().filter(|(_, answer)| answer.is_err()).map(|(kind, _)| kind.plural).collect();
        if missing.is_empty() {
            return vec![Finding::fine(what, format!("{version}, and all that is needed may be listed"))];
        }
        vec![Finding::lacking(
            what,
            format!("{version}; not allowed to list {}", missing.join(", ")),
            "Apply deploy/kubernetes/rbac.yaml, or grant `list` on them to the account that is used.",
        )]
    }
}
