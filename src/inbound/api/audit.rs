//! Who did what: the audit log.

use axum::extract::State as Shared;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    call::{Answer, Call, JSON, ok},
    incidents::word,
    page::{Mark, Page, limit},
    shown::AuditLine,
};
use crate::{inbound::access::Scope, model::AuditEntry};

/// How far back can be read: the newest lines of the log, or of the object that is asked for.
const LINES_MAX: usize = 1000;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// What it was done to.
    #[param(max_length = 200, example = "INC-42")]
    object: Option<String>,
    /// Who did it.
    #[param(max_length = 200)]
    actor: Option<String>,
    /// What was done.
    #[param(max_length = 200, example = "acknowledge")]
    act: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// The audit log, the newest first.
///
/// The newest 1000 lines can be reached, or the newest 1000 about one `object`.
#[utoipa::path(get, path = "/api/v1/audit", tag = "operations", operation_id = "listAudit", params(Which),
    responses((status = 200, description = "A page of the log", body = Page<AuditLine>)))]
pub async fn list(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "audit:read", Scope::All).await?;
    call.wants(&[JSON])?;
    let which: Which = call.query()?;
    let limit = limit(which.limit)?;
    let after = Mark::read(which.cursor.as_deref())?;
    let (object, actor, act) = (word("object", which.object)?, word("actor", which.actor)?, word("act", which.act)?);
    let mut lines = api.state.store.audit(object.as_deref(), LINES_MAX).await?;
    lines.retain(|line| actor.as_ref().is_none_or(|actor| *actor == line.actor) && act.as_ref().is_none_or(|act| *act == line.act));
    let from = after.map_or(0, |mark| position_after(&lines, mark));
    let page: Vec<AuditEntry> = lines.iter().skip(from).take(limit).cloned().collect();
    let next_cursor = page.last().filter(|_| lines.len() > from + limit).map(|last| mark_of(&lines, from + limit, last).written());
    ok(&Page { items: page.into_iter().map(AuditLine::from).collect(), next_cursor })
}

fn micros(line: &AuditEntry) -> u64 {
    line.at.as_microsecond().max(0).unsigned_abs()
}

/// When the last line shown was written, and how many lines of that same instant were shown: lines that are written
/// meanwhile move nothing.
fn mark_of(lines: &[AuditEntry], shown: usize, last: &AuditEntry) -> Mark {
    let same = lines.iter().take(shown).rev().take_while(|line| micros(line) == micros(last)).count();
    Mark(micros(last), same as u64)
}

fn position_after(lines: &[AuditEntry], mark: Mark) -> usize {
    let newer = lines.iter().take_while(|line| micros(line) > mark.0).count();
    let same = lines.iter().skip(newer).take_while(|line| micros(line) == mark.0).count();
    newer + same.min(usize::try_from(mark.1).unwrap_or(usize::MAX))
}
