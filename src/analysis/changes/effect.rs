//! What a diff does to the program's behaviour, as far as its lines tell in any language.
//!
//! A refactoring, a log line and a comment share all the words of the code that broke; what tells the culprit is that its
//! lines do something: a number moves, a check goes away, a name changes, a call lands inside of a loop.

use std::collections::BTreeSet;

use super::diff::{Hunk, Line, hunks};

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
    }
    out.dedup();
    out.truncate(MOST);
    out
}

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

/// One line as its frame and the values in it.
struct Statement<'a> {
    frame: String,
    values: Vec<&'a str>,
    words: Vec<&'a str>,
    name: &'a str,
    /// What is assigned, as it is written.
    right: &'a str,
}

impl<'a> Statement<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let line = line.trim();
        if is_talk(line) || line.len() < 4 {
            return None;
        }
        let mut statement =
            Self { frame: String::new(), values: Vec::new(), words: Vec::new(), name: name_of(line), right: right_of(line) };
        for token in tokens(line) {
            if is_value(token) {
                statement.values.push(token);
                statement.frame.push('#');
            } else if let Some(word) = quoted(token) {
                statement.words.push(word);
                statement.frame.push('"');
            } else if !token.trim().is_empty() {
                statement.frame.push_str(token.trim());
            }
        }
        Some(statement)
    }

    /// The effect of going from this line to `new`; `None` when they are not the same statement, an empty one when nothing changed.
    fn compared(&self, new: &Self, file: &str) -> Option<Option<Effect>> {
        let same_frame = self.frame == new.frame || !self.name.is_empty() && self.name == new.name && self.values.len() == new.values.len();
        if same_frame && self.values.len() == new.values.len() && !self.values.is_empty() && self.words == new.words {
            let mut pairs = self.values.iter().zip(&new.values).filter(|(old, new)| old != new);
            let Some((from, to)) = pairs.next() else { return Some(None) };
            let switched = matches!(from.to_lowercase().as_str(), "true" | "false" | "on" | "off" | "enabled" | "disabled");
            // A time is written with its unit beside it: 30 * time.Second.
            let (unit_before, unit_after) = (unit(self.right), unit(new.right));
            let (from, to) = if unit_before.is_some() || unit_after.is_some() { (&self.right, &new.right) } else { (from, to) };
            let name = if self.name.is_empty() { "a value" } else { self.name }.to_owned();
            return Some(Some(if switched {
                Effect::Switched { name, to: (*to).to_owned(), file: file.to_owned() }
            } else {
                Effect::Value {
                    name,
                    from: (*from).to_owned(),
                    to: (*to).to_owned(),
                    rises: amount(from)
                        .map(|value| value * unit_before.unwrap_or(1.0))
                        .zip(amount(to).map(|value| value * unit_after.unwrap_or(1.0)))
                        .filter(|(a, b)| (a - b).abs() > f64::EPSILON)
                        .map(|(a, b)| b > a),
                    file: file.to_owned(),
                }
            }));
        }
        let like =
            self.words.len() == new.words.len() && !self.words.is_empty() && (self.frame == new.frame || similar(&self.frame, &new.frame));
        if like {
            let mut pairs = self.words.iter().zip(&new.words).filter(|(old, new)| old != new);
            let Some((from, to)) = pairs.next() else { return (self.frame == new.frame).then_some(None) };
            // What people read is no name; a name is one word.
            let names = |word: &str| !word.contains(' ') && word.len() > 1;
            return (names(from) && names(to))
                .then(|| Some(Effect::Renamed { from: (*from).to_owned(), to: (*to).to_owned(), file: file.to_owned() }));
        }
        (self.frame == new.frame && self.values == new.values).then_some(None)
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
fn calls(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
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
    let open = line.find('(')?;
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
    let _ = open;
    best
}

/// Words of calls that give something back.
const RELEASES: &[&str] =
    &["close(", "release(", "unlock(", "cancel(", "dispose(", "free(", ".end(", "shutdown(", "rollback(", "commit(", "disconnect("];

fn releases(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
    let has = |line: &str| RELEASES.iter().find(|word| line.to_ascii_lowercase().contains(**word)).copied();
    let added: BTreeSet<&str> = hunk.added().filter_map(has).collect();
    for line in hunk.removed().filter(|line| !is_talk(line.trim())) {
        if let Some(word) = has(line).filter(|word| !added.contains(word)) {
            out.push(Effect::ReleaseRemoved { what: short(line.trim()), file: hunk.file.to_owned() });
            let _ = word;
        }
    }
}

/// Comments, logging and metrics: what a line says about the program, not what the program does.
fn is_talk(line: &str) -> bool {
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
        .any(|word| lower.contains(word))
}

/// The name that a line gives a value to.
fn name_of(line: &str) -> &str {
    let until = line.find(['=', ':', '(']).unwrap_or(line.len());
    let head = line.get(..until).unwrap_or(line).trim_end_matches([' ', ':', '"', '\'', '+', '-']);
    let start = head.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).map_or(0, |at| at + 1);
    head.get(start..).unwrap_or("").trim_matches('"')
}

/// What stands to the right of an assignment or a colon, without what ends the statement.
fn right_of(line: &str) -> &str {
    let at = line.find(":=").map(|at| at + 2).or_else(|| line.find('=').map(|at| at + 1)).or_else(|| line.find(':').map(|at| at + 1));
    let right = at.and_then(|at| line.get(at..)).unwrap_or(line).trim().trim_end_matches([',', ';', ')', '{']).trim();
    if right.len() <= 48 { right } else { line.get(line.len()..).unwrap_or("") }
}

/// Seconds that the unit beside a number stands for, as languages write it.
fn unit(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let units =
        [("milli", 0.001), ("micro", 1e-6), ("nano", 1e-9), ("minute", 60.0), ("hour", 3_600.0), ("days", 86_400.0), ("second", 1.0)];
    units.iter().find(|(word, _)| lower.contains(word)).map(|(_, factor)| *factor)
}

/// Pieces of a line: quoted strings, numbers with their units, words, and what lies between.
fn tokens(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' | '`' => rest.get(1..).and_then(|tail| tail.find(first)).map_or(1, |at| at + 2),
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        out.push(token);
        rest = tail;
    }
    out
}

fn quoted(token: &str) -> Option<&str> {
    let inner = token.strip_prefix(['"', '\'', '`'])?.strip_suffix(['"', '\'', '`'])?;
    (!inner.is_empty()).then_some(inner)
}

/// A number, with or without a unit, quoted or not; a switch.
fn is_value(token: &str) -> bool {
    let token = quoted(token).unwrap_or(token);
    let starts = token.starts_with(|c: char| c.is_ascii_digit());
    starts && token.len() <= 24
        || matches!(
            token.to_ascii_lowercase().as_str(),
            "true"
                | "false"
                | "on"
                | "off"
                | "enabled"
                | "disabled"
                | "second"
                | "seconds"
                | "minute"
                | "minutes"
                | "hour"
                | "hours"
                | "millisecond"
                | "milliseconds"
        )
}

/// A value as a number in base units.
fn amount(token: &str) -> Option<f64> {
    let token = quoted(token).unwrap_or(token).replace('_', "").to_ascii_lowercase();
    let token = token.trim_start_matches(|c: char| !c.is_ascii_digit());
    let token = token.split([' ', '*', ',', ')']).next().unwrap_or(token);
    let end = token.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(token.len());
    let number: f64 = token.get(..end)?.parse().ok()?;
    let factor = match token.get(end..)? {
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        "k" | "kb" | "ki" | "kib" => 1_024.0,
        "mb" | "mi" | "mib" => 1_048_576.0,
        "g" | "gb" | "gi" | "gib" => 1_073_741_824.0,
        _ => 1.0,
    };
    Some(number * factor)
}

/// The two have most of their words in common.
fn similar(one: &str, other: &str) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let (a, b) = (words(one), words(other));
    let shared = a.intersection(&b).count();
    shared * 2 > a.len().max(b.len()).max(1)
}

fn short(text: &str) -> String {
    let text = text.trim().trim_end_matches(['{', ';']).trim();
    if text.chars().count() <= 80 { text.to_owned() } else { format!("{}…", text.chars().take(79).collect::<String>()) }
}
