//! `reactions.*`.

use serde_json::{Value, json};

use super::{Args, Context, Refusal};
use crate::sandbox::workspace::{BOT_USER, State};

type Answer = Result<Value, Refusal>;

/// `reactions.add`.
pub fn add(context: &mut Context<'_>, args: &Args) -> Answer {
    let (channel, ts, name) = target(context, args)?;
    let now = now(context);
    context.state.react(&channel, &ts, BOT_USER, &name, &now)?;
    Ok(json!({}))
}

/// `reactions.remove`.
pub fn remove(context: &mut Context<'_>, args: &Args) -> Answer {
    let (channel, ts, name) = target(context, args)?;
    let now = now(context);
    context.state.unreact(&channel, &ts, BOT_USER, &name, &now)?;
    Ok(json!({}))
}

fn now(context: &mut Context<'_>) -> String {
    context.state.next_ts(context.now)
}

fn target(context: &Context<'_>, args: &Args) -> Result<(String, String, String), Refusal> {
    let name = args.need("name")?.to_owned();
    let place = context.joined(args)?;
    if place.archived {
        return Err(Refusal::new("is_archived"));
    }
    let ts = args.get("timestamp").and_then(Value::as_str).ok_or_else(|| Refusal::new("no_item_specified"))?;
    Ok((place.id.clone(), ts.to_owned(), name))
}

/// Names of emoji as Slack writes them, without colons.
fn is_name(name: &str) -> bool {
    let base = name.split("::").next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '+' | '\'');
    !base.is_empty() && base.len() <= 100 && base.chars().all(fits)
}

impl State {
    /// Adds a person's reaction and queues the event.
    pub fn react(&mut self, channel: &str, ts: &str, user: &str, name: &str, now: &str) -> Result<(), Refusal> {
        if !is_name(name) {
            return Err(Refusal::new("invalid_name"));
        }
        let message = self.channel_mut(channel).and_then(|c| c.message_mut(ts));
        let message = message.ok_or_else(|| Refusal::new("message_not_found"))?;
        let full = message.reactions.len() >= 50;
        match message.reactions.iter_mut().find(|(known, _)| known == name) {
            Some((_, users)) if users.iter().any(|u| u == user) => return Err(Refusal::new("already_reacted")),
            Some((_, users)) => users.push(user.to_owned()),
            None if full => return Err(Refusal::new("too_many_emoji")),
            None => message.reactions.push((name.to_owned(), vec![user.to_owned()])),
        }
        self.reaction_event("reaction_added", channel, ts, user, name, now);
        Ok(())
    }

    /// Takes a person's reaction away and queues the event.
    pub fn unreact(&mut self, channel: &str, ts: &str, user: &str, name: &str, now: &str) -> Result<(), Refusal> {
        if !is_name(name) {
            return Err(Refusal::new("invalid_name"));
        }
        let message = self.channel_mut(channel).and_then(|c| c.message_mut(ts));
        let message = message.ok_or_else(|| Refusal::new("message_not_found"))?;
        let entry = message.reactions.iter_mut().find(|(known, _)| known == name);
        let users = entry.map(|(_, users)| users).ok_or_else(|| Refusal::new("no_reaction"))?;
        let index = users.iter().position(|u| u == user).ok_or_else(|| Refusal::new("no_reaction"))?;
        users.remove(index);
        message.reactions.retain(|(_, users)| !users.is_empty());
        self.reaction_event("reaction_removed", channel, ts, user, name, now);
        Ok(())
    }

    fn reaction_event(&mut self, kind: &str, channel: &str, ts: &str, user: &str, name: &str, now: &str) {
        let Some(place) = self.channel(channel) else { return };
        if !place.members.contains(BOT_USER) {
            return;
        }
        let mut event = json!({
            "type": kind, "user": user, "reaction": name,
            "item": {"type": "message", "channel": place.id, "ts": ts}, "event_ts": now,
        });
        let author = place.message(ts).and_then(|m| m.author()).map(str::to_owned);
        if let (Some(author), Some(object)) = (author, event.as_object_mut()) {
            object.insert("item_user".to_owned(), author.into());
        }
        self.outbox.push(event);
    }
}
