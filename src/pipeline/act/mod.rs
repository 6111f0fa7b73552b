//! What people do with an incident, one durable step for each act: the right to it, its effect, the timeline, the audit log;
//! then a sentence to the person.

mod apply;
mod assign;
mod escalate;
pub mod silence;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::{Ctx, group::investigation_id, replies, rights, slots};
use crate::{
    model::{Act, AuditEntry, Incident, IncidentId, Message, Reply},
    report::answers,
    store::{Commit, NewWork, Occasion, Tell, Told, Work, WorkKind},
};

pub use apply::apply;
pub use escalate::{PAGERDUTY, escalated};

/// Who acts, and where they are answered.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// A Slack user id.
    pub id: &'a str,
    /// Their workspace.
    pub team: &'a str,
    pub reply: &'a Reply,
}

/// One act, as its file sees it.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    ctx: &'a Ctx,
    work: &'a Work,
    act: &'a Act,
    person: &'a Person<'a>,
    now: Timestamp,
}

impl Case<'_> {
    /// What no other act has: the record that brought it.
    fn id(&self) -> &str {
        self.work.id.rsplit('/').next().unwrap_or(&self.work.id)
    }

    fn tell(&self, incident: IncidentId, what: Told) -> WorkKind {
        WorkKind::Tell(Tell {
            act: self.id().to_owned(),
            incident,
            user: self.person.id.to_owned(),
            team: self.person.team.to_owned(),
            reply: self.person.reply.clone(),
            what,
        })
    }
}

/// What an act comes to.
pub struct Decided {
    outcome: &'static str,
    /// For the audit log.
    detail: String,
    answer: Message,
    commit: Commit,
}

impl Decided {
    /// It changes this; the incidents' cards follow.
    fn done(answer: Message, detail: impl Into<String>, incidents: Vec<Incident>) -> Self {
        let slots = incidents.iter().flat_map(slots::standing).collect();
        Self { outcome: "done", detail: detail.into(), answer, commit: Commit { incidents, slots, ..Commit::default() } }
    }

    /// It is so already, or cannot be: nothing changes.
    fn nothing(answer: Message) -> Self {
        Self { outcome: "nothing to do", detail: answer.text.clone(), answer, commit: Commit::default() }
    }

    /// The person may not, or asks for something that there is not.
    fn refused(answer: Message) -> Self {
        Self { outcome: "refused", ..Self::nothing(answer) }
    }
}

/// Does `act` on the incident and answers the person.
pub async fn step(ctx: &Ctx, work: &Work, act: &Act, id: IncidentId, person: &Person<'_>) -> anyhow::Result<()> {
    let case = Case { ctx, work, act, person, now: ctx.clock.now() };
    let Decided { outcome, detail, answer, mut commit } = decide(case, id).await?;
    tracing::info!(incident = %id, user = person.id, act = act.name(), outcome, "a person acted");
    commit.done = Some(work.clone());
    commit.audit.push(AuditEntry {
        at: case.now,
        actor: person.id.to_owned(),
        act: act.name().to_owned(),
        object: id.to_string(),
        outcome: outcome.to_owned(),
        detail,
    });
    let wake: Vec<_> = commit.enqueue.iter().map(|work| (work.kind.id(), work.priority)).collect();
    ctx.store.commit(commit).await?;
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.investigations.push(&id, priority).await;
    }
    // The card shows what was done; that it does not wait for the answer.
    ctx.outbox.notify_one();
    replies::answer(ctx, person, &answer).await;
    Ok(())
}

async fn decide(case: Case<'_>, id: IncidentId) -> anyhow::Result<Decided> {
    let Case { ctx, act, person, now, .. } = case;
    let Some(incident) = ctx.store.incident(id).await? else { return Ok(Decided::nothing(answers::missing(id))) };
    match rights::of(ctx, act, &incident, person).await {
        rights::Right::Granted => {}
        rights::Right::Refused(who) => return Ok(Decided::refused(answers::not_allowed(act, id, &who))),
        rights::Right::Denied(denied) => return Ok(Decided::refused(answers::refused(&denied.why))),
        rights::Right::Unknown(who) => return Ok(Decided::refused(answers::rights_unknown(act, id, &who))),
    }
    // Its time may be over before the timer has come round.
    let incident = match &incident.silenced {
        Some(silenced) if silenced.until <= now => silence::unsilenced(incident, now),
        _ => incident,
    };
    match act {
        Act::Reopen => {
            if let Some(other) = newer_open(ctx, &incident).await? {
                // A second open incident of one fingerprint cannot be: the problem is back already, under another number.
                return Ok(Decided::nothing(answers::newer_is_open(id, other)));
            }
            Ok(plain(case, incident))
        }
        Act::Rerun => Ok(looked_at_again(case, incident, Occasion::Rerun { user: person.id.to_owned() })),
        Act::Replay => Ok(looked_at_again(case, incident, Occasion::Replay { user: person.id.to_owned() })),
        Act::Assign { to } => Ok(assign::decide(case, incident, to.as_deref()).await),
        Act::Silence { seconds, reason, matchers } => silence::begin(case, incident, *seconds, reason, matchers).await,
        Act::Unsilence => silence::end(case, incident).await,
        Act::Escalate { to, reason } => Ok(escalate::decide(case, incident, to, reason)),
        Act::Acknowledge | Act::Unacknowledge | Act::Resolve | Act::Feedback { .. } => Ok(plain(case, incident)),
    }
}

/// An act whose whole effect is on the incident.
fn plain(case: Case<'_>, incident: Incident) -> Decided {
    let nothing = answers::nothing(case.act, &incident, case.now);
    match apply(incident, case.act, case.person.id, case.now) {
        Some(changed) => Decided::done(answers::done(case.act, &changed), detail(case.act), vec![changed]),
        None => Decided::nothing(nothing),
    }
}

fn looked_at_again(case: Case<'_>, incident: Incident, occasion: Occasion) -> Decided {
    let mut decided = plain(case, incident);
    for incident in &mut decided.commit.incidents {
        let investigation = investigation_id(&case.work.id, case.now);
        if !matches!(occasion, Occasion::Replay { .. }) {
            incident.investigation = Some(investigation);
        }
        decided.commit.enqueue.push(NewWork {
            kind: WorkKind::Investigate { incident: incident.id, investigation, occasion: occasion.clone() },
            priority: incident.priority,
            not_before: None,
        });
    }
    decided
}

/// What the audit log keeps beside the act's name.
fn detail(act: &Act) -> String {
    match act {
        Act::Feedback { verdict, note, .. } if note.is_empty() => verdict.as_str().to_owned(),
        Act::Feedback { verdict, note, .. } => format!("{}: {note}", verdict.as_str()),
        _ => String::new(),
    }
}

async fn newer_open(ctx: &Ctx, incident: &Incident) -> anyhow::Result<Option<IncidentId>> {
    let found = ctx.store.incident_of(&incident.fingerprint).await?;
    Ok(found.filter(|other| other.id != incident.id && !other.state.is_closed()).map(|other| other.id))
}
