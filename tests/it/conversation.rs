//! An alert is answered in its thread, and people work with it.

use serde_json::json;
use sre_agent::sandbox::Fault;

use crate::world::{ALICE, World, alertmanager, is_ours, sentence, shown};

#[tokio::test]
async fn an_alert_of_another_bot_gets_card_report_and_reaction_in_its_thread() {
    let world = World::usual().await;
    let ts = world.post(sentence("firing")).await;
    let (card, report) = world.report(&ts).await;
    assert!(shown(&card).contains("INC-1"), "{}", shown(&card));
    assert!(shown(&card).contains("P0"));
    let text = shown(&report);
    assert!(text.contains("Root cause") && text.contains("OOMKilled") && text.contains("128Mi"), "{text}");
    assert!(text.contains("E1"), "the cause cites its evidence: {text}");
    assert!(report["text"].as_str().unwrap().contains("root cause"), "the lock screen says it");
    world.until("the reaction", |_| (world.reactions(&ts) == ["eyes"]).then_some(())).await;
    assert_eq!(world.slack.messages(&world.channel).len(), 1, "nothing but the alert is at the top level");
}

#[tokio::test]
async fn acknowledge_resolve_reopen_and_run_again() {
    let world = World::usual().await;
    let ts = world.post(sentence("firing")).await;
    let (card, report) = world.report(&ts).await;
    let card_ts = card["ts"].as_str().unwrap();
    let click = |action: &'static str| world.slack.click(ALICE, &world.channel, card_ts, action);

    assert_eq!(click("ack").await.unwrap().status, Some(200));
    let card = world.card_shows(&ts, "Acknowledged").await;
    assert!(shown(&card).contains(&format!("<@{ALICE}>")), "{}", shown(&card));
    world.until("the reaction", |_| (world.reactions(&ts) == ["raised_hand"]).then_some(())).await;

    click("resolve").await.unwrap();
    world.card_shows(&ts, "Resolved").await;
    world.until("the reaction", |_| (world.reactions(&ts) == ["white_check_mark"]).then_some(())).await;

    click("reopen").await.unwrap();
    world.card_shows(&ts, "Reported").await;
    world.slack.choose(ALICE, &world.channel, card_ts, "more", "rerun").await.unwrap();
    world.until("a second report", |_| (world.thread(&ts).iter().filter(|message| is_ours(message)).count() == 3).then_some(())).await;
    assert_eq!(world.thread(&ts)[2]["ts"], report["ts"], "the first report stays where it is");
}

#[tokio::test]
async fn details_open_a_modal_with_all_evidence() {
    let world = World::usual().await;
    let ts = world.post(sentence("firing")).await;
    let (_, report) = world.report(&ts).await;
    world.slack.click(ALICE, &world.channel, report["ts"].as_str().unwrap(), "details").await.unwrap();
    let view = world.until("a modal", |slack| slack.open_views(ALICE).into_iter().next()).await;
    let text = shown(&view);
    assert!(text.contains("OOMKilled") && text.contains("pods.json"), "{text}");
}

#[tokio::test]
async fn a_repeat_joins_and_a_resolved_message_closes() {
    let world = World::usual().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    let second = world.post(sentence("firing")).await;
    world.card_shows(&ts, "2 alerts").await;
    world.until("the reaction on the repeat", |_| (world.reactions(&second) == ["eyes"]).then_some(())).await;
    assert_eq!(world.thread(&second).len(), 1, "a repeat opens no second thread");
    world.post(sentence("resolved")).await;
    world.card_shows(&ts, "Resolved").await;
    world.until("the alert's reaction", |_| (world.reactions(&ts) == ["white_check_mark"]).then_some(())).await;
}

#[tokio::test]
async fn different_alerts_are_different_incidents() {
    let world = World::usual().await;
    let first = world.post(alertmanager("firing", "HighLatency", "orders")).await;
    let second = world.post(alertmanager("firing", "TargetDown", "payments")).await;
    let (one, _) = world.report(&first).await;
    let (two, _) = world.report(&second).await;
    assert!(shown(&one).contains("INC-") && shown(&two).contains("INC-"));
    assert_ne!(shown(&one), shown(&two));
}

#[tokio::test]
async fn chatter_joins_and_our_own_messages_start_nothing() {
    let world = World::usual().await;
    world.slack.post_as_user(&world.channel, ALICE, "is checkout down for anybody else?", None).await.unwrap();
    world.post(json!({"text": "Good morning! Lunch is at noon."})).await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    let ours: Vec<_> = world.slack.messages(&world.channel).into_iter().filter(is_ours).collect();
    assert!(ours.is_empty(), "{ours:?}");
    let (card, _) = world.report(&ts).await;
    assert!(shown(&card).contains("INC-1"), "nothing before it was taken for an alert");
}

#[tokio::test]
async fn hostile_words_in_an_alert_stay_words() {
    let world = World::usual().await;
    let mut alert = sentence("firing");
    alert["attachments"][0]["title"] = "[FIRING:1] KubePodCrashLooping &lt;!channel&gt; &lt;http://evil.example|click&gt;".into();
    let ts = world.post(alert).await;
    let (card, report) = world.report(&ts).await;
    for message in [card, report] {
        let raw = message.to_string();
        assert!(!raw.contains("<!channel>") && !raw.contains("<http://evil.example"), "{raw}");
    }
}

#[tokio::test]
async fn slack_failing_in_every_way_loses_and_doubles_nothing() {
    let world = World::usual().await;
    world.slack.inject("chat.postMessage", Fault::RateLimited { retry_after: std::time::Duration::from_secs(1) }, 1);
    world.slack.inject("chat.postMessage", Fault::Ambiguous, 1);
    world.slack.inject("reactions.add", Fault::ServerError(503), 1);
    world.slack.inject("chat.update", Fault::ServerError(500), 1);
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    world.until("the reaction", |_| (world.reactions(&ts) == ["eyes"]).then_some(())).await;
    let ours = world.thread(&ts).iter().filter(|message| is_ours(message)).count();
    assert_eq!(ours, 2, "one card and one report, though one post was done and not answered");
}

#[tokio::test]
async fn alertmanager_editing_its_message_closes_the_incident() {
    let world = World::usual().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    world.slack.update_as_bot(&world.channel, &ts, sentence("resolved")).await.unwrap();
    world.card_shows(&ts, "Resolved").await;
}

#[tokio::test]
async fn a_token_that_slack_refuses_for_a_while_costs_time_and_no_message() {
    let world = World::usual().await;
    world.slack.inject("chat.postMessage", Fault::ServerError(502), 1);
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    assert_eq!(world.thread(&ts).iter().filter(|message| is_ours(message)).count(), 2);
}
