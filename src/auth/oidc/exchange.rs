//! Redeeming a code with Slack for the signed statement about the person.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::{SignInConfig, SignInError};

/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 256 << 10;

/// Redeems `code` at `address`.
///
/// # Errors
/// When Slack does not answer, or answers with a refusal.
pub async fn redeem(
    http: &reqwest::Client,
    address: &Url,
    config: &SignInConfig,
    code: &str,
    code_verifier: Option<&str>,
) -> Result<SecretString, SignInError> {
    // Slack takes a form here; the secret is in the body and not in the address.
    let mut fields = vec![
        ("client_id", config.client_id.as_str()),
        ("client_secret", config.client_secret.expose_secret()),
        ("code", code),
        ("grant_type", "authorization_code"),
        ("redirect_uri", &config.redirect),
    ];
    fields.extend(code_verifier.map(|code_verifier| ("code_verifier", code_verifier)));
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let unreachable = |error: reqwest::Error| SignInError::Unreachable(error.without_url().to_string());
    let request = http.post(address.clone()).header("content-type", "application/x-www-form-urlencoded").body(form);
    let mut answer = request.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(SignInError::Unreachable("the answer is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    let odd = || SignInError::Unreachable("the answer is not what Slack sends".to_owned());
    let answer: Value = serde_json::from_slice(&body).map_err(|_| odd())?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    if answer.get("ok").and_then(Value::as_bool) != Some(true) {
        return Err(SignInError::Slack(word(text("error").unwrap_or_default())));
    }
    text("id_token").map(SecretString::from).ok_or_else(odd)
}

/// Slack's words for errors are short and plain; anything else is not repeated.
fn word(error: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !error.is_empty() && error.len() <= 60 && error.bytes().all(plain) { error.to_owned() } else { "no reason given".to_owned() }
}
