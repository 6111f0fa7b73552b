//! While an investigation runs: what its agents do becomes a plan in the thread, in the place of the report that follows.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Ctx, slots};
use crate::{
    agents::Progress,
    model::{Incident, InvestigationId, Routing},
    report::{self, Looker, Looking},
    store::Commit,
};

/// An investigation that ends before this is shown as its report alone: a plan that flashes by tells nobody anything.
const QUIET: Duration = Duration::from_millis(800);
/// The least distance between two wordings of one plan. Source: Slack's advice for progress by `chat.update`, 3 s.
const EDIT_EVERY: Duration = Duration::from_secs(3);
/// How many agents a plan shows; the built-in ones are four.
const AGENTS_MAX: usize = 20;

/// What the agents do at the moment. Noting a step costs a lock and no I/O.
pub struct Board {
    state: Mutex<(Looking, u64)>,
}

impl Board {
    /// The board before anything has begun.
    pub fn new(incident: &Incident, routing: &Routing) -> Self {
        let subject = if incident.service.is_empty() { &incident.alert.name } else { &incident.service };
        let agents = routing.agents.iter().take(AGENTS_MAX).map(|name| Looker { name: name.clone(), ..Looker::default() }).collect();
        let reason = routing.reasons.first().cloned().unwrap_or_default();
        Self { state: Mutex::new((Looking { subject: subject.clone(), reason, agents }, 0)) }
    }

    /// Takes one step down.
    pub fn note(&self, step: Progress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += 1;
        let agents = &mut state.0.agents;
        match step {
            Progress::Asking { agent, tools } => {
                let looker = find(agents, &agent);
                if let Some(looker) = looker {
                    looker.asked = true;
                    looker.waits = tools;
                }
            }
            Progress::Answered { tool, error } => {
                for looker in agents.iter_mut().filter(|looker| looker.waits.contains(&tool)) {
                    looker.waits.retain(|waits| *waits != tool);
                    if let Some(error) = &error {
                        looker.failed.push((tool.clone(), error.clone()));
                    }
                }
            }
            Progress::Judged { agent, findings, first } => {
                if let Some(looker) = find(agents, &agent) {
                    looker.judged = Some((findings, first));
                }
            }
        }
    }

    /// What is to be seen now, and how many steps it is made of.
    fn look(&self) -> (Looking, u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The agent's line; an agent that joins later gets one.
fn find<'a>(agents: &'a mut Vec<Looker>, name: &str) -> Option<&'a mut Looker> {
    if agents.iter().all(|looker| looker.name != name) && agents.len() < AGENTS_MAX {
        agents.push(Looker { name: name.to_owned(), ..Looker::default() });
    }
    agents.iter_mut().find(|looker| looker.name == name)
}

/// Waits for `finished` and shows the board meanwhile, for the person `user` or for nobody in particular.
pub async fn shown_until<T>(
    ctx: &Ctx,
    incident: &Incident,
    id: InvestigationId,
    board: &Board,
    user: &str,
    finished: impl Future<Output = T>,
) -> T {
    tokio::pin!(finished);
    let mut wait = QUIET;
    let mut shown = 0;
    loop {
        tokio::select! {
            biased;
            ended = &mut finished => return ended,
            () = tokio::time::sleep(wait) => {}
        }
        wait = EDIT_EVERY;
        let (looking, steps) = board.look();
        // An incident that a storm's summary shows has no messages of its own.
        if steps == shown || incident.storm.is_some() {
            continue;
        }
        if let Err(error) = show(ctx, incident, id, &looking, user).await {
            // It is only the waiting that is less pleasant.
            tracing::warn!(incident = %incident.id, %error, "the progress could not be shown");
            continue;
        }
        shown = steps;
    }
}

async fn show(ctx: &Ctx, incident: &Incident, id: InvestigationId, looking: &Looking, user: &str) -> Result<(), crate::store::StoreError> {
    // Whoever took this work over may have finished it: a report is never replaced by a plan.
    if ctx.store.investigation(id).await?.is_some() {
        return Ok(());
    }
    let Some(slot) = slots::progress(incident, id, report::progress(incident.id, looking), user) else { return Ok(()) };
    ctx.store.commit(Commit { slots: vec![slot], ..Commit::default() }).await?;
    ctx.outbox.notify_one();
    Ok(())
}
