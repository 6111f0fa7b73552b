//! People are called about an incident that nobody takes: the chain's steps, each once, however often the process starts anew.

use jiff::Timestamp;

use super::{Ctx, act, group::note, slots};
use crate::{
    model::{AuditEntry, ChainStep, Incident, IncidentState, Priority, Span, Text},
    notify::{Done, Facts, StepRef, To, Turn, due, due_at},
    report::answers,
    store::{Commit, IncidentFilter, NewWork, StoreError, Tell, Told, WorkKind},
};

/// How many open incidents are looked at.
const OPEN_MAX: usize = 500;
/// How long a service that does not say who is on call is asked again, before the chain goes on without its answer.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Does every step of every chain that is due.
///
/// # Errors
/// When the store fails.
pub async fn tick(ctx: &Ctx, now: Timestamp) -> anyhow::Result<()> {
    if ctx.calling.chains.0.is_empty() {
        return Ok(());
    }
    let filter = IncidentFilter { open: true, limit: OPEN_MAX, ..IncidentFilter::default() };
    for incident in ctx.store.incidents(&filter).await? {
        match call(ctx, incident, now).await {
            // A person was faster: the next look sees what they did.
            Err(error) if matches!(error.downcast_ref(), Some(StoreError::Conflict)) => {}
            other => other?,
        }
    }
    Ok(())
}

async fn call(ctx: &Ctx, incident: Incident, now: Timestamp) -> anyhow::Result<()> {
    let Some(chain) = ctx.calling.chains.of(incident.priority, &incident.service) else { return Ok(()) };
    let state = incident.state_beneath();
    let facts = Facts {
        opened_at: incident.opened_at,
        // Whoever owns it has it, also without having pressed the button.
        acknowledged: state == IncidentState::Acknowledged || incident.owner.is_some(),
        resolved: state.is_closed(),
        silenced: incident.state == IncidentState::Silenced,
        priority: incident.priority,
        service: incident.service.clone(),
    };
    let done: Vec<Done> =
        incident.chain.iter().map(|step| Done { step: StepRef { round: step.round, step: step.step }, at: step.at }).collect();
    let steps = due(chain, &facts, &done, now).now;
    if steps.is_empty() {
        return Ok(());
    }
    let mut commit = Commit::default();
    let mut changed = incident;
    for step in steps {
        let Some(plan) = chain.step(step) else { continue };
        let late = due_at(chain, &facts, step).map_or(PATIENCE, |at| now.duration_since(at));
        if late < PATIENCE
            && let Some(why) = nobody_says(ctx, &plan.to, now).await
        {
            failure(ctx, "on-call", &format!("who is on call for {} could not be asked: {why}", changed.id)).await?;
            continue;
        }
        let waiting = commit.enqueue.len();
        changed.chain.push(ChainStep { round: step.round, step: step.step, at: now });
        let waited = jiff::SignedDuration::from_secs(now.duration_since(changed.opened_at).as_secs());
        let reason = format!("nobody has taken it for {} min", waited.as_mins());
        let key = format!("chain/{}/{}", step.round, step.step);
        let mut spans = Vec::new();
        for to in &plan.to {
            changed = one(ctx, changed, to, &key, &reason, now, &mut spans, &mut commit).await;
        }
        let called = !spans.is_empty() || commit.enqueue.len() > waiting;
        if !called {
            failure(ctx, "escalation", &format!("{} has come to a step of the chain {} that reaches nobody", changed.id, chain.name))
                .await?;
        }
        if !spans.is_empty() {
            commit.slots.push(slots::line(&changed, &key, answers::chain_called(&changed, spans, &reason)));
        }
        commit.audit.push(AuditEntry {
            at: now,
            actor: "sre-agent".to_owned(),
            act: "escalate".to_owned(),
            object: changed.id.to_string(),
            outcome: if called { "done" } else { "failed" }.to_owned(),
            detail: format!("chain {}, step {} of round {}: {reason}", chain.name, step.step + 1, step.round + 1),
        });
    }
    if commit.audit.is_empty() {
        return Ok(());
    }
    commit.slots.extend(slots::standing(&changed));
    let wake: Vec<_> = commit.enqueue.iter().map(|work| (work.kind.id(), work.priority)).collect();
    commit.incidents = vec![changed];
    ctx.store.commit(commit).await?;
    ctx.outbox.notify_one();
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.investigations.push(&id, priority).await;
    }
    Ok(())
}

/// Why nobody knows whom to call, where the step calls whoever is on call and nobody else.
async fn nobody_says(ctx: &Ctx, to: &[To], now: Timestamp) -> Option<String> {
    let mut reasons = Vec::new();
    for one in to {
        let To::OnCall(name) = one else { return None };
        let turn = ctx.calling.rota.turn(name, now).await;
        reasons.push(format!("{name}: {}", turn.stale.filter(|_| turn.people.is_empty())?));
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// One of the step's people: mentioned in the thread, or told by work of its own.
#[expect(clippy::too_many_arguments, reason = "one step's parts, used here alone")]
async fn one(
    ctx: &Ctx,
    incident: Incident,
    to: &To,
    key: &str,
    reason: &str,
    now: Timestamp,
    spans: &mut Vec<Span>,
    commit: &mut Commit,
) -> Incident {
    match to {
        To::SlackGroup(group) => {
            spans.push(Span::Group(group.clone()));
            act::escalated(incident, (group, group), "sre-agent", reason, now)
        }
        To::SlackUser(user) => {
            spans.push(Span::User(user.clone()));
            act::escalated(incident, (user, user), "sre-agent", reason, now)
        }
        To::OnCall(name) => {
            let Turn { people, stale, .. } = ctx.calling.rota.turn(name, now).await;
            let mut incident = incident;
            if people.is_empty() {
                note(
                    &mut incident,
                    now,
                    "sre-agent",
                    &format!("nobody is on call in {name}{}", stale.map(|why| format!(" ({why})")).unwrap_or_default()),
                );
                return incident;
            }
            if people.iter().all(|person| person.slack.is_empty() && person.email.is_empty()) {
                let names = people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>().join(", ");
                note(&mut incident, now, "sre-agent", &format!("{names} is on call in {name}, and nobody says how to reach them"));
                return incident;
            }
            let mails: Vec<String> = people
                .iter()
                .filter(|person| person.slack.is_empty() && !person.email.is_empty())
                .map(|person| person.email.clone())
                .collect();
            spans.extend(people.iter().map(|person| person.slack.clone()).filter(|id| !id.is_empty()).map(Span::User));
            if !mails.is_empty() {
                tell(&incident, key, Told::Notice { way: "email".to_owned(), to: mails, reason: reason.to_owned() }, commit);
            }
            let names = people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>().join(", ");
            act::escalated(incident, (name, &names), "sre-agent", reason, now)
        }
        To::Email(address) => {
            tell(&incident, key, Told::Notice { way: "email".to_owned(), to: vec![address.clone()], reason: reason.to_owned() }, commit);
            act::escalated(incident, (address, address), "sre-agent", reason, now)
        }
        To::Webhook(name) => {
            let way = format!("webhook:{name}");
            tell(&incident, key, Told::Notice { way: way.clone(), to: Vec::new(), reason: reason.to_owned() }, commit);
            act::escalated(incident, (&way, name), "sre-agent", reason, now)
        }
        To::PagerDuty => {
            tell(&incident, key, Told::Page { reason: reason.to_owned() }, commit);
            incident
        }
    }
}

fn tell(incident: &Incident, key: &str, what: Told, commit: &mut Commit) {
    let way = match &what {
        Told::Notice { way, to, .. } => format!("{way}/{}", to.join(",")),
        _ => "page".to_owned(),
    };
    let act = format!("{}/{way}", key.replace('/', "-"));
    let kind = WorkKind::Tell(Tell {
        act,
        incident: incident.id,
        user: "sre-agent".to_owned(),
        team: incident.team.clone(),
        reply: crate::model::Reply::default(),
        what,
    });
    commit.enqueue.push(NewWork::now(kind, Priority::P0));
}

/// An administrator is told of a failure that nobody expects, once in a while for each kind.
///
/// # Errors
/// When the store fails.
pub async fn failure(ctx: &Ctx, kind: &str, what: &str) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let Some(times) = ctx.calling.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).tell(kind, now) else { return Ok(()) };
    let channel = if ctx.calling.admin_channel.is_empty() { &ctx.settings.channel } else { &ctx.calling.admin_channel };
    if channel.is_empty() {
        return Ok(());
    }
    let mut text = Text::new().emoji("warning").plain(" ").bold("Something failed that should not").plain(format!(": {what}"));
    if times > 1 {
        text = text.plain(format!(" ({times} times since the last message)"));
    }
    for id in &ctx.calling.administrators {
        text = text.plain(" ");
        text.0.push(answers::mention(id));
    }
    let slot = slots::notice_in(channel, &format!("failure/{kind}/{}", now.as_second()), answers::sentence_of(text));
    ctx.store.commit(Commit { slots: vec![slot], ..Commit::default() }).await?;
    ctx.outbox.notify_one();
    Ok(())
}
