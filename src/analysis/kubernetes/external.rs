//! Services as doors: names of other places, and traffic from outside that only some nodes take.

use std::collections::BTreeSet;

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{flag, list, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// How many ExternalNames are followed.
const STEPS: usize = 10;

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for service in look.cluster.all("Service") {
        if service.text("/spec/type") == "ExternalName" {
            alias(look, service, out);
        } else {
            local_only(look, service, out);
        }
    }
}

fn finding(look: &Look<'_>, service: &Thing<'_>, category: Category, statement: String) -> Finding {
    Finding::new(category, Role::Cause, service.entity(), statement.clone())
        .strength(0.8)
        .saw(look.field(service, statement))
        .prevent("resolve and call every Service once from inside of the cluster after a change")
}

/// The Service of this cluster that an external name means.
fn inside(name: &str) -> Option<(&str, &str)> {
    let mut labels = name.trim_end_matches('.').split('.');
    let (service, namespace) = (labels.next()?, labels.next()?);
    (labels.next() == Some("svc")).then_some((namespace, service))
}

/// An alias of a Service that is not there, or of itself.
fn alias(look: &Look<'_>, service: &Thing<'_>, out: &mut Checked) {
    let mut at = service;
    let mut seen = BTreeSet::from([service.path()]);
    for _ in 0..STEPS {
        let name = at.text("/spec/externalName").to_owned();
        let Some((namespace, target)) = inside(&name) else { return };
        let Some(next) = look.cluster.get("Service", namespace, target) else {
            if look.cluster.proves_absence("Service", service) {
                let others: Vec<&str> =
                    look.cluster.all("Service").filter(|other| other.namespace == namespace).map(|other| other.name).take(5).collect();
                let has = if others.is_empty() { String::new() } else { format!("; namespace {namespace} has {}", others.join(", ")) };
                out.findings.push(
                    finding(
                        look,
                        service,
                        Category::DnsFailure,
                        format!("Service {} is an ExternalName for {name}, which does not exist{has}", service.path()),
                    )
                    .decisive()
                    .falsifier(format!("{name} resolves inside of the cluster"))
                    .fix(format!(
                        "kubectl edit service {}{}   # spec.externalName",
                        service.name,
                        in_namespace(&service.namespace)
                    )),
                );
            }
            return;
        };
        if !seen.insert(next.path()) {
            out.findings.push(
                finding(
                    look,
                    service,
                    Category::DnsFailure,
                    format!(
                        "Service {} is an ExternalName that leads back to itself: a loop of {}",
                        service.path(),
                        seen.iter().cloned().collect::<Vec<_>>().join(" and ")
                    ),
                )
                .decisive()
                .falsifier("the name resolves to an address")
                .fix(format!("point spec.externalName of {} at the real host", service.path())),
            );
            return;
        }
        if next.text("/spec/type") != "ExternalName" {
            return;
        }
        at = next;
    }
}

/// `externalTrafficPolicy: Local` drops what reaches a node without a ready pod of the Service.
fn local_only(look: &Look<'_>, service: &Thing<'_>, out: &mut Checked) {
    if service.text("/spec/externalTrafficPolicy") != "Local" {
        return;
    }
    let slices = look
        .cluster
        .all("EndpointSlice")
        .filter(|slice| slice.namespace == service.namespace && slice.text("/metadata/labels/kubernetes.io~1service-name") == service.name);
    let mut with: BTreeSet<&str> = slices
        .flat_map(|slice| slice.list("/endpoints"))
        .filter(|end| flag(end, "/conditions/ready") != Some(false))
        .map(|end| text(end, "/nodeName"))
        .collect();
    if let Some(endpoints) = look.cluster.get("Endpoints", &service.namespace, service.name) {
        with.extend(
            endpoints.list("/subsets").iter().flat_map(|subset| list(subset, "/addresses")).map(|address| text(address, "/nodeName")),
        );
    }
    with.remove("");
    let without: Vec<&str> = look.cluster.all("Node").map(|node| node.name).filter(|name| !with.contains(name)).collect();
    // a load balancer with health checks leaves these nodes out; a node's own port has none
    let asked = ["load balancer", "node port", "nodeport", "external", "half", "some", "intermittent", "time out", "timeout", "timed out"]
        .iter()
        .any(|word| look.focus.text.to_lowercase().contains(word));
    if with.is_empty() || without.is_empty() || !asked {
        return;
    }
    out.findings.push(
        finding(
            look,
            service,
            Category::NoEndpoints,
            format!(
                "Service {} has externalTrafficPolicy Local and ready pods on {} only: traffic that reaches {} is dropped",
                service.path(),
                with.iter().copied().collect::<Vec<_>>().join(", "),
                without.iter().take(5).copied().collect::<Vec<_>>().join(", ")
            ),
        )
        .falsifier("the load balancer's health check (healthCheckNodePort) leaves the nodes without a pod out")
        .fix("let the load balancer probe healthCheckNodePort, spread the pods over the nodes, or use externalTrafficPolicy Cluster"),
    );
}
