//! A person's further words, without any model: "only errors of api since 14:00", "narrow to the last two deploys", "ignore payments".

mod apply;
#[cfg(test)]
mod tests;
mod times;

use std::{borrow::Cow, sync::LazyLock};

use jiff::Timestamp;
use regex::Regex;

use super::focus::focus_of;
use crate::{
    analysis::Focus,
    model::{Request, observation::Observations},
};

pub use apply::{Narrowed, apply};

/// More words than this are a story, not an instruction.
const TEXT_MAX: usize = 1000;
const NAMES_MAX: usize = 12;

/// What was understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Narrow {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Nothing but what is named is to be looked at; without it the names only say what is meant.
    pub strict: bool,
    /// Words that may name a service, namespace or object; which of them do, the evidence says.
    pub names: Vec<String>,
    /// The names that the instruction is about: one that the evidence does not know is worth saying.
    pub asked: Vec<String>,
    pub errors: bool,
    /// The last so many changes, of this kind; an empty kind means any.
    pub changes: Option<(usize, &'static str)>,
    /// The only agents that are to look.
    pub agents: Vec<&'static str>,
    pub ignore: Vec<String>,
}

impl Narrow {
    /// It says something that can be applied to evidence, names aside.
    pub fn is_instruction(&self) -> bool {
        self.from.is_some()
            || self.until.is_some()
            || self.errors
            || self.changes.is_some()
            || !self.agents.is_empty()
            || !self.ignore.is_empty()
            || self.strict && !self.asked.is_empty()
    }
}

/// What is looked at, and what it is about, after a person's further words.
#[derive(Debug, Clone)]
pub struct View<'a> {
    pub focus: Focus,
    pub observations: Cow<'a, Observations>,
    /// What was narrowed, in one sentence; empty when nothing was.
    pub says: String,
    pub gaps: Vec<String>,
}

/// The evidence as `words` leave it; all of it without any words.
pub fn view<'a>(words: Option<&str>, focus: &Focus, all: &'a Observations) -> View<'a> {
    let mut view = View { focus: focus.clone(), observations: Cow::Borrowed(all), says: String::new(), gaps: Vec::new() };
    let Some((words, now)) = words.zip(focus.now) else { return view };
    let narrow = read(words, now);
    let narrowed = apply(&narrow, all);
    if narrow.strict && !narrowed.names.is_empty() {
        view.focus.entities.clear();
        view.focus.words.clone_from(&narrowed.names);
    } else {
        view.focus.words.extend(narrowed.names.into_iter().filter(|name| !focus.words.contains(name)));
    }
    // What the person quotes is looked up in the logs.
    if !view.focus.text.contains(words) {
        view.focus.text = format!("{}. {words}", view.focus.text);
    }
    view.focus.now = narrow.until.map_or(focus.now, |until| Some(until.min(now)));
    view.observations = Cow::Owned(narrowed.observations);
    view.says = narrowed.says;
    view.gaps = narrowed.gaps;
    view
}

/// The agents that `words` ask for by name; empty for no wish.
pub fn agents(words: Option<&str>) -> Vec<String> {
    // Who is asked for has nothing to do with times.
    words.map(|words| read(words, Timestamp::UNIX_EPOCH).agents.into_iter().map(str::to_owned).collect()).unwrap_or_default()
}

struct Patterns {
    strict: Regex,
    errors: Regex,
    changes: Regex,
    agents: Regex,
    ignore: Regex,
    asked: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let new = |pattern: &str| Regex::new(pattern).ok();
    Some(Patterns {
        strict: new(
            r"\b(?:only|just|narrow|limit|restrict|focus|zoom|nothing but)\b|\b(?:errors?|failures?|exceptions?) (?:of|in|from)\b",
        )?,
        errors: new(
            r"\b(?:only|just|nothing but)\s+(?:the\s+)?(?:errors?|failures?|exceptions?)\b|\b(?:errors?|failures?|exceptions?)\s+(?:only|of|in|from)\b|\bto (?:the )?errors?\b",
        )?,
        changes: new(
            r"\b(?:last|latest|newest|most recent|previous)\s+(?:(\d{1,2}|one|two|three|four|five|few)\s+)?(deploys?|deployments?|releases?|rollouts?|commits?|flags?|changes?)\b",
        )?,
        agents: new(
            r"\b(?:only|just|narrow(?: it)?(?: down)? to|focus on|limit to|restrict to)\s+(?:the\s+)?(database|databases|db|mongodb|network|dns|infrastructure|kubernetes|cluster|application|code)\b",
        )?,
        ignore: new(
            r"\b(?:ignore|ignoring|exclude|excluding|except(?: for)?|leave out|other than|not counting)\s+(?:the\s+)?([a-z0-9][\w./-]*)(?:\s*(?:,|and|or)\s+(?:the\s+)?([a-z0-9][\w./-]*))?",
        )?,
        asked: new(
            r"\b(?:of|in|from|for|only|just|narrow to|narrow down to|focus on|limit to|restrict to|zoom in on|zoom into)\s+(?:the\s+)?(?:service |namespace |pod |deployment )?([a-z0-9][\w./-]*[a-z0-9])",
        )?,
    })
});

/// Words after "only" and "of" that name nothing.
const NO_NAMES: &[&str] = &[
    "the",
    "last",
    "past",
    "latest",
    "error",
    "errors",
    "failure",
    "failures",
    "exception",
    "exceptions",
    "logs",
    "log",
    "events",
    "event",
    "changes",
    "change",
    "deploy",
    "deploys",
    "deployments",
    "releases",
    "commits",
    "flags",
    "database",
    "databases",
    "db",
    "network",
    "dns",
    "infrastructure",
    "kubernetes",
    "application",
    "code",
    "cluster",
    "me",
    "us",
    "you",
    "it",
    "that",
    "this",
    "what",
    "those",
    "these",
    "all",
    "one",
    "two",
    "three",
    "service",
    "services",
    "namespace",
    "pod",
    "pods",
    "yesterday",
    "today",
    "between",
    "since",
    "a",
    "an",
];

/// Reads `text`; `now` is the instant from which times count.
pub fn read(text: &str, now: Timestamp) -> Narrow {
    let Some(patterns) = PATTERNS.as_ref() else { return Narrow::default() };
    let mut rest: String = text.chars().take(TEXT_MAX).collect::<String>().to_lowercase();
    let mut narrow = Narrow { strict: patterns.strict.is_match(&rest), errors: patterns.errors.is_match(&rest), ..Narrow::default() };
    if let Some(found) = patterns.changes.captures(&rest) {
        let noun = found.get(2).map_or("", |noun| noun.as_str());
        let usual = if noun.ends_with('s') { 3 } else { 1 };
        let number = found.get(1).map_or(usual, |number| in_digits(number.as_str(), usual));
        narrow.changes = Some((number, kind_of(noun)));
        let place = found.get(0).map(|all| all.range());
        blank(&mut rest, place);
    }
    let times = times::read(&rest, now);
    (narrow.from, narrow.until) = (times.from, times.until);
    for place in times.places {
        blank(&mut rest, Some(place));
    }
    while let Some(found) = patterns.ignore.captures(&rest) {
        narrow.ignore.extend(found.iter().skip(1).flatten().map(|name| name.as_str().to_owned()));
        let place = found.get(0).map(|all| all.range());
        blank(&mut rest, place);
    }
    for found in patterns.agents.captures_iter(&rest) {
        let agent = match found.get(1).map_or("", |word| word.as_str()) {
            "database" | "databases" | "db" | "mongodb" => "database",
            "network" | "dns" => "network",
            "infrastructure" | "kubernetes" | "cluster" => "infrastructure",
            _ => "application",
        };
        if !narrow.agents.contains(&agent) {
            narrow.agents.push(agent);
        }
    }
    let names = |word: &str| !NO_NAMES.contains(&word) && word.chars().any(char::is_alphabetic);
    narrow.asked = patterns.asked.captures_iter(&rest).filter_map(|found| found.get(1)).map(|name| name.as_str().to_owned()).collect();
    narrow.asked.retain(|name| names(name));
    narrow.names = focus_of(&Request::question(&rest)).words.into_iter().filter(|word| names(word)).collect();
    let named = narrow.asked.clone();
    narrow.names.extend(named);
    narrow.names.sort();
    narrow.names.dedup();
    narrow.names.truncate(NAMES_MAX);
    narrow
}

fn in_digits(word: &str, usual: usize) -> usize {
    match word {
        "one" => 1,
        "two" => 2,
        "three" | "few" => 3,
        "four" => 4,
        "five" => 5,
        digits => digits.parse().unwrap_or(usual).max(1),
    }
}

/// The kind of change, as changes name it; empty for any.
fn kind_of(noun: &str) -> &'static str {
    match noun.trim_end_matches('s') {
        "deploy" | "deployment" | "release" | "rollout" => "deploy",
        "commit" => "commit",
        "flag" => "flag",
        _ => "",
    }
}

/// Takes what was understood out of the text, so that it is not read twice.
fn blank(text: &mut String, place: Option<std::ops::Range<usize>>) {
    if let Some(place) = place.filter(|place| text.get(place.clone()).is_some()) {
        text.replace_range(place, " , ");
    }
}
