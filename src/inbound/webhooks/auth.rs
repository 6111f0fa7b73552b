//! Who sends this? A token, a signature over the body, or both: what is configured is required, so that knowing one of
//! two secrets is never enough.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::super::{Webhook, reply::Refusal, router::one_header};

/// How far a signed timestamp may be from our clock, in seconds, in either direction: as for Slack's own signatures.
const TOLERANCE_SECONDS: u64 = 300;
/// More candidates than any key rotation has.
const CANDIDATES: usize = 8;

/// The signatures that a request carries; one of them must be ours.
#[derive(Debug)]
pub struct Signature {
    candidates: Vec<Vec<u8>>,
    /// What is signed before the body.
    prefix: String,
}

/// Judges the headers: the token in full, of the signature its form and its age.
///
/// # Errors
/// When something that is configured is missing or wrong.
pub fn headers(sender: &str, webhook: &Webhook, headers: &HeaderMap, now: Timestamp) -> Result<Option<Signature>, Refusal> {
    if let Some(token) = &webhook.token {
        check_token(token, headers)?;
    }
    match webhook.secret {
        Some(_) => signature(sender, headers, now).map(Some),
        None => Ok(None),
    }
}

/// `Authorization: Bearer <token>`, or the token as the password of basic authentication, whatever the user's name is:
/// SNS can send only the latter (`https://user:password@host/`).
fn check_token(expected: &SecretString, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = one_header(headers, AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, rest) = value.split_once(' ')?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(rest.trim().as_bytes().to_vec()),
            "basic" => {
                let pair = STANDARD.decode(rest.trim()).ok()?;
                let colon = pair.iter().position(|byte| *byte == b':')?;
                pair.get(colon + 1..).map(<[u8]>::to_vec)
            }
            _ => None,
        }
    });
    match given {
        Some(given) if bool::from(given.as_slice().ct_eq(expected.expose_secret().as_bytes())) => Ok(()),
        Some(_) => Err(Refusal::Unauthorized("the token is not the configured one".to_owned())),
        None => Err(Refusal::Unauthorized(
            "this webhook wants `Authorization: Bearer <token>`, or basic authentication with the token as the password".to_owned(),
        )),
    }
}

/// Takes the signature out of the sender's own header. Sources:
/// PagerDuty: "Verifying webhook signatures" of its developer documentation, `X-PagerDuty-Signature: v1=<hex>,v1=<hex>`, one for each key in use.
/// Sentry: docs.sentry.io, integration platform, webhooks: `Sentry-Hook-Signature: <hex>`.
/// Grafana: grafana.com/docs, webhook notifier: `X-Grafana-Alerting-Signature: <hex>`; with its timestamp header
/// (`X-Grafana-Alerting-Timestamp` here) the signature is over `<timestamp>:<body>`.
/// The others sign nothing themselves; a gateway or script before us signs as GitHub does: docs.github.com, "Validating
/// webhook deliveries", `X-Hub-Signature-256: sha256=<hex>`, or the same in `X-Signature-256`.
fn signature(sender: &str, headers: &HeaderMap, now: Timestamp) -> Result<Signature, Refusal> {
    let (names, scheme): (&[&str], &str) = match sender {
        "pagerduty" => (&["x-pagerduty-signature"], "v1="),
        "sentry" => (&["sentry-hook-signature"], ""),
        "grafana" => (&["x-grafana-alerting-signature"], ""),
        _ => (&["x-signature-256", "x-hub-signature-256"], "sha256="),
    };
    let wanted =
        || Refusal::Unauthorized(format!("this webhook wants a signature: `{}: {scheme}<hex of the HMAC-SHA256>`", names.join("` or `")));
    let value = names.iter().find_map(|name| one_header(headers, name)).ok_or_else(wanted)?;
    let candidates: Vec<Vec<u8>> = value
        .split(',')
        .take(CANDIDATES)
        .filter_map(|one| one.trim().strip_prefix(scheme))
        .filter_map(|hexadecimal| hex::decode(hexadecimal).ok())
        .filter(|bytes| bytes.len() == 32)
        .collect();
    if candidates.is_empty() {
        return Err(wanted());
    }
    let prefix = match one_header(headers, "x-grafana-alerting-timestamp").filter(|_| sender == "grafana") {
        Some(timestamp) => {
            let sent: i64 =
                timestamp.parse().map_err(|_| Refusal::Unauthorized("the signature's timestamp is no number of seconds".to_owned()))?;
            if now.as_second().abs_diff(sent) > TOLERANCE_SECONDS {
                return Err(Refusal::Unauthorized(format!("the signature is more than {TOLERANCE_SECONDS} s from our clock")));
            }
            format!("{timestamp}:")
        }
        None => String::new(),
    };
    Ok(Signature { candidates, prefix })
}

impl Signature {
    /// Verifies the body, as it came over the wire, in constant time.
    ///
    /// # Errors
    /// When none of the signatures is the one that the secret gives.
    pub fn verify(&self, secret: &SecretString, body: &[u8]) -> Result<(), Refusal> {
        let refused = || Refusal::Unauthorized("the signature does not match".to_owned());
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(|_| refused())?;
        mac.update(self.prefix.as_bytes());
        mac.update(body);
        let right = mac.finalize().into_bytes();
        let matches = self.candidates.iter().fold(subtle::Choice::from(0), |found, given| found | right.as_slice().ct_eq(given.as_slice()));
        if bool::from(matches) { Ok(()) } else { Err(refused()) }
    }
}
