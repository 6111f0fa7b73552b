//! Where the subject lives: an alert may name a pod or a service and no namespace.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::{
    Kubernetes,
    kinds::{DEPLOYMENTS, PODS, SERVICES, STATEFUL_SETS},
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
        Ok(Vec::new())
    }
}

fn places(items: &[serde_json::Value]) -> Vec<String> {
    let namespaces: BTreeSet<&str> = items.iter().filter_map(|item| item.pointer("/metadata/namespace")?.as_str()).collect();
    namespaces.into_iter().take(NAMESPACES_MAX).map(str::to_owned).collect()
}

/// RFC 1123: anything else would be refused as a field selector, or find nothing.
fn is_kubernetes_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}
