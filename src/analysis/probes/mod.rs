//! What people tried by hand, and what came back: names, connections, certificates, requests.
//!
//! A transcript (`dig`, `nslookup`, `openssl`, `curl`, `nc`, `ping`…) is one document for each command. Each reader takes what it knows:
//! an answer that is as it should be rules something out.

mod http;
mod names;
mod path;
mod tls;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::Value;

use super::{Finding, Focus, Role, Seen};
use crate::model::{Category, Entity, EvidenceKind, observation::Document};

/// The strength of what one try shows. Source: own choice; a single answer may be an accident.
const STRENGTH: f64 = 0.75;

/// One command and its output.
pub struct Try<'a> {
    pub source: &'a str,
    /// Empty where only the output was kept.
    pub command: &'a str,
    pub output: &'a str,
    pub now: Option<Timestamp>,
}

/// What the transcripts show.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    pub ruled_out: Vec<String>,
}

/// Reads every transcript among `documents`.
pub fn check(documents: &[Document], focus: &Focus) -> Checked {
    let mut out = Checked::default();
    for document in documents.iter().filter(|document| document.kind == "transcript") {
        let text = |key: &str| document.body.get(key).and_then(Value::as_str).unwrap_or("");
        let tried = Try { source: &document.source, command: text("command"), output: text("text"), now: focus.now };
        for read in [names::read, tls::read, http::read, path::read] {
            read(&tried, &mut out);
        }
    }
    out
}

impl Try<'_> {
    /// Lines without blanks around.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.output.lines().map(str::trim)
    }

    /// The program that was run, inside of a pod too.
    pub fn runs(&self, program: &str) -> bool {
        self.command.split([' ', '\'', '"', '/']).any(|word| word == program)
    }

    /// A word of the command, or of the text, behind a mark.
    pub fn after(&self, mark: &str) -> Option<&str> {
        let rest = self.command.split_once(mark).or_else(|| self.output.split_once(mark))?.1;
        let word = rest.trim_start_matches([' ', '=', '"', '\'']).split([' ', '"', '\'', ',', '\n', '\r']).next()?;
        (!word.is_empty()).then_some(word)
    }

    /// A cause that this try shows.
    pub fn finding(&self, category: Category, about: &str, statement: String, line: &str) -> Finding {
        let entity = Entity::new("Host", "", about);
        let command = if self.command.is_empty() { String::new() } else { format!(" (`{}`)", short(self.command)) };
        Finding::new(category, Role::Cause, entity.clone(), statement.clone())
            .strength(STRENGTH)
            .decisive()
            .saw(
                Seen::new(EvidenceKind::Probe, self.source, entity, format!("{statement}{command}"))
                    .at(self.now, None)
                    .quoting(line.to_owned())
                    .decisive(),
            )
            .falsifier("the same command gives another answer now, or from another place")
    }
}

fn short(text: &str) -> String {
    text.chars().take(160).collect()
}

/// The host of `https://host:port/path` or `host:port`.
pub fn host(address: &str) -> &str {
    let rest = address.split("://").nth(1).unwrap_or(address);
    rest.split(['/', ':', '?']).next().unwrap_or(rest)
}

/// The first address of the command: a URL, or what `-connect` names.
pub fn target<'t>(tried: &Try<'t>) -> Option<&'t str> {
    let url = tried.command.split([' ', '\'', '"']).find(|word| word.starts_with("http://") || word.starts_with("https://"));
    url.map(host)
}
