//! One request: what its address, its headers and its body say, each read when it is asked for and not before.
//!
//! Whoever is not let in learns nothing about the rest of their request, so nothing is judged before `authorize`.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request},
    http::{
        StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use super::{
    Api,
    problem::{Kind, Problem},
};
use crate::{
    inbound::{
        access::{self, Caller, Scope},
        reply::BODY_MAX,
        router::one_header,
    },
    model::{Incident, IncidentId},
};

/// How long a caller may take over a body.
const BODY_WAIT: Duration = Duration::from_secs(10);
/// Digits of the largest incident number that is looked up.
const NUMBER_DIGITS: usize = 18;
pub const JSON: &str = "application/json";
pub const MARKDOWN: &str = "text/markdown";
pub const EVENTS: &str = "text/event-stream";

/// What a handler gives.
pub type Answer = Result<Response, Problem>;

/// A request before anything of it was judged.
pub struct Call {
    pub head: Parts,
    params: Vec<(String, String)>,
    /// A body is read by one at a time; the lock only lets the rest of the request be shared.
    body: Mutex<Body>,
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let (mut head, body) = request.into_parts();
        let params = match RawPathParams::from_request_parts(&mut head, state).await {
            Ok(params) => params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            // Not UTF-8: then it names nothing.
            Err(_) => Vec::new(),
        };
        Ok(Self { head, params, body: Mutex::new(body) })
    }
}

impl Call {
    /// Lets the caller in; see [`access::authorize`].
    pub async fn authorize(&self, api: &Api, permission: &str, scope: Scope<'_>) -> Result<Caller, Problem> {
        access::authorize(&api.state, &self.head.headers, permission, scope).await
    }

    /// As [`Call::authorize`], for the incident that the path names.
    ///
    /// # Errors
    /// Also when the path names none.
    pub async fn authorize_incident(&self, api: &Api, permission: &str) -> Result<(Caller, IncidentId), Problem> {
        let id = self.incident_id();
        let scope = id.as_ref().map_or(Scope::All, |id| Scope::Incident(*id));
        let caller = self.authorize(api, permission, scope).await?;
        Ok((caller, id?))
    }

    /// A part of the path; empty when it is not there.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn incident_id(&self) -> Result<IncidentId, Problem> {
        let text = self.param("id");
        let digits = text.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("inc-")).map_or(text, |_| text.get(4..).unwrap_or_default());
        let is_number = (1..=NUMBER_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse()
            .ok()
            .filter(|_| is_number)
            .map(IncidentId)
            .ok_or_else(|| Problem::parameter("id", "is not an incident: write it like INC-42 or 42"))
    }

    /// The query string as `T`, which names the parameters that there are.
    ///
    /// # Errors
    /// 400 for an unknown parameter, one that comes twice and one whose value does not fit.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        Query::try_from_uri(&self.head.uri).map(|Query(query)| query).map_err(|rejection| {
            let text = rejection.body_text();
            let reason = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            match named(reason) {
                Some(name) => Problem::parameter(name, reason),
                None => match reason.split_once(": ") {
                    Some((name, why)) => Problem::parameter(name, format!("cannot be read: {why}")),
                    None => Problem::parameter("query", reason),
                },
            }
        })
    }

    /// Nothing is wanted in the query string.
    ///
    /// # Errors
    /// 400 when something is there.
    pub fn no_query(&self) -> Result<(), Problem> {
        match self.head.uri.query().and_then(|query| url::form_urlencoded::parse(query.as_bytes()).next()) {
            None => Ok(()),
            Some((name, _)) => Err(Problem::parameter(name, "is not known: this address takes no parameters")),
        }
    }

    /// Which of the `offered` media types the caller wants; the first one when they do not say.
    ///
    /// # Errors
    /// 406 when they want none of them.
    pub fn wants(&self, offered: &[&'static str]) -> Result<&'static str, Problem> {
        let headers = self.head.headers.get_all(ACCEPT);
        let wanted: Vec<&str> = headers.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
        let first = offered.first().copied().unwrap_or(JSON);
        if wanted.iter().all(|range| range.trim().is_empty()) {
            return Ok(first);
        }
        let mut best: Option<(f32, &'static str)> = None;
        for range in wanted {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse().ok()).unwrap_or(1.0f32);
            let fits = |offer: &&&str| {
                name == "*/*" || name == **offer || name.strip_suffix("/*").is_some_and(|family| offer.split('/').next() == Some(family))
            };
            if let Some(offer) = offered.iter().find(fits)
                && weight > 0.0
                && best.is_none_or(|(known, _)| weight > known)
            {
                best = Some((weight, offer));
            }
        }
        best.map(|(_, offer)| offer).ok_or_else(|| Problem::new(Kind::NotAcceptable, format!("this is there as {}", offered.join(", "))))
    }

    /// The whole body.
    ///
    /// # Errors
    /// 413 when it is too large, 408 when it does not come.
    pub async fn body(&mut self) -> Result<Bytes, Problem> {
        let body = std::mem::take(self.body.get_mut().unwrap_or_else(PoisonError::into_inner));
        match tokio::time::timeout(BODY_WAIT, to_bytes(body, BODY_MAX)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => Err(Problem::new(Kind::TooLarge, format!("the body is larger than {BODY_MAX} bytes"))),
            Err(_) => Err(Problem::new(Kind::TooSlow, format!("the body did not arrive in {} s", BODY_WAIT.as_secs()))),
        }
    }

    /// The body is said to be JSON. That also keeps foreign web pages out, which cannot say so without asking first.
    ///
    /// # Errors
    /// 415 when it is said to be something else, or nothing.
    pub fn is_json(&self) -> Result<(), Problem> {
        let said = one_header(&self.head.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let name = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if name == JSON || name.starts_with("application/") && name.ends_with("+json") {
            return Ok(());
        }
        let said: String = said.chars().take(80).collect();
        Err(Problem::new(Kind::UnsupportedMediaType, format!("the body must be {JSON}, not `{said}`")))
    }
}

/// The field that serde's message is about, where the message names one first.
pub fn named(message: &str) -> Option<&str> {
    let named = ["unknown field `", "missing field `", "duplicate field `"];
    named.iter().find_map(|start| message.strip_prefix(start)).and_then(|rest| rest.split('`').next())
}

/// The incident, or 404.
pub async fn incident(api: &Api, id: IncidentId) -> Result<Incident, Problem> {
    api.state.store.incident(id).await?.ok_or_else(|| Problem::not_found(format!("there is no {id}")))
}

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => Ok((status, [(CONTENT_TYPE, JSON)], body).into_response()),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Err(Problem::new(Kind::Internal, "the answer cannot be written"))
        }
    }
}

/// A 200 with JSON.
pub fn ok(value: &impl serde::Serialize) -> Answer {
    json(StatusCode::OK, value)
}

/// A text of another kind than JSON.
pub fn text(media_type: &'static str, body: String) -> Answer {
    Ok(([(CONTENT_TYPE, format!("{media_type}; charset=utf-8"))], body).into_response())
}
