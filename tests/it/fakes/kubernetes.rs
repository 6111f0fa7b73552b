//! An API server that keeps objects and is as strict as the real one: typed lists without kinds, pages, selectors, watches, 403 and 410;
//! and writes, whose effects come about when a test lets the cluster settle.

// With paths, because the bench takes this file by its path.
#[path = "kubernetes/controller.rs"]
mod controller;
#[path = "kubernetes/discovery.rs"]
mod discovery;
#[path = "kubernetes/evictions.rs"]
mod evictions;
#[path = "kubernetes/hands.rs"]
mod hands;
#[path = "kubernetes/numbered.rs"]
mod numbered;
#[path = "kubernetes/patches.rs"]
mod patches;
#[path = "kubernetes/patching.rs"]
mod patching;
#[path = "kubernetes/pods.rs"]
mod pods;
#[path = "kubernetes/refusals.rs"]
mod refusals;
#[path = "kubernetes/rights.rs"]
mod rights;
#[path = "kubernetes/rules.rs"]
mod rules;
#[path = "kubernetes/writes.rs"]
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use self::rights::User;
pub use self::writes::Write;

/// Group, version, plural, kind, namespaced.
const KINDS: &[(&str, &str, &str, &str, bool)] = &[
    ("", "v1", "pods", "Pod", true),
    ("", "v1", "nodes", "Node", false),
    ("", "v1", "events", "Event", true),
    ("", "v1", "services", "Service", true),
    ("", "v1", "configmaps", "ConfigMap", true),
    ("", "v1", "secrets", "Secret", true),
    ("", "v1", "namespaces", "Namespace", false),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true),
    ("", "v1", "persistentvolumes", "PersistentVolume", false),
    ("", "v1", "resourcequotas", "ResourceQuota", true),
    ("", "v1", "limitranges", "LimitRange", true),
    ("", "v1", "serviceaccounts", "ServiceAccount", true),
    ("apps", "v1", "deployments", "Deployment", true),
    ("apps", "v1", "replicasets", "ReplicaSet", true),
    ("apps", "v1", "statefulsets", "StatefulSet", true),
    ("apps", "v1", "daemonsets", "DaemonSet", true),
    ("apps", "v1", "controllerrevisions", "ControllerRevision", true),
    ("batch", "v1", "jobs", "Job", true),
    ("batch", "v1", "cronjobs", "CronJob", true),
    ("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true),
    ("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true),
    ("networking.k8s.io", "v1", "ingresses", "Ingress", true),
    ("networking.k8s.io", "v1", "ingressclasses", "IngressClass", false),
    ("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", false),
    ("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", false),
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false),
    ("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false),
    ("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", true),
    ("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false),
    ("argoproj.io", "v1alpha1", "applications", "Application", true),
];

/// Which fields may be selected. Source: the API server's own field label conversions.
const POD_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
];
const EVENT_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// Whose the first token is, and what it may do until a test says otherwise.
const USER: &str = "system:serviceaccount:sre:sre-agent";
const READING: &[&str] = &["get,list,watch *"];
/// How much a request may send. Source: the API server's own limit.
const LARGEST: usize = 3 << 20;

type Key = (String, String, String);

#[derive(Default)]
struct Inner {
    version: u64,
    /// By kind, namespace and name, in that order.
    objects: BTreeMap<Key, Arc<Value>>,
    /// What happened, by version: type and object.
    history: Vec<(u64, &'static str, Arc<Value>)>,
    logs: HashMap<(String, String, String, bool), String>,
    forbidden: BTreeSet<(String, String)>,
    absent: BTreeSet<String>,
    failing: HashMap<String, (u16, usize)>,
    hanging: BTreeSet<String>,
    expires: Option<(String, usize)>,
    /// Older continue tokens and watches are gone.
    oldest: u64,
    requests: Vec<String>,
    /// By token.
    users: HashMap<String, User>,
    writes: Vec<Write>,
    /// Resources whose next write is done and never answered.
    lost: BTreeSet<String>,
    /// What `settle` has to roll that has no ReplicaSets.
    changed_templates: BTreeSet<Key>,
    /// Pods that `settle_failing` made.
    sick: BTreeSet<Key>,
    time: Option<Timestamp>,
    names: u64,
}

struct Shared {
    inner: Mutex<Inner>,
    changed: Notify,
    bytes: AtomicU64,
}

/// It ends with the value. Tests change it by hand; clients only as their rights allow.
pub struct FakeCluster {
    pub url: String,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

impl Drop for FakeCluster {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl FakeCluster {
    pub async fn start(token: &str) -> Self {
        let shared = Arc::new(Shared { inner: Mutex::default(), changed: Notify::new(), bytes: AtomicU64::new(0) });
        {
            let mut inner = shared.inner.lock().unwrap();
            inner.version = 1000;
            inner.users.insert(token.to_owned(), User::new(USER, READING));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let running = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, running }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap()
    }

    /// Creates or replaces; a list's items each.
    pub fn put(&self, object: Value) {
        if let Some(items) = object.get("items").and_then(Value::as_array) {
            items.iter().for_each(|item| self.put(item.clone()));
            return;
        }
        let mut object = object;
        let mut inner = self.inner();
        inner.version += 1;
        let version = inner.version;
        let key = key(&object);
        let metadata = object["metadata"].as_object_mut().expect("an object wants metadata");
        metadata.insert("resourceVersion".into(), json!(version.to_string()));
        metadata.entry("uid").or_insert_with(|| json!(format!("uid-{version}")));
        metadata.entry("creationTimestamp").or_insert_with(|| json!("2026-01-15T12:00:00Z"));
        let object = Arc::new(object);
        let what = if inner.objects.insert(key, Arc::clone(&object)).is_some() { "MODIFIED" } else { "ADDED" };
        inner.history.push((version, what, object));
        drop(inner);
        self.shared.changed.notify_waiters();
    }

    pub fn remove(&self, kind: &str, namespace: &str, name: &str) {
        let mut inner = self.inner();
        inner.version += 1;
        let version = inner.version;
        let gone = inner.objects.remove(&(kind.to_owned(), namespace.to_owned(), name.to_owned())).expect("it is there");
        inner.history.push((version, "DELETED", gone));
        drop(inner);
        self.shared.changed.notify_waiters();
    }

    pub fn log(&self, namespace: &str, pod: &str, container: &str, previous: bool, text: &str) {
        self.inner().logs.insert((namespace.to_owned(), pod.to_owned(), container.to_owned(), previous), text.to_owned());
    }

    pub fn forbid(&self, verb: &str, resource: &str) {
        self.inner().forbidden.insert((verb.to_owned(), resource.to_owned()));
    }

    /// Continue tokens and watches of before now are answered with 410.
    pub fn expire(&self) {
        let mut inner = self.inner();
        inner.version += 1;
        inner.oldest = inner.version;
    }

    /// After so many more pages of this kind, continue tokens are too old, once.
    pub fn expire_once_after(&self, resource: &str, pages: usize) {
        self.inner().expires = Some((resource.to_owned(), pages));
    }

    /// The group is not served.
    pub fn without(&self, group: &str) {
        self.inner().absent.insert(group.to_owned());
    }

    pub fn fail_next(&self, resource: &str, status: u16, times: usize) {
        self.inner().failing.insert(resource.to_owned(), (status, times));
    }

    pub fn hang(&self, resource: &str) {
        self.inner().hanging.insert(resource.to_owned());
    }

    /// What was asked, in order.
    pub fn requests(&self) -> Vec<String> {
        self.inner().requests.clone()
    }

    pub fn forget_requests(&self) {
        self.inner().requests.clear();
    }

    pub fn bytes_sent(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }
}

fn key(object: &Value) -> Key {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text("/kind");
    assert!(KINDS.iter().any(|known| known.3 == kind), "the fake does not serve {kind}");
    (kind, text("/metadata/namespace"), text("/metadata/name"))
}

fn status(code: u16, reason: &str, message: String) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code});
    (StatusCode::from_u16(code).unwrap(), [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// A request's path, taken apart.
struct Wanted {
    group: String,
    namespace: Option<String>,
    plural: String,
    name: Option<String>,
    sub: Option<String>,
}

fn taken_apart(path: &str) -> Option<Wanted> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => (String::new(), rest),
        ["apis", group, version, rest @ ..] => {
            KINDS.iter().find(|known| known.0 == *group && known.1 == *version)?;
            ((*group).to_owned(), rest)
        }
        _ => return None,
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        rest => (None, rest),
    };
    let (plural, name, sub) = match rest {
        [plural] => (plural, None, None),
        [plural, name] => (plural, Some((*name).to_owned()), None),
        [plural, name, sub] => (plural, Some((*name).to_owned()), Some((*sub).to_owned())),
        _ => return None,
    };
    Some(Wanted { group, namespace, plural: (*plural).to_owned(), name, sub })
}

async fn answer(State(shared): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let response = match axum::body::to_bytes(body, LARGEST).await {
        Ok(body) => answered(&shared, &query, &parts, body).await,
        Err(_) => status(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {LARGEST}")),
    };
    let length = response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let length = length.or_else(|| axum::body::HttpBody::size_hint(response.body()).exact()).unwrap_or(0);
    shared.bytes.fetch_add(length, Ordering::Relaxed);
    response
}

async fn answered(
    shared: &Arc<Shared>,
    query: &HashMap<String, String>,
    request: &axum::http::request::Parts,
    body: axum::body::Bytes,
) -> Response {
    let path = request.uri.path().to_owned();
    let user = {
        let mut inner = shared.inner.lock().unwrap();
        inner.requests.push(format!("{} {}", request.method, request.uri));
        let presented = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        presented.and_then(|presented| presented.strip_prefix("Bearer ")).and_then(|token| inner.users.get(token).cloned())
    };
    if request.method != "GET" {
        return writes::answered(shared, query, request, body, user).await;
    }
    let Some(user) = user else { return writes::unauthorized() };
    if path == "/version" {
        return axum::Json(json!({"major": "1", "minor": "33", "gitVersion": "v1.33.1"})).into_response();
    }
    let not_found = || status(404, "NotFound", "the server could not find the requested resource".into());
    if let Some(served) = discovery::discovery(&shared.inner.lock().unwrap(), &path) {
        return axum::Json(served).into_response();
    }
    let Some(wanted) = taken_apart(&path) else { return not_found() };
    let Some(kind) = KINDS.iter().find(|known| known.0 == wanted.group && known.2 == wanted.plural) else { return not_found() };
    let accept = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*").to_owned();
    let hangs = {
        let mut inner = shared.inner.lock().unwrap();
        if inner.absent.contains(&wanted.group) {
            return not_found();
        }
        if let Some((code, left)) = inner.failing.get_mut(&wanted.plural).filter(|(_, left)| *left > 0) {
            *left -= 1;
            return status(*code, "InternalError", "injected".into());
        }
        let verb = match (query.get("watch").map(String::as_str), &wanted.name) {
            (Some("true" | "1"), _) => "watch",
            (_, Some(_)) => "get",
            _ => "list",
        };
        let resource = wanted.sub.as_ref().map_or_else(|| wanted.plural.clone(), |sub| format!("{}/{sub}", wanted.plural));
        if inner.forbidden.contains(&(verb.to_owned(), resource.clone())) || !user.may(verb, &resource, wanted.namespace.as_deref()) {
            let place = wanted
                .namespace
                .as_ref()
                .map_or("at the cluster scope".to_owned(), |namespace| format!("in the namespace \"{namespace}\""));
            let message = format!(
                "{} is forbidden: User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}",
                wanted.plural, user.name, wanted.group
            );
            return status(403, "Forbidden", message);
        }
        inner.hanging.contains(&wanted.plural)
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    if wanted.sub.as_deref() == Some("log") {
        return log(shared, &wanted, query);
    }
    if !["application/json", "*/*"].iter().any(|known| accept.contains(known)) {
        return status(406, "NotAcceptable", format!("only the following media types are accepted: application/json ({accept})"));
    }
    if let Some(name) = &wanted.name {
        let inner = shared.inner.lock().unwrap();
        let key = (kind.3.to_owned(), wanted.namespace.clone().unwrap_or_default(), name.clone());
        return match inner.objects.get(&key) {
            Some(object) if wanted.sub.as_deref() == Some("scale") && kind.0 == "apps" => {
                axum::Json(patching::scale(object)).into_response()
            }
            Some(object) => axum::Json(object.as_ref()).into_response(),
            None => status(404, "NotFound", format!("{} \"{name}\" not found", wanted.plural)),
        };
    }
    let chooses = match Chooses::read(kind.3, query) {
        Ok(chooses) => chooses,
        Err(message) => return status(400, "BadRequest", message),
    };
    if query.get("watch").is_some_and(|word| word == "true" || word == "1") {
        return watch(Arc::clone(shared), kind.3, wanted.namespace, chooses, query);
    }
    list(shared, kind, &wanted, &chooses, query, accept.contains("as=PartialObjectMetadataList"))
}

fn list(
    shared: &Shared,
    kind: &(&str, &str, &str, &str, bool),
    wanted: &Wanted,
    chooses: &Chooses,
    query: &HashMap<String, String>,
    metadata_only: bool,
) -> Response {
    let mut inner = shared.inner.lock().unwrap();
    match &mut inner.expires {
        Some((resource, 0)) if *resource == wanted.plural => {
            inner.expires = None;
            inner.version += 1;
            inner.oldest = inner.version;
        }
        Some((resource, pages)) if *resource == wanted.plural => *pages -= 1,
        _ => {}
    }
    let inner = &*inner;
    let limit = match query.get("limit").map(|limit| limit.parse::<usize>()) {
        None => 0,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => return status(400, "BadRequest", "strconv.ParseInt: parsing limit: invalid syntax".into()),
    };
    let after = match query.get("continue").filter(|token| !token.is_empty()) {
        None => None,
        Some(token) => {
            let read = BASE64_STANDARD.decode(token).ok().and_then(|bytes| serde_json::from_slice::<(u64, String, String)>(&bytes).ok());
            let Some((version, namespace, name)) = read else {
                return status(400, "BadRequest", "continue key is not valid: invalid continue token".into());
            };
            if version < inner.oldest {
                return status(410, "Expired", "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.".into());
            }
            Some((namespace, name))
        }
    };
    let mut items = Vec::new();
    let mut next = String::new();
    for ((_, namespace, name), object) in
        inner.objects.range((kind.3.to_owned(), String::new(), String::new())..).take_while(|((known, ..), _)| known == kind.3)
    {
        if wanted.namespace.as_ref().is_some_and(|wanted| wanted != namespace)
            || after.as_ref().is_some_and(|after| (namespace, name) <= (&after.0, &after.1))
            || !chooses.fits(object)
        {
            continue;
        }
        if limit > 0 && items.len() == limit {
            let last: &Value = items.last().unwrap();
            let token = json!([inner.version, last["metadata"]["namespace"].as_str().unwrap_or_default(), last["metadata"]["name"]]);
            next = BASE64_STANDARD.encode(token.to_string());
            break;
        }
        items.push(typed(object, metadata_only));
    }
    let mut metadata = json!({"resourceVersion": inner.version.to_string()});
    if !next.is_empty() {
        metadata["continue"] = json!(next);
    }
    let (kind, version) = if metadata_only {
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
    } else {
        (format!("{}List", kind.3), if kind.0.is_empty() { kind.1.to_owned() } else { format!("{}/{}", kind.0, kind.1) })
    };
    let body = json!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": items}).to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// As a list shows an object: without kind and version.
fn typed(object: &Value, metadata_only: bool) -> Value {
    if metadata_only {
        return json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]});
    }
    let mut object = object.clone();
    let fields: &mut Map<String, Value> = object.as_object_mut().unwrap();
    fields.remove("kind");
    fields.remove("apiVersion");
    object
}

fn watch(
    shared: Arc<Shared>,
    kind: &'static str,
    namespace: Option<String>,
    chooses: Chooses,
    query: &HashMap<String, String>,
) -> Response {
    let from: u64 = query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
    let seconds: u64 = query.get("timeoutSeconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(1800);
    let ends = tokio::time::Instant::now() + Duration::from_secs(seconds);
    let stream = futures_util::stream::unfold((shared, from, false), move |(shared, from, over)| {
        let (namespace, chooses) = (namespace.clone(), chooses.clone());
        async move {
            if over {
                return None;
            }
            loop {
                let waits = shared.changed.notified();
                let found = {
                    let inner = shared.inner.lock().unwrap();
                    if from != 0 && from < inner.oldest {
                        let gone = json!({"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "too old resource version", "reason": "Expired", "code": 410}});
                        return Some((Ok::<_, std::io::Error>(format!("{gone}\n")), (Arc::clone(&shared), from, true)));
                    }
                    inner.history.iter().find(|(version, ..)| *version > from).cloned()
                };
                if let Some((version, what, object)) = found {
                    let fits = object["kind"] == kind
                        && namespace.as_ref().is_none_or(|namespace| object["metadata"]["namespace"] == *namespace)
                        && chooses.fits(&object);
                    let line = if fits { format!("{}\n", json!({"type": what, "object": *object})) } else { String::new() };
                    return Some((Ok(line), (shared.clone(), version, false)));
                }
                tokio::select! {
                    () = waits => {}
                    () = tokio::time::sleep_until(ends) => return None,
                }
            }
        }
    });
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(stream)).into_response()
}

fn log(shared: &Shared, wanted: &Wanted, query: &HashMap<String, String>) -> Response {
    let inner = shared.inner.lock().unwrap();
    let (namespace, pod) = (wanted.namespace.clone().unwrap_or_default(), wanted.name.clone().unwrap_or_default());
    let Some(object) = inner.objects.get(&("Pod".to_owned(), namespace.clone(), pod.clone())) else {
        return status(404, "NotFound", format!("pods \"{pod}\" not found"));
    };
    let names: Vec<&str> =
        object["spec"]["containers"].as_array().into_iter().flatten().filter_map(|container| container["name"].as_str()).collect();
    let container = match query.get("container") {
        Some(container) if names.contains(&container.as_str()) => container.clone(),
        Some(container) => return status(400, "BadRequest", format!("container {container} is not valid for pod {pod}")),
        None if names.len() == 1 => names[0].to_owned(),
        None => {
            return status(
                400,
                "BadRequest",
                format!("a container name must be specified for pod {pod}, choose one of: [{}]", names.join(" ")),
            );
        }
    };
    let previous = query.get("previous").is_some_and(|word| word == "true");
    let Some(text) = inner.logs.get(&(namespace, pod.clone(), container.clone(), previous)) else {
        let message = if previous {
            format!("previous terminated container \"{container}\" in pod \"{pod}\" not found")
        } else {
            format!("container \"{container}\" in pod \"{pod}\" is waiting to start: ContainerCreating")
        };
        return status(400, "BadRequest", message);
    };
    let lines: Vec<&str> = text.lines().collect();
    let tail: usize = query.get("tailLines").and_then(|lines| lines.parse().ok()).unwrap_or(usize::MAX);
    let kept = lines[lines.len().saturating_sub(tail)..].join("\n");
    let limit: usize = query.get("limitBytes").and_then(|bytes| bytes.parse().ok()).unwrap_or(usize::MAX);
    let cut = kept.len().min(limit);
    ([(header::CONTENT_TYPE, "text/plain")], format!("{}\n", &kept[..cut])).into_response()
}

/// What a request's selectors choose.
#[derive(Clone, Default)]
struct Chooses {
    fields: Vec<(String, bool, String)>,
    labels: Vec<(String, &'static str, Vec<String>)>,
}

impl Chooses {
    fn read(kind: &str, query: &HashMap<String, String>) -> Result<Self, String> {
        let mut chooses = Self::default();
        let known: &[&str] = match kind {
            "Pod" => POD_FIELDS,
            "Event" => EVENT_FIELDS,
            "Node" => &["metadata.name", "spec.unschedulable"],
            _ => &["metadata.name", "metadata.namespace"],
        };
        for part in query.get("fieldSelector").into_iter().flat_map(|text| text.split(',')).filter(|part| !part.is_empty()) {
            let (field, equal, value) = if let Some((field, value)) = part.split_once("!=") {
                (field, false, value)
            } else if let Some((field, value)) = part.split_once('=') {
                (field, true, value.trim_start_matches('='))
            } else {
                return Err(format!("invalid selector: '{part}'; can't understand '{part}'"));
            };
            if !known.contains(&field) {
                return Err(format!("field label not supported: {field}"));
            }
            chooses.fields.push((field.to_owned(), equal, value.to_owned()));
        }
        for part in query.get("labelSelector").into_iter().flat_map(|text| text.split(',')).filter(|part| !part.is_empty()) {
            let part = part.trim();
            let (label, operator, values) = if let Some((label, value)) = part.split_once("!=") {
                (label, "!=", vec![value.to_owned()])
            } else if let Some((label, value)) = part.split_once('=') {
                (label, "=", vec![value.trim_start_matches('=').to_owned()])
            } else if let Some(label) = part.strip_prefix('!') {
                (label, "!", Vec::new())
            } else if part.contains([' ', '(', ')']) {
                return Err(format!("unable to parse requirement: {part}"));
            } else {
                (part, "?", Vec::new())
            };
            chooses.labels.push((label.to_owned(), operator, values));
        }
        Ok(chooses)
    }

    fn fits(&self, object: &Value) -> bool {
        let field = |name: &str| {
            let found = object.pointer(&format!("/{}", name.replace('.', "/")));
            found.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let label = |name: &str| object["metadata"]["labels"].get(name).and_then(Value::as_str);
        self.fields.iter().all(|(name, equal, value)| (field(name) == *value) == *equal)
            && self.labels.iter().all(|(name, operator, values)| match *operator {
                "=" => label(name) == values.first().map(String::as_str),
                "!=" => label(name) != values.first().map(String::as_str),
                "!" => label(name).is_none(),
                _ => label(name).is_some(),
            })
    }
}
