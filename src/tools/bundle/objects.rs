//! Kubernetes objects as the API, `kubectl -o json|yaml`, `cluster-info dump` and must-gather write them.

use jiff::Timestamp;
use serde_json::Value;

use super::secrets;
use crate::model::{
    Entity,
    observation::{Event, Object, Observations},
};

/// Reads one JSON or YAML document; `false` when it is no Kubernetes object.
pub fn read(source: &str, value: &Value, out: &mut Observations) -> bool {
    if let Some(items) = value.as_array() {
        if items.is_empty() || !items.iter().all(is_object) {
            return false;
        }
        for item in items {
            read(source, item, out);
        }
        return true;
    }
    let kind = text(value, "/kind");
    if let Some(items) = value.get("items").and_then(Value::as_array) {
        let Some(item_kind) = kind.strip_suffix("List") else { return false };
        let version = text(value, "/apiVersion");
        for item in items {
            single(source, item, item_kind, version, out);
        }
        return true;
    }
    if !is_object(value) {
        return false;
    }
    single(source, value, kind, "", out);
    true
}

fn is_object(value: &Value) -> bool {
    let named = value.pointer("/metadata/name").or_else(|| value.pointer("/metadata/generateName")).is_some();
    !text(value, "/kind").is_empty() && (named || text(value, "/kind").ends_with("List") && value.get("items").is_some())
}

fn single(source: &str, value: &Value, list_kind: &str, list_version: &str, out: &mut Observations) {
    let own = text(value, "/kind");
    let kind = if own.is_empty() { list_kind } else { own };
    if kind.is_empty() || !value.is_object() {
        return;
    }
    if kind == "Event" {
        out.events.push(event(source, value));
        return;
    }
    if kind.ends_with("List") && value.get("items").is_some() {
        read(source, value, out);
        return;
    }
    let own_version = text(value, "/apiVersion");
    let name = [text(value, "/metadata/name"), text(value, "/metadata/generateName")].into_iter().find(|name| !name.is_empty());
    let mut body = value.clone();
    if kind == "Secret" {
        secrets::close(&mut body);
    }
    out.objects.push(Object {
        source: source.to_owned(),
        api_version: if own_version.is_empty() { list_version } else { own_version }.to_owned(),
        kind: kind.to_owned(),
        namespace: text(value, "/metadata/namespace").to_owned(),
        name: name.unwrap_or_default().to_owned(),
        cluster: String::new(),
        body,
        partial: false,
    });
}

/// An Event of `v1` or `events.k8s.io/v1`.
fn event(source: &str, value: &Value) -> Event {
    let object = if value.get("involvedObject").is_some() { "/involvedObject" } else { "/regarding" };
    let at = |path: &str| time(text(value, path));
    let namespace = [text(value, &format!("{object}/namespace")), text(value, "/metadata/namespace")];
    let kind = text(value, &format!("{object}/kind"));
    let cluster_wide = kind == "Node" || kind == "PersistentVolume" || kind == "Namespace";
    let first = at("/firstTimestamp")
        .or_else(|| at("/deprecatedFirstTimestamp"))
        .or_else(|| at("/eventTime"))
        .or_else(|| at("/metadata/creationTimestamp"));
    let last = at("/series/lastObservedTime")
        .or_else(|| at("/lastTimestamp"))
        .or_else(|| at("/deprecatedLastTimestamp"))
        .or_else(|| at("/eventTime"))
        .or(first);
    let count = ["/series/count", "/count", "/deprecatedCount"].iter().find_map(|path| value.pointer(path).and_then(Value::as_u64));
    let message = [text(value, "/message"), text(value, "/note")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let reporter = ["/source/component", "/reportingComponent", "/reportingController"]
        .iter()
        .map(|path| text(value, path))
        .find(|text| !text.is_empty());
    Event {
        source: source.to_owned(),
        entity: Entity {
            kind: kind.to_owned(),
            namespace: if cluster_wide {
                String::new()
            } else {
                namespace.into_iter().find(|ns| !ns.is_empty()).unwrap_or_default().to_owned()
            },
            name: text(value, &format!("{object}/name")).to_owned(),
            cluster: String::new(),
        },
        event_type: text(value, "/type").to_owned(),
        reason: text(value, "/reason").to_owned(),
        message: message.to_owned(),
        reporter: reporter.unwrap_or_default().to_owned(),
        count: count.unwrap_or(1).max(1),
        first,
        last,
        age_seconds: None,
    }
}

/// The string at `path`, or nothing.
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// An RFC 3339 instant.
pub fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}
