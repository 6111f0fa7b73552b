//! Reading incidents and what belongs to them.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use axum::extract::State as Shared;

use super::{
    Api,
    call::{Answer, Call, JSON, MARKDOWN, incident, ok, text},
    page::{Mark, Page, Paging, limit},
    problem::Problem,
    shown::{EvidenceView, IncidentView, MemberView, PriorityName, ReportView, StateName, TimelineLine, When},
};
use crate::{
    inbound::{
        access::{Scope, place},
        commands,
    },
    model::{Incident, IncidentId, Investigation},
    report,
    store::IncidentFilter,
};

/// Longer words are no names of ours.
const WORD_MAX: usize = 200;

/// Which incidents.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those in this state.
    state: Option<StateName>,
    /// `true`: only those that are not over.
    open: Option<bool>,
    priority: Option<PriorityName>,
    /// Only those of this service.
    #[param(max_length = 200, example = "checkout")]
    service: Option<String>,
    /// Only those that this person has.
    #[param(max_length = 200)]
    owner: Option<String>,
    /// Only those that were opened at or after this instant.
    since: Option<When>,
    /// Only those that were opened before this instant.
    until: Option<When>,
    /// Only those whose title, service or cause has all of these words.
    #[param(max_length = 200, example = "connection refused")]
    text: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// A short text, or 400.
pub fn word(name: &str, value: Option<String>) -> Result<Option<String>, Problem> {
    match value {
        Some(value) if value.chars().count() > WORD_MAX => Err(Problem::parameter(name, format!("is longer than {WORD_MAX} characters"))),
        value => Ok(value.filter(|value| !value.is_empty())),
    }
}

/// Incidents, the newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", operation_id = "listIncidents", params(Which),
    responses((status = 200, description = "A page of incidents", body = Page<IncidentView>)))]
pub async fn list(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "incident:read", Scope::All).await?;
    call.wants(&[JSON])?;
    let which: Which = call.query()?;
    let limit = limit(which.limit)?;
    let filter = IncidentFilter {
        open: which.open == Some(true),
        state: which.state.map(Into::into),
        priority: which.priority.map(Into::into),
        service: word("service", which.service)?,
        owner: word("owner", which.owner)?,
        since: which.since.map(|at| at.0),
        until: which.until.map(|at| at.0),
        text: word("text", which.text)?,
        before: Mark::read(which.cursor.as_deref())?.map(|mark| IncidentId(mark.0)),
        // One more than is shown says whether there is a next page.
        limit: limit + 1,
    };
    let mut found = api.state.store.incidents(&filter).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| more).map(|last| Mark(last.id.0, 0).written());
    // After the cursor was made: a page may be short, and the next one goes on behind it.
    found.retain(|incident| caller.may(&api.state, "incident:read", &place(incident)));
    ok(&Page { items: found.into_iter().map(IncidentView::from).collect(), next_cursor })
}

/// One incident.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", operation_id = "getIncident",
    responses((status = 200, description = "The incident", body = IncidentView)))]
pub async fn get(Shared(api): Shared<Api>, call: Call) -> Answer {
    let found = read(&api, &call).await?;
    call.wants(&[JSON])?;
    call.no_query()?;
    ok(&IncidentView::from(found))
}

/// What happened to an incident, the oldest first.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/timeline", tag = "incidents", operation_id = "getIncidentTimeline", params(Paging),
    responses((status = 200, description = "A page of the timeline", body = Page<TimelineLine>)))]
pub async fn timeline(Shared(api): Shared<Api>, call: Call) -> Answer {
    let found = read(&api, &call).await?;
    call.wants(&[JSON])?;
    ok(&Page::cut(found.timeline, &call.query::<Paging>()?, TimelineLine::from)?)
}

/// The evidence of an incident's report.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/evidence", tag = "incidents", operation_id = "getIncidentEvidence", params(Paging),
    responses((status = 200, description = "A page of evidence; empty before there is a report", body = Page<EvidenceView>)))]
pub async fn evidence(Shared(api): Shared<Api>, call: Call) -> Answer {
    let found = read(&api, &call).await?;
    call.wants(&[JSON])?;
    let evidence = found.report.map(|report| report.evidence).unwrap_or_default();
    ok(&Page::cut(evidence, &call.query::<Paging>()?, EvidenceView::from)?)
}

/// The different alerts of an incident, in the order in which they joined.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/alerts", tag = "incidents", operation_id = "getIncidentAlerts", params(Paging),
    responses((status = 200, description = "A page of alerts", body = Page<MemberView>)))]
pub async fn alerts(Shared(api): Shared<Api>, call: Call) -> Answer {
    let found = read(&api, &call).await?;
    call.wants(&[JSON])?;
    let paging: Paging = call.query()?;
    let limit = limit(paging.limit)?;
    let skip = Mark::read(paging.cursor.as_deref())?.map_or(0, |mark| usize::try_from(mark.0).unwrap_or(usize::MAX));
    let mut members = api.state.store.members(found.id, skip, limit + 1).await?;
    let next_cursor = (members.len() > limit).then(|| Mark((skip + limit) as u64, 0).written());
    members.truncate(limit);
    ok(&Page { items: members.into_iter().map(MemberView::from).collect(), next_cursor })
}

/// How a text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormName {
    Json,
    Markdown,
}

/// How a text is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Format {
    /// Goes before what `Accept` says.
    format: Option<FormName>,
}

fn form(call: &Call) -> Result<FormName, Problem> {
    match call.query::<Format>()?.format {
        Some(form) => Ok(form),
        None => Ok(if call.wants(&[JSON, MARKDOWN])? == MARKDOWN { FormName::Markdown } else { FormName::Json }),
    }
}

/// The incident's report.
///
/// As JSON in the words of `sre-agent investigate --format json`, or as Markdown.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/report", tag = "incidents", operation_id = "getIncidentReport", params(Format),
    responses((status = 200, description = "The report", content(
        (ReportView = "application/json"),
        (String = "text/markdown"))),
    ))]
pub async fn report(Shared(api): Shared<Api>, call: Call) -> Answer {
    let found = read(&api, &call).await?;
    let form = form(&call)?;
    let id = found.id;
    let investigation = match found.investigation {
        Some(investigation) => api.state.store.investigation(investigation).await?,
        None => None,
    };
    match (found.report, investigation) {
        (Some(report), _) if form == FormName::Markdown => text(MARKDOWN, report::markdown(&report)),
        (Some(report), Some(investigation)) => ok(&ReportView::of(investigation, report)),
        _ => Err(Problem::not_found(format!("{id} has no report yet"))),
    }
}

/// A postmortem's draft.
#[derive(serde::Serialize, ToSchema)]
pub struct PostmortemView {
    incident: String,
    title: String,
    /// The whole draft, as Markdown.
    markdown: String,
}

/// A draft of the incident's postmortem, from what is known.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/postmortem", tag = "incidents", operation_id = "getIncidentPostmortem", params(Format),
    responses((status = 200, description = "The draft", content(
        (PostmortemView = "application/json"),
        (String = "text/markdown"))),
    ))]
pub async fn postmortem(Shared(api): Shared<Api>, call: Call) -> Answer {
    let found = read(&api, &call).await?;
    let form = form(&call)?;
    let names = commands::names(&api.state, &found).await;
    let markdown = report::postmortem_markdown(&found, &names, api.state.clock.now());
    match form {
        FormName::Markdown => text(MARKDOWN, markdown),
        FormName::Json => ok(&PostmortemView { incident: found.id.to_string(), title: found.title, markdown }),
    }
}

/// The incident that the path names, for somebody who may read it.
async fn read(api: &Api, call: &Call) -> Result<Incident, Problem> {
    let (_, id) = call.authorize_incident(api, "incident:read").await?;
    incident(api, id).await
}

/// The report of an investigation that is done.
pub fn concluded(investigation: Investigation) -> ReportView {
    let report = report::conclude(&investigation, Vec::new());
    ReportView::of(investigation, report)
}
