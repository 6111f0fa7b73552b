//! Where the subject lives: an alert may name a pod or a service and no namespace.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::{
    Kubernetes,
    kinds::{DEPLOYMENTS, EVENTS, PODS, SERVICES, STATEFUL_SETS},
    lists::Which,
};
use crate::tools::{ToolError, live::Subject};

/// How many namespaces one investigation looks into.
const NAMESPACES_MAX: usize = 3;
/// How many of the subject's names are looked for.
const NAMES_MAX: usize = 2;

impl Kubernetes {
    /// The subject's namespaces; none where it has none or cannot be found, so that the whole cluster is looked at.
    pub(super) async fn namespaces(&self, tool: &str, subject: &Subject) -> Result<Vec<String>, ToolError> {
        if !subject.namespace.is_empty() {
            return Ok(vec![subject.namespace.clone()]);
        }
        for pod in subject.pods.iter().take(NAMES_MAX) {
            let found = self.lists.get(tool, PODS, Which::default().fields(format!("metadata.name={pod}"))).await?;
            let found = places(&found.items);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        for service in subject.services.iter().take(NAMES_MAX).filter(|name| is_kubernetes_name(name)) {
            let named = |kind| self.lists.get(tool, kind, Which::default().fields(format!("metadata.name={service}")));
            let answers = join_all([DEPLOYMENTS, STATEFUL_SETS, SERVICES].map(named)).await;
            let found: Vec<_> = answers.into_iter().flatten().flat_map(|listed| places(&listed.items)).collect();
            let found: BTreeSet<String> = found.into_iter().collect();
            if !found.is_empty() {
                return Ok(found.into_iter().take(NAMESPACES_MAX).collect());
            }
        }
        if subject.is_empty() {
            let mut sick = self.sick_namespaces(tool).await?;
            sick.truncate(SICK_MAX);
            return Ok(sick);
        }
        Ok(Vec::new())
    }

    /// Where there is trouble, too, but not looked at; a sentence for the gaps.
    pub(super) async fn not_looked_at(&self, tool: &str, subject: &Subject) -> Option<String> {
        if !subject.is_empty() {
            return None;
        }
        let sick = self.sick_namespaces(tool).await.ok()?;
        let rest: Vec<&str> = sick.iter().skip(SICK_MAX).map(String::as_str).collect();
        let named = rest.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
        let more = if rest.len() > NAMED_MAX { ", …" } else { "" };
        (!rest.is_empty()).then(|| {
            format!("cluster {}: {} more namespaces have warnings and were not looked at: {named}{more}", self.client.cluster(), rest.len())
        })
    }

    /// Where the trouble is, when nobody said, the worst first: by the warnings, and by pods that do not run.
    async fn sick_namespaces(&self, tool: &str) -> Result<Vec<String>, ToolError> {
        let warnings = Which::default().fields("type=Warning");
        let waiting = Which::default().fields("status.phase!=Running,status.phase!=Succeeded");
        let (warnings, waiting) = tokio::join!(self.lists.get(tool, EVENTS, warnings), self.lists.get(tool, PODS, waiting));
        let mut objects: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        let (warnings, waiting) = (warnings?, waiting?);
        let placed = |event: &&serde_json::Value| {
            event.pointer("/involvedObject/namespace").and_then(serde_json::Value::as_str).is_some_and(|name| !name.is_empty())
        };
        for event in warnings.items.iter().filter(placed) {
            let get = |path: &str| event.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default();
            let weight = if GRAVE.iter().any(|word| get("/reason").contains(word)) { 3 } else { 1 };
            let known = objects.entry((get("/involvedObject/namespace"), get("/involvedObject/name"))).or_default();
            *known = weight.max(*known);
        }
        for pod in &waiting.items {
            let get = |path: &str| pod.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default();
            objects.insert((get("/metadata/namespace"), get("/metadata/name")), 3);
        }
        let mut scores: BTreeMap<&str, u32> = BTreeMap::new();
        for ((namespace, _), weight) in &objects {
            // Ten of a sort are not ten times as telling.
            let score = scores.entry(namespace).or_default();
            *score = (*score).max(weight * 100) + 1;
        }
        let mut ranked: Vec<(&str, u32)> = scores.into_iter().collect();
        ranked.sort_by_key(|(namespace, score)| (std::cmp::Reverse(*score), *namespace));
        Ok(ranked.into_iter().map(|(namespace, _)| namespace.to_owned()).collect())
    }
}

/// How many namespaces are looked at when nobody said which.
const SICK_MAX: usize = 2;
/// How many of the others are named.
const NAMED_MAX: usize = 5;
/// Parts of the reasons of events that tell of more than a hiccup.
const GRAVE: &[&str] = &["BackOff", "Failed", "OOM", "Evicted", "NotReady", "Exceeded", "Kill", "Preempt", "Invalid"];

fn places(items: &[serde_json::Value]) -> Vec<String> {
    let namespaces: BTreeSet<&str> = items.iter().filter_map(|item| item.pointer("/metadata/namespace")?.as_str()).collect();
    namespaces.into_iter().take(NAMESPACES_MAX).map(str::to_owned).collect()
}

/// RFC 1123: anything else would be refused as a field selector, or find nothing.
fn is_kubernetes_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}
