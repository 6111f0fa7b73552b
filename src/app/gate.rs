//! The gate of the settings: which tokens, keys and sessions count.

use std::sync::Arc;

use anyhow::Context as _;
use secrecy::SecretString;

use super::random_bytes;
use crate::{
    auth::{
        Access, ForeignTokens, KeySet, Keys, OwnTokens, RateLimits, Verifier,
        oidc::{SignIn, SignInConfig},
        session::Sessions,
    },
    config::{AUDIENCE, ISSUER, Tokens},
    inbound::Gate,
    slack::{Connection, oauth::AppCredentials},
};

/// Builds it; `slack` is the app whose people can sign in to the console at `public_url`.
///
/// # Errors
/// When a setting cannot be used.
pub fn build(
    token: Option<SecretString>,
    tokens: Tokens,
    access: Arc<Access>,
    slack: Option<&AppCredentials>,
    public_url: Option<&str>,
    connection: &Connection,
) -> anyhow::Result<Gate> {
    let own =
        tokens.secret.as_ref().map(|secret| OwnTokens::new(secret, ISSUER, AUDIENCE)).transpose().context("`access.tokens.secret`")?;
    let foreign = match &tokens.provider {
        Some(provider) => {
            let keys = KeySet::new(&provider.jwks_url, connection.proxy()).context("`access.tokens.jwks_url`")?;
            let keys = Keys::Fetched(Arc::new(keys));
            let of = ForeignTokens::new(keys, [provider.issuer.clone()], &provider.audience, &provider.roles_claim);
            Some(of.context("`access.tokens`")?)
        }
        None => None,
    };
    let open = token.is_none() && own.is_none() && foreign.is_none();
    // Without a secret of the settings sessions end with the process.
    let secret = match tokens.secret {
        Some(secret) => secret,
        None => hex::encode(random_bytes::<32>()?).into(),
    };
    let sessions = Sessions::new(&secret).context("the console's sessions")?;
    let sign_in = match (slack, public_url) {
        (Some(app), Some(url)) => {
            let config = SignInConfig::new(&app.client_id, app.client_secret.clone(), &format!("{url}/session/slack/callback"));
            // The service is there without it, and people can sign in with a token.
            SignIn::new(reached_by(config, &connection.api_url), &secret, connection.proxy())
                .inspect_err(|error| tracing::warn!(%error, "people cannot sign in to the console with Slack"))
                .ok()
        }
        _ => None,
    };
    let limits = RateLimits::new(tokens.per_second as f64, u32::try_from(tokens.burst).unwrap_or(u32::MAX)).context("`access.rate`")?;
    let secure = public_url.is_some_and(|url| url.starts_with("https://"));
    Ok(Gate {
        access,
        token,
        verifier: Verifier::new(own, foreign),
        open,
        identities: tokens.identities,
        limits,
        sessions,
        sign_in,
        secure,
    })
}

/// The addresses of Slack's sign-in beside an API that is somewhere else than Slack's own.
fn reached_by(config: SignInConfig, api_url: &str) -> SignInConfig {
    let base = api_url.strip_suffix("/api").unwrap_or(api_url);
    if base == "https://slack.com" {
        return config;
    }
    SignInConfig {
        authorize_url: format!("{base}/openid/connect/authorize"),
        api_url: api_url.to_owned(),
        keys_url: format!("{base}/openid/connect/keys"),
        ..config
    }
}
