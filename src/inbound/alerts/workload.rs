//! Which workload and which object is sick, from labels: never the exporter that reported it.

use std::collections::BTreeMap;

use super::{
    pattern::{Pattern, compile},
    words,
};

/// From an object's name to its workload's.
type Stem = fn(&str) -> String;

/// Labels under one spelling per meaning.
pub(super) struct Known(BTreeMap<String, String>);

impl Known {
    pub(super) fn new(labels: &BTreeMap<String, String>) -> Self {
        let mut known = BTreeMap::new();
        for (key, value) in labels.iter().filter(|(_, value)| !value.trim().is_empty()) {
            known.entry(bare(key)).or_insert_with(|| value.trim().to_owned());
        }
        // A label under its plain name wins over one that only looks like it.
        for (key, value) in labels.iter().filter(|(key, value)| bare(key) == **key && !value.trim().is_empty()) {
            known.insert(key.clone(), value.trim().to_owned());
        }
        Self(known)
    }

    /// The first of `keys` that there is, an `exported_` one before the scraper's own.
    fn find(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.0.get(&format!("exported_{key}")).or_else(|| self.0.get(*key))).map(String::as_str)
    }
}

static POD_OF_REPLICASET: Pattern = Pattern::new(|| compile(r"^(.+?)-[a-z0-9]{6,10}-[a-z0-9]{5}$"));
static POD_OF_SET: Pattern = Pattern::new(|| compile(r"^(.+?)-[0-9]{1,4}$"));
static POD_RANDOM: Pattern = Pattern::new(|| compile(r"^(.+?)-[bcdfghjklmnpqrstvwxz2456789]{5}$"));
static JOB_RUN: Pattern = Pattern::new(|| compile(r"^(.+?)-(?:[0-9]{8,}|[0-9]{4,}-[a-z0-9]{5})$"));
static CLAIM: Pattern = Pattern::new(|| {
    compile(
        r"^(?:[a-z0-9-]*?)(?:data|datadir|storage|store|db|pvc|volume|vol|logs?|wal|backups?|home|disk|claim|pgdata)-(.+?)(?:-[0-9]{1,4})?$",
    )
});
static URL_HOST: Pattern = Pattern::new(|| compile(r"^[a-z][a-z0-9+.-]*://([^/:?#\s]+)"));
static ADDRESS: Pattern = Pattern::new(|| compile(r"^(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-fA-F:]*:[0-9a-fA-F:]*\]?)(?::\d+)?$"));

const PREFIXES: [&str; 9] = ["kube_", "kubernetes_", "k8s_", "k8s.", "kubernetes.", "label_", "tags_", "resource.", "resource_"];

/// `kube_deployment`, `k8s.deployment.name` and `deployment` are one key.
fn bare(key: &str) -> String {
    let mut key = key.trim().to_lowercase();
    for prefix in PREFIXES {
        if let Some(rest) = key.strip_prefix(prefix) {
            key = rest.to_owned();
        }
    }
    for suffix in ["_name", ".name"] {
        if let Some(rest) = key.strip_suffix(suffix)
            && !matches!(rest, "job" | "host" | "")
        {
            key = rest.to_owned();
        }
    }
    key.replace(['-', ' ', '.', '/'], "_")
}

/// A pod's workload: `checkout-6c9f7d8b5-x2x9k` → `checkout`, `mongodb-0` → `mongodb`.
pub(super) fn workload_of_pod(pod: &str) -> String {
    let replica = POD_OF_REPLICASET.captures(pod).filter(|found| {
        let hash = found.get(0).map_or("", |all| all.as_str()).rsplit('-').nth(1).unwrap_or("");
        hash.chars().any(|c| c.is_ascii_digit())
    });
    let stem = replica
        .or_else(|| JOB_RUN.captures(pod))
        .or_else(|| POD_OF_SET.captures(pod))
        .or_else(|| POD_RANDOM.captures(pod))
        .and_then(|found| found.get(1))
        .map_or(pod, |stem| stem.as_str());
    JOB_RUN.captures(stem).and_then(|found| found.get(1)).map_or(stem, |stem| stem.as_str()).to_owned()
}

pub(super) fn looks_like_pod(word: &str) -> bool {
    POD_OF_REPLICASET.is_match(word) && word.rsplit('-').nth(1).is_some_and(|hash| hash.chars().any(|c| c.is_ascii_digit()))
}

/// A claim's workload: `data-mongodb-orders-1` → `mongodb-orders`.
fn workload_of_claim(claim: &str) -> String {
    if let Some(stem) = CLAIM.captures(claim).and_then(|found| found.get(1)) {
        return stem.as_str().to_owned();
    }
    let stem = ["-pvc", "-claim", "-data", "-storage", "-volume"].iter().find_map(|suffix| claim.strip_suffix(suffix)).unwrap_or(claim);
    POD_OF_SET.captures(stem).and_then(|found| found.get(1)).map_or(stem, |stem| stem.as_str()).to_owned()
}

/// `https://shop.example.com/healthz` → `shop`.
pub(super) fn service_of_url(url: &str) -> Option<String> {
    let host = URL_HOST.captures(url)?.get(1)?.as_str();
    if is_address(host) {
        return None;
    }
    host.split('.').find(|part| *part != "www").map(str::to_owned)
}

pub(super) fn is_address(text: &str) -> bool {
    ADDRESS.is_match(text)
}

fn without_port(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => host,
        _ => address,
    }
}

/// The sick workload; empty when the labels do not say.
pub(super) fn service(labels: &Known) -> String {
    let is_workload = |name: &str| !name.is_empty() && !words::is_exporter(name);
    let direct = [
        "deployment",
        "statefulset",
        "daemonset",
        "rollout",
        "deploymentconfig",
        "argo_rollout",
        "cronjob",
        "workload",
        "destination_workload",
        "horizontalpodautoscaler",
        "hpa",
        "scaledobject",
        "poddisruptionbudget",
    ];
    if let Some(name) = labels.find(&direct).filter(|name| is_workload(name)) {
        return name.to_owned();
    }
    let derived: [(&str, Stem); 5] = [
        ("job_name", workload_of_pod),
        ("persistentvolumeclaim", workload_of_claim),
        ("pvc", workload_of_claim),
        ("replicaset", workload_of_pod),
        ("pod", workload_of_pod),
    ];
    for (key, stem) in derived {
        if let Some(name) = labels.find(&[key]).map(stem).filter(|name| is_workload(name)) {
            return name;
        }
    }
    let stated = [
        "service",
        "app",
        "application",
        "app_kubernetes_io",
        "app_kubernetes_io_name",
        "destination_service",
        "microservice",
        "service_name",
        "component",
        "mongodb_cluster",
        "consumergroup",
        "consumer_group",
        "functionname",
        "dbinstanceidentifier",
        "dbclusteridentifier",
        "servicename",
        "project",
    ];
    for key in stated {
        if let Some(name) = labels.find(&[key]).filter(|name| is_workload(name)) {
            return name.split(['.', ',']).next().unwrap_or(name).trim().to_owned();
        }
    }
    let job = labels.find(&["job"]).unwrap_or("");
    let instance = labels.find(&["instance", "target", "url"]).unwrap_or("");
    if let Some(name) = service_of_url(instance) {
        return name;
    }
    if is_workload(job) {
        return job.rsplit_once('/').map_or(job, |(_, last)| last).to_owned();
    }
    if let Some(name) = labels.find(&["container"]).filter(|name| is_workload(name) && *name != "POD") {
        return name.to_owned();
    }
    if let Some(name) = labels.find(&["queue", "topic", "replset", "rs_nm", "database", "datname"]).filter(|name| is_workload(name)) {
        return name.to_owned();
    }
    let host = without_port(instance);
    if !host.is_empty() && !job.is_empty() && !is_address(instance) && !words::is_machine_exporter(job) && !job.contains("kube-state") {
        return host.to_owned();
    }
    String::new()
}

/// The sick object; empty when the labels do not say.
pub(super) fn resource(labels: &Known) -> String {
    let precise = ["persistentvolumeclaim", "pvc", "queue", "consumergroup", "consumer_group", "topic", "pod"];
    // The pod of an exporter of machines only carries the news; its instance is the machine.
    let carries = |pod: &str| words::is_machine_exporter(&workload_of_pod(pod)) && words::is_exporter(&workload_of_pod(pod));
    let machine = labels.find(&["instance", "node"]).is_some_and(|instance| !instance.is_empty());
    if let Some(name) = labels.find(&precise).filter(|name| !(machine && carries(name))) {
        return name.to_owned();
    }
    if let Some(name) = labels.0.get("name").filter(|name| name.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())) {
        return name.clone();
    }
    let objects = [
        "deployment",
        "statefulset",
        "daemonset",
        "job_name",
        "cronjob",
        "horizontalpodautoscaler",
        "hpa",
        "rollout",
        "persistentvolume",
        "node",
        "hostname",
        "host",
        "index",
        "table",
        "database",
        "datname",
        "dbinstanceidentifier",
        "functionname",
        "certificate",
        "domain",
        "url",
        "monitor_url",
        "target",
    ];
    if let Some(name) = labels.find(&objects) {
        return name.to_owned();
    }
    let job = labels.find(&["job"]).unwrap_or("");
    if let Some(instance) = labels.find(&["instance"])
        && !(is_address(instance) && words::is_exporter(job) && !words::is_machine_exporter(job))
    {
        return instance.to_owned();
    }
    labels.find(&["device", "resource", "resource_id"]).unwrap_or("").to_owned()
}

/// What stands for the sick object when neither labels nor text name it: the workload itself.
pub(super) fn vague_resource(labels: &Known) -> String {
    ["container", "service", "app", "job"]
        .iter()
        .filter_map(|key| labels.find(&[key]))
        .find(|name| !name.is_empty() && !words::is_exporter(name))
        .unwrap_or("")
        .to_owned()
}

pub(super) fn namespace(labels: &Known) -> String {
    labels.find(&["namespace", "namespace_name", "destination_workload_namespace", "project_namespace"]).unwrap_or("").to_owned()
}

pub(super) fn cluster(labels: &Known) -> String {
    labels.find(&["cluster", "cluster_id", "clustername", "eks_cluster", "gke_cluster", "aks_cluster"]).unwrap_or("").to_owned()
}
