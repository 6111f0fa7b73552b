//! Our own tokens, the RFC's examples, and which keys of a set are used.

use jiff::SignedDuration;
use jsonwebtoken::Algorithm;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::keys::{A2_SIGNATURE, A3_SIGNATURE, N, NOW, PAYLOAD, X, Y, at, b64, bytes, ec_jwk, hs256, rsa_jwk, secret, set};
use crate::auth::{Claims, Issuer, Jwks, JwksError, OwnTokens, TokenError, Verifier, Whom, claims, crypto, jws};

fn open(token: &str, keys: &[Value]) -> Result<Map<String, Value>, TokenError> {
    let keys = Jwks::parse(&set(keys)).unwrap();
    jws::open(token, |head| keys.find(head.kid.as_deref(), head.algorithm).cloned().ok_or(TokenError::UnknownKey))
}

#[test]
fn the_examples_of_rfc_7515_are_verified() {
    let rsa = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{A2_SIGNATURE}");
    let ec = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{A3_SIGNATURE}");
    for token in [&rsa, &ec] {
        let claims = open(token, &[rsa_jwk("r1"), ec_jwk("e1")]).unwrap();
        assert_eq!((claims["iss"].as_str(), claims["exp"].as_i64()), (Some("joe"), Some(1_300_819_380)));
        assert_eq!(claims["http://example.com/is_root"], json!(true));
    }
    let mixed = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{A2_SIGNATURE}");
    assert_eq!(open(&mixed, &[rsa_jwk("r1"), ec_jwk("e1")]).unwrap_err(), TokenError::Signature);
    // A point that lies on no curve.
    let off = json!({"kty": "EC", "crv": "P-256", "x": X, "y": X});
    assert_eq!(open(&ec, &[off]).unwrap_err(), TokenError::Signature);
}

#[test]
fn a_token_without_kid_has_a_key_only_where_there_is_no_choice() {
    let rsa = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{A2_SIGNATURE}");
    assert_eq!(open(&rsa, &[rsa_jwk("r1"), rsa_jwk("r2")]).unwrap_err(), TokenError::UnknownKey);
}

#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    let keys = Jwks::parse(&set(&[rsa_jwk("r1"), ec_jwk("e1")])).unwrap();
    let point = [&[4], bytes(X).as_slice(), &bytes(Y)].concat();
    let token = hs256(r#"{"alg":"HS256"}"#, "{}", &point);
    // Also where whoever picks the key makes a mistake.
    for algorithm in [Algorithm::ES256, Algorithm::RS256] {
        let key = keys.find(None, algorithm).unwrap();
        assert_eq!(jws::open(&token, |_| Ok(key.clone())).unwrap_err(), TokenError::Algorithm);
    }
}

#[test]
fn what_is_signed_in_parts_cannot_be_cut_otherwise() {
    assert_ne!(crypto::mac(b"k", &["a", "bc"]), crypto::mac(b"k", &["ab", "c"]));
    assert_ne!(crypto::mac(b"k", &["a"]), crypto::mac(b"k", &["a", ""]));
    assert_ne!(crypto::derived(&secret(), "one"), crypto::derived(&secret(), "two"));
}

#[test]
fn of_a_set_only_strong_keys_for_signatures_are_used() {
    let modulus = bytes(N);
    let small = b64(&modulus[..128]);
    let padded = b64([&[0], modulus.as_slice()].concat());
    let with = |name: &str, value: Value| {
        let mut key = rsa_jwk("r1");
        key[name] = value;
        key
    };
    for (label, key) in [
        ("secret", json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"})),
        ("Ed25519", json!({"kty": "OKP", "crv": "Ed25519", "x": X})),
        ("P-384", json!({"kty": "EC", "crv": "P-384", "x": X, "y": Y})),
        ("short coordinate", json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": Y})),
        ("1024 bits", with("n", json!(small))),
        ("exponent 1", with("e", json!("AQ"))),
        ("even exponent", with("e", json!("AQAC"))),
        ("no exponent", with("e", json!(""))),
        ("zero modulus", with("n", json!(b64([0; 256])))),
        ("for encryption", with("use", json!("enc"))),
        ("for RS512", with("alg", json!("RS512"))),
    ] {
        assert_eq!(Jwks::parse(&set(std::slice::from_ref(&key))).unwrap_err(), JwksError::Empty, "{label}");
        assert_eq!(Jwks::parse(&set(&[key, ec_jwk("e1")])).unwrap().len(), 1, "{label}");
    }
    let keys = Jwks::parse(&set(&[with("n", json!(padded))])).unwrap();
    assert!(keys.find(Some("r1"), Algorithm::RS256).is_some() && keys.find(Some("r1"), Algorithm::HS256).is_none());
    assert_eq!(Jwks::parse(&set(&vec![rsa_jwk("r"); 65])).unwrap_err(), JwksError::TooMany);
    for broken in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(Jwks::parse(broken.as_bytes()).unwrap_err(), JwksError::Malformed, "{broken}");
    }
}

#[test]
fn an_issued_token_is_verified_and_says_what_was_asked() {
    let issuer = Issuer::new(&secret(), "sre-agent", "api").unwrap();
    let verifier = Verifier::new(Some(OwnTokens::new(&secret(), "sre-agent", "api").unwrap()), None);
    let roles = ["developer".to_owned()].into();
    let (token, claims) = issuer.issue("alice@example.com", "Alice", &roles, None, at(NOW), "j1").unwrap();
    let expected = Claims {
        sub: "alice@example.com".to_owned(),
        name: "Alice".to_owned(),
        roles: roles.clone(),
        iat: Some(NOW),
        nbf: Some(NOW),
        exp: NOW + 3600,
        jti: Some("j1".to_owned()),
        iss: "sre-agent".to_owned(),
        aud: "api".to_owned(),
    };
    assert_eq!(claims, expected);
    assert_eq!(verifier.verify(token.expose_secret(), at(NOW)).unwrap().claims, expected);
    assert_eq!(verifier.verify(token.expose_secret(), at(NOW + 3660)).unwrap_err(), TokenError::Expired);
    let issue = |subject: &str, lifetime: i64| {
        issuer.issue(subject, "A", &roles, Some(SignedDuration::from_secs(lifetime)), at(NOW), "j").map(|(_, claims)| claims.exp)
    };
    assert_eq!(issue("a", 86_400), Ok(NOW + 86_400));
    for lifetime in [86_401, 0, -1] {
        assert_eq!(issue("a", lifetime), Err(TokenError::Lifetime));
    }
    for subject in ["", " ", "a\u{1b}[2J", &"a".repeat(256)] {
        assert_eq!(issue(subject, 60), Err(TokenError::Subject));
    }
    assert_eq!(Issuer::new(&"short".into(), "i", "a").unwrap_err(), TokenError::WeakSecret);
    assert_eq!(TokenError::WeakSecret.whom(), Whom::Operator);
    assert!(!format!("{issuer:?} {verifier:?}").contains("0123456789abcdef"));
}

#[test]
fn a_claim_is_found_by_its_name_or_along_dots() {
    let map = json!({"https://example.com/roles": ["a"], "realm_access": {"roles": "b c,d"}, "x": 1});
    let map = map.as_object().unwrap();
    let roles = |path: &str| claims::roles(claims::at(map, path)).into_iter().collect::<Vec<_>>().join("+");
    assert_eq!(roles("https://example.com/roles"), "a");
    assert_eq!(roles("realm_access.roles"), "b+c+d");
    for nothing in ["x", "x.roles", "realm_access", "realm_access.roles.more", "", "."] {
        assert_eq!(roles(nothing), "", "{nothing}");
    }
}
