//! What a statement is about: a pod, a node, a database, a service.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One object of the running system, named as its own platform names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Entity {
    /// Kubernetes' own kind (`Pod`, `Deployment`, `Node`…), or `Service`, `Database`, `Host`, `Change` for the rest; empty when unknown.
    pub kind: String,
    /// Empty for cluster-wide and non-Kubernetes objects.
    pub namespace: String,
    pub name: String,
    /// Empty when there is only one, or it is unknown.
    pub cluster: String,
}

impl Entity {
    /// An entity without a cluster.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned(), cluster: String::new() }
    }

    /// Nothing is known about which object is meant.
    pub fn is_empty(&self) -> bool {
        self.name.is_empty() && self.namespace.is_empty()
    }

    /// `namespace/name`, or the name alone where there is no namespace.
    pub fn path(&self) -> String {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name) }
    }
}

impl fmt::Display for Entity {
    /// `pod shop/checkout-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind.is_empty() { f.write_str(&self.path()) } else { write!(f, "{} {}", self.kind.to_lowercase(), self.path()) }
    }
}
