//! Istio's objects: subsets that do not exist, faults that were left in, and the two ends of mutual TLS that do not agree.

use serde_json::Value;

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{list, map, selects, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for service in look.cluster.all("VirtualService") {
        unknown_hosts(look, service, out);
        subsets(look, service, out);
        faults(look, service, out);
    }
    for rule in look.cluster.all("DestinationRule") {
        empty_subsets(look, rule, out);
        plaintext(look, rule, out);
    }
    for policy in look.cluster.all("PeerAuthentication") {
        outside(look, policy, out);
    }
    for policy in look.cluster.all("AuthorizationPolicy") {
        refused(look, policy, out);
    }
}

fn finding(look: &Look<'_>, thing: &Thing<'_>, category: Category, strength: f64, statement: String) -> Finding {
    Finding::new(category, Role::Cause, thing.entity(), statement.clone())
        .strength(strength)
        .saw(look.field(thing, statement))
        .fix(format!(
            "istioctl analyze{}; kubectl get {} {}{} -o yaml",
            in_namespace(&thing.namespace),
            thing.kind.to_lowercase(),
            thing.name,
            in_namespace(&thing.namespace)
        ))
        .prevent("run `istioctl analyze` on every change in CI")
}

/// The Service that a host of Istio's means: its short name is of the object's own namespace.
fn host<'h>(host: &'h str, namespace: &'h str) -> (&'h str, &'h str) {
    let mut labels = host.split('.');
    let name = labels.next().unwrap_or("");
    match labels.next() {
        Some(place) if labels.next().is_some_and(|label| label == "svc") => (place, name),
        Some(_) => ("", host),
        None => (namespace, name),
    }
}

fn same_host(a: &str, a_namespace: &str, b: &str, b_namespace: &str) -> bool {
    host(a, a_namespace) == host(b, b_namespace)
}

/// Every destination of a route, mirrors too.
fn destinations<'v>(service: &'v Thing<'_>) -> impl Iterator<Item = &'v Value> {
    let routes = ["/spec/http", "/spec/tcp", "/spec/tls"].into_iter().flat_map(|path| service.list(path));
    routes.flat_map(|route| list(route, "/route").iter().filter_map(|one| one.get("destination")).chain(route.get("mirror")))
}

/// A destination that is no Service of the cluster and no ServiceEntry.
fn unknown_hosts(look: &Look<'_>, service: &Thing<'_>, out: &mut Checked) {
    for destination in destinations(service) {
        let asked = text(destination, "/host");
        let (namespace, name) = host(asked, &service.namespace);
        let entry = look.cluster.all("ServiceEntry").any(|entry| entry.list("/spec/hosts").iter().any(|host| host.as_str() == Some(asked)));
        if namespace.is_empty() || name.is_empty() || entry || look.cluster.get("Service", namespace, name).is_some() {
            continue;
        }
        if !look.cluster.proves_absence("Service", service) {
            continue;
        }
        let others: Vec<&str> =
            look.cluster.all("Service").filter(|other| other.namespace == namespace).map(|other| other.name).take(5).collect();
        let has = if others.is_empty() { String::new() } else { format!("; namespace {namespace} has {}", others.join(", ")) };
        out.findings.push(
            finding(
                look,
                service,
                Category::Gateway,
                0.85,
                format!("VirtualService {} routes to {asked}, which does not exist as a Service (503, flag NC){has}", service.path()),
            )
            .decisive()
            .falsifier(format!("kubectl get service {name}{} finds it", in_namespace(namespace)))
            .fix(format!("route to the Service that is meant, or create {namespace}/{name}")),
        );
    }
}

fn subsets(look: &Look<'_>, service: &Thing<'_>, out: &mut Checked) {
    for destination in destinations(service) {
        let (name, wanted) = (text(destination, "/host"), text(destination, "/subset"));
        if wanted.is_empty() {
            continue;
        }
        let rules: Vec<&Thing<'_>> = look
            .cluster
            .all("DestinationRule")
            .filter(|rule| same_host(name, &service.namespace, rule.text("/spec/host"), &rule.namespace))
            .collect();
        let defined: Vec<&str> = rules.iter().flat_map(|rule| rule.list("/spec/subsets")).map(|subset| text(subset, "/name")).collect();
        if defined.contains(&wanted) || rules.is_empty() && !look.cluster.proves_absence("DestinationRule", service) {
            continue;
        }
        let has = match (rules.first(), defined.is_empty()) {
            (None, _) => "there is no DestinationRule for it".to_owned(),
            (Some(rule), true) => format!("DestinationRule {} defines none", rule.path()),
            (Some(rule), false) => format!("DestinationRule {} defines only {}", rule.path(), defined.join(", ")),
        };
        out.findings.push(
            finding(
                look,
                service,
                Category::Gateway,
                0.85,
                format!(
                    "VirtualService {} routes to subset {wanted} of {name}, which does not exist: {has} (503, flag NC)",
                    service.path()
                ),
            )
            .decisive()
            .falsifier("the proxy's clusters have the subset")
            .fix(format!("define subset {wanted} in the DestinationRule of {name}, or route to one that exists")),
        );
    }
}

fn faults(look: &Look<'_>, service: &Thing<'_>, out: &mut Checked) {
    for fault in service.list("/spec/http").iter().filter_map(|route| route.get("fault")) {
        let share = |path: &str| {
            fault.pointer(path).and_then(Value::as_f64).map(|share| format!(" in {share} % of the requests")).unwrap_or_default()
        };
        let delay = text(fault, "/delay/fixedDelay");
        let status = fault.pointer("/abort/httpStatus").and_then(Value::as_i64);
        let mut parts = Vec::new();
        if !delay.is_empty() {
            parts.push(format!("delays by {delay}{}", share("/delay/percentage/value")));
        }
        if let Some(status) = status {
            parts.push(format!("aborts with {status}{}", share("/abort/percentage/value")));
        }
        if parts.is_empty() {
            continue;
        }
        out.findings.push(
            finding(
                look,
                service,
                Category::Misconfiguration,
                0.85,
                format!("VirtualService {} injects a fault: it {}", service.path(), parts.join(" and ")),
            )
            .decisive()
            .falsifier("a request that skips the proxy is as slow or fails as well")
            .fix(format!("remove spec.http[].fault from VirtualService {}", service.path()))
            .prevent("give fault injections an end: a job that removes them, and a policy that refuses them in production"),
        );
    }
}

fn empty_subsets(look: &Look<'_>, rule: &Thing<'_>, out: &mut Checked) {
    let (namespace, name) = host(rule.text("/spec/host"), &rule.namespace);
    let Some(service) = look.cluster.get("Service", namespace, name) else { return };
    let Some(selector) = service.body.pointer("/spec/selector") else { return };
    if !look.cluster.proves_absence("Pod", rule) {
        return;
    }
    let routed = |subset: &str| {
        look.cluster.all("VirtualService").any(|one| destinations(one).any(|destination| text(destination, "/subset") == subset))
    };
    for subset in rule.list("/spec/subsets").iter().filter(|subset| routed(text(subset, "/name"))) {
        let mut wanted = map(&serde_json::json!({ "s": selector }), "/s").cloned().unwrap_or_default();
        wanted.extend(map(subset, "/labels").into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
        let labels: Vec<String> = map(subset, "/labels")
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect();
        let wanted = serde_json::json!({ "matchLabels": wanted });
        let pods = look.cluster.all("Pod").filter(|pod| pod.namespace == service.namespace && selects(&wanted, pod.labels()));
        if labels.is_empty() || pods.count() > 0 {
            continue;
        }
        out.findings.push(
            finding(
                look,
                rule,
                Category::NoEndpoints,
                0.85,
                format!(
                    "Subset {} of {name} has no pods: none of {}'s pods has the labels {} (503, flag UH)",
                    text(subset, "/name"),
                    service.path(),
                    labels.join(",")
                ),
            )
            .decisive()
            .falsifier("a pod of the Service has these labels and is ready"),
        );
    }
}

/// The mode that holds for a workload: its own, its namespace's, the mesh's.
fn mode(look: &Look<'_>, namespace: &str, labels: Option<&Value>) -> Option<(String, String)> {
    let own = |thing: &Thing<'_>| thing.namespace == namespace;
    let chosen = |thing: &Thing<'_>| thing.body.pointer("/spec/selector").is_some_and(|selector| selects(selector, labels));
    let whole = |thing: &Thing<'_>| thing.body.pointer("/spec/selector").is_none();
    let all: Vec<&Thing<'_>> = look.cluster.all("PeerAuthentication").collect();
    let found = all
        .iter()
        .find(|thing| own(thing) && chosen(thing))
        .or_else(|| all.iter().find(|thing| own(thing) && whole(thing)))
        .or_else(|| all.iter().find(|thing| thing.namespace == "istio-system" && whole(thing)))?;
    Some((found.text("/spec/mtls/mode").to_owned(), found.path()))
}

fn plaintext(look: &Look<'_>, rule: &Thing<'_>, out: &mut Checked) {
    let client = rule.text("/spec/trafficPolicy/tls/mode");
    let (namespace, name) = host(rule.text("/spec/host"), &rule.namespace);
    if client != "DISABLE" {
        return;
    }
    let selector = look.cluster.get("Service", namespace, name).and_then(|service| service.body.pointer("/spec/selector"));
    let Some((server, path)) = mode(look, namespace, selector).filter(|(mode, _)| mode == "STRICT") else { return };
    out.findings.push(
        finding(
            look,
            rule,
            Category::TlsCertificate,
            0.85,
            format!(
                "DestinationRule {} sends plain text to {name} (tls mode DISABLE), and PeerAuthentication {path} takes mutual TLS only ({server}): connections are reset (503, flag UF)",
                rule.path()
            ),
        )
        .decisive()
        .falsifier("the server's proxy accepts plain text")
        .fix(format!("set trafficPolicy.tls.mode to ISTIO_MUTUAL in DestinationRule {}", rule.path())),
    );
}

/// Who calls from outside of the mesh gets his connection reset where only mutual TLS is taken.
fn outside(look: &Look<'_>, policy: &Thing<'_>, out: &mut Checked) {
    if policy.text("/spec/mtls/mode") != "STRICT" {
        return;
    }
    let has_proxy = |pod: &Thing<'_>| {
        let containers = pod.list("/spec/containers").iter().chain(pod.list("/spec/initContainers"));
        containers.into_iter().any(|container| text(container, "/name") == "istio-proxy")
    };
    let injected = |namespace: &str| {
        look.cluster.get("Namespace", "", namespace).is_some_and(|found| {
            found.text("/metadata/labels/istio-injection") == "enabled" || !found.text("/metadata/labels/istio.io~1rev").is_empty()
        })
    };
    for log in look.cluster.logs.iter().filter(|log| !log.entity.name.is_empty()) {
        let Some(pod) = look.cluster.all("Pod").find(|pod| pod.name == log.entity.name) else { continue };
        if has_proxy(pod) || injected(&pod.namespace) {
            continue;
        }
        let reset = |text: &str| text.contains("connection reset") || text.contains("ECONNRESET") || text.contains("Connection reset");
        let names = |text: &str| {
            look.cluster.all("Service").find(|service| {
                let (name, cluster_ip) = (service.name, service.text("/spec/clusterIP"));
                (policy.namespace == "istio-system" || service.namespace == policy.namespace)
                    && (text.contains(&format!("{name}.{}", service.namespace))
                        || service.namespace == pod.namespace && text.contains(&format!("//{name}"))
                        || cluster_ip.len() > 6 && text.contains(cluster_ip))
            })
        };
        let Some((line, service)) =
            log.lines.iter().rev().filter(|line| reset(&line.text)).find_map(|line| Some((line, names(&line.text)?)))
        else {
            continue;
        };
        out.findings.push(
            finding(
                look,
                policy,
                Category::TlsCertificate,
                0.85,
                format!(
                    "PeerAuthentication {} takes mutual TLS only (STRICT), and pod {} has no sidecar: its plain connections to {} are reset",
                    policy.path(),
                    pod.path(),
                    service.path()
                ),
            )
            .decisive()
            .acting_on(pod.entity())
            .saw(
                crate::analysis::Seen::new(crate::model::EvidenceKind::LogPattern, &log.source, pod.entity(), super::value::short(&line.text, 160))
                    .at(line.time, None)
                    .quoting(line.text.clone()),
            )
            .falsifier("the same call from a pod with a sidecar is reset as well")
            .fix(format!("give {} a sidecar, or allow PERMISSIVE for the port that it uses", pod.path())),
        );
        return;
    }
}

/// An ALLOW policy whose rules let in others than the caller, where the proxy said so.
fn refused(look: &Look<'_>, policy: &Thing<'_>, out: &mut Checked) {
    if policy.partial || policy.list("/spec/rules").is_empty() && policy.text("/spec/action") != "DENY" {
        return;
    }
    let said = look.cluster.logs.iter().flat_map(|log| log.lines.iter().map(move |line| (log, line))).find(|(log, line)| {
        let denied = line.text.contains("rbac_access_denied") || line.text.contains("RBAC: access denied");
        let here = log.entity.namespace.is_empty() || log.entity.namespace == policy.namespace;
        let named = line.text.split("rbac_access_denied_matched_policy[").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or("none");
        denied && here && (named == "none" || named.contains(policy.name))
    });
    let Some((log, line)) = said else { return };
    let deny = policy.text("/spec/action") == "DENY";
    let sources: Vec<String> = policy
        .list("/spec/rules")
        .iter()
        .flat_map(|rule| list(rule, "/from"))
        .flat_map(|from| {
            ["/source/principals", "/source/namespaces", "/source/ipBlocks", "/source/requestPrincipals"]
                .iter()
                .flat_map(|path| list(from, path))
        })
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let what = if deny {
        "denies what its rules match".to_owned()
    } else if sources.is_empty() {
        "allows only what its rules match".to_owned()
    } else {
        format!("allows only {}", sources.join(", "))
    };
    out.findings.push(
        finding(
            look,
            policy,
            Category::NetworkPolicy,
            0.85,
            format!("AuthorizationPolicy {} {what}: other requests get 403 (RBAC: access denied)", policy.path()),
        )
        .decisive()
        .acting_on(log.entity.clone())
        .saw(
            crate::analysis::Seen::new(
                crate::model::EvidenceKind::LogPattern,
                &log.source,
                log.entity.clone(),
                super::value::short(&line.text, 160),
            )
            .at(line.time, None)
            .quoting(line.text.clone()),
        )
        .falsifier("the caller's principal is among those that the policy allows")
        .fix(format!("add the caller's principal (cluster.local/ns/NAMESPACE/sa/ACCOUNT) to AuthorizationPolicy {}", policy.path())),
    );
}
