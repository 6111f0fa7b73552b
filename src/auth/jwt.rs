//! Tokens of our own: signed with our secret, for an hour unless somebody asks for more.

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    TokenError,
    claims::{self, TEXT_MAX},
    jws,
};

/// How long a token lives when nothing is said.
pub const DEFAULT_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// How long a token may live at most; whatever needs longer gets a key that can be listed and revoked.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// The shortest secret, in bytes. Source: RFC 7518, 3.2 (a key of the hash's size or larger).
pub const SECRET_MIN: usize = 32;

/// What a token says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub sub: String,
    pub name: String,
    pub roles: BTreeSet<String>,
    /// Always there in our own tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    pub exp: i64,
    /// Always there in our own tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    pub iss: String,
    pub aud: String,
}

/// Makes our tokens.
pub struct Issuer {
    key: EncodingKey,
    issuer: String,
    audience: String,
}

impl Issuer {
    /// # Errors
    /// When the secret is shorter than 32 bytes, or a name is empty.
    pub fn new(secret: &SecretString, issuer: &str, audience: &str) -> Result<Self, TokenError> {
        strong(secret)?;
        named(issuer, "issuer")?;
        named(audience, "audience")?;
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        Ok(Self { key, issuer: issuer.to_owned(), audience: audience.to_owned() })
    }

    /// A token for `subject` (`alice@example.com`) from `now` on. `jti` is what it can be revoked by, and has to be its own.
    ///
    /// # Errors
    /// When it would live longer than 24 hours or less than a second, or a name is empty, too long or holds control characters.
    pub fn issue(
        &self,
        subject: &str,
        name: &str,
        roles: &BTreeSet<String>,
        lifetime: Option<SignedDuration>,
        now: Timestamp,
        jti: &str,
    ) -> Result<(SecretString, Claims), TokenError> {
        let lifetime = lifetime.unwrap_or(DEFAULT_LIFETIME);
        if lifetime < SignedDuration::from_secs(1) || lifetime > MAX_LIFETIME {
            return Err(TokenError::Lifetime);
        }
        let plain = |text: &str| claims::is_plain(text, TEXT_MAX);
        if ![subject, name, jti].into_iter().all(plain) || !roles.iter().all(|role| claims::is_plain(role, 64)) {
            return Err(TokenError::Subject);
        }
        let now = now.as_second();
        let claims = Claims {
            sub: subject.to_owned(),
            name: name.to_owned(),
            roles: roles.clone(),
            iat: Some(now),
            nbf: Some(now),
            exp: now.saturating_add(lifetime.as_secs()),
            jti: Some(jti.to_owned()),
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
        };
        Ok((jws::sign(&claims, &self.key)?, claims))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("issuer", &self.issuer).field("audience", &self.audience).finish_non_exhaustive()
    }
}

/// # Errors
/// When the secret is too short.
pub fn strong(secret: &SecretString) -> Result<(), TokenError> {
    if secret.expose_secret().len() < SECRET_MIN { Err(TokenError::WeakSecret) } else { Ok(()) }
}

/// # Errors
/// When a part of the settings that has to be there is not.
pub fn named(text: &str, what: &'static str) -> Result<(), TokenError> {
    if claims::is_plain(text, TEXT_MAX) { Ok(()) } else { Err(TokenError::Incomplete(what)) }
}
