//! A message's menu, the home tab's buttons, and links that people post.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Delivery, DeliveryOptions, Sandbox, SandboxError,
    click::Aim,
    delivery::Kind,
    workspace::{APP, ResponseUrl, TEAM, after},
};

impl Sandbox {
    /// Chooses the app's shortcut `callback_id` in a message's menu and waits for the acknowledgement.
    pub async fn shortcut(&self, user: &str, channel: &str, ts: &str, callback_id: &str) -> Result<Delivery, SandboxError> {
        let payload = {
            let now = self.0.clock.now();
            let mut state = self.state();
            let user = state.user(user).map(|u| u.id.clone()).ok_or_else(|| SandboxError::Missing(format!("person {user}")))?;
            let place = state.channel(channel).ok_or_else(|| SandboxError::Missing(format!("channel {channel}")))?;
            let (channel, name) = (place.id.clone(), place.name.clone());
            let message = place.message(ts).ok_or_else(|| SandboxError::Missing(format!("message {ts}")))?;
            let shown = place.render(message, false);
            let trigger_id = state.trigger(&user, None, now);
            let response_url = state.response_url(ResponseUrl {
                user: user.clone(),
                channel: channel.clone(),
                message: Some(ts.to_owned()),
                thread: None,
                expires: after(now, Duration::from_secs(30 * 60)),
                uses: 0,
            });
            json!({
                "type": "message_action", "callback_id": callback_id, "trigger_id": trigger_id, "response_url": response_url,
                "user": state.actor(&user), "team": {"id": TEAM, "domain": "sandbox"}, "enterprise": null,
                "is_enterprise_install": false, "token": "sandbox-verification-token", "api_app_id": APP, "action_ts": ts,
                "channel": {"id": channel, "name": name}, "message_ts": ts, "message": shown,
            })
        };
        let delivery = self.deliver(Kind::Interaction, payload, &DeliveryOptions::default()).await;
        self.bump();
        Ok(delivery)
    }

    /// Clicks the first button of this name on a person's home tab and waits for the acknowledgement.
    pub async fn click_home(&self, user: &str, action_id: &str) -> Result<Delivery, SandboxError> {
        let home = self.home(user).ok_or_else(|| SandboxError::Missing(format!("home tab of {user}")))?;
        let id = home.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.act_in_view(user, &id, &Aim { action_id, ..Aim::default() }).await
    }

    /// Tells the app that a message has links of its domain, and waits for the acknowledgement.
    pub async fn share_links(&self, user: &str, channel: &str, ts: &str, links: &[&str]) -> Delivery {
        let links: Vec<Value> =
            links.iter().map(|link| json!({"url": link, "domain": link.split('/').nth(2).unwrap_or_default()})).collect();
        let event = json!({"type": "link_shared", "user": user, "channel": channel, "message_ts": ts, "links": links, "event_ts": ts});
        self.send_event(event, DeliveryOptions::default()).await
    }
}
