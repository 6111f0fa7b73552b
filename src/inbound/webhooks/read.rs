//! What a sender's body says: alerts, something that is none, or something that nobody can read, which is then shown as it is.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::{
    Webhook,
    alerts::{self, AlertError, MAX_ALERTS, Recognised, fingerprint},
    reply::Refusal,
};
use crate::model::{Alert, Severity, observation::Change};

/// How much of an unreadable body is shown, in bytes; the alert's `raw` holds more.
const SHOWN_MAX: usize = 3_000;
/// How much of it is kept.
const RAW_MAX: usize = 16 * 1024;

/// What there is to do about a body.
#[derive(Debug)]
pub enum Reading {
    Alerts(Vec<Alert>),
    Changes(Vec<Change>),
    /// A handshake, a test, a comment…, with the reason.
    Nothing(String),
}

/// Reads a body of `sender`. `broken` says why it could not be unpacked.
///
/// # Errors
/// When it holds more alerts than allowed: the sender must learn that none of them was taken.
pub fn read(sender: &str, settings: &Webhook, body: &[u8], value: &Value, broken: Option<String>) -> Result<Reading, Refusal> {
    let lists = [Some(value), value.get("alerts")];
    if lists.iter().flatten().filter_map(|list| list.as_array()).any(|list| list.len() > MAX_ALERTS) {
        return Err(Refusal::Invalid { field: "alerts".to_owned(), reason: format!("holds more than {MAX_ALERTS} alerts") });
    }
    if let Some(reason) = broken {
        return Ok(unreadable(sender, body, &reason));
    }
    let recognised = match (sender, settings.map.is_empty()) {
        ("generic", false) => alerts::from_map(&settings.map, body),
        _ => alerts::parse(sender, body),
    };
    Ok(match recognised {
        Ok(Recognised::Alerts(found)) if found.is_empty() => Reading::Nothing("an empty list".to_owned()),
        Ok(Recognised::Alerts(found)) => Reading::Alerts(found.into_iter().map(|alert| named(alert, sender)).collect()),
        Ok(Recognised::Changes(changes)) => Reading::Changes(changes),
        Ok(Recognised::NotAnAlert { reason }) => Reading::Nothing(reason),
        Ok(Recognised::Unknown { reason }) => unreadable(sender, body, &reason),
        Err(AlertError::Invalid { field, reason }) => return Err(Refusal::Invalid { field, reason }),
        Err(error) => unreadable(sender, body, &error.to_string()),
    })
}

/// Who came through this door is known, even where the body does not say it.
fn named(mut alert: Alert, sender: &str) -> Alert {
    if matches!(alert.source.as_str(), "webhook" | "text" | "person" | "") {
        sender.clone_into(&mut alert.source);
        alert.fingerprint = fingerprint(&alert);
    }
    alert
}

/// A body that nobody here understands: people get to see it, and why.
fn unreadable(sender: &str, body: &[u8], reason: &str) -> Reading {
    let text = String::from_utf8_lossy(body);
    let cut = |max: usize| text.chars().take(max).collect::<String>();
    let mut alert = Alert {
        source: sender.to_owned(),
        name: format!("A {sender} delivery that could not be read"),
        summary: reason.to_owned(),
        description: format!("It could not be read: {reason}. What was sent:\n{}", cut(SHOWN_MAX)),
        severity: Severity::Medium,
        priority: Severity::Medium.priority(),
        raw: cut(RAW_MAX),
        ..Alert::default()
    };
    // Different bodies are different alerts: none hides behind another.
    alert.labels.insert("dedup_key".to_owned(), hex::encode(Sha256::digest(body)));
    alert.fingerprint = fingerprint(&alert);
    Reading::Alerts(vec![alert])
}
