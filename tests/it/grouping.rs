//! One incident, one thread: what belongs together is told of once, and says why.

use serde_json::{Value, json};

use crate::world::{ALICE, World, alertmanager, is_ours, sentence, shown};

fn alert(name: &str, service: &str, status: &str) -> Value {
    json!({"name": name, "service": service, "namespace": "shop", "severity": "high", "status": status})
}

/// The cards of webhook incidents: our messages at the top level.
fn cards(world: &World) -> Vec<Value> {
    world.slack.messages(&world.channel).into_iter().filter(is_ours).collect()
}

async fn card(world: &World, at: usize) -> String {
    let channel = world.channel.clone();
    let card = world.until("a card", |slack| slack.messages(&channel).into_iter().filter(is_ours).nth(at)).await;
    card["ts"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn alerts_of_one_service_are_one_incident_that_ends_with_the_last_of_them() {
    let world = World::usual().await;
    world.alert(alert("HighLatency", "checkout", "firing")).await;
    let ts = card(&world, 0).await;
    world.alert(alert("HighErrorRate", "checkout", "firing")).await;
    world.card_shows(&ts, "2 different ones").await;
    world.alert(alert("MongoDown", "mongo", "firing")).await;
    card(&world, 1).await;
    world.alert(alert("HighLatency", "checkout", "resolved")).await;
    world.card_shows(&ts, "1 of 2 resolved").await;
    world.alert(alert("HighErrorRate", "checkout", "resolved")).await;
    world.card_shows(&ts, "Resolved").await;
    assert_eq!(cards(&world).len(), 2, "the database is another matter");
}

#[tokio::test]
async fn a_grouped_message_of_another_bot_gets_one_pointer_and_the_reaction_and_a_repeat_only_the_reaction() {
    let world = World::usual().await;
    let first = world.post(alertmanager("firing", "HighLatency", "orders")).await;
    world.report(&first).await;
    let second = world.post(alertmanager("firing", "HighErrorRate", "orders")).await;
    let channel = world.channel.clone();
    let pointer = world.until("a pointer", |slack| slack.thread(&channel, &second).into_iter().find(is_ours)).await;
    let text = shown(&pointer);
    assert!(text.contains("INC-1") && text.contains("same service orders"), "{text}");
    assert!(text.contains(&format!("/archives/{channel}/p{}", first.replace('.', ""))), "it leads to the incident's thread: {text}");
    let third = world.post(alertmanager("firing", "HighErrorRate", "orders")).await;
    for ts in [&first, &second, &third] {
        world.until("the reaction", |_| (world.reactions(ts) == ["eyes"]).then_some(())).await;
    }
    world.card_shows(&first, "3 alerts").await;
    assert_eq!((world.thread(&second).len(), world.thread(&third).len()), (2, 1));
    for name in ["HighLatency", "HighErrorRate"] {
        world.post(alertmanager("resolved", name, "orders")).await;
    }
    world.card_shows(&first, "Resolved").await;
    for ts in [&first, &second, &third] {
        world.until("the reaction", |_| (world.reactions(ts) == ["white_check_mark"]).then_some(())).await;
    }
}

#[tokio::test]
async fn two_incidents_of_one_message_share_its_reaction() {
    let world = World::usual().await;
    let message = json!({"text": "", "attachments": [
        {"color": "danger", "title": "[FIRING:1] HighLatency (shop orders critical)", "fallback": "HighLatency"},
        {"color": "danger", "title": "[FIRING:1] QueueDepth (money billing critical)", "fallback": "QueueDepth"}]});
    let ts = world.post(message).await;
    let channel = world.channel.clone();
    let cards = |slack: &sre_agent::sandbox::Sandbox| -> Vec<Value> {
        slack.thread(&channel, &ts).into_iter().filter(|one| is_ours(one) && one["blocks"].to_string().contains("\"resolve\"")).collect()
    };
    let both = world.until("two cards", |slack| Some(cards(slack)).filter(|cards| cards.len() == 2)).await;
    let click = |at: usize, action: &'static str| world.slack.click(ALICE, &channel, both[at]["ts"].as_str().unwrap(), action);
    click(0, "resolve").await.unwrap();
    world.until("one is over", |slack| (cards(slack).len() == 1).then_some(())).await;
    world.until("the reaction", |_| (world.reactions(&ts) == ["eyes"]).then_some(())).await;
    click(1, "ack").await.unwrap();
    world.until("the reaction", |_| (world.reactions(&ts) == ["raised_hand"]).then_some(())).await;
    click(1, "resolve").await.unwrap();
    world.until("the reaction", |_| (world.reactions(&ts) == ["white_check_mark"]).then_some(())).await;
}

#[tokio::test]
async fn what_comes_back_soon_has_the_same_thread_and_later_another_that_names_it() {
    let world = World::usual().await;
    world.alert(alert("HighLatency", "checkout", "firing")).await;
    let ts = card(&world, 0).await;
    world.card_shows(&ts, "Reported").await;
    world.alert(alert("HighLatency", "checkout", "resolved")).await;
    world.card_shows(&ts, "*Resolved* after").await;
    world.advance(3600);
    world.alert(alert("HighLatency", "checkout", "firing")).await;
    world.card_shows(&ts, "came back 1 time").await;
    let channel = world.channel.clone();
    world.until("a second report", |slack| (slack.thread(&channel, &ts).len() == 3).then_some(())).await;
    world.alert(alert("HighLatency", "checkout", "resolved")).await;
    world.card_shows(&ts, "Resolved").await;
    world.advance(4 * 3600);
    world.alert(alert("HighLatency", "checkout", "firing")).await;
    let second = card(&world, 1).await;
    world.card_shows(&second, "last seen in INC-1").await;
}

#[tokio::test]
async fn flapping_is_named_and_says_nothing_new() {
    let world = World::usual().await;
    world.alert(alert("HighLatency", "checkout", "firing")).await;
    let ts = card(&world, 0).await;
    for turn in 1..=4 {
        world.card_shows(&ts, "Reported").await;
        world.advance(300);
        world.alert(alert("HighLatency", "checkout", "resolved")).await;
        world.card_shows(&ts, "Resolved").await;
        world.advance(300);
        world.alert(alert("HighLatency", "checkout", "firing")).await;
        if turn > 2 {
            world.card_shows(&ts, &format!("*flapping*: {turn} times in {} min", (turn - 1) * 10)).await;
        }
    }
    world.card_shows(&ts, "Reported").await;
    assert_eq!(world.thread(&ts).len(), 4, "the card and a report for the first and the first two returns");
}

#[tokio::test]
async fn a_plain_sentence_closes_the_one_incident_of_its_service() {
    let world = World::usual().await;
    world.alert(alert("HighLatency", "payments", "firing")).await;
    let ts = card(&world, 0).await;
    world.slack.post_as_bot(&world.channel, "checks", json!({"text": "RESOLVED: payments is healthy again"})).await.unwrap();
    world.card_shows(&ts, "Resolved").await;
}

#[tokio::test]
async fn alerts_of_one_service_at_the_same_moment_open_one_incident() {
    let world = World::usual().await;
    let posts = (0..24).map(|number| world.alert(alert(&format!("Alert{number}"), "checkout", "firing")));
    futures_util::future::join_all(posts).await;
    let ts = card(&world, 0).await;
    world.card_shows(&ts, "24 different ones").await;
    assert_eq!(cards(&world).len(), 1);
}

#[tokio::test]
async fn an_edit_that_ends_a_grouped_alert_is_counted_in_its_incident() {
    let world = World::usual().await;
    let first = world.post(sentence("firing")).await;
    world.report(&first).await;
    world.slack.update_as_bot(&world.channel, &first, sentence("resolved")).await.unwrap();
    world.card_shows(&first, "Resolved").await;
    assert!(cards(&world).is_empty());
}
