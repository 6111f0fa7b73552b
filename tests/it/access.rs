//! Who is let in, by token, key or cookie, and what becomes of those who are not.

use std::{collections::BTreeSet, fs};

use axum::http::StatusCode;
use jiff::SignedDuration;
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sre_agent::{
    app::system_clock,
    auth::{ApiKey, Issuer},
    config::{AUDIENCE, ISSUER},
    model::RunState,
    store::{Commit, DocumentKind, DocumentUpdate, Store},
};

use crate::{
    acts::reported,
    fakes::{idp::Idp, kubernetes::FakeCluster},
    world::World,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef-of-the-tests";
pub const TOKEN: &str = "the-one-token-of-the-settings";

fn token_with(secret: &str, subject: &str, roles: &[&str], back: i64, lifetime: i64, id: &str) -> String {
    let issuer = Issuer::new(&SecretString::from(secret.to_owned()), ISSUER, AUDIENCE).unwrap();
    let roles: BTreeSet<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    let now = system_clock().now() - SignedDuration::from_secs(back);
    let lifetime = Some(SignedDuration::from_secs(lifetime));
    issuer.issue(subject, subject, &roles, lifetime, now, id).unwrap().0.expose_secret().to_owned()
}

pub fn token(subject: &str, roles: &[&str]) -> String {
    token_with(SECRET, subject, roles, 0, 3600, &format!("id-of-{subject}"))
}

/// A service that wants tokens; `more` are further lines of the settings.
pub async fn world(more: &str) -> World {
    let mut world = World::unstarted().await;
    let settings = fs::read_to_string(world.settings_file()).unwrap();
    let access = format!(
        "api: {{token: {TOKEN}}}\naccess:\n  tokens: {{secret: {SECRET}}}\n  identities: {{bob@example.com: U02BOB}}\n  people: {{U02BOB: [developer]}}"
    );
    fs::write(world.settings_file(), format!("{settings}{access}\n{more}\n")).unwrap();
    world.start_service().await;
    world
}

impl World {
    pub async fn calls_api(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> (StatusCode, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = reqwest::Client::new().request(method, format!("{}/api/v1{path}", self.service_url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn only_a_proved_caller_is_let_in() {
    let world = world("").await;
    let forged = |head: Value, payload: Value, sign: &str| {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
        format!("{}.{}.{sign}", B64.encode(head.to_string()), B64.encode(payload.to_string()))
    };
    let now = system_clock().now().as_second();
    let claims = json!({"sub": "mallory", "roles": ["admin"], "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60, "jti": "x"});
    let good = token("alice@example.com", &["user"]);
    let cut = good.rsplit_once('.').unwrap().0.to_owned();
    let table = [
        ("nobody", None),
        ("another token", Some("another-token".to_owned())),
        ("no algorithm", Some(forged(json!({"alg": "none"}), claims.clone(), ""))),
        ("no algorithm, spelt otherwise", Some(forged(json!({"alg": "nOnE", "typ": "JWT"}), claims.clone(), "AAAA"))),
        ("no signature", Some(format!("{cut}."))),
        ("another secret", Some(token_with("another-secret-of-more-than-32-letters!", "alice", &["admin"], 0, 60, "a"))),
        ("expired", Some(token_with(SECRET, "alice", &["admin"], 7200, 3600, "b"))),
        ("from the future", Some(token_with(SECRET, "alice", &["admin"], -3600, 3600, "c"))),
        ("for the console", Some(forged(json!({"alg": "HS256"}), json!({"aud": "console"}), "AAAA"))),
        ("a key that nobody has", Some(format!("sre_{}_{}", "0".repeat(16), "0".repeat(64)))),
        ("too long", Some("a.b.".to_owned() + &"c".repeat(10_000))),
    ];
    for (what, given) in table {
        let (status, body) = world.calls_api("GET", "/incidents", given.as_deref(), None).await;
        assert_eq!(status, 401, "{what}: {body}");
        assert_eq!(body["type"], "/docs/problems/unauthorized", "{what}");
        assert!(!body.to_string().contains("mallory") && given.is_none_or(|given| !body.to_string().contains(&given)), "{what}: {body}");
    }
    for (what, given) in [("the one token", TOKEN.to_owned()), ("a token of ours", good)] {
        assert_eq!(world.calls_api("GET", "/incidents", Some(&given), None).await.0, 200, "{what}");
    }
}

#[tokio::test]
async fn what_a_role_lacks_is_named_and_audited() {
    let world = world("").await;
    reported(&world).await;
    let alice = token("alice@example.com", &["user"]);
    assert_eq!(world.calls_api("POST", "/incidents/1/acknowledge?wait=5", Some(&alice), None).await.0, 200);
    assert_eq!(world.incident().await.owner.as_deref(), Some("jwt:alice@example.com"));
    for (method, path, body, permission) in [
        ("GET", "/audit", None, "audit:read"),
        ("POST", "/runbooks/restart-workload/runs", Some(json!({})), "runbook:request"),
        ("POST", "/alerts", Some(json!({"source": "x"})), "alert:create"),
        ("POST", "/changes", Some(json!({"service": "a", "summary": "b"})), "change:create"),
    ] {
        let (status, problem) = world.calls_api(method, path, Some(&alice), body).await;
        assert_eq!((status, &problem["missing_permission"]), (StatusCode::FORBIDDEN, &json!(permission)), "{path}: {problem}");
    }
    let lines = world.store().audit(None, 50).await.unwrap();
    let refused: Vec<&str> = lines
        .iter()
        .filter(|line| line.outcome == "refused" && line.actor == "jwt:alice@example.com")
        .map(|line| line.act.as_str())
        .collect();
    assert_eq!(refused, ["change:create", "alert:create", "runbook:request", "audit:read"]);
    let nobody = token("carol@example.com", &["a-role-that-is-none"]);
    assert_eq!(world.calls_api("GET", "/incidents", Some(&nobody), None).await.0, 403);
}

#[tokio::test]
async fn keys_and_tokens_are_taken_back() {
    let world = world("").await;
    let now = system_clock().now();
    let (shown, key) = ApiKey::generate("ci", ["developer".to_owned()].into(), None, now, [7; 40]).unwrap();
    let store = world.store();
    let document = DocumentUpdate { kind: DocumentKind::ApiKey, key: key.id.clone(), body: Some(serde_json::to_value(&key).unwrap()) };
    assert!(!document.body.as_ref().unwrap().to_string().contains(shown.expose_secret()), "only its hash is kept");
    store.commit(Commit { documents: vec![document], ..Commit::default() }).await.unwrap();
    let alice = token("alice@example.com", &["user"]);
    for given in [shown.expose_secret(), &alice] {
        assert_eq!(world.calls_api("GET", "/agents", Some(given), None).await.0, 200);
    }
    for id in [key.id.clone(), "id-of-alice@example.com".to_owned()] {
        let mut documents = vec![DocumentUpdate { kind: DocumentKind::Revoked, key: id.clone(), body: Some(json!({})) }];
        if id == key.id {
            let mut revoked = key.clone();
            revoked.revoked_at = Some(now);
            documents.push(DocumentUpdate { kind: DocumentKind::ApiKey, key: id, body: Some(serde_json::to_value(&revoked).unwrap()) });
        }
        store.commit(Commit { documents, ..Commit::default() }).await.unwrap();
    }
    for given in [shown.expose_secret(), &alice] {
        assert_eq!(world.calls_api("GET", "/agents", Some(given), None).await.0, 401);
    }
}

#[tokio::test]
async fn who_comes_too_often_waits_and_nobody_else_does() {
    let world = world("  rate: {per_second: 1, burst: 3}").await;
    let (alice, carol) = (token("alice@example.com", &["user"]), token("carol@example.com", &["user"]));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(world.calls_api("GET", "/agents", Some(&alice), None).await.0.as_u16());
    }
    assert_eq!(statuses[..3], [200, 200, 200]);
    assert!(statuses[3..].contains(&429), "{statuses:?}");
    assert_eq!(world.calls_api("GET", "/agents", Some(&carol), None).await.0, 200);
}

#[tokio::test]
async fn without_a_token_only_names_of_this_machine_are_answered() {
    let world = World::usual().await;
    let ask = async |host: &str| {
        let request = reqwest::Client::new().get(format!("{}/api/v1/incidents", world.service_url)).header("host", host);
        request.send().await.unwrap().status().as_u16()
    };
    for host in ["127.0.0.1:3000", "localhost", "[::1]:3000"] {
        assert_eq!(ask(host).await, 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:3000", "10.0.0.1"] {
        assert_eq!(ask(host).await, 401, "{host}");
    }
}

/// A browser, as far as it matters: one cookie, no redirects.
struct Browser {
    base: String,
    cookie: String,
}

impl Browser {
    fn new(world: &World) -> Self {
        Self { base: world.service_url.clone(), cookie: String::new() }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> (u16, HeaderMap, String) {
        let answer = request.header("cookie", &self.cookie).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if let Some(cookie) = headers.get(SET_COOKIE).and_then(|value| value.to_str().ok()) {
            cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        (status, headers, answer.text().await.unwrap())
    }

    fn client() -> reqwest::Client {
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
    }

    async fn get(&mut self, path: &str) -> (u16, HeaderMap, String) {
        let request = Self::client().get(format!("{}{path}", self.base));
        self.send(request).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Self::client()
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", &self.base)
            .body(form);
        self.send(request).await
    }

    async fn signs_in(&mut self, token: &str) {
        let (status, headers, _) = self.post("/session", &[("token", token), ("next", "/incidents")]).await;
        assert_eq!((status, headers[LOCATION].to_str().unwrap()), (303, "/incidents"));
    }
}

fn csrf(page: &str) -> String {
    page.split("name=\"csrf\" value=\"").nth(1).expect("a form").split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_console_lets_people_in_by_token_and_guards_its_forms() {
    let world = world("").await;
    reported(&world).await;
    let mut browser = Browser::new(&world);
    let (status, headers, _) = browser.get("/incidents/INC-1").await;
    assert_eq!((status, headers[LOCATION].to_str().unwrap()), (303, "/sign-in?next=%2Fincidents%2FINC-1"));
    let (status, _, page) = browser.get("/sign-in?next=https://evil.example").await;
    assert!(status == 200 && !page.contains("evil.example"), "{page}");
    assert_eq!(browser.post("/session", &[("token", "wrong")]).await.0, 401);
    browser.signs_in(&token("alice@example.com", &["user"])).await;
    let (status, headers, page) = browser.get("/incidents/INC-1").await;
    assert_eq!(status, 200);
    assert!(page.contains("INC-1") && page.contains("OOM") && page.contains("alice@example.com"), "{page}");
    for (name, part) in [
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=()"),
        ("cache-control", "no-store"),
    ] {
        assert!(headers[name].to_str().unwrap().contains(part), "{name}: {:?}", headers[name]);
    }
    assert!(!headers.contains_key("server"));
    // A form without its token, or with another session's, does nothing.
    for given in ["", "0000", &csrf(&page).replace('a', "b")] {
        assert_eq!(browser.post("/incidents/INC-1/acknowledge", &[("csrf", given)]).await.0, 403, "{given}");
    }
    let (status, headers, _) = browser.post("/incidents/INC-1/acknowledge", &[("csrf", &csrf(&page))]).await;
    assert_eq!((status, headers[LOCATION].to_str().unwrap()), (303, "/incidents/INC-1?said=done"));
    assert_eq!(world.incident().await.owner.as_deref(), Some("jwt:alice@example.com"));
    for path in
        ["/incidents", "/incidents?state=acknowledged&text=checkout", "/agents", "/accuracy", "/approvals", "/incidents/INC-1/report.md"]
    {
        assert_eq!(browser.get(path).await.0, 200, "{path}");
    }
    let (status, _, page) = browser.get("/audit").await;
    assert!(status == 403 && page.contains("audit:read"), "{page}");
    assert_eq!(browser.get("/incidents/INC-99").await.0, 404);
    let (_, _, page) = browser.get("/incidents").await;
    let old = browser.cookie.clone();
    assert_eq!(browser.post("/session/end", &[("csrf", &csrf(&page))]).await.0, 303);
    browser.cookie = old;
    assert_eq!(browser.get("/incidents").await.0, 303, "the cookie of an ended session counts no more");
    let mut machine = Browser::new(&world);
    let (shown, key) = ApiKey::generate("ci", ["admin".to_owned()].into(), None, system_clock().now(), [9; 40]).unwrap();
    let document = DocumentUpdate { kind: DocumentKind::ApiKey, key: key.id.clone(), body: Some(serde_json::to_value(&key).unwrap()) };
    world.store().commit(Commit { documents: vec![document], ..Commit::default() }).await.unwrap();
    assert_eq!(machine.post("/session", &[("token", shown.expose_secret())]).await.0, 401, "a key is for machines");
}

#[tokio::test]
async fn a_run_is_asked_for_by_api_and_approved_in_the_console_by_somebody_else() {
    let cluster = FakeCluster::start("reader").await;
    cluster.rights("writer", "runbooks", &["* *"]);
    cluster.put(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {}}));
    cluster.put(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "checkout"}}, "template": {"metadata": {"labels": {"app": "checkout"}},
            "spec": {"containers": [{"name": "checkout", "image": "shop/checkout:1"}]}}}}));
    cluster.settle();
    let world = world(&format!("actions: {{kubernetes: {{main: {{url: '{}', token: writer}}}}}}", cluster.url)).await;
    reported(&world).await;
    let (dev, bob) = (token("dev@example.com", &["developer"]), token("bob@example.com", &[]));
    let wrong = json!({"incident": "INC-1", "parameters": {"workload": "../x", "replicas": 900, "color": "red"}});
    let (status, problem) = world.calls_api("POST", "/runbooks/scale-workload/runs", Some(&dev), Some(wrong)).await;
    assert_eq!((status.as_u16(), problem["errors"].as_array().unwrap().len()), (422, 3), "{problem}");
    let wanted = json!({"incident": "INC-1", "parameters": {"replicas": 3}});
    let (status, answer) = world.calls_api("POST", "/runbooks/scale-workload/runs?wait=10", Some(&dev), Some(wanted)).await;
    assert_eq!(status, 200, "{answer}");
    let run = &answer["run"];
    assert_eq!((run["state"].as_str(), run["risk"].as_str()), (Some("waiting"), Some("medium")), "{run}");
    let id = run["id"].as_str().unwrap();
    let hash = json!({"hash": run["hash"]});
    let (status, problem) = world.calls_api("POST", &format!("/runs/{id}/approve"), Some(&dev), Some(hash.clone())).await;
    assert!(status == 403 && problem["detail"].as_str().unwrap().contains("a second person"), "{problem}");
    let (status, problem) = world.calls_api("POST", &format!("/runs/{id}/approve"), Some(TOKEN), Some(hash)).await;
    assert!(status == 403 && problem["detail"].as_str().unwrap().contains("a person must"), "{problem}");
    // Bob's token names him as a person of Slack, whose roles are those of the settings; dev is not known there, and could be Bob.
    let mut browser = Browser::new(&world);
    browser.signs_in(&bob).await;
    let (_, _, page) = browser.get(&format!("/approvals/{id}/approve")).await;
    assert!(page.contains("another person"), "{page}");
    let mut second = Browser::new(&world);
    second.signs_in(&token("eve@example.com", &["developer"])).await;
    let (_, _, page) = second.get(&format!("/approvals/{id}/approve")).await;
    assert!(page.contains("spec") || page.contains("replicas: 1"), "the dry run is shown: {page}");
    let hash = page.split("name=\"hash\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (status, headers, _) = second.post(&format!("/approvals/{id}/approve"), &[("csrf", &csrf(&page)), ("hash", &hash)]).await;
    assert_eq!((status, headers[LOCATION].to_str().unwrap()), (303, format!("/runs/{id}?said=done").as_str()));
    for _ in 0..200 {
        if cluster.writes().iter().any(|write| write.took_effect()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    cluster.settle();
    for _ in 0..8 {
        world.advance(4);
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    world.run_is(RunState::Done).await;
    assert_eq!(cluster.writes().iter().filter(|write| write.took_effect()).count(), 1);
    let (_, run) = world.calls_api("GET", &format!("/runs/{id}"), Some(TOKEN), None).await;
    assert_eq!((run["state"].as_str(), run["steps"][0]["state"].as_str()), (Some("done"), Some("done")), "{run}");
    let (_, _, page) = second.get(&format!("/runs/{id}")).await;
    assert!(page.contains("it worked") && page.contains("3 of 3 pods ready"), "{page}");
}

#[tokio::test]
async fn an_identity_providers_tokens_are_taken_and_its_forgeries_are_not() {
    let idp = Idp::start().await;
    let more = format!(
        "api: {{token: {TOKEN}}}\naccess:\n  tokens: {{jwks_url: '{}', issuer: '{}', audience: sre-agent, roles_claim: groups}}\n",
        idp.keys_url(),
        idp.issuer()
    );
    let mut world = World::unstarted().await;
    let settings = fs::read_to_string(world.settings_file()).unwrap();
    fs::write(world.settings_file(), format!("{settings}{more}")).unwrap();
    world.start_service().await;
    let now = system_clock().now().as_second();
    let mut claims = idp.claims("alice@example.com", "sre-agent", now);
    claims["groups"] = json!(["user"]);
    for (what, given) in [("RS256", idp.token(&claims)), ("ES256", idp.token_es256(&claims))] {
        assert_eq!(world.calls_api("GET", "/incidents", Some(&given), None).await.0, 200, "{what}");
    }
    let mut admin = claims.clone();
    admin["groups"] = json!(["admin"]);
    let mut elsewhere = claims.clone();
    elsewhere["aud"] = json!("another-service");
    for (what, given) in [
        ("no signature", idp.unsigned(&admin)),
        ("another key", idp.wrong_key(&admin)),
        ("another key, ES256", idp.wrong_key_es256(&admin)),
        ("a key that is not published", idp.unknown_key_id(&admin)),
        ("HS256 with the public key as its secret", idp.hs256_with_public_key(&admin)),
        ("its own key in the head", idp.own_key_in_header(&admin)),
        ("expired", idp.expired("alice", "sre-agent", now, 600)),
        ("from the future", idp.future("alice", "sre-agent", now, 600)),
        ("for somebody else", idp.token(&elsewhere)),
    ] {
        assert_eq!(world.calls_api("GET", "/incidents", Some(&given), None).await.0, 401, "{what}");
    }
    idp.down(true);
    assert_eq!(world.calls_api("GET", "/incidents", Some(&idp.token(&claims)), None).await.0, 200, "keys that are known stay known");
}

#[tokio::test]
async fn the_same_idempotency_key_of_two_callers_stands_for_two_requests() {
    let world = world("").await;
    let send = async |who: &str, name: &str| {
        let body = json!({"name": name, "severity": "high", "service": "checkout"});
        let url = format!("{}/api/v1/alerts", world.service_url);
        let request = reqwest::Client::new().post(url).bearer_auth(token(who, &["developer"])).header("idempotency-key", "1");
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        answer["analysis_id"].as_str().unwrap().to_owned()
    };
    let first = send("one@example.com", "CheckoutSlow").await;
    let other = send("two@example.com", "QueueFull").await;
    assert_ne!(first, other, "the second caller's alert is another one");
    assert_eq!(send("one@example.com", "CheckoutSlow").await, first, "a repetition is the same request");
}

#[tokio::test]
async fn what_a_policy_denies_for_a_channel_is_in_no_list_either() {
    let world =
        world("  policies: [{effect: deny, permissions: ['incident:read', 'runbook:read'], roles: [developer], channels: ['C*']}]").await;
    reported(&world).await;
    let (dev, root) = (token("dev@example.com", &["developer"]), token("root@example.com", &["admin"]));
    let (_, all) = world.calls_api("GET", "/incidents", Some(&root), None).await;
    let look = all["items"][0]["investigation"].as_str().unwrap_or_default().to_owned();
    let (status, listed) = world.calls_api("GET", "/incidents", Some(&dev), None).await;
    assert_eq!((status.as_u16(), listed["items"].as_array().map(Vec::len)), (200, Some(0)), "{listed}");
    assert!(!look.is_empty(), "{all}");
    for path in ["/incidents/1", &format!("/investigations/{look}")] {
        assert_eq!(world.calls_api("GET", path, Some(&root), None).await.0, 200, "{path}");
        let (status, answer) = world.calls_api("GET", path, Some(&dev), None).await;
        assert!(status == 403 && answer.to_string().contains("incident:read"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_session_ends_with_the_token_that_opened_it_and_gives_no_more() {
    let world = world("").await;
    let claims = token("bob@example.com", &["user"]);
    let mut browser = Browser::new(&world);
    browser.signs_in(&claims).await;
    let (status, _, page) = browser.get("/incidents").await;
    assert_eq!(status, 200);
    assert!(!page.contains("developer"), "Bob is a developer in Slack; this token says that he is a user: {page}");
    let jti = "id-of-bob@example.com".to_owned();
    let document = DocumentUpdate { kind: DocumentKind::Revoked, key: jti, body: Some(json!({})) };
    world.store().commit(Commit { documents: vec![document], ..Commit::default() }).await.unwrap();
    assert_eq!(browser.get("/incidents").await.0, 303, "a revoked token takes its session with it");
    browser.signs_in(&token_with(SECRET, "bob@example.com", &["user"], 0, 3600, "another")).await;
    world.advance(3700);
    assert_eq!(browser.get("/incidents").await.0, 303, "a session lives no longer than its token");
}
