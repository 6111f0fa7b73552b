//! What an investigation is told of a cluster: first what is always telling, then what that points at.

use serde_json::Value;

use super::{
    Kubernetes,
    kinds::{
        ATTACHMENTS, AUTOSCALERS, BUDGETS, CLAIMS, CONFIG_MAPS, CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, EVENTS, GATEWAYS, HTTP_ROUTES,
        INGRESS_CLASSES, INGRESSES, JOBS, Kind, LIMIT_RANGES, MUTATING, NODE_METRICS, NODES, POD_METRICS, PODS, POLICIES, QUOTAS,
        REPLICA_SETS, SERVICES, SLICES, STATEFUL_SETS, STORAGE_CLASSES, VALIDATING, VOLUMES,
    },
    lists::{Listed, Which},
};
use crate::{
    model::observation::{Object, Observations},
    tools::{
        Output, Query, ToolError,
        live::{Gathering, Subject},
    },
};

/// Words that make a kind worth asking for when an event or a condition says them.
const POINTERS: &[(&[&str], &[Kind])] = &[
    (&["volume", "persistentvolumeclaim", "mount", "attach", "provision"], &[CLAIMS, VOLUMES, STORAGE_CLASSES, ATTACHMENTS]),
    (&["quota", "limitrange", "maximum cpu", "maximum memory", "minimum cpu", "minimum memory"], &[QUOTAS, LIMIT_RANGES]),
    (&["webhook", "admission"], &[VALIDATING, MUTATING]),
    (&["evict", "disruption budget", "cordon", "drain", "unschedulable"], &[BUDGETS]),
    (&["configmap", "couldn't find key"], &[CONFIG_MAPS]),
];
/// Above so many events only the warnings are read.
const EVENTS_ALL: usize = 2_000;

impl Kubernetes {
    /// The subject's workloads and what they point at.
    pub(super) async fn objects(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let subject = Subject::of(&query);
        let namespaces = self.namespaces(tool, &subject).await?;
        let mut gathering = Gathering::default();
        let mut first = vec![(NODES, Which::default())];
        for which in within(&namespaces) {
            // In a whole cluster only what is not well is of interest, and who owns it is told by its name.
            match which.namespace {
                Some(_) => first.extend([PODS, DEPLOYMENTS, REPLICA_SETS, AUTOSCALERS].map(|kind| (kind, which.clone()))),
                None => first.push((PODS, which.unwell())),
            }
        }
        if namespaces.is_empty() && !subject.nodes.is_empty() {
            // A sick node: what runs on it, and not the whole cluster.
            first.retain(|(kind, _)| *kind == NODES);
            let on = subject.nodes.iter().map(|node| (PODS, Which::default().fields(format!("spec.nodeName={node}"))));
            first.extend(on);
        }
        self.list_all(tool, first, &mut gathering).await;
        let events =
            self.events_of(tool, &namespaces, &subject).await.into_iter().filter_map(|(_, _, listed)| listed.ok()).collect::<Vec<_>>();
        let further = pointed_at(gathering.observations(), &events);
        let mut second = Vec::new();
        for kind in further {
            if kind.namespaced {
                second.extend(within(&namespaces).filter(|which| which.namespace.is_some()).map(|which| (kind, which)))
            } else {
                second.push((kind, Which::default()))
            }
        }
        self.list_all(tool, second, &mut gathering).await;
        if let Some(said) = self.not_looked_at(tool, &subject).await {
            gathering.observations().gaps.push(said);
        }
        gathering.finish()
    }

    /// What lies between two programs.
    pub(super) async fn network(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let subject = Subject::of(&query);
        let namespaces = self.namespaces(tool, &subject).await?;
        let mut gathering = Gathering::default();
        let mut wanted = Vec::new();
        let asked_for = !subject.is_empty();
        for which in within(&namespaces).filter(|which| which.namespace.is_some()) {
            wanted.extend([SERVICES, SLICES, INGRESSES].map(|kind| (kind, which.clone())));
            if asked_for {
                wanted.extend([POLICIES, GATEWAYS, HTTP_ROUTES].map(|kind| (kind, which.clone())));
            }
        }
        // Where nobody said what is sick, a sick cluster DNS is found like everything else: by its warnings.
        if asked_for {
            wanted.push((CONFIG_MAPS, Which::within("kube-system").fields("metadata.name=coredns")));
            wanted.push((PODS, Which::within("kube-system").labels("k8s-app=kube-dns")));
        }
        self.list_all(tool, wanted, &mut gathering).await;
        if gathering.observations().objects.iter().any(|object| object.kind == "Ingress") {
            self.list_all(tool, vec![(INGRESS_CLASSES, Which::default())], &mut gathering).await;
        }
        gathering.finish()
    }

    /// The events around the subject, and the warnings about nodes.
    pub(super) async fn events(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let subject = Subject::of(&query);
        let namespaces = self.namespaces(tool, &subject).await?;
        let mut gathering = Gathering::default();
        for (kind, which, answer) in self.events_of(tool, &namespaces, &subject).await {
            match answer {
                Ok(listed) => self.add(&mut gathering, kind, &which, &listed),
                Err(error) => gathering.failed(error),
            }
        }
        gathering.finish()
    }

    async fn events_of(
        &self,
        tool: &str,
        namespaces: &[String],
        subject: &Subject,
    ) -> Vec<(Kind, Which, Result<std::sync::Arc<Listed>, ToolError>)> {
        // Where nobody said what is sick, the warnings of everywhere have been read already.
        let everywhere = namespaces.is_empty() || subject.is_empty();
        let mut wanted: Vec<Which> = if everywhere {
            vec![Which::default().fields("type=Warning")]
        } else {
            namespaces.iter().map(|namespace| Which::within(namespace)).collect()
        };
        if !everywhere {
            let node = subject.nodes.first().map_or_else(String::new, |node| format!(",involvedObject.name={node}"));
            wanted.push(Which::within("default").fields(format!("involvedObject.kind=Node{node}")));
        }
        let answers = futures_util::future::join_all(wanted.into_iter().map(|which| async {
            let listed = self.lists.get(tool, EVENTS, which.clone()).await;
            match listed {
                // A sea of news: only the warnings.
                Ok(listed) if listed.items.len() > EVENTS_ALL && which.fields.is_empty() => {
                    let which = which.fields("type=Warning");
                    let warnings = self.lists.get(tool, EVENTS, which.clone()).await;
                    (EVENTS, which, warnings)
                }
                listed => (EVENTS, which, listed),
            }
        }));
        answers.await
    }

    /// What pods and nodes use, as far as metrics-server says.
    pub(super) async fn usage(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let subject = Subject::of(&query);
        let namespaces = self.namespaces(tool, &subject).await?;
        let mut gathering = Gathering::default();
        let mut wanted = Vec::new();
        if !subject.is_empty() {
            wanted.extend(namespaces.iter().map(|namespace| (POD_METRICS, Which::within(namespace))));
        }
        wanted.push((NODE_METRICS, Which::default()));
        self.list_all(tool, wanted, &mut gathering).await;
        let used: Vec<Object> = gathering.observations().objects.drain(..).map(as_used).collect();
        gathering.observations().objects = used;
        gathering.finish()
    }
}

fn within(namespaces: &[String]) -> impl Iterator<Item = Which> + '_ {
    let all = namespaces.is_empty().then(Which::default);
    namespaces.iter().map(|namespace| Which::within(namespace)).chain(all)
}

/// The kinds that what was seen asks for.
fn pointed_at(seen: &Observations, events: &[std::sync::Arc<Listed>]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut add = |kind: Kind| {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    };
    for object in &seen.objects {
        for owner in object.body.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten() {
            match owner.get("kind").and_then(Value::as_str) {
                Some("StatefulSet") => add(STATEFUL_SETS),
                Some("DaemonSet") => add(DAEMON_SETS),
                Some("Job") => {
                    add(JOBS);
                    add(CRON_JOBS);
                }
                _ => {}
            }
        }
        if object.kind == "Pod" && object.body.pointer("/status/phase").and_then(Value::as_str) == Some("Pending") && claims(&object.body) {
            [CLAIMS, VOLUMES, STORAGE_CLASSES].into_iter().for_each(&mut add);
        }
        let blocked = object.body.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true);
        if object.kind == "Node" && blocked {
            add(BUDGETS);
        }
    }
    let mut said = String::new();
    let warnings =
        events.iter().flat_map(|listed| &listed.items).filter(|event| event.get("type").and_then(Value::as_str) == Some("Warning"));
    for event in warnings {
        for field in ["reason", "message"] {
            said.push_str(&event.get(field).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase());
            said.push('\n');
        }
    }
    let conditions = seen
        .objects
        .iter()
        .filter(|object| object.kind != "Pod")
        .filter_map(|object| object.body.pointer("/status/conditions")?.as_array())
        .flatten();
    for condition in conditions {
        said.push_str(&condition.get("message").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase());
        said.push('\n');
    }
    for (words, wanted) in POINTERS {
        if words.iter().any(|word| said.contains(word)) {
            wanted.iter().copied().for_each(&mut add);
        }
    }
    kinds
}

fn claims(pod: &Value) -> bool {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    volumes.into_iter().flatten().any(|volume| volume.get("persistentVolumeClaim").is_some() || volume.get("ephemeral").is_some())
}

/// PodMetrics as the checks know `kubectl top`: the pod, in part, with what it uses.
fn as_used(mut object: Object) -> Object {
    let kind = if object.kind == "PodMetrics" { "Pod" } else { "Node" };
    let usage = match object.body.get("usage") {
        Some(usage) => usage.clone(),
        None => {
            let containers = object.body.get("containers").and_then(Value::as_array).cloned().unwrap_or_default();
            match containers.as_slice() {
                // Of several containers the sum says nothing about one's limit; who has one has all.
                [only] => only.get("usage").cloned().unwrap_or_default(),
                _ => Value::Null,
            }
        }
    };
    object.kind = kind.to_owned();
    object.api_version = "v1".to_owned();
    object.partial = true;
    object.body = serde_json::json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": object.name, "namespace": object.namespace}, "usage": usage});
    object
}
