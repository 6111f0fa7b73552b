//! `chat.startStream`, `chat.appendStream`, `chat.stopStream`: a message that fills in before a person's eyes.

use serde_json::{Map, Value, json};

use super::{Args, Content, Context, Refusal, chat::thread};
use crate::sandbox::{
    blocks,
    message::{Message, own_sender},
    workspace::{BOT_USER, Channel},
};

type Answer = Result<Value, Refusal>;

/// The most that a field of a step holds.
const FIELD_MAX: usize = 256;
const STATUSES: &[&str] = &["pending", "in_progress", "complete", "error"];

/// What has been streamed into a message so far.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// Nothing more can be appended.
    pub ended: bool,
    /// Steps are shown together in a plan instead of one by one.
    plan: bool,
    title: String,
    /// Steps as task cards, in the order in which they first came.
    tasks: Vec<Value>,
    markdown: String,
    /// Blocks that came as chunks, and those that came with the end.
    blocks: Vec<Value>,
}

/// `chat.startStream`.
pub fn start(context: &mut Context<'_>, args: &Args) -> Answer {
    let place = context.joined(args)?;
    let (channel, archived, direct) = (place.id.clone(), place.archived, place.im.is_some());
    if archived {
        return Err(Refusal::new("is_archived"));
    }
    if !direct {
        for (name, error) in [("recipient_user_id", "missing_recipient_user_id"), ("recipient_team_id", "missing_recipient_team_id")] {
            if args.str(name).is_none() {
                return Err(Refusal::new(error));
            }
        }
    }
    if let Some(user) = args.str("recipient_user_id")
        && !context.state.users.iter().any(|known| known.id == user && !known.is_bot)
    {
        return Err(Refusal::new("user_not_found"));
    }
    let thread_ts = thread(context, args, &channel)?;
    let plan = match args.str("task_display_mode") {
        None | Some("timeline") => false,
        Some("plan") => true,
        Some(_) => return Err(Refusal::arguments("must be one of: timeline, plan [json-pointer:/task_display_mode]")),
    };
    let mut stream = Stream { plan, ..Stream::default() };
    stream.take(args)?;
    let mut message = Message { ours: true, thread_ts, body: own_sender(&context.config.app_name), ..Message::default() };
    message.body.insert("text".to_owned(), "".into());
    stream.show(context, &mut message);
    message.stream = Some(stream);
    let ts = context.store(&channel, message);
    Ok(json!({"channel": channel, "ts": ts}))
}

/// `chat.appendStream`.
pub fn append(context: &mut Context<'_>, args: &Args) -> Answer {
    let (channel, mut message, mut stream) = open(context, args)?;
    if args.get("chunks").is_none() && args.str("markdown_text").is_none() {
        return Err(Refusal::new("no_text"));
    }
    stream.take(args)?;
    stream.show(context, &mut message);
    let ts = message.ts.clone();
    message.stream = Some(stream);
    put(context, &channel, message);
    Ok(json!({"channel": channel, "ts": ts}))
}

/// `chat.stopStream`: adds its blocks at the end, and the message is one like any other.
pub fn stop(context: &mut Context<'_>, args: &Args) -> Answer {
    let (channel, mut message, mut stream) = open(context, args)?;
    let before = context.state.channel(&channel).map(|place| place.render(&message, false)).unwrap_or_default();
    stream.take(args)?;
    let content = Content::read_final(args, context.config.older)?;
    let own = content.blocks.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    stream.blocks.extend(own);
    stream.ended = true;
    stream.show(context, &mut message);
    if content.metadata.is_some() {
        message.metadata = content.metadata;
    }
    if let Some(status) = args.str("session_status")
        && !super::sessions::STATUSES.contains(&status)
    {
        return Err(Refusal::arguments("must be one of: active, processing, suspended, closed [json-pointer:/session_status]"));
    }
    let ts = message.ts.clone();
    message.stream = Some(stream);
    put(context, &channel, message);
    let now = context.state.next_ts(context.now);
    let (after, plain) = match context.state.channel(&channel).and_then(|place| Some((place, place.message(&ts)?))) {
        Some((place, message)) => (place.render(message, false), Value::Object(message.plain())),
        None => (Value::Null, Value::Null),
    };
    context.state.changed_event(&channel, &before, &after, &now);
    Ok(json!({"channel": channel, "ts": ts, "message": plain}))
}

/// The message that is being streamed, taken out to be changed.
fn open(context: &Context<'_>, args: &Args) -> Result<(String, Message, Stream), Refusal> {
    let place: &Channel = context.place(args)?;
    let ts = args.need("ts")?;
    let message = place.message(ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    if !message.ours || message.author() != Some(BOT_USER) {
        return Err(Refusal::new("message_not_owned_by_app"));
    }
    let stream = message.stream.clone().filter(|stream| !stream.ended);
    let stream = stream.ok_or_else(|| Refusal::new("message_not_in_streaming_state"))?;
    Ok((place.id.clone(), message.clone(), stream))
}

fn put(context: &mut Context<'_>, channel: &str, changed: Message) {
    if let Some(message) = context.state.channel_mut(channel).and_then(|place| place.message_mut(&changed.ts)) {
        *message = changed;
    }
}

impl Stream {
    fn take(&mut self, args: &Args) -> Result<(), Refusal> {
        if let Some(markdown) = args.str("markdown_text") {
            if markdown.chars().count() > 12_000 {
                return Err(Refusal::new("msg_too_long"));
            }
            self.markdown.push_str(markdown);
        }
        let Some(chunks) = args.json("chunks").map_err(|()| Refusal::new("invalid_chunks"))? else { return Ok(()) };
        let chunks = chunks.as_array().ok_or_else(|| Refusal::new("invalid_chunks"))?;
        for chunk in chunks {
            self.chunk(chunk)?;
        }
        Ok(())
    }

    fn chunk(&mut self, chunk: &Value) -> Result<(), Refusal> {
        let refused = || Refusal::new("invalid_chunks");
        let object = chunk.as_object().ok_or_else(refused)?;
        let field = |name: &str| object.get(name).and_then(Value::as_str);
        // A field that is there must be text of a fitting length.
        let fits = |name: &str, needed: bool| match object.get(name) {
            None => !needed,
            Some(value) => value.as_str().is_some_and(|text| (1..=FIELD_MAX).contains(&text.chars().count())),
        };
        let known = |names: &[&str]| object.keys().all(|name| name == "type" || names.contains(&name.as_str()));
        match field("type") {
            Some("markdown_text") if known(&["text"]) => self.markdown.push_str(field("text").ok_or_else(refused)?),
            Some("plan_update") if known(&["title"]) && fits("title", true) => self.title = field("title").unwrap_or_default().to_owned(),
            Some("task_update") if known(&["id", "title", "status", "details", "output", "sources"]) => {
                let texts = fits("id", true) && fits("title", true) && fits("details", false) && fits("output", false);
                let status = field("status").filter(|status| STATUSES.contains(status)).ok_or_else(refused)?;
                if !texts {
                    return Err(refused());
                }
                let card = json!({"type": "task_card", "task_id": field("id"), "title": field("title"), "status": status});
                match self.tasks.iter_mut().find(|task| task.get("task_id") == card.get("task_id")) {
                    Some(task) => *task = card,
                    None => self.tasks.push(card),
                }
            }
            Some("blocks") => {
                let inner = object.get("blocks").cloned().unwrap_or_default();
                if !blocks::message_blocks(&inner, "/chunks").is_empty() {
                    return Err(refused());
                }
                self.blocks.extend(inner.as_array().cloned().unwrap_or_default());
            }
            _ => return Err(refused()),
        }
        Ok(())
    }

    /// The message as it is seen now.
    fn show(&self, context: &mut Context<'_>, message: &mut Message) {
        let mut shown: Vec<Value> = Vec::new();
        if self.plan && !self.tasks.is_empty() {
            let title = if self.title.is_empty() { "Thinking" } else { &self.title };
            shown.push(json!({"type": "plan", "title": title, "tasks": self.tasks}));
        } else {
            shown.extend(self.tasks.iter().cloned());
        }
        if !self.markdown.is_empty() {
            shown.push(json!({"type": "markdown", "text": self.markdown}));
        }
        shown.extend(self.blocks.iter().cloned());
        let named = context.state.name_blocks(&Value::Array(shown));
        message.body.insert("blocks".to_owned(), named);
        let state = if self.ended { "completed" } else { "in_progress" };
        message.body.insert("streaming_state".to_owned(), state.into());
        // The words for a lock screen, which Slack makes of the blocks.
        message.body.insert("text".to_owned(), self.title.clone().into());
    }
}

/// What a person's Stop does to a message that is being streamed.
pub fn cut_short(message: &mut Map<String, Value>, stream: &mut Stream) {
    stream.ended = true;
    message.insert("streaming_state".to_owned(), "completed".into());
}
