use serde_json::Value;

use super::{FEATURES, all};

fn manifest() -> Value {
    serde_saphyr::from_str(include_str!("../../../deploy/slack-manifest.yaml")).unwrap()
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn the_manifest_asks_for_exactly_these_scopes() {
    let manifest = manifest();
    let (mut asked, mut known) = (list(&manifest["oauth_config"]["scopes"]["bot"]), all());
    asked.sort_unstable();
    known.sort_unstable();
    assert_eq!(asked, known);
    assert!(FEATURES.iter().all(|feature| !feature.scopes.is_empty() && feature.lost.ends_with('.')));
}

#[test]
fn the_manifest_subscribes_to_every_event_that_has_a_handler_and_keeps_slacks_limits() {
    let manifest = manifest();
    let mut events = list(&manifest["settings"]["event_subscriptions"]["bot_events"]);
    events.sort_unstable();
    let handled = [
        "agent_session_stopped",
        "app_home_opened",
        "app_mention",
        "app_uninstalled",
        "link_shared",
        "message.channels",
        "message.groups",
        "message.im",
        "reaction_added",
        "tokens_revoked",
    ];
    assert_eq!(events, handled);
    let shortcut = &manifest["features"]["shortcuts"][0];
    assert_eq!((shortcut["type"].as_str(), shortcut["callback_id"].as_str()), (Some("message"), Some("investigate_message")));
    assert!(shortcut["name"].as_str().unwrap().len() <= 24, "Slack's limit for a shortcut's name");
    let commands: Vec<&str> =
        manifest["features"]["slash_commands"].as_array().unwrap().iter().map(|command| command["command"].as_str().unwrap()).collect();
    assert_eq!(commands, ["/sre", "/sre-analyze"]);
    assert!(manifest["features"]["unfurl_domains"].as_array().unwrap().len() <= 5, "Slack's limit");
    assert!(manifest["display_information"]["description"].as_str().unwrap().len() <= 140, "Slack's limit");
}
