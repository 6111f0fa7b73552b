//! Why a call to Slack failed, told apart by what the caller can do about it.

use std::time::Duration;

use slack_morphism::errors::SlackClientError;

/// A longer wait is not believed: Slack's own are seconds to minutes.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// What the caller can do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlackErrorKind {
    /// Slack asks for patience: try again after this long.
    RateLimited(Duration),
    /// It may have been done all the same (a timeout, a dropped connection, a 5xx).
    Ambiguous,
    /// It was not done and may work later (no connection).
    Unavailable,
    /// Slack refuses until a person changes something: token, scope, membership, an archived channel.
    Blocked,
    /// The message or the thread is not there any more.
    Gone,
    /// Slack does not take these blocks; the same words in plainer blocks may pass.
    BadBlocks,
    /// Slack will never take this request.
    Refused,
    /// It is so already: the reaction is set, or is gone.
    Already,
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
#[error("{method}: {message}")]
pub struct SlackError {
    pub method: &'static str,
    /// Slack's error code or the failure in words; never a token.
    pub message: String,
    pub kind: SlackErrorKind,
}

/// The library's error in our terms.
pub(super) fn classify(method: &'static str, error: SlackClientError) -> SlackError {
    let (message, kind) = match error {
        SlackClientError::RateLimitError(limit) => {
            let wait = limit.retry_after.unwrap_or(Duration::from_secs(30)).min(RETRY_AFTER_MAX);
            (format!("rate limited for {} s", wait.as_secs()), SlackErrorKind::RateLimited(wait))
        }
        SlackClientError::ApiError(error) => {
            let details = error.errors.unwrap_or_default().join("; ");
            let kind = match error.code.as_str() {
                "ratelimited" | "rate_limited" => SlackErrorKind::RateLimited(Duration::from_secs(30)),
                "internal_error" | "fatal_error" | "request_timeout" => SlackErrorKind::Ambiguous,
                "service_unavailable" | "team_added_to_org" => SlackErrorKind::Unavailable,
                "already_reacted" | "no_reaction" => SlackErrorKind::Already,
                "message_not_found" | "thread_not_found" | "cant_update_message" => SlackErrorKind::Gone,
                "invalid_blocks" | "invalid_blocks_format" | "msg_blocks_too_long" => SlackErrorKind::BadBlocks,
                "invalid_auth"
                | "not_authed"
                | "token_expired"
                | "token_revoked"
                | "account_inactive"
                | "missing_scope"
                | "not_in_channel"
                | "channel_not_found"
                | "is_archived"
                | "channel_is_archived"
                | "restricted_action"
                | "no_permission"
                | "ekm_access_denied"
                | "access_denied"
                | "org_login_required"
                | "team_access_not_granted" => SlackErrorKind::Blocked,
                _ => SlackErrorKind::Refused,
            };
            (if details.is_empty() { error.code } else { format!("{} ({details})", error.code) }, kind)
        }
        SlackClientError::HttpError(error) => {
            let kind = if error.status_code.is_server_error() { SlackErrorKind::Ambiguous } else { SlackErrorKind::Blocked };
            (format!("HTTP {}", error.status_code), kind)
        }
        // The connection broke: before or after Slack acted, nobody knows.
        SlackClientError::HttpProtocolError(_) | SlackClientError::EndOfStream(_) => {
            ("the connection failed".to_owned(), SlackErrorKind::Ambiguous)
        }
        SlackClientError::ProtocolError(_) => ("the answer is not what Slack sends".to_owned(), SlackErrorKind::Ambiguous),
        SlackClientError::SystemError(_) | SlackClientError::SocketModeProtocolError(_) => {
            ("the call could not be made".to_owned(), SlackErrorKind::Unavailable)
        }
    };
    SlackError { method, message, kind }
}
