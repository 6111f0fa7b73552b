//! Lists of incidents: what is open, what there was, and one incident from all sides.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Incident, IncidentState, Message, Part, Silence, Text, is_slack_user};

use super::words::{count, dot, duration, prose, seconds_between, short};

/// Rows of a list; more would not be read.
const ROWS_MAX: usize = 20;
const TITLE_MAX: usize = 90;
const TIMELINE_MAX: usize = 12;
const CAUSE_MAX: usize = 300;

/// What is open now: the urgent first, and what nobody has taken yet.
pub fn status(open: &[Incident], silences: &[Silence], now: Timestamp) -> Message {
    if open.is_empty() {
        let text = "Nothing is open.";
        let mut parts = vec![Part::Section(Text::new().emoji("large_green_circle").plain(format!(" {text}")))];
        parts.extend(silences_of(silences, now));
        return Message { text: text.to_owned(), parts };
    }
    let headline = format!("{} open: {}", count(open.len() as u64, "incident"), by_priority(open));
    let mut parts = vec![Part::Section(Text::new().bold(headline.clone()))];
    if let Some(oldest) = open.iter().filter(|incident| waits(incident)).min_by_key(|incident| incident.opened_at) {
        let waiting = duration(seconds_between(oldest.opened_at, now));
        parts.push(Part::Context(Text::new().plain(format!("Longest without an owner: {} for {waiting}", oldest.id))));
    }
    let (storms, single): (Vec<&Incident>, Vec<&Incident>) = open.iter().partition(|incident| incident.storm.is_some());
    parts.extend(lines(&most_urgent_first(&single), now));
    parts.extend(storm_lines(&storms));
    parts.extend(silences_of(silences, now));
    Message { text: headline, parts }
}

/// The newest incidents as a table; `what` says which ones, like `open` or `of checkout`.
pub fn incidents(found: &[Incident], what: &str, now: Timestamp) -> Message {
    if found.is_empty() {
        return super::help::sentence(&format!("There are no incidents {what}."));
    }
    let header = ["Incident", "State", "What", "Age"].map(str::to_owned).to_vec();
    let rows = found
        .iter()
        .take(ROWS_MAX)
        .map(|incident| {
            vec![
                format!("{} {}", incident.id, incident.priority),
                incident.state.as_str().replace('_', " "),
                short(&title(incident), TITLE_MAX),
                duration(seconds_between(incident.opened_at, now)),
            ]
        })
        .collect();
    let text = format!("{} {what}", count(found.len() as u64, "incident"));
    let mut parts = vec![Part::Section(Text::new().bold(text.clone())), Part::Table { header, rows }];
    if found.len() > ROWS_MAX {
        parts.push(Part::Context(Text::new().plain(format!("the newest {ROWS_MAX} of {}", found.len()))));
    }
    Message { text, parts }
}

/// One incident: state, owner, cause, timeline.
pub fn show(incident: &Incident, now: Timestamp) -> Message {
    let mut parts = vec![Part::Section(line(incident, now))];
    if let Some(first) = incident.report.as_ref().and_then(|report| report.hypotheses.first()) {
        let mut text = Text::new().bold("Cause").plain(format!("  confidence {}  ", first.confidence_word()));
        text.0.extend(prose(&short(&first.statement, CAUSE_MAX)).0);
        parts.push(Part::Section(text.evidence(&first.supporting)));
    }
    let alert = &incident.alert;
    let facts = [("Alert", &alert.name), ("Namespace", &incident.namespace), ("Resource", &alert.resource), ("Cluster", &alert.cluster)];
    let facts = facts.iter().filter(|(_, value)| !value.is_empty()).fold(Text::new(), |text, (name, value)| {
        let gap = if text.is_empty() { "" } else { "   " };
        text.plain(format!("{gap}{name} ")).code(short(value, 100))
    });
    parts.push(Part::Context(facts.plain(format!("   {}", count(incident.alert_count, "alert")))));
    let skipped = incident.timeline.len().saturating_sub(TIMELINE_MAX);
    let mut text = Text::new().bold("Timeline");
    if skipped > 0 {
        text = text.plain(format!("  (the last {TIMELINE_MAX} of {} lines)", incident.timeline.len()));
    }
    for entry in incident.timeline.iter().skip(skipped) {
        text = text.plain("\n").time(entry.at).plain("  ");
        text = actor(text, &entry.actor).plain(format!("  {}", short(&entry.text.replace('`', ""), 140)));
    }
    parts.push(Part::Section(text));
    Message { text: format!("{}: {}", incident.id, short(&title(incident), TITLE_MAX)), parts }
}

/// Which of several incidents is meant? `command` is what was asked for.
pub fn which(command: &str, candidates: &[Incident]) -> Message {
    let text = "Which incident do you mean?";
    let mut body = Text::new().plain(text).plain(" Say it with its number, like ");
    let example = candidates.first().map_or_else(|| "INC-42".to_owned(), |first| first.id.to_string());
    body = body.code(format!("{command} {example}")).plain(".");
    for incident in candidates.iter().take(ROWS_MAX / 2) {
        body = body.plain("\n").emoji(dot(incident)).plain(" ").bold(incident.id.to_string());
        body = body.plain(format!("  {}", short(&title(incident), TITLE_MAX)));
    }
    Message { text: text.to_owned(), parts: vec![Part::Section(body)] }
}

/// `INC-42 · checkout · P0 · reported for 5 min · owner …`, and what it is about below.
pub(super) fn line(incident: &Incident, now: Timestamp) -> Text {
    let mut text = Text::new().emoji(dot(incident)).plain(" ").bold(incident.id.to_string());
    if !incident.service.is_empty() {
        text = text.plain(format!(" · {}", short(&incident.service, 60)));
    }
    text = text.plain(format!(" · {} · {}", incident.priority, incident.state.as_str().replace('_', " ")));
    let until = if incident.state.is_closed() { incident.resolved_at.unwrap_or(now) } else { now };
    let word = if incident.state.is_closed() { "after" } else { "for" };
    text = text.plain(format!(" {word} {}", duration(seconds_between(incident.opened_at, until))));
    text = match &incident.owner {
        Some(owner) => text.plain(" · owner ").user(owner.clone()),
        None if incident.state.is_closed() => text,
        None => text.plain(" · no owner"),
    };
    text.plain(format!("\n{}", short(&headline(incident), 180)))
}

/// A person by mention, anything else by its name.
pub(super) fn actor(text: Text, actor: &str) -> Text {
    if is_slack_user(actor) { text.user(actor) } else { text.plain(actor) }
}

/// What the incident is about, in the alert's words.
pub(super) fn title(incident: &Incident) -> String {
    let words = if incident.title.is_empty() { &incident.alert.name } else { &incident.title };
    if incident.service.is_empty() || words.contains(&incident.service) { words.clone() } else { format!("{}: {words}", incident.service) }
}

/// The cause where one is known, else what the alert says.
fn headline(incident: &Incident) -> String {
    incident.report.as_ref().map_or_else(|| title(incident), |report| report.headline.clone()).replace('`', "")
}

/// The most urgent first, the oldest of them first.
pub(super) fn most_urgent_first<'a>(incidents: &[&'a Incident]) -> Vec<&'a Incident> {
    let mut sorted = incidents.to_vec();
    sorted.sort_by_key(|incident| (incident.priority, incident.opened_at));
    sorted
}

/// One section for each incident, and how many more there are.
pub(super) fn lines(incidents: &[&Incident], now: Timestamp) -> Vec<Part> {
    let mut parts: Vec<Part> = incidents.iter().take(ROWS_MAX).map(|incident| Part::Section(line(incident, now))).collect();
    if let Some(more) = incidents.len().checked_sub(ROWS_MAX).filter(|more| *more > 0) {
        parts.push(Part::Context(Text::new().plain(format!("and {more} more"))));
    }
    parts
}

/// The silences that hold now.
pub(super) fn silences_of(silences: &[Silence], now: Timestamp) -> Option<Part> {
    let mut text = Text::new().bold("Silenced");
    let mut any = false;
    for silence in silences.iter().filter(|silence| silence.is_active(now)).take(ROWS_MAX) {
        any = true;
        text = silence_line(text.plain("\n"), silence);
    }
    any.then_some(Part::Section(text))
}

/// `alertname HighLatency, service orders until 15:00 by … (2 kept quiet)`.
pub(super) fn silence_line(text: Text, silence: &Silence) -> Text {
    let what: Vec<String> = silence.matchers.iter().map(|matcher| format!("{} {}", matcher.name, matcher.value)).collect();
    let text = text.plain(format!("{}: {} until ", silence.incident, short(&what.join(", "), 120))).time(silence.until).plain(" by ");
    let text = actor(text, &silence.by);
    let reason = if silence.reason.is_empty() { String::new() } else { format!(": {}", short(&silence.reason, 80)) };
    text.plain(format!("{reason}  ({} kept quiet)", silence.kept_quiet))
}

/// It is open, and nobody has it.
fn waits(incident: &Incident) -> bool {
    incident.owner.is_none() && !matches!(incident.state, IncidentState::Silenced | IncidentState::Acknowledged)
}

fn by_priority(open: &[Incident]) -> String {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for incident in open {
        *counts.entry(incident.priority).or_default() += 1;
    }
    counts.into_iter().map(|(priority, number)| format!("{number} {priority}")).collect::<Vec<_>>().join(", ")
}

fn storm_lines(storms: &[&Incident]) -> Vec<Part> {
    let mut counts: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for incident in storms {
        let entry = counts.entry(incident.storm.as_deref().unwrap_or_default()).or_default();
        entry.0 += 1;
        entry.1 += incident.alert_count;
    }
    counts
        .into_values()
        .map(|(incidents, alerts)| {
            let text = format!(" Alert storm: {} with {}", count(incidents as u64, "open incident"), count(alerts, "alert"));
            Part::Section(Text::new().emoji("ocean").plain(text))
        })
        .collect()
}
