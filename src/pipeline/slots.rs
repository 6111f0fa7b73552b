//! What an incident wants to show in Slack: its card, its reactions, its report.

use crate::{
    model::{AlertId, Incident, IncidentId, IncidentState, InvestigationId, Origin, Report},
    report,
    store::{Place, SlotBody, SlotUpdate},
};

/// The card as it shall be now, and the reaction on the alert that somebody else posted.
pub fn standing(incident: &Incident) -> Vec<SlotUpdate> {
    let mut slots = vec![SlotUpdate {
        key: SlotUpdate::card_key(incident.id),
        incident: incident.id,
        team: incident.team.clone(),
        channel: incident.channel.clone(),
        place: match (&incident.alert.origin, &incident.thread) {
            (Origin::Slack { ts, .. }, _) => Place::Thread(ts.clone()),
            (Origin::Webhook, _) => Place::Root,
        },
        body: SlotBody::Message(report::card(incident)),
    }];
    for alert in std::iter::once(&incident.alert).chain(&incident.latest) {
        if let Origin::Slack { channel, ts } = &alert.origin {
            slots.push(SlotUpdate {
                key: format!("{}/reaction/{channel}/{ts}", incident.id),
                incident: incident.id,
                team: incident.team.clone(),
                channel: channel.clone(),
                place: Place::Root,
                body: SlotBody::Reaction { ts: ts.clone(), name: Some(reaction(incident.state).to_owned()) },
            });
        }
    }
    slots.dedup_by(|a, b| a.key == b.key);
    slots
}

/// The report's message; each investigation has its own, so that a second run does not overwrite the first.
pub fn findings(incident: &Incident, investigation: InvestigationId, report: &Report) -> SlotUpdate {
    SlotUpdate {
        key: format!("{}/report/{investigation}", incident.id),
        incident: incident.id,
        team: incident.team.clone(),
        channel: incident.channel.clone(),
        place: below(incident),
        body: SlotBody::Message(report::findings(incident.id, report)),
    }
}

/// A further message in the incident's thread.
pub fn below(incident: &Incident) -> Place {
    match &incident.alert.origin {
        Origin::Slack { ts, .. } => Place::Thread(ts.clone()),
        Origin::Webhook => Place::UnderCard,
    }
}

/// What people are told when a record could not be handled: nothing is lost silently.
pub fn notice(channel: &str, record: AlertId) -> SlotUpdate {
    SlotUpdate {
        key: format!("notice/{record}"),
        incident: IncidentId(0),
        team: String::new(),
        channel: channel.to_owned(),
        place: Place::Root,
        body: SlotBody::Message(report::notice(record)),
    }
}

/// Seen, acknowledged, over: the three things that a glance at the channel should tell.
fn reaction(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Open | IncidentState::Investigating | IncidentState::Reported => "eyes",
        IncidentState::Acknowledged => "raised_hand",
        IncidentState::Silenced => "no_bell",
        IncidentState::Resolved | IncidentState::FalsePositive => "white_check_mark",
    }
}
