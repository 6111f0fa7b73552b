//! Links to our incidents show their state, cause and owner below the message that has them.

use serde_json::{Map, Value};

use super::super::{
    State,
    commands::{Rights, same_workspace},
    events::{Envelope, text},
};
use crate::{
    model::IncidentId,
    report,
    slack::{Shared, blocks},
};

/// Slack itself unfurls at most five links of a message.
const LINKS_MAX: usize = 5;

/// Handles one `link_shared`: best effort, after Slack has its acknowledgement. What the person who shared the link may not see
/// is not shown to others either.
pub fn handle(state: &State, envelope: &Envelope) {
    let Some(public_url) = state.public_url.clone() else { return };
    let (state, team, event) = (state.clone(), envelope.team_id.clone(), envelope.event.clone());
    tokio::spawn(async move {
        let mut unfurls = Map::new();
        let rights = Rights::of(&state, &team, text(&event, "user")).await;
        let links = event.get("links").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for address in links.iter().take(LINKS_MAX).map(|link| text(link, "url")) {
            let Some(id) = incident_of(address, &public_url) else { continue };
            match state.store.incident(id).await {
                Ok(Some(incident)) if same_workspace(&state, &team, &incident.team) && rights.reads(&state, &incident) => {
                    let message = blocks::message(&report::unfurl(&incident, state.clock.now()));
                    let shown = message.get("blocks").cloned().unwrap_or_default();
                    unfurls.insert(address.to_owned(), serde_json::json!({"blocks": shown}));
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a linked incident cannot be read"),
            }
        }
        if unfurls.is_empty() {
            return;
        }
        let (id, source) = (text(&event, "unfurl_id"), text(&event, "source"));
        let shared = if id.is_empty() || source.is_empty() {
            Shared::Message { channel: text(&event, "channel"), ts: text(&event, "message_ts") }
        } else {
            Shared::Unfurl { id, source }
        };
        if let Err(error) = state.slack.of(&team).client.unfurl(shared, unfurls).await {
            tracing::warn!(%error, "a link was not unfurled");
        }
    });
}

/// `<public_url>/incidents/INC-42`, with or without something after it.
fn incident_of(address: &str, public_url: &str) -> Option<IncidentId> {
    let path = address.strip_prefix(public_url)?.strip_prefix("/incidents/")?;
    path.split(['/', '?', '#']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_links_to_incidents_count() {
        let read = |address: &str| incident_of(address, "https://sre.example.com");
        assert_eq!(read("https://sre.example.com/incidents/INC-42"), Some(IncidentId(42)));
        assert_eq!(read("https://sre.example.com/incidents/42?tab=evidence"), Some(IncidentId(42)));
        for other in [
            "https://sre.example.com/incidents/",
            "https://sre.example.com.evil.example/incidents/INC-1",
            "https://sre.example.com/x/INC-1",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
