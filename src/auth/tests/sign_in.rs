//! Signing in with Slack, against a server that stands in for it.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{
    keys::{N, NOW, at, bytes, hs256, rs256, rsa_jwk, secret, set, with},
    server::Server,
};
use crate::auth::{
    Refused, TokenError,
    oidc::{Person, SignIn, SignInConfig, SignInError, Start},
};

/// What is answered, given the nonce.
type Body = Box<dyn Fn(&str) -> Vec<u8>>;

struct Slack {
    token: Server,
    keys: Server,
}

impl Slack {
    async fn start() -> Self {
        Self { token: Server::start("").await, keys: Server::start(set(&[rsa_jwk("k1")])).await }
    }

    fn sign_in(&self, pkce: bool) -> SignIn {
        let mut config = SignInConfig::new("1.2", "app-secret".into(), "https://bot.example/console/callback");
        config.api_url = format!("{}/api", self.token.address);
        config.keys_url = format!("{}/keys", self.keys.address);
        config.team = "T01TEAM".to_owned();
        config.pkce = pkce;
        SignIn::new(config, &secret(), None).unwrap()
    }

    fn says(&self, claims: &str) {
        let token = rs256(r#"{"alg":"RS256","kid":"k1","typ":"JWT"}"#, claims);
        self.token.answers(200, "", json!({"ok": true, "access_token": "xoxp-1", "id_token": token}).to_string());
    }
}

fn query(start: &Start) -> BTreeMap<String, String> {
    start.url.query_pairs().into_owned().collect()
}

fn honest(nonce: &str) -> Value {
    json!({"iss": "https://slack.com", "sub": "U01ALICE", "aud": "1.2", "iat": NOW, "exp": NOW + 300, "nonce": nonce, "name": "Alice",
        "email": "alice@example.com", "email_verified": true, "https://slack.com/user_id": "U01ALICE", "https://slack.com/team_id": "T01TEAM"})
}

#[tokio::test]
async fn a_person_is_signed_in() {
    let slack = Slack::start().await;
    let sign_in = slack.sign_in(false);
    let start = sign_in.start([7; 32], at(NOW));
    let sent = query(&start);
    assert!(start.url.as_str().starts_with("https://slack.com/openid/connect/authorize?"));
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["scope"], "openid profile email");
    assert_eq!((sent["client_id"].as_str(), sent["team"].as_str()), ("1.2", "T01TEAM"));
    assert_eq!(sent["redirect_uri"], "https://bot.example/console/callback");
    assert!(!sent.contains_key("code_challenge"));
    let cookie = start.cookie.expose_secret();
    assert!(!start.url.as_str().contains(cookie) && !format!("{start:?}").contains(cookie), "the address does not hold the cookie");
    assert_ne!(sent["nonce"], query(&sign_in.start([8; 32], at(NOW)))["nonce"]);
    slack.says(&honest(&sent["nonce"]).to_string());
    let person = sign_in.finish("code-1", &sent["state"], cookie, |team| team == "T01TEAM", at(NOW + 5)).await.unwrap();
    let expected = Person {
        user: "U01ALICE".to_owned(),
        team: "T01TEAM".to_owned(),
        name: "Alice".to_owned(),
        email: Some("alice@example.com".to_owned()),
    };
    assert_eq!(person, expected);
    assert_eq!(person.principal(["user".to_owned()].into()).subject, "slack:U01ALICE");
    let request = slack.token.asked().remove(0);
    assert!(request.starts_with("POST /api/openid.connect.token HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with(
        "\r\n\r\nclient_id=1.2&client_secret=app-secret&code=code-1&grant_type=authorization_code\
         &redirect_uri=https%3A%2F%2Fbot.example%2Fconsole%2Fcallback"
    ));
    let again = sign_in.finish("code-1", &sent["state"], cookie, |_| true, at(NOW + 6)).await.unwrap_err();
    assert_eq!(again, SignInError::Ticket(Refused::Used));
    assert_eq!(slack.token.asked().len(), 1);
}

#[tokio::test]
async fn what_slack_says_has_to_be_true_of_this_sign_in() {
    let slack = Slack::start().await;
    let sign_in = slack.sign_in(false);
    let table: Vec<(&str, Value, Result<(), SignInError>)> = vec![
        ("honest", json!({}), Ok(())),
        ("for us alone, as a list", json!({"aud": ["1.2"]}), Ok(())),
        ("for us among others", json!({"aud": ["1.2", "3.4"], "azp": "1.2"}), Ok(())),
        ("for others at their wish", json!({"aud": ["1.2", "3.4"], "azp": "3.4"}), Err(TokenError::Audience.into())),
        ("for several, at nobody's wish", json!({"aud": ["1.2", "3.4"]}), Err(TokenError::Audience.into())),
        ("another app", json!({"aud": "3.4"}), Err(TokenError::Audience.into())),
        ("another issuer", json!({"iss": "https://evil.example"}), Err(TokenError::Issuer.into())),
        ("another sign-in", json!({"nonce": "n"}), Err(TokenError::Nonce.into())),
        ("no nonce", json!({"nonce": null}), Err(TokenError::Claim("nonce").into())),
        ("over", json!({"exp": NOW - 61}), Err(TokenError::Expired.into())),
        ("from the future", json!({"iat": NOW + 100}), Err(TokenError::IssuedInFuture.into())),
        ("nobody", json!({"https://slack.com/user_id": null}), Err(TokenError::Claim("https://slack.com/user_id").into())),
        ("a group", json!({"https://slack.com/user_id": "S01OPS"}), Err(TokenError::Claim("https://slack.com/user_id").into())),
        ("an odd id", json!({"https://slack.com/user_id": "U1 admin"}), Err(TokenError::Claim("https://slack.com/user_id").into())),
        ("no workspace", json!({"https://slack.com/team_id": ""}), Err(TokenError::Claim("https://slack.com/team_id").into())),
        ("another workspace", json!({"https://slack.com/team_id": "T09EVIL"}), Err(SignInError::Team)),
    ];
    for (place, (label, other, expected)) in table.into_iter().enumerate() {
        let start = sign_in.start([place as u8; 32], at(NOW));
        let sent = query(&start);
        slack.says(&with(&honest(&sent["nonce"]), other));
        let found = sign_in.finish("c", &sent["state"], start.cookie.expose_secret(), |team| team == "T01TEAM", at(NOW)).await;
        assert_eq!(found.map(|_| ()), expected, "{label}");
    }
    let start = sign_in.start([99; 32], at(NOW));
    let sent = query(&start);
    slack.says(&with(&honest(&sent["nonce"]), json!({"email_verified": false, "name": "a\nb"})));
    let person = sign_in.finish("c", &sent["state"], start.cookie.expose_secret(), |_| true, at(NOW)).await.unwrap();
    assert_eq!((person.email, person.name.as_str()), (None, "U01ALICE"));
}

#[tokio::test]
async fn answers_that_are_no_sign_in_are_refused() {
    let slack = Slack::start().await;
    let sign_in = slack.sign_in(false);
    let by_modulus = |nonce: &str| hs256(r#"{"alg":"HS256","kid":"k1"}"#, &honest(nonce).to_string(), &bytes(N));
    let other_key = |nonce: &str| rs256(r#"{"alg":"RS256","kid":"k2"}"#, &honest(nonce).to_string());
    let unreachable = |why: &str| SignInError::Unreachable(why.to_owned());
    let answer: Vec<(&str, Body, SignInError)> = vec![
        ("refused", Box::new(|_| br#"{"ok":false,"error":"invalid_code"}"#.to_vec()), SignInError::Slack("invalid_code".to_owned())),
        ("odd word", Box::new(|_| br#"{"ok":false,"error":"<b>x</b>"}"#.to_vec()), SignInError::Slack("no reason given".to_owned())),
        ("no token", Box::new(|_| br#"{"ok":true}"#.to_vec()), unreachable("the answer is not what Slack sends")),
        ("no JSON", Box::new(|_| b"<html>".to_vec()), unreachable("the answer is not what Slack sends")),
        ("too large", Box::new(|_| vec![b' '; 300 << 10]), unreachable("the answer is too large")),
        (
            "HS256",
            Box::new(move |nonce| json!({"ok": true, "id_token": by_modulus(nonce)}).to_string().into_bytes()),
            TokenError::Algorithm.into(),
        ),
        (
            "unknown key",
            Box::new(move |nonce| json!({"ok": true, "id_token": other_key(nonce)}).to_string().into_bytes()),
            TokenError::UnknownKey.into(),
        ),
    ];
    for (place, (label, body, expected)) in answer.into_iter().enumerate() {
        let start = sign_in.start([place as u8; 32], at(NOW));
        let sent = query(&start);
        slack.token.answers(200, "", body(&sent["nonce"]));
        let found = sign_in.finish("c", &sent["state"], start.cookie.expose_secret(), |_| true, at(NOW)).await.unwrap_err();
        assert_eq!(found, expected, "{label}");
    }
    let start = sign_in.start([50; 32], at(NOW));
    assert_eq!(
        sign_in.finish("", &query(&start)["state"], start.cookie.expose_secret(), |_| true, at(NOW)).await.unwrap_err(),
        SignInError::NoCode
    );
}

#[tokio::test]
async fn a_state_is_good_for_one_browser_and_ten_minutes() {
    let slack = Slack::start().await;
    let sign_in = slack.sign_in(false);
    let (one, two) = (sign_in.start([1; 32], at(NOW)), sign_in.start([2; 32], at(NOW)));
    let state = query(&one)["state"].clone();
    let cookie = one.cookie.expose_secret();
    let stretched = state.replacen("1800000600", "1800009600", 1);
    assert_ne!(state, stretched);
    for (label, state, cookie, seconds, expected) in [
        ("another browser", state.as_str(), two.cookie.expose_secret(), 1, Refused::Foreign),
        ("no browser", &state, "", 1, Refused::Foreign),
        ("a longer time", &stretched, cookie, 1, Refused::Foreign),
        ("nothing", "", cookie, 1, Refused::Foreign),
        ("dots", "..", cookie, 1, Refused::Foreign),
        ("no signature", &state[..state.len() - 64], cookie, 1, Refused::Foreign),
        ("too late", &state, cookie, 601, Refused::Expired),
    ] {
        let found = sign_in.finish("c", state, cookie, |_| true, at(NOW + seconds)).await.unwrap_err();
        assert_eq!(found, SignInError::Ticket(expected), "{label}");
    }
    assert!(slack.token.asked().is_empty(), "Slack is not asked for any of them");
    let other =
        SignIn::new(SignInConfig::new("1.2", "s".into(), "https://b.example/c"), &"another secret of thirty-two bytes".into(), None);
    let found = other.unwrap().finish("c", &state, cookie, |_| true, at(NOW)).await.unwrap_err();
    assert_eq!(found, SignInError::Ticket(Refused::Foreign), "another installation's");
}

#[tokio::test]
async fn with_pkce_the_code_is_bound_to_a_second_value() {
    use sha2::Digest as _;
    let slack = Slack::start().await;
    let sign_in = slack.sign_in(true);
    let start = sign_in.start([7; 32], at(NOW));
    let sent = query(&start);
    assert_eq!(sent["code_challenge_method"], "S256");
    slack.says(&honest(&sent["nonce"]).to_string());
    sign_in.finish("c", &sent["state"], start.cookie.expose_secret(), |_| true, at(NOW)).await.unwrap();
    let request = slack.token.asked().remove(0);
    let (_, code_verifier) = request.rsplit_once("&code_verifier=").unwrap();
    assert_eq!(bytes(&sent["code_challenge"]), sha2::Sha256::digest(code_verifier.as_bytes()).to_vec());
    assert_eq!(code_verifier.len(), 43, "RFC 7636 wants 43 characters at least");
}

#[test]
fn settings_have_to_be_whole_and_by_https() {
    let wrong = |change: fn(&mut SignInConfig)| {
        let mut config = SignInConfig::new("1.2", "app-secret".into(), "https://bot.example/c");
        change(&mut config);
        let error = SignIn::new(config, &secret(), None).unwrap_err().to_string();
        assert!(!error.contains("app-secret"));
        error
    };
    assert!(wrong(|config| config.client_id.clear()).contains("client_id"));
    assert!(wrong(|config| config.client_secret = "".into()).contains("client_secret"));
    assert!(wrong(|config| config.api_url = "http://slack.example/api".to_owned()).contains("api_url"));
    assert!(wrong(|config| config.keys_url = "http://slack.example/keys".to_owned()).contains("keys_url"));
    assert!(wrong(|config| config.redirect = "http://bot.example/c".to_owned()).contains("redirect"));
    assert!(wrong(|config| config.authorize_url = "javascript:alert(1)".to_owned()).contains("authorize_url"));
    let config = SignInConfig::new("1.2", "app-secret".into(), "https://bot.example/c");
    assert!(!format!("{config:?}").contains("app-secret"));
    assert!(matches!(SignIn::new(config, &"short".into(), None), Err(SignInError::Settings(_))));
}
