//! What went wrong, in the words of those who know: the library's errors, and the bodies of refusals.

use std::error::Error as _;

use serde_json::Value;

use crate::redact;

/// How much of an error's body is shown.
const SAID_MAX: usize = 200;

/// What the error and all that caused it say.
pub fn causes(error: &reqwest::Error) -> String {
    let mut said = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        said.push(cause.to_string());
        next = cause.source();
    }
    said.join(": ")
}

pub fn last(said: &str) -> &str {
    said.rsplit(": ").next().unwrap_or(said)
}

/// What an error's body says, in a line: JSON's usual fields, or the beginning of a text.
pub fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(64 << 10)).unwrap_or_default());
    let found = serde_json::from_str::<Value>(&text).ok().and_then(|value| {
        let first = |paths: &[&str]| paths.iter().find_map(|path| value.pointer(path).and_then(Value::as_str).map(str::to_owned));
        let said = first(&[
            "/message",
            "/error/message",
            "/error/reason",
            "/error/root_cause/0/reason",
            "/error",
            "/errors/0",
            "/detail",
            "/errorType",
            "/reason",
        ])?;
        // Some say first that there are errors, and then which.
        Some(match first(&["/error/errors/0/message", "/error/root_cause/0/reason"]).filter(|more| *more != said) {
            Some(more) => format!("{said} {more}"),
            None => said,
        })
    });
    let text = found.unwrap_or_else(|| if text.trim_start().starts_with('<') { String::new() } else { text.into_owned() });
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = line.char_indices().nth(SAID_MAX).map_or(line.len(), |(at, _)| at);
    redact::text(line.get(..cut).unwrap_or_default()).into_owned()
}
