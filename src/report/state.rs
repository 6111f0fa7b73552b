//! The card's line of state: where the incident is in its life, whose it is, how often it was told of, since when.

use crate::model::{Incident, IncidentState, Text};

use super::{
    returns,
    words::{alert_state, count, duration, seconds_between},
};

/// The line as it is now.
pub fn state_line(incident: &Incident) -> Text {
    let mut text = life(incident);
    text = match &incident.owner {
        Some(owner) => text.plain("  ·  owner ").user(owner.clone()),
        None if incident.state.is_closed() => text,
        None => text.plain("  ·  no owner yet"),
    };
    if let Some(last) = incident.escalations.last() {
        // By name: a group's mention would call it again.
        text = text.plain(format!("  ·  called {}", if last.name.is_empty() { &last.to } else { &last.name }));
    }
    text = text.plain(format!("  ·  {}", count(incident.alert_count, "alert")));
    let latest = incident.latest.as_ref().unwrap_or(&incident.alert);
    if let Some(state) = alert_state(latest.status) {
        text = text.plain(format!(", {state}"));
    }
    text = returns::alerts(text, incident);
    text.plain("  ·  since ").time(incident.alert.starts_at.unwrap_or(incident.opened_at))
}

fn life(incident: &Incident) -> Text {
    let text = Text::new();
    match incident.state {
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
        IncidentState::Silenced => match &incident.silenced {
            Some(silenced) => text.bold("Silenced").plain(" until ").time(silenced.until).plain(" by ").user(silenced.by.clone()),
            None => text.bold("Silenced"),
        },
        IncidentState::FalsePositive => text.bold("False positive"),
    }
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
