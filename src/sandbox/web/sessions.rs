//! `agents.sessions.setStatus`: what an agent does in a person's thread, with Slack's own sign and Stop button.

use serde_json::{Value, json};

use super::{Args, Context, Refusal};
use crate::sandbox::workspace::BOT_USER;

/// What a session can be doing.
pub const STATUSES: &[&str] = &["active", "processing", "suspended", "closed"];

/// `agents.sessions.setStatus`: only an app that is declared as an agent may.
pub fn set_status(context: &mut Context<'_>, args: &Args) -> Result<Value, Refusal> {
    if !context.config.agent {
        return Err(Refusal::new("not_allowed"));
    }
    let status = args.need("status")?.to_owned();
    if !STATUSES.contains(&status.as_str()) {
        return Err(Refusal::arguments("must be one of: active, processing, suspended, closed [json-pointer:/status]"));
    }
    if args.str("title").is_some_and(|title| title.chars().count() > 200) {
        return Err(Refusal::arguments("must be less than 201 characters [json-pointer:/title]"));
    }
    let channel = args.need("channel_id")?;
    let place = context.state.channel(channel).ok_or_else(|| Refusal::new("channel_not_found"))?;
    if !place.members.contains(BOT_USER) {
        return Err(Refusal::new("not_in_channel"));
    }
    let thread = args.need("thread_ts")?;
    if place.message(thread).is_none_or(|root| root.thread_ts.is_some()) {
        return Err(Refusal::new("thread_not_found"));
    }
    let key = (place.id.clone(), thread.to_owned());
    context.state.sessions.insert(key, status.clone());
    Ok(json!({"status": status}))
}
