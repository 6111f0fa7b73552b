//! The incident's card: one glance, one line of state, the acts that people need. Edited in place for the incident's whole life.

use crate::model::{Action, ActionStyle, AlertId, Incident, IncidentState, Message, Part, Text};

use super::{
    state,
    words::{alert_state, count, dot, duration, prose, seconds_between, short},
};

const TITLE_MAX: usize = 150;

/// The card as it is now.
pub fn card(incident: &Incident) -> Message {
    let subject = if incident.service.is_empty() { short(&incident.alert.name, 60) } else { short(&incident.service, 60) };
    let says = headline(incident);
    let top = Text::new()
        .emoji(dot(incident))
        .plain(" ")
        .bold(format!("{} · {subject}", incident.id))
        .plain(format!(" · {}\n", incident.priority));
    let top = prose(&says).0.into_iter().fold(top, |mut text, span| {
        text.0.push(span);
        text
    });
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
        return report.headline.clone();
    }
    let alert = &incident.alert;
    let says = [&alert.summary, &alert.description, &alert.name].into_iter().find(|text| !text.is_empty());
    short(says.map_or("", String::as_str), TITLE_MAX)
}

fn state_line(incident: &Incident) -> Text {
    let mut text = Text::new();
    text = match incident.state {
        IncidentState::Open => text.bold("Open"),
        IncidentState::Investigating => match &incident.report {
            Some(_) => text.bold("Looking again"),
            None => text.bold("Looking").plain(looking_with(incident)),
        },
        IncidentState::Reported => after(text.bold("Reported"), incident),
        IncidentState::Acknowledged => text.bold("Acknowledged"),
        IncidentState::Resolved => match incident.resolved_at {
            Some(at) => text.bold("Resolved").plain(format!(" after {}", duration(seconds_between(incident.opened_at, at)))),
            None => text.bold("Resolved"),
        },
        IncidentState::Silenced => text.bold("Silenced"),
        IncidentState::FalsePositive => text.bold("False positive"),
    };
    text = match &incident.owner {
        Some(owner) => text.plain("  ·  owner ").user(owner.clone()),
        None if incident.state.is_closed() => text,
        None => text.plain("  ·  no owner yet"),
    };
    text = text.plain(format!("  ·  {}", count(incident.alert_count, "alert")));
    let latest = incident.latest.as_ref().unwrap_or(&incident.alert);
    if let Some(state) = alert_state(latest.status) {
        text = text.plain(format!(", {state}"));
    }
    text = state::alerts(text, incident);
    text.plain("  ·  since ").time(incident.alert.starts_at.unwrap_or(incident.opened_at))
}

fn looking_with(incident: &Incident) -> String {
    let agents = incident.agents.join(", ");
    if agents.is_empty() { String::new() } else { format!(" with {agents}") }
}

fn after(text: Text, incident: &Incident) -> Text {
    match incident.reported_at {
        Some(at) => text.plain(format!(" after {}", duration(seconds_between(incident.opened_at, at)))),
        None => text,
    }
}

fn actions(incident: &Incident) -> Vec<Action> {
    let action = |id: &str, label: &str, style| Action::button(id, label, incident.id.to_string()).styled(style);
    let mut out = Vec::new();
    if incident.state.is_closed() {
        out.push(action("reopen", "Reopen", ActionStyle::Plain));
    } else {
        if incident.state == IncidentState::Acknowledged {
            out.push(action("unack", "Unacknowledge", ActionStyle::Plain));
        } else {
            out.push(action("ack", "Acknowledge", ActionStyle::Primary));
        }
        out.push(action("resolve", "Resolve", ActionStyle::Plain));
    }
    if incident.state != IncidentState::Investigating {
        out.push(action("rerun", "Run again", ActionStyle::Plain));
    }
    if incident.report.is_some() {
        out.push(action("details", "Details", ActionStyle::Plain));
    }
    out
}
