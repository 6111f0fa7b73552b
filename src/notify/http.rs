//! One JSON call to another system: bounded in time and size, failures told apart by whether it helps to try again.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::NotifyError;

/// How long one call may take. These systems answer in well under a second; a person waits for the outcome.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes: a list of thousands of silences.
const ANSWER_MAX: usize = 8 * 1024 * 1024;
/// How much of a refusal is shown.
const REASON_MAX: usize = 200;

/// An answer: its status and its JSON, `Null` where it has none.
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    /// The answer of a call that succeeded.
    ///
    /// # Errors
    /// What the status means for trying again, with the system's own words.
    pub fn success(self) -> Result<Value, NotifyError> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let said = match &self.body {
            Value::String(text) => text.clone(),
            body => ["message", "error"].iter().find_map(|key| body.get(*key)).and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        let said: String = said.chars().take(REASON_MAX).collect();
        let message =
            if said.is_empty() { format!("HTTP {}", self.status.as_u16()) } else { format!("HTTP {}: {said}", self.status.as_u16()) };
        let later = self.status.is_server_error() || matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        Err(if later { NotifyError::Later(message) } else { NotifyError::Never(message) })
    }
}

/// Makes the call.
///
/// # Errors
/// When there is no whole answer in time.
pub async fn call(
    http: &reqwest::Client,
    method: Method,
    url: &str,
    token: Option<&SecretString>,
    body: Option<&Value>,
) -> Result<Answer, NotifyError> {
    let mut request = http.request(method, url);
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    send(request).await
}

/// Makes a call that is put together already: with headers of its own, or over addresses of its own.
///
/// # Errors
/// When there is no whole answer in time.
pub async fn send(request: reqwest::RequestBuilder) -> Result<Answer, NotifyError> {
    // Without the address: it can hold a name or a path that is nobody's business.
    let later = |error: reqwest::Error| {
        NotifyError::Later(if error.is_timeout() {
            format!("no answer in {} s", CALL_TIMEOUT.as_secs())
        } else {
            "no connection".to_owned()
        })
    };
    let mut response = request.send().await.map_err(later)?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(later)? {
        if bytes.len() + chunk.len() > ANSWER_MAX {
            return Err(NotifyError::Never(format!("an answer of more than {} MiB", ANSWER_MAX >> 20)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}
