//! What a question quotes is looked up in the logs, word for word: "is there any 'Peer down'?".

use std::{collections::BTreeMap, sync::LazyLock};

use regex::{Regex, RegexBuilder};

use super::{Finding, Focus, Role, Seen};
use crate::model::{
    Category, Entity, EvidenceKind,
    observation::{LogLine, LogStream},
};

/// How many different forms of the found lines are cited.
const FORMS: usize = 6;

/// What stands between quotes in `text`.
pub fn quotes(text: &str) -> Vec<String> {
    static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:^|[\s(:])['‘\x22“`]([^'’\x22”`\n]{2,120})['’\x22”`]").ok());
    QUOTED
        .as_ref()
        .map(|quoted| quoted.captures_iter(text).filter_map(|found| found.get(1)).map(|found| found.as_str().to_owned()).collect())
        .unwrap_or_default()
}

/// One finding per quoted phrase that occurs.
pub fn findings(streams: &[LogStream], focus: &Focus) -> Vec<Finding> {
    if streams.is_empty() || !asks_for_text(&focus.text) {
        return Vec::new();
    }
    // A quoted name of an object is its subject, not a text to look for.
    let phrases = quotes(&focus.text)
        .into_iter()
        .filter(|phrase| !focus.entities.iter().any(|entity| entity.name == *phrase) && *phrase != focus.namespace);
    phrases.filter_map(|phrase| occurrences(streams, &phrase)).collect()
}

fn asks_for_text(text: &str) -> bool {
    let text = text.to_lowercase();
    ["log", "find", "search", "any", "grep", "contain", "message", "show", "reported", "occur", "see ", "seen", "mention"]
        .iter()
        .any(|word| text.contains(word))
}

struct Form<'a> {
    count: usize,
    line: &'a LogLine,
    stream: &'a LogStream,
}

fn occurrences(streams: &[LogStream], phrase: &str) -> Option<Finding> {
    let wanted = RegexBuilder::new(&regex::escape(phrase)).case_insensitive(true).build().ok()?;
    let mut forms: BTreeMap<String, Form<'_>> = BTreeMap::new();
    let (mut total, mut first, mut last) = (0_usize, None, None);
    let mut entity = Entity::default();
    // The same log is often collected twice: the largest count over the streams is the honest one.
    for stream in streams {
        let mut count = 0;
        for line in stream.lines.iter().filter(|line| wanted.is_match(&line.text)) {
            count += 1;
            first = [first, line.time].into_iter().flatten().min();
            last = last.max(line.time);
            forms.entry(form(&line.text)).and_modify(|form| form.count += 1).or_insert(Form { count: 1, line, stream });
        }
        if count > total {
            total = count;
            entity = stream.entity.clone();
        }
    }
    if total == 0 {
        return None;
    }
    let mut ordered: Vec<&Form<'_>> = forms.values().collect();
    ordered.sort_by_key(|form| (std::cmp::Reverse(form.count), form.line.number));
    let times = match (first, last) {
        (Some(first), Some(last)) if first != last => format!(", first at {first}, last at {last}"),
        (Some(first), _) => format!(", at {first}"),
        _ => String::new(),
    };
    let who = if entity.name.is_empty() { "the logs".to_owned() } else { format!("the log of {entity}") };
    let several = if ordered.len() > 1 { format!(", in {} different forms", ordered.len()) } else { String::new() };
    let mut finding =
        Finding::new(Category::Unknown, Role::Cause, entity, format!("'{phrase}' is reported {total} time(s) in {who}{times}{several}"))
            .strength(0.9)
            .decisive()
            .falsifier("the phrase is part of a line that means something else")
            .prevent(format!("alert on the rate of '{phrase}' in this log"));
    for form in ordered.into_iter().take(FORMS) {
        let text: String = form.line.text.chars().take(220).collect();
        finding = finding.saw(
            Seen::new(
                EvidenceKind::LogPattern,
                &form.stream.source,
                form.stream.entity.clone(),
                format!("{} time(s), first in line {}: {text}", form.count, form.line.number),
            )
            .at(form.line.time, None)
            .quoting(form.line.text.clone())
            .decisive(),
        );
    }
    Some(finding)
}

/// A line without what varies: numbers, identifiers, quoted values.
fn form(text: &str) -> String {
    static VARIES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"'[^']*'|"[^"]*"|[A-Za-z_]*\d[\w.:-]*"#).ok());
    let short: String = text.chars().take(400).collect();
    VARIES.as_ref().map_or(short.clone(), |varies| varies.replace_all(&short, "*").into_owned())
}
