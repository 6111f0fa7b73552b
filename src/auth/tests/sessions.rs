//! Cookies, sessions and the tokens of forms.

use secrecy::ExposeSecret;
use serde_json::json;

use super::keys::{NOW, at, hs256, secret};
use crate::auth::{
    Cookie, Issuer, OwnTokens, TokenError, Verifier, crypto,
    session::{LIFETIME_SECONDS, Sessions},
};

#[test]
fn a_session_is_read_back_until_it_is_over() {
    let sessions = Sessions::new(&secret()).unwrap();
    let (cookie, session) = sessions.open("slack:U01ALICE", "Alice", "T01TEAM", at(NOW), "j1").unwrap();
    assert_eq!(sessions.read(cookie.expose_secret(), at(NOW + LIFETIME_SECONDS)), Ok(session.clone()));
    assert_eq!(sessions.read(cookie.expose_secret(), at(NOW + LIFETIME_SECONDS + 60)), Err(TokenError::Expired));
    assert_eq!(session.slack_user(), Some("U01ALICE"));
    let principal = session.principal(["user".to_owned()].into());
    assert_eq!((principal.subject.as_str(), principal.token.as_deref()), ("slack:U01ALICE", Some("j1")));
    let other = Sessions::new(&"another secret of thirty-two bytes".into()).unwrap();
    assert_eq!(other.read(cookie.expose_secret(), at(NOW)), Err(TokenError::Signature));
    for broken in ["", "a.b.c", &cookie.expose_secret()[1..]] {
        assert!(sessions.read(broken, at(NOW)).is_err(), "{broken}");
    }
    assert!(sessions.open("slack:U01ALICE", "Alice", "", at(NOW), "j1").is_err());
    assert!(Sessions::new(&"short".into()).is_err());
}

#[test]
fn a_token_is_no_session_and_a_session_no_token() {
    let sessions = Sessions::new(&secret()).unwrap();
    let (token, _) =
        Issuer::new(&secret(), "sre-agent", "console").unwrap().issue("slack:U01ALICE", "A", &[].into(), None, at(NOW), "j").unwrap();
    assert_eq!(sessions.read(token.expose_secret(), at(NOW)), Err(TokenError::Signature));
    let (cookie, _) = sessions.open("slack:U01ALICE", "A", "T", at(NOW), "j").unwrap();
    let verifier = Verifier::new(Some(OwnTokens::new(&secret(), "sre-agent", "console").unwrap()), None);
    assert_eq!(verifier.verify(cookie.expose_secret(), at(NOW)).unwrap_err(), TokenError::Signature);
}

#[test]
fn a_session_has_to_be_for_the_console_and_short() {
    let sessions = Sessions::new(&secret()).unwrap();
    let key = crypto::derived(&secret(), "console session");
    let read = |aud: &str, exp: i64| {
        let claims =
            json!({"iss": "sre-agent", "aud": aud, "sub": "slack:U1", "name": "A", "team": "T", "jti": "j", "iat": NOW, "exp": exp});
        sessions.read(&hs256(r#"{"alg":"HS256"}"#, &claims.to_string(), &key), at(NOW)).map(|session| session.jti)
    };
    assert_eq!(read("console", NOW + 60), Ok("j".to_owned()));
    assert_eq!(read("api", NOW + 60), Err(TokenError::Audience));
    assert_eq!(read("console", NOW + LIFETIME_SECONDS + 1), Err(TokenError::LivesTooLong));
}

#[test]
fn a_form_belongs_to_one_session() {
    let sessions = Sessions::new(&secret()).unwrap();
    let open = |jti: &str| sessions.open("slack:U01ALICE", "Alice", "T", at(NOW), jti).unwrap().1;
    let (one, two) = (open("j1"), open("j2"));
    let token = sessions.csrf(&one);
    assert!(sessions.is_csrf(&one, &token));
    for wrong in ["", "x", &token[..63], &format!("{token}0"), &token.to_uppercase(), &sessions.csrf(&two)] {
        assert!(!sessions.is_csrf(&one, wrong), "{wrong}");
    }
    let other = Sessions::new(&"another secret of thirty-two bytes".into()).unwrap();
    assert!(!other.is_csrf(&one, &token));
}

#[test]
fn a_cookie_is_for_this_host_and_not_for_scripts() {
    let secure = Cookie::new("s", true);
    assert_eq!(secure.set("a.b-c_d", 60), "__Host-s=a.b-c_d; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(secure.clear(), "__Host-s=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    let plain = Cookie::new("s", false);
    assert_eq!(plain.set("a; Domain=evil.example\r\nX: y", 1), "s=aDomain=evil.exampleX:y; Path=/; Max-Age=1; HttpOnly; SameSite=Lax");
    assert_eq!(secure.read(["x=1; __Host-s=v", "y=2"]), Some("v"));
    assert_eq!(secure.read(["s=v"]), None, "one without the prefix may come from anywhere");
    assert_eq!(plain.read(["s=a; s=b"]), None, "one of two is somebody else's");
    assert_eq!(plain.read(["s=a", "s=b"]), None);
    assert_eq!(plain.read(["s="]), None);
    assert_eq!(plain.read(["xs=1", ""]), None);
}
