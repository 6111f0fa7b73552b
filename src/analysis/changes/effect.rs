//! What a diff does to the program's behaviour, as far as its lines tell in any language.
//!
//! A refactoring, a log line and a comment share all the words of the code that broke; what tells the culprit is that its
//! lines do something: a number moves, a check goes away, a name changes, a call lands inside of a loop.

use std::collections::BTreeSet;

use super::{
    calls::{calls, releases},
    diff::{Hunk, hunks},
    holds::{guards, locks, savings},
    statement::Statement,
};

/// How many effects of one change are kept.
const MOST: usize = 12;

/// One thing that a diff does.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A number, a duration or a size got another value.
    Value { name: String, from: String, to: String, rises: Option<bool>, file: String },
    /// A name that others rely on, as a quoted word: a field, a key, a header, a route, a column.
    Renamed { from: String, to: String, file: String },
    /// A condition under which the code returned, threw or skipped is gone.
    CheckRemoved { check: String, file: String },
    /// Code returns, throws or refuses under a condition that was not there.
    CheckAdded { check: String, file: String },
    /// Something that may go over the network is called for each element.
    CallInLoop { call: String, file: String },
    /// A call that may go over the network where there was none.
    CallAdded { call: String, file: String },
    /// A switch was turned.
    Switched { name: String, to: String, file: String },
    /// Something is not closed, released or awaited any more.
    ReleaseRemoved { what: String, file: String },
    /// Something is not loaded ahead, in one go, or kept any more.
    SavingRemoved { what: String, file: String },
    /// A lock or a transaction is taken, or kept over more work.
    HeldLonger { what: String, file: String },
}

/// Everything that a diff does; empty when its lines change nothing that can be seen from outside.
pub fn effects(diff: &str) -> Vec<Effect> {
    let mut out = Vec::new();
    for hunk in hunks(diff) {
        if hunk.is_test() {
            continue;
        }
        values(&hunk, &mut out);
        checks(&hunk, &mut out);
        calls(&hunk, &mut out);
        releases(&hunk, &mut out);
        savings(&hunk, &mut out);
        locks(&hunk, &mut out);
        guards(&hunk, &mut out);
    }
    out.dedup();
    out.truncate(MOST);
    out
}

/// A diff that only talks differently (comments, logging, metrics, documents, tests), or says the same in another way.
pub fn is_tidying(diff: &str) -> bool {
    let code = |lines: Vec<&str>| -> BTreeSet<String> {
        let lines = lines.into_iter().filter(|line| !is_talk(line.trim()));
        lines
            .flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let hunks: Vec<Hunk<'_>> = hunks(diff).into_iter().filter(|hunk| !hunk.is_test()).collect();
    let removed = code(hunks.iter().flat_map(Hunk::removed).collect());
    let added = code(hunks.iter().flat_map(Hunk::added).collect());
    let (shared, all) = (removed.intersection(&added).count(), removed.union(&added).count());
    all == 0 || shared * 100 >= all * SAME_PERCENT
}

/// With this share of its words in common, what came says the same as what went. Source: own measurement on moved and wrapped code.
const SAME_PERCENT: usize = 50;

impl Effect {
    /// One clause that says what is done and where.
    pub fn told(&self) -> String {
        let at = |file: &str| if file.is_empty() { String::new() } else { format!(" in {file}") };
        match self {
            Self::Value { name, from, to, file, rises } => {
                let verb = match rises {
                    Some(true) => "raises",
                    Some(false) => "lowers",
                    None => "changes",
                };
                format!("{verb} {name} from {from} to {to}{}", at(file))
            }
            Self::Renamed { from, to, file } => format!("renames \"{from}\" to \"{to}\"{}", at(file)),
            Self::CheckRemoved { check, file } => format!("removes the check `{check}`{}", at(file)),
            Self::CheckAdded { check, file } => format!("adds the check `{check}`{}", at(file)),
            Self::CallInLoop { call, file } => format!("calls `{call}` for each element of a loop{}", at(file)),
            Self::CallAdded { call, file } => format!("calls `{call}` where nothing was called{}", at(file)),
            Self::Switched { name, to, file } => format!("switches {name} to {to}{}", at(file)),
            Self::ReleaseRemoved { what, file } => format!("does not call `{what}` any more{}", at(file)),
            Self::SavingRemoved { what, file } => format!("gives up `{what}`, which saved work,{}", at(file)),
            Self::HeldLonger { what, file } => format!("holds `{what}` for longer{}", at(file)),
        }
    }
}

/// Pairs of a removed and an added line that differ in one value or one quoted word.
fn values(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
    let mut used: BTreeSet<usize> = BTreeSet::new();
    for removed in hunk.removed() {
        let Some(old) = Statement::of(removed) else { continue };
        for (at, added) in hunk.added().enumerate() {
            if used.contains(&at) {
                continue;
            }
            let Some(new) = Statement::of(added) else { continue };
            if let Some(effect) = old.compared(&new, hunk.file) {
                used.insert(at);
                out.extend(effect);
                break;
            }
        }
    }
}

/// Checks that went away or came, where the other side has none that is alike.
fn checks(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
    let of = |lines: Vec<&str>| -> Vec<String> { lines.iter().filter_map(|line| condition(line)).collect() };
    let (removed, added) = (of(hunk.removed().collect()), of(hunk.added().collect()));
    let file = hunk.file.to_owned();
    let alike = |one: &str, others: &[String]| others.iter().any(|other| similar(one, other));
    for check in removed.iter().filter(|check| !alike(check, &added)) {
        out.push(Effect::CheckRemoved { check: short(check), file: file.clone() });
    }
    for check in added.iter().filter(|check| !alike(check, &removed)) {
        out.push(Effect::CheckAdded { check: short(check), file: file.clone() });
    }
    // A comparison that became stricter or laxer: same operands, another expression.
    for (old, new) in removed.iter().filter_map(|old| added.iter().find(|new| *new != old && similar(old, new)).map(|new| (old, new))) {
        let (old_calls, new_calls) = (old.matches('(').count(), new.matches('(').count());
        if old_calls > new_calls {
            out.push(Effect::CheckAdded { check: format!("{} instead of {}", short(new), short(old)), file: file.clone() });
        }
    }
}

/// The condition of a line that guards something: not the error plumbing of a language.
fn condition(line: &str) -> Option<String> {
    let line = line.trim();
    let rest = ["if ", "if(", "} else if ", "elif ", "unless ", "guard ", "assert ", "require(", "while ", "when "]
        .iter()
        .find_map(|start| line.strip_prefix(start))?;
    let rest = rest.trim_end_matches(['{', ':', ' ', '(']).trim();
    let plumbing = rest.contains("err != nil") || rest == "err" || rest.contains("err == nil") || rest.starts_with("__name__");
    (!plumbing && rest.len() > 2).then(|| rest.to_owned())
}

/// Comments, logging and metrics: what a line says about the program, not what the program does.
pub(super) fn is_talk(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    ["//", "#", "/*", "*", "--", "<!--", "\"\"\"", "import ", "use ", "package ", "from "].iter().any(|start| lower.starts_with(start))
        || [
            "log.",
            "logger",
            "logging.",
            "console.",
            "slog.",
            "print(",
            "println",
            "printf(",
            "tracing::",
            "metrics.",
            "counter",
            "histogram",
            "span.",
            "span :=",
        ]
        .iter()
        .any(|word| begins_a_word(&lower, word))
}

/// The part stands in the text at the beginning of a word: `log.` is not in `catalog.`.
fn begins_a_word(text: &str, part: &str) -> bool {
    text.match_indices(part).any(|(at, _)| text.get(..at).and_then(|head| head.chars().next_back()).is_none_or(|c| !c.is_alphanumeric()))
}

/// The two have most of their words in common.
pub(super) fn similar(one: &str, other: &str) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let (a, b) = (words(one), words(other));
    let shared = a.intersection(&b).count();
    shared * 2 > a.len().max(b.len()).max(1)
}

pub(super) fn short(text: &str) -> String {
    let text = text.trim().trim_end_matches(['{', ';']).trim();
    if text.chars().count() <= 80 { text.to_owned() } else { format!("{}…", text.chars().take(79).collect::<String>()) }
}
