//! One turn of a run: the dry run, the doing of one step, a look at whether it worked, the taking back of one step. Each turn
//! is one durable step; a process that ends in the middle of one is followed by another that looks what had been done.

use jiff::{SignedDuration, Timestamp};

use super::{Stored, audit, load, save, wish};
use crate::{
    model::{Run, RunId, RunState, StepState},
    pipeline::Ctx,
    runbooks::{self, Approved, Doing, Failure},
    store::{Commit, Work},
};

/// After so many failed tries of a call that may work later, it counts as failed.
const TRIES: u32 = 4;
/// How long it takes until a step is looked at again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(2);

/// Takes the turn, where it is the run's next one.
pub async fn step(ctx: &Ctx, work: &Work, id: RunId, turn: u32) -> anyhow::Result<()> {
    let stored = load(ctx, id).await?;
    let Some(stored) = stored.filter(|stored| stored.run.turn == turn && !stored.run.state.is_over()) else {
        ctx.store.commit(Commit { done: Some(work.clone()), ..Commit::default() }).await?;
        return Ok(());
    };
    let now = ctx.clock.now();
    let commit = Commit { done: Some(work.clone()), ..Commit::default() };
    let turning = Turning { ctx, work, stored: &stored, now };
    match stored.run.state {
        RunState::Planning => turning.plan(commit).await,
        RunState::Approved => turning.begin(commit).await,
        RunState::Running => turning.go_on(commit).await,
        RunState::Undoing => turning.take_back(commit).await,
        // Only people bring these further.
        _ => Ok(ctx.store.commit(commit).await.map(drop)?),
    }
}

struct Turning<'a> {
    ctx: &'a Ctx,
    work: &'a Work,
    stored: &'a Stored,
    now: Timestamp,
}

impl Turning<'_> {
    fn run(&self) -> Run {
        self.stored.run.clone()
    }

    /// Whether a failed call is worth another try of this very turn.
    fn tries_again(&self, failure: &Failure) -> bool {
        failure.is_passing() && self.work.failures + 1 < TRIES
    }

    async fn plan(&self, mut commit: Commit) -> anyhow::Result<()> {
        let mut run = self.run();
        for at in 0..run.steps.len() {
            let Some(step) = run.steps.get(at) else { break };
            match runbooks::preview(&self.ctx.runbooks.systems, &run, at, step).await {
                Ok((preview, checks)) => {
                    if let Some(step) = run.steps.get_mut(at) {
                        if step.checks.is_empty() {
                            step.checks = checks;
                        }
                        step.preview = preview;
                    }
                }
                Err(failure) if self.tries_again(&failure) => anyhow::bail!("{failure}"),
                Err(failure) => {
                    run.detail = format!("the dry run of “{}” says no: {failure}", step.name);
                    return self.end(run, RunState::Failed, "runbook_dry_run", "failed", commit).await;
                }
            }
        }
        run.state = RunState::Waiting;
        run.expires_at = self.now + self.ctx.runbooks.terms.expires;
        run.hash = runbooks::hash(&run);
        commit.audit.push(audit(&run, self.now, "sre-agent", "runbook_dry_run", "done", format!("hash {}", run.hash)));
        save(self.ctx, self.stored, run, commit, None).await
    }

    /// The run is over.
    async fn end(&self, mut run: Run, state: RunState, act: &str, outcome: &str, mut commit: Commit) -> anyhow::Result<()> {
        run.state = state;
        run.ended_at = Some(self.now);
        for step in run.steps.iter_mut().filter(|step| step.state == StepState::Waiting) {
            step.state = StepState::Skipped;
        }
        commit.audit.push(audit(&run, self.now, "sre-agent", act, outcome, &run.detail));
        save(self.ctx, self.stored, run, commit, None).await
    }

    /// Everything is looked at once more before the first step: the hash, the time, the people and their rights.
    async fn begin(&self, mut commit: Commit) -> anyhow::Result<()> {
        let mut run = self.run();
        if let Some(by) = run.refuser().map(|no| no.by.id.clone()) {
            run.detail = format!("{by} stopped it before anything was done");
            return self.end(run, RunState::Stopped, "runbook_run", "stopped", commit).await;
        }
        if let Err(why) = Approved::of(&run, self.now) {
            run.detail = why;
            return self.end(run, RunState::Void, "runbook_run", "refused", commit).await;
        }
        if let Err(why) = wish::may_request(self.ctx, &run).await? {
            run.detail = format!("{} asked for it and may not any more: {why}", run.requested_by.id);
            return self.end(run, RunState::Void, "runbook_run", "refused", commit).await;
        }
        for decision in self.stored.run.approvers() {
            if let Err(why) = wish::may_decide(self.ctx, &decision.team, &decision.by, &run).await? {
                run.detail = format!("{} approved it and may not any more: {why}", decision.by.id);
                return self.end(run, RunState::Void, "runbook_run", "refused", commit).await;
            }
        }
        run.state = RunState::Running;
        self.begin_step(&mut run, 0, &mut commit);
        save(self.ctx, self.stored, run, commit, Some(None)).await
    }

    /// Says in the audit log what is about to be done. Nothing is done before that line is durable.
    fn begin_step(&self, run: &mut Run, at: usize, commit: &mut Commit) {
        let mut name = String::new();
        if let Some(step) = run.steps.get_mut(at) {
            step.state = StepState::Begun;
            step.begun_at = Some(self.now);
            name.clone_from(&step.name);
        }
        let approvers: Vec<&str> = run.approvers().map(|decision| decision.by.id.as_str()).collect();
        let detail = format!("step {}: {name}; approved by {}; hash {}", at + 1, approvers.join(", "), run.hash);
        commit.audit.push(audit(run, self.now, "sre-agent", "runbook_step", "begun", detail));
    }

    async fn go_on(&self, commit: Commit) -> anyhow::Result<()> {
        let run = self.run();
        let current = run.steps.iter().position(|step| matches!(step.state, StepState::Begun | StepState::Verifying));
        match current {
            Some(at) if run.steps.get(at).is_some_and(|step| step.state == StepState::Begun) => self.apply(run, at, commit).await,
            Some(at) => self.verify(run, at, commit).await,
            None => self.end(run, RunState::Done, "runbook_run", "done", commit).await,
        }
    }

    async fn apply(&self, mut run: Run, at: usize, mut commit: Commit) -> anyhow::Result<()> {
        let proof = match Approved::of(&run, self.now) {
            Ok(proof) => proof,
            Err(why) => {
                run.detail = why;
                return self.end(run, RunState::Void, "runbook_step", "refused", commit).await;
            }
        };
        let Some(step) = run.steps.get(at) else { return Ok(()) };
        let doing = Doing { run: run.id, at, step, again: self.work.attempts > 1 };
        match runbooks::apply(&self.ctx.runbooks.systems, &proof, doing).await {
            Ok(says) => {
                commit.audit.push(audit(
                    &run,
                    self.now,
                    "sre-agent",
                    "runbook_step",
                    "applied",
                    format!("step {}: {} {says}", at + 1, step.name),
                ));
                if let Some(step) = run.steps.get_mut(at) {
                    step.applied_at = Some(self.now);
                    step.outcome = says;
                    step.state = StepState::Verifying;
                }
                save(self.ctx, self.stored, run, commit, Some(None)).await
            }
            Err(failure) if self.tries_again(&failure) => anyhow::bail!("{failure}"),
            // Nothing was done yet, and it is not what people saw: they are asked again.
            Err(Failure::Changed(why)) if at == 0 => {
                run.detail = format!("it is not what was approved: {why}. Ask for it again to see what it would do now");
                if let Some(step) = run.steps.get_mut(at) {
                    step.state = StepState::Skipped;
                }
                self.end(run, RunState::Void, "runbook_step", "refused", commit).await
            }
            Err(failure) => self.failed(run, at, failure.to_string(), commit).await,
        }
    }

    /// Looks whether the step has worked.
    async fn verify(&self, mut run: Run, at: usize, mut commit: Commit) -> anyhow::Result<()> {
        let Some(step) = run.steps.get(at) else { return Ok(()) };
        let begun = step.applied_at.unwrap_or(self.now);
        let deadline = begun + SignedDuration::from_secs(i64::from(step.within_seconds));
        let (mut says, mut holds, mut hopeless, mut stable) = (Vec::new(), true, false, 0u32);
        for check in &step.checks {
            if let crate::model::Check::Ready { stable_seconds, .. } = check {
                stable = stable.max(*stable_seconds);
            }
            match runbooks::check(&self.ctx.runbooks.systems, check, step.applied_at).await {
                Ok(seen) => {
                    holds &= seen.holds;
                    hopeless |= seen.hopeless;
                    says.push(seen.says);
                }
                // What cannot be looked at is not seen to be well.
                Err(failure) => {
                    holds = false;
                    says.push(failure.to_string());
                }
            }
        }
        let says = says.join("; ");
        let since = step.holds_since.filter(|_| holds).unwrap_or(self.now);
        let long_enough = holds && self.now.duration_since(since) >= SignedDuration::from_secs(i64::from(stable));
        let name = step.name.clone();
        if let Some(step) = run.steps.get_mut(at) {
            step.holds_since = holds.then_some(since);
            if !says.is_empty() {
                step.outcome.clone_from(&says);
            }
        }
        if long_enough {
            if let Some(step) = run.steps.get_mut(at) {
                step.state = StepState::Done;
                step.ended_at = Some(self.now);
            }
            commit.audit.push(audit(&run, self.now, "sre-agent", "runbook_step", "verified", format!("step {}: {name}: {says}", at + 1)));
            if at + 1 < run.steps.len() {
                if let Some(by) = run.refuser().map(|no| no.by.id.clone()) {
                    run.detail = format!("{by} stopped it after “{name}”, which was done; the rest was not");
                    return self.end(run, RunState::Stopped, "runbook_run", "stopped", commit).await;
                }
                self.begin_step(&mut run, at + 1, &mut commit);
                return save(self.ctx, self.stored, run, commit, Some(None)).await;
            }
            run.detail = says;
            return self.end(run, RunState::Done, "runbook_run", "done", commit).await;
        }
        if hopeless || self.now >= deadline && !holds {
            return self.failed(run, at, format!("it did not work: {says}"), commit).await;
        }
        save(self.ctx, self.stored, run, commit, Some(Some(self.now + LOOK_AGAIN))).await
    }

    /// A step did not work: what can be taken back is, from the last to the first.
    async fn failed(&self, mut run: Run, at: usize, why: String, mut commit: Commit) -> anyhow::Result<()> {
        let name = run.steps.get(at).map(|step| step.name.clone()).unwrap_or_default();
        if let Some(step) = run.steps.get_mut(at) {
            step.state = StepState::Failed;
            step.ended_at = Some(self.now);
            step.outcome.clone_from(&why);
        }
        run.detail = format!("“{name}”: {why}");
        commit.audit.push(audit(&run, self.now, "sre-agent", "runbook_step", "failed", format!("step {}: {}", at + 1, run.detail)));
        if next_to_take_back(&run).is_none() {
            return self.end(run, RunState::Failed, "runbook_run", "failed", commit).await;
        }
        run.state = RunState::Undoing;
        save(self.ctx, self.stored, run, commit, Some(None)).await
    }

    async fn take_back(&self, mut commit: Commit) -> anyhow::Result<()> {
        let mut run = self.run();
        let proof = match Approved::of(&run, self.now) {
            Ok(proof) => proof,
            Err(why) => {
                run.detail = format!("{}; it was not taken back: {why}", run.detail);
                return self.end(run, RunState::Failed, "runbook_undo", "refused", commit).await;
            }
        };
        let Some(at) = next_to_take_back(&run) else {
            return self.end(run, RunState::Undone, "runbook_run", "undone", commit).await;
        };
        let Some(step) = run.steps.get(at) else { return Ok(()) };
        let doing = Doing { run: run.id, at, step, again: self.work.attempts > 1 };
        match runbooks::undo(&self.ctx.runbooks.systems, &proof, doing).await {
            Ok(says) => {
                commit.audit.push(audit(&run, self.now, "sre-agent", "runbook_undo", "done", format!("step {}: {says}", at + 1)));
                run.detail = format!("{}; taken back: {says}", run.detail);
                if let Some(step) = run.steps.get_mut(at) {
                    step.state = StepState::Undone;
                    step.outcome = says;
                }
                save(self.ctx, self.stored, run, commit, Some(None)).await
            }
            Err(failure) if self.tries_again(&failure) => anyhow::bail!("{failure}"),
            Err(failure) => {
                run.detail = format!("{}; not taken back: {failure}", run.detail);
                self.end(run, RunState::Failed, "runbook_undo", "failed", commit).await
            }
        }
    }
}

/// The last step that changed something and is to be taken back.
fn next_to_take_back(run: &Run) -> Option<usize> {
    run.steps.iter().rposition(|step| {
        step.rollback && step.applied_at.is_some() && matches!(step.state, StepState::Done | StepState::Failed | StepState::Verifying)
    })
}
