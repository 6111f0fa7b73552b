//! Lists of objects: paged, cut at a limit, each fetched once even when several tools want it at the same moment.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{client::Client, kinds::Kind, watch::Mirror};
use crate::tools::{Cost, ToolError, ToolErrorKind};

/// How many objects a page has: `kubectl`'s 500 doubled, because a page of 1,000 pods has some 4 MiB and calls are what is scarce.
const PAGE: usize = 1_000;
/// How many objects of one list are kept: a larger cluster is asked for by namespace.
pub const OBJECTS_MAX: usize = 10_000;
/// How long a list is good for: the tools of one investigation share it.
const FRESH: Duration = Duration::from_secs(10);
/// How long it is remembered that a group is not served by this cluster.
const ABSENT: Duration = Duration::from_secs(300);
const JSON: &str = "application/json";
/// Names and labels alone: what a Secret holds must not even be sent.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Which objects of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Which {
    /// All where there is none.
    pub namespace: Option<String>,
    pub labels: String,
    pub fields: String,
    /// Without what the objects hold.
    pub metadata_only: bool,
    /// Of pods only those that are not well: what is looked for in a whole cluster.
    pub unwell_only: bool,
}

/// A list.
#[derive(Debug, Default)]
pub struct Listed {
    pub items: Vec<Value>,
    /// There are more.
    pub truncated: bool,
    pub cost: Cost,
}

/// Fetches lists.
pub struct Lists {
    client: Arc<Client>,
    pub mirror: Mirror,
    fresh: Cache<(Kind, Which), Arc<Listed>>,
    absent: Cache<&'static str, ()>,
}

impl Which {
    pub fn within(namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()).filter(|name| !name.is_empty()), ..Self::default() }
    }

    #[must_use]
    pub fn fields(mut self, fields: impl Into<String>) -> Self {
        self.fields = fields.into();
        self
    }

    #[must_use]
    pub fn labels(mut self, labels: impl Into<String>) -> Self {
        self.labels = labels.into();
        self
    }

    #[must_use]
    pub fn unwell(mut self) -> Self {
        self.unwell_only = true;
        self
    }

    /// As a person would say it.
    pub fn words(&self, kind: &Kind) -> String {
        let mut out = kind.plural.to_owned();
        if let Some(namespace) = &self.namespace {
            out.push_str(&format!(" -n {namespace}"));
        } else if kind.namespaced {
            out.push_str(" -A");
        }
        if !self.labels.is_empty() {
            out.push_str(&format!(" -l {}", self.labels));
        }
        if !self.fields.is_empty() {
            out.push_str(&format!(" --field-selector {}", self.fields));
        }
        out
    }
}

impl Lists {
    pub fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            mirror: Mirror::new(),
            fresh: Cache::builder().max_capacity(128).time_to_live(FRESH).build(),
            absent: Cache::builder().max_capacity(64).time_to_live(ABSENT).build(),
        }
    }

    /// The list; an empty one where this cluster does not serve the kind's group. Whether it was asked for now comes with it.
    ///
    /// # Errors
    /// When it cannot be had at all.
    pub async fn get(&self, tool: &str, kind: Kind, which: Which) -> Result<Arc<Listed>, ToolError> {
        if self.absent.contains_key(kind.group) {
            return Ok(Arc::default());
        }
        if let Some(listed) = self.mirror.get(kind, &which) {
            return Ok(Arc::new(listed));
        }
        let fetched = self.fresh.try_get_with((kind, which.clone()), async { self.fetch(tool, kind, &which).await.map(Arc::new) }).await;
        match fetched {
            Ok(listed) => Ok(listed),
            // Only groups that not every cluster has; of the others a 404 is an error.
            Err(error) if error.kind == ToolErrorKind::NotFound && is_optional(&kind) => {
                self.absent.insert(kind.group, ()).await;
                Ok(Arc::default())
            }
            Err(error) => Err(ToolError::clone(&error)),
        }
    }

    async fn fetch(&self, tool: &str, kind: Kind, which: &Which) -> Result<Listed, ToolError> {
        let mut listed = Listed::default();
        let mut next = String::new();
        let mut again = true;
        loop {
            let page = match self.client.get(tool, &address(kind, which, &next), if which.metadata_only { METADATA } else { JSON }).await {
                Ok(page) => page,
                // The list's snapshot is gone (410): it is begun once more, then what was read has to do.
                Err(error) if !next.is_empty() && error.kind == ToolErrorKind::NotFound && again => {
                    again = false;
                    listed.items.clear();
                    next.clear();
                    continue;
                }
                Err(error) if !listed.items.is_empty() => {
                    tracing::debug!(%error, "the rest of a list is missing");
                    listed.truncated = true;
                    break;
                }
                Err(error) => return Err(error),
            };
            listed.cost += Cost { calls: 1, bytes: page.body.len() as u64 };
            if page.truncated {
                return Err(ToolError::new(
                    tool,
                    format!("{} in one page are more than is read", which.words(&kind)),
                    ToolErrorKind::BadAnswer,
                ));
            }
            let unwell_only = which.unwell_only;
            let read = tokio::task::spawn_blocking(move || {
                let mut page = read(kind, &page.body);
                if let (true, Ok((items, ..))) = (unwell_only, &mut page) {
                    items.retain(|pod| !is_well(pod));
                }
                page
            })
            .await;
            let (mut items, token, _) = read.map_err(|error| error.to_string()).and_then(|read| read).map_err(|error| {
                ToolError::new(tool, format!("{}: the answer is no list ({error})", which.words(&kind)), ToolErrorKind::BadAnswer)
            })?;
            listed.items.append(&mut items);
            next = token;
            if next.is_empty() {
                break;
            }
            if listed.items.len() >= OBJECTS_MAX {
                listed.truncated = true;
                break;
            }
        }
        Ok(listed)
    }
}

pub fn address(kind: Kind, which: &Which, next: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("limit", &PAGE.to_string());
    for (name, value) in [("labelSelector", &which.labels), ("fieldSelector", &which.fields)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    if !next.is_empty() {
        query.append_pair("continue", next);
    }
    format!("{}?{}", kind.path(which.namespace.as_deref()), query.finish())
}

/// The objects of a page, the token of the next and the list's version; the objects with the kind that typed lists leave out, and without the parts that nobody reads.
pub fn read(kind: Kind, body: &[u8]) -> Result<(Vec<Value>, String, String), String> {
    let mut page: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let next = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
    let version = page.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else {
        return if page.get("items").is_some_and(Value::is_null) {
            Ok((Vec::new(), next, version))
        } else {
            Err("it has no items".to_owned())
        };
    };
    let items = items.into_iter().map(|item| complete(kind, item));
    Ok((items.collect(), next, version))
}

/// An object as a list shows it, whole and lean.
pub fn complete(kind: Kind, mut item: Value) -> Value {
    if let Some(object) = item.as_object_mut() {
        object.insert("kind".to_owned(), Value::from(kind.kind));
        object.insert("apiVersion".to_owned(), Value::from(kind.api_version()));
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("managedFields");
        }
        if kind.kind == "Node"
            && let Some(status) = object.get_mut("status").and_then(Value::as_object_mut)
        {
            // Hundreds of names of images that are on its disk.
            status.shift_remove("images");
        }
    }
    item
}

/// A pod that runs as it should, or has done its work.
pub fn is_well(pod: &Value) -> bool {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
    let statuses =
        ["/status/containerStatuses", "/status/initContainerStatuses"].iter().filter_map(|path| pod.pointer(path)?.as_array()).flatten();
    let mut restarted_or_unready = statuses.filter(|status| {
        let done = status.pointer("/state/terminated/exitCode").and_then(Value::as_i64) == Some(0);
        let ready = status.get("ready").and_then(Value::as_bool).unwrap_or(false);
        !(ready || done) || status.pointer("/lastState/terminated").is_some()
    });
    match phase {
        "Succeeded" => true,
        "Running" => restarted_or_unready.next().is_none() && pod.pointer("/metadata/deletionTimestamp").is_none(),
        _ => false,
    }
}

/// A cluster may well not serve it.
fn is_optional(kind: &Kind) -> bool {
    !["", "apps", "batch", "policy", "networking.k8s.io", "discovery.k8s.io", "storage.k8s.io", "autoscaling"].contains(&kind.group)
}
