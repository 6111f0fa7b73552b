//! Calls that come and go: those that may leave the process, and those that give something back.

use std::collections::BTreeSet;

use super::{
    diff::{Hunk, Line},
    effect::{Effect, is_talk, short},
};

/// Words of calls that may leave the process.
const REMOTE: &[&str] = &[
    "query",
    "select",
    "fetch",
    "http",
    "client",
    "rpc",
    "getitem",
    "get_item",
    "lookup",
    "load",
    "find",
    "execute",
    "exec",
    "request",
    "call",
    "dial",
    "send",
    "publish",
    "insert",
    "update",
    "save",
    "resolve",
    "invoke",
    "download",
    "read_",
    "readfile",
    "repository",
    "repo.",
    "dao",
    "db.",
    "cache.",
    "redis",
    "mongo",
    "store.",
    "catalog",
    "service.",
    "stub.",
    "objects.",
    "findby",
    "findone",
    "find_by",
];

/// Calls that are new, inside of a loop or not.
pub fn calls(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
    let before: BTreeSet<&str> = hunk.removed().filter_map(call).collect();
    let mut loops: Vec<usize> = Vec::new();
    for line in &hunk.lines {
        let (text, added) = match line {
            Line::Added(text) => (*text, true),
            Line::Same(text) => (*text, false),
            Line::Removed(_) => continue,
        };
        let indent = text.len() - text.trim_start().len();
        if text.trim().is_empty() {
            continue;
        }
        loops.retain(|outer| indent > *outer);
        let inside = !loops.is_empty() || inline_loop(text);
        if is_loop(text) {
            loops.push(indent);
        }
        let Some(call) = call(text).filter(|_| added) else { continue };
        if before.contains(call) || is_talk(text.trim()) {
            continue;
        }
        let (call, file) = (call.to_owned(), hunk.file.to_owned());
        out.push(if inside { Effect::CallInLoop { call, file } } else { Effect::CallAdded { call, file } });
    }
}

fn is_loop(line: &str) -> bool {
    let line = line.trim_start();
    ["for ", "for(", "foreach ", "while ", "while("].iter().any(|start| line.starts_with(start))
        || line.contains(".each do")
        || line.contains(".forEach(")
}

/// A loop on one line: `.map(x -> …)`, a comprehension.
fn inline_loop(line: &str) -> bool {
    [".map(", ".forEach(", ".flatMap(", ".each {", ".each do", ".collect {"].iter().any(|part| line.contains(part))
        || line.contains(" for ") && line.contains(" in ") && line.contains('[')
}

/// The name of the called thing, when it sounds as if it leaves the process.
fn call(line: &str) -> Option<&str> {
    if line.trim_start().starts_with("func ")
        || line.trim_start().starts_with("def ")
        || line.trim_start().starts_with("fn ")
        || line.contains(" function")
    {
        return None;
    }
    let mut best = None;
    for (at, _) in line.match_indices('(') {
        let head = line.get(..at)?;
        let start = head.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '>' | '-' | ':'))).map_or(0, |at| at + 1);
        let name = head.get(start..)?.trim_start_matches(['-', '>', ':', '.']);
        let lower = name.to_ascii_lowercase();
        if name.contains(['.', '>', ':']) && REMOTE.iter().any(|word| lower.contains(word)) || lower.starts_with("await ") {
            best = Some(name);
            break;
        }
    }
    best
}

/// Words of calls that give something back.
const RELEASES: &[&str] =
    &["close(", "release(", "unlock(", "cancel(", "dispose(", "free(", ".end(", "shutdown(", "rollback(", "commit(", "disconnect("];

pub fn releases(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
    let has = |line: &str| RELEASES.iter().find(|word| line.to_ascii_lowercase().contains(**word)).copied();
    let added: BTreeSet<&str> = hunk.added().filter_map(has).collect();
    for line in hunk.removed().filter(|line| !is_talk(line.trim())) {
        if has(line).is_some_and(|word| !added.contains(word)) {
            out.push(Effect::ReleaseRemoved { what: short(line.trim()), file: hunk.file.to_owned() });
        }
    }
}
