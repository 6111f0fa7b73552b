use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    model::Clock,
    notify::{NotifyError, OnCall, OnCallConfig, Person, Service},
};

/// PagerDuty and Opsgenie in one: what is asked decides which of them it is.
#[derive(Clone, Default)]
struct Fake {
    asked: Arc<Mutex<Vec<String>>>,
    /// Instead of the usual answer.
    broken: Arc<Mutex<Option<(u16, Value)>>>,
}

async fn answer(State(fake): State<Fake>, uri: Uri, headers: HeaderMap) -> Response {
    fake.asked.lock().unwrap().push(uri.to_string());
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if let Some((code, body)) = fake.broken.lock().unwrap().clone() {
        return (StatusCode::from_u16(code).unwrap(), Json(body)).into_response();
    }
    let query: Vec<(String, String)> = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let has = |key: &str, value: &str| query.iter().any(|(k, v)| k == key && v == value);
    match uri.path() {
        "/oncalls" => {
            if header("authorization") != "Token token=hunter2secret" || header("accept") != "application/vnd.pagerduty+json;version=2" {
                return (StatusCode::UNAUTHORIZED, Json(json!({"error": {"message": "Unauthorized"}}))).into_response();
            }
            if !has("schedule_ids[]", "PI7DH85") || !has("include[]", "users") {
                return Json(json!({"oncalls": [], "limit": 100, "offset": 0, "more": false, "total": null})).into_response();
            }
            let entry = |level: u8, user: Value| {
                json!({
                    "escalation_policy": {"id": "PT20YPA", "type": "escalation_policy_reference", "summary": "Engineering"},
                    "escalation_level": level, "schedule": {"id": "PI7DH85", "type": "schedule_reference", "summary": "Primary"},
                    "user": user, "start": "2026-03-02T08:00:00Z", "end": "2026-03-09T08:00:00Z",
                })
            };
            let ana = json!({"id": "PXPGF42", "type": "user", "summary": "Ana Ruiz", "name": "Ana Ruiz", "email": "ana@example.com", "role": "user"});
            let left = json!({"id": "PGONE", "type": "user_reference", "summary": "Somebody Who Left"});
            Json(json!({"oncalls": [entry(1, ana.clone()), entry(2, ana), entry(1, left)], "limit": 100, "offset": 0, "more": false}))
                .into_response()
        }
        "/v2/schedules/d875%20alm%2F4b4/on-calls" if has("flat", "true") && header("authorization") == "GenieKey hunter2secret" => {
            Json(json!({
                "data": {"_parent": {"id": "d875", "name": "Primary", "enabled": true}, "onCallRecipients": ["ana@example.com", "ben"]},
                "took": 0.1, "requestId": "r",
            }))
            .into_response()
        }
        _ => (StatusCode::FORBIDDEN, Json(json!({"message": "You are not authorized"}))).into_response(),
    }
}

struct Setting {
    fake: Fake,
    now: Arc<Mutex<Timestamp>>,
    on_call: OnCall,
}

async fn setting(service: Service, token: &str) -> Setting {
    let fake = Fake::default();
    let router = Router::new().fallback(answer).with_state(fake.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let now = Arc::new(Mutex::new("2026-03-02T12:00:00Z".parse().unwrap()));
    let shown = now.clone();
    let clock = Clock::new(move || *shown.lock().unwrap());
    let on_call = OnCall::new(OnCallConfig { service, url, token: token.into() }, None, clock).unwrap();
    Setting { fake, now, on_call }
}

impl Setting {
    fn later(&self, seconds: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_secs(seconds);
    }

    fn asked(&self) -> usize {
        self.fake.asked.lock().unwrap().len()
    }
}

fn person(name: &str, email: &str) -> Person {
    Person { name: name.into(), slack: String::new(), email: email.into() }
}

#[tokio::test]
async fn names_and_addresses_come_from_both_services() {
    let pagerduty = setting(Service::PagerDuty, "hunter2secret").await;
    let standby = pagerduty.on_call.who("PI7DH85").await.unwrap();
    assert_eq!(standby.people, [person("Ana Ruiz", "ana@example.com"), person("Somebody Who Left", "")]);
    assert!(pagerduty.on_call.who("PELSE").await.unwrap().people.is_empty(), "nobody is on call");
    let opsgenie = setting(Service::Opsgenie, "hunter2secret").await;
    let standby = opsgenie.on_call.who("d875 alm/4b4").await.unwrap();
    assert_eq!(standby.people, [person("ana@example.com", "ana@example.com"), person("ben", "")]);
}

#[tokio::test]
async fn an_answer_holds_for_a_minute() {
    let setting = setting(Service::PagerDuty, "hunter2secret").await;
    for _ in 0..3 {
        setting.on_call.who("PI7DH85").await.unwrap();
        setting.later(19);
    }
    assert_eq!(setting.asked(), 1);
    setting.later(3);
    setting.on_call.who("PI7DH85").await.unwrap();
    assert_eq!(setting.asked(), 2);
}

#[tokio::test]
async fn the_last_answer_is_kept_with_its_age_while_the_service_fails() {
    let setting = setting(Service::PagerDuty, "hunter2secret").await;
    let known = setting.on_call.who("PI7DH85").await.unwrap();
    for broken in [(503, json!({})), (200, json!({"oncalls": 7})), (200, json!([])), (401, json!({"message": "no"}))] {
        *setting.fake.broken.lock().unwrap() = Some(broken);
        setting.later(3600);
        let stale = setting.on_call.who("PI7DH85").await.unwrap();
        assert_eq!((&stale.people, stale.known_at), (&known.people, known.known_at));
        assert!(stale.stale.is_some());
    }
    let before = setting.asked();
    setting.on_call.who("PI7DH85").await.unwrap();
    assert_eq!(setting.asked(), before, "a service that just failed is left alone");
    *setting.fake.broken.lock().unwrap() = None;
    setting.later(16);
    let fresh = setting.on_call.who("PI7DH85").await.unwrap();
    assert_eq!((fresh.stale, fresh.known_at), (None, *setting.now.lock().unwrap()));
}

#[tokio::test]
async fn without_any_answer_the_failure_is_told_and_no_key() {
    let setting = setting(Service::PagerDuty, "hunter3secret").await;
    let error = setting.on_call.who("PI7DH85").await.unwrap_err();
    assert!(matches!(error, NotifyError::Never(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter"));
    setting.on_call.who("PI7DH85").await.unwrap_err();
    assert_eq!(setting.asked(), 1);
    let config = OnCallConfig { service: Service::Opsgenie, url: String::new(), token: "hunter2\nsecret".into() };
    assert!(!format!("{config:?}").contains("hunter"));
    let error = OnCall::new(config, None, Clock::fixed(Timestamp::UNIX_EPOCH)).err().unwrap();
    assert!(!error.contains("hunter"), "{error}");
}
