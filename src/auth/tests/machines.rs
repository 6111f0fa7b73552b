//! Keys for machines.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};

use super::keys::{NOW, at};
use crate::auth::{ApiKey, KeyError, StoredKey};

fn key() -> (SecretString, StoredKey) {
    let random = std::array::from_fn(|place| place as u8 ^ 0xa5);
    ApiKey::generate("ci", ["user".to_owned()].into(), Some(at(NOW + 100)), at(NOW), random).unwrap()
}

#[test]
fn a_key_is_shown_once_and_kept_as_a_hash() {
    let (shown, stored) = key();
    let shown = shown.expose_secret();
    let (id, secret) = ApiKey::parse(shown).unwrap();
    assert_eq!(id, stored.id);
    assert_eq!(shown.len(), "sre__".len() + 16 + 64);
    assert!(shown.ends_with(&stored.last_four) && stored.last_four.len() == 4);
    let kept = serde_json::to_string(&stored).unwrap();
    assert!(!kept.contains(secret.expose_secret()) && kept.contains(&stored.hash));
    assert_eq!(serde_json::from_str::<StoredKey>(&kept).unwrap(), stored);
    let principal = StoredKey::check(Some(&stored), &secret, at(NOW + 1)).unwrap();
    assert_eq!((principal.subject.as_str(), principal.token.as_deref()), ("key:ci", Some(id)));
    assert_eq!(principal.roles, stored.roles);
}

#[test]
fn wrong_revoked_and_old_keys_are_refused() {
    let (shown, mut stored) = key();
    let (_, secret) = ApiKey::parse(shown.expose_secret()).unwrap();
    let other: SecretString = "0".repeat(64).into();
    assert_eq!(stored.accepts(&other, at(NOW)), Err(KeyError::Unknown));
    assert_eq!(StoredKey::check(None, &secret, at(NOW)), Err(KeyError::Unknown));
    assert_eq!(StoredKey::dummy().accepts(&"".into(), at(NOW)), Err(KeyError::Unknown));
    assert_eq!(stored.accepts(&secret, at(NOW + 100)), Err(KeyError::Expired));
    stored.revoked_at = Some(at(NOW));
    assert_eq!(stored.accepts(&secret, at(NOW)), Err(KeyError::Revoked));
    assert_eq!(stored.accepts(&other, at(NOW)), Err(KeyError::Unknown), "revocation is told to nobody else");
    stored.hash.clear();
    assert_eq!(stored.accepts(&"".into(), at(NOW)), Err(KeyError::Unknown), "a broken entry accepts nothing");
}

#[test]
fn only_the_shape_of_a_key_is_read() {
    let (shown, _) = key();
    let shown = shown.expose_secret();
    let upper = shown.replace("sre_", "SRE_");
    for wrong in ["", "sre_", "sre__", "sre_a_b", &shown[1..], &shown[..83], &format!("{shown}0"), &format!(" {shown}"), &upper] {
        assert!(ApiKey::parse(wrong).is_none(), "{wrong}");
    }
    assert!(ApiKey::parse(&shown.to_uppercase().replace("SRE_", "sre_")).is_none());
}

#[test]
fn a_key_needs_a_name_and_a_future() {
    let make = |name: &str, expires: Option<i64>| ApiKey::generate(name, BTreeSet::new(), expires.map(at), at(NOW), [7; 40]).map(|_| ());
    assert_eq!(make("ci", None), Ok(()));
    for name in ["", "a b", "a\n", &"a".repeat(65)] {
        assert_eq!(make(name, None), Err(KeyError::Name));
    }
    assert_eq!(make("ci", Some(NOW)), Err(KeyError::PastExpiry));
    assert_eq!(ApiKey::generate("ci", ["".to_owned()].into(), None, at(NOW), [7; 40]).map(|_| ()), Err(KeyError::Role));
}
