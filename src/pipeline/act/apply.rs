//! The pure half: an incident, an act, and the incident afterwards.

use jiff::Timestamp;

use crate::{
    model::{Act, Feedback, Incident, IncidentState},
    pipeline::group::note,
};

/// How many opinions an incident keeps; the oldest go first.
const FEEDBACK_MAX: usize = 100;

/// The incident after the act, or `None` when it changes nothing. What needs more than the incident itself (silences,
/// calls for help) is not done here.
///
/// A silenced incident stays silenced: the act changes what it will be when the silence is over.
pub fn apply(mut incident: Incident, act: &Act, user: &str, now: Timestamp) -> Option<Incident> {
    let state = incident.state_beneath();
    let text = match act {
        Act::Acknowledge if state.is_closed() || state == IncidentState::Acknowledged => return None,
        Act::Acknowledge => {
            set(&mut incident, IncidentState::Acknowledged);
            incident.acknowledged_at = Some(now);
            incident.owner = Some(user.to_owned());
            "acknowledged".to_owned()
        }
        Act::Unacknowledge if state != IncidentState::Acknowledged => return None,
        Act::Unacknowledge => {
            let before = if incident.report.is_some() { IncidentState::Reported } else { IncidentState::Investigating };
            set(&mut incident, before);
            incident.acknowledged_at = None;
            incident.owner = None;
            "no longer acknowledged".to_owned()
        }
        Act::Resolve if state.is_closed() => return None,
        Act::Resolve => {
            // It is over, silenced or not.
            incident.state = IncidentState::Resolved;
            incident.resolved_at = Some(now);
            "resolved".to_owned()
        }
        Act::Reopen if !state.is_closed() => return None,
        Act::Reopen => {
            incident.state = if incident.report.is_some() { IncidentState::Reported } else { IncidentState::Open };
            incident.resolved_at = None;
            incident.acknowledged_at = None;
            incident.owner = None;
            "reopened".to_owned()
        }
        Act::Rerun | Act::Replay if state == IncidentState::Investigating => return None,
        Act::Rerun => {
            if matches!(state, IncidentState::Open | IncidentState::Reported) {
                set(&mut incident, IncidentState::Investigating);
            }
            "asked for another look".to_owned()
        }
        // Its answer stands beside the incident's own report, which stays as it is.
        Act::Replay => "asked for a replay".to_owned(),
        Act::Assign { to } if incident.owner == *to => return None,
        Act::Assign { to } => {
            incident.owner.clone_from(to);
            match to {
                Some(owner) if owner == user => "took it".to_owned(),
                Some(owner) => format!("gave it to <@{owner}>"),
                None => "took its owner away".to_owned(),
            }
        }
        Act::Feedback { verdict, note, investigation } => {
            let about = investigation.or(incident.investigation);
            let said = Feedback { at: now, by: user.to_owned(), investigation: about, verdict: *verdict, note: note.clone() };
            let same = |known: &Feedback| known.by == said.by && known.investigation == said.investigation;
            if incident.feedback.iter().any(|known| same(known) && known.verdict == said.verdict && known.note == said.note) {
                return None;
            }
            incident.feedback.retain(|known| !same(known));
            let surplus = (incident.feedback.len() + 1).saturating_sub(FEEDBACK_MAX);
            incident.feedback.drain(..surplus);
            incident.feedback.push(said);
            let words = if note.is_empty() { String::new() } else { format!("; the cause: {note}") };
            format!("judged the report: {}{words}", verdict.as_str())
        }
        Act::Silence { .. } | Act::Unsilence | Act::Escalate { .. } => return None,
    };
    note(&mut incident, now, user, &text);
    Some(incident)
}

fn set(incident: &mut Incident, state: IncidentState) {
    match &mut incident.silenced {
        Some(silenced) if incident.state == IncidentState::Silenced => silenced.before = state,
        _ => incident.state = state,
    }
}
