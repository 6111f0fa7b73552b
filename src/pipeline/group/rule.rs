//! The rule, without any I/O: what an alert means for the incidents that are there.
//!
//! 1. A known fingerprint belongs to its incident: repeats are counted, the incident is over when none of its alerts fires.
//! 2. One whose incident is over brings it back within the cooldown: same thread, same card.
//! 3. A new fingerprint joins the open incident with which it shares the strongest key within the window.
//! 4. Anything else opens an incident.

use jiff::{SignedDuration, Timestamp};

use super::keys::{self, Key};
use crate::{
    model::{Alert, AlertId, AlertStatus, Group, Incident, IncidentState, Member, Origin, Silence, Silenced, ThreadRef, TimelineEntry},
    pipeline::members,
};

/// How many lines an incident's own timeline keeps; the first ones tell how it began and stay.
const TIMELINE_MAX: usize = 200;
/// Beyond so many different alerts the timeline does not tell of each: the list of alerts does.
const TOLD_MAX: u64 = 20;
/// How many returns are remembered.
const RETURNS_MAX: usize = 20;
/// Within which time returns count as flapping.
const FLAPPING_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// An alert as it arrived in one record.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    pub alert: &'a Alert,
    /// How many alerts it stands for.
    pub size: u64,
    pub record: AlertId,
    /// The Slack workspace that it came from.
    pub team: &'a str,
    /// Where an incident is shown that did not start in Slack.
    pub channel: &'a str,
    /// An edit, or a reply in a thread: it changes what is there and opens nothing.
    pub follow_up: bool,
    /// The active silence that it matches.
    pub silence: Option<&'a Silence>,
    /// The storm in its channel.
    pub storm: Option<&'a str>,
}

impl News<'_> {
    /// When its record came in.
    pub fn received_at(&self) -> Timestamp {
        members::instant(self.record)
    }
}

/// The fingerprint's open incident, or else its newest closed one.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub incident: Incident,
    /// Its line there; `None` when the alert is only said to belong there.
    pub member: Option<Member>,
}

/// The settings that the rule needs.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub window: SignedDuration,
    pub cooldown: SignedDuration,
    /// So many returns within an hour.
    pub flapping: usize,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A new incident; it wants an investigation unless it is over or silenced.
    Opened,
    /// A different alert belongs to an incident that is there.
    Joined,
    /// A known alert said something.
    Told,
    /// The incident was over, or silenced, and is back; it wants another investigation.
    Returned,
}

/// What an alert means for the incidents.
#[derive(Debug, Clone, PartialEq)]
pub enum Grouped {
    Changed {
        incident: Box<Incident>,
        member: Option<Box<Member>>,
        effect: Effect,
    },
    /// Nothing to show: a pause, or the end of something that nobody saw begin in this place.
    Nothing,
}

/// The rule. `near`: open incidents that share one of `keys` (strongest first).
pub fn group(news: &News<'_>, known: Option<Known>, near: &[Incident], keys: &[Key], rules: &Rules, now: Timestamp) -> Grouped {
    let status = news.alert.status;
    let last_seen = match known {
        Some(Known { incident, member }) => {
            let own = incident.fingerprint == news.alert.fingerprint;
            let member = member.or_else(|| own.then(|| members::of_old(&incident)));
            if !incident.state.is_closed() {
                return told(incident, member, news, rules, now);
            }
            let line = member.clone().unwrap_or_else(|| members::of_old(&incident));
            if status == AlertStatus::Resolved || members::is_stale(news, &incident, &line, rules.cooldown) {
                return told(incident, Some(line), news, rules, now);
            }
            let over = incident.resolved_at.unwrap_or(incident.opened_at);
            let soon = now.duration_since(over) <= rules.cooldown;
            if begins(status) && !news.follow_up && incident.state == IncidentState::Resolved && soon {
                return returned(incident, line, news, rules, now);
            }
            Some((incident.id, over))
        }
        None => None,
    };
    if news.follow_up {
        return Grouped::Nothing;
    }
    match status {
        AlertStatus::Paused | AlertStatus::Pending => Grouped::Nothing,
        // A sentence has no identity that a later firing could be told by: there is nothing to close.
        AlertStatus::Resolved if news.alert.source == "text" => Grouped::Nothing,
        AlertStatus::Resolved => {
            let (mut incident, member) = opened(news, keys, now);
            incident.state = IncidentState::Resolved;
            incident.firing = 0;
            incident.resolved_at = Some(news.alert.ends_at.unwrap_or(now));
            note(&mut incident, now, &news.alert.source, "resolved; it was never seen firing");
            Grouped::Changed { incident: Box::new(incident), member: Some(Box::new(member)), effect: Effect::Opened }
        }
        AlertStatus::Firing | AlertStatus::NoData | AlertStatus::Acknowledged => {
            if let Some((incident, key)) = nearest(news, near, keys, rules) {
                return joined(incident.clone(), key, news, now);
            }
            let (mut incident, member) = opened(news, keys, now);
            if let Some((earlier, over)) = last_seen {
                incident.group.last_seen = Some(earlier);
                note(&mut incident, now, "sre-agent", &format!("last seen in {earlier}, over since {}", over.strftime("%-d %b %H:%M UTC")));
            }
            Grouped::Changed { incident: Box::new(incident), member: Some(Box::new(member)), effect: Effect::Opened }
        }
    }
}

fn begins(status: AlertStatus) -> bool {
    matches!(status, AlertStatus::Firing | AlertStatus::NoData | AlertStatus::Acknowledged)
}

/// The incident with which the alert shares the most: by the strongest key, among equals the newest.
fn nearest<'a, 'k>(news: &News<'_>, near: &'a [Incident], keys: &'k [Key], rules: &Rules) -> Option<(&'a Incident, &'k Key)> {
    let at = news.received_at();
    keys.iter().find_map(|key| {
        near.iter()
            .filter(|incident| incident.keys.contains(&key.stored) && !incident.state.is_closed() && incident.team == news.team)
            // What nobody is told of must not swallow what somebody has to know.
            .filter(|incident| incident.state != IncidentState::Silenced || news.silence.is_some())
            .filter(|incident| !key.weak || incident.channel == keys::channel(news.alert, news.channel))
            .filter(|incident| key.lasting || at.duration_since(last_alert(incident)).abs() <= rules.window)
            .max_by_key(|incident| incident.id)
            .map(|incident| (incident, key))
    })
}

/// When the incident's last alert came.
pub fn last_alert(incident: &Incident) -> Timestamp {
    incident.applied.map_or(incident.opened_at, members::instant)
}

fn joined(mut incident: Incident, key: &Key, news: &News<'_>, now: Timestamp) -> Grouped {
    let alert = news.alert;
    let reason = if key.lasting {
        format!("alert storm: {}", key.reason)
    } else {
        format!("{}, {}", key.reason, apart(news.received_at().duration_since(last_alert(&incident))))
    };
    let member = members::fresh(&incident, news, &reason);
    incident.firing += 1;
    incident.group.members += 1;
    incident.alert_count += news.size;
    keys::extend(&mut incident, alert);
    if incident.group.members <= TOLD_MAX {
        note(&mut incident, now, &alert.source, &format!("{} joined: {reason}", named(alert)));
    }
    take(&mut incident, news);
    Grouped::Changed { incident: Box::new(incident), member: Some(Box::new(member)), effect: Effect::Joined }
}

/// A known alert says something in an incident that it belongs to.
fn told(mut incident: Incident, member: Option<Member>, news: &News<'_>, rules: &Rules, now: Timestamp) -> Grouped {
    let alert = news.alert;
    let Some(mut member) = member else { return sentence(incident, news, now) };
    let stale = members::is_stale(news, &incident, &member, rules.cooldown);
    let flipped = !stale && members::update(&mut incident, &mut member, news);
    let mut effect = Effect::Told;
    match alert.status {
        AlertStatus::Resolved if !flipped => {}
        AlertStatus::Resolved if incident.state.is_closed() => {}
        AlertStatus::Resolved if incident.firing == 0 => {
            incident.state = IncidentState::Resolved;
            incident.resolved_at = Some(now);
            note(&mut incident, now, &alert.source, "resolved");
        }
        AlertStatus::Resolved => {
            let still = incident.firing;
            note(&mut incident, now, &alert.source, &format!("{} resolved; {still} still firing", named(alert)));
        }
        _ if news.follow_up => {}
        status => {
            member.count += news.size;
            incident.alert_count += news.size;
            if incident.group.members <= TOLD_MAX {
                note(&mut incident, now, &alert.source, &format!("{} again ({})", alert.name, status.as_str()));
            }
        }
    }
    // It fires in a way that the silence is not about: people have to know.
    if incident.state == IncidentState::Silenced && news.silence.is_none() && begins(alert.status) && !stale {
        effect = unsilence(&mut incident, now);
    }
    if !stale {
        take(&mut incident, news);
    }
    Grouped::Changed { incident: Box::new(incident), member: Some(Box::new(member)), effect }
}

/// A plain sentence says that it is over: for everything that is known of it.
fn sentence(mut incident: Incident, news: &News<'_>, now: Timestamp) -> Grouped {
    if news.alert.status != AlertStatus::Resolved || incident.state.is_closed() {
        return Grouped::Nothing;
    }
    incident.state = IncidentState::Resolved;
    incident.resolved_at = Some(now);
    note(&mut incident, now, &news.alert.source, &format!("resolved: {}", news.alert.name));
    take(&mut incident, news);
    Grouped::Changed { incident: Box::new(incident), member: None, effect: Effect::Told }
}

/// It was over and fires again within the cooldown: the same incident, in the same thread.
fn returned(mut incident: Incident, mut member: Member, news: &News<'_>, rules: &Rules, now: Timestamp) -> Grouped {
    member.count += news.size;
    members::update(&mut incident, &mut member, news);
    // A person may have resolved it while it fired: then it never stopped.
    incident.firing = incident.firing.max(1);
    incident.alert_count += news.size;
    if incident.returns.len() >= RETURNS_MAX {
        incident.returns.remove(0);
    }
    incident.returns.push(now);
    let lately = incident.returns.iter().filter(|at| now.duration_since(**at) <= FLAPPING_WITHIN).count();
    incident.group.flapping = lately >= rules.flapping;
    incident.resolved_at = None;
    let mut effect = Effect::Returned;
    if let Some(silence) = news.silence {
        let before = if incident.report.is_some() { IncidentState::Reported } else { IncidentState::Open };
        hush(&mut incident, silence, before);
        effect = Effect::Told;
    } else if incident.group.flapping {
        // Whoever has acknowledged it need not do so at every turn.
        incident.state = match (&incident.acknowledged_at, &incident.report) {
            (Some(_), _) => IncidentState::Acknowledged,
            (None, Some(_)) => IncidentState::Reported,
            (None, None) => IncidentState::Open,
        };
        effect = Effect::Told;
    } else {
        incident.state = IncidentState::Investigating;
        incident.acknowledged_at = None;
    }
    let flapping = if incident.group.flapping { "; flapping" } else { "" };
    note(&mut incident, now, &news.alert.source, &format!("{} is back ({}){flapping}", named(news.alert), news.alert.status.as_str()));
    take(&mut incident, news);
    Grouped::Changed { incident: Box::new(incident), member: Some(Box::new(member)), effect }
}

fn hush(incident: &mut Incident, silence: &Silence, before: IncidentState) {
    incident.state = IncidentState::Silenced;
    incident.silenced = Some(Silenced { silence: silence.id.clone(), until: silence.until, by: silence.by.clone(), before });
}

/// The silence is over, or not about this: the incident is back where it was. One that nobody has looked at is looked at.
pub fn unsilence(incident: &mut Incident, now: Timestamp) -> Effect {
    let before = incident.silenced.take().map_or(IncidentState::Open, |silenced| silenced.before);
    if incident.thread.is_none()
        && let Origin::Slack { channel, ts } = &incident.alert.origin
    {
        incident.thread = Some(ThreadRef { channel: channel.clone(), ts: ts.clone() });
        members::told_by(incident, &incident.alert.clone());
    }
    note(incident, now, "sre-agent", "no longer silenced");
    if incident.investigation.is_none() {
        incident.state = IncidentState::Investigating;
        return Effect::Returned;
    }
    incident.state = if before.is_closed() { IncidentState::Open } else { before };
    Effect::Told
}

/// What every alert that is no old news leaves behind.
fn take(incident: &mut Incident, news: &News<'_>) {
    // The most urgent word wins: a repeat at a lower severity does not make the incident less urgent.
    if members::fires(news.alert.status) {
        incident.priority = incident.priority.min(news.alert.priority);
    }
    incident.latest = Some(news.alert.clone());
    incident.applied = incident.applied.max(Some(news.record));
    if news.silence.is_none() && news.storm.is_none() {
        members::told_by(incident, news.alert);
    }
}

fn opened(news: &News<'_>, keys: &[Key], now: Timestamp) -> (Incident, Member) {
    let alert = news.alert;
    let channel = keys::channel(alert, news.channel).to_owned();
    // What is silenced has no thread until it comes back.
    let thread = match &alert.origin {
        Origin::Slack { channel, ts } if news.silence.is_none() => Some(ThreadRef { channel: channel.clone(), ts: ts.clone() }),
        _ => None,
    };
    let mut incident = Incident {
        alert_count: news.size,
        thread,
        channel,
        team: news.team.to_owned(),
        keys: keys.iter().map(|key| key.stored.clone()).collect(),
        storm: news.storm.map(str::to_owned),
        group: Group { members: 1, ..Group::default() },
        applied: Some(news.record),
        ..Incident::opened(alert.clone(), now)
    };
    if let Some(silence) = news.silence {
        hush(&mut incident, silence, IncidentState::Open);
    } else {
        members::told_by(&mut incident, alert);
    }
    if news.storm.is_some_and(|storm| incident.keys.contains(&keys::others(storm))) {
        incident.title = "Other alerts of the storm".to_owned();
        // It stands for no alert in particular.
        incident.keys.retain(|key| key.starts_with("storm:") && key.ends_with("/others"));
    }
    note(&mut incident, now, &alert.source, &format!("{} ({})", alert.name, alert.status.as_str()));
    let member = members::fresh(&incident, news, "");
    (incident, member)
}

fn named(alert: &Alert) -> String {
    let of = [&alert.resource, &alert.service].into_iter().find(|word| !word.is_empty());
    of.map_or_else(|| alert.name.clone(), |of| format!("{} of {of}", alert.name))
}

fn apart(between: SignedDuration) -> String {
    match between.as_secs().unsigned_abs() {
        0..10 => "at the same time".to_owned(),
        seconds @ 10..120 => format!("{seconds} s apart"),
        seconds => format!("{} min apart", seconds / 60),
    }
}

/// Adds a line to the incident's timeline.
pub fn note(incident: &mut Incident, at: Timestamp, actor: &str, text: &str) {
    if incident.timeline.len() >= TIMELINE_MAX {
        // The beginning and the present tell the story; what goes is the middle.
        incident.timeline.remove(TIMELINE_MAX / 2);
    }
    incident.timeline.push(TimelineEntry { at, actor: actor.to_owned(), text: text.to_owned() });
}
