//! The process is killed at the worst moments: what was acknowledged is answered, once.

use std::{process::Stdio, time::Duration};

use serde_json::Value;
use sre_agent::sandbox::Fault;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::world::{World, is_ours, sentence, shown};

/// The real binary, serving in the world's workspace.
struct Service {
    process: Child,
    url: String,
}

impl Service {
    async fn start(world: &mut World) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_sre-agent"))
            .args(["serve", "--config"])
            .arg(world.settings_file())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().expect("the service says where it listens");
            if let Ok(entry) = serde_json::from_str::<Value>(&line)
                && let Some(address) = entry.pointer("/fields/address").and_then(Value::as_str)
            {
                break address.to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let url = format!("http://{address}");
        world.listens_at(&url);
        Self { process, url }
    }

    /// SIGKILL: no destructor runs, nothing is flushed.
    async fn kill(mut self) {
        self.process.kill().await.unwrap();
        assert!(reqwest::get(format!("{}/healthz", self.url)).await.is_err(), "it is gone");
    }
}

async fn world() -> World {
    // Slack's own retries, faster: what was not acknowledged comes again after the restart.
    let mut world = World::start(|workspace| workspace.retry_delays = [300, 1000, 2000].map(Duration::from_millis).to_vec()).await;
    world.abandon_service().await;
    world.write_settings("127.0.0.1:0");
    // Where it listens is learnt from its log.
    let settings = std::fs::read_to_string(world.settings_file()).unwrap().replace("log: error", "log: info");
    std::fs::write(world.settings_file(), settings).unwrap();
    world
}

fn ours(world: &World, ts: &str) -> Vec<Value> {
    world.thread(ts).into_iter().filter(is_ours).collect()
}

#[tokio::test]
async fn killed_between_recording_and_publishing_the_report_is_posted_once() {
    let mut world = world().await;
    let service = Service::start(&mut world).await;
    world.slack.inject("chat.postMessage", Fault::ServerError(503), u32::MAX);
    let ts = world.post(sentence("firing")).await;
    world.until("the attempt to post", |slack| slack.calls().iter().any(|call| call.method == "chat.postMessage").then_some(())).await;
    service.kill().await;
    world.slack.clear_faults();
    assert!(ours(&world, &ts).is_empty(), "nothing was posted before the kill");
    let _second = Service::start(&mut world).await;
    let (_, report) = world.report(&ts).await;
    assert!(shown(&report).contains("OOMKilled"));
    assert_eq!(ours(&world, &ts).len(), 2, "one card, one report");
}

#[tokio::test]
async fn killed_after_slack_took_the_message_and_before_we_knew_it_is_not_posted_again() {
    let mut world = world().await;
    let service = Service::start(&mut world).await;
    // Slack does it, and the answer never comes back; the kill follows before anything else is learnt.
    world.slack.inject("chat.postMessage", Fault::Ambiguous, 1);
    let ts = world.post(sentence("firing")).await;
    world.until("the message that nobody confirmed", |_| (ours(&world, &ts).len() == 1).then_some(())).await;
    service.kill().await;
    let _second = Service::start(&mut world).await;
    world.report(&ts).await;
    assert_eq!(ours(&world, &ts).len(), 2, "the card was found again instead of being posted twice");
}

#[tokio::test]
async fn killed_at_random_moments_every_acknowledged_alert_is_answered_once() {
    let mut world = world().await;
    let mut roots = Vec::new();
    for round in 0..5u64 {
        let service = Service::start(&mut world).await;
        // A problem of its own each time: nothing is shared that would make them one incident.
        let pod = format!("worker{round}-7f5b9c4d68-4xk9p");
        let alert = sentence("firing").to_string().replace("checkout-7f5b9c4d68-4xk9p", &pod).replace("shop", &format!("shop{round}"));
        let alert: Value = serde_json::from_str(&alert).unwrap();
        roots.push(world.post(alert).await);
        // Each round dies a little later in the alert's life: while it is recorded, grouped, investigated, published.
        tokio::time::sleep(Duration::from_millis(round * 15)).await;
        service.kill().await;
    }
    let _last = Service::start(&mut world).await;
    for ts in &roots {
        // Slack's own retries bring what was never acknowledged; both ways lead to one card and one report.
        world.report(ts).await;
        assert_eq!(ours(&world, ts).len(), 2, "one card, one report under {ts}");
    }
}
