//! What an agent was asked to do through the API: done like all work, its result kept as a document.

use std::{sync::Arc, time::Instant};

use serde_json::{Value, json};

use super::Ctx;
use crate::{
    model::{AgentTask, AlertId, AuditEntry, Inbound, InvestigationId, Request, TaskAction},
    report,
    store::{Commit, DocumentKind, DocumentUpdate, NewWork, TaskResult, Work, WorkKind},
};

/// A record that brought a task becomes work of its own: it may take as long as an investigation.
pub async fn begin(ctx: &Ctx, work: &Work, record: AlertId, task: &AgentTask) -> anyhow::Result<()> {
    let kind = WorkKind::Task(record);
    let id = kind.id();
    ctx.store.commit(Commit { done: Some(work.clone()), enqueue: vec![NewWork::now(kind, task.priority)], ..Commit::default() }).await?;
    // When the queue is away the sweeper finds the work.
    let _ = ctx.investigations.push(&id, task.priority).await;
    Ok(())
}

/// Does the task.
pub async fn step(ctx: &Ctx, work: &Work, record: AlertId) -> anyhow::Result<()> {
    let found = ctx.store.load_record(record).await?;
    let Some(Inbound::Task { task }) = found.map(|record| record.inbound) else { anyhow::bail!("the task's record is gone") };
    let started = Instant::now();
    let outcome = match &task.action {
        TaskAction::Tools => Ok(json!({"tools": ctx.engine.tools_of(&task.agent)})),
        TaskAction::Investigate { request } => investigate(ctx, record, &task.agent, request).await?,
    };
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    keep(ctx, work, record, &task, outcome, milliseconds).await
}

/// The task failed again and again.
pub async fn put_aside(ctx: &Ctx, work: &Work, record: AlertId) -> anyhow::Result<()> {
    let found = ctx.store.load_record(record).await?;
    let Some(Inbound::Task { task }) = found.map(|record| record.inbound) else {
        ctx.store.commit(Commit { done: Some(work.clone()), ..Commit::default() }).await?;
        return Ok(());
    };
    keep(ctx, work, record, &task, Err("the task failed again and again; the log says why".to_owned()), 0).await
}

async fn investigate(ctx: &Ctx, record: AlertId, agent: &str, request: &Request) -> anyhow::Result<Result<Value, String>> {
    let id = InvestigationId(record.0);
    // Judging evidence is computing: on a thread of its own it holds up nobody, and the deadline can pass while it computes.
    let running = tokio::task::spawn_blocking({
        let (engine, runtime) = (Arc::clone(&ctx.engine), tokio::runtime::Handle::current());
        let (agent, request) = (agent.to_owned(), request.clone());
        move || runtime.block_on(engine.investigate_as(&agent, id, &request))
    });
    Ok(match tokio::time::timeout(ctx.settings.deadline, running).await {
        Ok(finished) => {
            let investigation = finished??;
            Ok(report::json(&investigation, &report::conclude(&investigation, Vec::new())))
        }
        Err(_) => Err(format!("the task took longer than {} s and was stopped", ctx.settings.deadline.as_secs())),
    })
}

async fn keep(
    ctx: &Ctx,
    work: &Work,
    record: AlertId,
    task: &AgentTask,
    outcome: Result<Value, String>,
    milliseconds: u64,
) -> anyhow::Result<()> {
    let at = ctx.clock.now();
    let (word, result, error) = match outcome {
        Ok(result) => ("done", result, None),
        Err(error) => ("failed", Value::Null, Some(error)),
    };
    let detail = error.clone().unwrap_or_default();
    let body = TaskResult { agent: task.agent.clone(), result, error, milliseconds, at };
    let document = DocumentUpdate { kind: DocumentKind::Task, key: record.to_string(), body: Some(serde_json::to_value(body)?) };
    let entry = AuditEntry {
        at,
        actor: task.user.clone(),
        act: "task".to_owned(),
        object: format!("agent {}", task.agent),
        outcome: word.to_owned(),
        detail,
    };
    ctx.store.commit(Commit { done: Some(work.clone()), documents: vec![document], audit: vec![entry], ..Commit::default() }).await?;
    Ok(())
}
