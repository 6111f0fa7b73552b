//! Network policies: what they select, and whether they leave a way for names to be resolved.

use serde_json::Value;

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    reach,
    value::{int, list, map, selects, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for policy in look.cluster.all("AuthorizationPolicy") {
        authorization(look, policy, out);
    }
    for policy in look.cluster.all("NetworkPolicy").filter(|policy| !reach::is_calico(policy)) {
        let everything = Value::Null;
        let selector = policy.body.pointer("/spec/podSelector").unwrap_or(&everything);
        let is_empty =
            map(selector, "/matchLabels").is_none_or(serde_json::Map::is_empty) && list(selector, "/matchExpressions").is_empty();
        let pods: Vec<&Thing<'_>> = look.cluster.pods_selected(&policy.namespace, selector).collect();
        if !is_empty && pods.is_empty() && look.cluster.proves_absence("Pod", policy) {
            let labels = map(selector, "/matchLabels")
                .map(|labels| {
                    labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
                })
                .unwrap_or_default();
            out.findings.push(look.housekeeping(
                policy,
                Category::NetworkPolicy,
                format!("Network policy {} is not applied to any pods: none has the label {labels}", policy.path()),
            ));
        }
        egress(look, policy, &pods, out);
        ingress(look, policy, &pods, out);
    }
}

/// Istio: an ALLOW policy without rules lets nobody in, unless another one does.
fn authorization(look: &Look<'_>, policy: &Thing<'_>, out: &mut Checked) {
    let allows = |thing: &Thing<'_>| ["", "ALLOW"].contains(&thing.text("/spec/action"));
    let others = look.cluster.all("AuthorizationPolicy").filter(|other| other.namespace == policy.namespace && other.name != policy.name);
    let opened = others.filter(|other| allows(other)).any(|other| !other.list("/spec/rules").is_empty());
    if policy.partial || !allows(policy) || !policy.list("/spec/rules").is_empty() || opened {
        return;
    }
    let path = policy.path();
    let mut found = finding(
        look,
        policy,
        Category::NetworkPolicy,
        format!("AuthorizationPolicy {path} has no rule and so denies every request (403, RBAC: access denied) in its namespace"),
        format!("AuthorizationPolicy {path}: action ALLOW, no rules"),
    );
    let words = look.focus.text.to_lowercase();
    if ["403", "denied", "forbidden", "rbac"].iter().any(|word| words.contains(word)) {
        found.role = Role::Cause;
        found.strength = 0.85;
    }
    out.findings.push(found);
}

fn has_type(policy: &Thing<'_>, name: &str) -> bool {
    let types = policy.list("/spec/policyTypes");
    types.iter().any(|kind| kind.as_str() == Some(name))
        || types.is_empty() && (name == "Ingress" || policy.body.pointer("/spec/egress").is_some())
}

/// The alert or the question speaks of connections, names or time-outs.
fn is_about_connections(look: &Look<'_>) -> bool {
    let words = look.focus.text.to_lowercase();
    [
        "connect",
        "timeout",
        "timed out",
        "time out",
        "unreachable",
        "dns",
        "resolv",
        "network",
        "refused",
        "latency",
        "5xx",
        "error rate",
        "errors",
        "health check",
        "fail",
        "cannot reach",
        "can't reach",
    ]
    .iter()
    .any(|word| words.contains(word))
}

fn finding(look: &Look<'_>, policy: &Thing<'_>, category: Category, statement: String, summary: String) -> Finding {
    let asked = is_about_connections(look);
    let role = if asked { Role::Cause } else { Role::Context };
    Finding::new(category, role, policy.entity(), statement)
        .strength(0.7)
        .saw(look.field(policy, summary))
        .falsifier("the same connection fails after the policy is deleted in a test namespace")
        .fix(format!("kubectl describe networkpolicy {}{}", policy.name, in_namespace(&policy.namespace)))
        .prevent("write the DNS and the dependency rules into the template that every policy starts from")
}

fn egress(look: &Look<'_>, policy: &Thing<'_>, pods: &[&Thing<'_>], out: &mut Checked) {
    if !has_type(policy, "Egress") {
        return;
    }
    let rules = policy.list("/spec/egress");
    let dns = others(look, policy, pods, "Egress").any(|other| allows_dns(&other)) || rules.iter().any(allows_dns_rule);
    let path = policy.path();
    // Policies add up: what another one allows to the same pods is not denied.
    let cut_off: Vec<&Thing<'_>> = pods.iter().filter(|pod| !has_way_out(look, policy, pod)).copied().collect();
    if rules.is_empty() && (pods.is_empty() || !cut_off.is_empty()) {
        let pods = cut_off.as_slice();
        let dns_words = if dns { "" } else { ", DNS (port 53) included" };
        out.findings.push(finding(
            look,
            policy,
            Category::NetworkPolicy,
            format!("NetworkPolicy {path} denies all egress of {} pod(s){dns_words}", count(pods)),
            format!("NetworkPolicy {path}: policyTypes has Egress and there is no egress rule: everything outgoing is denied"),
        ));
    } else if !dns && !rules.is_empty() && rules.iter().any(names_dns) {
        out.findings.push(finding(
            look,
            policy,
            Category::NetworkPolicy,
            format!(
                "NetworkPolicy {path} allows egress to DNS (port 53) over TCP only, and names are asked over UDP: the {} pod(s) that it selects cannot resolve names",
                count(pods)
            ),
            format!("NetworkPolicy {path}: an egress rule allows port 53/TCP, none allows 53/UDP"),
        ));
    } else if !dns && !rules.is_empty() {
        out.findings.push(finding(
            look,
            policy,
            Category::NetworkPolicy,
            format!(
                "NetworkPolicy {path} allows egress but not to DNS (port 53): the {} pod(s) that it selects cannot resolve names",
                count(pods)
            ),
            format!("NetworkPolicy {path}: {} egress rule(s), none allows port 53 UDP/TCP", rules.len()),
        ));
    }
}

/// Another policy lets the pod open connections.
fn has_way_out(look: &Look<'_>, policy: &Thing<'_>, pod: &Thing<'_>) -> bool {
    others(look, policy, &[pod], "Egress").any(|other| !list(&other, "/spec/egress").is_empty())
}

fn allows_dns(policy: &Value) -> bool {
    list(policy, "/spec/egress").iter().any(allows_dns_rule)
}

fn allows_dns_rule(rule: &Value) -> bool {
    let ports = list(rule, "/ports");
    ports.is_empty() || ports.iter().any(|port| is_dns(port) && text(port, "/protocol").eq_ignore_ascii_case("UDP"))
}

fn names_dns(rule: &Value) -> bool {
    list(rule, "/ports").iter().any(is_dns)
}

/// A port that stands for all of them is DNS' too.
fn is_dns(port: &Value) -> bool {
    let (from, until) = (int(port, "/port"), int(port, "/endPort"));
    let in_range = from.zip(until).is_some_and(|(from, until)| (from..=until).contains(&53));
    from == Some(53) || in_range || text(port, "/port").contains("dns") || port.get("port").is_none()
}

/// The bodies of the other policies of this direction that select the same pods: policies add up.
fn others<'s>(
    look: &'s Look<'_>,
    policy: &'s Thing<'_>,
    pods: &'s [&'s Thing<'s>],
    direction: &'s str,
) -> impl Iterator<Item = Value> + 's {
    look.cluster
        .all("NetworkPolicy")
        .filter(move |other| other.namespace == policy.namespace && other.name != policy.name && has_type(other, direction))
        .filter(move |other| {
            let selector = other.body.pointer("/spec/podSelector").cloned().unwrap_or_default();
            pods.is_empty() || pods.iter().all(|pod| selects(&selector, pod.labels()))
        })
        .map(|other| other.body.clone().into_owned())
}

fn ingress(look: &Look<'_>, policy: &Thing<'_>, pods: &[&Thing<'_>], out: &mut Checked) {
    if !has_type(policy, "Ingress") || pods.is_empty() {
        return;
    }
    let rules = policy.list("/spec/ingress");
    let path = policy.path();
    // Policies add up: what another one allows to each of these pods is not denied.
    let allowed_elsewhere = pods
        .iter()
        .all(|pod| others(look, policy, std::slice::from_ref(pod), "Ingress").any(|other| !list(&other, "/spec/ingress").is_empty()));
    if rules.is_empty() && !allowed_elsewhere {
        out.findings.push(finding(
            look,
            policy,
            Category::NetworkPolicy,
            format!("NetworkPolicy {path} denies all ingress to {} pod(s): nothing may connect to them", count(pods)),
            format!("NetworkPolicy {path}: policyTypes has Ingress and there is no ingress rule (default deny)"),
        ));
        return;
    }
    // Rules whose peers are pods of this namespace that do not exist let nobody in.
    let peers: Vec<&Value> = rules.iter().flat_map(|rule| list(rule, "/from")).collect();
    let open = rules.iter().any(|rule| list(rule, "/from").is_empty());
    let only_pods = !peers.is_empty()
        && peers
            .iter()
            .all(|peer| peer.get("podSelector").is_some() && peer.get("namespaceSelector").is_none() && peer.get("ipBlock").is_none());
    let reaches = peers.iter().any(|peer| {
        peer.pointer("/podSelector").is_some_and(|selector| look.cluster.pods_selected(&policy.namespace, selector).next().is_some())
    });
    if !rules.is_empty() && !open && only_pods && !reaches && !allowed_elsewhere {
        out.findings.push(finding(
            look,
            policy,
            Category::NetworkPolicy,
            format!("NetworkPolicy {path} lets in only pods with labels that no pod has: {} pod(s) get no traffic", count(pods)),
            format!("NetworkPolicy {path}: every ingress peer is a podSelector that matches none of the namespace's pods"),
        ));
    }
}

fn count(pods: &[&Thing<'_>]) -> String {
    if pods.is_empty() { "all its".to_owned() } else { pods.len().to_string() }
}
