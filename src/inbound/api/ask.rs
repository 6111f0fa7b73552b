//! Questions: about an incident, or about nothing that is there yet.

use std::time::Duration;

use axum::{extract::State as Shared, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api,
    acts::{Wait, short, wait},
    body,
    call::{Answer, Call, JSON, incident, json},
    once::{Asked, once},
    problem::Problem,
    shown::{IncidentView, OutcomeName},
};
use crate::{
    inbound::{
        access::{Caller, Scope},
        state::Door,
    },
    model::{AlertId, Ask, Inbound, Incident, Priority, RecordSource, Reply},
    report,
    store::{Look, Looks, Occasion},
};

/// Characters of a question: the pipeline keeps as many.
const QUESTION_MAX: usize = 1_000;
/// How often it is looked whether the question has become an investigation.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A question about an incident.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "only the last 10 minutes"}))]
pub struct QuestionGiven {
    /// In one's own words.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    text: String,
}

/// A question about anything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"question": "why does checkout restart?"}))]
pub struct InvestigationGiven {
    /// In one's own words.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    question: String,
}

/// What became of a question.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskAnswer {
    /// The durable record of the request.
    id: String,
    status: OutcomeName,
    /// Where the report already answers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// The investigation that was begun for it, for who waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    investigation: Option<String>,
    /// The incident that the question opened, for who waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<IncidentView>,
}

/// Asks about an incident.
///
/// What its report answers is answered at once; everything else begins a further investigation, whose id is in the answer to
/// whoever waits.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/questions", tag = "investigations", operation_id = "askAboutIncident", params(Wait),
    request_body = QuestionGiven,
    responses((status = 200, description = "Taken, and what became of it", body = AskAnswer),
              (status = 202, description = "It is durable and will be looked into", body = AskAnswer)))]
pub async fn question(Shared(api): Shared<Api>, call: Call) -> Answer {
    let (caller, id) = call.authorize_incident(&api, "incident:ask").await?;
    once(&api, &caller, call, async |call, asked| {
        call.wants(&[JSON])?;
        let wait = wait(&call)?;
        call.is_json()?;
        let found = incident(&api, id).await?;
        let text = short("text", &body::read::<QuestionGiven>(&asked.body)?.text, 1, QUESTION_MAX)?;
        let since = api.state.clock.now();
        let record = record(&api, &caller, &asked, &text, Some(&found)).await?;
        let mut answer =
            AskAnswer { id: record.to_string(), status: OutcomeName::Accepted, answer: None, investigation: None, incident: None };
        if let Some(known) = report::known_question(&text) {
            answer.status = OutcomeName::Done;
            answer.answer = Some(report::answer(&found, known).text);
            return json(StatusCode::OK, &answer);
        }
        if !wait.is_zero()
            && let Ok(look) = tokio::time::timeout(wait, begun(&api, &found, &caller.subject, since)).await
        {
            answer.status = OutcomeName::Done;
            answer.investigation = Some(look?.investigation.to_string());
            return json(StatusCode::OK, &answer);
        }
        json(StatusCode::ACCEPTED, &answer)
    })
    .await
}

/// Begins an investigation without an alert.
///
/// The question becomes an incident of its own, so that everything works as for an alert.
#[utoipa::path(post, path = "/api/v1/investigations", tag = "investigations", operation_id = "beginInvestigation", params(Wait),
    request_body = InvestigationGiven,
    responses((status = 200, description = "Taken, and what became of it", body = AskAnswer),
              (status = 202, description = "It is durable and will be looked into", body = AskAnswer)))]
pub async fn begin(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "incident:ask", Scope::All).await?;
    once(&api, &caller, call, async |call, asked| {
        call.wants(&[JSON])?;
        let wait = wait(&call)?;
        call.is_json()?;
        let text = short("question", &body::read::<InvestigationGiven>(&asked.body)?.question, 1, QUESTION_MAX)?;
        let record = record(&api, &caller, &asked, &text, None).await?;
        let mut answer =
            AskAnswer { id: record.to_string(), status: OutcomeName::Accepted, answer: None, investigation: None, incident: None };
        if !wait.is_zero()
            && let Ok(opened) = tokio::time::timeout(wait, opened(&api, record)).await
        {
            let opened = opened?;
            answer.status = OutcomeName::Done;
            answer.investigation = opened.investigation.map(|id| id.to_string());
            answer.incident = Some(opened.into());
            return json(StatusCode::OK, &answer);
        }
        json(StatusCode::ACCEPTED, &answer)
    })
    .await
}

async fn record(api: &Api, caller: &Caller, asked: &Asked, text: &str, about: Option<&Incident>) -> Result<AlertId, Problem> {
    let ask = Ask {
        text: text.to_owned(),
        user: caller.subject.clone(),
        channel: about.map(|incident| incident.channel.clone()).unwrap_or_default(),
        ts: None,
        incident: about.map(|incident| incident.id),
    };
    let team = about.map_or("", |incident| &incident.team);
    let door = Door { source: RecordSource::Api, key: asked.key.as_deref(), team, priority: Priority::P1 };
    Ok(api.state.record(door, |_| Inbound::Ask { ask, reply: Reply::default() }).await?)
}

/// The investigation that a caller's question began.
async fn begun(api: &Api, incident: &Incident, user: &str, since: Timestamp) -> Result<Look, Problem> {
    // Ids have milliseconds only.
    let since = since.as_millisecond().max(0).unsigned_abs();
    loop {
        let looks = api.state.store.looks(Looks::Of(incident.id), api.state.clock.now()).await?;
        let ours = |look: &Look| {
            look.investigation.0.timestamp_ms() >= since
                && matches!(&look.occasion, Occasion::Question { user: asker, .. } if asker == user)
        };
        if let Some(look) = looks.into_iter().rev().find(ours) {
            return Ok(look);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The incident that a question opened: its alert is the record.
async fn opened(api: &Api, record: AlertId) -> Result<Incident, Problem> {
    loop {
        if let Some(found) = api.state.store.incident_of(&format!("question/{record}")).await? {
            return Ok(found);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
