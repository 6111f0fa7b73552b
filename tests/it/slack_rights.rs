//! In Slack too nobody sees or asks what their role does not allow: a refusal names the permission and is audited.

use std::fs;

use sre_agent::store::Store;

use crate::{
    acts::reported,
    commands::further,
    world::{ALICE, World, alertmanager, is_ours, shown},
};

const BOB: &str = "U02BOB";

/// Alice has a role, nobody else has.
async fn world() -> World {
    World::tuned(|settings| format!("{settings}access: {{default_roles: [], people: {{{ALICE}: [user]}}}}\n")).await
}

/// What the person hears last after `/sre …`.
async fn sre(world: &World, user: &str, text: &str) -> String {
    let before = world.slack.ephemeral(user).len();
    world.slack.command(user, &world.channel, "/sre", text).await.unwrap();
    let heard = world.until(&format!("an answer to {text}"), |slack| Some(slack.ephemeral(user)).filter(|all| all.len() > before)).await;
    shown(heard.last().unwrap())
}

#[tokio::test]
async fn who_has_no_role_sees_and_asks_nothing() {
    let world = world().await;
    let (ts, card, report) = reported(&world).await;
    for (text, permission) in [
        ("show INC-1", "incident:read"),
        ("why", "incident:read"),
        ("postmortem INC-1", "incident:read"),
        ("incidents all", "incident:read"),
        ("status", "incident:read"),
        ("handoff", "incident:read"),
        ("runs", "runbook:read"),
        ("stats", "stats:read"),
        ("investigate why is checkout slow", "incident:ask"),
    ] {
        let heard = sre(&world, BOB, text).await;
        assert!(heard.contains("Refused") && heard.contains(permission) && !heard.contains("OOMKilled"), "/sre {text}: {heard}");
    }
    assert!(sre(&world, BOB, "help").await.contains("/sre investigate WORDS"));

    let before = world.slack.ephemeral(BOB).len();
    let mention = format!("<@{}> why is checkout crashing?", world.slack.bot_user_id());
    let asked = world.slack.post_as_user(&world.channel, BOB, &mention, None).await.unwrap();
    let heard = world.until("a refusal", |slack| slack.ephemeral(BOB).get(before).map(shown)).await;
    assert!(heard.contains("incident:ask"), "{heard}");
    assert!(!world.thread(&asked).iter().any(is_ours), "nothing was begun");

    let before = world.slack.ephemeral(BOB).len();
    world.press(BOB, report["ts"].as_str().unwrap(), "details").await;
    let heard = world.until("a refusal", |slack| slack.ephemeral(BOB).get(before).map(shown)).await;
    assert!(heard.contains("incident:read"), "{heard}");
    world.press(BOB, &card, "silence").await;
    world.until("a refusal", |slack| (slack.ephemeral(BOB).len() > before + 1).then_some(())).await;
    assert!(world.slack.open_views(BOB).is_empty());

    let lines = world.store().audit(None, 50).await.unwrap();
    let refused = |act: &str| lines.iter().any(|line| line.actor == BOB && line.act == act && line.outcome == "refused");
    for act in ["incident:read", "incident:ask", "runbook:read", "stats:read"] {
        assert!(refused(act), "{act}: {lines:#?}");
    }

    for (text, part) in [("show INC-1", "Timeline"), ("incidents", "INC-1"), ("status", "1 incident open")] {
        let heard = sre(&world, ALICE, text).await;
        assert!(heard.contains(part), "/sre {text}: {heard}");
    }
    world.slack.post_as_user(&world.channel, ALICE, "what changed?", Some(&ts)).await.unwrap();
    let channel = world.channel.clone();
    world.until("the answer", |slack| (!further(&slack.thread(&channel, &ts)).is_empty()).then_some(())).await;
    let lines = world.audit().await;
    assert!(lines.iter().any(|line| line.actor == ALICE && line.act == "ask" && line.outcome == "done"), "{lines:#?}");
}

#[tokio::test]
async fn a_channel_that_a_policy_closes_is_left_out() {
    let mut world = World::unstarted().await;
    let closed = world.slack.create_channel("closed", true);
    let settings = fs::read_to_string(world.settings_file()).unwrap();
    let policy = format!("access: {{policies: [{{effect: deny, permissions: ['incident:read'], channels: [{closed}]}}]}}\n");
    fs::write(world.settings_file(), settings + &policy).unwrap();
    world.start_service().await;
    reported(&world).await;
    let hidden = alertmanager("firing", "HighLatency", "orders");
    let ts = world.slack.post_as_bot(&closed, "Alertmanager", hidden).await.unwrap();
    world.until("its card", |slack| slack.thread(&closed, &ts).iter().any(is_ours).then_some(())).await;
    let heard = sre(&world, ALICE, "show INC-2").await;
    assert!(heard.contains("access.policies[0]") && heard.contains("incident:read"), "{heard}");
    let heard = sre(&world, ALICE, "incidents").await;
    assert!(heard.contains("INC-1") && !heard.contains("INC-2"), "{heard}");
}
