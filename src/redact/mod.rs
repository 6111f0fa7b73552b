//! Secrets out of text: one function, used before every sink (store, Slack, logs).

#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

/// What a secret is replaced with; the word says which rule took it.
const MARK: &str = "[redacted";

/// A rule runs only on text that contains one of its hints: compiling and matching cost nothing on ordinary text.
struct Rule {
    name: &'static str,
    /// In lower case.
    hints: &'static [&'static str],
    /// The secret is the group `s`, or the whole match where there is none.
    pattern: LazyLock<Option<Regex>>,
}

macro_rules! rule {
    ($name:literal, [$($hint:literal),+], $pattern:literal) => {
        Rule { name: $name, hints: &[$($hint),+], pattern: LazyLock::new(|| Regex::new($pattern).ok()) }
    };
}

static RULES: [Rule; 8] = [
    rule!("private key", ["-----begin"], r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"),
    rule!("password in a URL", ["://"], r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:(?P<s>[^\s/@]+)@"),
    rule!("JWT", ["eyj"], r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.?[A-Za-z0-9_.-]*"),
    rule!("Slack token", ["xox", "xapp-"], r"\bx(?:ox[abeprs]|app)-[A-Za-z0-9-]{8,}"),
    rule!("cloud key", ["akia", "asia", "aiza"], r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}"),
    rule!(
        "code host token",
        ["ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "sk-"],
        r"\b(?:gh[opsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9_-]{20,})"
    ),
    rule!("authorization", ["bearer ", "basic "], r"(?i)\b(?:bearer|basic)\s+(?P<s>[A-Za-z0-9._~+/=-]{12,})"),
    rule!(
        "secret",
        ["password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "api-key", "access_key", "credential"],
        r#"(?i)\b[A-Za-z0-9_.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|credentials?)["']?\s*[=:]\s*["']?(?P<s>[^\s"',;&}\]]{4,})"#
    ),
];

/// Values after `secret:` and the like that are words of the language around them, not secrets.
const HARMLESS: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "undefined",
    "required",
    "missing",
    "expired",
    "invalid",
    "empty",
    "not",
    "unable",
    "failed",
    "optional",
    "the",
];

/// Anything that a rule could want to see, in one look; the escapes can hide letters.
static HINTED: LazyLock<Option<regex::bytes::Regex>> = LazyLock::new(|| {
    let hints = RULES.iter().flat_map(|rule| rule.hints).filter(|hint| **hint != "://").map(|hint| regex::escape(hint));
    let any: Vec<String> = hints.collect();
    regex::bytes::Regex::new(&format!(r"(?i-u){}|@|\\u00", any.join("|"))).ok()
});

/// JSON text without secrets in its values. Text without any is not copied, and one without any sign of them is only looked at once.
pub fn json(input: &str) -> Cow<'_, str> {
    // A password in a URL stands before an `@`, whatever the URL; all other rules have words of their own.
    if HINTED.as_ref().is_some_and(|hinted| !hinted.is_match(input.as_bytes())) {
        return Cow::Borrowed(input);
    }
    match serde_json::from_str::<Value>(input) {
        Ok(mut value) => {
            if values(&mut value) {
                Cow::Owned(value.to_string())
            } else {
                Cow::Borrowed(input)
            }
        }
        Err(_) => text(input),
    }
}

/// Takes the secrets out of every text in a value.
pub fn value(value: &mut Value) {
    values(value);
}

/// Takes the secrets out of every text in a value; whether there were any.
fn values(value: &mut Value) -> bool {
    match value {
        Value::String(inner) => match text(inner) {
            Cow::Owned(without) => {
                *inner = without;
                true
            }
            Cow::Borrowed(_) => false,
        },
        Value::Array(list) => list.iter_mut().fold(false, |found, item| values(item) | found),
        Value::Object(fields) => fields.iter_mut().fold(false, |found, (name, item)| field(name, item) | found),
        _ => false,
    }
}

/// A field whose name says that it holds a secret is judged with its name: `"token": "…"`.
fn field(name: &str, value: &mut Value) -> bool {
    let Value::String(inner) = value else { return values(value) };
    let said = format!("{name}: {inner}");
    match text(&said) {
        Cow::Owned(without) => {
            *inner = without.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(MARK).to_owned();
            true
        }
        Cow::Borrowed(_) => false,
    }
}

/// The text without secrets. Text without any is not copied.
pub fn text(input: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(input);
    let lower = input.to_ascii_lowercase();
    for rule in RULES.iter().filter(|rule| rule.hints.iter().any(|hint| lower.contains(hint))) {
        let Some(pattern) = rule.pattern.as_ref() else { continue };
        let replaced = pattern.replace_all(&out, |found: &regex::Captures<'_>| {
            let whole = found.get(0).map_or("", |group| group.as_str());
            let Some(secret) = found.name("s") else { return format!("{MARK} {}]", rule.name) };
            let value = secret.as_str();
            // `token: KeyError: …`: what ends in a colon announces something and is no secret.
            if value.starts_with(MARK)
                || value.ends_with(':')
                || HARMLESS.contains(&value.to_ascii_lowercase().trim_matches(|c: char| !c.is_alphanumeric()))
            {
                return whole.to_owned();
            }
            let start = secret.start() - found.get(0).map_or(0, |group| group.start());
            let (before, after) = (whole.get(..start).unwrap_or_default(), whole.get(start + value.len()..).unwrap_or_default());
            format!("{before}{MARK} {}]{after}", rule.name)
        });
        if let Cow::Owned(replaced) = replaced {
            out = Cow::Owned(replaced);
        }
    }
    out
}
