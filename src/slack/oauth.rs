//! Installing the app into a workspace: Slack's page where a person agrees, and the bot token that comes of it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::{Connection, SlackError, SlackErrorKind};

const METHOD: &str = "oauth.v2.access";
/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 256 << 10;

/// The app's own credentials.
#[derive(Debug, Clone)]
pub struct AppCredentials {
    pub client_id: String,
    pub client_secret: SecretString,
}

/// A workspace into which the app was installed.
#[derive(Debug)]
pub struct Grant {
    /// The team id.
    pub team: String,
    pub team_name: String,
    pub bot_token: SecretString,
    /// What was granted, separated by commas.
    pub scopes: String,
}

/// Slack's page where a person agrees; `None` where the API's address leaves no way to it.
pub fn authorize_url(connection: &Connection, app: &AppCredentials, scopes: &str, redirect: &str, state: &str) -> Option<Url> {
    let root = connection.api_url.strip_suffix("/api").unwrap_or(&connection.api_url);
    let mut url = Url::parse(&format!("{root}/oauth/v2/authorize")).ok()?;
    url.query_pairs_mut()
        .append_pair("client_id", &app.client_id)
        .append_pair("scope", scopes)
        .append_pair("redirect_uri", redirect)
        .append_pair("state", state);
    Some(url)
}

/// Redeems the code that Slack sent the person back with.
///
/// # Errors
/// What Slack says; an installation into a whole organisation is refused, since its token is no single workspace's.
pub async fn access(connection: &Connection, app: &AppCredentials, code: &str, redirect: &str) -> Result<Grant, SlackError> {
    let failed = |message: &str, kind| SlackError { method: METHOD, message: message.to_owned(), kind };
    // Slack takes a form here and no JSON.
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &app.client_id)
        .append_pair("client_secret", app.client_secret.expose_secret())
        .append_pair("code", code)
        .append_pair("redirect_uri", redirect)
        .finish();
    let request = connection.http.post(format!("{}/{METHOD}", connection.api_url));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let unreachable = |error: reqwest::Error| failed(&error.without_url().to_string(), SlackErrorKind::Ambiguous);
    let mut answer = request.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(failed("the answer is too large", SlackErrorKind::Refused));
        }
        body.extend_from_slice(&chunk);
    }
    let answer: Value =
        serde_json::from_slice(&body).map_err(|_| failed("the answer is not what Slack sends", SlackErrorKind::Ambiguous))?;
    let text = |path: &str| answer.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    if answer.get("ok").and_then(Value::as_bool) != Some(true) {
        return Err(failed(&text("/error"), SlackErrorKind::Refused));
    }
    if answer.get("is_enterprise_install").and_then(Value::as_bool) == Some(true) {
        return Err(failed("installed into a whole organisation", SlackErrorKind::Refused));
    }
    let grant =
        Grant { team: text("/team/id"), team_name: text("/team/name"), bot_token: text("/access_token").into(), scopes: text("/scope") };
    if grant.team.is_empty() || !grant.bot_token.expose_secret().starts_with("xoxb-") {
        return Err(failed("the answer holds no bot token", SlackErrorKind::Refused));
    }
    Ok(grant)
}
