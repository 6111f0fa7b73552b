//! Signing in with Slack (OpenID Connect): to Slack's page, back with a code, and a person whom Slack has signed.
//!
//! Source: <https://docs.slack.dev/authentication/sign-in-with-slack/>, <https://docs.slack.dev/reference/methods/openid.connect.token>.

mod exchange;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

pub use super::ticket::LIFETIME_SECONDS;
use super::{
    Jwks, KeySet, Principal, Refused, TokenError, claims, jws, jwt,
    keyset::{self, KeySetError},
    ticket::Tickets,
};
use crate::{
    model::is_slack_user,
    web::{self, Proxy},
};

/// The browser's half of a sign-in that is under way; without prefix.
pub const COOKIE: &str = "sre_agent_sign_in";
/// How long redeeming a code may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest code that is sent on, in bytes; Slack's have some 90.
const CODE_MAX: usize = 512;

/// What signing in needs.
#[derive(Debug, Clone)]
pub struct SignInConfig {
    pub client_id: String,
    pub client_secret: SecretString,
    /// Our callback as the browser sees it.
    pub redirect: String,
    /// Where people agree: `https://slack.com/openid/connect/authorize`.
    pub authorize_url: String,
    /// `https://slack.com/api`, without a slash at its end.
    pub api_url: String,
    /// `https://slack.com/openid/connect/keys`
    pub keys_url: String,
    /// `https://slack.com`
    pub issuer: String,
    /// A workspace's id that Slack's page proposes; empty to let the person choose.
    pub team: String,
    /// Whether the code is bound to a second value (RFC 7636). Slack takes that since March 2026, but only from apps that it has
    /// irrevocably marked as public clients; an app with a secret on a server does without.
    pub pkce: bool,
}

impl SignInConfig {
    /// With Slack's own addresses.
    pub fn new(client_id: &str, client_secret: SecretString, redirect: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret,
            redirect: redirect.to_owned(),
            authorize_url: "https://slack.com/openid/connect/authorize".to_owned(),
            api_url: "https://slack.com/api".to_owned(),
            keys_url: "https://slack.com/openid/connect/keys".to_owned(),
            issuer: "https://slack.com".to_owned(),
            team: String::new(),
            pkce: false,
        }
    }
}

/// Why somebody was not signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    #[error("{}", in_words(*.0))]
    Ticket(Refused),
    #[error("Slack sent no code. Nothing was changed; sign in again if that was not your wish.")]
    NoCode,
    #[error("Slack could not be reached. Please sign in again.")]
    Unreachable(String),
    /// The short word that Slack has for it.
    #[error("Slack did not accept the sign-in ({0}). Please sign in again.")]
    Slack(String),
    #[error("What Slack sent about you could not be verified: {0}.")]
    Token(#[from] TokenError),
    #[error("This console is not for the workspace that you signed in with.")]
    Team,
    #[error("the settings of the sign-in are wrong: {0}")]
    Settings(String),
}

fn in_words(refused: Refused) -> &'static str {
    match refused {
        Refused::Foreign => "This sign-in was not started here, or in another browser. Please sign in again.",
        Refused::Expired => "This sign-in took more than ten minutes. Please sign in again.",
        Refused::Used => "This sign-in was finished before. Please sign in again if it did not work.",
    }
}

/// Where to send the browser, and what it has to keep as [`COOKIE`].
#[derive(Debug)]
pub struct Start {
    pub url: Url,
    pub cookie: SecretString,
}

/// Somebody for whom Slack has vouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `U01ALICE`
    pub user: String,
    /// `T01TEAM`
    pub team: String,
    pub name: String,
    /// Only where Slack has verified it.
    pub email: Option<String>,
}

impl Person {
    pub fn principal(&self, roles: BTreeSet<String>) -> Principal {
        Principal::slack(&self.user, &self.name, roles)
    }
}

/// Signs people in with Slack.
#[derive(Debug)]
pub struct SignIn {
    config: SignInConfig,
    authorize: Url,
    token: Url,
    http: reqwest::Client,
    keys: Arc<KeySet>,
    tickets: Tickets,
}

impl SignIn {
    /// `secret` signs what goes through the browser: at least 32 bytes, the same on every replica.
    ///
    /// # Errors
    /// When a setting is empty, or an address is not https (http is for this machine only).
    pub fn new(config: SignInConfig, secret: &SecretString, proxy: Option<&Proxy>) -> Result<Self, SignInError> {
        let wrong = |name: &str| SignInError::Settings(format!("`{name}` has to be an address that begins with https://"));
        let named = |text: &str, what: &'static str| jwt::named(text, what).map_err(|error| SignInError::Settings(error.to_string()));
        jwt::strong(secret).map_err(|error| SignInError::Settings(error.to_string()))?;
        named(&config.client_id, "client_id")?;
        named(&config.issuer, "issuer")?;
        named(config.client_secret.expose_secret(), "client_secret")?;
        let authorize = keyset::safe(&config.authorize_url).ok_or_else(|| wrong("authorize_url"))?;
        let token = keyset::safe(&format!("{}/openid.connect.token", config.api_url)).ok_or_else(|| wrong("api_url"))?;
        keyset::safe(&config.redirect).ok_or_else(|| wrong("redirect"))?;
        let keys = KeySet::new(&config.keys_url, proxy).map_err(|error| match error {
            KeySetError::Address => wrong("keys_url"),
            other => SignInError::Settings(other.to_string()),
        })?;
        let http = web::client(TIMEOUT, proxy).map_err(SignInError::Settings)?;
        let tickets = Tickets::new(secret, "console sign-in");
        Ok(Self { config, authorize, token, http, keys: Arc::new(keys), tickets })
    }

    /// Begins a sign-in. `random` comes from the operating system.
    pub fn start(&self, random: [u8; 32], now: Timestamp) -> Start {
        let cookie = hex::encode(random);
        let mut url = self.authorize.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("scope", "openid profile email")
                .append_pair("client_id", &self.config.client_id)
                .append_pair("redirect_uri", &self.config.redirect)
                .append_pair("state", &self.tickets.issue(&cookie, now))
                .append_pair("nonce", &self.nonce(&cookie));
            if !self.config.team.is_empty() {
                query.append_pair("team", &self.config.team);
            }
            if self.config.pkce {
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.code_verifier(&cookie).as_bytes()));
                query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
            }
        }
        Start { url, cookie: cookie.into() }
    }

    /// Ends a sign-in: `code` and `state` are what Slack sent the browser back with, `cookie` is what the browser kept.
    /// `is_ours` tells whether a workspace, by its id, is one of ours: with a distributed app people of any workspace can come this far.
    ///
    /// # Errors
    /// A sentence for the person.
    pub async fn finish(
        &self,
        code: &str,
        state: &str,
        cookie: &str,
        is_ours: impl Fn(&str) -> bool + Send,
        now: Timestamp,
    ) -> Result<Person, SignInError> {
        self.tickets.redeem(state, cookie, now).map_err(SignInError::Ticket)?;
        if code.is_empty() || code.len() > CODE_MAX {
            return Err(SignInError::NoCode);
        }
        let code_verifier = self.config.pkce.then(|| self.code_verifier(cookie));
        let token = exchange::redeem(&self.http, &self.token, &self.config, code, code_verifier.as_deref()).await?;
        let mut keys = self.keys.current(now).await;
        let opened = match self.open(token.expose_secret(), &keys) {
            Err(error) if error.asks_for_refresh() => {
                self.keys.refresh(now).await;
                keys = self.keys.keys();
                self.open(token.expose_secret(), &keys)
            }
            other => other,
        }?;
        let person = self.person(&opened, cookie, now)?;
        if is_ours(&person.team) { Ok(person) } else { Err(SignInError::Team) }
    }

    fn open(&self, token: &str, keys: &Jwks) -> Result<Map<String, Value>, TokenError> {
        jws::open(token, |head| match head.algorithm {
            Algorithm::RS256 => keys.find(head.kid.as_deref(), head.algorithm).cloned().ok_or(TokenError::UnknownKey),
            _ => Err(TokenError::Algorithm),
        })
    }

    fn person(&self, map: &Map<String, Value>, cookie: &str, now: Timestamp) -> Result<Person, TokenError> {
        if claims::text(map, "iss")? != self.config.issuer {
            return Err(TokenError::Issuer);
        }
        claims::audience(map, &self.config.client_id)?;
        // Made for several, it has to say that it was made at our wish. Source: OpenID Connect Core, 3.1.3.7.
        let several = map.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
        if (several || map.contains_key("azp")) && map.get("azp").and_then(Value::as_str) != Some(&self.config.client_id) {
            return Err(TokenError::Audience);
        }
        claims::times(map, now)?;
        if !bool::from(claims::text(map, "nonce")?.as_bytes().ct_eq(self.nonce(cookie).as_bytes())) {
            return Err(TokenError::Nonce);
        }
        let user = claims::text(map, "https://slack.com/user_id")?;
        if !is_slack_user(user) {
            return Err(TokenError::Claim("https://slack.com/user_id"));
        }
        let team = claims::text(map, "https://slack.com/team_id")?;
        let verified = map.get("email_verified").and_then(Value::as_bool) == Some(true);
        let email = claims::text(map, "email").ok().filter(|_| verified);
        Ok(Person {
            user: user.to_owned(),
            team: team.to_owned(),
            name: claims::text(map, "name").unwrap_or(user).to_owned(),
            email: email.map(str::to_owned),
        })
    }

    fn nonce(&self, cookie: &str) -> String {
        hex::encode(self.tickets.companion("nonce", cookie))
    }

    fn code_verifier(&self, cookie: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.tickets.companion("pkce", cookie))
    }
}
