//! What an incident wants to show in Slack: its card, its reactions, its report.

use crate::{
    model::{Alert, AlertId, Incident, IncidentId, IncidentState, Investigation, InvestigationId, Message, Origin, Report, ThreadRef},
    report,
    slack::Workspaces,
    store::{FileContent, FileWish, Place, SlotBody, SlotUpdate},
};

/// The card as it shall be now, and the reaction on the alert that somebody else posted.
pub fn standing(incident: &Incident) -> Vec<SlotUpdate> {
    if !has_messages(incident) {
        return Vec::new();
    }
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
    for ThreadRef { channel, ts } in &incident.group.messages {
        slots.push(SlotUpdate {
            key: format!("{}{}", SlotUpdate::reaction_prefix(channel, ts), incident.id),
            incident: incident.id,
            team: incident.team.clone(),
            channel: channel.clone(),
            place: Place::Root,
            body: SlotBody::Reaction { ts: ts.clone(), name: Some(reaction(incident.state).to_owned()) },
        });
    }
    slots
}

/// Whether the incident has messages of its own: not while a storm's summary stands for it, and not when it began under
/// a silence that has not ended yet.
pub fn has_messages(incident: &Incident) -> bool {
    incident.storm.is_none() && (incident.silenced.is_none() || incident.thread.is_some())
}

/// One line in the thread of another bot's message that brought an alert of this incident; `None` where the message is
/// the incident's own thread, or nobody else's.
pub fn pointer(slack: &Workspaces, incident: &Incident, alert: &Alert, reason: &str) -> Option<SlotUpdate> {
    let Origin::Slack { channel, ts } = &alert.origin else { return None };
    let own = incident.thread.as_ref().is_some_and(|thread| (&thread.channel, &thread.ts) == (channel, ts));
    if own || !has_messages(incident) {
        return None;
    }
    let workspace = slack.of(&incident.team);
    let link = incident.thread.as_ref().and_then(|thread| workspace.identity.get()?.permalink(&thread.channel, &thread.ts));
    Some(SlotUpdate {
        key: format!("{}/pointer/{channel}/{ts}", incident.id),
        incident: incident.id,
        team: incident.team.clone(),
        channel: channel.clone(),
        place: Place::Thread(ts.clone()),
        body: SlotBody::Message(report::pointer(incident, reason, link)),
    })
}

/// The report's message; each investigation has its own, so that a second run does not overwrite the first.
pub fn findings(incident: &Incident, investigation: InvestigationId, report: &Report) -> Option<SlotUpdate> {
    has_messages(incident).then(|| judged(incident, investigation, report))
}

/// The same for a person who asked: they are answered also in a storm or under a silence, where there is a thread to answer in.
pub fn answer(incident: &Incident, investigation: InvestigationId, report: &Report) -> Option<SlotUpdate> {
    let asked_in_thread = matches!(incident.alert.origin, Origin::Slack { .. });
    (asked_in_thread || has_messages(incident)).then(|| judged(incident, investigation, report))
}

fn judged(incident: &Incident, investigation: InvestigationId, report: &Report) -> SlotUpdate {
    let mut judged = report::findings(incident.id, report);
    judged.parts.push(report::feedback(incident.id, investigation));
    under_alert(incident, investigation, SlotBody::Message(judged))
}

/// The plan that stands where the report will be, while `user` (or nobody in particular) waits.
pub fn progress(incident: &Incident, investigation: InvestigationId, message: Message, user: &str) -> Option<SlotUpdate> {
    has_messages(incident).then(|| under_alert(incident, investigation, SlotBody::Progress { message, user: user.to_owned() }))
}

/// The timeline's picture, after the report; `None` when there is nothing to see.
pub fn picture(incident: &Incident, investigation: &Investigation) -> Option<SlotUpdate> {
    if !has_messages(incident) {
        return None;
    }
    let picture = report::timeline_picture(incident, investigation)?;
    let wish = FileWish {
        content: FileContent::Timeline(investigation.id),
        title: picture.title,
        after: SlotUpdate::report_key(incident.id, investigation.id),
    };
    let slot = under_alert(incident, investigation.id, SlotBody::File(wish));
    Some(SlotUpdate { key: format!("{}/timeline/{}", incident.id, investigation.id), ..slot })
}

fn under_alert(incident: &Incident, investigation: InvestigationId, body: SlotBody) -> SlotUpdate {
    SlotUpdate {
        key: SlotUpdate::report_key(incident.id, investigation),
        incident: incident.id,
        team: incident.team.clone(),
        channel: incident.channel.clone(),
        place: Place::below(incident),
        body,
    }
}

/// A line of its own in the incident's thread, said once; `what` tells it from the thread's other lines.
pub fn line(incident: &Incident, what: &str, message: Message) -> SlotUpdate {
    SlotUpdate {
        key: format!("{}/{what}", incident.id),
        incident: incident.id,
        team: incident.team.clone(),
        channel: incident.channel.clone(),
        place: Place::below(incident),
        body: SlotBody::Message(message),
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

/// A message of its own in a channel, said once by its key.
pub fn notice_in(channel: &str, key: &str, message: Message) -> SlotUpdate {
    SlotUpdate {
        key: key.to_owned(),
        incident: IncidentId(0),
        team: String::new(),
        channel: channel.to_owned(),
        place: Place::Root,
        body: SlotBody::Message(message),
    }
}

/// The reactions in the order of how much they want from people: where one message brought several incidents, it
/// carries the first of theirs.
pub const REACTIONS: [&str; 4] = ["eyes", "raised_hand", "no_bell", "white_check_mark"];

/// Seen, acknowledged, over: the three things that a glance at the channel should tell.
fn reaction(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Open | IncidentState::Investigating | IncidentState::Reported => "eyes",
        IncidentState::Acknowledged => "raised_hand",
        IncidentState::Silenced => "no_bell",
        IncidentState::Resolved | IncidentState::FalsePositive => "white_check_mark",
    }
}
