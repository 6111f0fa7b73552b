//! What the next shift must know.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Incident, Message, Part, Silence, Text};

use super::{
    lists::{line, most_urgent_first, silences_of, title},
    words::{count, duration, seconds_between, short},
};

/// How far back "what happened" goes: one shift.
pub const SHIFT: SignedDuration = SignedDuration::from_hours(12);
const OPEN_MAX: usize = 15;
const CLOSED_MAX: usize = 15;

/// Open incidents, what was closed within the last shift, silences, and who owns what. `recent` holds the incidents of the
/// last shift, closed ones included.
pub fn handoff(open: &[Incident], recent: &[Incident], silences: &[Silence], on_call: &[String], now: Timestamp) -> Message {
    let unowned = open.iter().filter(|incident| incident.owner.is_none()).count();
    let headline = format!("Handoff: {} open, {unowned} without an owner", open.len());
    let mut parts = vec![Part::Header(headline.clone())];
    if !on_call.is_empty() {
        parts.push(Part::Context(Text::new().plain(format!("On call: {}", on_call.join(", ")))));
    }
    for incident in most_urgent_first(&open.iter().collect::<Vec<_>>()).into_iter().take(OPEN_MAX) {
        let mut text = line(incident, now);
        if let Some(last) = incident.timeline.last() {
            text = text.plain("\nLast: ").time(last.at).plain(format!("  {}", short(&last.text.replace('`', ""), 120)));
        }
        parts.push(Part::Section(text));
    }
    if open.len() > OPEN_MAX {
        parts.push(Part::Context(Text::new().plain(format!("and {} more", open.len() - OPEN_MAX))));
    }
    let closed: Vec<&Incident> = recent.iter().filter(|incident| incident.state.is_closed()).collect();
    parts.push(Part::Divider);
    parts.push(Part::Section(what_happened(recent, &closed)));
    parts.extend(silences_of(silences, now));
    Message { text: headline, parts }
}

fn what_happened(recent: &[Incident], closed: &[&Incident]) -> Text {
    let alerts: u64 = recent.iter().map(|incident| incident.alert_count).sum();
    let mut text = Text::new().bold("The last 12 hours").plain(format!(
        "  {} with {}, {} over",
        count(recent.len() as u64, "incident"),
        count(alerts, "alert"),
        closed.len()
    ));
    for incident in closed.iter().take(CLOSED_MAX) {
        let took = incident.resolved_at.map_or(String::new(), |at| format!(" after {}", duration(seconds_between(incident.opened_at, at))));
        let cause = incident.report.as_ref().map_or_else(|| title(incident), |report| report.headline.clone());
        text = text.plain(format!("\n• {} {}{took}: ", incident.id, incident.state.as_str().replace('_', " ")));
        text = text.plain(short(&cause.replace('`', ""), 140));
    }
    text
}
