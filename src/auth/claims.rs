//! Looking at what an opened token says: who, from whom, for whom, and when.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::TokenError;

/// How far clocks may be apart, in seconds. Source: what most verifiers of tokens allow.
pub const LEEWAY_SECONDS: i64 = 60;
/// The longest name or subject, in characters. Source: OpenID Connect Core, 2 (`sub` has at most 255).
pub const TEXT_MAX: usize = 255;
/// Roles of one token that are looked at; identity providers may send every group of a person.
const ROLES_MAX: usize = 256;
/// The longest role, in characters.
const ROLE_MAX: usize = 64;
/// The last second of the year 9999; what lies after it is no date.
const LAST_SECOND: i64 = 253_402_300_799;

/// When a token is valid, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub issued: Option<i64>,
    pub not_before: Option<i64>,
    pub expires: i64,
}

/// Checks the times against `now`. An end is demanded, the others count where they are given.
///
/// # Errors
/// When it is over, not begun, from the future, or something there is no date.
pub fn times(claims: &Map<String, Value>, now: Timestamp) -> Result<Times, TokenError> {
    let now = now.as_second();
    let expires = date(claims, "exp")?.ok_or(TokenError::Claim("exp"))?;
    let (issued, not_before) = (date(claims, "iat")?, date(claims, "nbf")?);
    if now >= expires.saturating_add(LEEWAY_SECONDS) {
        return Err(TokenError::Expired);
    }
    if not_before.is_some_and(|from| from > now.saturating_add(LEEWAY_SECONDS)) {
        return Err(TokenError::NotYetValid);
    }
    if issued.is_some_and(|issued| issued > now.saturating_add(LEEWAY_SECONDS)) {
        return Err(TokenError::IssuedInFuture);
    }
    Ok(Times { issued, not_before, expires })
}

/// A date may have a fraction. Source: RFC 7519, 2 (`NumericDate`).
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, TokenError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| (0.0..=LAST_SECOND as f64).contains(number))?;
        Some(number.floor() as i64)
    });
    match whole {
        Some(seconds) if (0..=LAST_SECOND).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(TokenError::Claim(name)),
    }
}

/// Whether `aud` names `audience`: by itself or in a list.
///
/// # Errors
/// When it does not.
pub fn audience(claims: &Map<String, Value>, audience: &str) -> Result<(), TokenError> {
    let ours = match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    };
    if ours { Ok(()) } else { Err(TokenError::Audience) }
}

/// A text that is demanded and fit to be shown.
///
/// # Errors
/// When it is not there, empty, too long, or holds control characters.
pub fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenError> {
    claims.get(name).and_then(Value::as_str).filter(|text| is_plain(text, TEXT_MAX)).ok_or(TokenError::Claim(name))
}

/// The roles of a list, or of one text with spaces or commas between them. What is no role is left out: it gives nothing.
pub fn roles(value: Option<&Value>) -> BTreeSet<String> {
    let names: Vec<&str> = match value {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).take(ROLES_MAX).collect(),
        Some(Value::String(text)) => text.split([' ', ',']).take(ROLES_MAX).collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter(|name| is_plain(name, ROLE_MAX)).map(str::to_owned).collect()
}

/// The claim at `path`: a name as it stands (`https://example.com/roles`), or else names with dots between them (`realm_access.roles`).
pub fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut names = path.split('.');
    let mut value = claims.get(names.next()?)?;
    for name in names {
        value = value.as_object()?.get(name)?;
    }
    Some(value)
}

/// Not empty, at most `most` characters, nothing that a log or a terminal would act on.
pub fn is_plain(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}
