//! What an error line means: one table of signs, read from the most specific to the most general.
//!
//! A sign is a handful of phrases that programs print, the category that they mean, the thing to look for in the line, and
//! what to do about it. The first sign that fits wins, so name resolution stands before connections, and an expired
//! certificate before a failed request.

mod quiet;
mod table;

use super::{access, extract};
use crate::model::{Category, observation::Level};

/// The least strength of a sign that a line of level INFO is believed to be. Source: own choice; what is weaker is daily chatter.
const CALM_BAR: f64 = 0.8;

/// Which part of a line names the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Nothing,
    Target,
    Unresolved,
    Variable,
    Path,
    Account,
    Command,
    Quoted,
    Exception,
    Operation,
}

/// Phrases in lower case, parted by `|`.
#[derive(Clone, Copy)]
pub struct Phrases(&'static str);

impl Phrases {
    fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split('|').filter(|phrase| !phrase.is_empty())
    }
}

/// One row of the table.
pub struct Sign {
    pub category: Category,
    /// Any of these.
    any: Phrases,
    /// And any of these, where there are some.
    with: Phrases,
    /// And none of these.
    without: Phrases,
    /// The least level; many programs print their errors without one, so most rows ask for none.
    level: Level,
    thing: Thing,
    /// The sentence; `{thing}` is filled in.
    title: &'static str,
    strength: f64,
    /// It settles its point by itself.
    decisive: bool,
    /// How something else shows, never the cause where anything explains it.
    symptom: bool,
    fix: &'static str,
    prevention: &'static str,
}

/// A row that fits any of the phrases; the rest is said by the methods below.
const fn sign(category: Category, strength: f64, title: &'static str, any: &'static str) -> Sign {
    Sign {
        category,
        any: Phrases(any),
        with: Phrases(""),
        without: Phrases(""),
        level: Level::Info,
        thing: Thing::Nothing,
        title,
        strength,
        decisive: false,
        symptom: false,
        fix: "",
        prevention: "",
    }
}

impl Sign {
    const fn with(self, phrases: &'static str) -> Self {
        Self { with: Phrases(phrases), ..self }
    }

    const fn without(self, phrases: &'static str) -> Self {
        Self { without: Phrases(phrases), ..self }
    }

    const fn about(self, thing: Thing) -> Self {
        Self { thing, ..self }
    }

    const fn from(self, level: Level) -> Self {
        Self { level, ..self }
    }

    const fn decisive(self) -> Self {
        Self { decisive: true, ..self }
    }

    const fn symptom(self) -> Self {
        Self { symptom: true, ..self }
    }

    /// What to do about it, and what keeps it from coming back.
    const fn fix(self, fix: &'static str, prevention: &'static str) -> Self {
        Self { fix, prevention, ..self }
    }
}

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub category: Category,
    /// Equal for lines about the same thing.
    pub key: String,
    pub title: String,
    pub thing: String,
    /// The words of the line that matter.
    pub essence: String,
    pub strength: f64,
    pub decisive: bool,
    pub symptom: bool,
    pub fix: String,
    pub prevention: String,
}

/// Reads one record; `None` when nothing in it is wrong.
///
/// `level` is `None` where the source gave none. A program that says of its own line that it is information has to use
/// far stronger words before it is contradicted.
pub fn read(text: &str, level: Option<Level>) -> Option<Reading> {
    let stated_calm = level == Some(Level::Info);
    let level = level.unwrap_or(Level::Info);
    if level <= Level::Debug || quiet::is_no_trouble(text) || (level < Level::Error && quiet::is_handled(text, stated_calm)) {
        return None;
    }
    // a path may hold any word; `access` counts what failed
    if level < Level::Error && access::parse(text).is_some_and(|request| request.status < 500) {
        return None;
    }
    if stated_calm {
        return causes(text).iter().find_map(|part| one(part, level, text)).and_then(calmed);
    }
    // of a chain of causes the innermost says most
    let parts = causes(text);
    for part in &parts {
        if let Some(reading) = one(part, level, text) {
            return Some(reading);
        }
    }
    (level >= Level::Error).then(|| generic(parts.last().copied().unwrap_or(text), level))
}

/// What is left of a reading when the line calls itself information.
fn calmed(reading: Reading) -> Option<Reading> {
    let strong = reading.strength >= CALM_BAR && !reading.symptom;
    strong.then_some(Reading { strength: reading.strength - 0.15, decisive: false, ..reading })
}

/// The parts of a record from the innermost cause to the whole.
fn causes(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    if text.contains('\n') {
        if let Some(at) = text.rfind("Caused by: ") {
            parts.push(text.get(at + 11..).and_then(|rest| rest.lines().next()).unwrap_or(""));
        }
        // .NET nests its causes
        if let Some((_, cause)) = text.rsplit_once("---> ") {
            parts.push(cause.lines().next().unwrap_or(""));
        }
        // Python: the last line that is not a frame names the exception
        if text.contains("Traceback (most recent call last)")
            && let Some(line) = text.lines().rev().find(|line| !line.starts_with([' ', '\t']) && !line.trim().is_empty())
        {
            parts.push(line);
        }
        // an exception below the words of whoever caught it
        if let Some(line) = text.lines().skip(1).find(|line| extract::is_exception(line)) {
            parts.push(line);
        }
        if let Some(first) = text.lines().next().filter(|line| !line.starts_with("Traceback")) {
            parts.push(first);
        }
        parts.push(text);
    } else {
        parts.push(text);
    }
    parts
}

fn one(part: &str, level: Level, whole: &str) -> Option<Reading> {
    let lower = quiet::without_negations(&part.to_ascii_lowercase());
    let sign = table::signs().find(|sign| sign.fits(&lower, level))?;
    // frames name files and classes of the program, never what it misses
    let told = || whole.lines().filter(|line| !line.starts_with([' ', '\t'])).collect::<Vec<_>>().join("\n");
    let thing = sign.thing.of(part).or_else(|| sign.thing.of(&told())).unwrap_or_default();
    if thing.is_empty() && sign.thing == Thing::Exception {
        return None;
    }
    let essence = essence(part, sign);
    let title = entitle(sign.title, &thing);
    // what has no name is one thing, but two exceptions with different messages are two, whatever numbers they hold
    let by_words = matches!(
        sign.category,
        Category::CodeError
            | Category::Unknown
            | Category::DataError
            | Category::JobFailed
            | Category::Misconfiguration
            | Category::ConfigMissing
    );
    let same = match (thing.is_empty(), by_words) {
        (_, true) if sign.thing == Thing::Exception || thing.is_empty() => masked(&essence),
        _ => thing.clone(),
    };
    let key = format!("{}|{}|{same}", sign.category.as_str(), sign.title);
    let strength = sign.strength + emphasis(level) - if is_summary(&essence) { 0.15 } else { 0.0 };
    Some(Reading {
        category: sign.category,
        key,
        title,
        thing: thing.clone(),
        essence,
        strength,
        decisive: sign.decisive,
        symptom: sign.symptom,
        fix: sign.fix.replace("{thing}", if thing.is_empty() { "it" } else { &thing }),
        prevention: sign.prevention.replace("{thing}", &thing),
    })
}

/// How much the line's own level says.
fn emphasis(level: Level) -> f64 {
    match level {
        Level::Fatal => 0.05,
        Level::Error => 0.04,
        Level::Warn => -0.03,
        _ => 0.0,
    }
}

/// `test_x failed!`, `The following tests failed`: that something failed, not why.
fn is_summary(essence: &str) -> bool {
    let lower = essence.trim_start_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
    (lower.len() < 60 && lower.trim_end_matches(['!', '.']).ends_with("failed"))
        || (lower.len() < 30 && lower.trim_end().ends_with("failures:"))
        || lower.starts_with("the following ")
        || (lower.len() < 30 && lower.starts_with("failed tests "))
        || lower.contains("for possible reasons")
        || lower.contains("ld returned 1 exit status")
        || lower.starts_with("aborted (core dumped")
}

/// The sentence with the thing in it, or without the words that would hold it.
fn entitle(title: &str, thing: &str) -> String {
    if !thing.is_empty() {
        return title.replace("{thing}", thing);
    }
    let mut title = title.to_owned();
    for hole in [" for {thing}", " to {thing}", " with {thing}", ": {thing}", " {thing}", "{thing}"] {
        title = title.replace(hole, "");
    }
    title
}

impl Sign {
    fn fits(&self, lower: &str, level: Level) -> bool {
        level >= self.level
            && self.any.iter().any(|phrase| has(lower, phrase))
            && (self.with.0.is_empty() || self.with.iter().any(|phrase| lower.contains(phrase)))
            && !self.without.iter().any(|phrase| lower.contains(phrase))
    }
}

/// Short phrases must begin a word: `eresolve` is not in `ServiceResolver`.
fn has(lower: &str, phrase: &str) -> bool {
    let bounded = phrase.len() <= 10 && phrase.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if !bounded {
        return lower.contains(phrase);
    }
    memchr::memmem::find_iter(lower.as_bytes(), phrase.as_bytes())
        .any(|at| at.checked_sub(1).and_then(|before| lower.as_bytes().get(before)).is_none_or(|b| !b.is_ascii_alphanumeric()))
}

impl Thing {
    fn of(self, text: &str) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Target => extract::target(text),
            Self::Unresolved => extract::unresolved(text),
            Self::Variable => extract::variable(text),
            Self::Path => extract::path(text),
            Self::Account => extract::account(text),
            Self::Command => extract::command(text),
            Self::Quoted => extract::quoted(text),
            Self::Exception => extract::exception(text).map(|(kind, _)| kind),
            Self::Operation => extract::operation(text),
        }
    }
}

/// The line from a little before the phrase that was recognised, so that a long line still shows it.
fn essence(part: &str, sign: &Sign) -> String {
    let lower = part.to_ascii_lowercase();
    let at = sign.any.iter().filter_map(|phrase| lower.find(phrase)).min().unwrap_or(0);
    let line_start = part.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let start = if at - line_start > 150 { part.floor_char_boundary(at - 110) } else { line_start };
    extract::one_line(part.get(start..).and_then(|rest| rest.split('\n').next()).unwrap_or(part), 240)
}

/// Digits as one mark, so that ids and counts do not tell lines apart.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(100) {
        if c.is_ascii_digit() {
            if !out.ends_with('#') {
                out.push('#');
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A line that is an error by its level alone.
fn generic(text: &str, level: Level) -> Reading {
    let essence = extract::one_line(text.lines().find(|line| !line.trim().is_empty()).unwrap_or(text), 200);
    Reading {
        category: Category::Unknown,
        key: format!("generic|{}", masked(&essence)),
        title: "It logs an error".to_owned(),
        thing: String::new(),
        essence,
        strength: if level == Level::Fatal { 0.5 } else { 0.35 },
        decisive: false,
        symptom: level < Level::Fatal,
        fix: "Read the lines before the first of these errors in the same log".to_owned(),
        prevention: "Let the program say in its error what it needs and did not get".to_owned(),
    }
}

#[cfg(test)]
mod tests;
