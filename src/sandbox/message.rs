//! A message as it is kept, as history shows it, and as events carry it.

use serde_json::{Map, Value, json};

use super::{
    web::Stream,
    workspace::{APP, BOT, BOT_USER, Bot, Channel, State, TEAM},
};

/// One message; replies are messages too, with `thread_ts` set.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub ts: String,
    pub thread_ts: Option<String>,
    /// The app may change and delete it.
    pub ours: bool,
    /// Also shown in the channel (`reply_broadcast`).
    pub broadcast: bool,
    /// Sender fields, text, blocks, attachments, `edited`.
    pub body: Map<String, Value>,
    pub metadata: Option<Value>,
    /// It is being streamed, or was.
    pub stream: Option<Stream>,
    /// Name and people, in order of arrival.
    pub reactions: Vec<(String, Vec<String>)>,
    /// What has been chosen in its menus, as `state.values` shows it.
    pub state: Map<String, Value>,
}

impl Message {
    /// The id of its author as a user, where it has one.
    pub fn author(&self) -> Option<&str> {
        self.body.get("user").and_then(Value::as_str)
    }

    /// The message without its place in a thread.
    pub fn plain(&self) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("type".to_owned(), "message".into());
        out.extend(self.body.clone());
        out.insert("ts".to_owned(), self.ts.clone().into());
        if let Some(root) = &self.thread_ts {
            out.insert("thread_ts".to_owned(), root.clone().into());
        }
        if !self.reactions.is_empty() {
            let reactions: Vec<Value> =
                self.reactions.iter().map(|(name, users)| json!({"name": name, "users": users, "count": users.len()})).collect();
            out.insert("reactions".to_owned(), reactions.into());
        }
        out
    }
}

impl Channel {
    /// The message as history and replies give it.
    pub fn render(&self, message: &Message, with_metadata: bool) -> Value {
        let mut out = message.plain();
        match &message.thread_ts {
            Some(root) => {
                if let Some(user) = self.message(root).and_then(Message::author) {
                    out.insert("parent_user_id".to_owned(), user.into());
                }
            }
            None => out.extend(self.reply_fields(&message.ts)),
        }
        if with_metadata && let Some(metadata) = &message.metadata {
            out.insert("metadata".to_owned(), metadata.clone());
        }
        Value::Object(out)
    }

    /// Reply counts of a thread's parent; empty where nobody has replied.
    fn reply_fields(&self, ts: &str) -> Map<String, Value> {
        let replies: Vec<&Message> = self.messages.iter().filter(|m| m.thread_ts.as_deref() == Some(ts)).collect();
        let Some(last) = replies.last() else { return Map::new() };
        let mut users: Vec<&str> = Vec::new();
        for user in replies.iter().filter_map(|m| m.author()) {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        let fields = json!({
            "thread_ts": ts, "reply_count": replies.len(), "reply_users_count": users.len(),
            "latest_reply": last.ts, "reply_users": users, "is_locked": false, "subscribed": false,
        });
        fields.as_object().cloned().unwrap_or_default()
    }

    /// Top-level messages, oldest first.
    pub fn top_level(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|m| m.thread_ts.is_none() || m.broadcast)
    }

    /// A thread, parent first.
    pub fn thread(&self, root: &str) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |m| m.ts == root || m.thread_ts.as_deref() == Some(root))
    }
}

/// Sender fields of the app's own messages.
pub fn own_sender(app_name: &str) -> Map<String, Value> {
    let bot = Bot { id: BOT.to_owned(), app_id: APP.to_owned(), user_id: BOT_USER.to_owned(), name: app_name.to_owned() };
    bot_sender(&bot)
}

/// Sender fields of a bot's messages, as a real app's messages carry them.
pub fn bot_sender(bot: &Bot) -> Map<String, Value> {
    let fields = json!({
        "user": bot.user_id, "team": TEAM, "bot_id": bot.id, "app_id": bot.app_id,
        "bot_profile": {
            "id": bot.id, "deleted": false, "name": bot.name, "updated": 1_700_000_000, "app_id": bot.app_id,
            "user_id": bot.user_id, "icons": {}, "team_id": TEAM,
        },
    });
    fields.as_object().cloned().unwrap_or_default()
}

impl State {
    /// Puts ids on blocks and elements that came without, as Slack does.
    pub fn name_blocks(&mut self, blocks: &Value) -> Value {
        let mut blocks = blocks.clone();
        for block in blocks.as_array_mut().into_iter().flatten() {
            if let Some(object) = block.as_object_mut()
                && !object.contains_key("block_id")
            {
                object.insert("block_id".to_owned(), self.next_id("b").into());
            }
            self.name_elements(block);
        }
        blocks
    }

    fn name_elements(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.name_elements(item)),
            Value::Object(object) => {
                let interactive = object.get("type").and_then(Value::as_str).is_some_and(super::click::is_interactive);
                if interactive && !object.contains_key("action_id") {
                    object.insert("action_id".to_owned(), self.next_id("a").into());
                }
                for (name, child) in object.iter_mut() {
                    if matches!(name.as_str(), "elements" | "accessory" | "element" | "actions" | "child_blocks") {
                        self.name_elements(child);
                    }
                }
            }
            _ => {}
        }
    }

    /// Attachments as Slack stores them: numbered, named colours as hex without `#`, blocks with ids.
    pub fn name_attachments(&mut self, attachments: &Value) -> Value {
        let mut attachments = attachments.clone();
        for (i, item) in attachments.as_array_mut().into_iter().flatten().enumerate() {
            let Some(object) = item.as_object_mut() else { continue };
            object.insert("id".to_owned(), (i + 1).into());
            if let Some(colour) = object.get("color").and_then(Value::as_str).map(hex_colour) {
                object.insert("color".to_owned(), colour.into());
            }
            if let Some(fallback) = object.get("fallback").and_then(Value::as_str).map(link_urls) {
                object.insert("fallback".to_owned(), fallback.into());
            } else {
                object.insert("fallback".to_owned(), "[no preview available]".into());
            }
            if let Some(blocks) = object.get("blocks").cloned() {
                let named = self.name_blocks(&blocks);
                if let Some(object) = item.as_object_mut() {
                    object.insert("blocks".to_owned(), named);
                }
            }
        }
        attachments
    }

    /// A message of somebody else's is there now, and the app hears of it.
    pub fn arrive(&mut self, channel: &str, message: Message) {
        let ts = message.ts.clone();
        if let Some(place) = self.channel_mut(channel) {
            place.messages.push(message);
        }
        self.message_event(channel, &ts);
    }

    /// The `message` event for a message that is already stored.
    pub fn message_event(&mut self, channel: &str, ts: &str) {
        let Some(place) = self.channel(channel) else { return };
        let Some(message) = place.message(ts) else { return };
        let mut event = message.plain();
        event.shift_remove("reactions");
        if message.broadcast {
            event.insert("subtype".to_owned(), "thread_broadcast".into());
        }
        if let Some(metadata) = &message.metadata {
            event.insert("metadata".to_owned(), metadata.clone());
        }
        if let Some(parent) = message.thread_ts.as_deref().and_then(|root| place.message(root))
            && let Some(user) = parent.author()
        {
            event.insert("parent_user_id".to_owned(), user.into());
        }
        event.insert("channel".to_owned(), place.id.clone().into());
        event.insert("event_ts".to_owned(), ts.into());
        event.insert("channel_type".to_owned(), place.kind().into());
        let mention = message.body.get("text").and_then(Value::as_str).is_some_and(|t| t.contains(&format!("<@{BOT_USER}>")));
        let listens = place.members.contains(BOT_USER);
        // A mention reaches the app twice: as a message and as app_mention. A direct message only as the former.
        if mention && !message.ours && place.im.is_none() {
            let mut twin = event.clone();
            twin.insert("type".to_owned(), "app_mention".into());
            twin.shift_remove("channel_type");
            twin.shift_remove("subtype");
            self.outbox.push(Value::Object(twin));
        }
        if listens {
            self.outbox.push(Value::Object(event));
        }
    }

    /// The `message_changed` event of an edit.
    pub fn changed_event(&mut self, channel: &str, before: &Value, after: &Value, event_ts: &str) {
        let Some(place) = self.channel(channel) else { return };
        if !place.members.contains(BOT_USER) {
            return;
        }
        let event = json!({
            "type": "message", "subtype": "message_changed", "hidden": true, "channel": place.id,
            "message": after, "previous_message": before, "ts": event_ts, "event_ts": event_ts,
            "channel_type": place.kind(),
        });
        self.outbox.push(event);
    }
}

fn hex_colour(colour: &str) -> String {
    match colour {
        "good" => "2eb886".to_owned(),
        "warning" => "daa038".to_owned(),
        "danger" => "a30200".to_owned(),
        other => other.trim_start_matches('#').to_owned(),
    }
}

/// Slack wraps bare links in `<…>`.
fn link_urls(text: &str) -> String {
    let wrap = |word: &str| {
        let bare = word.starts_with("http://") || word.starts_with("https://");
        if bare { format!("<{word}>") } else { word.to_owned() }
    };
    text.split(' ').map(wrap).collect::<Vec<_>>().join(" ")
}
