//! Tokens that must not be accepted, and the reason for which each is refused.

use std::sync::Arc;

use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::keys::{N, NOW, at, b64, bytes, ec_jwk, es256, hs256, rs256, rsa_jwk, secret, set, with};
use crate::auth::{ForeignTokens, Jwks, Keys, OwnTokens, TokenError, Verifier, Whom};

const HS: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const RS: &str = r#"{"alg":"RS256","kid":"r1"}"#;
const ES: &str = r#"{"alg":"ES256","kid":"e1"}"#;

fn verifier() -> Verifier {
    let keys = Jwks::parse(&set(&[rsa_jwk("r1"), ec_jwk("e1")])).unwrap();
    let own = OwnTokens::new(&secret(), "sre-agent", "sre-agent-api").unwrap();
    let foreign =
        ForeignTokens::new(Keys::Fixed(Arc::new(keys)), ["https://id.example".to_owned()], "sre-agent-api", "realm_access.roles").unwrap();
    Verifier::new(Some(own), Some(foreign))
}

fn own_claims() -> Value {
    json!({"sub": "alice@example.com", "name": "Alice", "roles": ["developer"], "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
        "jti": "j1", "iss": "sre-agent", "aud": "sre-agent-api"})
}

fn foreign_claims() -> Value {
    json!({"sub": "bob", "name": "Bob", "realm_access": {"roles": ["user", 7, "", "a\nb"]}, "iat": NOW, "exp": NOW + 3600,
        "iss": "https://id.example", "aud": ["other", "sre-agent-api"]})
}

fn own(other: Value) -> String {
    hs256(HS, &with(&own_claims(), other), secret().expose_secret().as_bytes())
}

fn foreign(other: Value) -> String {
    rs256(RS, &with(&foreign_claims(), other))
}

#[test]
fn honest_tokens_are_accepted() {
    let verifier = verifier();
    let ours = verifier.verify(&own(json!({})), at(NOW + 10)).unwrap();
    assert!(ours.own);
    assert_eq!((ours.principal.subject.as_str(), ours.principal.token.as_deref()), ("jwt:alice@example.com", Some("j1")));
    for token in [foreign(json!({})), es256(ES, &foreign_claims().to_string())] {
        let theirs = verifier.verify(&token, at(NOW + 10)).unwrap();
        assert!(!theirs.own);
        assert_eq!(theirs.principal.roles, ["user".to_owned()].into(), "what is no role gives nothing");
    }
    let edges = [
        (own(json!({"exp": NOW - 59})), NOW),
        (own(json!({"nbf": NOW + 60, "iat": NOW + 60})), NOW),
        (own(json!({"exp": NOW + 86_400})), NOW),
        (foreign(json!({"exp": NOW as f64 + 0.5})), NOW),
        (foreign(json!({"iat": null})), NOW),
        (foreign(json!({"exp": NOW + 30 * 86_400})), NOW),
        (foreign(json!({"aud": "sre-agent-api"})), NOW),
    ];
    for (place, (token, now)) in edges.iter().enumerate() {
        assert!(verifier.verify(token, at(*now)).is_ok(), "{place}: {:?}", verifier.verify(token, at(*now)));
    }
    for typ in ["JWT", "jwt", "at+jwt", "application/at+JWT"] {
        let header = json!({"alg": "RS256", "kid": "r1", "typ": typ}).to_string();
        assert!(verifier.verify(&rs256(&header, &foreign_claims().to_string()), at(NOW)).is_ok(), "{typ}");
    }
}

#[test]
fn forged_tokens_are_refused() {
    let (own_text, foreign_text) = (own_claims().to_string(), foreign_claims().to_string());
    let good = own(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let right = secret();
    let right = right.expose_secret().as_bytes();
    let admin = with(&own_claims(), json!({"roles": ["admin"]}));
    let twice = own_text.replacen('{', r#"{"sub":"mallory","#, 1);
    let inner_twice = own_text.replacen('{', r#"{"x":[{"y":1,"y":2}],"#, 1);
    let modulus = bytes(N);
    let jwk = json!({"alg": "RS256", "jwk": rsa_jwk("r1")}).to_string();
    let header = |extra: Value| with(&json!({"alg": "RS256", "kid": "r1"}), extra);
    let table: Vec<(&str, String, TokenError)> = vec![
        ("nothing", String::new(), TokenError::Malformed),
        ("two parts", format!("{}.{}", parts[0], parts[1]), TokenError::Malformed),
        ("four parts", format!("{good}.{}", parts[2]), TokenError::Malformed),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), TokenError::Malformed),
        ("padding", format!("{}=.{}.{}", parts[0], parts[1], parts[2]), TokenError::Malformed),
        ("space", format!(" {good}"), TokenError::Malformed),
        ("huge", own(json!({"name": "x".repeat(8192)})), TokenError::TooLong),
        ("alg none", format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(&own_text)), TokenError::Algorithm),
        ("alg none, signed", hs256(r#"{"alg":"none"}"#, &own_text, right), TokenError::Algorithm),
        ("alg nOnE", hs256(r#"{"alg":"nOnE"}"#, &own_text, right), TokenError::Algorithm),
        ("no alg", hs256(r#"{"typ":"JWT"}"#, &own_text, right), TokenError::Algorithm),
        ("alg as list", hs256(r#"{"alg":["HS256"]}"#, &own_text, right), TokenError::Header("alg")),
        ("HS512", hs256(r#"{"alg":"HS512"}"#, &own_text, right), TokenError::Algorithm),
        ("PS256", rs256(r#"{"alg":"PS256","kid":"r1"}"#, &foreign_text), TokenError::Algorithm),
        ("HS256 by the RSA modulus", hs256(HS, &foreign_text, &modulus), TokenError::Signature),
        ("HS256 by the RSA key's text", hs256(HS, &foreign_text, N.as_bytes()), TokenError::Signature),
        ("HS256 by the whole set", hs256(r#"{"alg":"HS256","kid":"r1"}"#, &foreign_text, &set(&[rsa_jwk("r1")])), TokenError::Signature),
        ("HS256 by nothing", hs256(HS, &own_text, b""), TokenError::Signature),
        ("RSA says ES256", rs256(ES, &foreign_text), TokenError::Signature),
        ("RS256 with the EC key's name", rs256(r#"{"alg":"RS256","kid":"e1"}"#, &foreign_text), TokenError::UnknownKey),
        ("ES256 with the RSA key's name", es256(r#"{"alg":"ES256","kid":"r1"}"#, &foreign_text), TokenError::UnknownKey),
        ("wrong secret", hs256(HS, &own_text, b"fedcba9876543210fedcba9876543210"), TokenError::Signature),
        ("tampered", format!("{}.{}.{}", parts[0], b64(&admin), parts[2]), TokenError::Signature),
        ("other header", format!("{}.{}.{}", b64(r#"{"alg":"HS256"}"#), parts[1], parts[2]), TokenError::Signature),
        ("short signature", format!("{}.{}.{}", parts[0], parts[1], b64([0; 16])), TokenError::Signature),
        ("unknown kid", rs256(r#"{"alg":"RS256","kid":"r2"}"#, &foreign_text), TokenError::UnknownKey),
        ("kid as path", rs256(r#"{"alg":"RS256","kid":"../../dev/null"}"#, &foreign_text), TokenError::UnknownKey),
        ("kid as number", rs256(r#"{"alg":"RS256","kid":1}"#, &foreign_text), TokenError::Header("kid")),
        ("long kid", rs256(&header(json!({"kid": "k".repeat(257)})), &foreign_text), TokenError::Header("kid")),
        ("own key in the header", rs256(&jwk, &foreign_text), TokenError::Header("jwk")),
        ("address of a key", rs256(&header(json!({"jku": "https://evil.example"})), &foreign_text), TokenError::Header("jku")),
        ("certificate", rs256(&header(json!({"x5c": ["AA"]})), &foreign_text), TokenError::Header("x5c")),
        ("crit", rs256(&header(json!({"crit": ["exp"]})), &foreign_text), TokenError::Header("crit")),
        ("empty crit", rs256(&header(json!({"crit": []})), &foreign_text), TokenError::Header("crit")),
        ("b64", rs256(&header(json!({"b64": false})), &foreign_text), TokenError::Header("b64")),
        ("zip", rs256(&header(json!({"zip": "DEF"})), &foreign_text), TokenError::Header("zip")),
        ("for a logout", rs256(&header(json!({"typ": "logout+jwt"})), &foreign_text), TokenError::Header("typ")),
        ("alg twice", hs256(r#"{"alg":"HS256","alg":"RS256"}"#, &own_text, right), TokenError::Malformed),
        ("claim twice", hs256(HS, &twice, right), TokenError::Malformed),
        ("claim twice inside", hs256(HS, &inner_twice, right), TokenError::Malformed),
        ("claims as list", hs256(HS, "[]", right), TokenError::Malformed),
        ("claims as text", hs256(HS, "\"x\"", right), TokenError::Malformed),
        ("expired", own(json!({"exp": NOW - 60})), TokenError::Expired),
        ("expired theirs", foreign(json!({"exp": NOW - 60})), TokenError::Expired),
        ("no end", own(json!({"exp": null})), TokenError::Claim("exp")),
        ("no end theirs", foreign(json!({"exp": null})), TokenError::Claim("exp")),
        ("end as text", own(json!({"exp": "9999999999"})), TokenError::Claim("exp")),
        ("end before 1970", own(json!({"exp": -1})), TokenError::Claim("exp")),
        ("end beyond dates", own(json!({"exp": u64::MAX})), TokenError::Claim("exp")),
        ("end at infinity", foreign(json!({"exp": 1e300})), TokenError::Claim("exp")),
        ("not yet", own(json!({"nbf": NOW + 61})), TokenError::NotYetValid),
        ("issued in the future", own(json!({"iat": NOW + 61, "nbf": NOW})), TokenError::IssuedInFuture),
        ("issued in the future, theirs", foreign(json!({"iat": NOW + 61})), TokenError::IssuedInFuture),
        ("lives too long", own(json!({"exp": NOW + 86_401})), TokenError::LivesTooLong),
        ("no beginning", own(json!({"iat": null})), TokenError::Claim("iat")),
        ("cannot be revoked", own(json!({"jti": null})), TokenError::Claim("jti")),
        ("nobody", own(json!({"sub": null})), TokenError::Claim("sub")),
        ("nobody theirs", foreign(json!({"sub": null})), TokenError::Claim("sub")),
        ("empty name", own(json!({"sub": ""})), TokenError::Claim("sub")),
        ("line break", own(json!({"sub": "a\nb"})), TokenError::Claim("sub")),
        ("number as name", foreign(json!({"sub": 7})), TokenError::Claim("sub")),
        ("wrong issuer", own(json!({"iss": "https://id.example"})), TokenError::Issuer),
        ("wrong issuer theirs", foreign(json!({"iss": "sre-agent"})), TokenError::Issuer),
        ("issuer with a tail", foreign(json!({"iss": "https://id.example/"})), TokenError::Issuer),
        ("no issuer", foreign(json!({"iss": null})), TokenError::Claim("iss")),
        ("list of issuers", foreign(json!({"iss": ["https://id.example"]})), TokenError::Claim("iss")),
        ("wrong audience", own(json!({"aud": "console"})), TokenError::Audience),
        ("wrong audiences", foreign(json!({"aud": ["a", "b"]})), TokenError::Audience),
        ("no audience", foreign(json!({"aud": null})), TokenError::Audience),
        ("audience of another kind", foreign(json!({"aud": {"sre-agent-api": true}})), TokenError::Audience),
    ];
    let verifier = verifier();
    for (label, token, expected) in table {
        assert_eq!(verifier.verify(&token, at(NOW)).unwrap_err(), expected, "{label}");
        assert_eq!(expected.whom(), Whom::Caller);
        assert_eq!(expected.asks_for_refresh(), expected == TokenError::UnknownKey);
        for part in token.split('.').filter(|part| part.len() > 20) {
            assert!(!format!("{expected} {expected:?}").contains(part), "{label}: the token is repeated");
        }
    }
}

#[test]
fn every_changed_bit_is_noticed() {
    let verifier = verifier();
    for good in [own(json!({})), foreign(json!({})), es256(ES, &foreign_claims().to_string())] {
        for place in (0..good.len()).step_by(7) {
            let mut forged = good.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(verifier.verify(&forged, at(NOW)).is_err(), "{place}");
        }
    }
}

#[test]
fn what_is_not_configured_accepts_nothing() {
    let nobody = Verifier::new(None, None);
    for token in [own(json!({})), foreign(json!({}))] {
        assert_eq!(nobody.verify(&token, at(NOW)).unwrap_err(), TokenError::Algorithm);
    }
    let ours = Verifier::new(Some(OwnTokens::new(&secret(), "sre-agent", "sre-agent-api").unwrap()), None);
    assert_eq!(ours.verify(&foreign(json!({})), at(NOW)).unwrap_err(), TokenError::Algorithm);
    let keys = Keys::Fixed(Arc::new(Jwks::parse(&set(&[rsa_jwk("r1")])).unwrap()));
    let theirs =
        Verifier::new(None, Some(ForeignTokens::new(keys.clone(), ["https://id.example".to_owned()], "sre-agent-api", "").unwrap()));
    assert_eq!(theirs.verify(&own(json!({})), at(NOW)).unwrap_err(), TokenError::Algorithm);
    let anyone = hs256(HS, &foreign_claims().to_string(), &bytes(N));
    assert_eq!(theirs.verify(&anyone, at(NOW)).unwrap_err(), TokenError::Algorithm);
    assert!(ForeignTokens::new(keys.clone(), [], "a", "").is_err() && ForeignTokens::new(keys, ["i".to_owned()], "", "").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,300}", three in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}", now in any::<i32>()) {
        let verifier = verifier();
        prop_assert!(verifier.verify(&text, at(i64::from(now))).is_err());
        prop_assert!(verifier.verify(&three, at(i64::from(now))).is_err());
    }

    #[test]
    fn no_signed_claims_make_it_panic(claims in "\\{(\"(sub|exp|iat|nbf|iss|aud|jti|roles)\":(\"[a-z]{0,5}\"|-?[0-9]{1,25}|[0-9]\\.[0-9]{1,3}e[0-9]{1,3}|null|\\[\\]|\\{\\}),){0,5}\"x\":1\\}") {
        let _ = verifier().verify(&hs256(HS, &claims, secret().expose_secret().as_bytes()), at(NOW));
        let _ = verifier().verify(&hs256(&claims, "{}", b"k"), at(NOW));
    }

    #[test]
    fn no_set_of_keys_makes_it_panic(text in ".{0,200}", n in "[A-Za-z0-9_-]{0,60}") {
        let _ = Jwks::parse(text.as_bytes());
        let _ = Jwks::parse(&set(&[json!({"kty": "RSA", "n": n, "e": n}), json!({"kty": "EC", "crv": "P-256", "x": n, "y": n})]));
    }
}
