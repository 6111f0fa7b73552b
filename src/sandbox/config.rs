//! What a sandbox workspace is made with.

use std::time::Duration;

/// Settings of a sandbox; the default grants every scope and runs at Slack's own limits.
#[derive(Debug, Clone)]
pub struct Config {
    /// The workspace's id, `T…`.
    pub team: String,
    /// The app's id and secret, with which it is installed into workspaces.
    pub client_id: String,
    pub client_secret: String,
    /// The bot token that the Web API accepts, `xoxb-…`.
    pub bot_token: String,
    /// The app-level token for `apps.connections.open`, `xapp-…`.
    pub app_token: String,
    /// Signs every HTTP delivery.
    pub signing_secret: String,
    /// Scopes of the bot token.
    pub scopes: Vec<String>,
    /// Names of the channels; the bot is a member of all of them.
    pub channels: Vec<String>,
    /// The app's name, shown beside its messages.
    pub app_name: String,
    /// Where the app takes events, for example `http://127.0.0.1:3000/slack/events`.
    pub events_url: Option<String>,
    /// Where the app takes clicks and modals.
    pub interactivity_url: Option<String>,
    /// Where the app takes slash commands.
    pub commands_url: Option<String>,
    /// Pauses before each retry of an event; Slack's are none, 1 min and 5 min.
    pub retry_delays: Vec<Duration>,
    /// How long the app has to acknowledge; Slack gives 3 s.
    pub ack_timeout: Duration,
    /// Whether Slack's rate tiers hold.
    pub rate_limits: bool,
    /// Whether the app hears `message` events of its own posts and edits, as it does in Slack.
    pub echo: bool,
    /// Whether other bots' messages carry `subtype: bot_message`; real workspaces have both sorts.
    pub bot_subtype: bool,
    /// The app is declared as an agent, so that it may have sessions.
    pub agent: bool,
    /// A workspace of some years ago: no streaming, no sessions, none of the newer blocks.
    pub older: bool,
    /// Slash commands of the app, offered by the page's composer.
    pub commands: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            team: super::workspace::TEAM.to_owned(),
            client_id: "1234567890.0987654321".to_owned(),
            client_secret: "sandbox-client-secret".to_owned(),
            bot_token: "xoxb-sandbox".to_owned(),
            app_token: "xapp-sandbox".to_owned(),
            signing_secret: "sandbox-signing-secret".to_owned(),
            scopes: ALL_SCOPES.iter().map(|s| (*s).to_owned()).collect(),
            channels: vec!["alerts".to_owned(), "general".to_owned()],
            app_name: "sre-agent".to_owned(),
            events_url: None,
            interactivity_url: None,
            commands_url: None,
            retry_delays: vec![Duration::ZERO, Duration::from_secs(60), Duration::from_secs(300)],
            ack_timeout: Duration::from_secs(3),
            rate_limits: true,
            echo: true,
            bot_subtype: true,
            agent: true,
            older: false,
            commands: vec!["/sre".to_owned()],
        }
    }
}

const ALL_SCOPES: &[&str] = &[
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "chat:write.public",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "links:read",
    "links:write",
    "reactions:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
];
