//! Changes: what CI/CD says that it did, told and read.

use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, Problem,
    alerts::is_text_or_json,
    body,
    call::{Answer, Call, JSON, ok},
    incidents::word,
    once::once,
    page::{Mark, Page, limit},
    shown::When,
};
use crate::{
    inbound::{access::Scope, told},
    model::observation::Change,
    store::DocumentKind,
};

/// How many are looked through: as many as are kept.
const KEPT_MAX: usize = 1000;

/// One change as it is told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes what `told` reads")]
#[schema(example = json!({"service": "checkout", "kind": "deploy", "id": "v1.42", "summary": "checkout v1.42", "time": "2026-01-31T14:05:00Z"}))]
pub struct ChangeGiven {
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S")]
    service: String,
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S")]
    summary: String,
    #[schema(nullable = false)]
    kind: Option<ChangeKindName>,
    /// A commit, a deploy's id, a rollout's revision.
    #[schema(max_length = 2000, nullable = false)]
    id: Option<String>,
    /// Now where it is not said; never in the future.
    time: Option<When>,
    #[schema(max_length = 2000, nullable = false)]
    author: Option<String>,
    #[schema(max_length = 2000, nullable = false)]
    namespace: Option<String>,
    #[schema(max_length = 2000, nullable = false)]
    cluster: Option<String>,
    #[schema(max_items = 200, nullable = false)]
    files: Option<Vec<String>>,
    /// The first 16 KiB are kept.
    #[schema(nullable = false)]
    diff: Option<String>,
}

/// What was done.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes what `told` reads")]
pub enum ChangeKindName {
    Deploy,
    Commit,
    Flag,
    Config,
    Scale,
    Migration,
    Infrastructure,
}

/// One change, or several.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes what `told` reads")]
pub enum ChangesGiven {
    One(ChangeGiven),
    Several(Vec<ChangeGiven>),
}

/// How many changes were taken.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes what `told` answers")]
pub struct ChangesTaken {
    #[schema(example = "success")]
    status: String,
    /// The durable record.
    id: String,
    changes: usize,
}

/// Tells of changes.
///
/// They are kept as evidence for later investigations; 1 to 100 at a time.
#[utoipa::path(post, path = "/api/v1/changes", tag = "changes", operation_id = "tellChanges", request_body = ChangesGiven,
    responses((status = 200, description = "They are durable", body = ChangesTaken)))]
pub async fn tell(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "change:create", Scope::All).await?;
    let answer = once(&api, &caller, call, async |call, asked| {
        is_text_or_json(&call)?;
        body::check(&asked.body)?;
        told::changes(&api.state, asked.key, &asked.body).await.map_err(Problem::from)
    });
    answer.await.map_err(Problem::with_error)
}

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those at or after this instant.
    since: Option<When>,
    #[param(max_length = 200, example = "checkout")]
    service: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// A change as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeView {
    service: String,
    #[schema(example = "deploy")]
    kind: String,
    id: String,
    time: Option<When>,
    author: String,
    summary: String,
    namespace: String,
    cluster: String,
    files: Vec<String>,
    /// Who told of it: `api`, or a sender's name.
    source: String,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        Self {
            service: change.service,
            kind: change.kind,
            id: change.id,
            time: change.time.map(When),
            author: change.author,
            summary: change.summary,
            namespace: change.entity.namespace,
            cluster: change.entity.cluster,
            files: change.files,
            source: change.source,
        }
    }
}

/// The changes of the last days, the one told of last first.
#[utoipa::path(get, path = "/api/v1/changes", tag = "changes", operation_id = "listChanges", params(Which),
    responses((status = 200, description = "A page of changes", body = Page<ChangeView>)))]
pub async fn list(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "change:read", Scope::All).await?;
    call.wants(&[JSON])?;
    let which: Which = call.query()?;
    let limit = limit(which.limit)?;
    let (service, before) = (word("service", which.service)?, Mark::read(which.cursor.as_deref())?);
    let documents = api.state.store.documents(DocumentKind::Change, KEPT_MAX).await?;
    let mut found = documents
        .into_iter()
        .filter(|document| before.is_none_or(|mark| document.sequence < mark.0))
        .filter_map(|document| Some((document.sequence, serde_json::from_value::<Change>(document.body).ok()?)))
        .filter(|(_, change)| service.as_ref().is_none_or(|service| *service == change.service))
        .filter(|(_, change)| which.since.is_none_or(|since| change.time.is_some_and(|time| time >= since.0)));
    let page: Vec<(u64, Change)> = found.by_ref().take(limit).collect();
    let next_cursor = page.last().filter(|_| found.next().is_some()).map(|(sequence, _)| Mark(*sequence, 0).written());
    ok(&Page { items: page.into_iter().map(|(_, change)| ChangeView::from(change)).collect(), next_cursor })
}
