//! CoreDNS: its Corefile and what its log says of loops and upstreams.

use super::{Checked, Look, Thing, pods::in_namespace, value::map, value::short};
use crate::{
    analysis::{Finding, Role, Seen},
    model::{
        Category, EvidenceKind,
        observation::{LogLine, LogStream},
    },
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for config in look.cluster.all("ConfigMap") {
        for (_, value) in map(&config.body, "/data")
            .into_iter()
            .flatten()
            .filter(|(key, _)| key.ends_with("Corefile") || key.ends_with(".server") || key.ends_with(".override"))
        {
            let corefile = value.as_str().unwrap_or("");
            loops(look, config, corefile, out);
            upstreams(look, config, corefile, out);
            templates(look, config, corefile, out);
        }
    }
}

fn finding(look: &Look<'_>, config: &Thing<'_>, statement: String) -> Finding {
    Finding::new(Category::DnsFailure, Role::Cause, config.entity(), statement.clone())
        .decisive()
        .saw(look.field(config, statement).decisive())
        .fix(format!(
            "kubectl edit configmap {}{}   # Corefile; CoreDNS reloads it within 2 minutes",
            config.name,
            in_namespace(&config.namespace)
        ))
        .prevent("keep the Corefile in version control and resolve one name of each zone after a change")
}

/// A line of CoreDNS' own log.
fn said<'l>(look: &'l Look<'_>, words: &[&str]) -> Option<(&'l LogStream, &'l LogLine)> {
    let logs = look.cluster.logs.iter().filter(|log| log.entity.name.contains("dns") || log.source.contains("dns"));
    logs.flat_map(|log| log.lines.iter().map(move |line| (log, line))).find(|(_, line)| words.iter().all(|word| line.text.contains(word)))
}

fn seen((log, line): (&LogStream, &LogLine)) -> Seen {
    Seen::new(EvidenceKind::LogPattern, &log.source, log.entity.clone(), short(&line.text, 160))
        .at(line.time, None)
        .quoting(line.text.clone())
}

/// `forward . 192.0.2.53 1.1.1.1`: where the questions go that CoreDNS cannot answer.
fn forwards(corefile: &str) -> Vec<&str> {
    let lines = corefile.lines().map(str::trim).filter(|line| line.starts_with("forward ") || line.starts_with("proxy "));
    lines.flat_map(|line| line.trim_end_matches('{').split_whitespace().skip(2)).collect()
}

fn loops(look: &Look<'_>, config: &Thing<'_>, corefile: &str, out: &mut Checked) {
    let Some(line) = said(look, &["plugin/loop", "Loop"]) else { return };
    let to = forwards(corefile);
    out.findings.push(
        finding(
            look,
            config,
            format!(
                "CoreDNS asks itself (loop): it forwards to {}, which leads back to it, and it stops",
                if to.is_empty() { "its upstream".to_owned() } else { to.join(", ") }
            ),
        )
        .acting_on(line.0.entity.clone())
        .saw(seen(line))
        .falsifier("the upstream in the pod's resolv.conf is no address of CoreDNS or of the node's own stub (127.0.0.53)")
        .fix("forward to the real upstream servers instead of /etc/resolv.conf, or give kubelet a resolv.conf without the local stub"),
    );
}

fn upstreams(look: &Look<'_>, config: &Thing<'_>, corefile: &str, out: &mut Checked) {
    for upstream in forwards(corefile).into_iter().filter(|to| to.starts_with(|c: char| c.is_ascii_digit())) {
        let bare = upstream.split(':').next().unwrap_or(upstream);
        let to = format!("->{bare}:");
        let failed = ["timeout", "refused", "unreachable"].iter().find_map(|word| said(look, &["plugin/errors", &to, word]));
        let Some(line) = failed else { continue };
        out.findings.push(
            finding(
                look,
                config,
                format!("CoreDNS forwards to the upstream {upstream}, which does not answer: names outside of the cluster do not resolve"),
            )
            .acting_on(line.0.entity.clone())
            .saw(seen(line))
            .falsifier(format!("dig @{bare} from a node answers"))
            .fix(format!("replace {upstream} in `forward` by servers that answer, or open the way to it (UDP and TCP 53)")),
        );
    }
}

/// `template ANY ANY zone { rcode NXDOMAIN }`, and a name below the zone that somebody misses.
fn templates(look: &Look<'_>, config: &Thing<'_>, corefile: &str, out: &mut Checked) {
    let mut zone: Vec<&str> = Vec::new();
    for line in corefile.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("template ") {
            zone = rest.trim_end_matches('{').split_whitespace().skip(2).map(|zone| zone.trim_matches('.')).collect();
        } else if line.starts_with('}') {
            zone.clear();
        }
        let refuses = line.starts_with("rcode ") && ["NXDOMAIN", "REFUSED", "SERVFAIL"].iter().any(|code| line.contains(code));
        let Some(zone) = zone.first().filter(|zone| refuses && !zone.is_empty()) else { continue };
        let mentions = |text: &str| text.contains(zone);
        let line = look.cluster.logs.iter().flat_map(|log| log.lines.iter().map(move |line| (log, line))).find(|(_, line)| {
            mentions(&line.text)
                && ["no such host", "NXDOMAIN", "ENOTFOUND", "not known", "could not resolve", "Could not resolve"]
                    .iter()
                    .any(|word| line.text.contains(word))
        });
        if line.is_none() && !mentions(&look.focus.text) {
            continue;
        }
        let mut found = finding(
            look,
            config,
            format!(
                "The Corefile in {} answers every name below {zone} itself (template, {})",
                config.path(),
                corefile_words(corefile, zone)
            ),
        )
        .falsifier("the name does not exist outside of the cluster either")
        .fix(format!("remove the template for {zone}, or let what is needed of it through to `forward`"));
        if let Some(line) = line {
            found = found.acting_on(line.0.entity.clone()).saw(seen(line));
        }
        out.findings.push(found);
    }
}

fn corefile_words(corefile: &str, zone: &str) -> String {
    let code = corefile.split(zone).nth(1).and_then(|rest| rest.split("rcode").nth(1)).and_then(|rest| rest.split_whitespace().next());
    format!("rcode {}", code.unwrap_or("NXDOMAIN"))
}
