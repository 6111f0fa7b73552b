//! What an installation knows of itself: the key of its pseudonyms, and which settings it ran with last.

use std::collections::BTreeMap;

use anyhow::Context as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::Sha256;

use super::random_bytes;
use crate::{
    model::{AuditEntry, Clock},
    store::{Commit, DocumentKind, DocumentUpdate, Store},
};

const KEY: &str = "key";
const SETTINGS: &str = "settings";
/// How many changed settings one line of the audit log names.
const NAMED_MAX: usize = 40;

/// Takes the installation's key, or makes it, for the pseudonyms of what is redacted (`emails`: addresses too), and writes a line into the audit log when the settings are other ones.
///
/// # Errors
/// When the store fails: without an audit log nothing is changed, and nothing starts.
pub async fn look(store: &dyn Store, settings: &BTreeMap<String, SecretString>, emails: bool, clock: &Clock) -> anyhow::Result<()> {
    let key = key(store).await?;
    // A second installation in one process, as in tests, keeps the first one's pseudonyms.
    crate::redact::install(crate::redact::Options { key: Some(key), emails });
    if settings.is_empty() {
        return Ok(());
    }
    let marks: BTreeMap<&String, String> =
        settings.iter().map(|(name, value)| Ok((name, mark(&key, value)?))).collect::<anyhow::Result<_>>()?;
    let before = store.document(DocumentKind::Installation, SETTINGS).await?;
    let before: BTreeMap<String, String> = before.map(|found| serde_json::from_value(found.body)).transpose()?.unwrap_or_default();
    let changed: Vec<&str> = marks
        .iter()
        .filter(|(name, mark)| before.get(**name) != Some(mark))
        .map(|(name, _)| name.as_str())
        .chain(before.keys().filter(|name| !settings.contains_key(*name)).map(String::as_str))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let more = changed.len().saturating_sub(NAMED_MAX);
    let named = changed.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let detail = if before.is_empty() {
        "the first start".to_owned()
    } else if more > 0 {
        format!("{named} and {more} more")
    } else {
        named
    };
    let entry = AuditEntry {
        at: clock.now(),
        actor: "sre-agent".to_owned(),
        act: "configuration".to_owned(),
        object: "settings".to_owned(),
        outcome: "changed".to_owned(),
        detail,
    };
    let document = DocumentUpdate { kind: DocumentKind::Installation, key: SETTINGS.to_owned(), body: Some(serde_json::to_value(&marks)?) };
    store.commit(Commit { documents: vec![document], audit: vec![entry], ..Commit::default() }).await?;
    Ok(())
}

/// A setting's mark: the same value has the same, and nobody reads the value from it.
fn mark(key: &[u8; 32], value: &SecretString) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).context("the installation's key")?;
    mac.update(value.expose_secret().as_bytes());
    Ok(hex::encode(mac.finalize().into_bytes()))
}

async fn key(store: &dyn Store) -> anyhow::Result<[u8; 32]> {
    if let Some(found) = store.document(DocumentKind::Installation, KEY).await? {
        let text = found.body.get("key").and_then(serde_json::Value::as_str).unwrap_or_default();
        let bytes = hex::decode(text).context("the installation's key in the store")?;
        return bytes.try_into().map_err(|_| anyhow::anyhow!("the installation's key in the store has another length"));
    }
    let fresh: [u8; 32] = random_bytes()?;
    let body = json!({"key": hex::encode(fresh)});
    let document = DocumentUpdate { kind: DocumentKind::Installation, key: KEY.to_owned(), body: Some(body) };
    store.commit(Commit { documents: vec![document], ..Commit::default() }).await?;
    Ok(fresh)
}
