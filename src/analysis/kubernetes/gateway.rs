//! Gateway API: classes, gateways, routes.

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{condition, int, list, reason_and_message, selects, short, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for class in look.cluster.all("GatewayClass") {
        gateway_class(look, class, out);
    }
    for gateway in look.cluster.all("Gateway").filter(|gateway| gateway.text("/apiVersion").starts_with("gateway.networking.k8s.io")) {
        one_gateway(look, gateway, out);
    }
    for kind in ["HTTPRoute", "GRPCRoute"] {
        for route in look.cluster.all(kind) {
            parents(look, route, out);
            backends(look, route, out);
        }
    }
}

fn finding(look: &Look<'_>, thing: &Thing<'_>, strength: f64, statement: String) -> Finding {
    Finding::new(Category::Gateway, Role::Cause, thing.entity(), statement.clone())
        .strength(strength)
        .saw(look.field(thing, statement))
        .falsifier("the object's status conditions are all True")
        .fix(format!("kubectl describe {} {}{}", thing.kind.to_lowercase(), thing.name, in_namespace(&thing.namespace)))
        .prevent("alert on Gateway API objects whose Accepted or Programmed condition is not True")
}

fn gateway_class(look: &Look<'_>, class: &Thing<'_>, out: &mut Checked) {
    for condition in class
        .list("/status/conditions")
        .iter()
        .filter(|condition| text(condition, "/type") == "Accepted" && text(condition, "/status") != "True")
    {
        out.findings.push(
            finding(
                look,
                class,
                0.8,
                format!(
                    "GatewayClass {} with the controller name {} is not accepted: {}",
                    class.name,
                    class.text("/spec/controllerName"),
                    short(&reason_and_message(condition), 160)
                ),
            )
            .fix(format!("kubectl get pods -A   # does a controller for {} run?", class.text("/spec/controllerName"))),
        );
    }
}

fn one_gateway(look: &Look<'_>, gateway: &Thing<'_>, out: &mut Checked) {
    let path = gateway.path();
    let class = gateway.text("/spec/gatewayClassName");
    // A gateway that a controller accepted and that routes use has a class, wherever it is listed.
    let accepted = condition(&gateway.body, "Accepted").is_some_and(|condition| text(condition, "/status") == "True");
    let used = look
        .cluster
        .all("HTTPRoute")
        .any(|route| route.list("/spec/parentRefs").iter().any(|parent| text(parent, "/name") == gateway.name));
    let known = accepted && used || look.cluster.all("GatewayClass").any(|found| found.name == class);
    if !known && look.cluster.proves_absence("GatewayClass", gateway) {
        out.findings.push(finding(look, gateway, 0.8, format!("Gateway {path} uses the GatewayClass {class} which does not exist")));
    }
    for condition in gateway.list("/status/conditions") {
        let name = text(condition, "/type");
        if ["Accepted", "Programmed", "Ready"].contains(&name) && text(condition, "/status") != "True" {
            out.findings.push(finding(
                look,
                gateway,
                0.85,
                format!(
                    "Gateway {path} has condition {name}={}: {}",
                    text(condition, "/status"),
                    short(&reason_and_message(condition), 180)
                ),
            ));
        }
    }
}

/// Each parent by itself: a gateway that is missing, that does not admit the namespace, or that wants labels.
fn parents(look: &Look<'_>, route: &Thing<'_>, out: &mut Checked) {
    let path = route.path();
    let kind = route.kind;
    for parent in route.list("/spec/parentRefs").iter().filter(|parent| ["", "Gateway"].contains(&text(parent, "/kind"))) {
        let name = text(parent, "/name");
        let namespace = [text(parent, "/namespace"), &route.namespace]
            .into_iter()
            .find(|namespace| !namespace.is_empty())
            .unwrap_or_default()
            .to_owned();
        let Some(gateway) = look.cluster.get("Gateway", &namespace, name) else {
            if look.cluster.proves_absence("Gateway", route) {
                out.findings.push(finding(
                    look,
                    route,
                    0.8,
                    format!("{kind} {path} uses the Gateway {namespace}/{name} which does not exist"),
                ));
            }
            continue;
        };
        // One listener that admits the route is enough.
        let section = text(parent, "/sectionName");
        let listeners = gateway.list("/spec/listeners").iter().filter(|listener| section.is_empty() || text(listener, "/name") == section);
        let refusals: Vec<Option<String>> = listeners.map(|listener| refusal(look, route, &namespace, name, listener)).collect();
        if !refusals.is_empty() && refusals.iter().all(Option::is_some) {
            out.findings.extend(refusals.into_iter().flatten().map(|statement| finding(look, route, 0.85, statement)));
        }
    }
    for parent in route.list("/status/parents") {
        for condition in list(parent, "/conditions").iter().filter(|condition| text(condition, "/status") == "False") {
            out.findings.push(finding(
                look,
                route,
                0.85,
                format!("{kind} {path} has condition {}=False: {}", text(condition, "/type"), short(&reason_and_message(condition), 180)),
            ));
        }
    }
}

/// Why a listener does not admit the route.
fn refusal(look: &Look<'_>, route: &Thing<'_>, namespace: &str, name: &str, listener: &serde_json::Value) -> Option<String> {
    let (kind, path) = (route.kind, route.path());
    let label = text(listener, "/name");
    match text(listener, "/allowedRoutes/namespaces/from") {
        "Same" | "" => (namespace != route.namespace).then(|| {
            format!("{kind} {path} is in a different namespace from Gateway {namespace}/{name}, whose listener {label} only allows routes from its own")
        }),
        "Selector" => {
            let labels = look.cluster.get("Namespace", "", &route.namespace).and_then(|found| found.labels()).or_else(|| route.labels());
            let fits = listener.pointer("/allowedRoutes/namespaces/selector").is_none_or(|selector| selects(selector, labels));
            (!fits).then(|| {
                format!("{kind} {path} cannot be attached to Gateway {namespace}/{name}: the selector of listener {label} does not match its labels")
            })
        }
        _ => None,
    }
}

fn backends(look: &Look<'_>, route: &Thing<'_>, out: &mut Checked) {
    let (path, kind) = (route.path(), route.kind);
    for backend in route
        .list("/spec/rules")
        .iter()
        .flat_map(|rule| list(rule, "/backendRefs"))
        .filter(|backend| ["", "Service"].contains(&text(backend, "/kind")))
    {
        let name = text(backend, "/name");
        let namespace = [text(backend, "/namespace"), &route.namespace]
            .into_iter()
            .find(|namespace| !namespace.is_empty())
            .unwrap_or_default()
            .to_owned();
        let Some(service) = look.cluster.get("Service", &namespace, name) else {
            if look.cluster.proves_absence("Service", route) {
                out.findings.push(finding(
                    look,
                    route,
                    0.75,
                    format!("{kind} {path} uses the Service {namespace}/{name} which does not exist"),
                ));
            }
            continue;
        };
        if namespace != route.namespace
            && !is_granted(look, route, &namespace, name)
            && look.cluster.proves_absence("ReferenceGrant", route)
        {
            out.findings.push(
                finding(
                    look,
                    route,
                    0.85,
                    format!("{kind} {path} sends to Service {namespace}/{name} of another namespace, and no ReferenceGrant in {namespace} allows it (500, RefNotPermitted)"),
                )
                .fix(format!("create a ReferenceGrant in {namespace}: from {kind} of {}, to Service {name}", route.namespace)),
            );
        }
        let Some(port) = int(backend, "/port") else { continue };
        let ports = service.list("/spec/ports");
        if !ports.is_empty() && !ports.iter().any(|found| int(found, "/port") == Some(port)) {
            out.findings.push(finding(
                look,
                route,
                0.8,
                format!("{kind} {path} sends to port {port} of its backend service {namespace}/{name}, but the corresponding Service is not configured with that port"),
            ));
        }
    }
}

/// A ReferenceGrant lets routes of the namespace name the Service.
fn is_granted(look: &Look<'_>, route: &Thing<'_>, namespace: &str, name: &str) -> bool {
    look.cluster.all("ReferenceGrant").filter(|grant| grant.namespace == namespace).any(|grant| {
        let from =
            grant.list("/spec/from").iter().any(|from| text(from, "/kind") == route.kind && text(from, "/namespace") == route.namespace);
        let to = grant.list("/spec/to").iter().any(|to| text(to, "/kind") == "Service" && ["", name].contains(&text(to, "/name")));
        from && to
    })
}
