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
static COLON: Pattern = Pattern::new(|| compile(r"^(\p{L}[\p{L}\d _-]{0,28}?)(?:\s+on\s+\{[^}]*\})?\s*:\s+(.+)$"));
static TRAILING: Pattern = Pattern::new(|| compile(r"^(.*\S)\s+\[\s*([A-Za-z0-9 -]{1,20})\s*\]$"));
static PRIORITY: Pattern = Pattern::new(|| compile(r"^(?i:P[0-5]|SEV-?[0-5])$"));
static VERB: Pattern = Pattern::new(|| {
    compile(
        r"^(?i:(?:alert|incident|issue|monitor|problem)\s+)?(?i:(triggered|resolved|recovered|acknowledged|firing|reopened|re-triggered|closed|opened))\b[\s:]+(?i:by\s+)?(.+)$",
    )
});
/// `PROBLEM - web-1 - load is CRITICAL`, `WARN lag of …`: a shouted word before a dash, or a shouted severity.
static DASH: Pattern =
    Pattern::new(|| compile(r"^((?:[A-Z]{4,}(?: [A-Z]{4,})?)(?:\s+[-–—])|WARN|WARNING|CRIT|CRITICAL|FATAL|EMERGENCY|ALARM)\s+(.+)$"));
/// `HighErrorRate is firing`, `[Logs threshold] is recovered for …`.
static STATED: Pattern = Pattern::new(|| {
    compile(
        r"^(?:\[([^\]\[]{2,120})\]|([A-Za-z][A-Za-z0-9_.:-]{4,120}))\s+(?:is|was|has been)\s+(?:now\s+)?(firing|active|alerting|triggered|resolved|recovered|acknowledged)\b",
    )
});
/// The key of a ticket, whose life is told in the same words.
static TICKET: Pattern = Pattern::new(|| compile(r"^[A-Z][A-Z0-9]+-\d+$"));
static NUMBER: Pattern = Pattern::new(|| compile(r"^(?:#\d+|\[#\d+\]):?\s+(.+)$"));
static QUOTED: Pattern = Pattern::new(|| compile(r#"^"([^"]+)" in [A-Z].*$"#));

/// Takes the decoration off, front to back.
pub(super) fn read(line: &str) -> Title {
    let mut title = Title::default();
    let mut rest = mrkdwn::without_emoji(line.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(""));
    if let Some((name, state)) = stated(rest) {
        title.status = words::status(state);
        title.marked = true;
        name.clone_into(&mut title.name);
        return title;
    }
    for _ in 0..6 {
        let before = rest;
        if let Some((word, tail)) = pair(&BRACKET, rest) {
            if is_tool(word) && title.name.is_empty() {
                rest = mrkdwn::without_emoji(tail);
                continue;
            }
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
            // `Incident triggered: name` is a verb of its own.
            if let Some((state, tail)) = pair(&VERB, rest).filter(|_| word.split_once(' ').is_some_and(|(noun, _)| is_label(noun))) {
                note(&mut title, state);
                rest = mrkdwn::without_emoji(tail.trim_start_matches(':'));
                continue;
            }
            if vague && word != "UP" || !(note(&mut title, word) || is_label(word)) {
                break;
            }
            rest = tail;
        } else if let Some((word, tail)) = pair(&DASH, rest) {
            if !note(&mut title, word.trim_end_matches(['-', '–', '—', ' '])) {
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

/// The name and the state of a line that says nothing else; a bare word must look like the name of a rule or a workload.
fn stated(line: &str) -> Option<(&str, &str)> {
    let found = STATED.captures(line)?;
    let state = found.get(3)?.as_str();
    if let Some(name) = found.get(1) {
        return Some((name.as_str(), state));
    }
    let name = found.get(2)?.as_str();
    let compound = name.contains(['-', '_', ':']) || name.chars().skip(1).any(char::is_uppercase) && name.chars().any(char::is_lowercase);
    (compound && !TICKET.is_match(name)).then_some((name, state))
}

fn pair<'t>(pattern: &regex::Regex, text: &'t str) -> Option<(&'t str, &'t str)> {
    let found = pattern.captures(text)?;
    Some((found.get(1)?.as_str(), found.get(2)?.as_str()))
}

/// Words before a colon that only say "this is an alert".
fn is_label(word: &str) -> bool {
    matches!(
        words::plain(word).as_str(),
        "alert"
            | "alarm"
            | "incident"
            | "monitor"
            | "cloudwatch alarm"
            | "grafana alert"
            | "prometheus alert"
            | "updated problem"
            | "problem update"
    )
}

/// The tool's own name in brackets before everything else.
fn is_tool(word: &str) -> bool {
    matches!(words::plain(word).as_str(), "icinga" | "icinga2" | "nagios" | "naemon" | "zabbix" | "sensu" | "checkmk" | "check mk" | "prtg")
}

/// Remembers a state or a severity; whether the word was one. A severity in a title means firing.
fn note(title: &mut Title, word: &str) -> bool {
    // `[ALERT - Critical]`, `[Triggered | P1]`: each part is one.
    if let Some((head, tail)) = word.split_once(" - ").or_else(|| word.split_once('|')) {
        let mut both = title.clone();
        // Google's word where no severity was chosen.
        let unset = words::plain(tail) == "no severity";
        if !(note(&mut both, head) && (unset || note(&mut both, tail))) {
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
