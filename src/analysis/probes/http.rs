//! `curl`: its own errors, where the time of a request goes, redirects without end.

use super::{Checked, Try, target};
use crate::model::Category;

/// A request that takes longer is slow. Source: Nielsen's limit for an uninterrupted thought.
const SLOW_SECONDS: f64 = 1.0;

pub fn read(tried: &Try<'_>, out: &mut Checked) {
    let name = target(tried).unwrap_or("the server");
    phases(tried, name, out);
    redirects(tried, name, out);
    error(tried, name, out);
}

/// `curl -w` with its times, each counted from the beginning.
fn phases(tried: &Try<'_>, name: &str, out: &mut Checked) {
    let value = |key: &str| -> Option<f64> {
        let line = tried.lines().find(|line| line.starts_with(key))?;
        line.trim_start_matches(key).trim_start_matches([':', '=', ' ']).trim_end_matches('s').trim().parse().ok()
    };
    let Some(total) = value("time_total") else { return };
    let (names, connected) = (value("time_namelookup").unwrap_or(0.0), value("time_connect").unwrap_or(0.0));
    let (secured, first) = (value("time_appconnect").unwrap_or(0.0).max(connected), value("time_starttransfer").unwrap_or(0.0));
    let asked = value("time_pretransfer").unwrap_or(secured).max(secured);
    let parts = [
        (names, Category::DnsFailure, "the name lookup (DNS)"),
        (connected - names, Category::NetworkFault, "the TCP connection (network)"),
        (secured - connected, Category::TlsCertificate, "the TLS handshake"),
        (first - asked, Category::Latency, "the wait for the first byte: the server or its backend"),
        (total - first, Category::NetworkFault, "the transfer of the body"),
    ];
    let Some((seconds, category, what)) = parts.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)) else { return };
    if total < SLOW_SECONDS || seconds < total / 2.0 {
        if total < SLOW_SECONDS {
            out.ruled_out.push(format!("a request to {name} takes {total:.3} s in all"));
        }
        return;
    }
    let line = tried.lines().find(|line| line.starts_with("time_total")).unwrap_or("").to_owned();
    let found = tried.finding(category, name, format!("Of the {total:.1} s of a request to {name}, {seconds:.1} s are {what}"), &line);
    out.findings.push(match category {
        Category::DnsFailure => found
            .fix("dig the name against each server of /etc/resolv.conf; 5 s is the resolver's time-out of one server that does not answer"),
        Category::Latency => found.fix(format!("look at the traces and the slow log of {name} for this request")),
        _ => found.fix(format!("mtr -T -P 443 {name}   # where on the way the time is lost")),
    });
}

fn redirects(tried: &Try<'_>, name: &str, out: &mut Checked) {
    let Some(line) = tried.lines().find(|line| line.contains("redirects followed") || line.contains("too many redirects")) else { return };
    let places: Vec<&str> =
        tried.lines().filter_map(|line| line.strip_prefix("location:").or_else(|| line.strip_prefix("Location:"))).map(str::trim).collect();
    let goes = match places.as_slice() {
        [first, rest @ ..] if rest.iter().all(|place| place == first) => format!(" to {first} again and again"),
        [first, second, ..] => format!(" between {first} and {second}"),
        _ => String::new(),
    };
    out.findings.push(
        tried
            .finding(Category::Misconfiguration, name, format!("{name} redirects in a loop{goes}: {line}"), line)
            .fix("two parts disagree on http or https: trust X-Forwarded-Proto in the backend, or switch off one of the two redirects (ssl-redirect)")
            .prevent("request the public address in a smoke test after each change of the proxy"),
    );
}

/// curl's own errors that no other reader explains.
fn error(tried: &Try<'_>, name: &str, out: &mut Checked) {
    let Some(line) = tried.lines().find(|line| line.starts_with("curl: (")) else { return };
    let code = line.trim_start_matches("curl: (").split(')').next().unwrap_or("");
    let (category, what, fix) = match code {
        "6" => (Category::DnsFailure, "its name does not resolve", "dig the name from the same place"),
        "7" => (
            Category::ConnectionRefused,
            "nobody listens there (connection refused)",
            "see whether the server runs and listens on that port and address",
        ),
        "22" if line.trim_end().ends_with(['0', '1', '2', '3', '4']) && line.contains("error: 5") => (
            Category::ErrorRate,
            "it answers with an error of its own (5xx)",
            "read the server's log at that time, and ask what stands behind it: 502, 503 and 504 come from a proxy whose backend fails",
        ),
        "28" => (
            Category::ConnectionTimeout,
            "it does not answer in time (timed out)",
            "look at the way to it: policies, security groups, routes, and whether it accepts connections",
        ),
        "52" => (
            Category::ErrorRate,
            "it closed the connection without an answer",
            "read the server's log at that time: a crash, or TLS spoken to a plain port",
        ),
        "56" if !line.contains("SSL") && !line.contains("TLS") => {
            (Category::NetworkFault, "the connection was reset", "look at what lies between: proxy, mesh, firewall")
        }
        _ => return,
    };
    // more is known of it already
    if out.findings.iter().any(|finding| finding.seen.iter().any(|seen| seen.source == tried.source && finding.entity.name == name)) {
        return;
    }
    let port = tried.after("port ").map(|port| format!(" (port {})", port.trim_end_matches([':', ')']))).unwrap_or_default();
    out.findings.push(tried.finding(category, name, format!("{name}{port} cannot be called: {what}"), line).fix(fix));
}
