//! What people do with an incident: recorded as the Slack door does it, done by the pipeline, and waited for on request.

use std::time::Duration;

use axum::{
    extract::State as Shared,
    http::{HeaderName, HeaderValue, StatusCode},
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, body,
    call::{Answer, Call, JSON, incident, json},
    once::{Asked, once},
    problem::{Kind, Problem},
    shown::{IncidentView, OutcomeName, VerdictName, When},
};
use crate::{
    inbound::{access::Caller, router::one_header, state::Door},
    model::{Act, AlertId, Inbound, Incident, IncidentId, InvestigationId, Matcher, Priority, RecordSource, Reply},
    redact,
};

/// The longest that a caller can wait, in seconds: shorter than what proxies take for a dead connection.
pub const WAIT_MAX: u64 = 30;
/// How often the outcome is looked for: an act takes some ten milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The newest lines of an incident's audit log among which the outcome is looked for.
const LINES: usize = 100;
/// A silence is never shorter, and never longer, in seconds.
const SILENCE_LEAST: u64 = 60;
const SILENCE_MOST: u64 = 30 * 86_400;
const REASON_MAX: usize = 500;
const NOTE_MAX: usize = 2_000;
const NAME_MAX: usize = 200;
const MATCHERS_MAX: usize = 20;
/// What stands for the paging service.
const PAGERDUTY: &str = "pagerduty";
const PREFER: &str = "prefer";
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How long to wait for the outcome.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// Seconds; 0 answers at once with 202. `Prefer: wait=5` says the same.
    #[param(minimum = 0, maximum = 30, default = 0, example = 5)]
    wait: Option<u64>,
}

/// What became of an act.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActAnswer {
    /// The durable record of the request.
    #[schema(example = "01JZ7Q0V7M1R9E3H5T8B2N4K6C")]
    id: String,
    status: OutcomeName,
    /// More about the outcome, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The incident as it then is; only for who waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<IncidentView>,
}

/// How long the caller wants to wait.
///
/// # Errors
/// 400 for more than [`WAIT_MAX`].
pub fn wait(call: &Call) -> Result<Duration, Problem> {
    let preferred = one_header(&call.head.headers, PREFER)
        .and_then(|prefer| prefer.split([',', ';']).find_map(|part| part.trim().strip_prefix("wait=")?.trim().parse::<u64>().ok()));
    match call.query::<Wait>()?.wait.or(preferred.map(|seconds| seconds.min(WAIT_MAX))) {
        Some(seconds) if seconds > WAIT_MAX => Err(Problem::parameter("wait", format!("must be 0 to {WAIT_MAX} seconds"))),
        seconds => Ok(Duration::from_secs(seconds.unwrap_or(0))),
    }
}

/// Nothing is wanted in the body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

macro_rules! plain_acts {
    ($($(#[$doc:meta])* $name:ident, $path:tt, $operation:tt, $act:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "acts", operation_id = $operation, params(Wait),
            responses((status = 200, description = "Done, or nothing was to be done", body = ActAnswer),
                      (status = 202, description = "It is durable and will be done", body = ActAnswer)))]
        pub async fn $name(Shared(api): Shared<Api>, call: Call) -> Answer {
            act(&api, call, stringify!($name), |_, _, body| body::read::<Nothing>(body).map(|_| $act)).await
        }
    )*};
}

plain_acts! {
    /// I am on it: the caller becomes the owner.
    acknowledge, "/api/v1/incidents/{id}/acknowledge", "acknowledgeIncident", Act::Acknowledge;
    /// I am not on it any more.
    unacknowledge, "/api/v1/incidents/{id}/unacknowledge", "unacknowledgeIncident", Act::Unacknowledge;
    /// It is over.
    resolve, "/api/v1/incidents/{id}/resolve", "resolveIncident", Act::Resolve;
    /// It is not over.
    reopen, "/api/v1/incidents/{id}/reopen", "reopenIncident", Act::Reopen;
    /// The silence ends before its time.
    unsilence, "/api/v1/incidents/{id}/unsilence", "unsilenceIncident", Act::Unsilence;
    /// Another look, with the evidence as it is now.
    rerun, "/api/v1/incidents/{id}/rerun", "rerunIncident", Act::Rerun;
    /// Another look as of the alert's own time, compared with the first report.
    replay, "/api/v1/incidents/{id}/replay", "replayIncident", Act::Replay;
}

/// One condition; an alert is silenced when all of them hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MatcherGiven {
    /// A label's name, or `alertname`, `service`, `namespace`, `cluster`, `resource`, `severity`.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    name: String,
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    value: String,
}

/// For how long, and why. Either `seconds` or `until`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"seconds": 3600, "reason": "the migration runs"}))]
pub struct SilenceGiven {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(minimum = 60, maximum = 2_592_000, nullable = false)]
    seconds: Option<u64>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    until: Option<When>,
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
    /// What it covers; without it this very alert.
    #[schema(max_items = 20)]
    matchers: Option<Vec<MatcherGiven>>,
}

/// No messages about it for a while.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/silence", tag = "acts", operation_id = "silenceIncident", params(Wait),
    request_body = SilenceGiven,
    responses((status = 200, description = "Done, or nothing was to be done", body = ActAnswer),
              (status = 202, description = "It is durable and will be done", body = ActAnswer)))]
pub async fn silence(Shared(api): Shared<Api>, call: Call) -> Answer {
    act(&api, call, "silence", |api, _, body| {
        let given: SilenceGiven = body::read(body)?;
        let seconds = match (given.seconds, given.until) {
            (Some(seconds), None) => seconds,
            (None, Some(until)) => u64::try_from(until.0.duration_since(api.state.clock.now()).as_secs()).unwrap_or(0),
            (None, None) => return Err(Problem::invalid("seconds", "is missing: say `seconds` or `until`")),
            (Some(_), Some(_)) => return Err(Problem::invalid("until", "cannot come with `seconds`")),
        };
        if !(SILENCE_LEAST..=SILENCE_MOST).contains(&seconds) {
            let field = if given.until.is_some() { "until" } else { "seconds" };
            return Err(Problem::invalid(field, "a silence lasts from one minute (60 s) to thirty days (2592000 s)"));
        }
        let matchers = given.matchers.unwrap_or_default();
        if matchers.len() > MATCHERS_MAX {
            return Err(Problem::invalid("matchers", format!("are more than {MATCHERS_MAX}")));
        }
        let matchers = matchers.into_iter().enumerate().map(|(at, matcher)| {
            Ok(Matcher {
                name: short(&format!("matchers[{at}].name"), &matcher.name, 1, NAME_MAX)?,
                value: short(&format!("matchers[{at}].value"), &matcher.value, 1, NAME_MAX)?,
            })
        });
        Ok(Act::Silence {
            seconds,
            reason: short("reason", &given.reason, 0, REASON_MAX)?,
            matchers: matchers.collect::<Result<_, Problem>>()?,
        })
    })
    .await
}

/// Whose it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "U01ALICE"}))]
pub struct AssignGiven {
    /// A Slack user id; null for nobody.
    #[serde(deserialize_with = "present")]
    #[schema(required = true, min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9_.@:-]+$")]
    to: Option<String>,
}

/// An `Option` that is left out, never null: of two fields exactly one is wanted.
fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An `Option` that must be there: nobody loses an incident because a field was forgotten.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

/// Gives the incident to somebody, or to nobody.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/assign", tag = "acts", operation_id = "assignIncident", params(Wait),
    request_body = AssignGiven,
    responses((status = 200, description = "Done, or nothing was to be done", body = ActAnswer),
              (status = 202, description = "It is durable and will be done", body = ActAnswer)))]
pub async fn assign(Shared(api): Shared<Api>, call: Call) -> Answer {
    act(&api, call, "assign", |_, _, body| {
        let given: AssignGiven = body::read(body)?;
        let is_name =
            |to: &String| (1..=100).contains(&to.len()) && to.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.@:-".contains(&byte));
        match given.to {
            Some(to) if !is_name(&to) => Err(Problem::invalid("to", "must be a user id of 1 to 100 letters, digits or `_.@:-`, or null")),
            to => Ok(Act::Assign { to }),
        }
    })
    .await
}

/// What is thought of a report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"verdict": "one_hop_short", "note": "the node was drained"}))]
pub struct FeedbackGiven {
    verdict: VerdictName,
    /// The real cause, in one's own words.
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: String,
    /// The investigation that it is about; without it the incident's newest.
    #[schema(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    investigation: Option<String>,
}

/// Was the reported cause right?
#[utoipa::path(post, path = "/api/v1/incidents/{id}/feedback", tag = "acts", operation_id = "judgeIncident", params(Wait),
    request_body = FeedbackGiven,
    responses((status = 200, description = "Done, or nothing was to be done", body = ActAnswer),
              (status = 202, description = "It is durable and will be done", body = ActAnswer)))]
pub async fn feedback(Shared(api): Shared<Api>, call: Call) -> Answer {
    act(&api, call, "feedback", |_, _, body| {
        let given: FeedbackGiven = body::read(body)?;
        let investigation = match &given.investigation {
            Some(id) => Some(id.parse::<InvestigationId>().map_err(|_| Problem::invalid("investigation", "is not an investigation's id"))?),
            None => None,
        };
        Ok(Act::Feedback { verdict: given.verdict.into(), note: short("note", &given.note, 0, NOTE_MAX)?, investigation })
    })
    .await
}

/// Whom to call, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "pagerduty", "reason": "nobody answers"}))]
pub struct EscalateGiven {
    /// A group's name in the settings, its Slack id, or `pagerduty`.
    #[schema(min_length = 1, max_length = 200)]
    to: String,
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// Calls for more people.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/escalate", tag = "acts", operation_id = "escalateIncident", params(Wait),
    request_body = EscalateGiven,
    responses((status = 200, description = "Done, or nothing was to be done", body = ActAnswer),
              (status = 202, description = "It is durable and will be done", body = ActAnswer)))]
pub async fn escalate(Shared(api): Shared<Api>, call: Call) -> Answer {
    act(&api, call, "escalate", |api, _, body| {
        let given: EscalateGiven = body::read(body)?;
        let (groups, pagerduty) = (&api.state.config.groups, api.state.config.pagerduty);
        let to = match groups.get(&given.to) {
            Some(group) => group.clone(),
            None if groups.values().any(|group| *group == given.to) || pagerduty && given.to == PAGERDUTY => given.to,
            None => {
                let mut known: Vec<&str> = groups.keys().map(String::as_str).collect();
                known.extend(pagerduty.then_some(PAGERDUTY));
                let known = if known.is_empty() {
                    "nobody can be called: no group is in the settings".to_owned()
                } else {
                    format!("there are {}", known.join(", "))
                };
                return Err(Problem::invalid("to", format!("is nobody who can be called; {known}")));
            }
        };
        Ok(Act::Escalate { to, reason: short("reason", &given.reason, 0, REASON_MAX)? })
    })
    .await
}

/// A text of bounded length, without secrets.
///
/// # Errors
/// 422 when it is too short or too long.
pub fn short(field: &str, text: &str, least: usize, most: usize) -> Result<String, Problem> {
    let length = text.trim().chars().count();
    if length < least || text.chars().count() > most {
        return Err(Problem::invalid(field, format!("must have {least} to {most} characters")));
    }
    Ok(redact::text(text).into_owned())
}

/// Every act: who may, what exactly, and then the record.
async fn act(api: &Api, call: Call, name: &'static str, read: impl FnOnce(&Api, &Incident, &[u8]) -> Result<Act, Problem>) -> Answer {
    let (caller, id) = call.authorize_incident(api, &format!("incident:{name}")).await?;
    once(api, &caller, call, async |call, asked| {
        call.wants(&[JSON])?;
        let wait = wait(&call)?;
        if !asked.body.is_empty() {
            call.is_json()?;
        }
        let found = incident(api, id).await?;
        let act = read(api, &found, &asked.body)?;
        perform(api, &caller, act, &found, &asked, wait).await
    })
    .await
}

/// Records an act, and waits for its outcome where that is wanted.
pub async fn perform(api: &Api, caller: &Caller, act: Act, incident: &Incident, asked: &Asked, wait: Duration) -> Answer {
    let (name, id) = (act.name(), incident.id);
    let since = api.state.clock.now();
    let key = asked.key.as_deref();
    let door = Door { source: RecordSource::Api, key, team: &incident.team, priority: Priority::P0 };
    let user = caller.subject.clone();
    let record = api.state.record(door, |_| Inbound::Act { act, incident: id, user, reply: Reply::default() }).await?;
    if wait.is_zero() {
        return accepted(record);
    }
    let mut answer = match tokio::time::timeout(wait, outcome(api, &caller.subject, name, id, since)).await {
        Ok(outcome) => finished(api, record, id, outcome?).await?,
        Err(_) => accepted(record)?,
    };
    if let Ok(applied) = HeaderValue::from_str(&format!("wait={}", wait.as_secs())) {
        answer.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(answer)
}

fn accepted(record: AlertId) -> Answer {
    json(StatusCode::ACCEPTED, &ActAnswer { id: record.to_string(), status: OutcomeName::Accepted, detail: None, incident: None })
}

/// The outcome as the audit log has it: what it was, and more about it.
async fn outcome(api: &Api, user: &str, name: &str, id: IncidentId, since: Timestamp) -> Result<(String, String), Problem> {
    let object = id.to_string();
    loop {
        let lines = api.state.store.audit(Some(&object), LINES).await?;
        // The oldest one since then: a later one is somebody else's.
        let line = lines.into_iter().rev().find(|line| line.act == name && line.actor == user && line.at >= since);
        if let Some(line) = line {
            return Ok((line.outcome, line.detail));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn finished(api: &Api, record: AlertId, id: IncidentId, outcome: (String, String)) -> Answer {
    let (outcome, detail) = outcome;
    let status = match outcome.as_str() {
        "refused" | "failed" => return Err(Problem::new(Kind::Forbidden, if detail.is_empty() { outcome } else { detail })),
        "nothing to do" => OutcomeName::NothingToDo,
        _ => OutcomeName::Done,
    };
    let found = incident(api, id).await?;
    let detail = Some(detail).filter(|detail| !detail.is_empty());
    json(StatusCode::OK, &ActAnswer { id: record.to_string(), status, detail, incident: Some(found.into()) })
}
