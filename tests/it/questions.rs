//! Questions in Slack: mentions, threads, direct messages, reactions, the message's menu. Talk among people is left alone.

use serde_json::{Value, json};
use sre_agent::sandbox::DeliveryOptions;

use crate::{
    commands::{further, world},
    world::{ALICE, World, is_ours, sentence, shown},
};

fn mention(world: &World, text: &str) -> String {
    format!("<@{}> {text}", world.slack.bot_user_id())
}

/// Waits for the report of a question in the thread of `ts`.
async fn answered(world: &World, channel: &str, ts: &str) -> String {
    world
        .until("the answer", |slack| {
            let ours: Vec<Value> = slack.thread(channel, ts).into_iter().filter(is_ours).collect();
            (ours.len() >= 2 && shown(ours.first()?).contains("Reported")).then(|| shown(&ours[1]))
        })
        .await
}

async fn records(world: &World) -> usize {
    let metrics = world.metrics().await;
    let counts =
        metrics.lines().filter(|line| line.starts_with("sre_agent_records_received_total{")).filter_map(|line| line.rsplit(' ').next());
    counts.filter_map(|count| count.parse::<usize>().ok()).sum()
}

#[tokio::test]
async fn a_mention_is_answered_in_its_thread_once() {
    let world = world().await;
    let text = mention(&world, "why is checkout crashing in namespace shop?");
    let ts = world.slack.post_as_user(&world.channel, ALICE, &text, None).await.unwrap();
    let report = answered(&world, &world.channel.clone(), &ts).await;
    assert!(report.contains("OOMKilled"), "{report}");
    assert_eq!(records(&world).await, 1, "the mention came as two events");
    assert!(world.slack.messages(&world.channel).iter().all(|message| !is_ours(message)), "nothing of ours is at the top level");
}

#[tokio::test]
async fn words_in_an_incidents_thread_narrow_the_look() {
    let world = world().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    let channel = world.channel.clone();
    let ask = async |text: &str, expected: &str| {
        world.slack.post_as_user(&world.channel, ALICE, text, Some(&ts)).await.unwrap();
        world
            .until(&format!("an answer with `{expected}`"), |slack| {
                further(&slack.thread(&channel, &ts)).into_iter().find(|text| text.contains(expected))
            })
            .await
    };
    let narrowed = ask("only errors of api 13:40 to 14:10", "Only errors of").await;
    assert!(narrowed.contains("13:40 to 14:10 UTC") && narrowed.contains("1 of 5 log lines"), "{narrowed}");
    let deploys = ask("narrow to the last two deploys", "last 2 deploys").await;
    assert!(deploys.contains("v3") && deploys.contains("v2") && !deploys.contains("v1"), "{deploys}");
    ask("ignore payments", "without").await;
    ask("what was ruled out?", "ruled out").await;
    let unknown = ask(&mention(&world, "is the moon full tonight?"), "no time, service or change").await;
    assert!(unknown.contains("is the moon full tonight?"), "it says what it was asked: {unknown}");
    let card = world.card_shows(&ts, "OOM").await;
    assert!(shown(&card).contains("Reported"), "the incident's own report stays what it was");
}

#[tokio::test]
async fn people_who_talk_to_each_other_and_other_bots_are_left_alone() {
    let world = world().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    let before = records(&world).await;
    for text in ["I think it is the database", "<@U02BOB> what changed?", "only I can see this?", "rolling back now", "ack"] {
        world.slack.post_as_user(&world.channel, ALICE, text, Some(&ts)).await.unwrap();
    }
    world.slack.post_as_user(&world.channel, ALICE, "only errors of api", None).await.unwrap();
    let bot = json!({"type": "app_mention", "user": "U0ELSE", "bot_id": "B0ELSE", "channel": world.channel, "ts": "1700000000.000200", "text": mention(&world, "status")});
    assert_eq!(world.slack.send_event(bot, DeliveryOptions::default()).await.status, Some(200));
    // A question that is one comes after all of them: when it is answered, they have been seen too.
    world.slack.post_as_user(&world.channel, ALICE, "what changed?", Some(&ts)).await.unwrap();
    let channel = world.channel.clone();
    world.until("one answer", |slack| (further(&slack.thread(&channel, &ts)).len() == 1).then_some(())).await;
    assert_eq!(records(&world).await, before + 1);
    assert!(world.slack.ephemeral(ALICE).is_empty());
}

#[tokio::test]
async fn a_mention_can_be_a_command() {
    let world = world().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    world.slack.post_as_user(&world.channel, ALICE, &mention(&world, "status"), None).await.unwrap();
    let status = world.until("the status", |slack| slack.ephemeral(ALICE).pop()).await;
    assert!(shown(&status).contains("1 incident open"), "{}", shown(&status));
    world.slack.post_as_user(&world.channel, ALICE, &mention(&world, "ack"), Some(&ts)).await.unwrap();
    world.card_shows(&ts, "Acknowledged").await;
}

#[tokio::test]
async fn a_direct_message_is_a_question() {
    let world = world().await;
    let direct = world.slack.channel_id(ALICE).unwrap();
    let ts = world.slack.post_as_user(&direct, ALICE, "why does pod checkout-7f5b9c4d68-4xk9p restart?", None).await.unwrap();
    let report = answered(&world, &direct, &ts).await;
    assert!(report.contains("OOMKilled"), "{report}");
    let ts = world.slack.post_as_user(&direct, ALICE, "status", None).await.unwrap();
    let status = world.until("the status", |slack| slack.thread(&direct, &ts).into_iter().find(is_ours)).await;
    assert!(shown(&status).contains("1 incident open"), "{}", shown(&status));
}

#[tokio::test]
async fn a_reaction_starts_a_look_at_any_message_once() {
    let world = world().await;
    let ts = world.slack.post_as_user(&world.channel, ALICE, "checkout pods in namespace shop keep restarting", None).await.unwrap();
    for user in [ALICE, "U02BOB"] {
        assert_eq!(world.slack.react(user, &world.channel, &ts, "mag").await.unwrap().status, Some(200));
    }
    let report = answered(&world, &world.channel.clone(), &ts).await;
    assert!(report.contains("OOMKilled"), "{report}");
    world
        .until("Alice is told", |slack| slack.ephemeral(ALICE).into_iter().find(|told| shown(told).contains("answer in its thread")))
        .await;
    assert_eq!(records(&world).await, 1, "two reactions are one wish");
    assert_eq!(world.slack.react("U03CAROL", &world.channel, &ts, "mag").await.unwrap().status, Some(200));
    world
        .until("Carol is told", |slack| slack.ephemeral("U03CAROL").into_iter().find(|told| shown(told).contains("This is INC-1 already")))
        .await;
    let reply = world.slack.post_as_user(&world.channel, ALICE, "nothing to see", None).await.unwrap();
    world.slack.react(ALICE, &world.channel, &reply, "eyes").await.unwrap();
    assert_eq!(records(&world).await, 1, "another reaction asks for nothing");
}

#[tokio::test]
async fn the_shortcut_reads_an_alert_as_an_alert_and_the_rest_as_a_question() {
    let world = world().await;
    let alert = "[FIRING:1] KubePodCrashLooping (checkout shop critical)";
    let first = world.slack.post_as_user(&world.channel, ALICE, alert, None).await.unwrap();
    let press = async |ts: &str| world.slack.shortcut(ALICE, &world.channel, ts, "investigate_message").await.unwrap().status;
    assert_eq!(press(&first).await, Some(200));
    let (card, _) = world.report(&first).await;
    assert!(shown(&card).contains("INC-1") && !shown(&card).contains("P3"), "{}", shown(&card));
    world.until("it says so", |slack| slack.ephemeral(ALICE).into_iter().find(|told| shown(told).contains("I read it as an alert"))).await;
    let second = world.slack.post_as_user(&world.channel, "U02BOB", "is anything wrong with payments?", None).await.unwrap();
    assert_eq!(press(&second).await, Some(200));
    answered(&world, &world.channel.clone(), &second).await;
    assert_eq!(press(&second).await, Some(200));
    world.until("the pointer", |slack| slack.ephemeral(ALICE).into_iter().find(|told| shown(told).contains("This is INC-2 already"))).await;
}

#[tokio::test]
async fn a_question_that_is_delivered_twice_is_asked_once() {
    let world = world().await;
    let ts = world.slack.post_as_user(&world.channel, ALICE, "nothing yet", None).await.unwrap();
    let event =
        json!({"type": "app_mention", "user": ALICE, "channel": world.channel, "ts": ts, "text": mention(&world, "why is checkout down?")});
    for _ in 0..2 {
        let twice = DeliveryOptions { duplicate: true, ..DeliveryOptions::default() };
        assert_eq!(world.slack.send_event(event.clone(), twice).await.status, Some(200));
    }
    answered(&world, &world.channel.clone(), &ts).await;
    assert_eq!(records(&world).await, 1);
    assert_eq!(world.thread(&ts).iter().filter(|message| is_ours(message)).count(), 2, "one card, one report");
}
