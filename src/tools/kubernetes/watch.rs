//! A mirror of the kinds that every investigation wants: listed once, then kept by a watch, so that an investigation of a warm
//! process asks the API server for almost nothing. Objects are kept as compact text: parsed they would take five times as much.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    client::Client,
    kinds::{DEPLOYMENTS, EVENTS, Kind, NODES, PODS, REPLICA_SETS, SERVICES, SLICES},
    lists::{self, Listed, Which, complete},
};
use crate::tools::{ToolError, ToolErrorKind};

/// What is mirrored.
const WATCHED: &[Kind] = &[PODS, NODES, EVENTS, DEPLOYMENTS, REPLICA_SETS, SERVICES, SLICES];
/// A kind with more objects is not mirrored: memory has a bound, and such clusters are asked by namespace.
const OBJECTS_MAX: usize = 50_000;
/// After so long without a living watch a mirror is not believed any more.
const STALE: Duration = Duration::from_secs(30);
/// How long one watch is asked for. Source: client-go asks for 5 to 10 minutes, so that no connection lives for ever.
const WATCH_SECONDS: u64 = 300;
/// The first pause after a failure; each further one is twice as long, up to the last.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The longest line of a watch: an object has at most 1.5 MiB.
const LINE_MAX: usize = 4 << 20;
const TOOL: &str = "kubernetes_watch";

type Key = (String, String);

/// One kind's objects.
#[derive(Default)]
struct Kept {
    objects: BTreeMap<Key, Box<str>>,
    /// The watch lived then; `None` before the first list, or after the mirror was given up.
    alive: Option<Instant>,
}

/// All mirrored kinds of a cluster.
#[derive(Default)]
pub struct Mirror {
    kinds: HashMap<Kind, RwLock<Kept>>,
}

impl Mirror {
    pub fn new() -> Self {
        Self { kinds: WATCHED.iter().map(|kind| (*kind, RwLock::default())).collect() }
    }

    /// What a list would give, where the mirror is fresh and knows how to choose.
    pub fn get(&self, kind: Kind, which: &Which) -> Option<Listed> {
        if which.metadata_only || !which.labels.is_empty() {
            return None;
        }
        let conditions: Vec<(&str, &str)> = which
            .fields
            .split(',')
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').filter(|(field, _)| !field.ends_with('!')))
            .collect::<Option<_>>()?;
        let kept = self.kinds.get(&kind)?.read().unwrap_or_else(PoisonError::into_inner);
        if kept.alive.is_none_or(|alive| alive.elapsed() > STALE) {
            return None;
        }
        let from = (which.namespace.clone().unwrap_or_default(), String::new());
        let within = |key: &Key| which.namespace.as_ref().is_none_or(|namespace| *namespace == key.0);
        let named = conditions.iter().find(|(field, _)| *field == "metadata.name").map(|(_, name)| *name);
        let mut listed = Listed::default();
        for (_, text) in
            kept.objects.range(from..).take_while(|(key, _)| within(key)).filter(|(key, _)| named.is_none_or(|name| name == key.1))
        {
            let Ok(object) = serde_json::from_str::<Value>(text) else { continue };
            if conditions.iter().all(|(field, value)| is(&object, field, value)) && !(which.unwell_only && lists::is_well(&object)) {
                if listed.items.len() >= lists::OBJECTS_MAX {
                    listed.truncated = true;
                    break;
                }
                listed.items.push(object);
            }
        }
        Some(listed)
    }

    /// Whether every kind has been listed and is watched.
    pub fn is_warm(&self) -> bool {
        self.kinds.values().all(|kept| kept.read().unwrap_or_else(PoisonError::into_inner).alive.is_some())
    }

    /// Keeps the mirror until the future is dropped.
    pub async fn keep(&self, client: &Arc<Client>) {
        join_all(WATCHED.iter().map(|kind| self.follow(client, *kind))).await;
    }

    async fn follow(&self, client: &Arc<Client>, kind: Kind) {
        let mut pause = PAUSE;
        loop {
            let began = Instant::now();
            if let Err(error) = self.mirrored(client, kind).await {
                if error.kind == ToolErrorKind::PermissionDenied || error.kind == ToolErrorKind::NotFound {
                    tracing::info!(%error, "not mirrored; it is listed when it is needed");
                    return;
                }
                tracing::debug!(%error, "a mirror is begun again");
            }
            if began.elapsed() > PAUSE_MAX {
                pause = PAUSE;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Lists the kind and follows its changes until the watch is lost.
    async fn mirrored(&self, client: &Arc<Client>, kind: Kind) -> Result<(), ToolError> {
        let Some(kept) = self.kinds.get(&kind) else { return Ok(()) };
        let (objects, mut version) = self.listed(client, kind).await?;
        {
            let mut kept = kept.write().unwrap_or_else(PoisonError::into_inner);
            kept.objects = objects;
            kept.alive = Some(Instant::now());
        }
        loop {
            let began = Instant::now();
            let watched = self.watched(client, kind, kept, &version).await?;
            if began.elapsed() < PAUSE {
                // A server that ends every watch at once is not asked in a hot loop.
                tokio::time::sleep(PAUSE).await;
            }
            match watched {
                Some(newer) => version = newer,
                // What happened meanwhile is gone: it is listed anew.
                None => return Ok(()),
            }
        }
    }

    async fn listed(&self, client: &Arc<Client>, kind: Kind) -> Result<(BTreeMap<Key, Box<str>>, String), ToolError> {
        let mut objects = BTreeMap::new();
        let mut next = String::new();
        loop {
            let page = client.get(TOOL, &lists::address(kind, &Which::default(), &next), "application/json").await?;
            let (items, token, version) =
                lists::read(kind, &page.body).map_err(|error| ToolError::new(TOOL, error, ToolErrorKind::BadAnswer))?;
            objects.extend(items.into_iter().map(|item| (key(&item), item.to_string().into_boxed_str())));
            if objects.len() > OBJECTS_MAX {
                return Err(ToolError::new(
                    TOOL,
                    format!("there are more than {OBJECTS_MAX} {}", kind.plural),
                    ToolErrorKind::PermissionDenied,
                ));
            }
            if token.is_empty() {
                return Ok((objects, version));
            }
            next = token;
        }
    }

    /// One watch from `version` to its end: the version to go on from, or nothing where that is too old.
    async fn watched(&self, client: &Arc<Client>, kind: Kind, kept: &RwLock<Kept>, version: &str) -> Result<Option<String>, ToolError> {
        let path =
            format!("{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}", kind.path(None));
        let response = client.open(TOOL, &path, "application/json").await?;
        if !response.status().is_success() {
            let kind = if response.status().as_u16() == 403 { ToolErrorKind::PermissionDenied } else { ToolErrorKind::Unavailable };
            return if response.status().as_u16() == 410 {
                Ok(None)
            } else {
                Err(ToolError::new(TOOL, format!("the watch was refused ({})", response.status()), kind))
            };
        }
        let mut version = version.to_owned();
        let mut chunks = response.into_body().into_data_stream();
        let mut held = Vec::new();
        loop {
            // A watch that is silent is alive as long as its connection is; the server ends it after its time.
            let chunk = tokio::time::timeout(STALE / 3, chunks.next()).await;
            kept.write().unwrap_or_else(PoisonError::into_inner).alive = Some(Instant::now());
            match chunk {
                Err(_) => continue,
                Ok(None | Some(Err(_))) => return Ok(Some(version)),
                Ok(Some(Ok(chunk))) => held.extend_from_slice(&chunk),
            }
            while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = held.drain(..=end).collect();
                match apply(kind, kept, &line) {
                    Some(newer) if !newer.is_empty() => version = newer,
                    Some(_) => {}
                    None => return Ok(None),
                }
            }
            if held.len() > LINE_MAX {
                return Err(ToolError::new(TOOL, "a line of the watch is too long", ToolErrorKind::BadAnswer));
            }
        }
    }
}

/// Does what a line of a watch says: the version that it leads to, nothing where the watch is over.
fn apply(kind: Kind, kept: &RwLock<Kept>, line: &[u8]) -> Option<String> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Some(String::new());
    }
    let mut said: Value = serde_json::from_slice(line).ok()?;
    let what = said.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let object = said.get_mut("object").map(Value::take)?;
    let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut kept = kept.write().unwrap_or_else(PoisonError::into_inner);
    match what.as_str() {
        "ADDED" | "MODIFIED" => {
            let object = complete(kind, object);
            if kept.objects.len() < OBJECTS_MAX {
                kept.objects.insert(key(&object), object.to_string().into_boxed_str());
            }
        }
        "DELETED" => drop(kept.objects.remove(&key(&object))),
        "BOOKMARK" => {}
        _ => return None,
    }
    Some(version)
}

fn key(object: &Value) -> Key {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/metadata/namespace"), text("/metadata/name"))
}

fn is(object: &Value, field: &str, value: &str) -> bool {
    object.pointer(&format!("/{}", field.replace('.', "/"))).and_then(Value::as_str).unwrap_or_default() == value
}
