//! What the card's line of state says of an incident's alerts: how many are over, how often it came back.

use jiff::SignedDuration;

use crate::model::{Incident, Text};

use super::words::{count, duration, seconds_between};

/// Within which time returns are counted together. Source: the grouping rule, which calls it flapping by the same hour.
const RETURNS_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// Adds what the incident's alerts did.
pub fn alerts(mut text: Text, incident: &Incident) -> Text {
    let members = incident.group.members;
    let over = members.saturating_sub(incident.firing);
    if members > 1 && !incident.state.is_closed() && over > 0 {
        text = text.plain(format!("  ·  {over} of {members} resolved"));
    } else if members > 1 {
        text = text.plain(format!("  ·  {members} different ones"));
    }
    text = returns(text, incident);
    if let Some(earlier) = incident.group.last_seen {
        text = text.plain(format!("  ·  last seen in {earlier}"));
    }
    text
}

fn returns(text: Text, incident: &Incident) -> Text {
    let Some(last) = incident.returns.last() else { return text };
    let lately: Vec<_> = incident.returns.iter().filter(|at| last.duration_since(**at) <= RETURNS_WITHIN).collect();
    if !incident.group.flapping {
        return text.plain(format!("  ·  came back {}", count(incident.returns.len() as u64, "time")));
    }
    let first = lately.first().map_or(*last, |first| **first);
    text.plain("  ·  ").bold("flapping").plain(format!(
        ": {} in {}",
        count(lately.len() as u64, "time"),
        duration(seconds_between(first, *last).max(60.0))
    ))
}
