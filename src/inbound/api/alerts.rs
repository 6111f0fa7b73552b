//! `POST /api/v1/alerts`: alerts from scripts and senders without a Slack channel.

use axum::{
    Json,
    extract::State as Shared,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    Api, Problem, body,
    call::{Answer, Call},
    once::once,
    shown::{AlertStatusName, When},
};
use crate::{
    inbound::{
        State,
        access::Scope,
        alerts::{self, AlertError},
        reply::Refusal,
        router::one_header,
        state::{Door, clean},
    },
    model::{Inbound, RecordSource},
};

/// The same body again within this time is the sender's own repetition after an answer that it did not get.
const REPETITION_SECONDS: i64 = 60;
/// How long a sender's own key stands for one request.
const KEY_SECONDS: i64 = 24 * 3600;

/// What makes a request the same request: the sender's own key, or else its body within a minute.
pub fn dedup_key(key: Option<&str>, body: &[u8], now: Timestamp) -> String {
    match key {
        Some(key) => format!("key/{key}/{}", now.as_second() / KEY_SECONDS),
        None => format!("body/{}/{}", hex::encode(Sha256::digest(body)), now.as_second() / REPETITION_SECONDS),
    }
}

/// A link that the sender gives.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes what `alerts::from_api` reads")]
pub struct LinkGiven {
    #[schema(example = "Runbook", nullable = false)]
    title: Option<String>,
    #[schema(pattern = "^https?://", example = "https://wiki.example.com/checkout")]
    url: String,
}

/// One alert.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes what `alerts::from_api` reads")]
#[schema(example = json!({"name": "KubePodCrashLooping", "severity": "critical", "service": "checkout", "namespace": "shop", "labels": {"pod": "checkout-7f5b9c4d68-4xk9p"}}))]
pub struct AlertGiven {
    #[schema(min_length = 1, pattern = r"\S")]
    name: String,
    /// critical, high, medium, low, or a known word of other senders: warning, info, P1…
    #[schema(pattern = "^(critical|high|medium|low|warning|info|error|P[0-5])$")]
    severity: Option<String>,
    /// The sick workload.
    service: Option<String>,
    /// The sick object: pod, node, queue…
    resource: Option<String>,
    namespace: Option<String>,
    cluster: Option<String>,
    status: Option<AlertStatusName>,
    summary: Option<String>,
    description: Option<String>,
    labels: Option<std::collections::BTreeMap<String, String>>,
    starts_at: Option<When>,
    ends_at: Option<When>,
    /// Who sends it; `api` where it is not said.
    #[schema(pattern = "^[A-Za-z0-9_.-]{0,60}$")]
    source: Option<String>,
    #[schema(nullable = false)]
    links: Option<Vec<LinkGiven>>,
}

/// Several alerts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes what `alerts::from_api` reads")]
pub struct AlertList {
    alerts: Vec<AlertGiven>,
}

/// One alert, a list of them, or the list under `alerts`.
#[derive(ToSchema, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes what `alerts::from_api` reads")]
pub enum AlertsGiven {
    One(Box<AlertGiven>),
    Several(Vec<AlertGiven>),
    Named(AlertList),
}

/// The alerts were taken.
#[derive(Serialize, ToSchema)]
pub struct AlertsTaken {
    #[schema(example = "success")]
    status: &'static str,
    /// The durable record, by which the analysis is found.
    #[schema(example = "01JZ7Q0V7M1R9E3H5T8B2N4K6C")]
    analysis_id: String,
}

/// Takes alerts.
///
/// The answer means that they are durable; each is grouped, investigated and reported in Slack like any other. The same body
/// again within a minute is a repetition.
#[utoipa::path(post, path = "/api/v1/alerts", tag = "alerts", operation_id = "sendAlerts", request_body = AlertsGiven,
    responses((status = 200, description = "They are durable", body = AlertsTaken)))]
pub async fn send(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "alert:create", Scope::All).await.map_err(Problem::with_error)?;
    let answer = once(&api, &caller, call, async |call, asked| {
        is_text_or_json(&call)?;
        body::check(&asked.body)?;
        Ok(alerts(&api.state, asked.key, &asked.body).await?)
    });
    answer.await.map_err(Problem::with_error)
}

/// Scripts of before send their JSON as whatever their tool says: `curl -d` says that it is a form. What is said to be
/// something else altogether is not read.
///
/// # Errors
/// 415 for other kinds of bodies.
pub fn is_text_or_json(call: &Call) -> Result<(), Problem> {
    let said = one_header(&call.head.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let name = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "" | "text/plain" | "application/x-www-form-urlencoded" => Ok(()),
        _ => call.is_json(),
    }
}

/// Takes one alert or several. `key` is what the store knows the request by; it belongs to one caller and one request.
async fn alerts(state: &State, key: Option<String>, body: &[u8]) -> Result<Response, Refusal> {
    let mut found = alerts::from_api(body).map_err(|error| match error {
        AlertError::Malformed { place, reason } => Refusal::Malformed(format!("the body is broken at {place}: {reason}")),
        AlertError::Invalid { field, reason } => Refusal::Invalid { field, reason },
        AlertError::UnknownSource(source) => Refusal::Invalid { field: "source".to_owned(), reason: format!("`{source}` is not known") },
    })?;
    let Some(priority) = found.iter().map(|alert| alert.priority).min() else {
        return Err(Refusal::Invalid { field: "alerts".to_owned(), reason: "the list is empty".to_owned() });
    };
    let key = key.unwrap_or_else(|| dedup_key(None, body, state.clock.now()));
    let id = state
        .record(Door { source: RecordSource::Api, key: Some(&key), team: "", priority }, |id| {
            for alert in &mut found {
                alert.id = id;
                clean(alert);
            }
            Inbound::Alerts { alerts: found, follow_up: false }
        })
        .await?;
    Ok(Json(AlertsTaken { status: "success", analysis_id: id.to_string() }).into_response())
}
