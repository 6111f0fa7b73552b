//! Silences: which hold now, and the end of one.

use axum::extract::State as Shared;

use super::{
    Api,
    acts::{ActAnswer, Wait, perform, wait},
    call::{Answer, Call, JSON, ok},
    once::once,
    page::{Page, Paging},
    problem::{Kind, Problem},
    shown::SilenceView,
};
use crate::{
    inbound::access::Scope,
    model::{Act, Silence},
    store::DocumentKind,
};

/// More silences at a time are looked at by nobody.
const SILENCES_MAX: usize = 1000;
const ID_MAX: usize = 60;

/// The silences that hold now, the newest first.
#[utoipa::path(get, path = "/api/v1/silences", tag = "silences", operation_id = "listSilences", params(Paging),
    responses((status = 200, description = "A page of silences", body = Page<SilenceView>)))]
pub async fn list(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "silence:read", Scope::All).await?;
    call.wants(&[JSON])?;
    let paging: Paging = call.query()?;
    let now = api.state.clock.now();
    let documents = api.state.store.documents(DocumentKind::Silence, SILENCES_MAX).await?;
    let silences = documents.into_iter().filter_map(|document| serde_json::from_value::<Silence>(document.body).ok());
    let holding = silences.filter(|silence| silence.is_active(now)).collect();
    ok(&Page::cut(holding, &paging, SilenceView::from)?)
}

/// Ends a silence before its time, everywhere.
#[utoipa::path(delete, path = "/api/v1/silences/{silence_id}", tag = "silences", operation_id = "endSilence", params(Wait),
    responses((status = 200, description = "Done, or nothing was to be done", body = ActAnswer),
              (status = 202, description = "It is durable and will be done", body = ActAnswer)))]
pub async fn end(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "incident:unsilence", Scope::All).await?;
    once(&api, &caller, call, async |call, asked| {
        call.wants(&[JSON])?;
        let wait = wait(&call)?;
        let id = call.param("silence_id");
        let missing = || Problem::not_found("there is no such silence");
        if !id.starts_with("SIL-") || id.len() > ID_MAX {
            return Err(missing());
        }
        let found = api.state.store.document(DocumentKind::Silence, id).await?.ok_or_else(missing)?;
        let silence: Silence = serde_json::from_value(found.body).map_err(|_| missing())?;
        let incident = api.state.store.incident(silence.incident).await?.ok_or_else(missing)?;
        let holds = silence.is_active(api.state.clock.now());
        if !holds || incident.silenced.as_ref().is_none_or(|silenced| silenced.silence != silence.id) {
            return Err(Problem::new(Kind::Conflict, format!("{id} does not hold any more")));
        }
        caller.need(&api.state, "incident:unsilence", Scope::Incident(incident.id)).await?;
        perform(&api, &caller, Act::Unsilence, &incident, &asked, wait).await
    })
    .await
}
