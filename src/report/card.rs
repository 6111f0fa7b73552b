//! The incident's card: one glance, one line of state, the acts that people need. Edited in place for the incident's whole life.

#[cfg(test)]
mod tests;

use crate::model::{Action, ActionKind, ActionStyle, AlertId, Choice, Incident, IncidentState, Message, Part, Span, Text, is_slack_group};

use super::{
    state::state_line,
    words::{dot, prose, short},
};

const TITLE_MAX: usize = 150;
/// Slack takes no longer address on a button. Source: docs.slack.dev, button element.
const URL_MAX: usize = 3000;

/// The card as it is now.
pub fn card(incident: &Incident) -> Message {
    let subject = if incident.service.is_empty() { short(&incident.alert.name, 60) } else { short(&incident.service, 60) };
    let says = headline(incident);
    let top = Text::new()
        .emoji(dot(incident))
        .plain(" ")
        .bold(format!("{} · {subject}", incident.id))
        .plain(format!(" · {}\n", incident.priority));
    let mut top = top;
    top.0.extend(prose(&says).0);
    top.0.extend(mentioned(incident));
    Message {
        text: format!("{} {subject}: {}", incident.id, says.replace('`', "")),
        parts: vec![Part::Section(top), Part::Context(state_line(incident)), Part::Actions(actions(incident))],
    }
}

/// Said in the channel when something that arrived could not be handled.
pub fn notice(record: AlertId) -> Message {
    let text = "Something that arrived could not be handled; it is kept, and the log says why";
    let section = Text::new().emoji("warning").plain(format!(" {text}: record ")).code(record.to_string());
    Message { text: text.to_owned(), parts: vec![Part::Section(section)] }
}

fn headline(incident: &Incident) -> String {
    if let Some(report) = &incident.report {
        // What is not sure is not said as if it were: many read no further than this line.
        let unsure = report.hypotheses.first().is_some_and(|first| first.confidence_word() == "low");
        return if unsure { format!("Possibly: {}", report.headline) } else { report.headline.clone() };
    }
    let alert = &incident.alert;
    let says = [&alert.summary, &alert.description, &alert.name].into_iter().find(|text| !text.is_empty());
    short(says.map_or("", String::as_str), TITLE_MAX)
}

/// Whom the mention policy calls. Only the first post of the card notifies them; once somebody has the incident, or it is
/// over, nobody is called, however late the card goes out.
fn mentioned(incident: &Incident) -> Vec<Span> {
    let waits = matches!(incident.state, IncidentState::Open | IncidentState::Investigating | IncidentState::Reported);
    if incident.mention.is_empty() || !waits || incident.owner.is_some() {
        return Vec::new();
    }
    let mut spans = vec![Span::Plain("\n".to_owned())];
    for (at, id) in incident.mention.iter().enumerate() {
        if at > 0 {
            spans.push(Span::Plain(" ".to_owned()));
        }
        spans.push(person_or_group(id));
    }
    spans
}

/// A user id or a user group id as a mention.
pub fn person_or_group(id: &str) -> Span {
    if is_slack_group(id) { Span::Group(id.to_owned()) } else { Span::User(id.to_owned()) }
}

fn actions(incident: &Incident) -> Vec<Action> {
    let action = |id: &str, label: &str, style| Action::button(id, label, incident.id.to_string()).styled(style);
    let mut out = Vec::new();
    let state = incident.state_beneath();
    if state.is_closed() {
        out.push(action("reopen", "Reopen", ActionStyle::Plain));
    } else {
        if state == IncidentState::Acknowledged {
            out.push(action("unack", "Unacknowledge", ActionStyle::Plain));
        } else {
            out.push(action("ack", "Acknowledge", ActionStyle::Primary));
        }
        out.push(action("resolve", "Resolve", ActionStyle::Plain));
    }
    if incident.silenced.is_some() {
        out.push(action("unsilence", "Undo silence", ActionStyle::Plain));
    } else if !state.is_closed() {
        out.push(action("silence", "Silence…", ActionStyle::Plain));
    }
    if let Some(url) = runbook(incident) {
        out.push(action("runbook_link", "Alert's runbook", ActionStyle::Plain).of_kind(ActionKind::Link { url }));
    }
    out.push(action("more", "More", ActionStyle::Plain).of_kind(ActionKind::More(more(incident, state))));
    out
}

/// What is behind "⋮"; Slack takes five entries.
fn more(incident: &Incident, state: IncidentState) -> Vec<Choice> {
    let entry = |value: &str, label: &str| Choice { label: label.to_owned(), value: value.to_owned() };
    let mut out = vec![entry("assign", "Assign…")];
    if !state.is_closed() {
        out.push(entry("escalate", "Escalate…"));
    }
    if state != IncidentState::Investigating {
        out.push(entry("rerun", "Run again"));
    }
    out.push(entry("similar", "Runbooks and similar…"));
    out.push(entry("details", if incident.report.is_some() { "Details…" } else { "What is known…" }));
    out
}

/// The runbook that the alert itself names: the one link from data that a reader can open from the card, labelled as the
/// alert's.
pub fn runbook(incident: &Incident) -> Option<String> {
    let latest = incident.latest.as_ref().unwrap_or(&incident.alert);
    let named = |title: &str| ["runbook", "playbook"].iter().any(|word| title.to_lowercase().contains(word));
    latest.links.iter().find(|link| named(&link.title) && is_web(&link.url)).map(|link| link.url.clone())
}

/// An address that a browser opens and that fits on a button.
pub fn is_web(address: &str) -> bool {
    let parsed = url::Url::parse(address);
    address.len() <= URL_MAX && parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
