//! Socket Mode: the whole product without an address of ours, and everything that can happen to a connection.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sre_agent::{
    app::{App, Roles, random_ids, system_clock},
    config,
    sandbox::{Config, Fault, Sandbox},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::world::{ALICE, World, is_ours, sentence, shown};

/// A world whose service has not started: `change` may alter its settings, which say `delivery: socket`.
async fn prepared(workspace: impl FnOnce(&mut Config), change: impl FnOnce(String) -> String) -> World {
    let mut world = World::start(workspace).await;
    world.abandon_service().await;
    let text = fs::read_to_string(world.settings_file()).unwrap();
    let secret = format!("signing_secret: {}", Config::default().signing_secret);
    assert!(text.contains(&secret));
    let text = text.replace(&secret, &format!("delivery: socket, app_token: {}", Config::default().app_token));
    fs::write(world.settings_file(), change(text)).unwrap();
    world
}

async fn connected(world: &World) {
    world.until("a Socket Mode connection", |slack| (slack.connections() > 0).then_some(())).await;
}

async fn usual() -> World {
    // Slack's own pauses, shorter: without any, a moment without a connection would use up all of Slack's attempts.
    let pauses = [300, 1000, 2000].map(Duration::from_millis).to_vec();
    let mut world = prepared(|workspace| workspace.retry_delays = pauses, |text| text).await;
    world.start_service().await;
    connected(&world).await;
    world
}

async fn text(world: &World, path: &str) -> String {
    reqwest::get(format!("{}/{path}", world.service_url)).await.unwrap().text().await.unwrap()
}

/// Looks at a page until it has `wanted` in it.
async fn page_shows(world: &World, path: &str, wanted: &str) {
    let looking = async {
        while !text(world, path).await.contains(wanted) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), looking).await;
    assert!(found.is_ok(), "no `{wanted}` in {}", text(world, path).await);
}

/// How every delivery of this kind ended: (transport, attempts, last status).
fn deliveries(slack: &Sandbox, kind: &str) -> Vec<(String, usize, Value)> {
    let all = slack.deliveries().into_iter().filter(|sent| sent["kind"] == kind);
    all.map(|sent| {
        let attempts = sent["attempts"].as_array().unwrap();
        (sent["transport"].as_str().unwrap().to_owned(), attempts.len(), attempts.last().unwrap()["status"].clone())
    })
    .collect()
}

#[tokio::test]
async fn alert_report_and_acknowledgement_wholly_over_socket_mode() {
    let world = usual().await;
    let ts = world.post(sentence("firing")).await;
    let (card, report) = world.report(&ts).await;
    assert!(shown(&report).contains("OOMKilled"));
    let clicked = world.slack.click(ALICE, &world.channel, card["ts"].as_str().unwrap(), "ack").await.unwrap();
    assert_eq!((clicked.status, clicked.attempts), (Some(200), 1));
    assert!(shown(&world.card_shows(&ts, "Acknowledged").await).contains(&format!("<@{ALICE}>")));
    world.slack.click(ALICE, &world.channel, report["ts"].as_str().unwrap(), "details").await.unwrap();
    world.until("the details", |slack| slack.open_views(ALICE).into_iter().next()).await;
    let commanded = world.slack.command(ALICE, &world.channel, "/sre", "help").await.unwrap();
    assert_eq!(commanded.status, Some(200));
    for kind in ["events_api", "interactive", "slash_commands"] {
        let sent = deliveries(&world.slack, kind);
        assert!(!sent.is_empty());
        assert!(sent.iter().all(|(by, attempts, status)| by == "socket" && *attempts == 1 && *status == 200), "{kind}: {sent:?}");
    }
    assert_eq!(text(&world, "readyz").await, "ready\n");
    // Without a signing secret nobody can speak for Slack by HTTP.
    let forged = reqwest::Client::new().post(format!("{}/slack/events", world.service_url)).body("{}").send().await.unwrap();
    assert_eq!(forged.status(), 401);
}

/// Posts alerts of one fingerprint, lets something happen in the middle, and counts them on the card.
async fn stream(world: &World, count: usize, middle: impl AsyncFnOnce(&Sandbox)) {
    // The first one has its thread before the others come: which of several at once is the first is nobody's to say.
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    for _ in 1..count / 2 {
        world.post(sentence("firing")).await;
    }
    middle(&world.slack).await;
    for _ in count / 2..count {
        world.post(sentence("firing")).await;
    }
    world.card_shows(&ts, &format!("{count} alerts")).await;
    let metrics = world.metrics().await;
    assert!(metrics.contains(&format!("records_received_total{{kind=\"slack_events\"}} {count}\n")), "{metrics}");
}

#[tokio::test]
async fn a_refresh_in_the_middle_of_a_stream_loses_none_and_doubles_none() {
    let world = usual().await;
    stream(&world, 24, async |slack| {
        let refreshing = tokio::spawn({
            let slack = slack.clone();
            async move { slack.refresh_connections(Duration::from_millis(500)).await }
        });
        world.until("a second connection while the first still stands", |slack| (slack.connections() == 2).then_some(())).await;
        // Alerts go over both meanwhile.
        for _ in 0..3 {
            world.slack.post_as_user(&world.channel, ALICE, "is it me?", None).await.unwrap();
        }
        assert!(!refreshing.is_finished(), "the second one came before the first was closed");
    })
    .await;
    world.until("the old one to go", |slack| (slack.connections() == 1).then_some(())).await;
    let lost = deliveries(&world.slack, "events_api").into_iter().filter(|(by, _, status)| by != "socket" || *status != 200).count();
    assert_eq!(lost, 0);
    let metrics = world.metrics().await;
    assert!(metrics.contains("slack_socket_total{kind=\"refreshed\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_replaced_at_once_and_nothing_is_lost() {
    let world = usual().await;
    stream(&world, 24, async |slack| {
        slack.drop_connections();
    })
    .await;
    assert!(world.metrics().await.contains("slack_socket_total{kind=\"reconnecting\"} 1"));
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up_and_tried_again() {
    let mut world = prepared(|_| {}, |text| text).await;
    world.slack.inject("handshake", Fault::Hang(Duration::from_secs(3600)), 1);
    world.start_service().await;
    page_shows(&world, "metrics", "slack_socket_total{kind=\"refused\"} 1").await;
    connected(&world).await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    assert_eq!(text(&world, "readyz").await, "ready\n");
}

#[tokio::test]
async fn a_connection_without_a_hello_is_given_up_and_tried_again() {
    let mut world = prepared(|_| {}, |text| text).await;
    world.slack.inject("hello", Fault::Hang(Duration::from_secs(3600)), 1);
    world.start_service().await;
    page_shows(&world, "metrics", "slack_socket_total{kind=\"refused\"} 1").await;
    page_shows(&world, "metrics", "slack_socket_total{kind=\"connected\"} 1").await;
}

#[tokio::test]
async fn what_cannot_be_made_durable_is_not_acknowledged_and_comes_again() {
    let world = usual().await;
    let store = rusqlite::Connection::open(world.folder.path().join("store.db")).unwrap();
    store.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ts = world.post(sentence("firing")).await;
    page_shows(&world, "metrics", "slack_socket_total{kind=\"not_acknowledged\"}").await;
    store.execute_batch("ROLLBACK").unwrap();
    world.report(&ts).await;
    assert_eq!(world.thread(&ts).iter().filter(|message| is_ours(message)).count(), 2, "one card, one report");
    let sent = deliveries(&world.slack, "events_api");
    assert!(sent.first().is_some_and(|(_, attempts, status)| *attempts > 1 && *status == 200), "{sent:?}");
}

/// A delivery signed by hand, as Slack's documentation says.
async fn signed(url: &str, body: String) -> u16 {
    let timestamp = system_clock().now().as_second().to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(Config::default().signing_secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let request = reqwest::Client::new().post(url).header("x-slack-request-timestamp", timestamp);
    request.header("x-slack-signature", signature).body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_same_delivery_over_both_ways_and_through_two_processes_has_one_effect() {
    let mut world = prepared(
        |_| {},
        |text| text.replace("delivery: socket", &format!("delivery: socket, signing_secret: {}", Config::default().signing_secret)),
    )
    .await;
    world.start_service().await;
    connected(&world).await;
    // A second process with the HTTP doors alone, on the same store.
    let settings = config::load(Some(&world.settings_file()), &std::collections::BTreeMap::new()).unwrap();
    let doors = App::build(settings, Roles { socket: false, worker: false }, system_clock(), random_ids()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let running = tokio::spawn(doors.run(Some(listener), stop.clone()));

    let ts = world.post(sentence("firing")).await;
    let (_, report) = world.report(&ts).await;
    world.slack.click(ALICE, &world.channel, report["ts"].as_str().unwrap(), "rerun").await.unwrap();
    world.until("a second report", |_| (world.thread(&ts).iter().filter(|message| is_ours(message)).count() == 3).then_some(())).await;
    let payload = |kind: &str| world.slack.deliveries().into_iter().find(|sent| sent["kind"] == kind).unwrap()["payload"].to_string();
    let event = payload("events_api");
    let click = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload("interactive")).finish();
    for service in [&world.service_url, &second] {
        assert_eq!(signed(&format!("{service}/slack/events"), event.clone()).await, 200);
        assert_eq!(signed(&format!("{service}/slack/interactions"), click.clone()).await, 200);
    }
    // What comes after the repetitions finds everything as it was.
    world.post(sentence("firing")).await;
    world.card_shows(&ts, "2 alerts").await;
    // Events are found to be repetitions by whoever reads them, clicks by the door.
    let metrics = world.metrics().await;
    assert!(metrics.contains("duplicate_deliveries_total 3"), "{metrics}");
    let of_second = reqwest::get(format!("{second}/metrics")).await.unwrap().text().await.unwrap();
    assert!(of_second.contains("duplicate_deliveries_total 1"), "{of_second}");
    assert_eq!(world.thread(&ts).iter().filter(|message| is_ours(message)).count(), 3, "one card, the two reports");
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refused_app_token_is_told_in_words_and_is_not_tried_in_a_loop() {
    let mut world = prepared(|_| {}, |text| text.replace("xapp-sandbox", "xapp-of-somebody-else")).await;
    world.start_service().await;
    page_shows(&world, "readyz", "no Socket Mode connection is up: apps.connections.open: invalid_auth").await;
    let asked = |world: &World| world.slack.calls().iter().filter(|call| call.method == "apps.connections.open").count();
    page_shows(&world, "metrics", "slack_socket_total{kind=\"refused\"} 1").await;
    assert_eq!(asked(&world), 1);
    assert!(!text(&world, "readyz").await.contains("xapp-"), "no token in it");
}

#[tokio::test]
async fn slacks_retry_after_is_kept_before_the_next_connection_is_asked_for() {
    let mut world = prepared(|_| {}, |text| text).await;
    world.slack.inject("apps.connections.open", Fault::RateLimited { retry_after: Duration::from_secs(2) }, 1);
    world.start_service().await;
    connected(&world).await;
    let calls: Vec<_> = world.slack.calls().into_iter().filter(|call| call.method == "apps.connections.open").collect();
    assert_eq!(calls.len(), 2);
    assert!(calls[1].at.duration_since(calls[0].at) >= jiff::SignedDuration::from_secs(2));
}

#[tokio::test]
async fn socket_mode_switched_off_is_told_in_words() {
    let world = usual().await;
    world.slack.disable_link();
    page_shows(&world, "readyz", "Socket Mode is switched off for this app").await;
}

/// An HTTP proxy that only makes tunnels, only for those who know the password, and leads every name to this machine.
async fn proxy(tunnels: Arc<AtomicUsize>) -> String {
    async fn serve(mut client: TcpStream, tunnels: Arc<AtomicUsize>) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.strip_prefix("CONNECT slack.test:")?.split(' ').next()?.to_owned();
        // `name:pass word`
        if !head.to_ascii_lowercase().contains("proxy-authorization: basic bmftztpwyxnzihdvcmq=") {
            client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.ok()?;
            return None;
        }
        let mut server = TcpStream::connect(("127.0.0.1", target.parse().ok()?)).await.ok()?;
        tunnels.fetch_add(1, SeqCst);
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await.ok()?;
        Some(())
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, Arc::clone(&tunnels)));
        }
    });
    address
}

#[tokio::test]
async fn a_proxy_with_a_password_carries_the_web_api_and_the_connection() {
    let tunnels = Arc::new(AtomicUsize::new(0));
    let address = proxy(Arc::clone(&tunnels)).await;
    // A name that this machine cannot resolve: without the proxy nothing works.
    let mut world = prepared(
        |_| {},
        |text| {
            let text = text.replace("api_url: 'http://127.0.0.1:", "api_url: 'http://slack.test:");
            text.replace("delivery: socket", &format!("delivery: socket, proxy: 'http://name:pass%20word@{address}'"))
        },
    )
    .await;
    let port =
        fs::read_to_string(world.settings_file()).unwrap().split("slack.test:").nth(1).unwrap().split('/').next().unwrap().to_owned();
    world.slack.set_base_url(&format!("http://slack.test:{port}"));
    world.start_service().await;
    connected(&world).await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    assert!(tunnels.load(SeqCst) >= 2, "one for the Web API, one for the connection");
}
