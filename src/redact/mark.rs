//! What stands in place of a secret, and how it is recognised later.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{
    Options,
    rules::{RULES, Rule},
    scan::MASK,
};

/// How every marker begins.
const OPEN: &str = "[redacted";
/// The marker of what was not examined.
const TOO_LONG: &str = "[redacted: too long to examine]";
/// Digits of the pseudonym: 32 bits tell the secrets of an installation apart and are far too few to guess one from.
const DIGITS: usize = 8;

/// HMAC-SHA256 of a secret under the key of the installation, in hexadecimal: what the audit log keeps in place of it.
pub fn digest(key: &[u8; 32], secret: &str) -> String {
    // Every length is a valid key for HMAC (RFC 2104); the other branch is never taken and tells nothing.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(secret.as_bytes());
            hex::encode(mac.finalize().into_bytes())
        },
    )
}

/// Appends the marker for a secret: `[redacted JWT]`, or with a key `[redacted JWT 3f9a2c1d]`.
pub(super) fn mark(out: &mut String, rule: Rule, secret: &str, options: &Options) {
    if rule == Rule::TooLong {
        return out.push_str(TOO_LONG);
    }
    out.push_str(OPEN);
    out.push(' ');
    out.push_str(rule.name());
    if let Some(key) = &options.key {
        let digest = digest(key, secret);
        out.push(' ');
        out.push_str(digest.get(..DIGITS).unwrap_or_default());
    }
    out.push(']');
}

/// The text with every marker in it overwritten, byte for byte, so that rules neither read it nor stop at it.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    let mut from = 0;
    let mut out = String::new();
    for found in memchr::memmem::find_iter(text.as_bytes(), OPEN) {
        let Some(length) = text.get(found..).and_then(marker) else { continue };
        out.push_str(text.get(from..found).unwrap_or_default());
        out.extend(std::iter::repeat_n(char::from(MASK), length));
        from = found + length;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// The length of the marker that the text begins with.
fn marker(text: &str) -> Option<usize> {
    if text.starts_with(TOO_LONG) {
        return Some(TOO_LONG.len());
    }
    let rest = text.strip_prefix(OPEN)?.strip_prefix(' ')?;
    let rest = RULES.iter().find_map(|(_, name)| rest.strip_prefix(name).filter(|rest| rest.starts_with([' ', ']'])))?;
    let rest = match rest.strip_prefix(' ') {
        Some(digits) => {
            let hex = digits.get(..DIGITS)?;
            if !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return None;
            }
            digits.get(DIGITS..)?
        }
        None => rest,
    };
    rest.starts_with(']').then_some(text.len() - rest.len() + 1)
}
