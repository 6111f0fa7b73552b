//! Tokens on requests: ours by our secret, the identity provider's by its keys, nobody else's.

use std::{collections::BTreeSet, fmt, sync::Arc};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{
    Claims, Jwks, KeySet, MAX_LIFETIME, Principal, TokenError,
    claims::{self, Times},
    jws,
    jwt::{named, strong},
};

/// Where the identity provider's keys come from.
#[derive(Debug, Clone)]
pub enum Keys {
    /// Written in the settings.
    Fixed(Arc<Jwks>),
    /// Fetched, and fetched again.
    Fetched(Arc<KeySet>),
}

/// What our own tokens have to be like.
pub struct OwnTokens {
    key: DecodingKey,
    issuer: String,
    audience: String,
}

impl OwnTokens {
    /// # Errors
    /// When the secret is shorter than 32 bytes, or a name is empty.
    pub fn new(secret: &SecretString, issuer: &str, audience: &str) -> Result<Self, TokenError> {
        strong(secret)?;
        named(issuer, "issuer")?;
        named(audience, "audience")?;
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
        Ok(Self { key, issuer: issuer.to_owned(), audience: audience.to_owned() })
    }
}

impl fmt::Debug for OwnTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnTokens").field("issuer", &self.issuer).field("audience", &self.audience).finish_non_exhaustive()
    }
}

/// What an identity provider's tokens have to be like.
#[derive(Debug)]
pub struct ForeignTokens {
    keys: Keys,
    issuers: BTreeSet<String>,
    audience: String,
    roles_claim: String,
}

impl ForeignTokens {
    /// `roles_claim` says which claim holds the roles; empty for `roles`, dots lead into objects (`realm_access.roles`).
    ///
    /// # Errors
    /// When there is no issuer, or a name is empty: without them any token of that provider would do.
    pub fn new(keys: Keys, issuers: impl IntoIterator<Item = String>, audience: &str, roles_claim: &str) -> Result<Self, TokenError> {
        let issuers: BTreeSet<String> = issuers.into_iter().collect();
        if issuers.is_empty() {
            return Err(TokenError::Incomplete("issuers"));
        }
        for issuer in &issuers {
            named(issuer, "issuers")?;
        }
        named(audience, "audience")?;
        let roles_claim = if roles_claim.is_empty() { "roles" } else { roles_claim };
        Ok(Self { keys, issuers, audience: audience.to_owned(), roles_claim: roles_claim.to_owned() })
    }
}

/// A token that was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub principal: Principal,
    pub claims: Claims,
    /// Ours, and not the identity provider's.
    pub own: bool,
}

/// Verifies tokens. Whether one was revoked is asked of the store, by `Principal::token`.
#[derive(Debug)]
pub struct Verifier {
    own: Option<OwnTokens>,
    foreign: Option<ForeignTokens>,
}

impl Verifier {
    /// With neither, every token is refused.
    pub fn new(own: Option<OwnTokens>, foreign: Option<ForeignTokens>) -> Self {
        Self { own, foreign }
    }

    /// As [`Self::verify`], with keys that are fetched where they are old, and once more where the token's is unknown.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub async fn verify_fresh(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let Some(ForeignTokens { keys: Keys::Fetched(set), .. }) = &self.foreign else { return self.verify(token, now) };
        match self.verify(token, now) {
            // Our own tokens do not wait for somebody else's keys.
            Ok(verified) if verified.own => return Ok(verified),
            Err(error) if !error.asks_for_refresh() => return Err(error),
            _ => {}
        }
        set.current(now).await;
        match self.verify(token, now) {
            Err(error) if error.asks_for_refresh() => {
                set.refresh(now).await;
                self.verify(token, now)
            }
            other => other,
        }
    }

    /// Verifies `token` with the keys that are there.
    ///
    /// # Errors
    /// Why it is refused; with [`TokenError::UnknownKey`] fresh keys may help.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let mut own = false;
        let claims = jws::open(token, |head| match (head.algorithm, &self.own, &self.foreign) {
            (Algorithm::HS256, Some(ours), _) => {
                own = true;
                Ok(ours.key.clone())
            }
            (Algorithm::RS256 | Algorithm::ES256, _, Some(foreign)) => {
                let keys = match &foreign.keys {
                    Keys::Fixed(keys) => keys.clone(),
                    Keys::Fetched(set) => set.keys(),
                };
                keys.find(head.kid.as_deref(), head.algorithm).cloned().ok_or(TokenError::UnknownKey)
            }
            _ => Err(TokenError::Algorithm),
        })?;
        match (own, &self.own, &self.foreign) {
            (true, Some(ours), _) => ours.read(&claims, now),
            (false, _, Some(foreign)) => foreign.read(&claims, now),
            _ => Err(TokenError::Algorithm),
        }
    }
}

impl OwnTokens {
    fn read(&self, map: &Map<String, Value>, now: Timestamp) -> Result<Verified, TokenError> {
        let iss = claims::text(map, "iss")?;
        if iss != self.issuer {
            return Err(TokenError::Issuer);
        }
        claims::audience(map, &self.audience)?;
        let times = claims::times(map, now)?;
        let issued = times.issued.ok_or(TokenError::Claim("iat"))?;
        if times.expires.saturating_sub(issued) > MAX_LIFETIME.as_secs() {
            return Err(TokenError::LivesTooLong);
        }
        // Without it the token could not be revoked.
        let jti = claims::text(map, "jti")?;
        let read = verified(map, iss, &self.audience, times, Some(jti), "roles")?;
        Ok(Verified { own: true, principal: Principal { subject: format!("jwt:{}", read.claims.sub), ..read.principal }, ..read })
    }
}

impl ForeignTokens {
    fn read(&self, map: &Map<String, Value>, now: Timestamp) -> Result<Verified, TokenError> {
        let iss = claims::text(map, "iss")?;
        if !self.issuers.contains(iss) {
            return Err(TokenError::Issuer);
        }
        claims::audience(map, &self.audience)?;
        let times = claims::times(map, now)?;
        verified(map, iss, &self.audience, times, claims::text(map, "jti").ok(), &self.roles_claim)
    }
}

fn verified(map: &Map<String, Value>, iss: &str, aud: &str, times: Times, jti: Option<&str>, roles: &str) -> Result<Verified, TokenError> {
    let sub = claims::text(map, "sub")?;
    let name = claims::text(map, "name").unwrap_or(sub);
    let claims = Claims {
        sub: sub.to_owned(),
        name: name.to_owned(),
        roles: claims::roles(claims::at(map, roles)),
        iat: times.issued,
        nbf: times.not_before,
        exp: times.expires,
        jti: jti.map(str::to_owned),
        iss: iss.to_owned(),
        aud: aud.to_owned(),
    };
    // Another issuer's subject of the same letters may be another person.
    let principal =
        Principal { subject: format!("idp:{sub}"), name: name.to_owned(), roles: claims.roles.clone(), token: claims.jti.clone() };
    Ok(Verified { principal, claims, own: false })
}
