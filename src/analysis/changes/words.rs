//! The words by which a symptom and a change are compared.

use std::collections::BTreeSet;

/// Words that every change and every alert uses.
const COMMON: &[&str] = &[
    "the",
    "and",
    "for",
    "with",
    "from",
    "this",
    "that",
    "not",
    "are",
    "was",
    "has",
    "have",
    "will",
    "into",
    "when",
    "error",
    "errors",
    "service",
    "services",
    "add",
    "fix",
    "chore",
    "refactor",
    "feat",
    "docs",
    "test",
    "tests",
    "update",
    "bump",
    "remove",
    "return",
    "func",
    "nil",
    "err",
    "above",
    "below",
    "rate",
    "ratio",
    "high",
    "http",
    "https",
    "pkg",
    "src",
    "main",
    "internal",
    "cmd",
    "config",
    "string",
    "int",
    "const",
    "var",
    "true",
    "false",
    "new",
    "set",
    "get",
    "use",
    "using",
    "value",
    "name",
    "type",
    "failed",
    "failing",
    "request",
    "requests",
    "info",
    "warn",
    "deployed",
    "started",
    "completed",
    "since",
    "over",
    "per",
    "its",
    "all",
    "multiple",
    "observed",
    "monitor",
    "threshold",
    "default",
    "spike",
    "alert",
    "critical",
    "warning",
    "code",
    "file",
    "line",
    "lines",
    "import",
    "public",
    "static",
    "void",
    "struct",
    "impl",
    "let",
    "mut",
    "self",
];

/// The words of a text: identifiers are taken apart at case changes and underscores, plurals lose their s.
pub fn words(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for token in text.split(|c: char| !c.is_alphanumeric()) {
        let mut word = String::new();
        let mut previous_lower = false;
        for c in token.chars() {
            if c.is_uppercase() && previous_lower {
                push(&mut out, &word);
                word.clear();
            }
            previous_lower = c.is_lowercase() || c.is_ascii_digit();
            word.extend(c.to_lowercase());
        }
        push(&mut out, &word);
        push(&mut out, &token.to_lowercase());
    }
    out
}

fn push(out: &mut BTreeSet<String>, word: &str) {
    let word = match word.strip_suffix('s') {
        Some(stem) if stem.len() > 3 && !stem.ends_with('s') => stem,
        _ => word,
    };
    if word.len() > 2 && word.len() < 40 && !COMMON.contains(&word) && word.chars().any(char::is_alphabetic) && !is_hash(word) {
        out.insert(word.to_owned());
    }
}

fn is_hash(word: &str) -> bool {
    word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit()) && word.bytes().any(|b| b.is_ascii_digit())
}
