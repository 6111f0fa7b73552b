//! Escalation chains: whom to call about an incident that nobody takes, and when. Pure: what was done is told, what is due is said.
//!
//! `after` counts from the moment the incident opened. A chain with `repeat` begins again: its first step comes `every` after
//! the last step of the round before. Within quiet hours only exempt priorities are called; a step that would fall into them
//! waits for their end, and the steps behind it keep their distance, so that nobody's boss is called in the same moment.

mod read;

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Hours, Wrong};
use crate::model::{Priority, glob};

/// How many nights are taken as one: two, and one to be sure.
const NIGHTS_MAX: usize = 4;

/// All chains, in the file's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chains(pub Vec<Chain>);

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub name: String,
    /// All where there is none.
    pub priorities: BTreeSet<Priority>,
    /// As alerts name them, `*` stands for any letters; all where there is none.
    pub services: Vec<String>,
    /// In the order of their time.
    pub steps: Vec<Step>,
    pub repeat: Option<Repeat>,
    /// The file's quiet hours.
    pub quiet: Option<Quiet>,
}

/// Some people, at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Since the incident opened.
    pub after: Duration,
    pub to: Vec<To>,
}

/// Who is called, by which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A Slack user group's id.
    SlackGroup(String),
    /// A Slack user's id.
    SlackUser(String),
    /// Who is on call, by the schedule's name.
    OnCall(String),
    /// An e-mail address.
    Email(String),
    PagerDuty,
    /// A webhook, by its name in the settings.
    Webhook(String),
}

/// The whole chain again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// From the last step of a round to the first of the next.
    pub every: Duration,
    /// How many rounds come after the first.
    pub times: u32,
}

/// When people are left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    pub hours: Hours,
    pub zone: TimeZone,
    /// Priorities that are called all the same.
    pub exempt: BTreeSet<Priority>,
}

/// Names that a chain may use.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub schedules: Vec<String>,
    pub webhooks: Vec<String>,
    /// Whether there is a PagerDuty service.
    pub pagerduty: bool,
    /// Whether e-mail can be sent.
    pub email: bool,
}

/// What a chain must know about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub opened_at: Timestamp,
    pub acknowledged: bool,
    pub resolved: bool,
    pub silenced: bool,
    pub priority: Priority,
    pub service: String,
}

/// A step of a round, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct StepRef {
    pub round: u32,
    pub step: usize,
}

/// A step that was done, as the caller stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Done {
    pub step: StepRef,
    pub at: Timestamp,
}

/// What is to be done now, and when to ask again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// In the order in which to do it.
    pub now: Vec<StepRef>,
    /// Later than now; `None` where nothing more comes unless the facts change.
    pub next: Option<Timestamp>,
}

impl Chains {
    /// A file that shows everything.
    pub const EXAMPLE: &str = include_str!("../../config/escalation.yaml");

    /// Reads a file; what it names must be known.
    ///
    /// # Errors
    /// Everything that is wrong, with the key.
    pub fn from_yaml(text: &str, known: &Known) -> Result<Self, Wrong> {
        read::chains(text, known)
    }

    /// The first chain that is meant for such an incident.
    pub fn of(&self, priority: Priority, service: &str) -> Option<&Chain> {
        self.0.iter().find(|chain| chain.is_for(priority, service))
    }
}

impl Chain {
    /// Whether it is meant for such an incident.
    pub fn is_for(&self, priority: Priority, service: &str) -> bool {
        (self.priorities.is_empty() || self.priorities.contains(&priority))
            && (self.services.is_empty() || self.services.iter().any(|pattern| glob::fits_any_case(pattern, service)))
    }

    /// The step itself; `None` for a step that the chain no longer has.
    pub fn step(&self, step: StepRef) -> Option<&Step> {
        self.steps.get(step.step).filter(|_| step.round <= self.repeat.map_or(0, |repeat| repeat.times))
    }
}

/// What is due of `chain` for an incident, when `done` was done before.
///
/// An incident that is acknowledged, resolved or silenced calls nobody, nor does one that the chain is not meant for. No step
/// of a round is due twice. Where several rounds of a step are overdue, as after the bot was down, only the newest is due: the
/// same person is called once, and an older round of a step that was done in a newer one is never made up for.
pub fn due(chain: &Chain, facts: &Facts, done: &[Done], now: Timestamp) -> Due {
    if facts.acknowledged || facts.resolved || facts.silenced || !chain.is_for(facts.priority, &facts.service) {
        return Due::default();
    }
    let past: Vec<Option<u32>> =
        (0..chain.steps.len()).map(|step| done.iter().filter(|done| done.step.step == step).map(|done| done.step.round).max()).collect();
    let is_past = |step: StepRef| past.get(step.step).copied().flatten().is_some_and(|round| round >= step.round);
    let mut newest: Vec<Option<StepRef>> = vec![None; chain.steps.len()];
    let mut next = None;
    for (step, at) in calendar(chain, facts) {
        if at > now {
            next = Some(at);
            break;
        }
        if let Some(place) = newest.get_mut(step.step).filter(|_| !is_past(step)) {
            *place = Some(step);
        }
    }
    Due { now: newest.into_iter().flatten().collect(), next }
}

/// When the step was or will be due, whatever was done before; `None` where the chain has no such step.
pub fn due_at(chain: &Chain, facts: &Facts, step: StepRef) -> Option<Timestamp> {
    calendar(chain, facts).find(|(place, _)| *place == step).map(|(_, at)| at)
}

/// Every step with its time, earliest first; ends where the calendar does.
fn calendar(chain: &Chain, facts: &Facts) -> impl Iterator<Item = (StepRef, Timestamp)> {
    let quiet = chain.quiet.as_ref().filter(|quiet| !quiet.exempt.contains(&facts.priority));
    let rounds = 0..=chain.repeat.map_or(0, |repeat| repeat.times);
    let order =
        rounds.flat_map(move |round| chain.steps.iter().enumerate().map(move |(place, step)| (StepRef { round, step: place }, step)));
    order.scan((facts.opened_at, Duration::ZERO), move |(at, before), (place, step)| {
        let wait = match chain.repeat {
            Some(repeat) if place.step == 0 && place.round > 0 => repeat.every,
            _ => step.after.saturating_sub(*before),
        };
        *before = step.after;
        *at = at.checked_add(SignedDuration::try_from(wait).ok()?).ok()?;
        *at = quiet.map_or(*at, |quiet| quiet.end(*at));
        Some((place, *at))
    })
}

impl Quiet {
    /// `at`, or the end of the quiet hours that it is in.
    fn end(&self, at: Timestamp) -> Timestamp {
        let end = |at: &Timestamp| self.hours.around(*at, &self.zone, |_| true).map(|(_, end)| end);
        // Where the clock skips the time between two nights, the second follows at once.
        std::iter::successors(Some(at), end).take(NIGHTS_MAX).last().unwrap_or(at)
    }
}
