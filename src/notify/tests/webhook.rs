use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    model::{Clock, Priority},
    notify::{Allowed, Kind, Notice, Notifier, NotifyError, Webhook, WebhookConfig, webhook},
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_772_453_100;

/// A receiver as we ask people to write it: it checks the signature before it looks at anything else.
#[derive(Clone, Default)]
struct Receiver {
    got: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
    calls: Arc<Mutex<usize>>,
    answer: Arc<Mutex<u16>>,
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    *receiver.calls.lock().unwrap() += 1;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let sent: i64 = text("x-sre-agent-timestamp").parse().unwrap_or_default();
    let given = text("x-sre-agent-signature").strip_prefix("v1=").and_then(|hash| hex::decode(hash).ok()).unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("v1:{sent}:").as_bytes());
    mac.update(&body);
    if (NOW - sent).abs() > 300 || mac.verify_slice(&given).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    assert_eq!(text("content-type"), "application/json");
    assert_eq!(text("idempotency-key"), text("x-sre-agent-delivery"));
    let answer = *receiver.answer.lock().unwrap();
    match answer {
        302 => Redirect::to("/elsewhere").into_response(),
        0 => {
            receiver.got.lock().unwrap().push((text("idempotency-key"), serde_json::from_slice(&body).unwrap()));
            StatusCode::NO_CONTENT.into_response()
        }
        code => (StatusCode::from_u16(code).unwrap(), "{\"message\": \"not now\"}").into_response(),
    }
}

async fn start() -> (Receiver, String) {
    let receiver = Receiver::default();
    let router = Router::new().route("/hook", post(receive)).route("/elsewhere", post(receive).get(receive)).with_state(receiver.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (receiver, url)
}

fn webhook(url: &str, secret: &str, allowed: &[&str]) -> Result<Webhook, String> {
    let config = WebhookConfig { name: "desk".into(), url: url.to_owned(), secret: secret.into() };
    let allowed = Allowed { hosts: allowed.iter().map(|host| (*host).to_owned()).collect(), allow_private: false };
    Webhook::new(config, allowed, None, Clock::fixed(jiff::Timestamp::from_second(NOW).unwrap()))
}

fn notice() -> Notice {
    Notice {
        key: "INC-42:opened".into(),
        kind: Kind::Opened,
        priority: Priority::P0,
        incident: "INC-42".into(),
        headline: "checkout is down".into(),
        lines: vec!["since 12:03".into(), "späť".into()],
        links: vec![("https://example.com/1".into(), "Thread".into())],
        to: vec![],
    }
}

#[tokio::test]
async fn a_receiver_that_checks_the_signature_gets_the_notice_as_documented() {
    let (receiver, url) = start().await;
    let desk = webhook(&url, SECRET, &["127.0.0.1"]).unwrap();
    assert_eq!(desk.notify(&notice()).await, Ok(()));
    let got = receiver.got.lock().unwrap().clone();
    assert_eq!(got[0].0, "INC-42:opened");
    assert_eq!(
        got[0].1,
        serde_json::json!({
            "schema": 1, "key": "INC-42:opened", "kind": "opened", "priority": "P0", "incident": "INC-42",
            "headline": "checkout is down", "lines": ["since 12:03", "späť"],
            "links": [{"url": "https://example.com/1", "text": "Thread"}], "to": [], "sent_at": "2026-03-02T12:05:00Z",
        })
    );
}

#[tokio::test]
async fn failures_are_sorted_and_redirects_are_not_followed() {
    let (receiver, url) = start().await;
    let desk = webhook(&url, SECRET, &["127.0.0.1"]).unwrap();
    for (answer, later) in [(500, true), (503, true), (429, true), (408, true), (400, false), (404, false), (410, false), (302, false)] {
        *receiver.answer.lock().unwrap() = answer;
        let error = desk.notify(&notice()).await.unwrap_err();
        assert_eq!(matches!(error, NotifyError::Later(_)), later, "{answer}: {error:?}");
        assert!(error.to_string().starts_with("webhook `desk`: HTTP "), "{error}");
    }
    assert_eq!(*receiver.calls.lock().unwrap(), 8, "one call each: no redirect was followed");
    let wrong = webhook(&url, "another secret that is long enough", &["127.0.0.1"]).unwrap();
    assert!(matches!(wrong.notify(&notice()).await, Err(NotifyError::Never(said)) if said.contains("401")));
    assert!(receiver.got.lock().unwrap().is_empty());
    let gone = webhook("http://127.0.0.1:1/", SECRET, &["127.0.0.1"]).unwrap();
    assert!(matches!(gone.notify(&notice()).await, Err(NotifyError::Later(_))));
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_never_called() {
    let (receiver, url) = start().await;
    let said = webhook(&url, SECRET, &[]).err().unwrap();
    assert!(said.contains("webhook `desk`") && said.contains("this machine"), "{said}");
    let said = webhook("https://hooks.example.com/", "short", &[]).err().unwrap();
    assert!(said.contains("32") && !said.contains("short"), "{said}");
    // A name shows only when it is looked up where it leads.
    let named = webhook(&url.replace("127.0.0.1", "name.invalid"), SECRET, &[]).unwrap();
    assert!(matches!(named.notify(&notice()).await, Err(NotifyError::Later(said)) if said.contains("cannot be resolved")));
    assert_eq!(*receiver.calls.lock().unwrap(), 0);
}

#[test]
fn the_signature_is_what_any_other_program_computes() {
    // Computed with: printf 'v1:1772453100:{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    assert_eq!(webhook::signature(&SECRET.into(), "1772453100", "{\"a\":1}"), format!("v1={SIGNED}"));
    assert_eq!(webhook::delivery("INC-42:opened"), "INC-42:opened");
    for strange in ["", "a b", "a\r\nX: y", "ä", &"x".repeat(256)] {
        assert_eq!(webhook::delivery(strange).len(), 64, "{strange:?}");
    }
}

const SIGNED: &str = "c78b7664f412a1a253b060c3192d0fe3bfc4a8d1917ae37cec81d66d83a76090";
