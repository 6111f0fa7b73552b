//! The answers to commands that only read.

use jiff::SignedDuration;

use super::{
    Asker, doctor, find,
    find::{Wanted, same_workspace},
    oncall,
    parse::{Command, Reference, Which},
    postmortem,
};
use crate::{
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

/// The answer.
///
/// # Errors
/// When the store fails.
pub async fn message(state: &State, asker: &Asker, command: Command) -> Result<Message> {
    let now = state.clock.now();
    Ok(match command {
        // Both are recorded by their callers; as words they mean a look at the list of commands.
        Command::Help | Command::Investigate(_) | Command::Act(..) | Command::Run { .. } | Command::Decide { .. } => {
            report::help(&asker.prefix)
        }
        Command::Status => report::status(&open(state, asker).await?, &silences(state, asker).await?, now),
        Command::Incidents(which) => incidents(state, asker, which).await?,
        Command::Show(of) => match one(state, asker, of, "show").await? {
            Ok(incident) => report::show(&incident, now),
            Err(why) => why,
        },
        Command::Why(of) => match one(state, asker, of, "why").await? {
            Ok(incident) => report::why(&incident),
            Err(why) => why,
        },
        Command::Runbook(of) => match one(state, asker, of, "runbook").await? {
            Ok(incident) => {
                let mut message = report::runbook(&incident);
                message.parts.extend(report::offered(&incident, &state.runbooks.for_incident(&incident)));
                message
            }
            Err(why) => why,
        },
        Command::Runs => {
            let documents = state.store.documents(DocumentKind::Run, RUNS_MAX).await?;
            let mut runs: Vec<Run> = documents.into_iter().filter_map(|document| serde_json::from_value(document.body).ok()).collect();
            runs.retain(|run| same_workspace(state, &asker.team, &run.team));
            report::runs(&runs)
        }
        Command::Similar(of) => match one(state, asker, of, "similar").await? {
            Ok(incident) => report::similar(&incident, &past(state, asker, &incident).await?),
            Err(why) => why,
        },
        Command::Postmortem { of, markdown } => match one(state, asker, of, "postmortem").await? {
            Ok(incident) if markdown => postmortem::as_text(state, &incident).await,
            Ok(incident) => postmortem::post(state, &incident).await?,
            Err(why) => why,
        },
        Command::Handoff => {
            let since = IncidentFilter { since: Some(now - report::SHIFT), limit: LIST_MAX, ..IncidentFilter::default() };
            let mut recent = state.store.incidents(&since).await?;
            recent.retain(|incident| same_workspace(state, &asker.team, &incident.team));
            let on_call = oncall::names(state, &asker.team).await;
            report::handoff(&open(state, asker).await?, &recent, &silences(state, asker).await?, &on_call, now)
        }
        Command::Stats { days } => {
            let since = now - SignedDuration::from_hours(24 * days);
            let filter = IncidentFilter { since: Some(since), limit: LIST_MAX, ..IncidentFilter::default() };
            let mut found = state.store.incidents(&filter).await?;
            let cut = found.len() >= LIST_MAX;
            found.retain(|incident| same_workspace(state, &asker.team, &incident.team));
            report::stats(&found, since, cut)
        }
        Command::OnCall => oncall::message(state, &asker.team).await,
        Command::Doctor => report::doctor(&doctor::findings(state).await),
    })
}

async fn one(state: &State, asker: &Asker, of: Reference, command: &str) -> Result<std::result::Result<Incident, Message>> {
    find::incident(state, asker, of, command, Wanted::Any).await
}

/// The open incidents of the asker's workspace.
pub async fn open(state: &State, asker: &Asker) -> Result<Vec<Incident>> {
    let mut found = state.store.incidents(&IncidentFilter { open: true, limit: LIST_MAX, ..IncidentFilter::default() }).await?;
    found.retain(|incident| same_workspace(state, &asker.team, &incident.team));
    Ok(found)
}

async fn incidents(state: &State, asker: &Asker, which: Which) -> Result<Message> {
    let (filter, what) = match which {
        Which::Open => (IncidentFilter { open: true, ..IncidentFilter::default() }, "open".to_owned()),
        Which::All => (IncidentFilter::default(), "in all".to_owned()),
        Which::Mine => (IncidentFilter { owner: Some(asker.user.clone()), ..IncidentFilter::default() }, "of yours".to_owned()),
        Which::Service(service) => {
            let shown: String = service.chars().take(60).collect::<String>().replace('`', "");
            (IncidentFilter { service: Some(service), ..IncidentFilter::default() }, format!("of {shown}"))
        }
    };
    let mut found = state.store.incidents(&filter).await?;
    found.retain(|incident| same_workspace(state, &asker.team, &incident.team));
    Ok(report::incidents(&found, &what, state.clock.now()))
}

/// The silences that hold now, of the asker's workspace.
pub async fn silences(state: &State, asker: &Asker) -> Result<Vec<Silence>> {
    let now = state.clock.now();
    let mut found = Vec::new();
    for document in state.store.documents(DocumentKind::Silence, SILENCES_MAX).await? {
        let Ok(silence) = serde_json::from_value::<Silence>(document.body) else { continue };
        if !silence.is_active(now) {
            continue;
        }
        let incident = state.store.incident(silence.incident).await?;
        if incident.is_none_or(|incident| same_workspace(state, &asker.team, &incident.team)) {
            found.push(silence);
        }
    }
    Ok(found)
}

async fn past(state: &State, asker: &Asker, incident: &Incident) -> Result<Vec<Past>> {
    let cause = incident.report.as_ref().map_or("", |report| report.headline.as_str());
    let text = format!("{} {} {cause}", incident.service, incident.alert.name);
    let mut found = Vec::new();
    for similar in state.store.similar(&text, SIMILAR_MAX + 1).await? {
        if similar.incident == incident.id || found.len() == SIMILAR_MAX {
            continue;
        }
        let Some(past) = state.store.incident(similar.incident).await? else { continue };
        if same_workspace(state, &asker.team, &past.team) {
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
