//! An incident's different alerts: what each of them says now, and how many still fire.

use jiff::{SignedDuration, Timestamp};

use super::group::News;
use crate::model::{Alert, AlertStatus, Incident, Member, Origin, ThreadRef};

/// How many messages of other bots carry the state's reaction: the first and the newest ones.
const MESSAGES_MAX: usize = 8;
/// How much of an alert's summary its line keeps, in characters.
const SUMMARY_MAX: usize = 200;

/// The alert as a line of its incident.
pub fn fresh(incident: &Incident, news: &News<'_>, reason: &str) -> Member {
    let alert = news.alert;
    let at = news.received_at();
    Member {
        incident: incident.id,
        fingerprint: alert.fingerprint.clone(),
        name: alert.name.clone(),
        summary: if alert.summary.is_empty() { &alert.description } else { &alert.summary }.chars().take(SUMMARY_MAX).collect(),
        service: alert.service.clone(),
        namespace: alert.namespace.clone(),
        resource: alert.resource.clone(),
        status: alert.status,
        count: news.size,
        first_at: at,
        last_at: at,
        origin: alert.origin.clone(),
        reason: reason.to_owned(),
        starts_at: alert.starts_at,
    }
}

/// The first alert of an incident that was stored before its alerts had lines of their own.
pub fn of_old(incident: &Incident) -> Member {
    let latest = incident.latest.as_ref().unwrap_or(&incident.alert);
    let at = incident.applied.map_or(incident.opened_at, instant);
    Member {
        incident: incident.id,
        fingerprint: incident.fingerprint.clone(),
        name: incident.alert.name.clone(),
        summary: incident.alert.summary.clone(),
        service: incident.alert.service.clone(),
        namespace: incident.alert.namespace.clone(),
        resource: incident.alert.resource.clone(),
        status: latest.status,
        count: incident.alert_count,
        first_at: incident.opened_at,
        last_at: at,
        origin: incident.alert.origin.clone(),
        reason: String::new(),
        starts_at: latest.starts_at,
    }
}

/// An alert that is not over. One that is paused, or of which its sender has no data, is not known to be over.
pub fn fires(status: AlertStatus) -> bool {
    status != AlertStatus::Resolved
}

/// When a record came in: its id says so.
pub fn instant(record: crate::model::AlertId) -> Timestamp {
    i64::try_from(record.0.timestamp_ms()).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// It tells of an earlier moment than what is known already: it came in before, or it is the very firing that is over.
///
/// A firing that the sender said is over never comes back. One that a person resolved while it fires stays quiet for the
/// cooldown: the sender's repetitions do not undo what the person did; if it still fires then, it is told of again.
pub fn is_stale(news: &News<'_>, incident: &Incident, member: &Member, cooldown: SignedDuration) -> bool {
    let at = news.received_at();
    if at < member.last_at {
        return true;
    }
    let same_firing = matches!((news.alert.starts_at, member.starts_at), (Some(new), Some(known)) if new <= known);
    let quiet = incident.resolved_at.is_some_and(|over| at.duration_since(over) <= cooldown);
    same_firing && incident.state.is_closed() && (!fires(member.status) || quiet)
}

/// Takes the news into the line, and into the incident's number of firing alerts. Returns whether the alert changed
/// from firing to over or back.
pub fn update(incident: &mut Incident, member: &mut Member, news: &News<'_>) -> bool {
    let before = fires(member.status);
    let after = fires(news.alert.status);
    member.status = news.alert.status;
    member.last_at = news.received_at();
    if after {
        member.starts_at = news.alert.starts_at.or(member.starts_at);
    }
    match (before, after) {
        (true, false) => incident.firing = incident.firing.saturating_sub(1),
        (false, true) => incident.firing += 1,
        _ => {}
    }
    before != after
}

/// Remembers the message of another bot that told of the incident.
pub fn told_by(incident: &mut Incident, alert: &Alert) {
    let Origin::Slack { channel, ts } = &alert.origin else { return };
    let message = ThreadRef { channel: channel.clone(), ts: ts.clone() };
    let messages = &mut incident.group.messages;
    if messages.contains(&message) {
        return;
    }
    if messages.len() >= MESSAGES_MAX {
        messages.remove(1);
    }
    messages.push(message);
}
