//! `chat.*`: posting, changing and deleting messages.

use serde_json::{Value, json};

use super::{Args, Content, Context, Refusal};
use crate::sandbox::{
    message::Message,
    workspace::{BOT_USER, Ephemeral},
};

type Answer = Result<Value, Refusal>;

/// `chat.postMessage`.
pub fn post(context: &mut Context<'_>, args: &Args) -> Answer {
    let (channel, member, archived) = {
        let place = context.place(args)?;
        (place.id.clone(), place.members.contains(BOT_USER), place.archived)
    };
    if archived {
        return Err(Refusal::new("is_archived"));
    }
    let has = |scope: &str| context.config.scopes.iter().any(|s| s == scope);
    if !member && !has("chat:write.public") {
        return Err(Refusal::new("not_in_channel"));
    }
    let custom = ["username", "icon_emoji", "icon_url"].iter().any(|name| args.str(name).is_some());
    if custom && !has("chat:write.customize") {
        return Err(Refusal::missing_scope(context.config, "chat:write.customize"));
    }
    let content = Content::read(args, None, context.config.older)?.not_empty()?;
    let thread_ts = thread(context, args, &channel)?;
    let mut message = content.message(context.state, &context.config.app_name);
    if let Some(name) = args.str("username") {
        message.body.insert("username".to_owned(), name.into());
        message.body.insert("subtype".to_owned(), "bot_message".into());
    }
    if let Some(emoji) = args.str("icon_emoji") {
        message.body.insert("icons".to_owned(), json!({"emoji": emoji}));
    }
    message.broadcast = thread_ts.is_some() && args.flag("reply_broadcast");
    message.thread_ts = thread_ts;
    let ts = context.store(&channel, message);
    let place = context.state.channel(&channel);
    let shown = place.and_then(|c| c.message(&ts).map(|m| Value::Object(m.plain())));
    Ok(json!({"channel": channel, "ts": ts, "message": shown}))
}

/// `thread_ts` must be the ts of a top-level message here.
pub fn thread(context: &Context<'_>, args: &Args, channel: &str) -> Result<Option<String>, Refusal> {
    let ts = match args.get("thread_ts") {
        None => return Ok(None),
        Some(Value::String(ts)) if ts.is_empty() => return Ok(None),
        Some(Value::String(ts)) if is_ts(ts) => ts,
        Some(_) => return Err(Refusal::new("invalid_thread_ts")),
    };
    let parent = context.state.channel(channel).and_then(|c| c.message(ts));
    match parent {
        None => Err(Refusal::new("thread_not_found")),
        Some(parent) if parent.thread_ts.is_some() => Err(Refusal::new("cannot_reply_to_message")),
        Some(_) => Ok(Some(ts.clone())),
    }
}

/// `1700000000.000100`: digits, a point, digits.
pub fn is_ts(ts: &str) -> bool {
    let digits = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_digit());
    ts.split_once('.').is_some_and(|(seconds, micros)| digits(seconds) && digits(micros))
}

/// `chat.update`: parts that are not given stay; an empty list removes them.
pub fn update(context: &mut Context<'_>, args: &Args) -> Answer {
    let place = context.place(args)?;
    let channel = place.id.clone();
    let ts = args.need("ts")?.to_owned();
    let message = place.message(&ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    if !message.ours {
        return Err(Refusal::new("cant_update_message"));
    }
    if place.archived {
        return Err(Refusal::new("is_archived"));
    }
    if message.stream.as_ref().is_some_and(|stream| !stream.ended) {
        return Err(Refusal::new("streaming_state_conflict"));
    }
    let mut changed = message.clone();
    let before = place.render(message, false);
    let content = Content::read(args, Some(4000), context.config.older)?;
    if content == Content::default() {
        return Err(Refusal::new("no_text"));
    }
    content.put(context.state, &mut changed);
    let now = context.state.next_ts(context.now);
    changed.body.insert("edited".to_owned(), json!({"user": BOT_USER, "ts": now}));
    // What had been chosen in the old menus says nothing about the new ones.
    changed.state.clear();
    let text = changed.body.get("text").cloned();
    let place = context.state.channel_mut(&channel).ok_or_else(|| Refusal::new("channel_not_found"))?;
    if let Some(message) = place.message_mut(&ts) {
        *message = changed;
    }
    let after = place.message(&ts).map(|m| place.render(m, false)).unwrap_or_default();
    let plain = place.message(&ts).map(Message::plain);
    context.state.changed_event(&channel, &before, &after, &now);
    Ok(json!({"channel": channel, "ts": ts, "text": text, "message": plain}))
}

/// `chat.delete`.
pub fn delete(context: &mut Context<'_>, args: &Args) -> Answer {
    let place = context.place(args)?;
    let channel = place.id.clone();
    let kind = place.kind();
    let ts = args.need("ts")?.to_owned();
    let message = place.message(&ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    if !message.ours {
        return Err(Refusal::new("cant_delete_message"));
    }
    let before = place.render(message, false);
    if let Some(place) = context.state.channel_mut(&channel) {
        place.messages.retain(|m| m.ts != ts);
    }
    let now = context.state.next_ts(context.now);
    context.state.outbox.push(json!({
        "type": "message", "subtype": "message_deleted", "hidden": true, "channel": channel, "deleted_ts": ts,
        "previous_message": before, "ts": now, "event_ts": now, "channel_type": kind,
    }));
    Ok(json!({"channel": channel, "ts": ts}))
}

/// `chat.postEphemeral`.
pub fn post_ephemeral(context: &mut Context<'_>, args: &Args) -> Answer {
    let place = context.joined(args)?;
    let (channel, archived) = (place.id.clone(), place.archived);
    let user = args.need("user")?.to_owned();
    if archived {
        return Err(Refusal::new("is_archived"));
    }
    if !place.members.contains(&user) {
        return Err(Refusal::new("user_not_in_channel"));
    }
    let content = Content::read(args, None, context.config.older)?.not_empty()?;
    let thread_ts = thread(context, args, &channel)?;
    let mut message = content.message(context.state, &context.config.app_name);
    message.thread_ts = thread_ts;
    let ts = context.state.next_ts(context.now);
    message.ts.clone_from(&ts);
    context.state.ephemeral.push(Ephemeral { user, channel, message });
    Ok(json!({"message_ts": ts}))
}

/// `chat.getPermalink`: here it leads to the page.
pub fn permalink(context: &mut Context<'_>, args: &Args) -> Answer {
    let place = context.place(args)?;
    let ts = args.need("message_ts")?;
    let message = place.message(ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    let mut link = format!("{}/archives/{}/p{}", context.state.base_url, place.id, ts.replace('.', ""));
    if let Some(root) = &message.thread_ts {
        link.push_str(&format!("?thread_ts={root}&cid={}", place.id));
    }
    Ok(json!({"channel": place.id, "permalink": link}))
}

impl Context<'_> {
    /// Stores a new message and queues the event about it.
    pub fn store(&mut self, channel: &str, mut message: Message) -> String {
        let ts = self.state.next_ts(self.now);
        message.ts.clone_from(&ts);
        if let Some(place) = self.state.channel_mut(channel) {
            place.messages.push(message);
        }
        self.state.message_event(channel, &ts);
        ts
    }
}
