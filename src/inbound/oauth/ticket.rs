//! The `state` of an installation: signed, good for a while, for one browser and one use.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How long a person may take over Slack's page, in seconds. Source: Slack's own code lives ten minutes.
pub const LIFETIME_SECONDS: i64 = 600;
/// How many used tickets are remembered; more at once is nobody's honest work.
const USED_MAX: usize = 10_000;

/// Why a ticket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not ours, or not this browser's.
    Foreign,
    Expired,
    Used,
}

/// The tickets that were used and could be used again. One process's memory: Slack's code works only once in any case.
#[derive(Debug, Default)]
pub struct Used(Mutex<BTreeMap<String, i64>>);

/// A ticket for the browser that keeps `nonce` as a cookie.
pub fn issue(secret: &SecretString, nonce: &str, now: Timestamp) -> String {
    let expires = now.as_second() + LIFETIME_SECONDS;
    format!("{expires}.{nonce}.{}", hex::encode(sign(secret, expires, nonce)))
}

/// Checks a ticket and spends it.
///
/// # Errors
/// When it is not one of ours, not this browser's, too old, or was spent before.
pub fn redeem(secret: &SecretString, used: &Used, ticket: &str, cookie: &str, now: Timestamp) -> Result<(), Refused> {
    let mut parts = ticket.splitn(3, '.');
    let (Some(expires), Some(nonce), Some(given)) = (parts.next(), parts.next(), parts.next()) else { return Err(Refused::Foreign) };
    let expires: i64 = expires.parse().map_err(|_| Refused::Foreign)?;
    let given = hex::decode(given).map_err(|_| Refused::Foreign)?;
    let ours = sign(secret, expires, nonce).ct_eq(given.as_slice()) & nonce.as_bytes().ct_eq(cookie.as_bytes());
    if !bool::from(ours) || given.is_empty() {
        return Err(Refused::Foreign);
    }
    if expires < now.as_second() {
        return Err(Refused::Expired);
    }
    let mut used = used.0.lock().unwrap_or_else(PoisonError::into_inner);
    used.retain(|_, expires| *expires >= now.as_second());
    if used.len() >= USED_MAX || used.insert(nonce.to_owned(), expires).is_some() {
        return Err(Refused::Used);
    }
    Ok(())
}

fn sign(secret: &SecretString, expires: i64, nonce: &str) -> Vec<u8> {
    // HMAC takes keys of any length, so this cannot fail; an empty signature is refused.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return Vec::new() };
    mac.update(format!("install\n{expires}.{nonce}").as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::{LIFETIME_SECONDS, Refused, Used, issue, redeem};

    #[test]
    fn a_ticket_is_good_for_one_browser_one_while_and_one_use() {
        let at = |seconds: i64| jiff::Timestamp::from_second(1_700_000_000 + seconds).unwrap();
        let (secret, other, used) = ("s".to_owned().into(), "t".to_owned().into(), Used::default());
        let ticket = issue(&secret, "n1", at(0));
        let check = |ticket: &str, cookie: &str, seconds| redeem(&secret, &used, ticket, cookie, at(seconds));
        assert_eq!(check(&ticket, "n2", 1), Err(Refused::Foreign), "another browser");
        assert_eq!(check(&ticket, "", 1), Err(Refused::Foreign));
        assert_eq!(redeem(&other, &used, &ticket, "n1", at(1)), Err(Refused::Foreign), "another app's");
        assert_eq!(check(&ticket, "n1", LIFETIME_SECONDS + 1), Err(Refused::Expired));
        assert_eq!(check(&ticket, "n1", LIFETIME_SECONDS), Ok(()));
        assert_eq!(check(&ticket, "n1", 3), Err(Refused::Used));
        for broken in
            ["", ".", "..", "1.n1", "9999999999.n1.", "9999999999.n1.zz", "9999999999.n1.00", "x.n1.00", "99999999999999999999.n.00"]
        {
            assert_eq!(check(broken, "n1", 1), Err(Refused::Foreign), "{broken}");
        }
        let stretched = ticket.replacen("17000006", "17000009", 1);
        assert_eq!(check(&stretched, "n1", 1), Err(Refused::Foreign), "its end is signed");
    }
}
