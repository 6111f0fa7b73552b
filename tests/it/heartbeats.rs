//! Heartbeats: their silence is the alert.

use serde_json::json;

use crate::world::{World, is_ours, shown};

fn watchdog() -> serde_json::Value {
    json!({"name": "Watchdog", "severity": "low", "cluster": "prod"})
}

/// Lets time pass as it does for a service that is up: in steps that its timers see.
async fn pass(world: &World, seconds: i64) {
    for _ in 0..seconds / 50 {
        world.advance(50);
        tokio::time::sleep(std::time::Duration::from_millis(1300)).await;
    }
}

#[tokio::test]
async fn a_heartbeat_that_does_not_come_opens_an_incident_and_its_return_ends_it() {
    let world = World::usual().await;
    for _ in 0..3 {
        world.alert(watchdog()).await;
        world.advance(50);
        tokio::time::sleep(std::time::Duration::from_millis(1300)).await;
    }
    let channel = world.channel.clone();
    assert!(world.slack.messages(&channel).is_empty(), "while it comes there is nothing to say");
    for _ in 0..20 {
        pass(&world, 50).await;
        if world.slack.messages(&channel).iter().any(is_ours) {
            break;
        }
    }
    let card = world.until("a card", |slack| slack.messages(&channel).into_iter().find(is_ours)).await;
    let text = shown(&card);
    assert!(text.contains("heartbeat Watchdog of prod is missing since") && text.contains("alerts may not arrive"), "{text}");
    assert!(text.contains("P0") && text.contains("*Open*"), "{text}");
    let ts = card["ts"].as_str().unwrap().to_owned();
    world.alert(watchdog()).await;
    world.card_shows(&ts, "Resolved").await;
    assert_eq!(world.thread(&ts).len(), 1, "nobody looks for what did not come");
}

#[tokio::test]
async fn our_own_absence_is_no_missing_heartbeat() {
    let mut world = World::usual().await;
    world.alert(watchdog()).await;
    world.advance(60);
    world.alert(watchdog()).await;
    let channel = world.channel.clone();
    world.stop_service().await;
    world.advance(24 * 3600);
    world.start_service().await;
    world.alert(json!({"name": "HighLatency", "severity": "low"})).await;
    let card = world.until("a card", |slack| slack.messages(&channel).into_iter().find(is_ours)).await;
    assert!(shown(&card).contains("HighLatency"));
    pass(&world, 50).await;
    assert_eq!(world.slack.messages(&channel).iter().filter(|one| is_ours(one)).count(), 1);
}
