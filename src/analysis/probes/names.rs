//! `dig`, `nslookup`, `host`, `getent`.

use super::{Checked, Try};
use crate::model::Category;

/// A name that takes longer than this to be answered makes everything slow. Source: glibc asks again after 5 s, CoreDNS answers in some ms.
const SLOW_MS: u64 = 1_000;

pub fn read(tried: &Try<'_>, out: &mut Checked) {
    let Some(answer) = answer(tried) else { return };
    let name = answer.name.as_str();
    let server = if answer.server.is_empty() { "its name server" } else { answer.server.as_str() };
    let finding = match answer.said {
        Said::Nobody => tried
            .finding(
                Category::DnsFailure,
                &answer.server,
                format!("{server} gives no answer to the question for {name}: timed out"),
                &answer.line,
            )
            .fix(format!("see whether {server} runs and whether UDP and TCP port 53 to it are open from there"))
            .prevent("alert on failed and slow answers of the name servers"),
        Said::Failed(status) => tried
            .finding(
                Category::DnsFailure,
                name,
                format!("{name} does not resolve: {server} answers {status}{}", meaning(status)),
                &answer.line,
            )
            .fix(format!("dig +trace {name}; delv {name}   # which of its zone's servers fails, and is it DNSSEC"))
            .prevent("monitor the resolution of every name that production needs"),
        Said::Unknown => tried
            .finding(
                Category::DnsFailure,
                name,
                format!("{name} does not exist: {server} says that there is no such name (NXDOMAIN)"),
                &answer.line,
            )
            .fix(format!("compare {name} with the names that exist (kubectl get svc -A; the zone's records), and correct where it is set"))
            .prevent("resolve configured host names in a check before a deploy"),
        Said::Empty => tried
            .finding(
                Category::DnsFailure,
                name,
                format!("{name} exists and has no address: {server} answers without a record"),
                &answer.line,
            )
            .fix(format!("dig {name} A; dig {name} AAAA   # a headless Service without ready pods answers so")),
        Said::Addresses if answer.took.is_some_and(|took| took >= SLOW_MS) => {
            let took = answer.took.unwrap_or(0);
            tried
                .finding(Category::DnsFailure, name, format!("{server} needs {took} ms to answer for {name}"), &answer.line)
                .fix("look at the load, the upstreams and the cache of the name server; ndots:5 makes up to ten questions of one name")
        }
        Said::Addresses => {
            out.ruled_out.push(format!("{name} resolves (asked {server})"));
            return;
        }
    };
    out.findings.push(finding);
}

fn meaning(status: &str) -> &'static str {
    match status {
        "SERVFAIL" => " (the server could not get an answer: its upstream, the zone's servers or DNSSEC)",
        "REFUSED" => " (the server does not answer such questions from there)",
        _ => "",
    }
}

enum Said<'a> {
    Addresses,
    Empty,
    Unknown,
    Failed(&'a str),
    Nobody,
}

struct Answer<'a> {
    name: String,
    server: String,
    said: Said<'a>,
    took: Option<u64>,
    line: String,
}

fn answer<'a>(tried: &'a Try<'_>) -> Option<Answer<'a>> {
    let text = tried.output;
    let is_dig = text.contains("; <<>> DiG")
        || text.contains("->>HEADER<<-")
        || text.contains(";; communications error")
        || text.contains("no servers could be reached");
    let is_lookup = text.contains("** server can't find")
        || text.contains("can't resolve '")
        || text.contains("Server:") && text.contains("Address:")
        || tried.runs("nslookup");
    let is_host = tried.runs("host") && (text.contains(" has address ") || text.contains("not found:"));
    if !(is_dig || is_lookup || is_host) {
        return None;
    }
    let line = |words: &str| tried.lines().find(|line| line.contains(words)).unwrap_or("").to_owned();
    let server = tried
        .lines()
        .find_map(|line| line.strip_prefix(";; SERVER:").or_else(|| line.strip_prefix("Server:")))
        .or_else(|| tried.command.split(' ').find_map(|word| word.strip_prefix('@')))
        .or_else(|| text.split("communications error to ").nth(1))
        .map(|rest| rest.trim().split(['#', ' ', '(', ':']).next().unwrap_or("").to_owned())
        .unwrap_or_default();
    let took =
        tried.lines().find_map(|line| line.strip_prefix(";; Query time:")).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let of = |said, line: String| Answer { name: name(tried), server: server.clone(), said, took, line };
    if ["no servers could be reached", "connection timed out", "communications error", "no response"]
        .iter()
        .any(|words| text.contains(words))
        && !text.contains("ANSWER SECTION")
    {
        return Some(of(Said::Nobody, line("timed out")));
    }
    if let Some(words) =
        ["NXDOMAIN", "can't resolve '", "Name does not resolve", "Name or service not known"].into_iter().find(|words| text.contains(words))
    {
        return Some(of(Said::Unknown, line(words)));
    }
    if let Some(status) = ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"].into_iter().find(|status| text.contains(status)) {
        return Some(of(Said::Failed(status), line(status)));
    }
    let has_records = text.contains("ANSWER SECTION") || text.contains(" has address ") || text.matches("Address").count() >= 2;
    if has_records {
        return Some(of(Said::Addresses, line("ANSWER")));
    }
    text.contains("status: NOERROR").then(|| of(Said::Empty, line("NOERROR")))
}

/// The name that was asked for.
fn name(tried: &Try<'_>) -> String {
    let found = tried
        .lines()
        .find_map(|line| {
            line.split("can't find ").nth(1).or_else(|| line.split("can't resolve ").nth(1)).or_else(|| line.strip_prefix("Host "))
        })
        .or_else(|| tried.output.split("QUESTION SECTION:").nth(1).and_then(|rest| rest.trim_start().strip_prefix(';')))
        .or_else(|| tried.output.split("<<>>").nth(2))
        .map(|rest| {
            rest.trim()
                .trim_start_matches('\'')
                .split(|c: char| c.is_whitespace() || c == ':' || c == '\'')
                .find(|word| !word.starts_with(['@', '+', '-']))
                .unwrap_or("")
        });
    let asked = || {
        let mut words = tried.command.split(' ').skip_while(|word| !matches!(*word, "dig" | "nslookup" | "host" | "getent")).skip(1);
        words.find(|word| word.contains('.') && !word.starts_with(['@', '-', '+']))
    };
    let is_name = |word: &&str| word.len() > 1;
    found.filter(is_name).or_else(asked).unwrap_or("the name").trim_end_matches('.').to_owned()
}
