//! ConfigMaps, service accounts and what pods may do: untidiness, said only where somebody asks what is wrong.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Checked, Look, Thing,
    value::{flag, list, map, text},
};
use crate::model::Category;

/// The API server's limit for one ConfigMap.
const SIZE_LIMIT: usize = 1024 * 1024;
/// Labels of ConfigMaps that a sidecar reads through the API. Source: k8sgpt's exemptions.
const READ_THROUGH_THE_API: &[&str] = &["grafana_dashboard", "grafana_datasource", "prometheus_rule", "fluentd_config"];

pub fn check(look: &Look<'_>, out: &mut Checked) {
    let pods_known = look.cluster.all("Pod").any(|pod| !pod.partial);
    let used = used_by_pods(look);
    for config in look.cluster.all("ConfigMap").filter(|config| !config.partial) {
        let labels = config.labels().and_then(Value::as_object);
        let exempt = config.name == "kube-root-ca.crt"
            || config.name == "openshift-service-ca.crt"
            || labels.is_some_and(|labels| {
                labels.keys().any(|key| READ_THROUGH_THE_API.contains(&key.as_str()) || key.starts_with("k8sgpt.ai/"))
            })
            || !config.text("/metadata/annotations/control-plane.alpha.kubernetes.io~1leader").is_empty()
            || config.namespace.starts_with("kube-");
        if exempt {
            continue;
        }
        let size: usize = ["/data", "/binaryData"]
            .iter()
            .filter_map(|path| map(&config.body, path))
            .flat_map(|data| data.values())
            .filter_map(Value::as_str)
            .map(str::len)
            .sum();
        let empty = ["/data", "/binaryData"].iter().all(|path| map(&config.body, path).is_none_or(serde_json::Map::is_empty));
        if size > SIZE_LIMIT {
            out.findings.push(note(look, config, format!("ConfigMap {} is larger than 1 MiB ({size} bytes)", config.path())));
        } else if empty {
            out.findings.push(note(look, config, format!("ConfigMap {} is empty", config.path())));
        } else if (pods_known || look.cluster.proves_absence("Pod", config))
            && !used.contains(&(config.namespace.clone(), config.name.to_owned()))
        {
            out.findings.push(note(look, config, format!("ConfigMap {} is not used by any pods in the namespace", config.path())));
        }
    }
    security(look, out);
    privileged(look, out);
}

fn note(look: &Look<'_>, thing: &Thing<'_>, statement: String) -> crate::analysis::Finding {
    look.housekeeping(thing, Category::Misconfiguration, statement)
}

fn used_by_pods(look: &Look<'_>) -> BTreeSet<(String, String)> {
    let mut used = BTreeSet::new();
    let templates = ["Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet"]
        .into_iter()
        .flat_map(|kind| look.cluster.all(kind))
        .map(|thing| (thing, "/spec/template/spec"));
    for (thing, path) in look.cluster.all("Pod").map(|pod| (pod, "/spec")).chain(templates) {
        let Some(spec) = thing.body.pointer(path) else { continue };
        let mut add = |name: &str| {
            if !name.is_empty() {
                used.insert((thing.namespace.clone(), name.to_owned()));
            }
        };
        for volume in list(spec, "/volumes") {
            add(text(volume, "/configMap/name"));
            for source in list(volume, "/projected/sources") {
                add(text(source, "/configMap/name"));
            }
        }
        for container in ["/containers", "/initContainers", "/ephemeralContainers"].iter().flat_map(|path| list(spec, path)) {
            for env in list(container, "/env") {
                add(text(env, "/valueFrom/configMapKeyRef/name"));
            }
            for source in list(container, "/envFrom") {
                add(text(source, "/configMapRef/name"));
            }
        }
    }
    used
}

/// Containers that may do anything to their node; those of the system need it.
fn privileged(look: &Look<'_>, out: &mut Checked) {
    let system = |namespace: &str| namespace.starts_with("kube-") || namespace.starts_with("openshift-");
    for pod in look.cluster.all("Pod").filter(|pod| !pod.partial && !system(&pod.namespace)) {
        let names: Vec<&str> = list(&pod.body, "/spec/containers")
            .iter()
            .filter(|container| flag(container, "/securityContext/privileged") == Some(true))
            .map(|container| text(container, "/name"))
            .collect();
        if !names.is_empty() {
            let statement = format!("Pod {} runs privileged container(s), which is a security risk: {}", pod.path(), names.join(", "));
            out.findings.push(look.housekeeping(pod, Category::Misconfiguration, statement));
        }
    }
}

/// Wildcard roles that somebody is bound to.
fn security(look: &Look<'_>, out: &mut Checked) {
    for kind in ["Role", "ClusterRole"] {
        for role in look.cluster.all(kind).filter(|role| !role.partial) {
            let wild = list(&role.body, "/rules")
                .iter()
                .any(|rule| ["/verbs", "/resources"].iter().all(|path| list(rule, path).iter().any(|word| word.as_str() == Some("*"))));
            let bound = ["RoleBinding", "ClusterRoleBinding"]
                .iter()
                .flat_map(|kind| look.cluster.all(kind))
                .any(|binding| binding.text("/roleRef/name") == role.name && binding.text("/roleRef/kind") == kind);
            if wild && bound && kind == "Role" {
                out.findings.push(note(
                    look,
                    role,
                    format!("{kind} {} grants wildcard permissions (* verbs on * resources) and is bound", role.path()),
                ));
            }
        }
    }
}
