//! What a person typed to try the network, and what came back: dig, curl, openssl, ping and their like.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::wrapping::cut;
use crate::model::observation::Document;

/// The longest transcript; what is longer is a log.
const LIMIT: usize = 256 << 10;
/// Among so many lines a session shows its first command.
const FIRST_LINES: usize = 4;
/// How much of a command is kept.
const COMMAND_LIMIT: usize = 300;

/// A prompt and a command that tries the network, by itself or inside a pod.
static COMMAND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:\S{1,60}@\S{1,60}\s?)?[~\w./\[\]() :-]{0,60}?[$#❯➜] ?((?:sudo |time |echo [^|]{0,40}\| ?|printf [^|]{0,40}\| ?)*(?:(?:kubectl|oc|k|docker|crictl|nsenter) .{0,200}? (?:-- )?(?:sh -c ['\x22])?)?(?:dig|nslookup|host|getent|curl|wget|openssl|nc|ncat|netcat|ping|tracepath|traceroute|mtr|telnet|grpcurl)\b.*)$",
    )
    .ok()
});

/// Lines that only these tools print, at their beginnings.
const FIRST_WORDS: &[&str] = &[
    "; <<>> DiG",
    ";; ->>HEADER<<-",
    ";; communications error to ",
    ";; connection timed out; no servers",
    "CONNECTED(0000",
    "depth=",
    "notBefore=",
    "notAfter=",
    "*   Trying ",
    "* Trying ",
    "* Host ",
    "* Connected to ",
    "* Rebuilt URL",
    "* About to connect",
    "curl: (",
    "PING ",
    "ping: ",
    "nc: connect to ",
    "telnet: ",
    "traceroute to ",
];

/// Reads a transcript, one document for each command; empty when it is none.
pub fn read(source: &str, text: &str) -> Vec<Document> {
    if text.len() > LIMIT {
        return Vec::new();
    }
    let Some(first) = text.lines().map(str::trim_end).find(|line| !line.trim().is_empty()) else { return Vec::new() };
    let early = text.lines().filter(|line| !line.trim().is_empty()).take(FIRST_LINES);
    if early.filter_map(|line| command(line.trim_end())).next().is_none() && !begins(first, text) {
        return Vec::new();
    }
    let mut parts: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(command) = command(line.trim_end()) {
            parts.push((cut(command, COMMAND_LIMIT).to_owned(), String::new()));
            continue;
        }
        if parts.is_empty() {
            parts.push(Default::default());
        }
        if let Some((_, out)) = parts.last_mut() {
            out.push_str(line);
            out.push('\n');
        }
    }
    parts.retain(|(_, out)| !out.trim().is_empty());
    let document = |(command, out)| Document {
        source: source.to_owned(),
        kind: "transcript".to_owned(),
        body: json!({"command": command, "text": out}),
    };
    parts.into_iter().map(document).collect()
}

fn command(line: &str) -> Option<&str> {
    COMMAND.as_ref()?.captures(line)?.get(1).map(|found| found.as_str())
}

/// Output without the command that made it.
fn begins(first: &str, text: &str) -> bool {
    FIRST_WORDS.iter().any(|words| first.starts_with(words))
        // `openssl x509 -text`
        || first == "Certificate:" && text.lines().nth(1).is_some_and(|line| line.trim() == "Data:")
        // nslookup
        || first.starts_with("Server:") && text.lines().any(|line| line.starts_with("** server can't find") || line.starts_with("Name:"))
        // `curl -w`
        || first.trim_start().starts_with("time_") && text.contains("time_namelookup") && text.contains("time_total")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_one_document_for_each_command() {
        let found = read("x", "me@host:~$ dig a.example\n;; status: NXDOMAIN\n$ kubectl exec -n s p -- nc -zv h 80\nrefused\n");
        let commands: Vec<&str> = found.iter().filter_map(|document| document.body["command"].as_str()).collect();
        assert_eq!(commands, ["dig a.example", "kubectl exec -n s p -- nc -zv h 80"]);
    }

    #[test]
    fn logs_and_answers_of_the_cluster_are_none() {
        for text in ["2025-03-03T10:00:00Z ERROR curl: (7) refused\n", "$ kubectl get pods\nNAME READY\n", "Name: a\nServer: b\n"] {
            assert!(read("x", text).is_empty(), "{text}");
        }
    }
}
