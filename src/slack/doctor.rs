//! Tries what the app needs of Slack: tokens, scopes, the channel. Says what is lost and what to do; changes nothing.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    Client, Connection, SlackError, SlackErrorKind, Workspaces,
    scopes::{self, FEATURES},
};
use crate::model::Finding;

/// Slack lists what a token may do in this header of every answer. It calls no API and is in no library's answer.
const SCOPES_HEADER: &str = "x-oauth-scopes";
const NETWORK: &str = "Check that this machine reaches Slack: `slack.api_url`, `slack.proxy`, the firewall.";

/// What a token may do, and where.
struct Granted {
    team: String,
    user: String,
    scopes: BTreeSet<String>,
}

/// Tries every workspace's bot token and scopes, and the home's `channel`.
pub async fn workspaces(workspaces: &Workspaces, channel: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (team, workspace) in workspaces.named() {
        let of = if team.is_empty() { String::new() } else { format!(" of {team}") };
        match granted(&workspace.client).await {
            Ok(granted) => {
                findings.push(Finding::fine(format!("bot token{of}"), format!("speaks as {} in {}", granted.user, granted.team)));
                findings.extend(FEATURES.iter().map(|feature| feature_finding(feature, &granted.scopes, &of)));
                if team.is_empty() {
                    findings.push(channel_finding(&workspace.client, channel).await);
                }
            }
            Err(error) => findings.push(token_finding(&format!("bot token{of}"), &error, &team)),
        }
    }
    findings
}

/// Tries the app-level token, by asking for a connection that is not used.
pub async fn app_token(connection: &Connection, token: &SecretString) -> Finding {
    let what = "app token (Socket Mode)";
    match Client::new(connection, token).call("apps.connections.open", &json!({})).await {
        Ok(_) => Finding::fine(what, "opens connections"),
        Err(error) if waits_for_nobody(&error) => Finding::broken(what, error.to_string(), NETWORK),
        Err(error) => Finding::broken(
            what,
            error.to_string(),
            "Switch Socket Mode on, make an app-level token with connections:write on the app's page \"Basic Information\", and put it into \
             `slack.app_token` (SLACK_APP_TOKEN).",
        ),
    }
}

fn feature_finding(feature: &scopes::Feature, granted: &BTreeSet<String>, of: &str) -> Finding {
    let what = format!("{}{of}", feature.name);
    let missing: Vec<&str> = feature.scopes.iter().copied().filter(|scope| !granted.contains(*scope)).collect();
    if missing.is_empty() {
        return Finding::fine(what, feature.scopes.join(", "));
    }
    let missing = missing.join(" and ");
    let said = format!("without {missing}: {}", feature.lost);
    let advice = format!("Add the bot scope {missing} on the app's page \"OAuth & Permissions\", then install the app again.");
    if feature.essential { Finding::broken(what, said, advice) } else { Finding::lacking(what, said, advice) }
}

fn token_finding(what: &str, error: &SlackError, team: &str) -> Finding {
    if waits_for_nobody(error) {
        return Finding::broken(what, error.to_string(), NETWORK);
    }
    let place = if team.is_empty() {
        "`slack.bot_token` (SLACK_BOT_TOKEN)".to_owned()
    } else {
        format!("`slack.workspaces.{team}`, or install again at /slack/install")
    };
    Finding::broken(what, error.to_string(), format!("Install the app and put its \"Bot User OAuth Token\" (xoxb-…) into {place}."))
}

/// A look at the channel's newest message tells whether it is there and whether we are in it, with the scopes that we have anyway.
async fn channel_finding(client: &Client, channel: &str) -> Finding {
    let what = format!("channel {channel}");
    let Err(error) = client.ask("conversations.history", &vec![("channel", Some(channel)), ("limit", Some("1"))]).await else {
        return Finding::fine(what, "is there, and the bot is in it");
    };
    let code = error.message.split(' ').next().unwrap_or_default();
    match code {
        "not_in_channel" => Finding::broken(what, "the bot is not in it", "Type `/invite @sre-agent` in that channel."),
        "channel_not_found" => Finding::broken(
            what,
            "there is no such channel, or it is private and the bot is not in it",
            "Put the id of the channel (channel details, at the bottom) into `slack.channel`, or type `/invite @sre-agent` there.",
        ),
        "missing_scope" => Finding::lacking(what, "cannot be looked at without channels:history (groups:history where it is private)", ""),
        _ if waits_for_nobody(&error) => Finding::lacking(what, error.to_string(), NETWORK),
        _ => Finding::lacking(what, error.to_string(), ""),
    }
}

/// Nobody has refused anything: the way there is at fault.
fn waits_for_nobody(error: &SlackError) -> bool {
    matches!(error.kind, SlackErrorKind::Ambiguous | SlackErrorKind::Unavailable | SlackErrorKind::RateLimited(_))
}

/// `auth.test` by hand, because the library keeps the headers to itself.
async fn granted(client: &Client) -> Result<Granted, SlackError> {
    const METHOD: &str = "auth.test";
    let failed = |message: String, kind| SlackError { method: METHOD, message, kind };
    let request = client.http.post(format!("{}/{METHOD}", client.api_url)).bearer_auth(client.token().expose_secret());
    let unreachable = |error: reqwest::Error| failed(error.without_url().to_string(), SlackErrorKind::Unavailable);
    let answer = request.send().await.map_err(unreachable)?;
    let header = answer.headers().get(SCOPES_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let status = answer.status();
    let body = answer.bytes().await.map_err(unreachable)?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| failed(format!("HTTP {}", status.as_u16()), SlackErrorKind::Ambiguous))?;
    let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if body.get("ok").and_then(Value::as_bool) != Some(true) {
        let kind =
            if field("error") == "ratelimited" { SlackErrorKind::RateLimited(std::time::Duration::ZERO) } else { SlackErrorKind::Blocked };
        return Err(failed(field("error"), kind));
    }
    let scopes = header.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty()).collect();
    Ok(Granted { team: field("team"), user: field("user"), scopes })
}
