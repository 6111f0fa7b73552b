//! A person's home tab: what is theirs, what is open, what is silenced, who is on call, and whether all is well with us.

use jiff::Timestamp;

use crate::model::{Action, ActionStyle, Incident, Part, Silence, Text};

use super::{
    lists::{line, most_urgent_first, silence_line},
    words::{count, duration, seconds_between},
};

/// A view takes 100 blocks; an incident takes two.
const MINE_MAX: usize = 12;
const OPEN_MAX: usize = 15;
const SILENCES_MAX: usize = 10;

/// One line of health: what, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub name: String,
    pub fine: bool,
    pub says: String,
}

/// What a home tab shows.
#[derive(Debug, Clone)]
pub struct Home<'a> {
    /// Whose it is: a Slack user id.
    pub user: &'a str,
    pub open: &'a [Incident],
    pub silences: &'a [Silence],
    /// Names of the people on call; empty where nobody is configured.
    pub on_call: &'a [String],
    pub health: &'a [Health],
    /// When the newest alert arrived.
    pub last_alert: Option<Timestamp>,
    pub now: Timestamp,
}

/// The home tab.
pub fn home(home: &Home<'_>) -> Vec<Part> {
    let all = most_urgent_first(&home.open.iter().collect::<Vec<_>>());
    let (mine, others): (Vec<&Incident>, Vec<&Incident>) =
        all.into_iter().partition(|incident| incident.owner.as_deref() == Some(home.user));
    let mut parts = vec![Part::Header("My incidents".to_owned())];
    if mine.is_empty() {
        parts.push(Part::Section(Text::new().plain("None is yours.")));
    }
    parts.extend(incidents(&mine, MINE_MAX, home.now));
    parts.push(Part::Header("Open".to_owned()));
    if others.is_empty() {
        let text = if mine.is_empty() { " Nothing is open." } else { " Nothing else is open." };
        parts.push(Part::Section(Text::new().emoji("large_green_circle").plain(text)));
    }
    parts.extend(incidents(&others, OPEN_MAX, home.now));
    let silences: Vec<&Silence> = home.silences.iter().filter(|silence| silence.is_active(home.now)).collect();
    if !silences.is_empty() {
        parts.push(Part::Header("Silenced".to_owned()));
    }
    for silence in silences.iter().take(SILENCES_MAX) {
        let undo = Action::button("unsilence", "Undo", silence.incident.to_string());
        parts.push(Part::Item(silence_line(Text::new(), silence), undo));
    }
    parts.push(Part::Divider);
    if !home.on_call.is_empty() {
        parts.push(Part::Section(Text::new().bold("On call").plain(format!("  {}", home.on_call.join(", ")))));
    }
    parts.push(Part::Context(health(home)));
    parts
}

fn incidents(incidents: &[&Incident], most: usize, now: Timestamp) -> Vec<Part> {
    let mut parts = Vec::new();
    for incident in incidents.iter().take(most) {
        parts.push(Part::Section(line(incident, now)));
        parts.push(Part::Actions(actions(incident)));
    }
    if let Some(more) = incidents.len().checked_sub(most).filter(|more| *more > 0) {
        parts.push(Part::Context(Text::new().plain(format!("and {} more: ", count(more as u64, "incident"))).code("/sre incidents open")));
    }
    parts
}

/// The same buttons as on the card, so that they do the same.
fn actions(incident: &Incident) -> Vec<Action> {
    let button = |id: &str, label: &str| Action::button(id, label, incident.id.to_string());
    let mut out = Vec::new();
    if incident.acknowledged_at.is_none() {
        out.push(button("ack", "Acknowledge").styled(ActionStyle::Primary));
    }
    out.push(button("resolve", "Resolve"));
    if incident.report.is_some() {
        out.push(button("details", "Details"));
    }
    out
}

fn health(home: &Home<'_>) -> Text {
    let mut text = Text::new();
    for check in home.health {
        text = text.emoji(if check.fine { "white_check_mark" } else { "warning" }).plain(format!(" {}: {}   ", check.name, check.says));
    }
    match home.last_alert {
        Some(at) => text.plain(format!("last alert {} ago", duration(seconds_between(at, home.now)))),
        None => text.plain("no alert has arrived yet"),
    }
}
