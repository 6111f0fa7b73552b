//! The keys of an identity provider as they were fetched last, and when to fetch them again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use url::{Host, Url};

use super::{Jwks, JwksError};
use crate::web::{self, Proxy};

/// How long a fetch may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest set that is read, in bytes.
const ANSWER_MAX: usize = 256 << 10;
/// How old keys may be before they are fetched again: a withdrawn key is believed no longer than this.
const HOURLY: SignedDuration = SignedDuration::from_hours(1);
/// Tokens with unknown keys cause no more than one fetch in this time.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Why keys could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("the address of the keys has to begin with https:// (http:// only for this machine)")]
    Address,
    #[error("the client for the keys cannot be built: {0}")]
    Client(String),
    #[error("the keys cannot be fetched: {0}")]
    Unreachable(String),
    #[error("the address of the keys answers with status {0}")]
    Status(u16),
    #[error("the answer with the keys is larger than 256 KiB")]
    TooLarge,
    #[error("what the address of the keys answers {0}")]
    Keys(#[from] JwksError),
}

/// The keys behind one address.
#[derive(Debug)]
pub struct KeySet {
    address: Url,
    http: reqwest::Client,
    state: Mutex<State>,
    /// One fetch at a time; those who wait for it use what it brought.
    gate: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: Arc<Jwks>,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
}

impl KeySet {
    /// The keys at `address`; nothing is fetched yet.
    ///
    /// # Errors
    /// When it is not https (or http on this machine).
    pub fn new(address: &str, proxy: Option<&Proxy>) -> Result<Self, KeySetError> {
        let address = safe(address).ok_or(KeySetError::Address)?;
        let http = web::client(TIMEOUT, proxy).map_err(KeySetError::Client)?;
        Ok(Self { address, http, state: Mutex::default(), gate: tokio::sync::Mutex::default() })
    }

    /// The keys that are there.
    pub fn keys(&self) -> Arc<Jwks> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).keys.clone()
    }

    /// The keys, fetched again where they are older than an hour. Old ones stay when that fails.
    pub async fn current(&self, now: Timestamp) -> Arc<Jwks> {
        if self.is_due(now, |state| state.fetched, HOURLY) {
            self.refresh(now).await;
        }
        self.keys()
    }

    /// Fetches the keys unless somebody did within the last 60 seconds. Old ones stay when it fails, which is logged.
    pub async fn refresh(&self, now: Timestamp) {
        let _one = self.gate.lock().await;
        if !self.is_due(now, |state| state.tried, PAUSE) {
            return;
        }
        // Written down first: whoever gives up in the middle does not cause the next attempt.
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tried = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.keys = Arc::new(keys);
                state.fetched = Some(now);
            }
            Err(error) => {
                let host = self.address.host_str().unwrap_or_default();
                tracing::warn!(%error, host, "the identity provider's keys were not refreshed; the ones there are stay");
            }
        }
    }

    /// Also after a clock that was turned back.
    fn is_due(&self, now: Timestamp, last: impl FnOnce(&State) -> Option<Timestamp>, after: SignedDuration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        last(&state).is_none_or(|last| now.duration_since(last).abs() >= after)
    }

    /// Fetches the keys now.
    ///
    /// # Errors
    /// When the address does not answer within 5 seconds with a set of keys of at most 256 KiB.
    pub async fn fetch(&self) -> Result<Jwks, KeySetError> {
        let unreachable = |error: reqwest::Error| KeySetError::Unreachable(error.without_url().to_string());
        let mut answer = self.http.get(self.address.clone()).header("accept", "application/json").send().await.map_err(unreachable)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(KeySetError::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(KeySetError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Jwks::parse(&body)?)
    }
}

/// An address to which secrets may go and from which keys may come.
pub fn safe(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    (url.scheme() == "https" || (url.scheme() == "http" && here)).then_some(url)
}
