//! Answers to senders: short, the same shape everywhere, nothing internal in them.

use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::store::StoreError;

/// The largest body that is read, in bytes. Source: Slack's and the alert senders' payloads are far below.
pub const BODY_MAX: usize = 1024 * 1024;

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Unauthorized(String),
    /// There is no such door, or it is not configured.
    NotFound(String),
    Malformed(String),
    /// A field that is not as documented.
    Invalid {
        field: String,
        reason: String,
    },
    TooLarge,
    TooSlow,
    /// Not now: the record could not be made durable.
    Unavailable,
}

impl Refusal {
    /// The word under which the refusal is counted.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "unauthorized",
            Self::NotFound(_) => "not_found",
            Self::Malformed(_) => "malformed",
            Self::Invalid { .. } => "invalid",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a record could not be made durable");
        Self::Unavailable
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorized(reason) => (StatusCode::UNAUTHORIZED, Json(json!({"status": "error", "error": reason}))).into_response(),
            Self::NotFound(reason) => (StatusCode::NOT_FOUND, Json(json!({"status": "error", "error": reason}))).into_response(),
            Self::Malformed(reason) => (StatusCode::BAD_REQUEST, Json(json!({"status": "error", "error": reason}))).into_response(),
            Self::Invalid { field, reason } => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"status": "error", "field": field, "error": reason}))).into_response()
            }
            Self::TooLarge => {
                let reason = format!("the body is larger than {BODY_MAX} bytes");
                (StatusCode::PAYLOAD_TOO_LARGE, Json(json!({"status": "error", "error": reason}))).into_response()
            }
            Self::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, Json(json!({"status": "error", "error": "the body took too long"}))).into_response()
            }
            // 503 and not 429: Alertmanager retries the one and drops the alert on the other.
            Self::Unavailable => {
                let body = Json(json!({"status": "error", "error": "not recorded, please send it again"}));
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], body).into_response()
            }
        }
    }
}
