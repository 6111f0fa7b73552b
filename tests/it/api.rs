//! The HTTP API as a script sees it: reading, acting, waiting, repeating, following, and what it says to nonsense.

use std::{collections::BTreeSet, time::Duration};

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::{progress::slow, world::World};

const TOKEN: &str = "a-token-of-the-test-0123456789";
/// How long a test waits for something that takes milliseconds when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// Address, media type, body; the status, the kind of problem and a part of what is said about it.
type Nonsense = (&'static str, &'static str, Vec<u8>, u16, &'static str, &'static str);

/// One answer.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
    body: Value,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It is a problem of this kind, in full.
    #[track_caller]
    fn is_problem(&self, status: u16, kind: &str) -> &Value {
        assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"), "{self:?}");
        let body = &self.body;
        assert_eq!(body["type"], format!("/docs/problems/{kind}"), "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
        assert!(body["instance"].as_str().unwrap().starts_with("/api/v1"), "{body}");
        body
    }
}

/// What a request says besides its method and path.
#[derive(Default)]
struct Said<'a> {
    body: Option<Vec<u8>>,
    headers: Vec<(&'a str, &'a str)>,
}

impl World {
    async fn ask(&self, method: Method, path: &str, said: Said<'_>) -> Reply {
        let mut request = reqwest::Client::new().request(method, format!("{}/api/v1{path}", self.service_url));
        for (name, value) in said.headers {
            request = request.header(name, value);
        }
        let answer = request.body(said.body.unwrap_or_default()).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, headers, text, body }
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, Said::default()).await
    }

    async fn send(&self, path: &str, body: Value) -> Reply {
        self.send_with(path, body, &[]).await
    }

    async fn send_with(&self, path: &str, body: Value, more: &[(&str, &str)]) -> Reply {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(more);
        self.ask(Method::POST, path, Said { body: Some(body.to_string().into_bytes()), headers }).await
    }

    /// Asks until the answer has what is wanted.
    async fn until_api<T>(&self, path: &str, found: impl Fn(&Value) -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(value) = found(&self.get(path).await.body) {
                    return value;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("waited in vain at {path}"))
    }
}

fn oom() -> Value {
    json!({"name": "KubePodCrashLooping", "severity": "critical", "service": "checkout", "namespace": "shop", "labels": {"pod": "checkout-7f5b9c4d68-4xk9p"}})
}

/// A world with an incident that has its report.
async fn reported() -> World {
    let world = World::usual().await;
    world.alert(oom()).await;
    world.until_api("/incidents/INC-1", |incident| (incident["state"] == "reported").then_some(())).await;
    world
}

/// A world whose API wants a token.
async fn guarded() -> World {
    let mut world = World::unstarted().await;
    let mut settings = std::fs::read_to_string(world.settings_file()).unwrap();
    settings.push_str(&format!("api: {{token: {TOKEN}}}\n"));
    std::fs::write(world.settings_file(), settings).unwrap();
    world.start_service().await;
    world
}

#[tokio::test]
async fn an_incident_lives_its_life_through_the_api_alone() {
    let world = reported().await;
    let act = async |name: &str, body: Value| world.send(&format!("/incidents/INC-1/{name}?wait=10"), body).await;
    let done = async |name: &str, body: Value, state: &str| {
        let answer = act(name, body).await;
        // Another look can be over before the answer is written.
        let is = answer.body["incident"]["state"].as_str().unwrap_or_default();
        let is = if name == "rerun" && is == "reported" { "investigating" } else { is };
        assert_eq!((answer.status, &answer.body["status"], is), (200, &json!("done"), state), "{name}: {answer:?}");
        assert_eq!(answer.header("preference-applied"), "wait=10");
        answer.body
    };
    let acknowledged = done("acknowledge", json!({}), "acknowledged").await;
    assert_eq!(acknowledged["incident"]["owner"], "api");
    let again = act("acknowledge", json!({})).await;
    assert_eq!((again.status, &again.body["status"]), (200, &json!("nothing_to_do")), "{again:?}");
    done("unacknowledge", json!({}), "reported").await;
    done("assign", json!({"to": "U01ALICE"}), "reported").await;
    done("silence", json!({"seconds": 3600, "reason": "the migration runs"}), "silenced").await;
    let silences = world.get("/silences").await.body;
    let silence = silences["items"][0]["id"].as_str().unwrap();
    assert_eq!((&silences["items"][0]["incident"], &silences["items"][0]["reason"]), (&json!("INC-1"), &json!("the migration runs")));
    let ended = world.ask(Method::DELETE, &format!("/silences/{silence}?wait=10"), Said::default()).await;
    assert_eq!((ended.status, &ended.body["incident"]["state"]), (200, &json!("reported")), "{ended:?}");
    world.ask(Method::DELETE, &format!("/silences/{silence}"), Said::default()).await.is_problem(409, "conflict");
    let until = (sre_agent::app::system_clock().now() + jiff::SignedDuration::from_hours(1)).to_string();
    done("silence", json!({"until": until}), "silenced").await;
    done("unsilence", json!({}), "reported").await;
    let judged = done("feedback", json!({"verdict": "one_hop_short", "note": "the node was drained"}), "reported").await;
    assert_eq!(judged["incident"]["feedback"][0]["verdict"], "one_hop_short");
    done("rerun", json!({}), "investigating").await;
    world.until_api("/incidents/1", |incident| (incident["state"] == "reported").then_some(())).await;
    done("replay", json!({}), "reported").await;
    done("resolve", json!({}), "resolved").await;
    done("reopen", json!({}), "reported").await;

    // What it left behind.
    let accepted = world.send("/incidents/inc-1/resolve", json!({})).await;
    assert_eq!((accepted.status, &accepted.body["status"]), (202, &json!("accepted")), "{accepted:?}");
    world.until_api("/incidents/1", |incident| (incident["state"] == "resolved").then_some(())).await;
    let audit = world.get("/audit?object=INC-1&actor=api&act=resolve").await.body;
    assert_eq!(audit["items"].as_array().unwrap().len(), 2, "{audit}");
    let timeline = world.get("/incidents/1/timeline?limit=200").await.body;
    let told: Vec<&str> = timeline["items"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert!(told.iter().any(|text| text.contains("acknowledged")) && told.iter().any(|text| text.contains("replay")), "{told:?}");
    let alerts = world.get("/incidents/1/alerts").await.body;
    assert_eq!(
        (&alerts["items"][0]["name"], &alerts["items"][0]["origin"]),
        (&json!("KubePodCrashLooping"), &json!("webhook")),
        "{alerts}"
    );
    let evidence = world.get("/incidents/1/evidence").await.body;
    assert!(evidence["items"][0]["summary"].as_str().unwrap().contains("OOMKilled"), "{evidence}");
    let stats = world.get("/stats?days=7").await.body;
    assert_eq!(
        (&stats["incident_count"], &stats["verdicts"]["one_hop_short"], &stats["services"][0]["name"]),
        (&json!(1), &json!(1), &json!("checkout")),
        "{stats}"
    );
}

#[tokio::test]
async fn a_report_is_there_in_the_form_that_is_wanted() {
    let world = reported().await;
    let json = world.get("/incidents/1/report").await;
    assert_eq!((&json.body["schema"], &json.body["hypotheses"][0]["category"]), (&json!(1), &json!("oom_killed")), "{json:?}");
    for (path, accept) in [
        ("/incidents/1/report", "text/markdown"),
        ("/incidents/1/report?format=markdown", "application/json"),
        ("/incidents/1/report", "application/json;q=0.5, text/*"),
    ] {
        let markdown = world.ask(Method::GET, path, Said { headers: vec![("accept", accept)], ..Said::default() }).await;
        assert_eq!(markdown.header("content-type"), "text/markdown; charset=utf-8");
        assert!(markdown.text.contains("## Root cause"), "{}", markdown.text);
    }
    let neither = world.ask(Method::GET, "/incidents/1/report", Said { headers: vec![("accept", "image/png")], ..Said::default() }).await;
    neither.is_problem(406, "not-acceptable");
    let draft = world.get("/incidents/1/postmortem?format=markdown").await;
    assert!(draft.text.starts_with("# Postmortem: INC-1"), "{}", draft.text);
    let (head, whole) = (draft.text.lines().next().unwrap(), world.get("/incidents/1/postmortem").await.body);
    assert!(whole["markdown"].as_str().unwrap().starts_with(head), "{whole}");
}

#[tokio::test]
async fn pages_have_no_gaps_and_no_repeats_while_incidents_come_in() {
    let world = World::usual().await;
    // Names and services of their own, so that none joins another one's incident.
    let alerts: Vec<Value> = (0..23).map(|number| json!({"name": format!("Alert{number}x"), "service": format!("svc-{number}"), "severity": if number % 2 == 0 { "high" } else { "low" }})).collect();
    world.alert(json!(alerts)).await;
    world.until_api("/incidents?limit=200", |page| (page["items"].as_array()?.len() == 23).then_some(())).await;
    let walk = async |query: &str| {
        let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = world.get(&format!("/incidents?{query}{cursor}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            seen.extend(page.body["items"].as_array().unwrap().iter().map(|incident| incident["id"].as_str().unwrap().to_owned()));
            pages += 1;
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return (seen, pages),
            }
            if pages == 1 && query.starts_with("limit=5") {
                world.alert(json!({"name": "Late", "service": format!("late-{}", query.len())})).await;
            }
        }
    };
    let (seen, pages) = walk("limit=5").await;
    assert_eq!(pages, 5);
    assert_eq!(seen, (1..=23).rev().map(|number| format!("INC-{number}")).collect::<Vec<_>>());
    let (some, pages) = walk("limit=4&priority=P1").await;
    assert_eq!((some.len(), pages), (12, 3));
    assert_eq!(walk("service=svc-7").await.0.len(), 1);
    assert_eq!(walk("text=alert7x").await.0.len(), 1);
    assert_eq!(walk("text=no+such+words").await.0.len(), 0);
    assert_eq!(walk("owner=U01ALICE").await.0.len(), 0);
    assert_eq!(walk("until=2020-01-01T00:00:00Z").await.0.len(), 0);
    world.until_api("/incidents?service=late-7", |page| (page["items"].as_array()?.len() == 1).then_some(())).await;
    assert_eq!(walk("since=2020-01-01T00:00:00Z&open=true&limit=100").await.0.len(), 24);
}

/// Reads a stream to its end: (event, id, data).
async fn stream(world: &World, path: &str, headers: &[(&str, &str)]) -> Vec<(String, String, Value)> {
    let mut request = reqwest::Client::new().get(format!("{}/api/v1{path}", world.service_url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, "text/event-stream"));
    let text = tokio::time::timeout(PATIENCE, answer.text()).await.unwrap().unwrap();
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty() && !block.starts_with(':'));
    blocks
        .map(|block| {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default();
            (field("event").to_owned(), field("id").to_owned(), serde_json::from_str(field("data")).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_running_investigation_can_be_followed_to_its_report() {
    let world = World::start_with(|_| {}, slow("metrics", 4000, false)).await;
    world.alert(oom()).await;
    let id = world.until_api("/incidents/1", |incident| incident["investigation"].as_str().map(str::to_owned)).await;
    let running = world.until_api(&format!("/investigations/{id}"), |look| (look["state"] == "running").then(|| look.clone())).await;
    assert_eq!((&running["incident"], &running["report"], &running["occasion"]["kind"]), (&json!("INC-1"), &Value::Null, &json!("alert")));
    let events = stream(&world, &format!("/investigations/{id}/events"), &[]).await;
    let (last, rest) = events.split_last().unwrap();
    assert_eq!((last.0.as_str(), last.1.as_str()), ("report", "end"));
    assert_eq!(last.2["hypotheses"][0]["category"], "oom_killed", "{}", last.2);
    assert!(rest.len() >= 2 && rest.iter().all(|event| event.0 == "progress"), "{events:?}");
    assert!(rest.iter().any(|event| event.2["steps"].to_string().contains("asking metrics")), "{rest:?}");
    // Coming back: after a progress only what is newer, after the end nothing.
    let again = stream(&world, &format!("/investigations/{id}/events"), &[("last-event-id", &rest.last().unwrap().1)]).await;
    assert_eq!(again.len(), 1, "{again:?}");
    let over = world
        .ask(Method::GET, &format!("/investigations/{id}/events"), Said { headers: vec![("last-event-id", "end")], ..Said::default() })
        .await;
    assert_eq!((over.status, over.text.as_str()), (204, ""));
    let done = world.get(&format!("/investigations/{id}")).await.body;
    assert_eq!((&done["state"], &done["report"]["status"]), (&json!("done"), &last.2["status"]));
    let list = world.get("/incidents/1/investigations").await.body;
    assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["id"]), (1, &json!(id)));
    world.get("/investigations/01JZ7Q0V7M1R9E3H5T8B2N4K6C/events").await.is_problem(404, "not-found");
}

#[tokio::test]
async fn questions_are_answered_or_looked_into() {
    let world = reported().await;
    let looked = world.send("/incidents/1/questions?wait=10", json!({"text": "only the last 10 minutes"})).await;
    let id = looked.body["investigation"].as_str().unwrap_or_else(|| panic!("{looked:?}"));
    let found = world.until_api(&format!("/investigations/{id}"), |look| (look["state"] == "done").then(|| look.clone())).await;
    assert_eq!((&found["occasion"]["kind"], &found["occasion"]["user"]), (&json!("question"), &json!("api")), "{found}");
    let known = world.send("/incidents/1/questions", json!({"text": "who owns this?"})).await;
    assert_eq!(known.status, 200, "{known:?}");
    assert!(!known.body["answer"].as_str().unwrap().is_empty());
    let begun = world.send_with("/investigations", json!({"question": "why does checkout restart?"}), &[("prefer", "wait=10")]).await;
    assert_eq!((begun.status, &begun.body["incident"]["id"]), (200, &json!("INC-2")), "{begun:?}");
    let id = begun.body["investigation"].as_str().unwrap();
    let report = world.until_api(&format!("/investigations/{id}"), |look| look["report"].is_object().then(|| look["report"].clone())).await;
    assert_eq!(
        (&report["question"], &report["hypotheses"][0]["category"]),
        (&json!("why does checkout restart?"), &json!("oom_killed")),
        "{report}"
    );
}

#[tokio::test]
async fn a_request_with_a_key_has_its_effect_once() {
    let world = reported().await;
    let key = [("idempotency-key", "deploy-4711")];
    let note = |text: &str| json!({"verdict": "wrong", "note": text});
    let first = world.send_with("/incidents/1/feedback?wait=10", note("one"), &key).await;
    assert_eq!((first.status, &first.body["status"]), (200, &json!("done")), "{first:?}");
    let again = world.send_with("/incidents/1/feedback?wait=10", note("one"), &key).await;
    assert_eq!((again.status, &again.body, again.header("idempotency-replayed")), (200, &first.body, "true"), "{again:?}");
    world.send_with("/incidents/1/feedback?wait=10", note("two"), &key).await.is_problem(422, "idempotency-key-reused");
    world.send_with("/incidents/1/resolve", json!({}), &key).await.is_problem(422, "idempotency-key-reused");
    // A mistake is remembered like everything else.
    for _ in 0..2 {
        world.send_with("/incidents/1/assign", json!({}), &[("idempotency-key", "k2")]).await.is_problem(422, "invalid");
    }
    let long = "k".repeat(201);
    world.send_with("/incidents/1/resolve", json!({}), &[("idempotency-key", &long)]).await.is_problem(422, "invalid");
    // Two at the same time: one is done, the other one waits its turn or sees the answer.
    let twice = futures_util::future::join_all(
        (0..2).map(|_| world.send_with("/incidents/1/rerun?wait=10", json!({}), &[("idempotency-key", "k3")])),
    )
    .await;
    let mut statuses: Vec<u16> = twice.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert!(statuses == [200, 409] || statuses == [200, 200], "{twice:?}");
    let audit = world.get("/audit?object=INC-1&act=rerun").await.body;
    assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
    // Alerts too, with their old answer.
    let sent = world.send_with("/alerts", oom(), &[("idempotency-key", "a1")]).await;
    let repeated = world.send_with("/alerts", oom(), &[("idempotency-key", "a1")]).await;
    assert_eq!((sent.status, &sent.body["analysis_id"]), (200, &repeated.body["analysis_id"]), "{sent:?}");
    let audit_of_feedback = world.get("/audit?object=INC-1&act=feedback").await.body;
    assert_eq!(audit_of_feedback["items"].as_array().unwrap().len(), 1);
    // After a day the key is free again.
    world.advance(24 * 3600 + 1);
    let other = world.send_with("/incidents/1/feedback?wait=10", note("two"), &key).await;
    assert_eq!((other.status, &other.body["status"]), (200, &json!("done")), "{other:?}");
}

#[tokio::test]
async fn nonsense_is_told_what_is_wrong_with_it() {
    let world = reported().await;
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let many = format!("{{\"text\": \"{}\"}}", "x".repeat(1024 * 1024));
    let table: Vec<Nonsense> = vec![
        ("/incidents/1/assign", "application/json", b"{\"to\":\n nonsense}".to_vec(), 400, "malformed", "line 2 column"),
        ("/incidents/1/assign", "application/json", b"{\"to\": \"\xff\"}".to_vec(), 400, "malformed", "UTF-8"),
        ("/incidents/1/assign", "application/json", deep.clone().into_bytes(), 400, "malformed", "deeper than 64"),
        ("/incidents/1/assign", "application/json", b"{}".to_vec(), 422, "invalid", "`to` is missing"),
        ("/incidents/1/assign", "application/json", b"{\"to\": 7}".to_vec(), 422, "invalid", "`to` cannot be read"),
        ("/incidents/1/assign", "application/json", b"{\"to\": \"a b\"}".to_vec(), 422, "invalid", "`to` must be"),
        (
            "/incidents/1/assign",
            "application/json",
            b"{\"to\": null, \"colour\": 1}".to_vec(),
            422,
            "invalid",
            "`colour` is not known; expected `to`",
        ),
        ("/incidents/1/assign", "application/json", b"[]".to_vec(), 422, "invalid", "object"),
        ("/incidents/1/assign", "application/xml", b"<to/>".to_vec(), 415, "unsupported-media-type", "application/json"),
        ("/incidents/1/assign", "text/plain", b"{\"to\": null}".to_vec(), 415, "unsupported-media-type", "text/plain"),
        ("/incidents/1/resolve", "application/json", b"{\"force\": true}".to_vec(), 422, "invalid", "force"),
        ("/incidents/1/resolve?wait=31", "application/json", b"{}".to_vec(), 400, "invalid-parameter", "wait"),
        ("/incidents/1/resolve?now=1", "application/json", b"{}".to_vec(), 400, "invalid-parameter", "`now`"),
        ("/incidents/1/silence", "application/json", b"{}".to_vec(), 422, "invalid", "seconds"),
        ("/incidents/1/silence", "application/json", b"{\"seconds\": 59}".to_vec(), 422, "invalid", "one minute"),
        (
            "/incidents/1/silence",
            "application/json",
            b"{\"seconds\": 60, \"until\": \"2030-01-01T00:00:00Z\"}".to_vec(),
            422,
            "invalid",
            "until",
        ),
        ("/incidents/1/silence", "application/json", b"{\"until\": \"tomorrow\"}".to_vec(), 422, "invalid", "`until`"),
        (
            "/incidents/1/silence",
            "application/json",
            b"{\"seconds\": 60, \"matchers\": [{\"name\": \"\", \"value\": \"x\"}]}".to_vec(),
            422,
            "invalid",
            "matchers[0].name",
        ),
        ("/incidents/1/feedback", "application/json", b"{\"verdict\": \"brilliant\"}".to_vec(), 422, "invalid", "one_hop_short"),
        ("/incidents/1/escalate", "application/json", b"{\"to\": \"nobody\"}".to_vec(), 422, "invalid", "nobody"),
        ("/incidents/1/questions", "application/json", b"{\"text\": \"  \"}".to_vec(), 422, "invalid", "text"),
        ("/incidents/1/questions", "application/json", many.into_bytes(), 413, "too-large", "bytes"),
        ("/incidents/99/resolve", "application/json", b"{}".to_vec(), 404, "not-found", "INC-99"),
        ("/incidents/nonsense/resolve", "application/json", b"{}".to_vec(), 400, "invalid-parameter", "INC-42"),
        ("/incidents/+1/resolve", "application/json", b"{}".to_vec(), 400, "invalid-parameter", "INC-42"),
        ("/incidents/99999999999999999999/resolve", "application/json", b"{}".to_vec(), 400, "invalid-parameter", "INC-42"),
        ("/agents/databse/tasks", "application/json", b"{\"action\": \"tools\"}".to_vec(), 404, "not-found", "did you mean `database`?"),
        ("/agents/database/tasks", "application/json", b"{\"action\": \"dance\"}".to_vec(), 400, "invalid-task", "investigate"),
        ("/agents/database/tasks", "application/json", b"{\"action\": \"investigate\"}".to_vec(), 400, "invalid-task", "data.question"),
        (
            "/agents/database/tasks",
            "application/json",
            b"{\"action\": \"tools\", \"timeout\": 61}".to_vec(),
            400,
            "invalid-task",
            "timeout",
        ),
        (
            "/agents/database/tasks",
            "application/json",
            b"{\"action\": \"tools\", \"data\": {\"host\": \"x\"}}".to_vec(),
            400,
            "invalid-task",
            "host",
        ),
        (
            "/agents/database/tasks",
            "application/json",
            b"{\"action\": \"investigate\", \"data\": {\"alert\": {\"severity\": \"low\"}}}".to_vec(),
            400,
            "invalid-task",
            "data.alert.name",
        ),
        ("/nowhere", "application/json", b"{}".to_vec(), 404, "not-found", "/api/v1/nowhere"),
        ("/audit", "application/json", b"{}".to_vec(), 405, "method-not-allowed", "Allow"),
        ("/alerts", "application/json", deep.into_bytes(), 400, "malformed", "deeper"),
        ("/alerts", "multipart/form-data", b"x".to_vec(), 415, "unsupported-media-type", "multipart"),
        ("/changes", "application/json", b"[]".to_vec(), 422, "invalid", "changes"),
    ];
    for (path, kind, body, status, problem, word) in table {
        let reply = world.ask(Method::POST, path, Said { body: Some(body.clone()), headers: vec![("content-type", kind)] }).await;
        let shown = String::from_utf8_lossy(body.get(..80).unwrap_or(&body)).into_owned();
        assert_eq!(reply.status, status, "{path} {shown}: {reply:?}");
        let said = reply.is_problem(status, problem);
        assert!(said["detail"].as_str().unwrap().contains(word), "{path} {shown}: {said}");
        if status == 422 || problem.starts_with("invalid") {
            assert!(said["field"].is_string() && said["errors"][0]["reason"].is_string(), "{said}");
        }
    }
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1&limit=2",
        "state=odd",
        "priority=p0",
        "since=yesterday",
        "cursor=nonsense",
        "colour=red",
        "open=perhaps",
    ] {
        let reply = world.get(&format!("/incidents?{query}")).await;
        let field = reply.is_problem(400, "invalid-parameter")["field"].as_str().unwrap().to_owned();
        assert_eq!(field, query.split('=').next().unwrap(), "{query}: {reply:?}");
    }
    let wrong = world.ask(Method::DELETE, "/incidents", Said::default()).await;
    wrong.is_problem(405, "method-not-allowed");
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    let place = world
        .ask(
            Method::POST,
            "/incidents/1/assign",
            Said { body: Some(b"{\n\"to\" 1}".to_vec()), headers: vec![("content-type", "application/json")] },
        )
        .await;
    assert_eq!((&place.body["line"], place.body["column"].is_u64()), (&json!(2), true), "{place:?}");
    // Nothing of all that was done.
    assert_eq!(world.get("/audit?object=INC-1").await.body["items"], json!([]));
}

#[tokio::test]
async fn nobody_comes_in_without_the_token() {
    let world = guarded().await;
    let document = world.get("/openapi.json").await.body;
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path.strip_prefix("/api/v1").unwrap();
            let filled = path.replace("{id}", "INC-1").replace("{agent_name}", "network").replace("{silence_id}", "SIL-1");
            let filled =
                filled.replace("{investigation_id}", "01JZ7Q0V7M1R9E3H5T8B2N4K6C").replace("{task_id}", "01JZ7Q0V7M1R9E3H5T8B2N4K6C");
            let method: Method = method.to_uppercase().parse().unwrap();
            let ask = async |token: &str| {
                let headers = if token.is_empty() { Vec::new() } else { vec![("authorization", token)] };
                world.ask(method.clone(), &filled, Said { body: Some(b"{".to_vec()), headers }).await
            };
            let public = ["/health", "/openapi.json"].contains(&path);
            for token in ["", "Bearer wrong", "Basic YTpi", TOKEN] {
                let reply = ask(token).await;
                if public {
                    assert_eq!(reply.status, 200, "{method} {filled}");
                } else {
                    reply.is_problem(401, "unauthorized");
                    assert_eq!(reply.header("www-authenticate"), "Bearer");
                }
            }
            let right = ask(&format!("Bearer {TOKEN}")).await;
            assert!(![401, 403, 405].contains(&right.status) && right.status < 500, "{method} {filled}: {right:?}");
            tried += 1;
        }
    }
    assert_eq!(tried, 45);
}

#[tokio::test]
async fn answers_say_who_they_are_for_and_nothing_of_the_inside() {
    let world = World::usual().await;
    for path in ["/health", "/incidents", "/incidents/9", "/nowhere"] {
        let reply = world.get(path).await;
        assert_eq!((reply.header("x-content-type-options"), reply.header("cache-control")), ("nosniff", "no-store"), "{path}");
        assert_eq!((reply.header("x-request-id").len(), reply.header("server")), (26, ""), "{path}");
    }
    let long = "x".repeat(65);
    for (given, kept) in [("build-7.3:a_b", true), ("two words", false), (long.as_str(), false), ("a\"b", false)] {
        let reply = world.ask(Method::GET, "/health", Said { headers: vec![("x-request-id", given)], ..Said::default() }).await;
        assert_eq!(reply.header("x-request-id") == given, kept, "{given}");
    }
    // A page of another origin may not act, whatever it says about itself.
    let host = world.service_url.strip_prefix("http://").unwrap().to_owned();
    for (origin, status) in [("https://evil.example".to_owned(), 403), ("null".to_owned(), 403), (format!("http://{host}"), 404)] {
        let reply = world.ask(Method::POST, "/incidents/9/resolve", Said { headers: vec![("origin", &origin)], ..Said::default() }).await;
        assert_eq!(reply.status, status, "{origin}: {reply:?}");
    }
}

#[tokio::test]
async fn agents_do_tasks_alone() {
    let world = World::start_with(|_| {}, slow("metrics", 1500, false)).await;
    let agents = world.get("/agents").await.body;
    let names: BTreeSet<&str> = agents["agents"].as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["application", "database", "infrastructure", "network"]));
    let one = world.get("/agents/infrastructure").await.body;
    assert!(one["tools"].as_array().unwrap().contains(&json!("metrics")) && one["limits"]["calls"].is_u64(), "{one}");
    world.get("/agents/infrastucture").await.is_problem(404, "not-found");

    let tools = world.send("/agents/infrastructure/tasks", json!({"action": "tools"})).await;
    assert_eq!((tools.status, &tools.body["status"]), (200, &json!("completed")), "{tools:?}");
    assert!(tools.body["result"]["tools"].to_string().contains("metrics"), "{tools:?}");

    let task = json!({"action": "investigate", "data": {"question": "why does checkout restart?", "namespace": "shop"}, "priority": "P1", "timeout": 20});
    let done = world.send("/agents/infrastructure/tasks", task.clone()).await;
    assert_eq!((done.status, &done.body["agent_name"]), (200, &json!("infrastructure")), "{done:?}");
    assert_eq!(done.body["result"]["hypotheses"][0]["category"], "oom_killed", "{done:?}");
    assert_eq!(done.body["result"]["routing"]["agents"], json!(["infrastructure"]));
    assert!(done.body["execution_time"].as_f64().unwrap() >= 1.5, "{done:?}");

    let mut hurried = task;
    hurried["timeout"] = json!(0);
    let running = world.send("/agents/infrastructure/tasks", hurried).await;
    assert_eq!((running.status, &running.body["status"], &running.body["result"]), (202, &json!("running"), &Value::Null), "{running:?}");
    let place = running.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    let later = world.until_api(&place, |task| (task["status"] == "completed").then(|| task.clone())).await;
    assert_eq!(later["result"]["hypotheses"][0]["category"], "oom_killed");
    let id = running.body["task_id"].as_str().unwrap();
    world.get(&format!("/agents/network/tasks/{id}")).await.is_problem(404, "not-found");
    let alert = world.send("/agents/infrastructure/tasks", json!({"action": "investigate", "data": {"alert": oom()}})).await;
    assert_eq!(alert.body["result"]["alert"]["name"], "KubePodCrashLooping", "{alert:?}");
    // No incident, nothing in Slack; a line in the audit log.
    assert_eq!(world.get("/incidents").await.body["items"], json!([]));
    assert_eq!(world.get("/audit?act=task").await.body["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn changes_are_told_and_read() {
    let world = World::usual().await;
    let change = |service: &str, id: &str| json!({"service": service, "summary": format!("{service} {id}"), "id": id});
    let told = world.send("/changes", json!([change("checkout", "v1"), change("cart", "v2"), change("checkout", "v3")])).await;
    assert_eq!((told.status, &told.body["changes"]), (200, &json!(3)), "{told:?}");
    let page = world.until_api("/changes?service=checkout&limit=1", |page| page["next_cursor"].is_string().then(|| page.clone())).await;
    assert_eq!(page["items"][0]["id"], "v3", "{page}");
    let next = world.get(&format!("/changes?service=checkout&limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).await.body;
    assert_eq!((&next["items"][0]["id"], &next["next_cursor"]), (&json!("v1"), &Value::Null), "{next}");
    assert_eq!(world.get("/changes?since=2099-01-01T00:00:00Z").await.body["items"], json!([]));
}

#[tokio::test]
async fn an_act_that_belongs_to_others_is_refused() {
    let world = World::tuned(|settings| settings.replace("slack: {", "slack: {rights: {resolve: [U01ALICE]}, ")).await;
    world.alert(oom()).await;
    world.until_api("/incidents/1", |incident| (incident["state"] == "reported").then_some(())).await;
    let refused = world.send("/incidents/1/resolve?wait=10", json!({})).await;
    refused.is_problem(403, "forbidden");
    assert_eq!(world.get("/incidents/1").await.body["state"], "reported");
}

#[tokio::test]
async fn the_description_is_read_on_a_page_that_asks_nobody_else() {
    let world = World::usual().await;
    let page = reqwest::get(format!("{}/docs", world.service_url)).await.unwrap();
    assert!(page.url().path() == "/docs/" && page.status() == 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'") && !policy.contains("http"), "{policy}");
    let html = page.text().await.unwrap();
    let foreign = |text: &str| text.contains("src=\"http") || text.contains("href=\"http") || text.contains("src=\"//");
    assert!(!foreign(&html) && !html.contains("<script>"), "{html}");
    let names: Vec<&str> = html.split(['"', '\'']).filter(|word| word.starts_with("./")).collect();
    assert!(names.len() >= 4, "{html}");
    for name in names {
        let file = reqwest::get(format!("{}/docs/{}", world.service_url, name.trim_start_matches("./"))).await.unwrap();
        assert_eq!(file.status(), 200, "{name}");
        if name.contains("initializer") {
            let text = file.text().await.unwrap();
            assert!(text.contains("/api/v1/openapi.json") && text.contains("\"validatorUrl\": \"none\""), "{text}");
        }
    }
    for (path, status, word) in [
        ("problems/not-found", 200, "There is no such thing"),
        ("problems", 200, "idempotency-key-reused"),
        ("problems/x", 404, "no such kind"),
        ("no.js", 404, ""),
    ] {
        let page = reqwest::get(format!("{}/docs/{path}", world.service_url)).await.unwrap();
        assert_eq!(page.status().as_u16(), status, "{path}");
        assert!(page.text().await.unwrap().contains(word), "{path}");
    }
}
