//! Being signed in to the console: a signed cookie, and a token in each form that other sites cannot know.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::SecretString;
use serde_json::json;
use subtle::ConstantTimeEq;

use super::{Principal, TokenError, claims, crypto, jws, jwt};

/// How long somebody stays signed in, in seconds: a working day.
pub const LIFETIME_SECONDS: i64 = 8 * 60 * 60;
/// The cookie's name without prefix.
pub const COOKIE: &str = "sre_agent_session";
const AUDIENCE: &str = "console";
const ISSUER: &str = "sre-agent";

/// Somebody who is signed in. Roles are not in it: they are looked up with each request, so that taking one away works at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `slack:U01ALICE`
    pub subject: String,
    pub name: String,
    /// The workspace, by its id.
    pub team: String,
    /// What it can be revoked by.
    pub jti: String,
    /// Seconds since 1970.
    pub expires: i64,
}

impl Session {
    pub fn principal(&self, roles: BTreeSet<String>) -> Principal {
        Principal { subject: self.subject.clone(), name: self.name.clone(), roles, token: Some(self.jti.clone()) }
    }

    /// The Slack user id, where it is a person from Slack.
    pub fn slack_user(&self) -> Option<&str> {
        self.subject.strip_prefix("slack:")
    }
}

/// Signs and reads sessions, with keys that are made from the secret for tokens and used for nothing else.
pub struct Sessions {
    signing: EncodingKey,
    reading: DecodingKey,
    forms: [u8; 32],
}

impl Sessions {
    /// # Errors
    /// When the secret is shorter than 32 bytes.
    pub fn new(secret: &SecretString) -> Result<Self, TokenError> {
        jwt::strong(secret)?;
        let key = crypto::derived(secret, "console session");
        Ok(Self {
            signing: EncodingKey::from_secret(&key),
            reading: DecodingKey::from_secret(&key),
            forms: crypto::derived(secret, "console forms"),
        })
    }

    /// Signs somebody in: the cookie's value and what it says. `jti` is random and used once.
    ///
    /// # Errors
    /// When a part is empty, too long or holds control characters.
    pub fn open(&self, subject: &str, name: &str, team: &str, now: Timestamp, jti: &str) -> Result<(SecretString, Session), TokenError> {
        if ![subject, name, team, jti].into_iter().all(|text| claims::is_plain(text, claims::TEXT_MAX)) {
            return Err(TokenError::Subject);
        }
        let issued = now.as_second();
        let session = Session {
            subject: subject.to_owned(),
            name: name.to_owned(),
            team: team.to_owned(),
            jti: jti.to_owned(),
            expires: issued.saturating_add(LIFETIME_SECONDS),
        };
        let says = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "name": name, "team": team, "jti": jti, "iat": issued, "exp": session.expires,
        });
        Ok((jws::sign(&says, &self.signing)?, session))
    }

    /// Reads a cookie's value.
    ///
    /// # Errors
    /// When it is not one of ours or is over.
    pub fn read(&self, cookie: &str, now: Timestamp) -> Result<Session, TokenError> {
        let map = jws::open(cookie, |head| match head.algorithm {
            Algorithm::HS256 => Ok(self.reading.clone()),
            _ => Err(TokenError::Algorithm),
        })?;
        if claims::text(&map, "iss")? != ISSUER {
            return Err(TokenError::Issuer);
        }
        claims::audience(&map, AUDIENCE)?;
        let times = claims::times(&map, now)?;
        let issued = times.issued.ok_or(TokenError::Claim("iat"))?;
        if times.expires.saturating_sub(issued) > LIFETIME_SECONDS {
            return Err(TokenError::LivesTooLong);
        }
        let text = |name| claims::text(&map, name).map(str::to_owned);
        Ok(Session { subject: text("sub")?, name: text("name")?, team: text("team")?, jti: text("jti")?, expires: times.expires })
    }

    /// What each form of this session carries.
    pub fn csrf(&self, session: &Session) -> String {
        hex::encode(crypto::mac(&self.forms, &["csrf", &session.jti]))
    }

    /// Whether a form that was sent belongs to this session; in constant time.
    pub fn is_csrf(&self, session: &Session, given: &str) -> bool {
        self.csrf(session).as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}
