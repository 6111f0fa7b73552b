//! Services: is anything behind them, and do the ports meet?

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{flag, int, list, map, text},
};
use crate::{
    analysis::{Finding, Role, Seen},
    model::{Category, EvidenceKind},
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    let mut healthy = 0_usize;
    for service in look.cluster.all("Service") {
        let before = out.findings.len();
        let behind = endpoints(look, service);
        if service.text("/spec/type") == "ExternalName" || is_leader_lease(look, service) {
            continue;
        }
        without_endpoints(look, service, &behind, out);
        ports(look, service, out);
        load_balancer(look, service, out);
        warned(look, service, out);
        if out.findings.len() == before && behind.ready > 0 {
            healthy += 1;
        }
    }
    if healthy > 0 {
        out.ruled_out.push(format!("{healthy} service(s) have ready endpoints"));
    }
}

/// What stands behind a service, by Endpoints and EndpointSlices.
#[derive(Debug, Default)]
struct Behind {
    known: bool,
    ready: usize,
    not_ready: usize,
    not_ready_pods: Vec<String>,
}

fn endpoints(look: &Look<'_>, service: &Thing<'_>) -> Behind {
    let mut behind = Behind::default();
    if let Some(endpoints) = look.cluster.get("Endpoints", &service.namespace, service.name) {
        behind.known = true;
        for subset in endpoints.list("/subsets") {
            behind.ready += list(subset, "/addresses").len();
            for address in list(subset, "/notReadyAddresses") {
                behind.not_ready += 1;
                let pod = text(address, "/targetRef/name");
                behind.not_ready_pods.push(if pod.is_empty() { text(address, "/ip").to_owned() } else { pod.to_owned() });
            }
        }
    }
    let slices = look.cluster.all("EndpointSlice").filter(|slice| slice.namespace == service.namespace);
    for slice in slices.filter(|slice| slice.text("/metadata/labels/kubernetes.io~1service-name") == service.name) {
        // Slices mirror the Endpoints: counted only where those are not in the evidence.
        let mirrored = behind.known && look.cluster.get("Endpoints", &service.namespace, service.name).is_some();
        behind.known = true;
        for endpoint in slice.list("/endpoints").iter().filter(|_| !mirrored) {
            if flag(endpoint, "/conditions/ready") == Some(false) {
                behind.not_ready += 1;
                behind.not_ready_pods.push(text(endpoint, "/targetRef/name").to_owned());
            } else {
                behind.ready += list(endpoint, "/addresses").len().max(1);
            }
        }
    }
    behind
}

/// Objects that only hold a leader's name have endpoints without addresses on purpose.
fn is_leader_lease(look: &Look<'_>, service: &Thing<'_>) -> bool {
    let leader = "/metadata/annotations/control-plane.alpha.kubernetes.io~1leader";
    look.cluster.get("Endpoints", &service.namespace, service.name).is_some_and(|endpoints| !endpoints.text(leader).is_empty())
}

fn selector_words(service: &Thing<'_>) -> String {
    map(&service.body, "/spec/selector")
        .map(|labels| {
            labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
        })
        .unwrap_or_default()
}

fn selected<'s>(look: &'s Look<'_>, service: &Thing<'_>) -> Vec<&'s Thing<'s>> {
    let Some(selector) = map(&service.body, "/spec/selector").filter(|labels| !labels.is_empty()) else { return Vec::new() };
    look.cluster
        .all("Pod")
        .filter(|pod| {
            pod.namespace == service.namespace
                && selector.iter().all(|(key, value)| pod.labels().and_then(|labels| labels.get(key)) == Some(value))
        })
        .collect()
}

fn without_endpoints(look: &Look<'_>, service: &Thing<'_>, behind: &Behind, out: &mut Checked) {
    let path = service.path();
    let words = selector_words(service);
    if words.is_empty() {
        return;
    }
    let pods = selected(look, service);
    if behind.known && behind.ready == 0 && behind.not_ready > 0 {
        let names = behind.not_ready_pods.join(", ");
        let mut finding = Finding::new(
            Category::NoEndpoints,
            Role::Symptom,
            service.entity(),
            format!("Service {path} has not ready endpoints only: {} pod(s) [{names}] are not ready, 0 are", behind.not_ready),
        )
        .strength(0.7)
        .saw(look.field(service, format!("service {path}: 0 ready and {} not ready endpoints, selector {words}", behind.not_ready)))
        .falsifier("an endpoint of the service is ready")
        .fix(format!("kubectl get endpoints {}{}", service.name, in_namespace(&service.namespace)))
        .prevent("alert on services without a ready endpoint");
        finding = finding.saw_all(
            pods.first()
                .map(|pod| look.field(pod, format!("pod {} behind service {path}: phase {}", pod.path(), pod.text("/status/phase")))),
        );
        out.findings.push(finding);
        return;
    }
    let pods_listed = look.cluster.all("Pod").any(|pod| {
        pod.namespace == service.namespace && pod.labels().is_some_and(|labels| labels.as_object().is_some_and(|map| !map.is_empty()))
    });
    let empty = behind.known && behind.ready == 0 && behind.not_ready == 0;
    if !empty && (behind.known || !pods_listed || !pods.is_empty()) {
        return;
    }
    if !empty && !look.cluster.proves_absence("Pod", service) {
        return;
    }
    // A workload scaled to nothing has no pods to be found, and that is a cause of its own.
    let zero = scaled_to_zero(look, service);
    let near = nearest(look, service);
    let why = match (&zero, &near, pods.is_empty()) {
        (Some(name), _, _) => format!(": {name} is scaled to 0 replicas"),
        (None, Some(near), true) => format!(": no pod has the label {words} that its selector wants (selector mismatch; {near})"),
        (None, None, true) => {
            let elsewhere = elsewhere(look, service)
                .map(|namespace| format!("; pods with it run in namespace {namespace}, and a Service selects in its own only"));
            format!(": no pod has the label {words} that its selector expects{}", elsewhere.unwrap_or_default())
        }
        (None, _, false) => format!(": the {} pod(s) that it selects by {words} are not ready", pods.len()),
    };
    let role = if zero.is_some() || pods.is_empty() { Role::Cause } else { Role::Symptom };
    let finding = Finding::new(Category::NoEndpoints, role, service.entity(), format!("Service {path} has no endpoints{why}"))
        .strength(if pods_listed || empty { 0.85 } else { 0.6 })
        .saw(
            look.field(
                service,
                format!("service {path}: no endpoints, expected pod label {words}, {} pod(s) in the evidence match", pods.len()),
            )
            .decisive(),
        )
        .falsifier("kubectl get endpointslices shows a ready address for the service")
        .fix(format!("kubectl get pods{} -l {words} -o wide", in_namespace(&service.namespace)))
        .fix(format!(
            "kubectl patch service {}{} --type=merge -p '{{\"spec\":{{\"selector\":{{…}}}}}}'   # the labels that the pods have",
            service.name,
            in_namespace(&service.namespace)
        ))
        .prevent("test selector and labels together in CI (helm template + kubeconform, or an e2e request)");
    out.findings.push(if empty && pods_listed { finding.decisive() } else { finding });
}

/// Another namespace whose pods have all the labels.
fn elsewhere(look: &Look<'_>, service: &Thing<'_>) -> Option<String> {
    let selector = map(&service.body, "/spec/selector")?;
    let fits = |pod: &&Thing<'_>| selector.iter().all(|(key, value)| pod.labels().and_then(|labels| labels.get(key)) == Some(value));
    look.cluster.all("Pod").filter(|pod| pod.namespace != service.namespace).find(fits).map(|pod| pod.namespace.clone())
}

fn scaled_to_zero(look: &Look<'_>, service: &Thing<'_>) -> Option<String> {
    let selector = map(&service.body, "/spec/selector")?;
    ["Deployment", "StatefulSet"].iter().flat_map(|kind| look.cluster.all(kind)).find_map(|workload| {
        let labels = workload.body.pointer("/spec/template/metadata/labels");
        let fits = selector.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value));
        (fits && workload.namespace == service.namespace && workload.int("/spec/replicas") == Some(0))
            .then(|| format!("{} {}", workload.kind, workload.path()))
    })
}

/// Pods that carry the selector's key with another value, or a value under another key: what was probably meant.
fn nearest(look: &Look<'_>, service: &Thing<'_>) -> Option<String> {
    let selector = map(&service.body, "/spec/selector")?;
    for pod in look.cluster.all("Pod").filter(|pod| pod.namespace == service.namespace) {
        let labels = pod.labels().and_then(Value::as_object)?;
        for (key, value) in selector {
            let same_key = labels
                .get(key)
                .filter(|found| *found != value && alike(found.as_str().unwrap_or_default(), value.as_str().unwrap_or_default()));
            let same_value = labels.iter().find(|(other, found)| *other != key && *found == value);
            if let Some(found) = same_key {
                return Some(format!("pod {} has {key}={}", pod.name, found.as_str().unwrap_or_default()));
            }
            if let Some((other, found)) = same_value {
                return Some(format!("pod {} has {other}={}", pod.name, found.as_str().unwrap_or_default()));
            }
        }
    }
    None
}

/// One contains the other, or they start alike.
fn alike(a: &str, b: &str) -> bool {
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    a.contains(b) || b.contains(a) || common >= 4
}

/// `targetPort` names or numbers a port that no container of the selected pods declares.
fn ports(look: &Look<'_>, service: &Thing<'_>, out: &mut Checked) {
    let pods = selected(look, service);
    let mut declared: BTreeSet<i64> = BTreeSet::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for pod in &pods {
        for port in pod.list("/spec/containers").iter().flat_map(|container| list(container, "/ports")) {
            declared.extend(int(port, "/containerPort"));
            names.insert(text(port, "/name"));
        }
    }
    names.remove("");
    if declared.is_empty() {
        return;
    }
    for port in service.list("/spec/ports") {
        let target = port.get("targetPort").filter(|target| !target.is_null());
        let number = target.map_or_else(|| int(port, "/port"), Value::as_i64);
        let name = target.and_then(Value::as_str).filter(|name| name.parse::<i64>().is_err());
        let wrong = match (number, name) {
            (_, Some(name)) => !names.contains(name) && !pods.iter().all(|pod| pod.partial),
            // A service without targetPort in a table does not show where it goes.
            (Some(number), None) => !declared.contains(&number) && (target.is_some() || !service.partial),
            (None, None) => false,
        };
        if !wrong {
            continue;
        }
        let shown = name.map_or_else(|| number.map(|number| number.to_string()).unwrap_or_default(), str::to_owned);
        let said = declared.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let refused = ["refused", "503", "502", "unreachable", "not respond", "connect", "timeout", "timed out"]
            .iter()
            .any(|word| look.focus.text.to_lowercase().contains(word));
        out.findings.push(
            Finding::new(
                Category::Misconfiguration,
                Role::Cause,
                service.entity(),
                format!("Service {} sends to targetPort {shown}, but the containers that it selects listen on {said} (port mismatch): connections are refused", service.path()),
            )
            // Declaring a port is documentation only: the program may listen elsewhere.
            .strength(if name.is_some() || refused { 0.85 } else { 0.55 })
            .saw(look.field(service, format!("service {}: targetPort {shown}; containerPort(s) of its pods: {said}", service.path())))
            .saw_all(pods.first().map(|pod| Seen::new(EvidenceKind::Condition, pod.source, pod.entity(), format!("pod {} declares containerPort {said}", pod.path()))))
            .falsifier(format!("a connection to port {shown} of the pod is accepted"))
            .fix(format!("kubectl edit service {}{}   # set targetPort to {said}", service.name, in_namespace(&service.namespace)))
            .prevent("name the container's port and let the service use the name"),
        );
    }
}

/// A Warning event about the service itself, of a kind that no check knows.
fn warned(look: &Look<'_>, service: &Thing<'_>, out: &mut Checked) {
    let events = look.cluster.events_of(service);
    let known = ["SyncLoadBalancerFailed", "EnsureLoadBalancerFailed", "CreatingLoadBalancerFailed"];
    let fits = |event: &&&crate::model::observation::Event| {
        event.event_type == "Warning" && !known.contains(&event.reason.as_str()) && look.is_recent(event)
    };
    let Some(event) = events.iter().rev().find(fits) else { return };
    let words = super::value::short(&event.message, 180);
    out.findings.push(
        Finding::new(
            Category::NetworkFault,
            Role::Symptom,
            service.entity(),
            format!("Service {} has event {}: {words}", service.path(), event.reason),
        )
        .strength(0.4)
        .saw(look.event(service, event))
        .falsifier("the event does not come again")
        .fix(format!("kubectl describe service {}{}", service.name, in_namespace(&service.namespace))),
    );
}

fn load_balancer(look: &Look<'_>, service: &Thing<'_>, out: &mut Checked) {
    if service.text("/spec/type") != "LoadBalancer" {
        return;
    }
    let none = service.list("/status/loadBalancer/ingress").is_empty() && ["", "<pending>"].contains(&service.text("/status/externalIP"));
    let event = look.recent(service, &["SyncLoadBalancerFailed", "EnsureLoadBalancerFailed", "CreatingLoadBalancerFailed"]);
    let told = service.text("/status/externalIP") == "<pending>" || event.is_some();
    if !none || !told {
        return;
    }
    let why = event.map(|event| format!(": {}", super::value::short(&event.message, 160))).unwrap_or_default();
    let mut finding = Finding::new(
        Category::NetworkFault,
        Role::Cause,
        service.entity(),
        format!("Service {} of type LoadBalancer gets no external address (pending){why}", service.path()),
    )
    .strength(0.7)
    .saw(look.field(service, format!("service {}: type LoadBalancer, no address in status.loadBalancer", service.path())))
    .falsifier("status.loadBalancer.ingress has an address")
    .fix(format!("kubectl describe service {}{}", service.name, in_namespace(&service.namespace)));
    if let Some(event) = event {
        finding = finding.saw(look.event(service, event)).decisive();
    }
    out.findings.push(finding);
}
