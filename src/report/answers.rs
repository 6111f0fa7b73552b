//! What a person hears after they acted: one short sentence that they alone see. And the lines that an act leaves in the thread.

use jiff::Timestamp;

use crate::model::{Act, Incident, IncidentId, IncidentState, Message, Part, Run, Silence, Span, Text, Verdict, is_slack_user};

use super::{
    card::person_or_group,
    words::{count, duration, seconds_between, short},
};

/// How much of a person's reason is repeated.
const REASON_MAX: usize = 300;

/// A sentence as a message.
fn sentence(text: Text) -> Message {
    let plain = text.0.iter().map(|span| match span {
        Span::Plain(text) | Span::Bold(text) | Span::Code(text) | Span::Link { text, .. } => text.clone(),
        Span::User(id) | Span::Group(id) => format!("@{id}"),
        Span::Time(at) => format!("{} UTC", at.strftime("%H:%M")),
        Span::Evidence(id) => id.to_string(),
        Span::Emoji(_) => String::new(),
    });
    Message { text: plain.collect::<String>().trim().to_owned(), parts: vec![Part::Section(text)] }
}

fn says(words: impl Into<String>) -> Message {
    sentence(Text::new().plain(words))
}

fn actor(text: Text, by: &str) -> Text {
    if is_slack_user(by) { text.user(by) } else { text.plain(by.to_owned()) }
}

fn because(text: Text, reason: &str) -> Text {
    if reason.trim().is_empty() { text.plain(".") } else { text.plain(format!(": {}", short(reason, REASON_MAX))) }
}

/// It is done.
pub fn done(act: &Act, incident: &Incident) -> Message {
    let id = incident.id;
    let still = match &incident.silenced {
        Some(silenced) if incident.state == IncidentState::Silenced => {
            Text::new().plain("; it stays silenced until ").time(silenced.until).plain(".")
        }
        _ => Text::new().plain("."),
    };
    let mut text = match act {
        Act::Acknowledge => Text::new().plain(format!("You acknowledged {id}")),
        Act::Unacknowledge => Text::new().plain(format!("{id} is not acknowledged any more")),
        Act::Resolve => return says(format!("You resolved {id}.")),
        Act::Reopen => return says(format!("You reopened {id}.")),
        Act::Rerun => return says(format!("Looking at {id} again; the new report will be in its thread.")),
        Act::Replay => return says(format!("Looking at {id} again, as of when it began; the comparison will be in its thread.")),
        Act::Assign { to: Some(owner) } => Text::new().plain(format!("{id} belongs to ")).user(owner.clone()),
        Act::Assign { to: None } => Text::new().plain(format!("{id} has no owner now")),
        Act::Silence { .. } => Text::new().plain(format!("{id} is silenced")),
        Act::Unsilence => Text::new().plain(format!("{id} is not silenced any more")),
        Act::Escalate { .. } => {
            let name = incident.escalations.last().map_or("help", |last| last.name.as_str());
            return says(format!("You called {name} to {id}."));
        }
        Act::Feedback { verdict: Verdict::Correct, .. } => return says(format!("Thank you. The report of {id} counts as correct.")),
        Act::Feedback { verdict, .. } => return says(format!("Thank you. The report of {id} counts as {}.", verdict.as_str())),
    };
    text.0.extend(still.0);
    sentence(text)
}

/// It is so already, or cannot be now.
pub fn nothing(act: &Act, incident: &Incident, now: Timestamp) -> Message {
    let id = incident.id;
    let state = incident.state_beneath();
    match act {
        Act::Assign { to: Some(owner) } => sentence(Text::new().plain(format!("{id} belongs to ")).user(owner.clone()).plain(" already.")),
        Act::Assign { to: None } => says(format!("{id} has no owner.")),
        Act::Unsilence => says(format!("{id} is not silenced.")),
        Act::Feedback { .. } => says(format!("You said so already about the report of {id}.")),
        Act::Reopen => says(format!("{id} is open.")),
        Act::Rerun | Act::Replay if !state.is_closed() => says(format!("{id} is being looked at right now.")),
        Act::Unacknowledge if !state.is_closed() => says(format!("{id} is not acknowledged.")),
        _ if state == IncidentState::Resolved => already(incident, "resolved", now),
        _ if state.is_closed() => says(format!("{id} is closed already.")),
        _ => already(incident, "acknowledged", now),
    }
}

/// "INC-42 is resolved already, by @alice 3 min ago."
fn already(incident: &Incident, word: &str, now: Timestamp) -> Message {
    let text = Text::new().plain(format!("{} is {word} already", incident.id));
    let Some(entry) = incident.timeline.iter().rev().find(|entry| entry.text.starts_with(word)) else { return sentence(text.plain(".")) };
    let text = text.plain(", by ");
    let text = if is_slack_user(&entry.actor) { text.user(entry.actor.clone()) } else { text.plain(entry.actor.clone()) };
    sentence(text.plain(format!(" {} ago.", duration(seconds_between(entry.at, now).max(1.0)))))
}

/// There is no such incident.
pub fn missing(id: IncidentId) -> Message {
    says(format!("{id} does not exist, or is so old that it is forgotten."))
}

/// The act belongs to others.
pub fn not_allowed(act: &Act, id: IncidentId, who: &[String]) -> Message {
    let text = Text::new().plain(format!("You may not {} {id}; ", verb(act)));
    sentence(named(text, who))
}

/// Nobody can tell whether the person may.
pub fn rights_unknown(act: &Act, id: IncidentId, who: &[String]) -> Message {
    let text = Text::new().plain(format!(
        "You cannot {} {id} now: Slack does not say who is in the groups that may. Please try again in a minute; ",
        verb(act)
    ));
    sentence(named(text, who))
}

fn named(mut text: Text, who: &[String]) -> Text {
    if who.is_empty() {
        return text.plain("nobody may, as the settings stand.");
    }
    for (at, id) in who.iter().enumerate() {
        if at > 0 {
            text = text.plain(if at + 1 == who.len() { " and " } else { ", " });
        }
        text.0.push(person_or_group(id));
    }
    text.plain(" may.")
}

fn verb(act: &Act) -> &'static str {
    match act {
        Act::Rerun => "run again",
        Act::Feedback { .. } => "judge the report of",
        other => other.name(),
    }
}

/// The problem is back under another number.
pub fn newer_is_open(id: IncidentId, other: IncidentId) -> Message {
    says(format!("{id} was not reopened: the same alert is open as {other}."))
}

/// The chosen owner is no person who works here.
pub fn nobody_there(owner: &str, is_app: bool) -> Message {
    let text = Text::new().user(owner);
    sentence(text.plain(if is_app {
        " is an app; an incident belongs to a person."
    } else {
        " has left this workspace; please choose somebody else."
    }))
}

/// The new owner hears of it, once, in the thread.
pub fn yours_now(incident: &Incident, owner: &str, by: &str) -> Message {
    let text = Text::new().user(owner).plain(format!(", {} is yours now; ", incident.id)).user(by);
    sentence(text.plain(" gave it to you."))
}

/// It is silenced, with all that the silence covers.
pub fn silenced(incidents: &[Incident], silence: &Silence) -> Message {
    let text = Text::new().plain(format!("{} is silenced until ", silence.incident)).time(silence.until);
    let covered = incidents.iter().filter(|incident| incident.silenced.as_ref().is_some_and(|known| known.silence == silence.id)).count();
    let others = covered.saturating_sub(1) as u64;
    sentence(if others == 0 { text.plain(".") } else { text.plain(format!(", and {} with it.", count(others, "other incident"))) })
}

/// The silence would not cover the incident that it is for.
pub fn silence_misses(id: IncidentId) -> Message {
    says(format!("Nothing was silenced: those conditions do not fit {id} itself."))
}

/// The silence is over before its time.
pub fn unsilenced(incidents: &[Incident]) -> Message {
    let ids: Vec<String> = incidents.iter().take(10).map(|incident| incident.id.to_string()).collect();
    says(format!("{} {} not silenced any more.", ids.join(", "), if ids.len() == 1 { "is" } else { "are" }))
}

/// The sender keeps quiet too.
pub fn silenced_there(system: &str, silence: &Silence) -> Message {
    sentence(Text::new().plain(format!("{system} keeps quiet about {} too, until ", silence.incident)).time(silence.until).plain("."))
}

/// The sender speaks again.
pub fn unsilenced_there(system: &str, id: IncidentId) -> Message {
    says(format!("The silence for {id} is ended in {system} too."))
}

/// Another system did not take what a person decided; `act` is the act's name.
pub fn not_told(act: &str, system: &str, reason: &str, id: IncidentId) -> Message {
    let text = Text::new().emoji("warning").plain(" ");
    let reason = short(reason, REASON_MAX);
    sentence(match act {
        "silence" => text.plain(format!("{system} was not silenced for {id}: {reason}. Here the silence holds.")),
        "unsilence" => text.plain(format!("The silence for {id} could not be ended in {system}: {reason}. Please end it there.")),
        _ => text.plain(format!("{system} could not be called to {id}: {reason}. Please call people another way.")),
    })
}

/// The system's name as people know it.
pub fn system(source: &str) -> &'static str {
    match source {
        "grafana" => "Grafana",
        "alertmanager" => "Alertmanager",
        _ => "The alert's sender",
    }
}

/// The line in the thread that calls a user group.
pub fn group_called(incident: &Incident, group: &str, by: &str, reason: &str) -> Message {
    let mut text = Text::new();
    text.0.push(Span::Group(group.to_owned()));
    let text = actor(text.plain(" "), by).plain(format!(" calls you to {}", incident.id));
    sentence(because(text, reason))
}

/// A step of the escalation chain: these people are called.
pub fn chain_called(incident: &Incident, people: Vec<Span>, reason: &str) -> Message {
    let mut text = Text::new();
    for (at, span) in people.into_iter().enumerate() {
        if at > 0 {
            text = text.plain(" ");
        }
        text.0.push(span);
    }
    sentence(because(text.plain(format!(" {} needs somebody", incident.id)), reason))
}

/// A user or a user group, mentioned.
pub fn mention(id: &str) -> Span {
    person_or_group(id)
}

/// A text as a message.
pub fn sentence_of(text: Text) -> Message {
    sentence(text)
}

/// PagerDuty is being called.
pub fn paging(id: IncidentId) -> Message {
    says(format!("Calling PagerDuty to {id}…"))
}

/// The line in the thread after PagerDuty took the call.
pub fn paged(incident: &Incident, by: &str, reason: &str) -> Message {
    sentence(because(actor(Text::new(), by).plain(format!(" called PagerDuty to {}", incident.id)), reason))
}

/// PagerDuty took the call.
pub fn paged_answer(id: IncidentId) -> Message {
    says(format!("PagerDuty was called to {id}."))
}

/// No paging service is configured.
pub fn no_pager() -> Message {
    sentence(Text::new().plain("PagerDuty is not set up: it wants ").code("escalation.pagerduty_key").plain(" in the settings."))
}

/// The group is not one that the settings name.
pub fn no_such_group(group: &str) -> Message {
    sentence(
        Text::new()
            .code(group)
            .plain(" is no group that can be called; the settings name them under ")
            .code("escalation.groups")
            .plain("."),
    )
}

/// A modal could not be opened in Slack's three seconds.
pub fn too_late() -> Message {
    says("That took too long for Slack to open the window. Please press it again.")
}

/// A modal could not be opened for another reason.
pub fn not_opened() -> Message {
    says("Slack did not open the window. Please try again; if it happens again, the log says why.")
}

/// It is not allowed, or cannot be; the sentence says why.
pub fn refused(why: &str) -> Message {
    sentence(Text::new().emoji("no_entry_sign").plain(format!(" Refused: {}", short(why, 1200))))
}

/// The dry run is on its way.
pub fn preparing(run: &Run) -> Message {
    says(format!(
        "Preparing “{}”: the dry run comes in the thread. Nothing is changed before somebody approves it.",
        super::run::run_title(run)
    ))
}

/// The decision counts.
pub fn decided(run: &Run, approves: bool) -> Message {
    let title = super::run::run_title(run);
    if run.is_under_way() && !approves {
        return says(format!("You stop “{title}”. Its present step comes to its end; the thread says what was done."));
    }
    if !approves {
        return says(format!("You denied “{title}”. It will not run."));
    }
    match run.missing() {
        0 => says(format!("You approved “{title}”. It runs now; the thread says what comes of it.")),
        more => says(format!("You approved “{title}”. It takes {more} more.")),
    }
}
