//! Ingresses: class, backends, certificates.

use std::collections::BTreeMap;

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{int, list, short, text},
};
use crate::{
    analysis::{Finding, Role, Seen},
    model::{Category, EvidenceKind},
};

/// Classes that their controllers know without an IngressClass object. Source: GKE's ingress controller.
const BUILT_IN: &[&str] = &["gce", "gce-internal"];

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for ingress in look.cluster.all("Ingress") {
        class(look, ingress, out);
        backends(look, ingress, out);
        secrets(look, ingress, out);
        protocol(look, ingress, out);
    }
    conflicts(look, out);
}

fn finding(look: &Look<'_>, ingress: &Thing<'_>, category: Category, strength: f64, statement: String) -> Finding {
    Finding::new(category, Role::Cause, ingress.entity(), statement.clone())
        .strength(strength)
        .saw(look.field(ingress, statement))
        .fix(format!("kubectl describe ingress {}{}", ingress.name, in_namespace(&ingress.namespace)))
        .prevent("validate ingress references (class, service, secret) in CI")
}

fn class(look: &Look<'_>, ingress: &Thing<'_>, out: &mut Checked) {
    let annotated = ingress.text("/metadata/annotations/kubernetes.io~1ingress.class");
    let class = [ingress.text("/spec/ingressClassName"), annotated].into_iter().find(|class| !class.is_empty()).unwrap_or_default();
    let path = ingress.path();
    if class.is_empty() {
        let default = look
            .cluster
            .all("IngressClass")
            .any(|class| class.text("/metadata/annotations/ingressclass.kubernetes.io~1is-default-class") == "true");
        let taken = !ingress.list("/status/loadBalancer/ingress").is_empty();
        let classes = look.cluster.all("IngressClass").next().is_some();
        if !default && !ingress.partial && !taken && (classes || !look.cluster.is_live()) {
            out.findings.push(
                finding(
                    look,
                    ingress,
                    Category::Ingress,
                    0.45,
                    format!("Ingress {path} does not specify an Ingress class, and no class is the default: no controller takes it"),
                )
                .falsifier("a controller without class watches it"),
            );
        }
        return;
    }
    let known = look.cluster.all("IngressClass").any(|found| found.name == class);
    if !known && !BUILT_IN.contains(&class) && annotated.is_empty() && look.cluster.proves_absence("IngressClass", ingress) {
        out.findings.push(
            finding(look, ingress, Category::Ingress, 0.75, format!("Ingress {path} uses the ingress class {class} which does not exist"))
                .falsifier(format!("kubectl get ingressclass {class} finds it"))
                .fix("kubectl get ingressclass"),
        );
    }
}

fn backends(look: &Look<'_>, ingress: &Thing<'_>, out: &mut Checked) {
    let path = ingress.path();
    let paths = ingress.list("/spec/rules").iter().flat_map(|rule| list(rule, "/http/paths"));
    let backends = paths
        .clone()
        .map(|path| path.pointer("/backend/service"))
        .chain(std::iter::once(ingress.body.pointer("/spec/defaultBackend/service")))
        .flatten();
    for backend in backends {
        let name = text(backend, "/name");
        if name.is_empty() {
            continue;
        }
        match look.cluster.get("Service", &ingress.namespace, name) {
            None if look.cluster.proves_absence("Service", ingress) => out.findings.push(
                finding(
                    look,
                    ingress,
                    Category::Ingress,
                    0.8,
                    format!("Ingress {path} uses the service {}/{name} which does not exist", ingress.namespace),
                )
                .falsifier(format!("kubectl get service {name}{} finds it", in_namespace(&ingress.namespace))),
            ),
            Some(service) => {
                let number = int(backend, "/port/number");
                let named = text(backend, "/port/name");
                let ports = service.list("/spec/ports");
                let fits = ports
                    .iter()
                    .any(|port| number.is_some() && int(port, "/port") == number || !named.is_empty() && text(port, "/name") == named);
                if !fits && !ports.is_empty() && (number.is_some() || !named.is_empty() && !service.partial) {
                    let shown = number.map_or_else(|| named.to_owned(), |number| number.to_string());
                    out.findings.push(finding(
                        look,
                        ingress,
                        Category::Ingress,
                        0.8,
                        format!("Ingress {path} sends to port {shown} of service {name}, which has no such port"),
                    ));
                }
            }
            None => {}
        }
    }
    // `kubectl describe` says it in the rule itself.
    for described in paths.map(|path| text(path, "/describedBackend")).filter(|words| words.contains("not found")) {
        out.findings.push(finding(
            look,
            ingress,
            Category::Ingress,
            0.8,
            format!("Ingress {path} has a backend that does not exist: {described}"),
        ));
    }
}

fn secrets(look: &Look<'_>, ingress: &Thing<'_>, out: &mut Checked) {
    for tls in ingress.list("/spec/tls") {
        let name = text(tls, "/secretName");
        if name.is_empty()
            || look.cluster.get("Secret", &ingress.namespace, name).is_some()
            || !look.cluster.proves_absence("Secret", ingress)
        {
            continue;
        }
        out.findings.push(
            finding(
                look,
                ingress,
                Category::TlsCertificate,
                0.75,
                format!(
                    "Ingress {} uses the secret {}/{name} as a TLS certificate, which does not exist",
                    ingress.path(),
                    ingress.namespace
                ),
            )
            .falsifier(format!("kubectl get secret {name}{} finds it", in_namespace(&ingress.namespace)))
            .fix(format!("kubectl get certificate,secret{}   # create it, or let cert-manager do it", in_namespace(&ingress.namespace))),
        );
    }
}

/// Two Ingresses of one class that claim the same host and path: the controller takes the older one.
fn conflicts(look: &Look<'_>, out: &mut Checked) {
    let mut claimed: BTreeMap<(String, String, String), &Thing<'_>> = BTreeMap::new();
    let canary = |ingress: &Thing<'_>| ingress.text("/metadata/annotations/nginx.ingress.kubernetes.io~1canary") == "true";
    for ingress in look.cluster.all("Ingress").filter(|ingress| !canary(ingress)) {
        for rule in ingress.list("/spec/rules") {
            for path in list(rule, "/http/paths") {
                let host = text(rule, "/host");
                let key = (
                    ingress.text("/spec/ingressClassName").to_owned(),
                    host.to_owned(),
                    format!("{} {}", text(path, "/pathType"), text(path, "/path")),
                );
                let Some(other) = claimed.insert(key, ingress).filter(|other| other.path() != ingress.path()) else { continue };
                let shown = if host.is_empty() { "any host" } else { host };
                out.findings.push(
                    finding(
                        look,
                        ingress,
                        Category::Ingress,
                        0.7,
                        format!(
                            "Ingress {} and Ingress {} both claim host {shown} with path {}: only one of them gets its requests (conflict)",
                            other.path(),
                            ingress.path(),
                            text(path, "/path")
                        ),
                    )
                    .acting_on(other.entity())
                    .falsifier("the two are meant to be merged, and send to the same backend"),
                );
            }
        }
    }
}

/// The controller speaks TLS to a backend that does not, or the other way round, where its log says so.
fn protocol(look: &Look<'_>, ingress: &Thing<'_>, out: &mut Checked) {
    let annotation = ingress.text("/metadata/annotations/nginx.ingress.kubernetes.io~1backend-protocol");
    let secure = matches!(annotation, "HTTPS" | "GRPCS");
    let hosts: Vec<&str> = ingress.list("/spec/rules").iter().map(|rule| text(rule, "/host")).filter(|host| !host.is_empty()).collect();
    let wrong: &[&str] = if secure {
        &["wrong version number", "packet length too long", "SSL_do_handshake() failed"]
    } else {
        &["plain HTTP request was sent to HTTPS port", "sent to HTTPS port"]
    };
    let lines = look.cluster.logs.iter().flat_map(|log| log.lines.iter().map(move |line| (log, line)));
    let said = lines.into_iter().find(|(_, line)| {
        wrong.iter().any(|words| line.text.contains(words))
            && line.text.contains("upstream")
            && hosts.iter().any(|host| line.text.contains(host))
    });
    let Some((log, line)) = said else { return };
    let has = if annotation.is_empty() {
        "no backend-protocol annotation (HTTP)".to_owned()
    } else {
        format!("the annotation backend-protocol: {annotation}")
    };
    let speaks = if secure { "plain HTTP" } else { "TLS" };
    out.findings.push(
        finding(
            look,
            ingress,
            Category::Ingress,
            0.85,
            format!("Ingress {} has {has}, and its backend speaks {speaks} on that port", ingress.path()),
        )
        .decisive()
        .acting_on(log.entity.clone())
        .saw(
            Seen::new(EvidenceKind::LogPattern, &log.source, log.entity.clone(), short(&line.text, 160))
                .at(line.time, None)
                .quoting(line.text.clone()),
        )
        .falsifier("the backend's port answers in the protocol of the annotation")
        .fix(format!("set nginx.ingress.kubernetes.io/backend-protocol to {}", if secure { "HTTP" } else { "HTTPS" })),
    );
}
