//! What a person wants of runbooks: to prepare one, or to decide about a run. Every refusal is said, and audited.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Stored, audit, load, save};
use crate::{
    auth::Scope,
    model::{AlertId, AuditEntry, Caller, Decision, IncidentId, Message, RawRecord, Reply, Run, RunId, RunState, RunWish, is_slack_user},
    pipeline::{Ctx, act::Person, replies, rights},
    report::answers,
    runbooks::{self, Facts, Refused, Terms},
    store::{Commit, StoreError, Work},
};

/// How often a decision is made anew when somebody else decided at the same moment.
const TRIES: usize = 8;

/// One wish, and who has it.
struct Wished<'a> {
    ctx: &'a Ctx,
    work: &'a Work,
    record: AlertId,
    by: &'a Caller,
    team: &'a str,
    reply: &'a Reply,
}

/// Does what is wished, and answers the person.
pub async fn step(ctx: &Ctx, work: &Work, wish: &RunWish, by: &Caller, record: &RawRecord, reply: &Reply) -> anyhow::Result<()> {
    let team = record.team.as_str();
    let wished = Wished { ctx, work, record: record.id, by, team, reply };
    let answer = match wish {
        RunWish::Request { runbook, parameters, incident } => request(&wished, runbook, parameters, *incident).await?,
        RunWish::Decide { run, approves, hash } => decide(&wished, *run, *approves, hash).await?,
    };
    if is_slack_user(&by.id) {
        replies::answer(ctx, &Person { id: &by.id, team, reply }, &answer).await;
    }
    Ok(())
}

impl Wished<'_> {
    /// Nothing changes but the audit log.
    async fn refuse(&self, act: &str, object: String, why: String) -> anyhow::Result<Message> {
        tracing::info!(who = %self.by.id, act, %object, "refused");
        let entry = AuditEntry {
            at: self.ctx.clock.now(),
            actor: self.by.id.clone(),
            act: act.to_owned(),
            object,
            outcome: "refused".to_owned(),
            detail: why.clone(),
        };
        self.ctx.store.commit(Commit { done: Some(self.work.clone()), audit: vec![entry], ..Commit::default() }).await?;
        Ok(answers::refused(&why))
    }
}

async fn request(
    wished: &Wished<'_>,
    name: &str,
    given: &BTreeMap<String, Value>,
    incident: Option<IncidentId>,
) -> anyhow::Result<Message> {
    const ACT: &str = "runbook_request";
    let ctx = wished.ctx;
    let object = incident.map_or_else(|| name.chars().take(60).collect(), |incident| incident.to_string());
    let catalog = &ctx.runbooks.catalog;
    let Some(runbook) = catalog.get(name) else {
        let near = catalog.nearest(name).map(|near| format!(": did you mean {near}?")).unwrap_or_default();
        return wished.refuse(ACT, object, format!("there is no such runbook{near}")).await;
    };
    let found = match incident {
        Some(id) => match ctx.store.incident(id).await? {
            Some(incident) => Some(incident),
            None => return wished.refuse(ACT, object, format!("{id} does not exist")).await,
        },
        None => None,
    };
    let facts = found.as_ref().map(|incident| Facts { incident });
    let values = match runbooks::values(runbook, given, facts.as_ref()) {
        Ok(values) => values,
        Err(errors) => return wished.refuse(ACT, object, said(&errors)).await,
    };
    let mut steps = match runbooks::steps(runbook, &values) {
        Ok(steps) => steps,
        Err(errors) => return wished.refuse(ACT, object, said(&errors)).await,
    };
    runbooks::place(&ctx.runbooks.systems, &mut steps);
    let mut clusters: Vec<String> = steps.iter().filter_map(|step| runbooks::clusters(&step.operation)).map(str::to_owned).collect();
    clusters.sort();
    clusters.dedup();
    let channel = found.as_ref().map_or_else(|| wished.reply.channel.clone(), |incident| incident.channel.clone());
    for cluster in places(&clusters) {
        let scope = Scope { channel: &channel, runbook: name, cluster };
        if let Err(denied) = rights::check(ctx, wished.team, wished.by, "runbook:request", &scope, &[&runbook.people.request]).await {
            return wished.refuse(ACT, object, denied.why).await;
        }
    }
    let now = ctx.clock.now();
    let (needed, own) = Terms::people(runbook.risk, runbook.people.approvals, wished.by);
    let run = Run {
        // The same wish again, after a crash, is the same run; whoever asked knows it by their record.
        id: RunId(wished.record.0),
        runbook: name.to_owned(),
        title: runbook.title.clone(),
        risk: runbook.risk,
        clusters,
        incident,
        channel,
        team: found.as_ref().map_or_else(|| wished.team.to_owned(), |incident| incident.team.clone()),
        parameters: values,
        steps,
        hash: String::new(),
        requested_by: wished.by.clone(),
        requested_at: now,
        reply: wished.reply.clone(),
        expires_at: now + ctx.runbooks.terms.expires,
        needed,
        own,
        decisions: Vec::new(),
        state: RunState::Planning,
        turn: 0,
        detail: String::new(),
        ended_at: None,
    };
    let answer = answers::preparing(&run);
    let commit = Commit {
        done: Some(wished.work.clone()),
        audit: vec![audit(&run, now, &wished.by.id, ACT, "done", parameters(&run))],
        ..Commit::default()
    };
    let stored = Stored { run: run.clone(), sequence: 0 };
    save(ctx, &stored, run, commit, Some(None)).await?;
    Ok(answer)
}

fn parameters(run: &Run) -> String {
    run.parameters.iter().map(|(name, value)| format!("{name}={}", crate::redact::text(&value.to_string()))).collect::<Vec<_>>().join(" ")
}

/// Where the right is needed: in every system that is touched, or nowhere in particular.
fn places(clusters: &[String]) -> Vec<&str> {
    if clusters.is_empty() { vec![""] } else { clusters.iter().map(String::as_str).collect() }
}

fn said(errors: &[runbooks::FillError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

async fn decide(wished: &Wished<'_>, id: RunId, approves: bool, shown: &str) -> anyhow::Result<Message> {
    let act = if approves { "runbook_approve" } else { "runbook_deny" };
    let ctx = wished.ctx;
    for _ in 0..TRIES {
        let Some(stored) = load(ctx, id).await? else {
            return wished.refuse(act, id.to_string(), "there is no such run, or it is so old that it is forgotten".to_owned()).await;
        };
        let run = stored.run.clone();
        let object = run.incident.map_or_else(|| id.to_string(), |incident| incident.to_string());
        // Who asked for it may always take it back.
        let takes_back = !approves && run.requested_by.id == wished.by.id;
        let permission = if !approves && run.is_under_way() { "run:cancel" } else { "approval:decide" };
        if !takes_back && let Err(denied) = may(ctx, wished.team, wished.by, &run, permission).await? {
            return wished.refuse(act, object, format!("run {id}: {denied}")).await;
        }
        let decision = Decision { by: wished.by.clone(), team: wished.team.to_owned(), approves, at: ctx.clock.now() };
        let decided = match runbooks::decide(run, decision, shown) {
            Ok(decided) => decided,
            Err(refused) => return refused_decision(wished, &stored, act, refused).await,
        };
        let detail = format!("hash {}, state {}", decided.hash, decided.state.as_str());
        let commit = Commit {
            done: Some(wished.work.clone()),
            audit: vec![audit(&decided, ctx.clock.now(), &wished.by.id, act, "done", detail)],
            ..Commit::default()
        };
        let answer = answers::decided(&decided, approves);
        // A run that is stopped has its next turn already.
        let next = (decided.state == RunState::Approved && approves).then_some(None);
        match save(ctx, &stored, decided, commit, next).await {
            Err(error) if matches!(error.downcast_ref(), Some(StoreError::Conflict)) => {}
            other => return other.map(|()| answer),
        }
    }
    anyhow::bail!("run {id} is written all the time by somebody else")
}

/// Says no to a decision that does not count.
async fn refused_decision(wished: &Wished<'_>, stored: &Stored, act: &str, refused: Refused) -> anyhow::Result<Message> {
    let run = &stored.run;
    let object = run.incident.map_or_else(|| run.id.to_string(), |incident| incident.to_string());
    let state = if refused == Refused::NotWaiting { format!(" (it is {})", run.state.as_str()) } else { String::new() };
    wished.refuse(act, object, format!("run {}: {refused}{state}", run.id)).await
}

/// Whether whoever asked for the run still may.
///
/// # Errors
/// When the store fails; the inner error is a sentence about what is missing.
pub async fn may_request(ctx: &Ctx, run: &Run) -> anyhow::Result<Result<(), String>> {
    if !rights::still_counts(ctx, &run.requested_by).await? {
        return Ok(Err("the token or key does not count any more".to_owned()));
    }
    let people = ctx.runbooks.catalog.get(&run.runbook).map(|runbook| runbook.people.request.as_slice());
    let Some(people) = people else { return Ok(Err("the runbook is not there any more".to_owned())) };
    for cluster in places(&run.clusters) {
        let scope = Scope { channel: &run.channel, runbook: &run.runbook, cluster };
        if let Err(denied) = rights::check(ctx, &run.team, &run.requested_by, "runbook:request", &scope, &[people]).await {
            return Ok(Err(denied.why));
        }
    }
    Ok(Ok(()))
}

/// Whether the caller may decide about the run: by permission in every place that it touches, by the runbook's own people and
/// by its risk.
///
/// # Errors
/// When the store fails; the inner error is a sentence about what is missing.
pub async fn may_decide(ctx: &Ctx, team: &str, by: &Caller, run: &Run) -> anyhow::Result<Result<(), String>> {
    may(ctx, team, by, run, "approval:decide").await
}

async fn may(ctx: &Ctx, team: &str, by: &Caller, run: &Run, permission: &str) -> anyhow::Result<Result<(), String>> {
    if !rights::still_counts(ctx, by).await? {
        return Ok(Err("the token or key does not count any more".to_owned()));
    }
    let people = ctx.runbooks.catalog.get(&run.runbook).map(|runbook| runbook.people.approve.as_slice());
    let Some(people) = people else { return Ok(Err("the runbook is not there any more".to_owned())) };
    let approvers: &[&[String]] = &[people, ctx.runbooks.terms.roles_for(run.risk)];
    // Whoever may stop a run need not be one of those who may begin it.
    let named = if permission == "run:cancel" { &[] } else { approvers };
    for cluster in places(&run.clusters) {
        let scope = Scope { channel: &run.channel, runbook: &run.runbook, cluster };
        if let Err(denied) = rights::check(ctx, team, by, permission, &scope, named).await {
            return Ok(Err(denied.why));
        }
    }
    Ok(Ok(()))
}
