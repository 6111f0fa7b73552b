//! What people do on the pages: each form becomes a record, and the next page says what came of it.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Form,
    extract::{Path, State as Shared},
    http::HeaderMap,
    response::Response,
};
use jiff::Timestamp;

use super::{
    pages,
    session::{Visitor, away},
    to,
};
use crate::{
    console::links,
    inbound::{State, access::place, gate, state::Door},
    model::{Act, Inbound, IncidentId, Priority, RecordSource, Reply, RunId, RunWish, Verdict},
    redact,
};

/// How long the next page waits for what came of an act; acts take some ten milliseconds, a dry run some hundred.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How long a silence may last, in seconds.
const SILENCE_MOST: u64 = 30 * 86_400;
const NOTE_MAX: usize = 1000;

type Fields = BTreeMap<String, String>;

fn field<'a>(form: &'a Fields, name: &str) -> &'a str {
    form.get(name).map(|value| value.trim()).unwrap_or_default()
}

fn door<'a>(team: &'a str) -> Door<'a> {
    Door { source: RecordSource::Api, key: None, team, priority: Priority::P0 }
}

/// A button of an incident's page.
pub async fn act(
    Shared(state): Shared<State>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Response {
    let visitor = match Visitor::of_form(&state, &headers, field(&form, "csrf")).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let seconds = field(&form, "length").parse::<u64>().ok().filter(|seconds| (60..=SILENCE_MOST).contains(seconds));
    let act = match (name.as_str(), seconds) {
        ("acknowledge", _) => Act::Acknowledge,
        ("resolve", _) => Act::Resolve,
        ("reopen", _) => Act::Reopen,
        ("rerun", _) => Act::Rerun,
        ("assign", _) => Act::Assign { to: Some(visitor.name()) },
        ("silence", Some(seconds)) => Act::Silence { seconds, reason: String::new(), matchers: Vec::new() },
        _ => return pages::not_found(&state, &visitor, &format!("what “{}” is", name.chars().take(40).collect::<String>())).await,
    };
    perform(&state, &visitor, &id, act).await
}

/// A word on the report.
pub async fn feedback(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let visitor = match Visitor::of_form(&state, &headers, field(&form, "csrf")).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let verdict = match field(&form, "verdict") {
        "correct" => Verdict::Correct,
        "one_hop_short" => Verdict::OneHopShort,
        "wrong" => Verdict::Wrong,
        _ => return to(&format!("{}?said=choose", links::incident(&id))),
    };
    let note: String = field(&form, "note").chars().take(NOTE_MAX).collect();
    let note = redact::text(&note).into_owned();
    perform(&state, &visitor, &id, Act::Feedback { verdict, note, investigation: None }).await
}

async fn perform(state: &State, visitor: &Visitor, id: &str, act: Act) -> Response {
    let found = match id.parse::<IncidentId>() {
        Ok(id) => state.store.incident(id).await,
        Err(_) => Ok(None),
    };
    let incident = match found {
        Ok(Some(incident)) if visitor.is_of(state, &incident.team) => incident,
        Ok(_) => return pages::not_found(state, visitor, id).await,
        Err(_) => return away(state, Some(visitor)),
    };
    if let Err(answer) = visitor.need(state, &format!("incident:{}", act.name()), &place(&incident)).await {
        return answer;
    }
    let (name, user, since) = (act.name(), visitor.name(), state.clock.now());
    let recorded = state
        .record(door(&incident.team), |_| Inbound::Act { act, incident: incident.id, user: user.clone(), reply: Reply::default() })
        .await;
    if recorded.is_err() {
        return away(state, Some(visitor));
    }
    let said = said(state, &incident.id.to_string(), &user, name, since).await;
    to(&format!("{}?said={said}", links::incident(&incident.id.to_string())))
}

/// A word about what came of it, from the audit log; `accepted` where it takes longer.
async fn said(state: &State, object: &str, user: &str, act: &str, since: Timestamp) -> &'static str {
    let looking = async {
        loop {
            let lines = state.store.audit(Some(object), 20).await.unwrap_or_default();
            let ours = |line: &&crate::model::AuditEntry| line.actor == user && line.act == act && line.at >= since;
            if let Some(line) = lines.iter().find(ours) {
                return match line.outcome.as_str() {
                    "done" => "done",
                    "refused" => "refused",
                    _ => "nothing",
                };
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or("accepted")
}

/// "Prepare…" of a runbook.
pub async fn prepare(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let visitor = match Visitor::of_form(&state, &headers, field(&form, "csrf")).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let found = match id.parse::<IncidentId>() {
        Ok(id) => state.store.incident(id).await,
        Err(_) => Ok(None),
    };
    let (incident, runbook) = match found {
        Ok(Some(incident)) if visitor.is_of(&state, &incident.team) => (incident, field(&form, "runbook").to_owned()),
        Ok(_) => return pages::not_found(&state, &visitor, &id).await,
        Err(_) => return away(&state, Some(&visitor)),
    };
    if let Err(answer) = visitor.need(&state, "runbook:request", &place(&incident)).await {
        return answer;
    }
    let parameters = form
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("p.")?.to_owned(), serde_json::Value::String(value.clone()))))
        .collect();
    let wish = RunWish::Request { runbook, parameters, incident: Some(incident.id) };
    let (by, user, since) = (gate::caller(&visitor.who), visitor.name(), state.clock.now());
    let recorded = state.record(door(&incident.team), |_| Inbound::Runbook { wish, by, reply: Reply::default() }).await;
    let Ok(record) = recorded else { return away(&state, Some(&visitor)) };
    match said(&state, &incident.id.to_string(), &user, "runbook_request", since).await {
        "done" => to(&links::run(&RunId(record.0).to_string())),
        other => to(&format!("{}?said={other}", links::incident(&incident.id.to_string()))),
    }
}

pub async fn approve(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    decide(&state, &id, &headers, &form, true).await
}

pub async fn deny(Shared(state): Shared<State>, Path(id): Path<String>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    decide(&state, &id, &headers, &form, false).await
}

async fn decide(state: &State, id: &str, headers: &HeaderMap, form: &Fields, approves: bool) -> Response {
    let visitor = match Visitor::of_form(state, headers, field(form, "csrf")).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let run = match pages::load_run(state, id).await {
        Ok(Some(run)) if visitor.is_of(state, &run.team) => run,
        Ok(_) => return pages::not_found(state, &visitor, "this run").await,
        Err(_) => return away(state, Some(&visitor)),
    };
    let own = run.requested_by.id == visitor.name();
    if (approves || !own)
        && let Err(answer) = visitor.need_run(state, "approval:decide", &run).await
    {
        return answer;
    }
    let object = run.incident.map_or_else(|| run.id.to_string(), |incident| incident.to_string());
    let wish = RunWish::Decide { run: run.id, approves, hash: field(form, "hash").to_owned() };
    let (by, user, since) = (gate::caller(&visitor.who), visitor.name(), state.clock.now());
    if state.record(door(&run.team), |_| Inbound::Runbook { wish, by, reply: Reply::default() }).await.is_err() {
        return away(state, Some(&visitor));
    }
    let act = if approves { "runbook_approve" } else { "runbook_deny" };
    let said = said(state, &object, &user, act, since).await;
    to(&format!("{}?said={said}", links::run(id)))
}
