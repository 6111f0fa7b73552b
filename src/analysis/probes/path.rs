//! `nc`, `telnet`, `ping`, `tracepath`: can the other side be reached, and by packets of which size?

use super::{Checked, Try};
use crate::model::Category;

/// Loss that TCP feels, in percent. Source: Mathis' formula; above 1 % throughput falls, at 5 % it is broken.
const LOSSY: f64 = 5.0;

pub fn read(tried: &Try<'_>, out: &mut Checked) {
    connection(tried, out);
    ping(tried, out);
    route(tried, out);
}

/// `nc: connect to 10.20.0.5 port 6379 (tcp) failed: Connection refused`.
fn connection(tried: &Try<'_>, out: &mut Checked) {
    let is_mine = |line: &&str| {
        line.starts_with("nc: ")
            || line.starts_with("Ncat:")
            || line.starts_with("telnet:")
            || line.starts_with("Connection to ")
            || line.contains("succeeded!")
            || line.contains(" open")
    };
    let ours = ["nc", "ncat", "netcat", "telnet", "grpcurl"].iter().any(|program| tried.runs(program));
    let Some(line) =
        tried.lines().find(|line| is_mine(line) || ours && line.to_lowercase().contains("refused") || ours && line.contains("timed out"))
    else {
        return;
    };
    let to = address(tried, line);
    let lower = line.to_lowercase();
    let finding = if lower.contains("refused") {
        tried
            .finding(
                Category::ConnectionRefused,
                &to,
                format!("{to} refuses the connection: the host is reached and nobody listens on the port"),
                line,
            )
            .fix(format!("on that host: ss -ltn   # does the server run, and on this address or on 127.0.0.1 only? ({to})"))
    } else if lower.contains("timed out") || lower.contains("timeout") {
        tried
            .finding(
                Category::ConnectionTimeout,
                &to,
                format!("{to} does not answer (timed out): packets are dropped on the way or the host is gone"),
                line,
            )
            .fix("look at network policies, security groups and routes between the two, and whether the host is up")
    } else if lower.contains("no route") || lower.contains("unreachable") {
        tried
            .finding(Category::NetworkFault, &to, format!("There is no route to {to}"), line)
            .fix("ip route get; look at the routes of the node and of the network")
    } else if lower.contains("succeeded") || lower.contains("open") || lower.starts_with("connected") {
        out.ruled_out.push(format!("{to} accepts connections"));
        return;
    } else {
        return;
    };
    out.findings.push(finding);
}

/// The host and port of a line, or of the command.
fn address(tried: &Try<'_>, line: &str) -> String {
    // Go's `dial tcp 10.96.44.3:50051: connect: …`, with the name that was asked for in front
    if let Some(asked) = line.split("target host ").nth(1).and_then(|rest| rest.split('"').nth(1)) {
        return asked.to_owned();
    }
    let words: Vec<&str> = line.split([' ', ',', '(', ')', '[', ']']).filter(|word| !word.is_empty()).collect();
    let after = |mark: &str| words.iter().position(|word| *word == mark).and_then(|at| words.get(at + 1)).copied();
    if let (Some(host), Some(port)) = (after("to"), after("port")) {
        return format!("{host}:{}", port.trim_end_matches(':'));
    }
    let mut last = tried.command.split_whitespace().rev().map(|word| word.trim_matches(['\'', '"'])).filter(|word| !word.starts_with('-'));
    match (last.next(), last.next()) {
        (Some(port), Some(host)) if port.bytes().all(|b| b.is_ascii_digit()) => format!("{host}:{port}"),
        (Some(host), _) => host.to_owned(),
        _ => "the host".to_owned(),
    }
}

/// Losses, and packets that are too large for the way.
fn ping(tried: &Try<'_>, out: &mut Checked) {
    let host =
        tried.lines().find_map(|line| line.strip_prefix("PING ")).and_then(|rest| rest.split([' ', '(']).next()).unwrap_or("the host");
    let large = tried
        .lines()
        .find(|line| line.contains("message too long") || line.contains("Frag needed") || line.contains("fragmentation needed"));
    if let Some(line) = large {
        let mtu: String =
            line.split("mtu").nth(1).map(|rest| rest.chars().filter(char::is_ascii_digit).take(5).collect()).unwrap_or_default();
        let size = if mtu.is_empty() { String::new() } else { format!(": the MTU of the way is {mtu}") };
        out.findings.push(
            tried
                .finding(Category::NetworkFault, host, format!("Large packets to {host} need fragmentation and are dropped{size}"), line)
                .fix("set the same MTU on the overlay and on the interfaces, or let ICMP 'fragmentation needed' through, or clamp the MSS")
                .prevent("measure the path MTU between nodes after each change of the network plugin"),
        );
        return;
    }
    let lost = tried.lines().find_map(|line| {
        let before = line.split("% packet loss").next().filter(|_| line.contains("% packet loss"))?;
        Some((before.rsplit([' ', ',']).next()?.parse::<f64>().ok()?, line))
    });
    if let Some((share, line)) = lost {
        if share >= LOSSY && tried.runs("ping") | tried.output.contains("PING ") {
            out.findings.push(
                tried
                    .finding(Category::NetworkFault, host, format!("{share:.0} % of the packets to {host} are lost"), line)
                    .strength(0.6)
                    .fix(format!("mtr -n {host}   # where on the way; a host that answers no ICMP at all loses all of them")),
            );
        } else if share < 1.0 {
            out.ruled_out.push(format!("{host} answers pings without loss"));
        }
    }
}

/// `mtr`: loss at the last hop counts; loss in between that ends again is a router that answers seldom.
fn route(tried: &Try<'_>, out: &mut Checked) {
    let hops: Vec<(&str, f64, &str)> = tried
        .lines()
        .filter_map(|line| {
            let rest = line.split("|--").nth(1)?;
            let mut words = rest.split_whitespace();
            Some((words.next()?, words.next()?.strip_suffix('%')?.parse().ok()?, line))
        })
        .collect();
    let Some((last, loss, line)) = hops.last().copied() else { return };
    if loss < LOSSY {
        out.ruled_out.push(format!("the way to {last} loses {loss} % of the packets"));
        return;
    }
    let from = hops.iter().rev().take_while(|(_, loss, _)| *loss >= LOSSY).last().map_or(last, |(hop, _, _)| *hop);
    let where_from = if from == last { String::new() } else { format!(", from {from} on") };
    out.findings.push(
        tried
            .finding(Category::NetworkFault, last, format!("{loss:.0} % of the packets to {last} are lost{where_from}"), line)
            .fix(format!("ask who runs {from}, with this report; send traffic another way meanwhile"))
            .prevent("probe the way from several places, with an alert on loss"),
    );
}
