//! `Idempotency-Key`: a request that is repeated has its effect once, and gets the same answer again.

use std::sync::PoisonError;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Api,
    call::{Answer, Call},
    problem::{Kind, Problem},
};
use crate::{
    inbound::{access::Caller, router::one_header},
    store::{Commit, DocumentKind, DocumentUpdate},
};

/// The header's name.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is an earlier one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long a key stands for one request.
const KEEP: SignedDuration = SignedDuration::from_hours(24);
/// Longer keys are no keys but data.
pub const KEY_MAX: usize = 200;
/// A larger answer is not kept: the request is then done again. The answers to acts have some kilobytes.
const ANSWER_MAX: usize = 256 * 1024;
/// How many keyed requests may be under way.
const UNDER_WAY_MAX: usize = 1024;

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// What the request was, as a hash: method, path, query and body.
    request: String,
    at: Timestamp,
    status: u16,
    content_type: String,
    location: Option<String>,
    body: String,
}

/// While it lives, a second request with the same key is told to wait.
struct UnderWay<'a>(&'a Api, String);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// A request whose body has been read, to be done at most once.
pub struct Asked {
    pub body: Bytes,
    /// What the store knows the request by, where the caller gave a key: also after a crash between effect and answer.
    pub key: Option<String>,
}

/// Reads the body, then does the request, or answers as before when it is a repetition.
///
/// # Errors
/// 409 while the first request with the key is under way, 422 when the key stands for another request, and what `work` says.
pub async fn once(api: &Api, caller: &Caller, mut call: Call, work: impl AsyncFnOnce(Call, Asked) -> Answer) -> Answer {
    let body = call.body().await?;
    let Some(given) = key(&call)? else { return work(call, Asked { body, key: None }).await };
    let key = hex::encode(Sha256::digest(format!("{}\n{given}", caller.subject)));
    let request = fingerprint(&call, &body);
    let _under_way = begin(api, &key)?;
    let now = api.state.clock.now();
    if let Some(kept) = kept(api, &key).await?.filter(|kept| now.duration_since(kept.at) < KEEP) {
        if kept.request != request {
            return Err(Problem::new(Kind::KeyReused, "this `Idempotency-Key` came with another request within the last 24 hours"));
        }
        return Ok(kept.answer());
    }
    // As long as the key stands for one request, so long does the store know it.
    let known = format!("once/{key}/{}/{request}", now.as_second().div_euclid(KEEP.as_secs()));
    let path = call.head.uri.path().to_owned();
    let answer = match work(call, Asked { body, key: Some(known) }).await {
        Ok(answer) => answer,
        Err(problem) => {
            // Whole, as it is kept; and marked, as the door counts it.
            let mut answer = problem.answer(&path);
            answer.extensions_mut().insert(problem);
            answer
        }
    };
    keep(api, &key, request, now, answer).await
}

fn key(call: &Call) -> Result<Option<String>, Problem> {
    let headers = &call.head.headers;
    if headers.get(&IDEMPOTENCY_KEY).is_none_or(HeaderValue::is_empty) {
        return Ok(None);
    }
    let wrong = |reason: String| Problem::invalid("Idempotency-Key", reason);
    let given = one_header(headers, IDEMPOTENCY_KEY.as_str()).ok_or_else(|| wrong("must come once, as plain text".to_owned()))?;
    if given.len() > KEY_MAX {
        return Err(wrong(format!("is longer than {KEY_MAX} bytes")));
    }
    if !given.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("must be letters, digits and signs, without blanks".to_owned()));
    }
    Ok(Some(given.to_owned()))
}

fn fingerprint(call: &Call, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {}\n", call.head.method, call.head.uri));
    hash.update(body);
    hex::encode(hash.finalize())
}

fn begin<'a>(api: &'a Api, key: &str) -> Result<UnderWay<'a>, Problem> {
    let mut under_way = api.under_way.lock().unwrap_or_else(PoisonError::into_inner);
    if under_way.len() >= UNDER_WAY_MAX {
        return Err(Problem::new(Kind::Unavailable, "too many requests with a key are under way"));
    }
    if !under_way.insert(key.to_owned()) {
        return Err(Problem::new(Kind::Conflict, "the first request with this `Idempotency-Key` is still being done"));
    }
    Ok(UnderWay(api, key.to_owned()))
}

async fn kept(api: &Api, key: &str) -> Result<Option<Kept>, Problem> {
    let found = api.state.store.document(DocumentKind::Answer, key).await?;
    Ok(found.and_then(|found| serde_json::from_value(found.body).ok()))
}

/// Keeps the answer, unless the caller shall try again.
async fn keep(api: &Api, key: &str, request: String, at: Timestamp, answer: Response) -> Answer {
    let status = answer.status();
    let again = status.is_server_error() || matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS);
    if again {
        return Ok(answer);
    }
    let (head, body) = answer.into_parts();
    // Every answer of ours to such a request is in memory already.
    let Ok(body) = to_bytes(body, usize::MAX).await else { return Err(Problem::new(Kind::Internal, "the answer was lost")) };
    let header = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if body.len() <= ANSWER_MAX {
        let kept = Kept {
            request,
            at,
            status: status.as_u16(),
            content_type: header(&CONTENT_TYPE).unwrap_or_default(),
            location: header(&LOCATION),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let document = DocumentUpdate { kind: DocumentKind::Answer, key: key.to_owned(), body: serde_json::to_value(kept).ok() };
        if let Err(error) = api.state.store.commit(Commit { documents: vec![document], ..Commit::default() }).await {
            // It was done and the caller must know; a repetition is recognised by what the store knows of its effect.
            tracing::warn!(%error, "an answer could not be kept for repetitions");
        }
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

impl Kept {
    fn answer(self) -> Response {
        let mut answer = Response::new(Body::from(self.body));
        *answer.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let headers = answer.headers_mut();
        for (name, value) in [(CONTENT_TYPE, Some(self.content_type)), (LOCATION, self.location), (REPLAYED, Some("true".to_owned()))] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        answer
    }
}
