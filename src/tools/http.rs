//! One HTTP backend: its address, its credentials, and what every way of answering badly means for a person.

mod said;

use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use self::said::{causes, last, said};
use super::{Cost, ToolError, ToolErrorKind};
use crate::{
    model::Clock,
    web::{self, Proxy},
};

/// How much of one answer is read. Source: the reliability contract's cap on a tool's answer.
pub const ANSWER_MAX: usize = 2 << 20;
/// How long one request may take; shorter than a whole call, so that there is time for another.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(6);
/// How far a backend's clock may be off before its times are doubted.
const SKEW_MAX: i64 = 60;

/// How a backend wants to know who asks.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    #[default]
    None,
    Bearer(SecretString),
    Basic {
        user: String,
        password: SecretString,
    },
    /// Headers of the backend's own: `SIGNOZ-API-KEY`, `DD-API-KEY`…
    Headers(Vec<(&'static str, SecretString)>),
}

/// Where a backend is and how it is reached.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The settings' key of this backend, for advice: `sources.loki.main`.
    pub key: String,
    pub url: String,
    pub auth: Auth,
    /// Further fixed headers without secrets: a tenant.
    pub headers: Vec<(&'static str, String)>,
    /// Certificates that are trusted beside the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    pub proxy: Option<Proxy>,
}

/// A backend that answers over HTTP.
pub struct Endpoint {
    key: String,
    base: Url,
    headers: HeaderMap,
    client: reqwest::Client,
    clock: Clock,
}

/// What came back, read and not yet understood.
#[derive(Debug)]
pub struct Answer {
    pub body: Vec<u8>,
    /// There was more than [`ANSWER_MAX`].
    pub truncated: bool,
    pub headers: HeaderMap,
    /// The sentence about a clock that is off.
    pub skew: Option<String>,
    tool: String,
}

/// What is sent.
pub enum Body<'a> {
    None,
    Json(&'a Value),
    Form(&'a [(&'a str, String)]),
}

impl Endpoint {
    /// # Errors
    /// When the address, a credential or a certificate cannot be used; says which key of the settings.
    pub fn new(place: Place, clock: Clock) -> Result<Self, String> {
        let key = place.key;
        let mut base = Url::parse(&place.url).map_err(|error| format!("{key}.url: {error}"))?;
        // Joining must add to the path, not replace its end.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in place.headers {
            let value =
                HeaderValue::from_str(&value).map_err(|_| format!("{key}: the header {name} has characters that no header may have"))?;
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|error| format!("{key}: {error}"))?, value);
        }
        for (name, value) in secrets(&place.auth) {
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| format!("{key}: the credential has characters that no header may have (a line break at its end?)"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let client = web::client_trusting(REQUEST_TIMEOUT, place.proxy.as_ref(), place.ca.as_deref())
            .map_err(|error| format!("{key}.ca_file: {error}"))?;
        Ok(Self { key, base, headers, client, clock })
    }

    /// The settings' key of this backend.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// An address below this backend's own, for a person's browser.
    pub fn link(&self, path: &str, query: &[(&str, String)]) -> Option<String> {
        let mut url = self.base.join(&format!("./{}", path.trim_start_matches('/'))).ok()?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (*name, value.as_str())));
        }
        // Credentials in the address are for us alone.
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Some(url.to_string())
    }

    /// # Errors
    /// As [`Endpoint::send`].
    pub async fn get(&self, tool: &str, path: &str, query: &[(&str, String)]) -> Result<Answer, ToolError> {
        self.send(tool, Method::GET, path, query, Body::None).await
    }

    /// # Errors
    /// As [`Endpoint::send`].
    pub async fn post(&self, tool: &str, path: &str, body: &Value) -> Result<Answer, ToolError> {
        self.send(tool, Method::POST, path, &[], Body::Json(body)).await
    }

    /// Sends one request and reads at most [`ANSWER_MAX`] of its answer.
    ///
    /// # Errors
    /// When there is no answer, or it is not one of success: a sentence that says what, where and what to do.
    pub async fn send(
        &self,
        tool: &str,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Body<'_>,
    ) -> Result<Answer, ToolError> {
        self.send_as(tool, method, path, query, body, HeaderMap::new()).await
    }

    /// As [`Endpoint::send`], with further headers, which take the place of usual ones of the same name.
    ///
    /// # Errors
    /// As [`Endpoint::send`].
    pub async fn send_as(
        &self,
        tool: &str,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Body<'_>,
        more: HeaderMap,
    ) -> Result<Answer, ToolError> {
        let fail = |message: String, kind| ToolError::new(tool, message, kind);
        let url = self
            .base
            .join(&format!("./{}", path.trim_start_matches('/')))
            .map_err(|error| fail(format!("{path}: {error}"), ToolErrorKind::BadArguments))?;
        let mut url = url;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (*name, value.as_str())));
        }
        let mut request = self.client.request(method, url).headers(self.headers.clone()).headers(more);
        request = match body {
            Body::None => request,
            Body::Json(value) => request.header(CONTENT_TYPE, "application/json").body(value.to_string()),
            Body::Form(fields) => {
                let form = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(fields.iter().map(|(name, value)| (*name, value.as_str())))
                    .finish();
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
            }
        };
        let response = request.send().await.map_err(|error| self.unreachable(tool, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let mut truncated = false;
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) if error.is_timeout() => return Err(self.unreachable(tool, &error)),
                Err(_) => {
                    return Err(fail(format!("ended its answer in the middle, after {} bytes", body.len()), ToolErrorKind::Unavailable));
                }
            };
            let room = ANSWER_MAX - body.len();
            body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            if chunk.len() > room {
                truncated = true;
                break;
            }
        }
        if !status.is_success() {
            return Err(self.refused(tool, path, status, &headers, &body));
        }
        let skew = self.skew(&headers);
        Ok(Answer { body, truncated, headers, skew, tool: tool.to_owned() })
    }

    /// The backend's clock against ours, by the date of its answer.
    fn skew(&self, headers: &HeaderMap) -> Option<String> {
        let date = headers.get(DATE)?.to_str().ok()?;
        let date = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        let off = date.as_second() - self.clock.now().as_second();
        (off.abs() > SKEW_MAX).then(|| {
            let side = if off > 0 { "ahead of" } else { "behind" };
            format!("the clock of {} is {} s {side} ours: times in its answers may not fit those of others", self.key, off.abs())
        })
    }

    fn unreachable(&self, tool: &str, error: &reqwest::Error) -> ToolError {
        let place = self.base.host_str().map_or_else(String::new, |host| {
            self.base.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
        });
        let (key, said) = (&self.key, causes(error));
        if error.is_timeout() {
            let seconds = REQUEST_TIMEOUT.as_secs();
            return ToolError::new(tool, format!("{place} gave no whole answer in {seconds} s"), ToolErrorKind::Timeout);
        }
        let lower = said.to_ascii_lowercase();
        let message = if lower.contains("not valid after") || lower.contains("expired") {
            format!("the certificate of {place} has expired: it has to be renewed there")
        } else if lower.contains("not valid before") || lower.contains("notvalidyet") {
            format!("the certificate of {place} is not valid yet: compare its clock with that of this machine")
        } else if lower.contains("certificate") || lower.contains("unknownissuer") {
            format!("the certificate of {place} is not trusted ({}): put its authority's certificate into `{key}.ca_file`", last(&said))
        } else if lower.contains("dns") || lower.contains("lookup") || lower.contains("name or service not known") {
            format!("the name of {place} is not known: check `{key}.url` and the DNS of this machine")
        } else if lower.contains("refused") {
            format!("nobody listens on {place} (connection refused): check `{key}.url`")
        } else if error.is_connect() {
            format!("{place} is not reachable ({}): check `{key}.url` and the firewall", last(&said))
        } else {
            format!("the connection to {place} broke off ({})", last(&said))
        };
        ToolError::new(tool, message, ToolErrorKind::Unavailable)
    }

    fn refused(&self, tool: &str, path: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ToolError {
        let (key, code, said) = (&self.key, status.as_u16(), said(body));
        let said = if said.is_empty() { String::new() } else { format!(": {}", said.trim_end_matches('.')) };
        let (message, kind) = match code {
            300..=399 => (
                format!("redirects to another address ({code}), which is not followed: put the final address into `{key}.url`"),
                ToolErrorKind::BadAnswer,
            ),
            401 => (
                format!("does not know our credentials ({code}){said}. Check them in `{key}`: they may have expired"),
                ToolErrorKind::Unauthenticated,
            ),
            403 => (format!("does not allow this to our credentials ({code}){said}"), ToolErrorKind::PermissionDenied),
            404 => (
                format!("has nothing at /{} ({code}){said}: is `{key}.url` right, and the version known?", path.trim_start_matches('/')),
                ToolErrorKind::NotFound,
            ),
            429 => {
                let after = headers
                    .get(RETRY_AFTER)
                    .or_else(|| headers.get("x-ratelimit-reset"))
                    .and_then(|value| value.to_str().ok())
                    .and_then(|value| value.parse().ok());
                let wait = after.map_or_else(String::new, |seconds: u64| format!(", it wants {seconds} s of rest"));
                (format!("limits how often it is asked ({code}){wait}"), ToolErrorKind::RateLimited(after.map(Duration::from_secs)))
            }
            400..=499 => (format!("does not understand the question ({code}){said}"), ToolErrorKind::BadArguments),
            _ => (format!("failed itself ({code}){said}"), ToolErrorKind::Unavailable),
        };
        ToolError::new(tool, message, kind)
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none, with what it is instead.
    pub fn json(&self) -> Result<Value, ToolError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = if self.truncated {
                format!("answered with more than {} MiB, which is not read: ask for less", ANSWER_MAX >> 20)
            } else {
                self.wrong(&format!("answered with something that is no JSON ({error})"))
            };
            ToolError::new(&self.tool, kind, ToolErrorKind::BadAnswer)
        })
    }

    /// A body that is a page for people, or nothing at all, is no data.
    ///
    /// # Errors
    /// With the sentence that says so.
    pub fn refuse_pages(&self) -> Result<(), ToolError> {
        let said = self.wrong("");
        if said.is_empty() { Ok(()) } else { Err(ToolError::new(&self.tool, said, ToolErrorKind::BadAnswer)) }
    }

    /// A sentence for a body that is not what was wanted.
    fn wrong(&self, otherwise: &str) -> String {
        let start = String::from_utf8_lossy(self.body.get(..self.body.len().min(512)).unwrap_or_default());
        let start = start.trim_start().to_ascii_lowercase();
        if start.is_empty() {
            "answered with nothing".to_owned()
        } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
            "answered with a web page instead of data: a login page or a proxy stands before it".to_owned()
        } else {
            otherwise.to_owned()
        }
    }

    pub fn cost(&self) -> Cost {
        Cost { calls: 1, bytes: self.body.len() as u64 }
    }
}

fn secrets(auth: &Auth) -> Vec<(HeaderName, String)> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    match auth {
        Auth::None => Vec::new(),
        Auth::Bearer(token) => vec![(AUTHORIZATION, format!("Bearer {}", token.expose_secret()))],
        Auth::Basic { user, password } => {
            let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()));
            vec![(AUTHORIZATION, format!("Basic {pair}"))]
        }
        Auth::Headers(headers) => headers
            .iter()
            .filter_map(|(name, value)| Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value.expose_secret().to_owned())))
            .collect(),
    }
}

/// Seconds since the epoch, as Prometheus and Tempo take them.
pub fn seconds(time: Timestamp) -> String {
    time.as_second().to_string()
}
