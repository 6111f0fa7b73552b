//! Nobody takes an incident: who is called, by which way, and that each is called once.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use secrecy::SecretString;
use sre_agent::notify::signature;
use tokio::net::TcpListener;

use crate::{
    acts::reported,
    commands::sre,
    world::{World, shown},
};

const SECRET: &str = "what-the-desk-and-we-have-agreed-upon-01";

type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A receiver of signed notices.
async fn desk() -> (String, Received) {
    let received = Received::default();
    let take = async |State(received): State<Received>, headers: HeaderMap, body: String| received.lock().unwrap().push((headers, body));
    let router = Router::new().route("/hooks", post(take)).with_state(Arc::clone(&received));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, received)
}

async fn world(url: &str) -> World {
    let mut world = World::unstarted().await;
    let folder = world.folder.path().display().to_string();
    fs::write(
        world.folder.path().join("chains.yaml"),
        "chains:\n  - name: all\n    steps:\n      - {after: 5m, to: [{slack_user: U03CAROL}, {webhook: desk}]}\n      - {after: 15m, to: [{oncall: primary}]}\n",
    )
    .unwrap();
    fs::write(
        world.folder.path().join("oncall.yaml"),
        "people:\n  bob: {name: Bob, slack: U02BOB}\nschedules:\n  primary:\n    timezone: Europe/Berlin\n    layers:\n      - {rotation: weekly, start: 2026-01-05, handover: \"09:00\", people: [bob]}\n",
    )
    .unwrap();
    let settings = fs::read_to_string(world.settings_file()).unwrap();
    let more = format!(
        "escalation:\n  chains_file: '{folder}/chains.yaml'\n  schedules_file: '{folder}/oncall.yaml'\n  webhooks: {{desk: {{url: '{url}', secret: {SECRET}}}}}\n  allow_hosts: [127.0.0.1]\n"
    );
    fs::write(world.settings_file(), format!("{settings}{more}")).unwrap();
    world.start_service().await;
    world
}

#[tokio::test]
async fn each_step_calls_its_people_once_until_somebody_has_it() {
    let (url, received) = desk().await;
    let mut world = world(&url).await;
    let (ts, ..) = reported(&world).await;
    let on_call = sre(&world, "oncall").await;
    assert!(on_call.contains("primary*: Bob."), "{on_call}");
    world.advance(4 * 60);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert!(received.lock().unwrap().is_empty(), "it is not time yet");
    world.advance(70);
    let line = world.says_in_thread(&ts, "INC-1 needs somebody").await;
    assert!(shown(&line).contains("<@U03CAROL>") && shown(&line).contains("nobody has taken it for 5 min"), "{}", shown(&line));
    for _ in 0..200 {
        if !received.lock().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (headers, body) = received.lock().unwrap()[0].clone();
    let header = |name: &str| headers[name].to_str().unwrap();
    let expected = signature(&SecretString::from(SECRET.to_owned()), header("x-sre-agent-timestamp"), &body);
    assert_eq!(header("x-sre-agent-signature"), expected);
    assert!(body.contains("INC-1") && body.contains("escalated"), "{body}");
    // A restart calls nobody again.
    world.stop_service().await;
    world.start_service().await;
    world.advance(10 * 60);
    let line = world.says_in_thread(&ts, "nobody has taken it for 15 min").await;
    assert!(shown(&line).contains("<@U02BOB>"), "{}", shown(&line));
    // By the API: Slack's signatures are judged by a clock that was not put forward.
    let acknowledged = reqwest::Client::new().post(format!("{}/api/v1/incidents/1/acknowledge?wait=10", world.service_url));
    assert_eq!(acknowledged.send().await.unwrap().status(), 200);
    world.card_shows(&ts, "Unacknowledge").await;
    world.advance(3600);
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert_eq!(received.lock().unwrap().len(), 1);
    assert_eq!(world.incident().await.chain.len(), 2);
}
