//! What the server says that it serves, for clients that ask before they act.

use serde_json::{Value, json};

use super::{Inner, KINDS};

/// The answer to `/api`, `/apis`, `/api/v1` and `/apis/GROUP/VERSION`.
pub fn discovery(inner: &Inner, path: &str) -> Option<Value> {
    let served = || KINDS.iter().filter(|known| !inner.absent.contains(known.0));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})),
        ["apis"] => {
            let mut groups: Vec<(&str, &str)> = served().filter(|known| !known.0.is_empty()).map(|known| (known.0, known.1)).collect();
            groups.push(("authorization.k8s.io", "v1"));
            groups.dedup();
            let groups: Vec<Value> = groups
                .iter()
                .map(|(group, version)| {
                    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
                    json!({"name": group, "versions": [version], "preferredVersion": version})
                })
                .collect();
            Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        ["api", "v1"] => Some(resources("", "v1", served())),
        ["apis", "authorization.k8s.io", "v1"] => {
            let resource = json!({"name": "selfsubjectaccessreviews", "singularName": "selfsubjectaccessreview", "namespaced": false, "kind": "SelfSubjectAccessReview", "verbs": ["create"]});
            Some(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "authorization.k8s.io/v1", "resources": [resource]}))
        }
        ["apis", group, version] if served().any(|known| known.0 == *group && known.1 == *version) => {
            Some(resources(group, version, served()))
        }
        _ => None,
    }
}

fn resources<'a>(
    group: &str,
    version: &str,
    served: impl Iterator<Item = &'a (&'static str, &'static str, &'static str, &'static str, bool)>,
) -> Value {
    let mut all = Vec::new();
    for (_, _, plural, kind, namespaced) in served.filter(|known| known.0 == group && known.1 == version) {
        let resource = |name: String, kind: &str, verbs: &[&str]| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs});
        let verbs: &[&str] = if *kind == "Pod" { &["delete", "get", "list", "patch", "watch"] } else { &["get", "list", "patch", "watch"] };
        let mut own = resource((*plural).to_owned(), kind, verbs);
        own["singularName"] = json!(kind.to_lowercase());
        all.push(own);
        if ["Deployment", "StatefulSet", "ReplicaSet"].contains(kind) {
            let mut scale = resource(format!("{plural}/scale"), "Scale", &["get", "patch"]);
            (scale["group"], scale["version"]) = (json!("autoscaling"), json!("v1"));
            all.push(scale);
        }
        if *kind == "Pod" {
            let mut eviction = resource("pods/eviction".to_owned(), "Eviction", &["create"]);
            (eviction["group"], eviction["version"]) = (json!("policy"), json!("v1"));
            all.push(eviction);
            all.push(resource("pods/log".to_owned(), "Pod", &["get"]));
        }
    }
    let place = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": place, "resources": all})
}
