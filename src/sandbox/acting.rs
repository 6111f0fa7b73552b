//! What people and other bots do: post, edit, react, type a slash command, open the home tab.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Delivery, DeliveryOptions, Sandbox, SandboxError, blocks,
    delivery::Kind,
    message::{Message, bot_sender},
    respond::slackbot,
    workspace::{APP, ResponseUrl, State, TEAM, after},
};

fn missing(what: &str, name: &str) -> SandboxError {
    SandboxError::Missing(format!("{what} {name}"))
}

impl Sandbox {
    /// Posts as another app: `{text, attachments, blocks, thread_ts}`. The event goes out in the background.
    pub async fn post_as_bot(&self, channel: &str, bot_name: &str, message: Value) -> Result<String, SandboxError> {
        let ts = {
            let now = self.0.clock.now();
            let mut state = self.state();
            let channel = channel_of(&state, channel)?;
            let bot = state.bot(bot_name);
            let mut body = bot_sender(&bot);
            if self.0.config.bot_subtype {
                body.insert("subtype".to_owned(), "bot_message".into());
                body.insert("username".to_owned(), bot_name.into());
                // A webhook's message has no user, only a bot.
                body.shift_remove("user");
            }
            content(&mut state, &mut body, &message)?;
            let thread_ts = message.get("thread_ts").and_then(Value::as_str).map(str::to_owned);
            if let Some(root) = &thread_ts {
                state.channel(&channel).and_then(|c| c.message(root)).ok_or_else(|| missing("message", root))?;
            }
            let ts = state.next_ts(now);
            let message = Message { ts: ts.clone(), thread_ts, body, ..Message::default() };
            state.arrive(&channel, message);
            ts
        };
        self.bump();
        Ok(ts)
    }

    /// Edits another app's message, as Alertmanager does with its update strategy.
    pub async fn update_as_bot(&self, channel: &str, ts: &str, message: Value) -> Result<(), SandboxError> {
        {
            let now = self.0.clock.now();
            let mut state = self.state();
            let channel = channel_of(&state, channel)?;
            let place = state.channel(&channel).ok_or_else(|| missing("channel", &channel))?;
            let old = place.message(ts).filter(|m| !m.ours).ok_or_else(|| missing("message of another bot", ts))?;
            let before = place.render(old, false);
            let mut new = old.clone();
            for name in ["text", "attachments", "blocks"] {
                new.body.shift_remove(name);
            }
            content(&mut state, &mut new.body, &message)?;
            let edited = state.next_ts(now);
            let editor = new.body.get("bot_id").cloned().unwrap_or_default();
            new.body.insert("edited".to_owned(), json!({"user": editor, "ts": edited}));
            let place = state.channel_mut(&channel).ok_or_else(|| missing("channel", &channel))?;
            if let Some(slot) = place.message_mut(ts) {
                *slot = new;
            }
            let after = place.message(ts).map(|m| place.render(m, false)).unwrap_or_default();
            state.changed_event(&channel, &before, &after, &edited);
        }
        self.bump();
        Ok(())
    }

    /// Posts as a person (by name or id), at top level or in a thread. The event goes out in the background.
    pub async fn post_as_user(&self, channel: &str, user: &str, text: &str, thread_ts: Option<&str>) -> Result<String, SandboxError> {
        let ts = {
            let now = self.0.clock.now();
            let mut state = self.state();
            let channel = channel_of(&state, channel)?;
            let user = user_of(&state, user)?;
            let place = state.channel(&channel).ok_or_else(|| missing("channel", &channel))?;
            if place.archived {
                return Err(SandboxError::Refused("the channel is archived".to_owned()));
            }
            if let Some(root) = thread_ts {
                place.message(root).ok_or_else(|| missing("message", root))?;
            }
            let ts = state.next_ts(now);
            let block = state.next_id("b");
            let fields = json!({
                "client_msg_id": state.next_id("client-"), "user": user, "team": TEAM, "text": text,
                "blocks": [{"type": "rich_text", "block_id": block, "elements": [
                    {"type": "rich_text_section", "elements": rich_text(text)},
                ]}],
            });
            let body = fields.as_object().cloned().unwrap_or_default();
            let thread_ts = thread_ts.map(str::to_owned);
            let message = Message { ts: ts.clone(), thread_ts, body, ..Message::default() };
            state.arrive(&channel, message);
            ts
        };
        self.bump();
        Ok(ts)
    }

    /// Adds a reaction and waits until the app has heard of it.
    pub async fn react(&self, user: &str, channel: &str, ts: &str, name: &str) -> Result<Delivery, SandboxError> {
        self.toggle(user, channel, ts, name, true).await
    }

    /// Takes a reaction away and waits until the app has heard of it.
    pub async fn unreact(&self, user: &str, channel: &str, ts: &str, name: &str) -> Result<Delivery, SandboxError> {
        self.toggle(user, channel, ts, name, false).await
    }

    async fn toggle(&self, user: &str, channel: &str, ts: &str, name: &str, on: bool) -> Result<Delivery, SandboxError> {
        let event = {
            let now = self.0.clock.now();
            let mut state = self.state();
            let channel = channel_of(&state, channel)?;
            let user = user_of(&state, user)?;
            let at = state.next_ts(now);
            let done = if on { state.react(&channel, ts, &user, name, &at) } else { state.unreact(&channel, ts, &user, name, &at) };
            done.map_err(|refusal| SandboxError::Refused(refusal.error))?;
            state.outbox.pop()
        };
        self.bump();
        match event {
            Some(event) => Ok(self.send_event(event, DeliveryOptions::default()).await),
            None => Ok(Delivery::default()),
        }
    }

    /// Opens the app's home tab and waits until the app has heard of it.
    pub async fn open_home(&self, user: &str) -> Result<Delivery, SandboxError> {
        let event = {
            let now = self.0.clock.now();
            let mut state = self.state();
            let user = user_of(&state, user)?;
            let channel = state.channel(&user).map(|c| c.id.clone()).unwrap_or_default();
            let ts = state.next_ts(now);
            let mut event = json!({
                "type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": ts,
            });
            if let (Some(view), Some(object)) = (state.homes.get(&user), event.as_object_mut()) {
                object.insert("view".to_owned(), view.render());
            }
            event
        };
        Ok(self.send_event(event, DeliveryOptions::default()).await)
    }

    /// Types a slash command; what the app answers is shown as Slack would show it.
    pub async fn command(&self, user: &str, channel: &str, command: &str, text: &str) -> Result<Delivery, SandboxError> {
        let (payload, place) = {
            let now = self.0.clock.now();
            let mut state = self.state();
            let channel = channel_of(&state, channel)?;
            let user = user_of(&state, user)?;
            let name = state.channel(&channel).map(|c| if c.im.is_some() { "directmessage".to_owned() } else { c.name.clone() });
            let place = ResponseUrl {
                user: user.clone(),
                channel: channel.clone(),
                message: None,
                thread: None,
                expires: after(now, Duration::from_secs(30 * 60)),
                uses: 0,
            };
            let response_url = state.response_url(place.clone());
            let trigger_id = state.trigger(&user, None, now);
            let user_name = state.user(&user).map(|u| u.name.clone());
            let payload = json!({
                "token": "sandbox-verification-token", "team_id": TEAM, "team_domain": "sandbox",
                "channel_id": channel, "channel_name": name, "user_id": user, "user_name": user_name,
                "command": command, "text": text, "api_app_id": APP, "is_enterprise_install": "false",
                "response_url": response_url, "trigger_id": trigger_id,
            });
            (payload, place)
        };
        let delivery = self.deliver(Kind::Command, payload, &DeliveryOptions::default()).await;
        self.show_answer(command, &place, &delivery);
        self.bump();
        Ok(delivery)
    }

    fn show_answer(&self, command: &str, place: &ResponseUrl, delivery: &Delivery) {
        let mut state = self.state();
        let failure = match delivery.status {
            None if delivery.attempts == 0 => Some("dispatch_unknown_error".to_owned()),
            None => Some("operation_timeout".to_owned()),
            Some(200) if delivery.body.trim().is_empty() => None,
            Some(200) => {
                let parsed: Value = serde_json::from_str(&delivery.body).unwrap_or(Value::Null);
                let answer = if parsed.is_object() { parsed } else { json!({"text": delivery.body}) };
                self.apply_answer(&mut state, place, &answer).err().map(|refusal| refusal.error)
            }
            Some(_) => Some("dispatch_failed".to_owned()),
        };
        if let Some(error) = failure {
            let ts = state.next_ts(self.0.clock.now());
            slackbot(&mut state, place, &format!("{command} failed with the error \"{error}\""), ts);
        }
    }
}

fn channel_of(state: &State, key: &str) -> Result<String, SandboxError> {
    state.channel(key).map(|c| c.id.clone()).ok_or_else(|| missing("channel", key))
}

fn user_of(state: &State, key: &str) -> Result<String, SandboxError> {
    state.user(key).map(|u| u.id.clone()).ok_or_else(|| missing("person", key))
}

/// Text, attachments and blocks of another bot's message, as Slack keeps them.
fn content(state: &mut State, body: &mut serde_json::Map<String, Value>, message: &Value) -> Result<(), SandboxError> {
    let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
    body.insert("text".to_owned(), text.into());
    if let Some(blocks) = message.get("blocks") {
        if let Some(problem) = blocks::message_blocks(blocks, "/blocks").first() {
            return Err(SandboxError::Refused(format!("{} at {}", problem.message, problem.pointer)));
        }
        let named = state.name_blocks(blocks);
        body.insert("blocks".to_owned(), named);
    }
    if let Some(attachments) = message.get("attachments") {
        let named = state.name_attachments(attachments);
        body.insert("attachments".to_owned(), named);
    }
    Ok(())
}

/// The rich text of what somebody typed: mentions and links stand apart, the rest is text.
fn rich_text(text: &str) -> Vec<Value> {
    let mut out = Vec::new();
    let plain = |out: &mut Vec<Value>, text: &str| {
        if !text.is_empty() {
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            out.push(json!({"type": "text", "text": text}));
        }
    };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((inner, tail)) = after.split_once('>') else { break };
        plain(&mut out, before);
        let bare = inner.split('|').next().unwrap_or_default();
        out.push(match bare.chars().next() {
            Some('@') => json!({"type": "user", "user_id": bare.trim_start_matches('@')}),
            Some('#') => json!({"type": "channel", "channel_id": bare.trim_start_matches('#')}),
            Some('!') => json!({"type": "broadcast", "range": bare.trim_start_matches('!')}),
            _ => json!({"type": "link", "url": bare}),
        });
        rest = tail;
    }
    plain(&mut out, rest);
    out
}
