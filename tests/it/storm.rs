//! Two thousand alerts in ten seconds into one channel: one message that counts them all, and none is lost.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use sre_agent::sandbox::{Fault, Sandbox};

use crate::world::{ALICE, World, is_ours, shown};

const ALERTS: usize = 2000;

/// Alerts of many services, nodes, names and clusters, each different.
fn storm_alert(number: usize) -> Value {
    let severity = ["critical", "high", "medium"][number % 3];
    json!({
        "name": format!("Alert{}", number % 60), "severity": severity, "service": format!("svc-{}", number % 97),
        "namespace": format!("team-{}", number % 7), "cluster": format!("c{}", number % 2), "resource": format!("object-{number:05}"),
        "labels": {"node": format!("n-{}", number % 41)},
    })
}

fn summary(slack: &Sandbox, channel: &str) -> Option<Value> {
    slack.messages(channel).into_iter().find(|message| is_ours(message) && shown(message).contains("Alert storm"))
}

/// When something was written into the channel, as far as people see it.
fn writes(slack: &Sandbox, channel: &str) -> Vec<(Timestamp, String)> {
    let writes = ["chat.postMessage", "chat.update", "reactions.add", "reactions.remove"];
    let calls = slack.calls().into_iter().filter(|call| writes.contains(&call.method.as_str()) && call.body["channel"] == channel);
    calls.map(|call| (call.at, call.body.to_string())).collect()
}

/// Every alert that the list behind "Every alert" shows, page by page.
async fn listed(world: &World, summary_ts: &str) -> (BTreeSet<String>, usize) {
    world.slack.click(ALICE, &world.channel, summary_ts, "storm_list").await.unwrap();
    let mut found = BTreeSet::new();
    let mut pages = 0;
    let mut last = String::new();
    loop {
        let view =
            world.until("the next page", |slack| slack.open_views(ALICE).into_iter().next().filter(|view| shown(view) != last)).await;
        assert!(view.to_string().len() < 250_000);
        last = shown(&view);
        pages += 1;
        found.extend(
            last.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| word.starts_with("object-")).map(str::to_owned),
        );
        if !view["blocks"].to_string().contains("storm_next") {
            return (found, pages);
        }
        world.on_page("click", &json!({"user": ALICE, "view_id": view["id"], "action_id": "storm_next"})).await;
    }
}

#[tokio::test]
async fn a_storm_is_one_message_that_loses_nothing() {
    let mut world = World::usual().await;
    let channel = world.channel.clone();
    world.slack.inject("chat.update", Fault::RateLimited { retry_after: Duration::from_secs(2) }, 2);
    world.slack.inject("chat.postMessage", Fault::RateLimited { retry_after: Duration::from_secs(1) }, 1);

    let client = reqwest::Client::new();
    let url = format!("{}/api/v1/alerts", world.service_url);
    let mut second = tokio::time::interval(Duration::from_millis(50));
    let mut sent = Vec::new();
    for batch in 0..ALERTS / 10 {
        second.tick().await;
        for number in batch * 10..batch * 10 + 10 {
            let request = client.post(&url).body(storm_alert(number).to_string());
            sent.push(tokio::spawn(async move { request.send().await.unwrap().status() }));
        }
    }
    for status in sent {
        assert_eq!(status.await.unwrap(), 200);
    }
    let ended = std::time::Instant::now();
    let card =
        world.until("all of them in the summary", |slack| summary(slack, &channel).filter(|one| shown(one).contains("2,000 alerts"))).await;
    let drained = ended.elapsed();
    assert!(drained < Duration::from_secs(20), "drained after {drained:?}");
    let text = shown(&card);
    assert!(text.contains("nothing dropped") && text.contains("Acknowledge all"), "{text}");
    let ts = card["ts"].as_str().unwrap().to_owned();

    // A restart in the middle continues the storm.
    world.stop_service().await;
    world.start_service().await;
    world.alert(storm_alert(ALERTS)).await;
    world.until("one more", |slack| summary(slack, &channel).filter(|one| shown(one).contains("2,001 alerts"))).await;

    let (found, pages) = listed(&world, &ts).await;
    assert_eq!(found.len(), ALERTS + 1, "every alert is listed once, on {pages} pages");
    let rows =
        card["blocks"].as_array().unwrap().iter().find(|block| block["type"] == "table").unwrap()["rows"].as_array().unwrap().len() - 1;
    assert!(rows <= 50, "{rows} incidents");

    world.slack.click(ALICE, &channel, &ts, "storm_ack").await.unwrap();
    world.until("all of them acknowledged", |slack| summary(slack, &channel).filter(|one| !shown(one).contains("Acknowledge all"))).await;

    let writes = writes(&world.slack, &channel);
    let began = writes.iter().position(|(_, body)| body.contains("Alert storm")).expect("a summary");
    let gaps: Vec<i128> = writes[began..].windows(2).map(|two| two[1].0.duration_since(two[0].0).as_millis()).collect();
    assert!(gaps.iter().all(|gap| *gap >= 950), "at most one write a second: {gaps:?}");
    assert!(world.slack.messages(&channel).iter().filter(|one| is_ours(one)).count() <= 10, "what went out before it was a storm");

    // It is calm for two minutes.
    world.advance(70);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    world.advance(130);
    let over = world.until("the end", |slack| summary(slack, &channel).filter(|one| shown(one).contains("Alert storm is over"))).await;
    assert!(shown(&over).contains("2,001 alerts"), "{}", shown(&over));
    world.until("the first cards", |slack| (slack.messages(&channel).iter().filter(|one| is_ours(one)).count() > 3).then_some(())).await;
}

#[tokio::test]
async fn below_the_limit_there_is_no_storm() {
    let world = World::usual().await;
    let alerts: Vec<Value> = (0..8).map(|number| json!({"name": format!("A{number}"), "severity": "low"})).collect();
    world.alert(json!(alerts)).await;
    let channel = world.channel.clone();
    world.until("eight cards", |slack| (slack.messages(&channel).iter().filter(|one| is_ours(one)).count() == 8).then_some(())).await;
    assert!(summary(&world.slack, &channel).is_none());
}
