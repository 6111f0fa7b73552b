//! What different alerts can have in common, strongest first: the reason for which they are one incident.

use crate::model::{Alert, Incident, Origin};

/// How many keys an incident keeps: those of its first alert, then the services that joined.
const KEYS_MAX: usize = 40;
/// Longer names come from nobody's cluster.
const NAME_MAX: usize = 200;

/// One thing that an alert can share with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// As it is stored: `service:prod/shop/checkout`.
    pub stored: String,
    /// As people read it: `same service shop/checkout`.
    pub reason: String,
    /// It says little by itself: only within one channel.
    pub weak: bool,
    /// It holds for as long as the incident is open, not only within the window.
    pub lasting: bool,
}

/// In a storm alerts are grouped more broadly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broad<'a> {
    pub storm: &'a str,
    /// There are so many incidents already that what is left goes into one.
    pub full: bool,
}

/// The keys of an alert, strongest first. Every key names the cluster, so that nothing joins across clusters. The
/// namespace alone is none: half a company lives in `default`.
///
/// `together`: what the sender's group is known by, where it came as one delivery.
pub fn of(alert: &Alert, together: Option<&str>) -> Vec<Key> {
    let mut keys = Vec::new();
    let cluster = clip(&alert.cluster);
    let mut add = |kind: &str, rest: String, reason: String, weak: bool| {
        keys.push(Key { stored: format!("{kind}:{cluster}/{rest}"), reason, weak, lasting: false });
    };
    let namespace = clip(&alert.namespace);
    let node = node(alert);
    if !alert.service.is_empty() && Some(alert.service.as_str()) != node {
        let service = placed(namespace, clip(&alert.service));
        add("service", format!("{namespace}/{}", clip(&alert.service)), format!("same service {service}"), false);
    }
    if let Some(node) = node {
        add("node", clip(node).to_owned(), format!("same node {}", clip(node)), false);
    } else if !alert.resource.is_empty() && !namespace.is_empty() {
        let resource = clip(&alert.resource);
        add("object", format!("{namespace}/{resource}"), format!("same object {}", placed(namespace, resource)), false);
    }
    if !namespace.is_empty() && !alert.name.is_empty() {
        let name = clip(&alert.name);
        add("name", format!("{namespace}/{name}"), format!("same alert {name} in namespace {namespace}"), true);
    }
    if let Some(together) = together {
        // A group that mixes names and namespaces says only that the sender groups everything.
        for shared in [name_of(alert), namespace].into_iter().filter(|shared| !shared.is_empty()) {
            add("group", format!("{together}/{shared}"), "same group of the sender".to_owned(), true);
        }
    }
    keys
}

/// The broader keys of a storm: one incident for each cluster and alert name, then one for all the others.
pub fn broad(alert: &Alert, storm: Broad<'_>) -> Vec<Key> {
    let (id, cluster, name) = (storm.storm, clip(&alert.cluster), name_of(alert));
    let place = if cluster.is_empty() { String::new() } else { format!(" in cluster {cluster}") };
    let mut keys = vec![Key {
        stored: format!("storm:{id}/{cluster}/{name}"),
        reason: format!("same alert {name}{place}"),
        weak: true,
        lasting: true,
    }];
    if storm.full {
        keys.push(Key { stored: others(id), reason: "one of the others".to_owned(), weak: true, lasting: true });
    }
    keys
}

/// The key of a storm's incident for all the others.
pub fn others(storm: &str) -> String {
    format!("storm:{storm}/others")
}

/// Remembers what an alert that joined brings: its service. Its node and its name it does not bring, or one alert after
/// the other would chain a whole cluster together.
pub fn extend(incident: &mut Incident, alert: &Alert) {
    for key in of(alert, None).into_iter().filter(|key| key.stored.starts_with("service:")) {
        if incident.keys.len() < KEYS_MAX && !incident.keys.contains(&key.stored) {
            incident.keys.push(key.stored);
        }
    }
}

/// The node that the alert is about or that its object runs on; `None` when it does not say. The address of an exporter
/// is not the address of what it reports, so `instance` counts only where the exporter runs on the node.
fn node(alert: &Alert) -> Option<&str> {
    let label = |name: &str| alert.labels.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let named = ["node", "nodename", "kubernetes_node", "node_name", "hostname", "host"].into_iter().find_map(label);
    let from_node = label("job").is_some_and(|job| job.contains("node-exporter") || job.contains("node_exporter") || job == "kubelet");
    let instance = label("instance").filter(|_| from_node).map(|instance| instance.rsplit_once(':').map_or(instance, |(host, _)| host));
    let about_node = alert.namespace.is_empty() && alert.name.to_lowercase().contains("node");
    named.or(instance).or_else(|| Some(alert.resource.as_str()).filter(|resource| about_node && !resource.is_empty()))
}

fn name_of(alert: &Alert) -> &str {
    clip(&alert.name)
}

fn placed(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn clip(text: &str) -> &str {
    text.char_indices().nth(NAME_MAX).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// What a storm's alerts may have in common, in words: its node, service, namespace, cluster.
pub fn in_common(alert: &Alert) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(node) = node(alert) {
        out.push(format!("node {}", clip(node)));
    }
    if !alert.service.is_empty() {
        out.push(format!("service {}", placed(clip(&alert.namespace), clip(&alert.service))));
    }
    if !alert.namespace.is_empty() {
        out.push(format!("namespace {}", clip(&alert.namespace)));
    }
    if !alert.cluster.is_empty() {
        out.push(format!("cluster {}", clip(&alert.cluster)));
    }
    out
}

/// Where an alert would be shown: the channel of its message, or the one for webhooks.
pub fn channel<'a>(alert: &'a Alert, configured: &'a str) -> &'a str {
    match &alert.origin {
        Origin::Slack { channel, .. } => channel,
        Origin::Webhook => configured,
    }
}
