//! Other systems are told what was decided here: silences where alerts come from, pages. Each is asked again when its answer
//! is lost, and never does the same thing twice; when it cannot be told, the thread and the person hear so.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Ctx, act, act::Person, group::note, replies, slots};
use crate::{
    model::{AuditEntry, Incident, Message, Silence, is_slack_user},
    notify::{Kind, Notice, NotifyError, Page, at_sender},
    report::answers,
    store::{Commit, DocumentKind, Tell, Told, Work},
};

/// After so many failed tries people are told that it did not work: three tries take some ten seconds.
const TRIES: u32 = 3;

/// How it went, beside what the store is to keep.
enum Went {
    Well(Message),
    /// Nothing had to be said.
    Silently,
    Badly(String),
}

/// Tells one system one thing.
pub async fn step(ctx: &Ctx, work: &Work, tell: &Tell) -> anyhow::Result<()> {
    // Read before the call: whoever changes the incident meanwhile makes the commit fail, and the step looks again.
    let Some(incident) = ctx.store.incident(tell.incident).await? else {
        ctx.store.commit(Commit { done: Some(work.clone()), ..Commit::default() }).await?;
        return Ok(());
    };
    let now = ctx.clock.now();
    let mut commit = Commit { done: Some(work.clone()), ..Commit::default() };
    let (system, outcome) = match &tell.what {
        Told::Silence { silence } => silence_there(ctx, incident.clone(), silence, now, &mut commit).await?,
        Told::Unsilence { silence } => end_there(ctx, incident.clone(), silence, now, &mut commit).await?,
        Told::Page { reason } => page(ctx, incident.clone(), tell, reason, now, &mut commit).await,
        Told::Notice { way, to, reason } => notice(ctx, &incident, tell, (way, to), reason, now, &mut commit).await,
    };
    let went = match outcome {
        Ok(went) => went,
        Err(NotifyError::Later(reason)) if work.failures + 1 < TRIES => anyhow::bail!("{system}: {reason}"),
        Err(NotifyError::Later(reason) | NotifyError::Never(reason)) => Went::Badly(reason),
    };
    let answer = match went {
        Went::Well(answer) => Some(answer),
        Went::Silently => None,
        Went::Badly(reason) => {
            tracing::warn!(incident = %tell.incident, system, reason, "another system was not told");
            let message = answers::not_told(act_of(tell), system, &reason, tell.incident);
            commit.audit.push(audit(tell, now, "failed", &format!("{system}: {reason}")));
            let mut incident = incident;
            note(&mut incident, now, "sre-agent", &message.text);
            commit.slots.push(slots::line(&incident, &format!("untold/{}/{}", act_of(tell), tell.act), message.clone()));
            commit.incidents = vec![incident];
            Some(message)
        }
    };
    ctx.store.commit(commit).await?;
    ctx.outbox.notify_one();
    if let Some(answer) = answer {
        replies::answer(ctx, &Person { id: &tell.user, team: &tell.team, reply: &tell.reply }, &answer).await;
    }
    Ok(())
}

type Outcome = (&'static str, Result<Went, NotifyError>);

async fn silence_there(ctx: &Ctx, mut incident: Incident, id: &str, now: Timestamp, commit: &mut Commit) -> anyhow::Result<Outcome> {
    let source = incident.alert.source.clone();
    let system = answers::system(&source);
    let Some(mut silence) = load(ctx, id).await? else { return Ok((system, Ok(Went::Silently))) };
    if !silence.is_active(now) {
        // It ended while we were about to say that it began; an earlier try may have come through.
        let ended = match ctx.silencer.find(&source, &silence).await {
            Ok(Some(there)) => ctx.silencer.end(&there).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        return Ok((system, ended.map(|()| Went::Silently)));
    }
    let Some(matchers) = at_sender(&silence.matchers, &incident.alert) else {
        let reason = "the alert does not show the labels that the silence would need there".to_owned();
        return Ok((system, Err(NotifyError::Never(reason))));
    };
    Ok(match ctx.silencer.set(&source, &silence, &matchers).await {
        Ok(pushed) => {
            note(&mut incident, now, "sre-agent", &format!("silenced in {system} too"));
            if !silence.pushed.contains(&pushed) {
                silence.pushed.push(pushed);
            }
            let answer = answers::silenced_there(system, &silence);
            commit.documents.push(act::silence::document(&silence)?);
            commit.slots = slots::standing(&incident);
            commit.incidents = vec![incident];
            (system, Ok(Went::Well(answer)))
        }
        Err(error) => (system, Err(error)),
    })
}

async fn end_there(ctx: &Ctx, mut incident: Incident, id: &str, now: Timestamp, commit: &mut Commit) -> anyhow::Result<Outcome> {
    let system = answers::system(&incident.alert.source);
    let Some(silence) = load(ctx, id).await? else { return Ok((system, Ok(Went::Silently))) };
    if silence.pushed.is_empty() {
        return Ok((system, Ok(Went::Silently)));
    }
    for pushed in &silence.pushed {
        if let Err(error) = ctx.silencer.end(pushed).await {
            return Ok((answers::system(&pushed.system), Err(error)));
        }
    }
    note(&mut incident, now, "sre-agent", &format!("the silence in {system} is ended too"));
    let answer = answers::unsilenced_there(system, incident.id);
    commit.incidents = vec![incident];
    Ok((system, Ok(Went::Well(answer))))
}

async fn page(ctx: &Ctx, incident: Incident, tell: &Tell, reason: &str, now: Timestamp, commit: &mut Commit) -> Outcome {
    const SYSTEM: &str = "PagerDuty";
    let Some(pager) = &ctx.pager else { return (SYSTEM, Err(NotifyError::Never("it is not configured any more".to_owned()))) };
    if let Err(error) = pager.page(&the_page(ctx, &incident, &tell.user, reason)).await {
        return (SYSTEM, Err(error));
    }
    let incident = act::escalated(incident, (act::PAGERDUTY, SYSTEM), &tell.user, reason, now);
    commit.audit.push(audit(tell, now, "done", "PagerDuty took the call"));
    commit.slots = slots::standing(&incident);
    commit.slots.push(slots::line(&incident, &format!("escalation/{}", tell.act), answers::paged(&incident, &tell.user, reason)));
    let answer = answers::paged_answer(incident.id);
    commit.incidents = vec![incident];
    (SYSTEM, Ok(Went::Well(answer)))
}

/// An e-mail or a webhook of the chain.
async fn notice(
    ctx: &Ctx,
    incident: &Incident,
    tell: &Tell,
    (way, to): (&str, &[String]),
    reason: &str,
    now: Timestamp,
    commit: &mut Commit,
) -> Outcome {
    let system = if way == "email" { "e-mail" } else { "the webhook" };
    let Some(notifier) = ctx.calling.ways.get(way) else {
        return (system, Err(NotifyError::Never(format!("{way} is not configured any more"))));
    };
    let page = the_page(ctx, incident, &tell.user, reason);
    let told = Notice {
        key: format!("sre-agent/{}/{}", incident.id, tell.act),
        kind: Kind::Escalated,
        priority: incident.priority,
        incident: incident.id.to_string(),
        headline: page.summary,
        lines: page.details.iter().map(|(name, value)| format!("{name}: {value}")).collect(),
        links: page.links,
        to: to.to_vec(),
    };
    if let Err(error) = notifier.notify(&told).await {
        return (system, Err(error));
    }
    commit.audit.push(audit(tell, now, "done", &format!("{way} {}", to.join(", "))));
    (system, Ok(Went::Silently))
}

fn the_page(ctx: &Ctx, incident: &Incident, user: &str, reason: &str) -> Page {
    let workspace = ctx.slack.of(&incident.team);
    let thread = incident.thread.as_ref().and_then(|thread| workspace.identity.get()?.permalink(&thread.channel, &thread.ts));
    let headline = incident.report.as_ref().map_or(incident.title.as_str(), |report| report.headline.as_str());
    let mut details: BTreeMap<String, String> = [
        ("incident", incident.id.to_string()),
        ("reason", reason.to_owned()),
        ("asked_by", if is_slack_user(user) { format!("Slack user {user}") } else { user.to_owned() }),
        ("alert", incident.alert.name.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    details.insert("namespace".to_owned(), incident.namespace.clone());
    details.retain(|_, value| !value.is_empty());
    Page {
        key: format!("sre-agent/{}", incident.id),
        summary: format!("{} {}: {headline}", incident.id, incident.service),
        source: incident.service.clone(),
        priority: incident.priority,
        details,
        links: thread.into_iter().map(|url| (url, "The incident's thread in Slack".to_owned())).collect(),
    }
}

/// The act that it belongs to, as the audit log names it.
fn act_of(tell: &Tell) -> &'static str {
    match tell.what {
        Told::Silence { .. } => "silence",
        Told::Unsilence { .. } => "unsilence",
        Told::Page { .. } | Told::Notice { .. } => "escalate",
    }
}

fn audit(tell: &Tell, at: Timestamp, outcome: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        at,
        actor: tell.user.clone(),
        act: act_of(tell).to_owned(),
        object: tell.incident.to_string(),
        outcome: outcome.to_owned(),
        detail: detail.to_owned(),
    }
}

async fn load(ctx: &Ctx, id: &str) -> anyhow::Result<Option<Silence>> {
    let found = ctx.store.document(DocumentKind::Silence, id).await?;
    Ok(found.map(|found| serde_json::from_value(found.body)).transpose()?)
}
