//! People see at once who looks, then what is found, and in the end the report in the same place.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use sre_agent::{
    model::ToolSpec,
    sandbox::Fault,
    tools::{Output, Tool, ToolError, ToolErrorKind},
};

use crate::world::{ALICE, World, is_ours, sentence, shown};

/// A backend that takes its time, and then answers or fails.
struct Slow {
    name: &'static str,
    takes: Duration,
    fails: bool,
}

#[async_trait]
impl Tool for Slow {
    fn spec(&self) -> ToolSpec {
        ToolSpec::reading(self.name, "a slow backend").about(self.name)
    }

    async fn call(&self, _arguments: &Value) -> Result<Output, ToolError> {
        tokio::time::sleep(self.takes).await;
        if self.fails {
            return Err(ToolError {
                tool: self.name.to_owned(),
                message: "the backend is down".to_owned(),
                kind: ToolErrorKind::Unavailable,
            });
        }
        Ok(Output::default())
    }
}

pub fn slow(name: &'static str, millis: u64, fails: bool) -> Vec<Arc<dyn Tool>> {
    vec![Arc::new(Slow { name, takes: Duration::from_millis(millis), fails })]
}

fn ours(world: &World, ts: &str) -> Vec<Value> {
    world.thread(ts).into_iter().filter(is_ours).collect()
}

/// The thread's second message of ours once it shows `text`.
pub async fn second_shows(world: &World, ts: &str, text: &str) -> Value {
    let (channel, ts) = (world.channel.clone(), ts.to_owned());
    world
        .until(&format!("a second message with `{text}`"), |slack| {
            let second = slack.thread(&channel, &ts).into_iter().filter(is_ours).nth(1)?;
            seen(&second).contains(text).then_some(second)
        })
        .await
}

/// Everything that a reader sees, the plan's steps included.
fn seen(message: &Value) -> String {
    format!("{}{}", shown(message), message["blocks"])
}

fn calls(world: &World, method: &str) -> Vec<Value> {
    world.slack.calls().into_iter().filter(|call| call.method == method && call.answer["ok"] == true).map(|call| call.body).collect()
}

#[tokio::test]
async fn a_slow_look_shows_a_plan_that_the_report_replaces() {
    let world = World::start_with(|_| {}, slow("metrics", 2500, false)).await;
    let ts = world.post(sentence("firing")).await;
    let card = world.card_shows(&ts, " with infrastructure").await;
    assert!(ours(&world, &ts).len() == 1, "nothing but the card at first");
    let plan = second_shows(&world, &ts, "asking metrics").await;
    assert!(seen(&plan).contains("in_progress") && seen(&plan).contains("Looking at checkout"), "{plan}");
    assert!(plan["text"].as_str().unwrap().contains("INC-1: looking at"), "{plan}");
    let (_, report) = world.report(&ts).await;
    let report = if seen(&report).contains("OOMKilled") { report } else { second_shows(&world, &ts, "OOMKilled").await };
    assert_eq!(report["ts"], plan["ts"], "the report stands in the plan's place");
    assert!(!seen(&report).contains("\"plan\""), "{report}");
    assert_eq!(ours(&world, &ts)[0]["ts"], card["ts"]);
    assert_eq!(ours(&world, &ts).len(), 2);
}

#[tokio::test]
async fn a_plan_that_a_dead_worker_left_becomes_the_next_ones_report() {
    let mut world = World::start_with(|_| {}, slow("metrics", 5000, false)).await;
    let ts = world.post(sentence("firing")).await;
    let plan = second_shows(&world, &ts, "asking metrics").await;
    world.abandon_service().await;
    world.tools.clear();
    world.start_service().await;
    let report = second_shows(&world, &ts, "OOMKilled").await;
    assert_eq!(report["ts"], plan["ts"]);
    assert_eq!(ours(&world, &ts).len(), 2, "nothing is left over");
}

#[tokio::test]
async fn a_fast_look_shows_no_plan() {
    let world = World::usual().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    let posts = calls(&world, "chat.postMessage");
    assert_eq!(posts.len(), 2, "a card and a report: {posts:#?}");
    assert!(posts.iter().all(|post| !post.to_string().contains("\"plan\"")));
}

#[tokio::test]
async fn a_source_that_fails_is_seen_at_once_and_is_a_gap_in_the_report() {
    // Events answer late, so that the failure can be seen before the end.
    let mut tools = slow("metrics", 10, true);
    tools.extend(slow("kubernetes_events", 1800, false));
    let world = World::start_with(|_| {}, tools).await;
    let ts = world.post(sentence("firing")).await;
    second_shows(&world, &ts, "metrics did not answer (the backend is down)").await;
    second_shows(&world, &ts, "Could not check: metrics: the backend is down").await;
}

#[tokio::test]
async fn for_a_person_the_plan_is_streamed_and_ended_by_the_report() {
    let world = World::start_with(|_| {}, slow("metrics", 1500, false)).await;
    let ts = world.post(sentence("firing")).await;
    let (card, _) = world.report(&ts).await;
    second_shows(&world, &ts, "OOMKilled").await;
    world.slack.choose(ALICE, &world.channel, card["ts"].as_str().unwrap(), "more", "rerun").await.unwrap();
    let channel = world.channel.clone();
    let third = |slack: &sre_agent::sandbox::Sandbox| slack.thread(&channel, &ts).into_iter().filter(is_ours).nth(2);
    let plan = world.until("a streamed plan", |slack| third(slack).filter(|message| seen(message).contains("asking metrics"))).await;
    assert_eq!(plan["streaming_state"], "in_progress");
    assert_eq!(world.slack.session(&world.channel, &ts).as_deref(), Some("processing"));
    let report = world
        .until("the second report", |slack| {
            third(slack).filter(|message| seen(message).contains("Root cause") && !seen(message).contains("\"plan\""))
        })
        .await;
    assert_eq!(report["ts"], plan["ts"]);
    assert_eq!(report["streaming_state"], "completed");
    let started = calls(&world, "chat.startStream");
    assert_eq!(started.len(), 1);
    assert_eq!(started[0]["recipient_user_id"], ALICE);
    assert_eq!(calls(&world, "chat.stopStream").len(), 1);
    world.until("an idle session", |slack| (slack.session(&channel, &ts).as_deref() == Some("active")).then_some(())).await;
    assert_eq!(ours(&world, &ts).len(), 3, "card, first report, second report");
}

#[tokio::test]
async fn a_stream_whose_start_was_not_answered_is_found_again() {
    let world = World::start_with(|_| {}, slow("metrics", 1500, false)).await;
    let ts = world.post(sentence("firing")).await;
    let (card, _) = world.report(&ts).await;
    second_shows(&world, &ts, "OOMKilled").await;
    world.slack.inject("chat.startStream", Fault::Ambiguous, 1);
    world.slack.choose(ALICE, &world.channel, card["ts"].as_str().unwrap(), "more", "rerun").await.unwrap();
    world
        .until("the second report", |slack| {
            let third = slack.thread(&world.channel, &ts).into_iter().filter(is_ours).nth(2)?;
            (seen(&third).contains("Root cause") && third["streaming_state"] == "completed").then_some(())
        })
        .await;
    assert_eq!(ours(&world, &ts).len(), 3, "nothing twice");
}

#[tokio::test]
async fn an_older_workspace_gets_the_same_words_in_plainer_blocks() {
    let world = World::start_with(|workspace| workspace.older = true, slow("metrics", 1500, false)).await;
    let ts = world.post(sentence("firing")).await;
    second_shows(&world, &ts, "asking metrics").await;
    let report = second_shows(&world, &ts, "OOMKilled").await;
    let kinds: Vec<&str> = report["blocks"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert!(!kinds.contains(&"table") && kinds.contains(&"section"), "{kinds:?}");
    let card = ours(&world, &ts)[0]["ts"].as_str().unwrap().to_owned();
    world.slack.choose(ALICE, &world.channel, &card, "more", "rerun").await.unwrap();
    world
        .until("a second report", |slack| {
            let third = slack.thread(&world.channel, &ts).into_iter().filter(is_ours).nth(2)?;
            seen(&third).contains("Root cause").then_some(())
        })
        .await;
    let tried = |method: &str| world.slack.calls().iter().filter(|call| call.method == method).count();
    assert_eq!((tried("chat.startStream"), tried("agents.sessions.setStatus")), (1, 1), "each is asked for once and then left alone");
}

#[tokio::test]
async fn a_person_stops_a_long_look() {
    let world = World::start_with(|_| {}, slow("metrics", 6000, false)).await;
    let ts = world.post(sentence("firing")).await;
    let (channel, thread) = (world.channel.clone(), ts.clone());
    let first = world.card_shows(&ts, "Reported");
    let card = tokio::time::timeout(Duration::from_secs(20), first).await.unwrap();
    world.slack.choose(ALICE, &world.channel, card["ts"].as_str().unwrap(), "more", "rerun").await.unwrap();
    world.until("a busy session", |slack| (slack.session(&channel, &thread).as_deref() == Some("processing")).then_some(())).await;
    let delivery = world.slack.stop_session(ALICE, &world.channel, &ts).await.unwrap();
    assert_eq!(delivery.status, Some(200));
    world
        .until("a report that says so", |slack| {
            let third = slack.thread(&channel, &thread).into_iter().filter(is_ours).nth(2)?;
            seen(&third).contains("a person stopped the investigation").then_some(())
        })
        .await;
    world.until("an idle session", |slack| (slack.session(&channel, &thread).as_deref() == Some("active")).then_some(())).await;
}
