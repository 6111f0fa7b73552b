//! The `state` of a sign-in or an installation: signed, good for ten minutes, for one browser and one use.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use super::crypto::{derived, mac};

/// How long a person may take over the other side's page, in seconds. Source: Slack's own code lives ten minutes.
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

/// Issues and redeems tickets. Which were used is one process's memory: the code beside them works only once in any case.
pub struct Tickets {
    key: [u8; 32],
    used: Mutex<BTreeMap<String, i64>>,
}

impl Tickets {
    /// The key is made from `secret` for one `purpose`: a ticket for another purpose is a foreign one.
    pub fn new(secret: &SecretString, purpose: &str) -> Self {
        Self { key: derived(secret, purpose), used: Mutex::default() }
    }

    /// A ticket for the browser that keeps `cookie`. The cookie cannot be told from it: the ticket goes through addresses and logs.
    pub fn issue(&self, cookie: &str, now: Timestamp) -> String {
        let expires = now.as_second().saturating_add(LIFETIME_SECONDS).to_string();
        let id = self.id(cookie);
        let signature = self.signature(&expires, &id);
        format!("{expires}.{id}.{signature}")
    }

    /// Checks a ticket and spends it.
    ///
    /// # Errors
    /// When it is not one of ours, not this browser's, too old, or was spent before.
    pub fn redeem(&self, ticket: &str, cookie: &str, now: Timestamp) -> Result<(), Refused> {
        let mut parts = ticket.splitn(3, '.');
        let (Some(expires), Some(id), Some(given)) = (parts.next(), parts.next(), parts.next()) else { return Err(Refused::Foreign) };
        let signed = self.signature(expires, id).as_bytes().ct_eq(given.as_bytes());
        let theirs = self.id(cookie).as_bytes().ct_eq(id.as_bytes());
        if !bool::from(signed & theirs) || cookie.is_empty() {
            return Err(Refused::Foreign);
        }
        let expires: i64 = expires.parse().map_err(|_| Refused::Foreign)?;
        let now = now.as_second();
        if expires < now {
            return Err(Refused::Expired);
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| *expires >= now);
        if used.len() >= USED_MAX || used.insert(id.to_owned(), expires).is_some() {
            return Err(Refused::Used);
        }
        Ok(())
    }

    /// Another value that belongs to the same browser and cannot be told from the cookie either.
    pub fn companion(&self, purpose: &str, cookie: &str) -> [u8; 32] {
        mac(&self.key, &[purpose, cookie])
    }

    fn id(&self, cookie: &str) -> String {
        hex::encode(self.companion("id", cookie))
    }

    fn signature(&self, expires: &str, id: &str) -> String {
        hex::encode(mac(&self.key, &["ticket", expires, id]))
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}

#[cfg(test)]
mod tests {
    use super::{LIFETIME_SECONDS, Refused, Tickets};

    #[test]
    fn a_ticket_is_good_for_one_browser_one_while_and_one_use() {
        let at = |seconds: i64| jiff::Timestamp::from_second(1_700_000_000 + seconds).unwrap();
        let tickets = Tickets::new(&"s".to_owned().into(), "install");
        let ticket = tickets.issue("n1", at(0));
        assert!(!ticket.contains("n1"), "the cookie cannot be told from it: {ticket}");
        let check = |ticket: &str, cookie: &str, seconds| tickets.redeem(ticket, cookie, at(seconds));
        assert_eq!(check(&ticket, "n2", 1), Err(Refused::Foreign), "another browser");
        assert_eq!(check(&ticket, "", 1), Err(Refused::Foreign));
        let others = [Tickets::new(&"t".to_owned().into(), "install"), Tickets::new(&"s".to_owned().into(), "sign-in")];
        for other in others {
            assert_eq!(other.redeem(&ticket, "n1", at(1)), Err(Refused::Foreign), "another app's, or for another purpose");
        }
        assert_eq!(check(&ticket, "n1", LIFETIME_SECONDS + 1), Err(Refused::Expired));
        assert_eq!(check(&ticket, "n1", LIFETIME_SECONDS), Ok(()));
        assert_eq!(check(&ticket, "n1", 3), Err(Refused::Used));
        for broken in ["", ".", "..", "1.n1", "9999999999.n1.", "9999999999.n1.zz", "x.n1.00", "99999999999999999999.n.00"] {
            assert_eq!(check(broken, "n1", 1), Err(Refused::Foreign), "{broken}");
        }
        let stretched = tickets.issue("n3", at(0)).replacen("17000006", "17000009", 1);
        assert_eq!(check(&stretched, "n3", 1), Err(Refused::Foreign), "its end is signed");
    }
}
