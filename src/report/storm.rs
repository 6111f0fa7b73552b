//! An alert storm: one summary that counts everything, and the list of every alert behind it.

use crate::model::{Action, ActionStyle, AlertStatus, Form, Incident, IncidentState, Member, Message, Part, Storm, Text};

use super::words::{count, duration, prose, seconds_between, short};

/// How sure a report must be for its cause to be named here.
const SURE: f64 = 0.6;
const WHAT_MAX: usize = 100;
const CAUSE_MAX: usize = 200;
/// How many lines share one block of the list: a line has at most some 280 characters, a block takes 3000.
const LINES: usize = 10;

/// The summary as it is now.
pub fn storm(storm: &Storm, incidents: &[Incident], calm_per_minute: usize) -> Message {
    let mut ranked: Vec<&Incident> = incidents.iter().collect();
    ranked.sort_by_key(|one| (one.state.is_closed(), one.priority, std::cmp::Reverse(one.alert_count), one.id));
    let alerts = thousands(storm.alerts);
    let groups = count(ranked.len() as u64, "incident");
    let title = if storm.ended.is_some() { "Alert storm is over" } else { "Alert storm" };
    let took = duration(seconds_between(storm.began, storm.last_at).max(1.0));
    let over = ranked.iter().filter(|one| one.state.is_closed()).count();
    let over = if over > 0 { format!(" ({over} over)") } else { String::new() };
    let mut top = Text::new()
        .emoji(if storm.ended.is_some() { "sunny" } else { "ocean" })
        .plain(" ")
        .bold(title)
        .plain(format!(" · {alerts} alerts in {took} · {groups}{over} · nothing dropped\n"));
    let cause = cause(storm, &ranked);
    top.0.extend(prose(&cause).0);
    let rows = ranked.iter().map(|one| row(one)).collect();
    let header = ["Incident", "What", "Alerts", "State"].map(str::to_owned).to_vec();
    let small = match storm.ended {
        Some(_) => Text::new().plain("What is still open has its own thread now. It was calm from ").time(storm.last_at).plain(" on."),
        None => Text::new()
            .plain("Last alert ")
            .time(storm.last_at)
            .plain(format!(". Every incident is looked into. Single messages come back below {calm_per_minute} alerts a minute.")),
    };
    Message {
        text: format!("{title}: {alerts} alerts in {groups}. {}", cause.replace('`', "")),
        parts: vec![Part::Section(top), Part::Table { header, rows }, Part::Actions(actions(storm, &ranked)), Part::Context(small)],
    }
}

fn actions(storm: &Storm, ranked: &[&Incident]) -> Vec<Action> {
    let waiting = ranked.iter().filter(|one| waits(one)).count();
    let mut actions = Vec::new();
    if waiting > 0 && storm.ended.is_none() {
        let label = format!("Acknowledge all {waiting}");
        actions.push(Action::button("storm_ack", label, storm.id.clone()).styled(ActionStyle::Primary));
    }
    actions.push(Action::button("storm_list", "Every alert", storm.id.clone()));
    actions
}

/// Nobody has it yet.
pub fn waits(incident: &Incident) -> bool {
    matches!(incident.state, IncidentState::Open | IncidentState::Investigating | IncidentState::Reported)
}

fn row(incident: &Incident) -> Vec<String> {
    let state = incident.state.as_str().replace('_', " ");
    vec![format!("{} {}", incident.id, incident.priority), what(incident), thousands(incident.alert_count), state]
}

fn what(incident: &Incident) -> String {
    let found = incident.report.as_ref().filter(|report| !report.hypotheses.is_empty());
    let alert = &incident.alert;
    let says = match found {
        Some(report) if incident.service.is_empty() || report.headline.contains(&incident.service) => report.headline.clone(),
        // Whose alerts they are comes first: one cause can stand behind many rows.
        Some(report) => format!("{}: {}", incident.service, report.headline),
        None if incident.service.is_empty() || incident.title.contains(&incident.service) => incident.title.clone(),
        None => format!("{}: {}", incident.service, if alert.summary.is_empty() { &alert.name } else { &alert.summary }),
    };
    let others = incident.group.members.saturating_sub(1);
    let others = if others > 0 { format!(" and {} more", thousands(others)) } else { String::new() };
    format!("{}{others}", short(&says, WHAT_MAX))
}

/// The cause that explains the most alerts, or else what most of them have in common.
fn cause(storm: &Storm, incidents: &[&Incident]) -> String {
    let mut causes: Vec<(String, u64, &Incident, Vec<String>)> = Vec::new();
    for incident in incidents {
        let Some(first) = incident.report.as_ref().and_then(|report| report.hypotheses.first()) else { continue };
        if first.confidence < SURE {
            continue;
        }
        let of = format!("{} {}", first.category, first.entity);
        match causes.iter_mut().find(|(known, ..)| *known == of) {
            Some((_, alerts, _, ids)) => {
                *alerts += incident.alert_count;
                ids.push(incident.id.to_string());
            }
            None => causes.push((of, incident.alert_count, incident, vec![incident.id.to_string()])),
        }
    }
    let total = storm.alerts.max(1);
    let shared = in_common(storm, total);
    let best = causes.into_iter().max_by_key(|(_, alerts, _, _)| *alerts);
    if let Some((_, alerts, incident, ids)) = best
        && (alerts * 2 >= total || ids.len() > 1)
    {
        let headline = incident.report.as_ref().map_or("", |report| report.headline.as_str());
        return format!("Probably one cause: {} ({})", short(headline, CAUSE_MAX), ids.join(", "));
    }
    if let Some((thing, alerts)) = shared {
        return format!("Probably one cause: {} of {} alerts are about {thing}", thousands(alerts), thousands(total));
    }
    if storm.ended.is_none() && incidents.iter().any(|one| one.state == IncidentState::Investigating) {
        return "Looking for what they have in common".to_owned();
    }
    "No common cause found".to_owned()
}

/// The narrowest thing that at least half of the alerts have in common.
fn in_common(storm: &Storm, total: u64) -> Option<(String, u64)> {
    ["node", "service", "namespace"].into_iter().find_map(|kind| {
        let of_kind = storm.shared.iter().filter(|(thing, _)| thing.split(' ').next() == Some(kind));
        let (thing, alerts) = of_kind.max_by_key(|(_, alerts)| **alerts)?;
        let name = thing.split_once(' ').map_or("", |(_, name)| name).replace('`', "'");
        (alerts * 2 >= total).then(|| (format!("{kind} `{}`", short(&name, 80)), *alerts))
    })
}

/// One page of the list of every alert: the incidents with a part of their alerts each.
///
/// `from`: the number of the page's first alert, from 1. `next`: what the button to the next page carries.
pub fn storm_page(storm: &Storm, page: &[(Incident, Vec<Member>)], from: u64, next: Option<String>) -> Form {
    let shown: u64 = page.iter().map(|(_, members)| members.len() as u64).sum();
    let mut parts = Vec::new();
    let until = (from + shown).saturating_sub(1);
    parts.push(Part::Context(Text::new().plain(match shown {
        0 => "No further alerts.".to_owned(),
        _ => format!("Different alerts {} to {} · {} in all, repeats counted", thousands(from), thousands(until), thousands(storm.alerts)),
    })));
    for (incident, members) in page {
        for (at, lines) in members.chunks(LINES).enumerate() {
            let mut text = Text::new();
            if at == 0 {
                let state = incident.state.as_str().replace('_', " ");
                text = text.bold(format!("{} {}", incident.id, incident.priority)).plain(format!(" · {state} · {}", what(incident)));
            }
            parts.push(Part::Section(lines.iter().fold(text, line)));
        }
    }
    if let Some(next) = next {
        parts.push(Part::Actions(vec![Action::button("storm_next", "Next 100", next)]));
    }
    Form { callback: String::new(), title: "Every alert".to_owned(), submit: String::new(), context: String::new(), parts }
}

fn line(text: Text, member: &Member) -> Text {
    let object = if member.resource.is_empty() { &member.service } else { &member.resource };
    let object = match (member.namespace.is_empty(), object.is_empty()) {
        (true, _) => object.clone(),
        (false, true) => member.namespace.clone(),
        (false, false) => format!("{}/{object}", member.namespace),
    };
    let mark = if member.status == AlertStatus::Resolved { "white_check_mark" } else { "small_red_triangle" };
    let text = if text.is_empty() { text } else { text.plain("\n") };
    let mut text = text.emoji(mark).plain(format!(" {}", short(&member.name, 80)));
    if !object.is_empty() {
        text = text.plain("  ").code(short(&object, 80));
    }
    if member.count > 1 {
        text = text.plain(format!("  ×{}", thousands(member.count)));
    }
    text.plain("  ").time(member.first_at)
}

/// `1,284`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
