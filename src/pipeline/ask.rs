//! What people ask: an investigation of their own, or a further look within an incident's thread.

use super::{
    Ctx,
    act::Person,
    further,
    group::{investigation_id, note},
    replies, rights, slots,
};
use crate::{
    agents::focus_of,
    auth::{Denied, Scope},
    model::{Alert, AlertId, Ask, AuditEntry, Caller, Incident, IncidentId, Origin, Priority, Request, Severity, ThreadRef, is_slack_user},
    redact,
    report::{self, Known, answers},
    store::{Commit, NewWork, Occasion, Place, SlotBody, SlotUpdate, Work, WorkKind},
};

/// The source of the alert that stands for a question.
pub const QUESTION: &str = "question";
/// A question is kept up to this many characters.
const QUESTION_MAX: usize = 1000;
const TITLE_MAX: usize = 150;
/// With more words than this, the first one is hardly the service that is meant.
const WORDS_MAX: usize = 3;

/// The name of it in the audit log.
const ACT: &str = "ask";

/// Answers a question.
pub async fn step(ctx: &Ctx, work: &Work, asked: &Ask, person: &Person<'_>) -> anyhow::Result<()> {
    let WorkKind::Record(record) = work.kind else { anyhow::bail!("a question that is no record") };
    let mut asked = asked.clone();
    asked.text = redact::text(&asked.text.chars().take(QUESTION_MAX).collect::<String>()).into_owned();
    let about = match asked.incident {
        Some(id) => ctx.store.incident(id).await?,
        None => None,
    };
    if let Err(denied) = may(ctx, &asked, person, about.as_ref()).await {
        return refuse(ctx, work, person, about.map(|incident| incident.id), denied).await;
    }
    if let Some(incident) = about {
        return within(ctx, work, record, &asked, person, incident).await;
    }
    anew(ctx, work, record, &asked, person).await
}

/// Whether a person of Slack may ask, with the roles as they are now. Of another caller the door has checked the right.
async fn may(ctx: &Ctx, asked: &Ask, person: &Person<'_>, about: Option<&Incident>) -> Result<(), Denied> {
    if !is_slack_user(person.id) {
        return Ok(());
    }
    let scope = match about {
        Some(incident) => Scope { channel: &incident.channel, cluster: &incident.alert.cluster, ..Scope::default() },
        None => Scope { channel: place(ctx, asked), ..Scope::default() },
    };
    rights::check(ctx, person.team, &Caller::slack(person.id), "incident:ask", &scope, &[]).await.map(drop)
}

/// Nothing changes but the audit log.
async fn refuse(ctx: &Ctx, work: &Work, person: &Person<'_>, about: Option<IncidentId>, denied: Denied) -> anyhow::Result<()> {
    tracing::info!(user = person.id, act = ACT, "refused");
    let answer = answers::refused(&denied.why);
    let object = about.map(|id| id.to_string()).unwrap_or_default();
    let audit = vec![line(ctx, person, object, "refused", denied.why)];
    ctx.store.commit(Commit { done: Some(work.clone()), audit, ..Commit::default() }).await?;
    replies::answer(ctx, person, &answer).await;
    Ok(())
}

fn line(ctx: &Ctx, person: &Person<'_>, object: String, outcome: &str, detail: String) -> AuditEntry {
    AuditEntry { at: ctx.clock.now(), actor: person.id.to_owned(), act: ACT.to_owned(), object, outcome: outcome.to_owned(), detail }
}

/// That the question was taken.
fn taken(ctx: &Ctx, person: &Person<'_>, incident: IncidentId, asked: &Ask) -> AuditEntry {
    line(ctx, person, incident.to_string(), "done", asked.text.chars().take(TITLE_MAX).collect())
}

/// The channel in which it was asked, or the usual one.
fn place<'a>(ctx: &'a Ctx, asked: &'a Ask) -> &'a str {
    if asked.channel.is_empty() { &ctx.settings.channel } else { &asked.channel }
}

/// About an incident that is there: answered from its report, or by a further look.
async fn within(ctx: &Ctx, work: &Work, record: AlertId, asked: &Ask, person: &Person<'_>, mut incident: Incident) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let known = report::known_question(&asked.text);
    if known == Some(Known::WhoOwns) {
        // Naming the owner in the thread would call them: only who asked is told.
        let audit = vec![taken(ctx, person, incident.id, asked)];
        ctx.store.commit(Commit { done: Some(work.clone()), audit, ..Commit::default() }).await?;
        replies::answer(ctx, person, &report::answer(&incident, Known::WhoOwns)).await;
        return Ok(());
    }
    note(&mut incident, now, person.id, &format!("asked: {}", asked.text));
    let audit = vec![taken(ctx, person, incident.id, asked)];
    let mut commit = Commit { done: Some(work.clone()), audit, ..Commit::default() };
    match known {
        Some(known) => commit.slots.push(SlotUpdate {
            key: format!("{}/answer/{record}", incident.id),
            incident: incident.id,
            team: incident.team.clone(),
            channel: incident.channel.clone(),
            place: Place::below(&incident),
            body: SlotBody::Message(report::answer(&incident, known)),
        }),
        None => commit.enqueue.push(NewWork {
            kind: WorkKind::Investigate {
                incident: incident.id,
                investigation: investigation_id(&work.id, now),
                occasion: Occasion::Question { user: person.id.to_owned(), text: asked.text.clone() },
            },
            priority: incident.priority,
            not_before: None,
        }),
    }
    commit.incidents.push(incident);
    submit(ctx, commit).await
}

/// About nothing that is there yet: an incident of its own, so that everything works as for an alert.
async fn anew(ctx: &Ctx, work: &Work, record: AlertId, asked: &Ask, person: &Person<'_>) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let fingerprint = match &asked.ts {
        Some(ts) => format!("question/{}/{ts}", asked.channel),
        None => format!("question/{record}"),
    };
    let mut commit = Commit { done: Some(work.clone()), ..Commit::default() };
    match ctx.store.incident_of(&fingerprint).await? {
        // The same message twice: by its menu and by a reaction, for example.
        Some(there) if there.alert.summary == asked.text => {}
        // A second question in a thread whose first one has just become an incident.
        Some(there) => return within(ctx, work, record, asked, person, there).await,
        None => {
            let mut incident = opened(ctx, record, asked, person, fingerprint);
            incident.id = ctx.store.reserve_incident_ids(1).await?;
            let investigation = investigation_id(&format!("{}/{record}", incident.id), now);
            incident.investigation = Some(investigation);
            incident.agents = ctx.engine.route(&further::request(&incident, &Occasion::Alert)).agents;
            commit.enqueue.push(NewWork {
                kind: WorkKind::Investigate { incident: incident.id, investigation, occasion: Occasion::Alert },
                // Somebody waits for it.
                priority: Priority::P1,
                not_before: None,
            });
            commit.slots = slots::standing(&incident);
            commit.audit.push(taken(ctx, person, incident.id, asked));
            commit.incidents.push(incident);
        }
    }
    submit(ctx, commit).await
}

async fn submit(ctx: &Ctx, commit: Commit) -> anyhow::Result<()> {
    let wake: Vec<_> = commit.enqueue.iter().map(|work| (work.kind.id(), work.priority)).collect();
    ctx.store.commit(commit).await?;
    for (id, priority) in wake {
        // When the queue is away the sweeper finds the work.
        let _ = ctx.investigations.push(&id, priority).await;
    }
    Ok(())
}

fn opened(ctx: &Ctx, record: AlertId, asked: &Ask, person: &Person<'_>, fingerprint: String) -> Incident {
    let now = ctx.clock.now();
    let channel = place(ctx, asked).to_owned();
    let (origin, thread) = match &asked.ts {
        Some(ts) => {
            (Origin::Slack { channel: channel.clone(), ts: ts.clone() }, Some(ThreadRef { channel: channel.clone(), ts: ts.clone() }))
        }
        None => (Origin::Webhook, None),
    };
    let (service, namespace) = subject(&asked.text);
    let alert = Alert {
        id: record,
        fingerprint: fingerprint.clone(),
        source: QUESTION.to_owned(),
        name: "Question".to_owned(),
        service: service.clone(),
        namespace,
        severity: Severity::Low,
        priority: Priority::P3,
        summary: asked.text.clone(),
        origin,
        raw: asked.text.clone(),
        ..Alert::default()
    };
    let mut incident = Incident {
        title: asked.text.chars().take(TITLE_MAX).collect(),
        service,
        thread,
        channel,
        team: person.team.to_owned(),
        applied: Some(record),
        ..Incident::opened(alert, now)
    };
    note(&mut incident, now, person.id, &format!("asked: {}", asked.text));
    incident
}

/// The service and the namespace that a question names; empty where it names none.
fn subject(text: &str) -> (String, String) {
    let focus = focus_of(&Request::question(text));
    let named = focus.entities.first().map(|entity| entity.name.clone());
    let compound = || focus.words.iter().find(|word| word.contains('-')).cloned();
    let only = || focus.words.first().filter(|_| focus.words.len() <= WORDS_MAX).cloned();
    (named.or_else(compound).or_else(only).unwrap_or_default(), focus.namespace)
}

/// The first lines of an answer to a person: what was understood, what was looked at.
pub fn lead(incident: IncidentId, text: &str, narrowed: &str) -> String {
    if !narrowed.is_empty() {
        return narrowed.to_owned();
    }
    let asked: String = text.chars().take(TITLE_MAX).collect::<String>().replace('`', "'");
    format!("\u{201c}{asked}\u{201d}: no time, service or change in it that I could narrow {incident} to, so this is a look at everything.")
}
