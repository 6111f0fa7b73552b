//! Is a connection that failed one that a policy refuses? Kubernetes', Cilium's and Calico's policies, evaluated for the source,
//! the destination and the port of what was really tried.

mod attempts;
mod calico;
mod policy;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use attempts::{Attempt, Target};
use policy::{Direction, Policy};
use rules::{Asked, End, Refusal};

pub use policy::is_calico;

use super::{Checked, Look, Thing, pods::in_namespace};
use crate::{
    analysis::{Finding, Role, Seen},
    model::{Category, EvidenceKind},
};

/// How many refused connections are told.
const MOST: usize = 5;

pub fn check(look: &Look<'_>, out: &mut Checked) {
    let policies = policy::all(look.cluster);
    if policies.is_empty() {
        return;
    }
    let mut told = BTreeSet::new();
    for attempt in attempts::all(look) {
        for refused in judge(look, &attempt, &policies) {
            if told.len() < MOST && told.insert((refused.policy.thing.path(), attempt.source.path(), refused.port)) {
                out.findings.push(finding(look, &attempt, &refused));
            }
        }
    }
}

/// A policy that refuses an attempt.
struct Refused<'p, 'a> {
    policy: &'p Policy<'a>,
    direction: Direction,
    /// The other end, in words.
    to: String,
    port: Option<i64>,
    why: String,
}

/// The policies that refuse the attempt at every pod behind its target.
fn judge<'p, 'a>(look: &Look<'_>, attempt: &Attempt<'_>, policies: &'p [Policy<'a>]) -> Vec<Refused<'p, 'a>> {
    let source = End::pod(look.cluster, attempt.source);
    let ends: Vec<(End<'_>, String)> = match &attempt.target {
        Target::Pods { ends, .. } => ends.iter().map(|end| (end.clone(), end.words())).collect(),
        Target::Outside { address, words } => vec![(End::outside(*address), words.clone())],
    };
    let mut refused: Vec<Refused<'_, '_>> = Vec::new();
    for (end, words) in &ends {
        let sides = [(Direction::Egress, &source, end), (Direction::Ingress, end, &source)];
        let here = sides.into_iter().find_map(|(direction, own, other)| {
            let port = attempt.port_at(end);
            let asked = Asked { port, protocol: attempt.protocol, server: end };
            let Refusal { policy, why } = rules::refusal(policies, direction, own, other, &asked)?;
            Some(Refused { policy, direction, to: words.clone(), port, why })
        });
        match here {
            Some(found) => refused.push(found),
            // one pod behind it can be reached
            None => return Vec::new(),
        }
    }
    refused.truncate(1);
    refused
}

fn finding(look: &Look<'_>, attempt: &Attempt<'_>, refused: &Refused<'_, '_>) -> Finding {
    let policy = &refused.policy.thing;
    let port = refused.port.map(|port| format!(" port {port}/{}", attempt.protocol)).unwrap_or_default();
    let side = match refused.direction {
        Direction::Egress => "egress",
        Direction::Ingress => "the way in (ingress)",
    };
    let by = attempt.through.as_deref().map(|through| format!(" (tried as {through})")).unwrap_or_default();
    let statement =
        format!("{} {} denies {} {side} to {}{port}: {}", policy.kind, policy.path(), attempt.source.path(), refused.to, refused.why);
    let summary = format!("{} {}: {side} of the pods that it selects: {}{by}", policy.kind, policy.path(), refused.why);
    let mut finding = Finding::new(Category::NetworkPolicy, Role::Cause, policy.entity(), statement)
        .decisive()
        .strength(0.92)
        .acting_on(attempt.source.entity())
        .saw(look.field(policy, summary).decisive())
        .falsifier("the same connection fails in a test namespace without the policy")
        .fix(format!(
            "allow it: add {} {}{port} to {} {}{}",
            if refused.direction == Direction::Egress { "an egress rule to" } else { "an ingress rule from" },
            if refused.direction == Direction::Egress { refused.to.clone() } else { attempt.source.path() },
            policy.kind,
            policy.name,
            in_namespace(&policy.namespace),
        ))
        .prevent("test the connections that each workload needs against the policies in CI");
    if let Some((source, line)) = &attempt.seen {
        finding = finding.saw(
            Seen::new(
                EvidenceKind::LogPattern,
                source,
                attempt.source.entity(),
                format!("{} failed to connect: {}", attempt.source.path(), super::value::short(&line.text, 160)),
            )
            .at(line.time, None)
            .quoting(line.text.clone()),
        );
    }
    finding
}

/// The pods that are meant when a person names a workload.
fn named<'t>(look: &'t Look<'_>, word: &str) -> Option<&'t Thing<'t>> {
    look.cluster.all("Pod").find(|pod| {
        pod.name == word
            || crate::analysis::links::stem(pod.name) == word
            || ["app", "app.kubernetes.io~1name", "k8s-app"].iter().any(|key| pod.text(&format!("/metadata/labels/{key}")) == word)
    })
}
