//! A postmortem's draft from what is known: the timeline, the cause with its evidence, the follow-ups. What only people know is left open.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Incident, Message, Part, Text, is_slack_user};

use super::{
    lists::title,
    words::{count, duration, object, prose, seconds_between, short},
};

const LINE_MAX: usize = 240;
/// Lines of one block: a section takes 3,000 characters.
const LINES_PER_BLOCK: usize = 10;
/// Lines of one chapter: a message takes 50 blocks in all.
const CHAPTER_MAX: usize = 60;

/// People's names by Slack user id: the draft is read by many, so it names people without calling them.
pub type Names = BTreeMap<String, String>;

struct Chapter {
    title: &'static str,
    lines: Vec<String>,
}

/// The draft as a message for the incident's thread.
pub fn postmortem(incident: &Incident, names: &Names, now: Timestamp) -> Message {
    let headline = format!("Postmortem draft · {}", incident.id);
    let mut parts = vec![Part::Header(headline.clone()), Part::Section(Text::new().bold(short(&title(incident), 150)))];
    for chapter in chapters(incident, names, now) {
        let mut text = Text::new().bold(chapter.title);
        for (at, line) in chapter.lines.iter().take(CHAPTER_MAX).enumerate() {
            if at > 0 && at % LINES_PER_BLOCK == 0 {
                parts.push(Part::Section(std::mem::take(&mut text)));
            }
            let bullet = if text.is_empty() { "• " } else { "\n• " };
            text = text.plain(bullet);
            text.0.extend(prose(line).0);
        }
        parts.push(Part::Section(text));
    }
    parts.push(Part::Context(Text::new().plain("A draft: the facts are from the incident, the lines in brackets are for you.")));
    Message { text: format!("{headline}: {}", short(&title(incident), 150)), parts }
}

/// The draft as Markdown, for a wiki.
pub fn postmortem_markdown(incident: &Incident, names: &Names, now: Timestamp) -> String {
    let mut out = format!("# Postmortem: {} {}\n", incident.id, title(incident));
    for chapter in chapters(incident, names, now) {
        out.push_str(&format!("\n## {}\n\n", chapter.title));
        for line in &chapter.lines {
            out.push_str(&format!("- {line}\n"));
        }
    }
    out
}

fn chapters(incident: &Incident, names: &Names, now: Timestamp) -> Vec<Chapter> {
    let mut chapters = vec![
        Chapter { title: "Summary", lines: summary(incident, names, now) },
        Chapter { title: "Impact", lines: impact(incident, now) },
        Chapter { title: "Timeline (UTC)", lines: timeline(incident, names) },
        Chapter { title: "Root cause", lines: cause(incident) },
        Chapter { title: "What went well", lines: vec!["[for you]".to_owned()] },
        Chapter { title: "What went badly, and where we were lucky", lines: vec!["[for you]".to_owned()] },
        Chapter { title: "Action items", lines: actions(incident) },
    ];
    chapters.retain(|chapter| !chapter.lines.is_empty());
    chapters
}

fn summary(incident: &Incident, names: &Names, now: Timestamp) -> Vec<String> {
    let began = began(incident);
    let mut lines = Vec::new();
    if let Some(report) = &incident.report {
        lines.push(short(&report.headline, LINE_MAX));
    }
    lines.push(match incident.resolved_at {
        Some(over) => format!("{} to {}, {}", stamp(began), stamp(over), duration(seconds_between(began, over))),
        None => format!("since {}, {} so far, not resolved", stamp(began), duration(seconds_between(began, now))),
    });
    let service = if incident.service.is_empty() { String::new() } else { format!(", {}", incident.service) };
    let owner = incident.owner.as_deref().map_or_else(|| "nobody".to_owned(), |owner| name(owner, names));
    lines.push(format!("priority {}{service}, {}, owner {owner}", incident.priority, count(incident.alert_count, "alert")));
    lines
}

fn impact(incident: &Incident, now: Timestamp) -> Vec<String> {
    let known = incident.report.as_ref().map(|report| report.impact.clone()).filter(|impact| !impact.is_empty());
    let affected: Vec<String> =
        incident.report.iter().flat_map(|report| &report.affected).map(object).filter(|place| !place.is_empty()).take(8).collect();
    let mut lines = vec![known.unwrap_or_else(|| "[who noticed what? the evidence does not say]".to_owned())];
    if !affected.is_empty() {
        lines.push(format!("affected: {}", affected.join(", ")));
    }
    let times = [("first report", incident.reported_at), ("acknowledged", incident.acknowledged_at), ("resolved", incident.resolved_at)];
    let took: Vec<String> = times
        .into_iter()
        .filter_map(|(what, at)| at.map(|at| format!("{what} after {}", duration(seconds_between(incident.opened_at, at.min(now))))))
        .collect();
    if !took.is_empty() {
        lines.push(took.join(", "));
    }
    lines
}

/// What the evidence shows and what people and we did, in one order.
fn timeline(incident: &Incident, names: &Names) -> Vec<String> {
    let seen = incident.report.iter().flat_map(|report| &report.timeline).map(|item| {
        let id = item.evidence.map_or(String::new(), |id| format!(" ({id})"));
        (item.time, format!("{}{id}", short(&item.text, LINE_MAX)))
    });
    let done = incident.timeline.iter().map(|entry| (entry.at, format!("{}: {}", name(&entry.actor, names), short(&entry.text, LINE_MAX))));
    let mut lines: Vec<(Timestamp, String)> = seen.chain(done).collect();
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(at, text)| format!("{}  {text}", stamp(at))).collect()
}

fn cause(incident: &Incident) -> Vec<String> {
    let first = incident.report.as_ref().and_then(|report| report.hypotheses.first().map(|first| (report, first)));
    let Some((report, first)) = first else { return vec!["[not found by the bot]".to_owned()] };
    let mut lines = vec![format!("{} (`{}`, confidence {})", short(&first.statement, LINE_MAX), first.category, first.confidence_word())];
    lines.extend(
        report
            .evidence
            .iter()
            .filter(|seen| first.supporting.contains(&seen.id))
            .map(|seen| format!("{}: {} (`{}`)", seen.id, short(&seen.summary, LINE_MAX), short(&seen.source, 80))),
    );
    let said = incident.feedback.iter().rev().take(3).map(|feedback| {
        let note = if feedback.note.is_empty() { String::new() } else { format!(": {}", short(&feedback.note, LINE_MAX)) };
        format!("people say it is {}{note}", feedback.verdict.as_str())
    });
    lines.extend(said);
    lines
}

fn actions(incident: &Incident) -> Vec<String> {
    let Some(report) = &incident.report else { return vec!["[for you]".to_owned()] };
    let item = |kind: &str, line: &String| format!("[owner, date] {kind}: {}", short(line, LINE_MAX));
    let mut lines: Vec<String> = report.prevention.iter().map(|line| item("prevent", line)).collect();
    lines.extend(report.immediate_actions.iter().map(|line| item("was it done", line)));
    lines.extend(report.gaps.iter().take(3).map(|gap| item("make visible", gap)));
    if lines.is_empty() { vec!["[for you]".to_owned()] } else { lines }
}

fn began(incident: &Incident) -> Timestamp {
    incident.alert.starts_at.unwrap_or(incident.opened_at).min(incident.opened_at)
}

fn name(actor: &str, names: &Names) -> String {
    match names.get(actor) {
        Some(name) => name.clone(),
        None if is_slack_user(actor) => format!("`{actor}`"),
        None => actor.to_owned(),
    }
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
