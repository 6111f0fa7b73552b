//! The pages about incidents, approvals and runs.

use axum::{
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    fill, html,
    session::{Visitor, away},
};
use crate::{
    auth::Scope,
    console::{
        approvals as approvals_page, confirm as confirm_page, failure, incident as incident_page, incidents as incidents_page,
        run as run_page,
        views::{self, Failure, Notice, Place, Tone},
    },
    inbound::{State, access::place},
    model::{Incident, IncidentId, IncidentState, Priority, Run, RunId, RunState},
    report,
    store::{DocumentKind, IncidentFilter, Result, StoreError},
};

/// How many incidents one page lists.
const PAGE: usize = 50;
/// How many runs are looked through.
const RUNS_MAX: usize = 300;
/// How many decided runs are listed.
const DECIDED_MAX: usize = 30;
const SIMILAR_MAX: usize = 5;

/// What came of the act before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Said {
    said: String,
}

/// The filters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filters {
    state: String,
    priority: String,
    service: String,
    owner: String,
    text: String,
    after: String,
}

pub async fn not_found(state: &State, visitor: &Visitor, what: &str) -> Response {
    let what = what.chars().take(80).collect();
    html(StatusCode::NOT_FOUND, failure::page(&Failure::NotFound { what }, &visitor.frame(state, None).await))
}

/// The newest line of the audit log by this person about this object: why they were refused.
pub async fn last_word(state: &State, object: &str, user: &str) -> String {
    let lines = state.store.audit(Some(object), 20).await.unwrap_or_default();
    lines.into_iter().find(|line| line.actor == user).map(|line| line.detail).unwrap_or_default()
}

async fn notice(state: &State, visitor: &Visitor, said: &str, object: &str) -> Option<Notice> {
    let (tone, text) = match said {
        "done" => (Tone::Good, "Done.".to_owned()),
        "nothing" => (Tone::Neutral, "Nothing was to be done: it was so already.".to_owned()),
        "accepted" => (Tone::Busy, "It is recorded and will be done; load the page again in a moment.".to_owned()),
        "choose" => (Tone::Warn, "Please choose what you think of the report.".to_owned()),
        "refused" => (Tone::Bad, format!("Refused: {}", last_word(state, object, &visitor.name()).await)),
        _ => return None,
    };
    Some(Notice { tone, text })
}

pub async fn incidents(Shared(state): Shared<State>, headers: HeaderMap, uri: Uri, Query(filters): Query<Filters>) -> Response {
    let visitor = match Visitor::of(&state, &headers, path_of(&uri)).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    if let Err(answer) = visitor.need(&state, "incident:read", &Scope::default()).await {
        return answer;
    }
    match list(&state, &visitor, &filters).await {
        Ok(view) => html(StatusCode::OK, incidents_page::page(&view, &visitor.frame(&state, Some(Place::Incidents)).await)),
        Err(_) => away(&state, Some(&visitor)),
    }
}

fn path_of(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/incidents", |path| path.as_str())
}

/// A word of our own lists, as its type.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

async fn list(state: &State, visitor: &Visitor, filters: &Filters) -> Result<views::Incidents> {
    let some = |text: &str| Some(text.trim().chars().take(200).collect::<String>()).filter(|text| !text.is_empty());
    // One more than a page: then there is an older one.
    let filter = IncidentFilter {
        state: word::<IncidentState>(&filters.state),
        priority: word::<Priority>(&filters.priority),
        service: some(&filters.service),
        owner: some(&filters.owner),
        text: some(&filters.text),
        before: filters.after.parse::<u64>().ok().map(IncidentId),
        limit: PAGE + 1,
        ..IncidentFilter::default()
    };
    let mut found = state.store.incidents(&filter).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let older = found.last().filter(|_| more).map(|last| last.id.0.to_string());
    found.retain(|incident| visitor.is_of(state, &incident.team) && visitor.may(state, "incident:read", &place(incident)));
    // Back goes to the newest: a list that grows at its head has no stable page before.
    let newer = (!filters.after.is_empty()).then(|| "newest".to_owned());
    let choices = |names: &[&str], chosen: &str| {
        names
            .iter()
            .map(|name| views::Choice { value: (*name).to_owned(), label: name.replace('_', " "), chosen: *name == chosen })
            .collect::<Vec<_>>()
    };
    const STATES: &[&str] = &["open", "investigating", "reported", "acknowledged", "resolved", "silenced", "false_positive"];
    Ok(views::Incidents {
        filters: views::IncidentFilters {
            states: choices(STATES, &filters.state),
            priorities: choices(&["P0", "P1", "P2", "P3"], &filters.priority),
            service: filters.service.clone(),
            owner: filters.owner.clone(),
            text: filters.text.clone(),
        },
        rows: found.iter().map(|incident| views::IncidentRow::Incident(fill::line(incident))).collect(),
        paging: views::Paging { newer, older },
        total: None,
    })
}

/// The incident that a path names, and who looks at it.
async fn seen(state: &State, headers: &HeaderMap, uri: &Uri, id: &str) -> std::result::Result<(Visitor, Incident), Response> {
    let visitor = Visitor::of(state, headers, path_of(uri)).await?;
    let found = match id.parse::<IncidentId>() {
        Ok(id) => state.store.incident(id).await.map_err(|_| away(state, Some(&visitor)))?,
        Err(_) => None,
    };
    let Some(incident) = found.filter(|incident| visitor.is_of(state, &incident.team)) else {
        return Err(not_found(state, &visitor, id).await);
    };
    visitor.need(state, "incident:read", &place(&incident)).await?;
    Ok((visitor, incident))
}

pub async fn incident(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    Query(said): Query<Said>,
) -> Response {
    let (visitor, incident) = match seen(&state, &headers, &uri, &id).await {
        Ok(seen) => seen,
        Err(answer) => return answer,
    };
    let parts = async {
        let investigation = match incident.investigation {
            Some(id) => state.store.investigation(id).await?,
            None => None,
        };
        let text = format!("{} {}", incident.service, incident.alert.name);
        let similar = state.store.similar(&text, SIMILAR_MAX + 1).await?;
        let mut runs = runs(&state).await?;
        runs.retain(|run| run.incident == Some(incident.id));
        Ok::<_, StoreError>((investigation, similar, runs))
    };
    let Ok((investigation, similar, runs)) = parts.await else { return away(&state, Some(&visitor)) };
    let may = |permission: &str| visitor.may(&state, permission, &place(&incident));
    let view = fill::incident(&fill::Known {
        incident: &incident,
        investigation: investigation.as_ref(),
        similar: &similar,
        runs: &runs,
        runbooks: &state.runbooks.for_incident(&incident),
        may: &may,
    });
    let mut frame = visitor.frame(&state, Some(Place::Incidents)).await;
    frame.notice = notice(&state, &visitor, &said.said, &incident.id.to_string()).await;
    html(StatusCode::OK, incident_page::page(&view, &frame))
}

pub async fn report_markdown(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    export(&state, &id, &headers, &uri, "text/markdown; charset=utf-8", |investigation, _| {
        report::markdown(&report::conclude(investigation, Vec::new()))
    })
    .await
}

pub async fn report_json(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    export(&state, &id, &headers, &uri, "application/json", |investigation, _| {
        serde_json::to_string_pretty(&report::conclude(investigation, Vec::new())).unwrap_or_default()
    })
    .await
}

async fn export(
    state: &State,
    id: &str,
    headers: &HeaderMap,
    uri: &Uri,
    kind: &'static str,
    write: impl FnOnce(&crate::model::Investigation, &Incident) -> String,
) -> Response {
    let (visitor, incident) = match seen(state, headers, uri, id).await {
        Ok(seen) => seen,
        Err(answer) => return answer,
    };
    let found = match incident.investigation {
        Some(investigation) => state.store.investigation(investigation).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(investigation)) => ([(CONTENT_TYPE, kind)], write(&investigation, &incident)).into_response(),
        Ok(None) => not_found(state, &visitor, "a report, which is not there yet").await,
        Err(_) => away(state, Some(&visitor)),
    }
}

pub async fn postmortem(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    match seen(&state, &headers, &uri, &id).await {
        Ok((_, incident)) => {
            let names = report::Names::default();
            let text = report::postmortem_markdown(&incident, &names, state.clock.now());
            ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response()
        }
        Err(answer) => answer,
    }
}

pub async fn picture(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let (visitor, incident) = match seen(&state, &headers, &uri, &id).await {
        Ok(seen) => seen,
        Err(answer) => return answer,
    };
    let found = match incident.investigation {
        Some(investigation) => state.store.investigation(investigation).await,
        None => Ok(None),
    };
    let Ok(found) = found else { return away(&state, Some(&visitor)) };
    let drawn = tokio::task::spawn_blocking(move || {
        found.and_then(|investigation| report::timeline_picture(&incident, &investigation)).and_then(|picture| picture.png().ok())
    });
    match drawn.await {
        Ok(Some(bytes)) => ([(CONTENT_TYPE, "image/png")], bytes).into_response(),
        _ => not_found(&state, &visitor, "a picture of it").await,
    }
}

/// The runs, the newest first.
///
/// # Errors
/// When the store fails.
pub async fn runs(state: &State) -> Result<Vec<Run>> {
    let documents = state.store.documents(DocumentKind::Run, RUNS_MAX).await?;
    let mut runs: Vec<Run> = documents.into_iter().filter_map(|document| serde_json::from_value(document.body).ok()).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    Ok(runs)
}

/// One run; `None` where there is none of this id.
///
/// # Errors
/// When the store fails.
pub async fn load_run(state: &State, id: &str) -> Result<Option<Run>> {
    let Ok(id) = id.parse::<RunId>() else { return Ok(None) };
    let found = state.store.document(DocumentKind::Run, &id.to_string()).await?;
    Ok(found.and_then(|found| serde_json::from_value(found.body).ok()))
}

/// Why this person cannot approve; nothing where they can.
fn refusal(state: &State, visitor: &Visitor, run: &Run) -> Option<String> {
    if !visitor.may_run(state, "approval:decide", run) {
        return Some("this needs the permission approval:decide, and your roles do not have it".to_owned());
    }
    let decision = crate::model::Decision {
        by: crate::inbound::gate::caller(&visitor.who),
        team: String::new(),
        approves: true,
        at: state.clock.now(),
    };
    crate::runbooks::decide(run.clone(), decision, &run.hash).err().map(|refused| refused.to_string())
}

pub async fn approvals(Shared(state): Shared<State>, headers: HeaderMap, uri: Uri) -> Response {
    let visitor = match Visitor::of(&state, &headers, path_of(&uri)).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    if let Err(answer) = visitor.need(&state, "approval:read", &Scope::default()).await {
        return answer;
    }
    let Ok(mut found) = runs(&state).await else { return away(&state, Some(&visitor)) };
    found.retain(|run| visitor.is_of(&state, &run.team) && visitor.may_run(&state, "approval:read", run));
    let (mut waiting, over): (Vec<Run>, Vec<Run>) = found.into_iter().partition(|run| run.state == RunState::Waiting);
    waiting.sort_by_key(|run| run.expires_at);
    let can_deny = |run: &Run| run.requested_by.id == visitor.name() || visitor.may_run(&state, "approval:decide", run);
    let view = views::Approvals {
        pending: waiting.iter().map(|run| fill::pending(run, refusal(&state, &visitor, run), can_deny(run))).collect(),
        decided: over.iter().filter_map(fill::decided).take(DECIDED_MAX).collect(),
    };
    html(StatusCode::OK, approvals_page::page(&view, &visitor.frame(&state, Some(Place::Approvals)).await))
}

/// The run that a path names, and who looks at it.
async fn seen_run(
    state: &State,
    headers: &HeaderMap,
    uri: &Uri,
    id: &str,
    permission: &str,
) -> std::result::Result<(Visitor, Run), Response> {
    let visitor = Visitor::of(state, headers, path_of(uri)).await?;
    let run = load_run(state, id).await.map_err(|_| away(state, Some(&visitor)))?;
    let Some(run) = run.filter(|run| visitor.is_of(state, &run.team)) else { return Err(not_found(state, &visitor, "this run").await) };
    visitor.need_run(state, permission, &run).await?;
    Ok((visitor, run))
}

pub async fn confirm(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let (visitor, run) = match seen_run(&state, &headers, &uri, &id, "approval:read").await {
        Ok(seen) => seen,
        Err(answer) => return answer,
    };
    let view = views::Confirm { pending: fill::pending(&run, refusal(&state, &visitor, &run), true) };
    html(StatusCode::OK, confirm_page::page(&view, &visitor.frame(&state, Some(Place::Approvals)).await))
}

pub async fn run(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, uri: Uri, Query(said): Query<Said>) -> Response {
    let (visitor, run) = match seen_run(&state, &headers, &uri, &id, "runbook:read").await {
        Ok(seen) => seen,
        Err(answer) => return answer,
    };
    let object = run.incident.map_or_else(|| run.id.to_string(), |incident| incident.to_string());
    let mut frame = visitor.frame(&state, Some(Place::Approvals)).await;
    frame.notice = notice(&state, &visitor, &said.said, &object).await;
    html(StatusCode::OK, run_page::page(&fill::run(&run), &frame))
}
