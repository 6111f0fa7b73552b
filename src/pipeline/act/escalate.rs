//! More people are called: a user group by a mention in the thread, others through the paging service.

use jiff::Timestamp;

use super::{Case, Decided};
use crate::{
    model::{Escalation, Incident, IncidentId},
    pipeline::{group::note, slots},
    report::answers,
    store::{NewWork, Told},
};

/// What stands for the paging service in acts and rights.
pub const PAGERDUTY: &str = "pagerduty";
/// How many calls an incident remembers; the oldest go first.
const ESCALATIONS_MAX: usize = 50;

/// Calls the group at once; the paging service is told in work of its own, which says how it went.
pub fn decide(case: Case<'_>, incident: Incident, to: &str, reason: &str) -> Decided {
    if incident.state.is_closed() {
        return Decided::nothing(answers::nothing(case.act, &incident, case.now));
    }
    if to == PAGERDUTY {
        if case.ctx.pager.is_none() {
            return Decided::refused(answers::no_pager());
        }
        let id: IncidentId = incident.id;
        let kind = case.tell(id, Told::Page { reason: reason.to_owned() });
        let mut decided = Decided::done(answers::paging(id), format!("to PagerDuty: {reason}"), Vec::new());
        decided.commit.enqueue.push(NewWork::now(kind, incident.priority));
        return decided;
    }
    let Some((name, _)) = case.ctx.settings.groups.iter().find(|(_, group)| group.as_str() == to) else {
        return Decided::refused(answers::no_such_group(to));
    };
    let changed = escalated(incident, (to, name), case.person.id, reason, case.now);
    let line = slots::line(&changed, &format!("escalation/{}", case.id()), answers::group_called(&changed, to, case.person.id, reason));
    let mut decided = Decided::done(answers::done(case.act, &changed), format!("to {name} ({to}): {reason}"), vec![changed]);
    decided.commit.slots.push(line);
    decided
}

/// The incident with one more call; `to` is whom, and how people call them.
pub fn escalated(mut incident: Incident, to: (&str, &str), by: &str, reason: &str, now: Timestamp) -> Incident {
    let (to, name) = to;
    let surplus = (incident.escalations.len() + 1).saturating_sub(ESCALATIONS_MAX);
    incident.escalations.drain(..surplus);
    incident.escalations.push(Escalation {
        at: now,
        by: by.to_owned(),
        to: to.to_owned(),
        name: name.to_owned(),
        reason: reason.to_owned(),
    });
    let words = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    note(&mut incident, now, by, &format!("called {name}{words}"));
    incident
}
