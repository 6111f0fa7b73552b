//! The answers to commands that only read.

use jiff::SignedDuration;

use super::{
    Asker, READ, Rights, doctor, find,
    find::{Wanted, same_workspace},
    oncall,
    parse::{Command, Reference, Which},
    place, postmortem,
};
use crate::{
    auth::Scope,
    inbound::State,
    model::{Incident, Message, Run, Silence},
    report::{self, Past},
    store::{DocumentKind, IncidentFilter, Result},
};

/// The most that one list can be made of: the store's own limit.
const LIST_MAX: usize = 500;
const SIMILAR_MAX: usize = 5;
const RUNS_MAX: usize = 50;
/// More silences at a time are looked at by nobody.
const SILENCES_MAX: usize = 200;
const READ_RUNBOOKS: &str = "runbook:read";
const READ_STATS: &str = "stats:read";

/// The answer, to those who may have it.
///
/// # Errors
/// When the store fails.
pub async fn message(state: &State, asker: &Asker, command: Command) -> Result<Message> {
    let now = state.clock.now();
    let rights = &Rights::of(state, &asker.team, &asker.user).await;
    Ok(match command {
        // Both are recorded by their callers; as words they mean a look at the list of commands.
        Command::Help | Command::Investigate(_) | Command::Act(..) | Command::Run { .. } | Command::Decide { .. } => {
            report::help(&asker.prefix)
        }
        Command::Status => status(state, asker, rights).await?,
        Command::Incidents(which) => incidents(state, asker, rights, which).await?,
        Command::Show(of) => match one(state, asker, rights, of, "show").await? {
            Ok(incident) => report::show(&incident, now),
            Err(why) => why,
        },
        Command::Why(of) => match one(state, asker, rights, of, "why").await? {
            Ok(incident) => report::why(&incident),
            Err(why) => why,
        },
        Command::Runbook(of) => match one(state, asker, rights, of, "runbook").await? {
            Ok(incident) => match rights.need_for(state, READ_RUNBOOKS, &incident).await {
                Ok(()) => {
                    let mut message = report::runbook(&incident);
                    message.parts.extend(report::offered(&incident, &state.runbooks.for_incident(&incident)));
                    message
                }
                Err(why) => why,
            },
            Err(why) => why,
        },
        Command::Runs => runs(state, asker, rights).await?,
        Command::Similar(of) => match one(state, asker, rights, of, "similar").await? {
            Ok(incident) => report::similar(&incident, &past(state, asker, rights, &incident).await?),
            Err(why) => why,
        },
        Command::Postmortem { of, markdown } => match one(state, asker, rights, of, "postmortem").await? {
            Ok(incident) if markdown => postmortem::as_text(state, &incident).await,
            Ok(incident) => postmortem::post(state, &incident).await?,
            Err(why) => why,
        },
        Command::Handoff => handoff(state, asker, rights).await?,
        Command::Stats { days } => stats(state, asker, rights, days).await?,
        Command::OnCall => oncall::message(state, &asker.team).await,
        Command::Doctor => report::doctor(&doctor::findings(state).await),
    })
}

/// The incident that is meant, where the asker may see it.
async fn one(
    state: &State,
    asker: &Asker,
    rights: &Rights,
    of: Reference,
    command: &str,
) -> Result<std::result::Result<Incident, Message>> {
    Ok(match find::incident(state, asker, of, command, Wanted::Any).await? {
        Ok(incident) => rights.need_for(state, READ, &incident).await.map(|()| incident),
        Err(why) => Err(why),
    })
}

/// The incidents of the asker's workspace that they may see.
async fn seen(state: &State, asker: &Asker, rights: &Rights, filter: &IncidentFilter) -> Result<Vec<Incident>> {
    let mut found = state.store.incidents(filter).await?;
    found.retain(|incident| same_workspace(state, &asker.team, &incident.team) && rights.reads(state, incident));
    Ok(found)
}

/// The open incidents of the asker's workspace that they may see.
pub async fn open(state: &State, asker: &Asker, rights: &Rights) -> Result<Vec<Incident>> {
    seen(state, asker, rights, &IncidentFilter { open: true, limit: LIST_MAX, ..IncidentFilter::default() }).await
}

async fn status(state: &State, asker: &Asker, rights: &Rights) -> Result<Message> {
    let open = open(state, asker, rights).await?;
    if open.is_empty()
        && let Err(why) = rights.need_here(state, READ, asker).await
    {
        return Ok(why);
    }
    Ok(report::status(&open, &silences(state, asker, rights).await?, state.clock.now()))
}

async fn handoff(state: &State, asker: &Asker, rights: &Rights) -> Result<Message> {
    let now = state.clock.now();
    let since = IncidentFilter { since: Some(now - report::SHIFT), limit: LIST_MAX, ..IncidentFilter::default() };
    let (open, recent) = (open(state, asker, rights).await?, seen(state, asker, rights, &since).await?);
    if open.is_empty()
        && recent.is_empty()
        && let Err(why) = rights.need_here(state, READ, asker).await
    {
        return Ok(why);
    }
    let on_call = oncall::names(state, &asker.team).await;
    Ok(report::handoff(&open, &recent, &silences(state, asker, rights).await?, &on_call, now))
}

async fn stats(state: &State, asker: &Asker, rights: &Rights, days: i64) -> Result<Message> {
    let since = state.clock.now() - SignedDuration::from_hours(24 * days);
    let filter = IncidentFilter { since: Some(since), limit: LIST_MAX, ..IncidentFilter::default() };
    let mut found = state.store.incidents(&filter).await?;
    let cut = found.len() >= LIST_MAX;
    found.retain(|incident| same_workspace(state, &asker.team, &incident.team) && rights.may(state, READ_STATS, &place(incident)));
    if found.is_empty()
        && let Err(why) = rights.need_here(state, READ_STATS, asker).await
    {
        return Ok(why);
    }
    Ok(report::stats(&found, since, cut))
}

async fn runs(state: &State, asker: &Asker, rights: &Rights) -> Result<Message> {
    let documents = state.store.documents(DocumentKind::Run, RUNS_MAX).await?;
    let mut runs: Vec<Run> = documents.into_iter().filter_map(|document| serde_json::from_value(document.body).ok()).collect();
    runs.retain(|run| same_workspace(state, &asker.team, &run.team) && sees(state, rights, run));
    if runs.is_empty()
        && let Err(why) = rights.need_here(state, READ_RUNBOOKS, asker).await
    {
        return Ok(why);
    }
    Ok(report::runs(&runs))
}

/// Whether they may see the run, in every cluster that it touches.
fn sees(state: &State, rights: &Rights, run: &Run) -> bool {
    let within = |cluster| rights.may(state, READ_RUNBOOKS, &Scope { channel: &run.channel, runbook: &run.runbook, cluster });
    if run.clusters.is_empty() { within("") } else { run.clusters.iter().all(|cluster| within(cluster)) }
}

async fn incidents(state: &State, asker: &Asker, rights: &Rights, which: Which) -> Result<Message> {
    let (filter, what) = match which {
        Which::Open => (IncidentFilter { open: true, ..IncidentFilter::default() }, "open".to_owned()),
        Which::All => (IncidentFilter::default(), "in all".to_owned()),
        Which::Mine => (IncidentFilter { owner: Some(asker.user.clone()), ..IncidentFilter::default() }, "of yours".to_owned()),
        Which::Service(service) => {
            let shown: String = service.chars().take(60).collect::<String>().replace('`', "");
            (IncidentFilter { service: Some(service), ..IncidentFilter::default() }, format!("of {shown}"))
        }
    };
    let found = seen(state, asker, rights, &filter).await?;
    if found.is_empty()
        && let Err(why) = rights.need_here(state, READ, asker).await
    {
        return Ok(why);
    }
    Ok(report::incidents(&found, &what, state.clock.now()))
}

/// The silences that hold now, of the asker's workspace, as far as they may see them.
pub async fn silences(state: &State, asker: &Asker, rights: &Rights) -> Result<Vec<Silence>> {
    let now = state.clock.now();
    let mut found = Vec::new();
    for document in state.store.documents(DocumentKind::Silence, SILENCES_MAX).await? {
        let Ok(silence) = serde_json::from_value::<Silence>(document.body) else { continue };
        if !silence.is_active(now) {
            continue;
        }
        let incident = state.store.incident(silence.incident).await?;
        let ours = incident.as_ref().is_none_or(|incident| same_workspace(state, &asker.team, &incident.team));
        if ours && rights.may(state, "silence:read", &incident.as_ref().map(place).unwrap_or_default()) {
            found.push(silence);
        }
    }
    Ok(found)
}

async fn past(state: &State, asker: &Asker, rights: &Rights, incident: &Incident) -> Result<Vec<Past>> {
    let cause = incident.report.as_ref().map_or("", |report| report.headline.as_str());
    let text = format!("{} {} {cause}", incident.service, incident.alert.name);
    let mut found = Vec::new();
    for similar in state.store.similar(&text, SIMILAR_MAX + 1).await? {
        if similar.incident == incident.id || found.len() == SIMILAR_MAX {
            continue;
        }
        let Some(past) = state.store.incident(similar.incident).await? else { continue };
        if same_workspace(state, &asker.team, &past.team) && rights.reads(state, &past) {
            found.push(Past {
                incident: similar.incident,
                title: similar.title,
                cause: similar.cause,
                opened_at: similar.opened_at,
                resolved_at: past.resolved_at,
                feedback: past.feedback,
            });
        }
    }
    Ok(found)
}
