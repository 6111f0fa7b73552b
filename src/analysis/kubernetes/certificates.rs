//! Certificates in Secrets that Ingresses and Gateways serve: present, of the right type, in time, for the right names.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{list, map, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// What a Secret's certificates say, without the Secret's values. Written by whoever reads the Secret.
const CERTIFICATES: &str = "/x-certificates/tls.crt";

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for ingress in look.cluster.all("Ingress") {
        for tls in ingress.list("/spec/tls") {
            let listed: Vec<&str> = list(tls, "/hosts").iter().filter_map(Value::as_str).collect();
            let ruled: Vec<&str> =
                ingress.list("/spec/rules").iter().map(|rule| text(rule, "/host")).filter(|host| !host.is_empty()).collect();
            let hosts = if listed.is_empty() { ruled } else { listed };
            if let Some(secret) = look.cluster.get("Secret", &ingress.namespace, text(tls, "/secretName")) {
                served(look, ingress, secret, &hosts, out);
            }
        }
    }
    for gateway in look.cluster.all("Gateway") {
        for listener in gateway.list("/spec/listeners") {
            let hosts: Vec<&str> = Some(text(listener, "/hostname")).filter(|host| !host.is_empty()).into_iter().collect();
            for reference in list(listener, "/tls/certificateRefs") {
                let namespace =
                    [text(reference, "/namespace"), &gateway.namespace].into_iter().find(|place| !place.is_empty()).unwrap_or_default();
                if let Some(secret) = look.cluster.get("Secret", namespace, text(reference, "/name")) {
                    served(look, gateway, secret, &hosts, out);
                }
            }
        }
    }
}

fn served(look: &Look<'_>, by: &Thing<'_>, secret: &Thing<'_>, hosts: &[&str], out: &mut Checked) {
    let path = secret.path();
    let of = format!("{} {}", by.kind, by.path());
    let keys: Vec<&str> = map(&secret.body, "/data").into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    if secret.text("/type") != "kubernetes.io/tls" && !secret.partial && !(keys.contains(&"tls.crt") && keys.contains(&"tls.key")) {
        let statement = format!(
            "Secret {path}, the TLS certificate of {of}, is of type {} and has no tls.crt and tls.key: the controller serves its own fake certificate",
            if secret.text("/type").is_empty() { "Opaque" } else { secret.text("/type") }
        );
        let fix = format!(
            "kubectl create secret tls {} --cert=… --key=…{}   # type kubernetes.io/tls",
            secret.name,
            in_namespace(&secret.namespace)
        );
        out.findings.push(finding(look, by, secret, statement).fix(fix));
        return;
    }
    let Some(leaf) = secret.list(CERTIFICATES).first() else { return };
    let date = |key: &str| text(leaf, key).parse::<Timestamp>().ok();
    let names: Vec<&str> = list(leaf, "/names").iter().filter_map(Value::as_str).collect();
    let now = look.cluster.now;
    let renew = format!(
        "kubectl describe certificate,certificaterequest{}   # why cert-manager did not renew; or replace the Secret",
        in_namespace(&secret.namespace)
    );
    if let Some(ended) = date("/notAfter").filter(|ended| now.is_some_and(|now| now > *ended)) {
        let statement = format!("The certificate in Secret {path}, which {of} serves, has expired: it was valid until {ended}");
        out.findings.push(finding(look, by, secret, statement).fix(renew));
    } else if let Some(begins) = date("/notBefore").filter(|begins| now.is_some_and(|now| now < *begins)) {
        let statement = format!("The certificate in Secret {path}, which {of} serves, is not yet valid: it begins at {begins}");
        out.findings.push(finding(look, by, secret, statement).fix(renew));
    } else if let Some(host) = hosts.iter().find(|host| !names.iter().any(|name| covers(name, host))).filter(|_| !names.is_empty()) {
        let statement = format!(
            "The certificate in Secret {path}, which {of} serves, does not cover {host}: its names (SAN) are {}",
            names.iter().take(5).copied().collect::<Vec<_>>().join(", ")
        );
        out.findings.push(finding(look, by, secret, statement).fix(format!("issue a certificate whose SAN lists {host}")));
    } else {
        out.ruled_out.push(format!("the certificate of {of} is valid and covers its hosts"));
    }
}

fn finding(look: &Look<'_>, by: &Thing<'_>, secret: &Thing<'_>, statement: String) -> Finding {
    Finding::new(Category::TlsCertificate, Role::Cause, secret.entity(), statement.clone())
        .decisive()
        .acting_on(by.entity())
        .saw(look.field(secret, statement).decisive())
        .falsifier("openssl s_client to the host shows another certificate that is valid")
        .prevent("alert 14 days before a served certificate ends")
}

/// A wildcard stands for one label. Source: RFC 6125, 6.4.3.
fn covers(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_lowercase(), host.to_lowercase());
    name == host
        || name.strip_prefix("*.").is_some_and(|rest| host.split_once('.').is_some_and(|(_, parent)| parent == rest))
        || host.strip_prefix("*.").is_some_and(|rest| name == rest)
}
