//! A title's decoration: `[Triggered] [P2] name`, `ALARM: "name" in region`, `Recovered: name`.

use super::{
    mrkdwn,
    pattern::{Pattern, compile},
    words,
};
use crate::model::AlertStatus;

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Title {
    pub(super) status: Option<AlertStatus>,
    pub(super) severity_word: String,
    pub(super) name: String,
    /// The decoration alone says that this is an alert.
    pub(super) marked: bool,
}

static BRACKET: Pattern = Pattern::new(|| compile(r"^\[\s*([^\]\[]{1,40}?)\s*\]\s*[:-]?\s*(.*)$"));
static COLON: Pattern = Pattern::new(|| compile(r"^(\p{L}[\p{L} _-]{0,28}?)(?:\s+on\s+\{[^}]*\})?\s*:\s+(.+)$"));
static TRAILING: Pattern = Pattern::new(|| compile(r"^(.*\S)\s+\[\s*([A-Za-z0-9 -]{1,20})\s*\]$"));
static PRIORITY: Pattern = Pattern::new(|| compile(r"^(?i:P[0-5]|SEV-?[0-5])$"));
static VERB: Pattern = Pattern::new(|| {
    compile(
        r"^(?i:(?:alert|incident|issue|monitor|problem)\s+)?(?i:(triggered|resolved|recovered|acknowledged|firing|reopened|re-triggered|closed|opened))\b[\s:]+(?i:by\s+)?(.+)$",
    )
});
static NUMBER: Pattern = Pattern::new(|| compile(r"^#\d+:?\s+(.+)$"));
static QUOTED: Pattern = Pattern::new(|| compile(r#"^"([^"]+)" in [A-Z].*$"#));

/// Takes the decoration off, front to back.
pub(super) fn read(line: &str) -> Title {
    let mut title = Title::default();
    let mut rest = mrkdwn::without_emoji(line.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(""));
    for _ in 0..6 {
        let before = rest;
        if let Some((word, tail)) = pair(&BRACKET, rest) {
            if !note(&mut title, mrkdwn::without_emoji(word)) {
                // `[name] [Down] reason`: the name comes first.
                if let Some((state, _)) = pair(&BRACKET, tail)
                    && note(&mut title, mrkdwn::without_emoji(state))
                {
                    word.clone_into(&mut title.name);
                    return title;
                }
                break;
            }
            rest = tail;
        } else if let Some((word, tail)) = pair(&COLON, rest) {
            let vague = matches!(
                words::plain(word).as_str(),
                "new" | "create" | "set" | "start" | "end" | "up" | "available" | "complete" | "completed" | "success" | "clear"
            );
            if vague || !(note(&mut title, word) || is_label(word)) {
                break;
            }
            rest = tail;
        } else if let Some((word, tail)) = pair(&VERB, rest) {
            note(&mut title, word);
            rest = tail;
        } else if let Some(tail) = NUMBER.captures(rest).and_then(|found| found.get(1)) {
            rest = tail.as_str();
        }
        rest = mrkdwn::without_emoji(rest);
        if rest == before {
            break;
        }
    }
    if let Some((head, word)) = pair(&TRAILING, rest)
        && (words::is_severity(word) || words::status(word).is_some())
    {
        note(&mut title, word);
        rest = head;
    }
    rest = QUOTED.captures(rest).and_then(|found| found.get(1)).map_or(rest, |name| name.as_str());
    rest.trim().trim_matches('"').clone_into(&mut title.name);
    title
}

fn pair<'t>(pattern: &regex::Regex, text: &'t str) -> Option<(&'t str, &'t str)> {
    let found = pattern.captures(text)?;
    Some((found.get(1)?.as_str(), found.get(2)?.as_str()))
}

/// Words before a colon that only say "this is an alert".
fn is_label(word: &str) -> bool {
    matches!(
        words::plain(word).as_str(),
        "alert" | "alarm" | "incident" | "monitor" | "cloudwatch alarm" | "grafana alert" | "prometheus alert" | "updated problem" | "problem update"
    )
}

/// Remembers a state or a severity; whether the word was one. A severity in a title means firing.
fn note(title: &mut Title, word: &str) -> bool {
    // `[ALERT - Critical]`, `[Triggered | P1]`: each part is one.
    if let Some((head, tail)) = word.split_once(" - ").or_else(|| word.split_once('|')) {
        let mut both = title.clone();
        if !(note(&mut both, head) && note(&mut both, tail)) {
            return false;
        }
        *title = both;
        return true;
    }
    let word = word.split_once(':').map_or(word, |(word, _)| word).trim();
    let state = words::status(word).or_else(|| words::status(word.split_whitespace().next()?).filter(|_| word.contains(' ')));
    let severity = words::is_severity(word) || PRIORITY.is_match(word);
    title.marked |= severity || state.is_some() || is_label(word);
    // In `Warn: [P3] name` the first word is a transition, and the priority is what the sender calls severity.
    let better = PRIORITY.is_match(word) && matches!(words::plain(&title.severity_word).as_str(), "warn" | "alert");
    if severity && (title.severity_word.is_empty() || better) {
        word.clone_into(&mut title.severity_word);
    }
    if !severity && title.status.is_none() {
        title.status = state;
    }
    severity || state.is_some() || is_label(word)
}
