//! Fetching keys: how often, from where, and what happens when it fails.

use std::sync::Arc;

use serde_json::json;

use super::{
    keys::{NOW, at, ec_jwk, es256, rs256, rsa_jwk, set},
    server::Server,
};
use crate::auth::{ForeignTokens, JwksError, KeySet, KeySetError, Keys, TokenError, Verifier};

fn token(kid: &str) -> String {
    let claims = json!({"sub": "bob", "iat": NOW, "exp": NOW + 86_400, "iss": "https://id.example", "aud": "api"});
    rs256(&json!({"alg": "RS256", "kid": kid}).to_string(), &claims.to_string())
}

async fn verifier(server: &Server) -> (Verifier, Arc<KeySet>) {
    let keys = Arc::new(KeySet::new(&format!("{}/keys", server.address), None).unwrap());
    let foreign = ForeignTokens::new(Keys::Fetched(keys.clone()), ["https://id.example".to_owned()], "api", "").unwrap();
    (Verifier::new(None, Some(foreign)), keys)
}

#[tokio::test]
async fn unknown_keys_are_fetched_at_most_once_a_minute_and_others_hourly() {
    let server = Server::start(set(&[rsa_jwk("r1")])).await;
    let (verifier, keys) = verifier(&server).await;
    assert_eq!(verifier.verify(&token("r1"), at(NOW)).unwrap_err(), TokenError::UnknownKey, "nothing is fetched yet");
    let verify = async |kid: &str, seconds: i64| verifier.verify_fresh(&token(kid), at(NOW + seconds)).await.map(|_| ());
    assert_eq!(verify("r1", 0).await, Ok(()));
    assert_eq!(verify("r2", 1).await, Err(TokenError::UnknownKey));
    assert_eq!(server.asked().len(), 1, "the first fetch was a second ago");
    server.answers(200, "", set(&[rsa_jwk("r1"), rsa_jwk("r2")]));
    assert_eq!(verify("r2", 59).await, Err(TokenError::UnknownKey));
    assert_eq!(verify("r2", 60).await, Ok(()));
    for _ in 0..20 {
        assert_eq!(verify("r3", 61).await, Err(TokenError::UnknownKey));
        assert_eq!(verify("r1", 3_600).await, Ok(()));
    }
    assert_eq!(server.asked().len(), 2);
    server.answers(200, "", set(&[rsa_jwk("r9")]));
    assert_eq!(verify("r1", 3_660).await, Err(TokenError::UnknownKey), "an hour later a withdrawn key is gone");
    assert_eq!(server.asked().len(), 3);
    assert_eq!(verify("r9", -7_200).await.unwrap_err(), TokenError::IssuedInFuture, "a clock turned back fetches again");
    assert_eq!(server.asked().len(), 3, "but not for a token that is refused in any case");
    keys.current(at(NOW - 7_200)).await;
    assert_eq!(server.asked().len(), 4);
    assert!(server.asked()[0].starts_with("GET /keys HTTP/1.1\r\n"));
}

#[tokio::test]
async fn many_at_once_cause_one_fetch() {
    let server = Server::start(set(&[rsa_jwk("r1"), ec_jwk("e1")])).await;
    let (_, keys) = verifier(&server).await;
    let all: Vec<_> = (0..20)
        .map(|_| {
            let keys = keys.clone();
            tokio::spawn(async move { keys.current(at(NOW)).await.len() })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), 2);
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn old_keys_stay_when_fetching_fails() {
    let server = Server::start(set(&[rsa_jwk("r1"), ec_jwk("e1")])).await;
    let (verifier, keys) = verifier(&server).await;
    let late = json!({"sub": "bob", "exp": NOW + 90_000, "iss": "https://id.example", "aud": "api"}).to_string();
    let ec = es256(r#"{"alg":"ES256","kid":"e1"}"#, &late);
    verifier.verify_fresh(&ec, at(NOW)).await.unwrap();
    let elsewhere = format!("location: {}/other\r\n", server.address);
    let large = set(&vec![json!({"kty": "RSA", "x": "y".repeat(10_000)}); 30]);
    let failures: Vec<(u16, &str, Vec<u8>, KeySetError)> = vec![
        (500, "", Vec::new(), KeySetError::Status(500)),
        (302, &elsewhere, Vec::new(), KeySetError::Status(302)),
        (200, "", b"<html>".to_vec(), KeySetError::Keys(JwksError::Malformed)),
        (200, "", set(&[]), KeySetError::Keys(JwksError::Empty)),
        (200, "", large, KeySetError::TooLarge),
    ];
    for (place, (status, headers, body, error)) in failures.into_iter().enumerate() {
        server.answers(status, headers, body);
        assert_eq!(keys.fetch().await.unwrap_err(), error);
        verifier.verify_fresh(&ec, at(NOW + 4_000 * (place as i64 + 1))).await.unwrap();
    }
    assert_eq!(server.asked().len(), 11, "one, and two for each failure");
    assert!(!server.asked().iter().any(|request| request.contains("/other")), "a redirect is not followed");
    let nobody = KeySet::new("http://127.0.0.1:1/keys?token=hunter2", None).unwrap();
    let error = nobody.fetch().await.unwrap_err();
    assert!(matches!(error, KeySetError::Unreachable(_)) && !error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn keys_come_by_https_or_from_this_machine() {
    for good in ["https://id.example/keys", "http://127.0.0.1:80/", "http://localhost/keys", "http://[::1]:8080/"] {
        assert!(KeySet::new(good, None).is_ok(), "{good}");
    }
    for wrong in [
        "",
        "keys",
        "http://id.example/keys",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
    ] {
        assert_eq!(KeySet::new(wrong, None).unwrap_err(), KeySetError::Address, "{wrong}");
    }
}
