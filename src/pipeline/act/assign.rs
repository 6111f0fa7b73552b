//! An incident gets an owner, or has none any more.

use super::{Case, Decided, apply};
use crate::{model::Incident, pipeline::slots, report::answers};

/// Gives the incident to `to`, who is told in the thread; to somebody who left it is not given.
pub async fn decide(case: Case<'_>, incident: Incident, to: Option<&str>) -> Decided {
    if let Some(owner) = to.filter(|owner| *owner != case.person.id) {
        match case.ctx.slack.of(&incident.team).client.person(owner).await {
            Ok(known) if known.is_here => {}
            Ok(known) => return Decided::refused(answers::nobody_there(owner, known.is_app)),
            // The id came from Slack's own list; that it cannot be looked up now is no reason to leave nobody in charge.
            Err(error) => tracing::warn!(%error, owner, "Slack does not say who the new owner is"),
        }
    }
    let nothing = answers::nothing(case.act, &incident, case.now);
    let Some(changed) = apply(incident, case.act, case.person.id, case.now) else { return Decided::nothing(nothing) };
    let told = to
        .filter(|owner| *owner != case.person.id)
        .map(|owner| slots::line(&changed, &format!("assigned/{}", case.id()), answers::yours_now(&changed, owner, case.person.id)));
    let detail = to.map_or_else(|| "to nobody".to_owned(), |owner| format!("to {owner}"));
    let mut decided = Decided::done(answers::done(case.act, &changed), detail, vec![changed]);
    decided.commit.slots.extend(told);
    decided
}
