//! Was this request really sent by Slack? The v0 signature of <https://docs.slack.dev/authentication/verifying-requests-from-slack>.

#[cfg(test)]
mod tests;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far a request's timestamp may be from our clock, in seconds, in either direction. Source: Slack's documentation (five minutes).
pub const TOLERANCE_SECONDS: i64 = 300;

/// Why a request is refused. None of it says what the right signature would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the request carries no Slack signature")]
    Missing,
    #[error("the request's timestamp is not a number of seconds")]
    BadTimestamp,
    #[error("the request's timestamp is more than {TOLERANCE_SECONDS} s from our clock")]
    Stale,
    #[error("the signature does not match")]
    Mismatch,
}

/// The cheap half, before the body is read: is the timestamp one that could be accepted?
///
/// # Errors
/// When it is missing, no number, or too far from `now`.
pub fn check_timestamp(timestamp: Option<&str>, now: Timestamp) -> Result<&str, Refused> {
    let text = timestamp.ok_or(Refused::Missing)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::BadTimestamp);
    }
    let sent: i64 = text.parse().map_err(|_| Refused::BadTimestamp)?;
    if now.as_second().abs_diff(sent) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Refused::Stale);
    }
    Ok(text)
}

/// Verifies a request's signature in constant time.
///
/// # Errors
/// When it is not what Slack would have sent for this body at this time.
pub fn verify(secret: &SecretString, timestamp: Option<&str>, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<(), Refused> {
    let timestamp = check_timestamp(timestamp, now)?;
    let given = signature.and_then(|text| text.strip_prefix("v0=")).ok_or(Refused::Missing)?;
    let given = hex::decode(given).map_err(|_| Refused::Mismatch)?;
    if bool::from(digest(secret, timestamp, body).ct_eq(given.as_slice())) { Ok(()) } else { Err(Refused::Mismatch) }
}

fn digest(secret: &SecretString, timestamp: &str, body: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length, so this cannot fail; an empty digest would match nothing of 32 bytes.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return Vec::new() };
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}
