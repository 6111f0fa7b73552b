//! Keys for machines: shown once, kept as a hash, listed and revoked one by one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Principal, claims};

/// What every key begins with, so that a leaked one can be recognised.
const PREFIX: &str = "sre_";
/// Of the random bytes, these many are the id; the other 32 are the secret.
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

/// Why a key is refused or cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// One answer for an unknown key and a wrong secret: which keys exist is nobody's business.
    #[error("the API key is not known")]
    Unknown,
    #[error("the API key was revoked")]
    Revoked,
    #[error("the API key has expired")]
    Expired,
    #[error("a key's name has up to 64 letters, digits, `.`, `_` and `-`")]
    Name,
    #[error("a key's role is empty, too long, or holds control characters")]
    Role,
    #[error("a key has to expire in the future")]
    PastExpiry,
}

/// What is kept of a key. The secret is not in it: it has 256 random bits, so a fast hash is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    pub id: String,
    pub name: String,
    pub roles: BTreeSet<String>,
    /// SHA-256 of the secret, in hex.
    pub hash: String,
    pub created_at: Timestamp,
    /// `None` for never.
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// The last four characters of the secret, for people who have the key before them.
    pub last_four: String,
}

/// Making and reading keys.
#[derive(Debug)]
pub struct ApiKey;

impl ApiKey {
    /// A new key: what is shown once (`sre_<id>_<secret>`), and what is kept. `random` comes from the operating system.
    ///
    /// # Errors
    /// When the name or a role is not fit to be kept, or the key would have expired already.
    pub fn generate(
        name: &str,
        roles: BTreeSet<String>,
        expires: Option<Timestamp>,
        now: Timestamp,
        random: [u8; ID_BYTES + SECRET_BYTES],
    ) -> Result<(SecretString, StoredKey), KeyError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(KeyError::Name);
        }
        if !roles.iter().all(|role| claims::is_plain(role, 64)) {
            return Err(KeyError::Role);
        }
        if expires.is_some_and(|expires| expires <= now) {
            return Err(KeyError::PastExpiry);
        }
        let (id, secret) = random.split_at(ID_BYTES);
        let (id, secret) = (hex::encode(id), hex::encode(secret));
        let shown = SecretString::from(format!("{PREFIX}{id}_{secret}"));
        let last_four = secret.get(secret.len().saturating_sub(4)..).unwrap_or_default().to_owned();
        let stored = StoredKey {
            id,
            name: name.to_owned(),
            roles,
            hash: hash(&secret),
            created_at: now,
            expires_at: expires,
            revoked_at: None,
            last_four,
        };
        Ok((shown, stored))
    }

    /// Id and secret of a key that was sent; `None` where it has not the shape of one.
    pub fn parse(text: &str) -> Option<(&str, SecretString)> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let hex = |part: &str, bytes: usize| {
            part.len() == 2 * bytes && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        (hex(id, ID_BYTES) && hex(secret, SECRET_BYTES)).then(|| (id, SecretString::from(secret)))
    }
}

impl StoredKey {
    /// Stands in where no key has the id that was sent, so that the answer takes as long. It accepts nothing.
    pub fn dummy() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            roles: BTreeSet::new(),
            // No secret has this hash that anybody knows, and it is revoked besides.
            hash: "0".repeat(64),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            revoked_at: Some(Timestamp::UNIX_EPOCH),
            last_four: String::new(),
        }
    }

    /// Who the sender of `secret` is. `found` is what the store has under the id.
    ///
    /// # Errors
    /// When there is no such key, the secret is another, or the key was revoked or has expired.
    pub fn check(found: Option<&Self>, secret: &SecretString, now: Timestamp) -> Result<Principal, KeyError> {
        match found {
            Some(key) => key.accepts(secret, now),
            None => Self::dummy().accepts(secret, now),
        }
    }

    /// Who the sender of `secret` is, in constant time. Revocation and expiry are told only to somebody who has the secret.
    ///
    /// # Errors
    /// When the secret is another, or the key was revoked or has expired.
    pub fn accepts(&self, secret: &SecretString, now: Timestamp) -> Result<Principal, KeyError> {
        let same = hash(secret.expose_secret()).as_bytes().ct_eq(self.hash.as_bytes());
        if !bool::from(same) {
            return Err(KeyError::Unknown);
        }
        if self.revoked_at.is_some() {
            return Err(KeyError::Revoked);
        }
        if self.expires_at.is_some_and(|expires| expires <= now) {
            return Err(KeyError::Expired);
        }
        Ok(Principal {
            subject: format!("key:{}", self.name),
            name: self.name.clone(),
            roles: self.roles.clone(),
            token: Some(self.id.clone()),
        })
    }
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
