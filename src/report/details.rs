//! Behind "Details": all evidence with the source's own words, all causes, all queries, page by page.

use crate::model::{Action, Evidence, Incident, Investigation, Part, Text, is_slack_user};

use super::words::{count, object, prose, said, short};

/// How many parts one page shows: a modal takes 100 blocks, and some are ours.
const PAGE: usize = 90;
/// Lines in one block of small print, which takes 2000 characters.
const LINES_TOGETHER: usize = 6;
const EXCERPT_MAX: usize = 900;
const LABELS_MAX: usize = 40;
const TIMELINE_MAX: usize = 30;

/// One page of the details, from 0, with the buttons that lead to the others; `about` is the incident in those.
pub fn details_page(parts: &[Part], page: usize, about: &str) -> Vec<Part> {
    let pages = parts.len().div_ceil(PAGE).max(1);
    let page = page.min(pages - 1);
    let mut shown: Vec<Part> = parts.iter().skip(page * PAGE).take(PAGE).cloned().collect();
    if pages > 1 {
        shown.push(Part::Context(Text::new().plain(format!("Page {} of {pages}", page + 1))));
        let mut turn = Vec::new();
        if page > 0 {
            turn.push(Action::button("details_back", "Back", format!("{about} {}", page - 1)));
        }
        if page + 1 < pages {
            turn.push(Action::button("details_next", "Next", format!("{about} {}", page + 1)));
        }
        shown.push(Part::Actions(turn));
    }
    shown
}

/// What is known of an incident besides its investigation: what arrived, and what happened since.
pub fn known(incident: &Incident) -> Vec<Part> {
    let alert = incident.latest.as_ref().unwrap_or(&incident.alert);
    let mut top = Text::new().bold(short(&alert.name, 150));
    for line in [&alert.summary, &alert.description] {
        if !line.is_empty() {
            top = top.plain(format!("\n{}", short(line, 1000)));
        }
    }
    let mut parts = vec![Part::Section(top)];
    let severity = alert.severity_source.as_deref().unwrap_or("not said");
    let mut from = format!("from {}  ·  severity as sent: {severity}  ·  {}", alert.source, alert.status.as_str());
    for (name, value) in
        [("service", &alert.service), ("resource", &alert.resource), ("namespace", &alert.namespace), ("cluster", &alert.cluster)]
    {
        if !value.is_empty() {
            from.push_str(&format!("  ·  {name} {}", short(value, 100)));
        }
    }
    parts.push(Part::Context(Text::new().plain(from)));
    let labels: Vec<String> = alert.labels.iter().take(LABELS_MAX).map(|(name, value)| format!("{name}={}", short(value, 120))).collect();
    if !labels.is_empty() {
        parts.push(Part::Excerpt(labels.join("\n")));
    }
    let skip = incident.timeline.len().saturating_sub(TIMELINE_MAX);
    for together in incident.timeline.iter().skip(skip).collect::<Vec<_>>().chunks(LINES_TOGETHER) {
        let text = together.iter().enumerate().fold(Text::new(), |text, (at, entry)| {
            let text = if at > 0 { text.plain("\n") } else { text };
            let text = text.time(entry.at).plain("  ");
            let text = if is_slack_user(&entry.actor) { text.user(entry.actor.clone()).plain(" ") } else { text };
            with_people(text, &short(&entry.text, 150))
        });
        parts.push(Part::Context(text));
    }
    parts
}

/// The words of a timeline's line, with `<@U…>` shown as the person. Only where nobody is notified by it: in a modal.
fn with_people(mut text: Text, words: &str) -> Text {
    let mut rest = words;
    while let Some((before, after)) = rest.split_once("<@") {
        let Some((id, tail)) = after.split_once('>').filter(|(id, _)| is_slack_user(id)) else { break };
        text = text.plain(before).user(id);
        rest = tail;
    }
    text.plain(rest)
}

/// Everything that the investigation saw and did.
pub fn details(investigation: &Investigation) -> Vec<Part> {
    let mut parts = Vec::new();
    for cause in &investigation.hypotheses {
        let mut text = Text::new().bold(format!("{}. {} · {:.2}", cause.rank, cause.category, cause.confidence)).plain("\n");
        text.0.extend(prose(&cause.statement).0);
        text = text.plain(" ").evidence(&cause.supporting);
        if !cause.contradicting.is_empty() {
            text = text.plain("\nAgainst it:").evidence(&cause.contradicting);
        }
        if !cause.falsifier.is_empty() {
            text = text.plain(format!("\nWould be refuted by: {}", cause.falsifier));
        }
        parts.push(Part::Section(text));
    }
    if !investigation.evidence.is_empty() {
        parts.push(Part::Divider);
    }
    for seen in &investigation.evidence {
        parts.push(Part::Section(evidence(seen)));
        if !seen.excerpt.trim().is_empty() {
            parts.push(Part::Excerpt(seen.excerpt.chars().take(EXCERPT_MAX).collect()));
        }
    }
    parts.push(Part::Divider);
    parts.extend(done(investigation));
    parts
}

fn evidence(seen: &Evidence) -> Text {
    let mut text = Text::new().bold(format!("{} {}", seen.id, seen.kind.as_str().replace('_', " "))).plain("  ");
    text.0.extend(prose(&seen.summary).0);
    text = text.plain("\n").code(short(&seen.source, 120));
    let object = object(&seen.entity);
    if !object.is_empty() {
        text = text.plain("  ").code(short(&object, 120));
    }
    if let Some(at) = seen.time {
        text = text.plain("  ").time(at);
    }
    if !seen.query.is_empty() {
        text = text.plain("\nasked: ").code(short(&seen.query, 300));
    }
    text
}

fn done(investigation: &Investigation) -> Vec<Part> {
    let mut lines: Vec<String> = Vec::new();
    for call in &investigation.tool_calls {
        let outcome = call.error.as_deref().unwrap_or(&call.digest);
        let asked = match &call.arguments {
            serde_json::Value::Null => String::new(),
            arguments => format!(" {}", short(&said(arguments), 120)),
        };
        lines.push(format!("{} asked {}{asked}: {} ({} ms)", call.agent, call.tool, short(outcome, 80), call.duration_ms));
    }
    for gap in &investigation.gaps {
        lines.push(format!("could not check: {}", short(gap, 160)));
    }
    let pieces = match investigation.evidence.len() as u64 {
        1 => "1 piece of evidence".to_owned(),
        more => format!("{} of evidence", count(more, "piece")),
    };
    lines.push(format!("{pieces} in {} ms", investigation.duration_ms));
    lines.chunks(LINES_TOGETHER).map(|together| Part::Context(Text::new().plain(together.join("\n")))).collect()
}
