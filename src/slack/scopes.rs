//! Which scope serves which feature, and what is lost without it. The app's manifest asks for these and no others.

#[cfg(test)]
mod tests;

/// Something that people get, with the scopes that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    pub name: &'static str,
    pub scopes: &'static [&'static str],
    /// What does not work without them, as a sentence.
    pub lost: &'static str,
    /// Without it there is no point in running.
    pub essential: bool,
}

const fn essential(name: &'static str, scopes: &'static [&'static str], lost: &'static str) -> Feature {
    Feature { name, scopes, lost, essential: true }
}

const fn extra(name: &'static str, scopes: &'static [&'static str], lost: &'static str) -> Feature {
    Feature { name, scopes, lost, essential: false }
}

/// Every feature, in the order in which people care.
pub const FEATURES: &[Feature] = &[
    essential("cards, reports and modals", &["chat:write"], "Nothing can be posted."),
    essential(
        "alerts in public channels",
        &["channels:history"],
        "Alerts in public channels are not seen, and a post with an unknown outcome cannot be looked for.",
    ),
    extra("alerts in private channels", &["groups:history"], "Alerts in private channels are not seen."),
    extra("state reactions", &["reactions:write"], "The alert's own message does not show the incident's state."),
    extra("investigate by reaction", &["reactions:read"], "Putting the reaction on a message starts nothing."),
    extra("mentions", &["app_mentions:read"], "Mentioning the bot has no effect."),
    extra("commands and shortcuts", &["commands"], "/sre and \"Investigate this message\" are not there."),
    extra("direct messages", &["im:history"], "Questions in a direct message are not heard."),
    extra("agent view", &["assistant:write"], "Slack does not show that the agent works, and has no Stop button."),
    extra("user groups", &["usergroups:read"], "Rights that name a user group, and /sre oncall, do not work."),
    extra("people's names", &["users:read"], "People are named by their ids, and guests cannot be told from members."),
    extra("pictures", &["files:write"], "Reports come without their pictures."),
    extra("link previews", &["links:read", "links:write"], "Links to incidents show no preview."),
];

/// Every scope, once, in the order of the features.
pub fn all() -> Vec<&'static str> {
    let mut scopes: Vec<&str> = Vec::new();
    for scope in FEATURES.iter().flat_map(|feature| feature.scopes) {
        if !scopes.contains(scope) {
            scopes.push(scope);
        }
    }
    scopes
}
