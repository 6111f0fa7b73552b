//! One incident from its alert to its postmortem, as the people in the channel live through it.

use serde_json::json;

use crate::{
    commands::sre,
    progress::{second_shows, slow},
    world::{ALICE, World, sentence, shown},
};

const BOB: &str = "U02BOB";

#[tokio::test]
async fn alert_progress_report_acknowledge_silence_resolve_reopen_postmortem() {
    let world = World::start_with(|_| {}, slow("metrics", 1500, false)).await;
    let ts = world.post(sentence("firing")).await;

    // The first reply names who looks; then the steps; then the report in the steps' place.
    world.card_shows(&ts, "with infrastructure").await;
    let plan = second_shows(&world, &ts, "asking metrics").await;
    let report = second_shows(&world, &ts, "OOMKilled").await;
    assert_eq!(plan["ts"], report["ts"], "one message, first the plan and then the report");
    let card = world.card_shows(&ts, "Reported").await["ts"].as_str().unwrap().to_owned();

    world.press(ALICE, &card, "ack").await;
    world.hears(ALICE, "You acknowledged INC-1").await;
    world.card_shows(&ts, "Acknowledged").await;

    // What a silence would cover is shown before it is set.
    world.press(BOB, &card, "silence").await;
    let (view, preview) = world.modal(BOB, "1 open incident").await;
    assert!(shown(&preview).contains("INC-1"), "{}", shown(&preview));
    world.slack.submit_view(BOB, &view, json!({"for": "8h", "reason": "rolling back"})).await.unwrap();
    world.card_shows(&ts, "Silenced").await;
    world.until("the reaction", |_| (world.reactions(&ts) == ["no_bell"]).then_some(())).await;

    world.press(BOB, &card, "resolve").await;
    let resolved = world.card_shows(&ts, "Resolved").await;
    assert!(shown(&resolved).contains("Resolved* after"), "{}", shown(&resolved));
    world.until("the reaction", |_| (world.reactions(&ts) == ["white_check_mark"]).then_some(())).await;

    world.press(ALICE, &card, "reopen").await;
    world.card_shows(&ts, "Reported").await;
    world.until("the reaction", |_| (world.reactions(&ts) == ["eyes"]).then_some(())).await;

    assert!(sre(&world, "postmortem INC-1").await.contains("INC-1"));
    let draft = world.says_in_thread(&ts, "Postmortem").await;
    let text = shown(&draft);
    for step in ["acknowledged", "silenced", "rolling back", "resolved", "reopened", "OOMKilled"] {
        assert!(text.contains(step), "the draft tells of `{step}`: {text}");
    }
    assert_eq!(world.slack.messages(&world.channel).len(), 1, "all of it happened in the alert's own thread");
}
