//! Questions that ask for lines: "was there any 'Peer down'?", "show me the errors".

use super::{
    super::{Finding, Focus, Role, Seen},
    extract::one_line,
    kinds::Kind,
    signs,
    templates::Miner,
};
use crate::model::{
    Category, Entity, EvidenceKind,
    observation::{Level, LogLine, LogStream},
};

/// Kinds of matching lines that are told apart in the answer.
const MOST: usize = 8;

pub fn check(streams: &[&LogStream], kinds: &[Kind], focus: &Focus) -> Vec<Finding> {
    let mut found: Vec<Finding> = phrases(&focus.text).iter().filter_map(|phrase| search(streams, phrase)).collect();
    found.extend(listing(kinds, focus));
    found
}

/// Quoted phrases of a question that asks to find something.
fn phrases(question: &str) -> Vec<String> {
    let lower = question.to_ascii_lowercase();
    let asks = [
        "find",
        "search",
        "was there",
        "were there",
        "is there",
        "are there",
        "any ",
        "report",
        "occur",
        "grep",
        "look for",
        "contain",
        "mention",
        "see ",
        "how many",
        "how often",
        "when did",
        "logs",
    ]
    .iter()
    .any(|word| lower.contains(word));
    if !asks {
        return Vec::new();
    }
    let mut phrases: Vec<String> = Vec::new();
    for quote in ['\'', '"', '`', '“'] {
        let close = if quote == '“' { '”' } else { quote };
        let mut rest = question;
        while let Some(start) = rest.find(quote) {
            let inner = rest.get(start + quote.len_utf8()..).unwrap_or("");
            // an apostrophe inside a word opens nothing
            let opens = rest.get(..start).and_then(|before| before.chars().next_back()).is_none_or(|c| !c.is_alphanumeric());
            let Some(end) = inner.find(close).filter(|_| opens) else {
                rest = inner;
                continue;
            };
            let phrase = inner.get(..end).unwrap_or("").trim();
            if (3..=80).contains(&phrase.chars().count()) {
                phrases.push(phrase.to_owned());
            }
            rest = inner.get(end + close.len_utf8()..).unwrap_or("");
        }
    }
    phrases
}

fn search(streams: &[&LogStream], phrase: &str) -> Option<Finding> {
    let lower = phrase.to_lowercase();
    let mut seen = Vec::new();
    let mut total = 0_usize;
    let mut best: Option<signs::Reading> = None;
    let mut entity = Entity::default();
    for stream in streams {
        // a name that stands in every line is an object's, not a message
        let hits: Vec<&LogLine> = stream.lines.iter().filter(|line| contains(&line.text, &lower)).collect();
        if hits.is_empty() || (!phrase.contains(' ') && hits.len() * 2 > stream.lines.len() && stream.lines.len() > 200) {
            continue;
        }
        total += hits.len();
        if entity.is_empty() {
            entity = stream.entity.clone();
        }
        for group in groups(&hits) {
            let Some(first) = group.first() else { continue };
            if let Some(reading) = signs::read(&first.text, Some(first.level.max(Level::Warn)))
                && best.as_ref().is_none_or(|best| reading.strength > best.strength)
            {
                best = Some(reading);
            }
            seen.push(seen_of(stream, &group));
        }
    }
    if total == 0 {
        return None;
    }
    seen.sort_by(|a, b| a.0.cmp(&b.0).reverse());
    let kinds: Vec<String> = seen
        .iter()
        .take(MOST)
        .map(|(count, seen)| format!("{count}× \"{}\"", one_line(seen.excerpt.lines().next().unwrap_or(""), 120)))
        .collect();
    let since = seen.iter().filter_map(|(_, seen)| seen.time).min();
    let (category, fix) =
        best.map_or((Category::Unknown, "Read the lines around the first of them".to_owned()), |best| (best.category, best.fix));
    let who = if entity.is_empty() { String::new() } else { format!(" of {entity}") };
    Some(Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category,
        role: Role::Cause,
        statement: format!(
            "Yes: '{phrase}' stands {total} time{} in the log{who}: {}",
            if total == 1 { "" } else { "s" },
            kinds.join("; ")
        ),
        entity,
        seen: seen.into_iter().take(MOST).map(|(_, seen)| seen).collect(),
        decisive: true,
        strength: 0.95,
        since,
        falsifier: format!("A search for '{phrase}' in the same log finds nothing"),
        remediation: vec![fix],
        prevention: vec![format!("Alert on new lines with '{phrase}'")],
    })
}

/// Matching lines by template.
fn groups<'a>(hits: &[&'a LogLine]) -> Vec<Vec<&'a LogLine>> {
    let mut miner = Miner::default();
    for line in hits {
        miner.add(&line.text);
    }
    let mined = miner.finish();
    let mut groups: Vec<Vec<&LogLine>> = vec![Vec::new(); mined.templates.len()];
    for (line, id) in hits.iter().zip(&mined.of_line) {
        if let Some(group) = groups.get_mut(*id as usize) {
            group.push(line);
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups.truncate(MOST);
    groups
}

fn seen_of(stream: &LogStream, group: &[&LogLine]) -> (usize, Seen) {
    let first = group.iter().filter_map(|line| line.time).min();
    let last = group.iter().filter_map(|line| line.time).max();
    let text = group.first().map_or("", |line| line.text.as_str());
    let span = match (first, last) {
        // The evidence carries its own times.
        (Some(_), Some(_)) => String::new(),
        _ => group.first().map(|line| format!(" in line {}", line.number)).unwrap_or_default(),
    };
    let seen = Seen {
        kind: EvidenceKind::LogPattern,
        source: stream.source.clone(),
        query: String::new(),
        entity: stream.entity.clone(),
        time: first,
        until: last.filter(|last| Some(*last) != first),
        summary: one_line(&format!("{}×{span}: {}", group.len(), one_line(text, 220)), 300),
        excerpt: text.get(..text.floor_char_boundary(1000)).unwrap_or("").to_owned(),
        decisive: true,
    };
    (group.len(), seen)
}

fn contains(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}

/// One finding with all kinds of errors, for a question that asks for them and for no cause.
fn listing(kinds: &[Kind], focus: &Focus) -> Option<Finding> {
    let lower = focus.text.to_ascii_lowercase();
    let asks = (lower.contains("error") || lower.contains("exception") || lower.contains("problems"))
        && ["show", "list", "summar", "what errors", "which errors", "any errors", "the errors", "what are"]
            .iter()
            .any(|word| lower.contains(word));
    let mut kinds: Vec<&Kind> = kinds.iter().filter(|kind| !kind.over || kind.count() > 1).collect();
    if !asks || kinds.len() < 2 {
        return None;
    }
    kinds.truncate(MOST);
    let first = kinds.first()?;
    let total: u32 = kinds.iter().map(|kind| kind.count()).sum();
    let list: Vec<String> = kinds.iter().map(|kind| format!("{}× {}", kind.count(), one_line(&kind.reading.essence, 110))).collect();
    let head = first.finding(focus);
    Some(Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category: head.category,
        role: Role::Cause,
        statement: format!("The log holds {total} errors of {} kinds: {}", kinds.len(), list.join("; ")),
        entity: head.entity,
        seen: kinds.iter().filter_map(|kind| kind.seen().into_iter().next()).collect(),
        decisive: true,
        strength: 0.95,
        since: kinds.iter().filter_map(|kind| kind.first()).min(),
        falsifier: "Reading the whole log shows another kind that is more frequent".to_owned(),
        remediation: kinds.iter().take(4).map(|kind| kind.reading.fix.clone()).filter(|fix| !fix.is_empty()).collect(),
        prevention: vec!["Alert on the rate of each of these lines".to_owned()],
    })
}
