//! `sre-agent doctor` against a workspace with this and that missing.

use std::fs;

use sre_agent::slack::scopes;
use tokio::process::Command;

use crate::world::World;

/// The world without its service; `change` may alter the settings.
async fn world(granted: Vec<&str>, change: impl FnOnce(String) -> String) -> World {
    let mut world = World::start(|workspace| workspace.scopes = granted.into_iter().map(str::to_owned).collect()).await;
    world.abandon_service().await;
    let text = fs::read_to_string(world.settings_file()).unwrap();
    fs::write(world.settings_file(), change(text)).unwrap();
    world
}

/// What it prints, with its exit code.
async fn doctor(world: &World) -> (i32, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_sre-agent")).args(["doctor", "--config"]).arg(world.settings_file()).output().await.unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(!["xoxb-s", "xoxb-o", "xapp-s", "xapp-o"].iter().any(|token| text.contains(token)), "no token in it: {text}");
    (ran.status.code().unwrap(), text)
}

fn line<'a>(text: &'a str, what: &str) -> &'a str {
    text.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("no `{what}` in {text}"))
}

#[tokio::test]
async fn all_is_well() {
    let world =
        world(scopes::all(), |text| text.replace("signing_secret: ", "delivery: socket, app_token: xapp-sandbox, signing_secret: ")).await;
    let (code, text) = doctor(&world).await;
    assert_eq!(code, 0, "{text}");
    for what in ["store ", "app token (Socket Mode)", "bot token", "channel C", "cards, reports and modals", "link previews"] {
        assert!(line(&text, what).starts_with("ok "), "{text}");
    }
    assert!(text.ends_with("Everything works.\n") && !text.contains('→'), "{text}");
}

#[tokio::test]
async fn a_missing_scope_is_named_with_what_is_lost_and_what_to_do() {
    let mut granted = scopes::all();
    granted.retain(|scope| !["reactions:write", "links:read", "links:write"].contains(scope));
    let world = world(granted, |text| text).await;
    let (code, text) = doctor(&world).await;
    assert_eq!(code, 0, "the rest works: {text}");
    let reactions = line(&text, "state reactions");
    assert!(reactions.starts_with("lacking") && reactions.contains("without reactions:write: The alert's own message"), "{text}");
    assert!(text.contains("→ Add the bot scope links:read and links:write on the app's page \"OAuth & Permissions\""), "{text}");
    assert!(text.ends_with("could be better.\n"), "{text}");
}

#[tokio::test]
async fn what_nothing_works_without_is_broken() {
    let mut granted = scopes::all();
    granted.retain(|scope| *scope != "chat:write");
    let world = world(granted, |text| text).await;
    let outside = world.slack.create_channel("outside", false);
    let settings = fs::read_to_string(world.settings_file()).unwrap().replace(&world.channel, &outside);
    fs::write(world.settings_file(), settings).unwrap();
    let (code, text) = doctor(&world).await;
    assert_eq!(code, 1, "{text}");
    assert!(line(&text, "cards, reports and modals").starts_with("BROKEN"), "{text}");
    assert!(line(&text, &format!("channel {outside}")).contains("the bot is not in it") && text.contains("/invite @sre-agent"), "{text}");
    assert!(text.contains("It does not work: 2 of"), "{text}");
}

#[tokio::test]
async fn tokens_that_slack_refuses_and_a_slack_that_is_not_there_are_told_apart() {
    let world = world(scopes::all(), |text| {
        let text = text.replace("bot_token: xoxb-sandbox", "bot_token: xoxb-old, workspaces: {T09: xoxb-older}");
        text.replace("signing_secret: ", "delivery: socket, app_token: xapp-old, signing_secret: ")
    })
    .await;
    let (code, text) = doctor(&world).await;
    assert_eq!(code, 1, "{text}");
    assert!(line(&text, "bot token ").contains("invalid_auth") && text.contains("into `slack.bot_token` (SLACK_BOT_TOKEN)"), "{text}");
    assert!(line(&text, "bot token of T09").contains("invalid_auth") && text.contains("`slack.workspaces.T09`"), "{text}");
    assert!(line(&text, "app token").contains("invalid_auth") && text.contains("connections:write"), "{text}");
    let settings = fs::read_to_string(world.settings_file()).unwrap();
    let nowhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let api = settings.split("api_url: '").nth(1).unwrap().split('\'').next().unwrap();
    fs::write(world.settings_file(), settings.replace(api, &format!("http://{nowhere}/api"))).unwrap();
    let (code, text) = doctor(&world).await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("Check that this machine reaches Slack"), "{text}");
}
