//! `chat.unfurl`: what an app shows below a message for its links.

use serde_json::{Map, Value, json};

use super::{Args, Context, Refusal};
use crate::sandbox::blocks;

type Answer = Result<Value, Refusal>;

/// `chat.unfurl`, by the message or by the unfurl's own id; each shown link must be in the message.
pub fn unfurl(context: &mut Context<'_>, args: &Args) -> Answer {
    let unfurls = args.get("unfurls").and_then(Value::as_object).filter(|unfurls| !unfurls.is_empty());
    let unfurls = unfurls.ok_or_else(|| Refusal::new("missing_unfurls"))?.clone();
    for (address, shown) in &unfurls {
        if let Some(given) = shown.get("blocks") {
            let problems = blocks::message_blocks(given, &format!("/unfurls/{address}/blocks"));
            if !problems.is_empty() {
                return Err(Refusal::pointing("invalid_blocks", &problems));
            }
        }
    }
    if args.str("unfurl_id").is_some() {
        let source = args.need("source")?;
        // A message that is still being written is nobody's yet: there is nothing to show it in.
        return if matches!(source, "composer" | "conversations_history") { Ok(json!({})) } else { Err(Refusal::new("invalid_source")) };
    }
    let ts = args.need("ts")?.to_owned();
    let channel = context.place(args)?.id.clone();
    let message = context.state.channel_mut(&channel).and_then(|c| c.message_mut(&ts));
    let message = message.ok_or_else(|| Refusal::new("cannot_unfurl_message"))?;
    let text = message.body.get("text").and_then(Value::as_str).unwrap_or_default().replace("&amp;", "&");
    if let Some(stranger) = unfurls.keys().find(|address| !text.contains(address.as_str())) {
        return Err(Refusal::arguments(&format!("{stranger} is not in the message")));
    }
    let shown: Vec<Value> = unfurls
        .into_iter()
        .map(|(address, shown)| {
            let mut attachment: Map<String, Value> = shown.as_object().cloned().unwrap_or_default();
            attachment.insert("from_url".to_owned(), address.into());
            Value::Object(attachment)
        })
        .collect();
    message.body.insert("attachments".to_owned(), shown.into());
    Ok(json!({}))
}
