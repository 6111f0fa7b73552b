//! Who comes in: tokens, keys and sessions, and the limits of each caller. Made once, asked by `access` and the console.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, HOST, ORIGIN},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;

use super::{State, router::one_header};
use crate::{
    auth::{Access, ApiKey, Principal, RateLimits, StoredKey, Verifier, oidc::SignIn, session::Sessions},
    model::Caller,
    store::{DocumentKind, Store, StoreError},
};

/// What the callers are called who have no name of their own: whoever holds the one token.
pub const ANYBODY: &str = "api";
/// What that token may do.
const ADMIN: &str = "admin";

/// The parts.
pub struct Gate {
    pub access: Arc<Access>,
    /// The one token of `api.token`.
    pub token: Option<SecretString>,
    /// Tokens of ours and of an identity provider.
    pub verifier: Verifier,
    /// There is neither a token nor a secret nor a provider, which the settings allow for addresses of this machine alone.
    pub open: bool,
    /// Subjects of tokens that are people of Slack.
    pub identities: BTreeMap<String, String>,
    pub limits: RateLimits,
    pub sessions: Sessions,
    pub sign_in: Option<SignIn>,
    /// People reach us by https.
    pub secure: bool,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shut {
    /// A sentence for the caller.
    Unknown(String),
    Unavailable,
}

impl From<StoreError> for Shut {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a caller could not be looked up");
        Self::Unavailable
    }
}

impl Gate {
    /// Who sends the request, by the header `Authorization`.
    ///
    /// # Errors
    /// When it proves nobody.
    pub async fn bearer(&self, store: &dyn Store, headers: &HeaderMap, now: Timestamp) -> Result<Principal, Shut> {
        let given = match one_header(headers, AUTHORIZATION.as_str()) {
            Some(value) => value.strip_prefix("Bearer ").map(str::trim),
            None if self.open && headers.get(AUTHORIZATION).is_none() => {
                if !is_local(headers) {
                    return Err(Shut::Unknown("without a token this API answers only to names of this machine".to_owned()));
                }
                return Ok(self.anybody());
            }
            None => None,
        };
        match given {
            Some(given) => self.token(store, given, now).await,
            None => Err(Shut::Unknown("this API wants `Authorization: Bearer <token>`".to_owned())),
        }
    }

    /// Whose token or key it is.
    ///
    /// # Errors
    /// When it is nobody's.
    pub async fn token(&self, store: &dyn Store, given: &str, now: Timestamp) -> Result<Principal, Shut> {
        self.token_until(store, given, now).await.map(|(who, _)| who)
    }

    /// Whose token or key it is, and until when a token counts, in seconds since 1970; `None` where it has no end.
    ///
    /// # Errors
    /// When it is nobody's.
    pub async fn token_until(&self, store: &dyn Store, given: &str, now: Timestamp) -> Result<(Principal, Option<i64>), Shut> {
        if self.token.as_ref().is_some_and(|expected| bool::from(given.as_bytes().ct_eq(expected.expose_secret().as_bytes()))) {
            return Ok((self.anybody(), None));
        }
        if let Some((id, secret)) = ApiKey::parse(given) {
            let found = store.document(DocumentKind::ApiKey, id).await?;
            let key = found.and_then(|found| serde_json::from_value::<StoredKey>(found.body).ok());
            let who = StoredKey::check(key.as_ref(), &secret, now).map_err(|error| Shut::Unknown(error.to_string()))?;
            return Ok((who, None));
        }
        if self.token.is_some() && given.matches('.').count() != 2 {
            return Err(Shut::Unknown("the bearer token is not the configured one".to_owned()));
        }
        let verified = self.verifier.verify_fresh(given, now).await.map_err(|error| Shut::Unknown(error.to_string()))?;
        let until = Some(verified.claims.exp);
        let mut principal = verified.principal;
        if let Some(token) = &principal.token
            && store.document(DocumentKind::Revoked, token).await?.is_some()
        {
            return Err(Shut::Unknown("this token was revoked".to_owned()));
        }
        if let Some(user) =
            ["jwt:", "idp:"].iter().find_map(|kind| principal.subject.strip_prefix(kind)).and_then(|subject| self.identities.get(subject))
        {
            principal.subject.clone_from(user);
        }
        Ok((principal, until))
    }

    /// The holder of the one token, or everybody on this machine.
    pub fn anybody(&self) -> Principal {
        Principal { subject: ANYBODY.to_owned(), name: ANYBODY.to_owned(), roles: [ADMIN.to_owned()].into(), token: None }
    }
}

/// The caller as records keep them: a person of Slack by their id.
pub fn caller(who: &Principal) -> Caller {
    match who.slack_user() {
        Some(user) => Caller { token: who.token.clone(), ..Caller::slack(user) },
        None => Caller { id: who.subject.clone(), roles: who.roles.iter().cloned().collect(), token: who.token.clone() },
    }
}

/// Whether a browser says that a page of another origin sends the request. What is no browser says nothing, and is not foreign.
pub fn is_foreign(state: &State, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let Ok(origin) = origin.to_str() else { return true };
    let host = one_header(headers, HOST.as_str()).unwrap_or_default();
    let own = origin.split_once("://").is_some_and(|(_, of)| of == host);
    !own && state.public_url.as_deref() != Some(origin)
}

/// Whether the request was sent to a name of this machine: a page that somebody opens can make a browser send to us under a
/// name of its own.
pub fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = one_header(headers, HOST.as_str()) else { return headers.get(HOST).is_none() };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
