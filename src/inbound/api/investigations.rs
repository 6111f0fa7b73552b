//! Investigations: which there are, what they found, and what they do at the moment as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State as Shared,
    http::StatusCode,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::{
    Api,
    call::{Answer, Call, EVENTS, JSON, incident, ok},
    incidents::concluded,
    page::{Page, Paging},
    problem::{Kind, Problem},
    shown::{InvestigationLine, InvestigationView, LookStateName},
};
use crate::{
    inbound::{access::Scope, router::one_header},
    model::{InvestigationId, Message, Part, TaskState},
    store::{Look, LookState, Looks, SlotBody, SlotUpdate},
};

/// How often the store is looked at for a stream.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A comment goes out after so long without an event, so that nothing on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream ends after so many looks, whatever happens: ten minutes. Whoever still wants it comes again.
const LOOKS_MAX: u32 = 600;
/// The id of the event that ends a stream.
const LAST: &str = "end";

/// The investigations of an incident, the newest first.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/investigations", tag = "investigations", operation_id = "listIncidentInvestigations",
    params(Paging), responses((status = 200, description = "A page of investigations", body = Page<InvestigationLine>)))]
pub async fn of_incident(Shared(api): Shared<Api>, call: Call) -> Answer {
    let (_, id) = call.authorize_incident(&api, "incident:read").await?;
    call.wants(&[JSON])?;
    let paging: Paging = call.query()?;
    incident(&api, id).await?;
    let looks = api.state.store.looks(Looks::Of(id), api.state.clock.now()).await?;
    ok(&Page::cut(looks, &paging, InvestigationLine::from)?)
}

/// One investigation, with its report once it is done.
#[utoipa::path(get, path = "/api/v1/investigations/{investigation_id}", tag = "investigations", operation_id = "getInvestigation",
    responses((status = 200, description = "The investigation", body = InvestigationView)))]
pub async fn get(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "incident:read", Scope::All).await?;
    call.wants(&[JSON])?;
    call.no_query()?;
    let look = look(&api, &call).await?;
    caller.need(&api.state, "incident:read", Scope::Incident(look.incident)).await?;
    let report = api.state.store.investigation(look.investigation).await?.map(concluded);
    ok(&InvestigationView {
        id: look.investigation.to_string(),
        incident: look.incident.to_string(),
        state: look.state.into(),
        occasion: look.occasion.into(),
        report,
    })
}

/// What an investigation does, as server-sent events.
///
/// `progress` comes whenever there is something new to see, `report` ends the stream (or `failed`, when the investigation was
/// put aside). A comment keeps the connection alive every 15 s. After `Last-Event-ID: end` there is nothing more: 204.
#[utoipa::path(get, path = "/api/v1/investigations/{investigation_id}/events", tag = "investigations", operation_id = "followInvestigation",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received")),
    responses((status = 200, description = "Events until the investigation is done", body = String, content_type = "text/event-stream"),
              (status = 204, description = "The last event was received already")))]
pub async fn events(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "incident:read", Scope::All).await?;
    call.wants(&[EVENTS])?;
    call.no_query()?;
    let look = look(&api, &call).await?;
    caller.need(&api.state, "incident:read", Scope::Incident(look.incident)).await?;
    let seen = one_header(&call.head.headers, "last-event-id").unwrap_or_default();
    if seen == LAST {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let Ok(permit) = Arc::clone(&api.streams).try_acquire_owned() else {
        return Err(Problem::new(Kind::TooMany, "too many streams are open at the moment"));
    };
    let follower = Follower { api, id: look.investigation, seen: seen.parse().ok(), looks: 0, over: false, _permit: permit };
    Ok(Sse::new(follow(follower)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// One open stream.
struct Follower {
    api: Api,
    id: InvestigationId,
    /// The version of the progress that was sent last; `None` before the first.
    seen: Option<u64>,
    looks: u32,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

/// One step of an investigation as its plan shows it.
#[derive(Debug, Serialize, ToSchema)]
struct StepView {
    agent: String,
    title: String,
    #[schema(example = "running")]
    state: &'static str,
}

/// The data of a `progress` event.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressView {
    investigation: String,
    incident: String,
    state: LookStateName,
    steps: Vec<StepView>,
}

fn follow(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> + Send + 'static {
    stream::unfold(follower, |mut follower| async move {
        while !follower.over && follower.looks < LOOKS_MAX {
            if follower.looks > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            follower.looks += 1;
            match follower.news().await {
                Ok(Some(event)) => return Some((Ok(event), follower)),
                Ok(None) => {}
                // The caller comes again, with the id of the last event.
                Err(_) => follower.over = true,
            }
        }
        None
    })
}

impl Follower {
    /// What has changed since the last event.
    async fn news(&mut self) -> Result<Option<Event>, Problem> {
        let store = &self.api.state.store;
        if let Some(done) = store.investigation(self.id).await? {
            self.over = true;
            return Ok(Some(event("report", LAST, &concluded(done))));
        }
        let Some(look) = store.looks(Looks::One(self.id), self.api.state.clock.now()).await?.into_iter().next() else {
            self.over = true;
            return Ok(None);
        };
        let slot = store.slot(&SlotUpdate::report_key(look.incident, look.investigation)).await?;
        let (version, steps) = match slot {
            Some(slot) => match slot.body {
                SlotBody::Progress { message, .. } => (slot.version, steps(message)),
                _ => (slot.version, Vec::new()),
            },
            None => (0, Vec::new()),
        };
        let progress = ProgressView {
            investigation: look.investigation.to_string(),
            incident: look.incident.to_string(),
            state: look.state.into(),
            steps,
        };
        if look.state == LookState::PutAside {
            self.over = true;
            return Ok(Some(event("failed", LAST, &progress)));
        }
        if self.seen.is_some_and(|seen| version <= seen) {
            return Ok(None);
        }
        self.seen = Some(version);
        Ok(Some(event("progress", &version.to_string(), &progress)))
    }
}

fn event(name: &str, id: &str, data: &impl Serialize) -> Event {
    // JSON has no line breaks of its own.
    Event::default().event(name).id(id).data(serde_json::to_string(data).unwrap_or_default())
}

fn steps(message: Message) -> Vec<StepView> {
    let plans = message.parts.into_iter().filter_map(|part| match part {
        Part::Plan { tasks, .. } => Some(tasks),
        _ => None,
    });
    plans
        .flatten()
        .map(|task| StepView {
            agent: task.id,
            title: task.title,
            state: match task.state {
                TaskState::Pending => "pending",
                TaskState::Running => "running",
                TaskState::Done => "done",
                TaskState::Failed => "failed",
            },
        })
        .collect()
}

/// The investigation that the path names, as work.
async fn look(api: &Api, call: &Call) -> Result<Look, Problem> {
    let given = call.param("investigation_id");
    let wrong = || Problem::parameter("investigation_id", "is not an investigation's id: 26 letters and digits");
    // Letters of either case are read; the store knows them as they are written.
    let id: InvestigationId = Some(given).filter(|given| given.len() == 26).and_then(|given| given.parse().ok()).ok_or_else(wrong)?;
    let found = api.state.store.looks(Looks::One(id), api.state.clock.now()).await?;
    found.into_iter().next().ok_or_else(|| Problem::not_found(format!("there is no investigation {id}")))
}
