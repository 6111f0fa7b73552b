//! `conversations.*`: channels and what was said in them.

use serde_json::{Value, json};

use super::{Args, Context, Refusal};
use crate::sandbox::{
    message::Message,
    workspace::{BOT_USER, Channel},
};

type Answer = Result<Value, Refusal>;

/// A channel as Slack describes it.
fn describe(place: &Channel) -> Value {
    let note = json!({"value": "", "creator": "", "last_set": 0});
    let mut out = json!({
        "id": place.id, "created": place.created, "is_archived": place.archived, "is_im": place.im.is_some(),
        "is_org_shared": false, "context_team_id": crate::sandbox::workspace::TEAM, "updated": place.created * 1000,
    });
    let more = match &place.im {
        Some(user) => json!({"user": user, "is_user_deleted": false, "priority": 0}),
        None => json!({
            "name": place.name, "name_normalized": place.name, "creator": "U01ALICE", "is_channel": true,
            "is_group": false, "is_mpim": false, "is_private": false, "is_general": place.name == "general",
            "is_shared": false, "is_ext_shared": false, "is_member": place.members.contains(BOT_USER),
            "unlinked": 0, "topic": note, "purpose": note, "previous_names": [], "num_members": place.members.len(),
        }),
    };
    if let (Some(out), Some(more)) = (out.as_object_mut(), more.as_object()) {
        out.extend(more.clone());
    }
    out
}

/// One page of a list; the cursor is where the next one starts.
pub fn page<'a, T>(args: &Args, items: &'a [T], usual: usize, most: usize) -> Result<(&'a [T], String), Refusal> {
    let limit = args.number("limit").unwrap_or(usual);
    if limit > most {
        return Err(Refusal::new("invalid_limit"));
    }
    let start = match args.str("cursor") {
        None => 0,
        Some(cursor) => cursor.strip_prefix("next:").and_then(|c| c.parse().ok()).ok_or_else(|| Refusal::new("invalid_cursor"))?,
    };
    let rest = items.get(start..).unwrap_or_default();
    let shown = rest.get(..limit.max(1)).unwrap_or(rest);
    let next = if shown.len() < rest.len() { format!("next:{}", start + shown.len()) } else { String::new() };
    Ok((shown, next))
}

/// `conversations.list`.
pub fn list(context: &mut Context<'_>, args: &Args) -> Answer {
    let types: Vec<&str> = args.str("types").unwrap_or("public_channel").split(',').map(str::trim).collect();
    if let Some(wrong) = types.iter().find(|t| !["public_channel", "private_channel", "mpim", "im"].contains(t)) {
        return Err(Refusal::arguments(&format!("invalid type: {wrong}")));
    }
    let wanted = |c: &&Channel| {
        let kind = if c.im.is_some() { "im" } else { "public_channel" };
        types.contains(&kind) && !(args.flag("exclude_archived") && c.archived)
    };
    let all: Vec<Value> = context.state.channels.iter().filter(wanted).map(describe).collect();
    let (channels, next) = page(args, &all, 100, 1000)?;
    Ok(json!({"channels": channels, "response_metadata": {"next_cursor": next}}))
}

/// `conversations.info`.
pub fn info(context: &mut Context<'_>, args: &Args) -> Answer {
    Ok(json!({"channel": describe(context.place(args)?)}))
}

/// `conversations.join`.
pub fn join(context: &mut Context<'_>, args: &Args) -> Answer {
    let place = context.place(args)?;
    if place.im.is_some() {
        return Err(Refusal::new("method_not_supported_for_channel_type"));
    }
    if place.archived {
        return Err(Refusal::new("is_archived"));
    }
    let (id, member) = (place.id.clone(), place.members.contains(BOT_USER));
    if let Some(place) = context.state.channel_mut(&id) {
        place.members.insert(BOT_USER.to_owned());
    }
    let channel = context.state.channel(&id).map(describe);
    if member {
        return Ok(json!({
            "channel": channel, "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }));
    }
    let ts = context.state.next_ts(context.now);
    context.state.outbox.push(json!({
        "type": "member_joined_channel", "user": BOT_USER, "channel": id, "channel_type": "C",
        "team": crate::sandbox::workspace::TEAM, "event_ts": ts,
    }));
    Ok(json!({"channel": channel}))
}

/// `conversations.open`: the direct message with one person.
pub fn open(context: &mut Context<'_>, args: &Args) -> Answer {
    let users = args.str("users").or_else(|| args.str("channel")).unwrap_or_default().to_owned();
    let place = context.state.channel(&users).filter(|c| c.im.is_some());
    let place = place.ok_or_else(|| Refusal::new("user_not_found"))?;
    Ok(json!({"channel": {"id": place.id}, "no_op": true, "already_open": true}))
}

/// Whether a message lies between `oldest` and `latest`.
fn in_range(args: &Args, message: &Message) -> bool {
    let ts = message.ts.as_str();
    let inclusive = args.flag("inclusive");
    let above = args.str("oldest").is_none_or(|oldest| ts > oldest || (inclusive && ts == oldest));
    let below = args.str("latest").is_none_or(|latest| ts < latest || (inclusive && ts == latest));
    above && below
}

/// `conversations.history`, newest first.
pub fn history(context: &mut Context<'_>, args: &Args) -> Answer {
    let place = context.joined(args)?;
    let metadata = args.flag("include_all_metadata");
    let found: Vec<&Message> = place.top_level().filter(|m| in_range(args, m)).collect();
    let all: Vec<Value> = found.iter().rev().map(|m| place.render(m, metadata)).collect();
    let (messages, next) = page(args, &all, 100, 999)?;
    Ok(json!({
        "messages": messages, "has_more": !next.is_empty(), "pin_count": 0, "channel_actions_ts": null,
        "channel_actions_count": 0, "response_metadata": {"next_cursor": next},
    }))
}

/// `conversations.replies`, parent first.
pub fn replies(context: &mut Context<'_>, args: &Args) -> Answer {
    let place = context.joined(args)?;
    let ts = args.need("ts")?;
    let message = place.message(ts).ok_or_else(|| Refusal::new("thread_not_found"))?;
    let metadata = args.flag("include_all_metadata");
    // The ts of a reply finds only that reply, as in Slack.
    let all: Vec<Value> = if message.thread_ts.is_some() {
        vec![place.render(message, metadata)]
    } else {
        let thread = place.thread(ts).filter(|m| m.ts == ts || in_range(args, m));
        thread.map(|m| place.render(m, metadata)).collect()
    };
    let (messages, next) = page(args, &all, 1000, 1000)?;
    Ok(json!({"messages": messages, "has_more": !next.is_empty(), "response_metadata": {"next_cursor": next}}))
}
