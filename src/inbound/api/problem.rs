//! Why a request was not done, as RFC 9457's `application/problem+json`: one shape for everything below `/api/v1`.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    inbound::reply::{BODY_MAX, Refusal},
    store::StoreError,
};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// Where people read what a problem of one kind means, below the service's address.
pub const PAGES: &str = "/docs/problems/";
/// How many wrong fields one answer names.
const ERRORS_MAX: usize = 20;
/// Whoever comes too early is told to wait this long, in seconds.
const RETRY_SECONDS: u32 = 5;

macro_rules! kinds {
    ($($name:ident = $slug:literal, $status:ident, $title:literal, $help:literal;)*) => {
        /// What sort of problem it is. The words are part of the API: they never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($name,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The last part of the problem's `type`.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What it means and what to do, for the page that explains it.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

kinds! {
    Malformed = "malformed", BAD_REQUEST, "The body cannot be read",
        "The body is not JSON, not UTF-8, or nested too deeply. The detail names the place; send it again when it is mended.";
    InvalidParameter = "invalid-parameter", BAD_REQUEST, "A parameter is not as documented",
        "A part of the address or a header has a value that is not allowed, or a name that is not known. `errors` says which.";
    InvalidTask = "invalid-task", BAD_REQUEST, "The task is not as documented",
        "The agent cannot take this task as it is. `errors` says which field is wrong and what is allowed.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "Who are you?",
        "Present a valid token as `Authorization: Bearer <token>`.";
    Forbidden = "forbidden", FORBIDDEN, "You may not do this",
        "You are known, and this is not among what you may do. `missing_permission` names what is wanted, where it is a permission.";
    NotFound = "not-found", NOT_FOUND, "There is no such thing",
        "The address, or the thing that it names, does not exist. Names that are nearly right are told in the detail.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "This method is not for this address",
        "The header `Allow` lists the methods that are.";
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "There is no such form of this",
        "`Accept` asks for a media type that this address cannot give. The detail lists those that it can.";
    TooSlow = "request-timeout", REQUEST_TIMEOUT, "The body took too long",
        "The body did not arrive in time. Send it again.";
    Conflict = "conflict", CONFLICT, "Something else is going on",
        "A request with the same `Idempotency-Key` is still being done, or the thing has changed meanwhile. Look at it and decide again.";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "Send less at a time.";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is of another kind",
        "Bodies are JSON: say so with `Content-Type: application/json`.";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "A field is not as documented",
        "The body can be read, and a field in it is missing, unknown or has a value that is not allowed. `errors` says which.";
    KeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "This key stands for another request",
        "An `Idempotency-Key` stands for one request for 24 hours. Use a fresh key for a different request.";
    TooMany = "too-many-requests", TOO_MANY_REQUESTS, "Too many at a time",
        "Wait as long as `Retry-After` says.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not now",
        "The store does not take or give anything at the moment. Nothing of the request has been done: send it again after `Retry-After`.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "That went wrong here",
        "A defect of the service. The log has more, under the request's id.";
}

/// One thing that is wrong in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, parameter or header: `alerts[2].name`.
    pub field: String,
    /// What is wrong with it, and what is allowed.
    pub reason: String,
}

/// Why a request was not done, in RFC 9457's words.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({"type": "/docs/problems/not-found", "title": "There is no such thing", "status": 404, "detail": "there is no INC-9", "instance": "/api/v1/incidents/INC-9"}))]
pub struct Details {
    /// Which sort of problem it is: a stable address, relative to the service, with an explanation for people.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    kind: String,
    title: &'static str,
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this very request.
    detail: String,
    /// The path that was asked for.
    #[schema(format = "uri-reference")]
    instance: String,
    /// The first wrong field, where one is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Everything that is wrong, where fields are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Where the body is broken, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// What the caller would need, for 403.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_permission: Option<String>,
    /// The detail again, at the two addresses whose callers have always read it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A request that was not done.
#[derive(Debug, Clone)]
pub struct Problem {
    pub kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    place: Option<(usize, usize)>,
    missing_permission: Option<String>,
    retry_seconds: u32,
    /// The caller is a script of before: it reads `error`.
    as_before: bool,
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            place: None,
            missing_permission: None,
            retry_seconds: RETRY_SECONDS,
            as_before: false,
        }
    }

    pub fn unauthorized(detail: &str) -> Self {
        Self::new(Kind::Unauthorized, detail)
    }

    /// The store does not answer.
    pub fn unavailable() -> Self {
        Self::new(Kind::Unavailable, "the store does not answer; please send it again")
    }

    /// The caller comes too often.
    pub fn too_many(wait: &crate::auth::Wait) -> Self {
        Self {
            retry_seconds: u32::try_from(wait.0.as_secs()).unwrap_or(RETRY_SECONDS).saturating_add(1),
            ..Self::new(Kind::TooMany, wait.to_string())
        }
    }

    /// Several fields of the body are wrong.
    pub fn fields(wrong: impl IntoIterator<Item = (String, String)>) -> Self {
        let errors: Vec<FieldError> = wrong.into_iter().map(|(field, reason)| FieldError { field, reason }).collect();
        let detail = errors.iter().map(|error| format!("`{}` {}", error.field, error.reason)).collect::<Vec<_>>().join("; ");
        Self { detail, errors, ..Self::new(Kind::Invalid, "") }
    }

    /// The caller lacks `permission`.
    pub fn lacks(permission: &str, why: &str) -> Self {
        let detail = why.to_owned();
        Self { missing_permission: Some(permission.to_owned()), ..Self::new(Kind::Forbidden, detail) }
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, detail)
    }

    /// The body is broken at a line and column, both from 1.
    pub fn malformed(reason: &str, line: usize, column: usize) -> Self {
        let detail = format!("the body is broken at line {line} column {column}: {reason}");
        Self { place: Some((line, column)), ..Self::new(Kind::Malformed, detail) }
    }

    /// One field of the body is wrong.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::about(Kind::Invalid, field, reason)
    }

    /// A part of the address, or a header, is wrong.
    pub fn parameter(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::about(Kind::InvalidParameter, name, reason)
    }

    fn about(kind: Kind, field: impl Into<String>, reason: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), reason: reason.into() };
        Self { detail: format!("`{}` {}", error.field, error.reason), errors: vec![error], ..Self::new(kind, "") }
    }

    #[cfg(test)]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The same of another kind.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// With `error` in it, for scripts that have always read that.
    #[must_use]
    pub fn with_error(mut self) -> Self {
        self.as_before = true;
        self
    }

    /// The answer, for the request to `instance`.
    pub fn answer(&self, instance: &str) -> Response {
        let status = self.kind.status();
        let details = Details {
            kind: format!("{PAGES}{}", self.kind.slug()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            field: self.errors.first().map(|error| error.field.clone()),
            errors: self.errors.iter().take(ERRORS_MAX).cloned().collect(),
            line: self.place.map(|(line, _)| line),
            column: self.place.map(|(_, column)| column),
            missing_permission: self.missing_permission.clone(),
            error: self.as_before.then(|| self.detail.clone()),
        };
        let mut response = Response::new(Body::from(serde_json::to_vec(&details).unwrap_or_default()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match self.kind {
            Kind::Unauthorized => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Kind::Unavailable | Kind::TooMany | Kind::Conflict => drop(headers.insert(RETRY_AFTER, self.retry_seconds.into())),
            _ => {}
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Marked, so that the door can fill in what only it knows.
    fn into_response(self) -> Response {
        let mut response = self.answer("");
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed a request of the API");
        Self::new(Kind::Unavailable, "the store does not answer; please send it again")
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthorized(why) => Self::new(Kind::Unauthorized, why),
            Refusal::NotFound(why) => Self::new(Kind::NotFound, why),
            Refusal::Malformed(why) => Self::new(Kind::Malformed, why),
            Refusal::Invalid { field, reason } => Self::invalid(field, reason),
            Refusal::TooLarge => Self::new(Kind::TooLarge, format!("the body is larger than {BODY_MAX} bytes")),
            Refusal::TooSlow => Self::new(Kind::TooSlow, "the body took too long"),
            // 503 and not 429: Alertmanager retries the one and drops the alert on the other.
            Refusal::Unavailable => Self::new(Kind::Unavailable, "not recorded, please send it again"),
        }
    }
}
