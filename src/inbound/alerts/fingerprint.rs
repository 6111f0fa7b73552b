//! One hash per problem: the same for firing, repeat and resolved.

use sha2::{Digest, Sha256};

use crate::model::Alert;

/// Labels that say how it is going, not what it is.
#[rustfmt::skip]
const VOLATILE: &[&str] = &[
    "severity", "priority", "status", "state", "value", "reason", "count", "transition", "title", "message", "summary", "description",
    "uid", "prometheus", "prometheus_replica", "replica", "receiver", "__alert_rule_uid__", "grafana_folder", "level", "urgency",
    "event", "action",
];

/// Senders whose labels are the identity of an alert; elsewhere labels are decoration.
const LABELLED: &[&str] = &["alertmanager", "grafana", "prometheus", "api"];

/// A hash over source, cluster, name and identity labels: the same for firing, repeat and resolved.
pub fn fingerprint(alert: &Alert) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    };
    add(&alert.source);
    match alert.labels.get("dedup_key") {
        Some(key) => add(key),
        None => {
            add(&alert.cluster);
            add(&stable_name(&alert.name));
            add(&alert.namespace);
            add(&alert.service);
            add(&alert.resource);
            if LABELLED.contains(&alert.source.as_str()) {
                for (key, value) in &alert.labels {
                    if !VOLATILE.contains(&key.as_str()) && key != "alertname" {
                        add(key);
                        add(value);
                    }
                }
            }
        }
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(16);
    text
}

/// A rule's name as it is; in a sentence, measured values do not count.
fn stable_name(name: &str) -> String {
    if !name.contains(' ') {
        return name.to_owned();
    }
    name.split(' ')
        .map(|word| if word.starts_with(|c: char| c.is_ascii_digit()) { "#" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}
