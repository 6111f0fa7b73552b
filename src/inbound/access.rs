//! Who calls the API, and whether they may.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::{State, api::Problem};
use crate::model::IncidentId;

/// What the callers are called who have no name of their own: whoever holds the one token.
const ANYBODY: &str = "api";

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who they are: in the audit log, and as the `user` of what they do.
    pub subject: String,
    pub roles: Vec<String>,
}

/// What the permission is wanted for, as far as the request's path says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Whatever there is: a list, or a thing that belongs to nobody.
    All,
    Incident(IncidentId),
    /// An agent, by its name.
    Agent(&'a str),
}

/// Lets the caller in, or says why not. Every handler of the API asks exactly once, before it reads anything else.
///
/// Today one bearer token opens everything. Where none is configured everybody may everything: the settings refuse that for
/// an address that other machines reach.
///
/// # Errors
/// 401 without the token, or with another one.
pub async fn authorize(state: &State, headers: &HeaderMap, _permission: &str, _scope: Scope<'_>) -> Result<Caller, Problem> {
    let caller = Caller { subject: ANYBODY.to_owned(), roles: Vec::new() };
    let Some(expected) = &state.api_token else { return Ok(caller) };
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    match given {
        Some(given) if bool::from(given.as_bytes().ct_eq(expected.expose_secret().as_bytes())) => Ok(caller),
        Some(_) => Err(Problem::unauthorized("the bearer token is not the configured one")),
        None => Err(Problem::unauthorized("this API wants `Authorization: Bearer <token>`")),
    }
}
