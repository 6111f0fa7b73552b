//! What a message says: text, blocks, attachments and metadata, checked as Slack checks them.

use serde_json::{Map, Value, json};

use super::{Args, Refusal};
use crate::sandbox::{
    blocks,
    message::{Message, own_sender},
    workspace::State,
};

/// Checked content; absent parts stay as they are in an update.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    pub text: Option<String>,
    pub blocks: Option<Value>,
    pub attachments: Option<Value>,
    pub metadata: Option<Value>,
}

/// Slack truncates longer texts; here they are refused so that nobody loses the end unawares.
const LONGEST: usize = 40_000;

impl Content {
    /// Reads and checks what ends a streamed message: its blocks and metadata; its text has come in pieces.
    pub fn read_final(args: &Args, older: bool) -> Result<Self, Refusal> {
        let mut fields = Map::new();
        for name in ["blocks", "metadata"] {
            fields.extend(args.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        Self::read(&Args::from(Value::Object(fields)), None, older)
    }

    /// Reads and checks the content of a message of at most `longest` characters of text. An `older` workspace does not
    /// know the blocks of the last years.
    pub fn read(args: &Args, longest: Option<usize>, older: bool) -> Result<Self, Refusal> {
        let mut content = Self::default();
        match args.get("text") {
            None => {}
            Some(Value::String(text)) if text.chars().count() > longest.unwrap_or(LONGEST) => {
                return Err(Refusal::new("msg_too_long"));
            }
            Some(Value::String(text)) => content.text = Some(text.clone()),
            Some(_) => return Err(Refusal::arguments("must provide a string [json-pointer:/text]")),
        }
        if let Some(blocks) = args.json("blocks").map_err(|()| Refusal::new("invalid_blocks_format"))? {
            let mut problems = blocks::message_blocks(&blocks, "/blocks");
            if older {
                problems.extend(blocks::newer(&blocks, "/blocks"));
            }
            if !problems.is_empty() {
                return Err(Refusal::pointing("invalid_blocks", &problems));
            }
            content.blocks = Some(blocks.into_owned());
        }
        if let Some(attachments) = args.json("attachments").map_err(|()| Refusal::new("invalid_attachments"))? {
            if attachments.as_array().is_some_and(|a| a.len() > 100) {
                return Err(Refusal::new("too_many_attachments"));
            }
            let problems = blocks::attachments(&attachments);
            let in_blocks = problems.iter().any(|p| p.pointer.contains("/blocks"));
            if !problems.is_empty() {
                let error = if in_blocks { "invalid_blocks" } else { "invalid_attachments" };
                return Err(Refusal::pointing(error, &problems));
            }
            content.attachments = Some(attachments.into_owned());
        }
        if let Some(markdown) = args.str("markdown_text") {
            if content.text.is_some() || content.blocks.is_some() {
                return Err(Refusal::new("markdown_text_conflict"));
            }
            if markdown.chars().count() > 12_000 {
                return Err(Refusal::new("msg_too_long"));
            }
            content.text = Some(markdown.to_owned());
            content.blocks = Some(json!([{"type": "markdown", "text": markdown}]));
        }
        if let Some(metadata) = args.json("metadata").map_err(|()| Refusal::new("invalid_metadata_format"))? {
            let problems = blocks::metadata(&metadata);
            if !problems.is_empty() {
                return Err(Refusal::pointing("invalid_metadata_format", &problems));
            }
            if metadata.to_string().len() > 16_000 {
                return Err(Refusal::new("metadata_too_large"));
            }
            content.metadata = Some(metadata.into_owned());
        }
        Ok(content)
    }

    /// Refuses a message that would show nothing.
    pub fn not_empty(self) -> Result<Self, Refusal> {
        let list = |v: &Option<Value>| v.as_ref().and_then(Value::as_array).is_some_and(|a| !a.is_empty());
        let text = self.text.as_deref().is_some_and(|t| !t.trim().is_empty());
        if text || list(&self.blocks) || list(&self.attachments) { Ok(self) } else { Err(Refusal::new("no_text")) }
    }

    /// A new message of the app with this content; it has no ts yet.
    pub fn message(self, state: &mut State, app_name: &str) -> Message {
        let mut message = Message { ours: true, body: own_sender(app_name), ..Message::default() };
        message.body.insert("text".to_owned(), "".into());
        self.put(state, &mut message);
        message
    }

    /// Writes the parts that are given over the message.
    pub fn put(self, state: &mut State, message: &mut Message) {
        if let Some(text) = self.text {
            message.body.insert("text".to_owned(), text.into());
        }
        if let Some(blocks) = self.blocks {
            let named = state.name_blocks(&blocks);
            set_list(&mut message.body, "blocks", named);
        }
        if let Some(attachments) = self.attachments {
            let named = state.name_attachments(&attachments);
            set_list(&mut message.body, "attachments", named);
        }
        if self.metadata.is_some() {
            message.metadata = self.metadata;
        }
    }
}

/// An empty list removes the field.
fn set_list(body: &mut Map<String, Value>, name: &str, list: Value) {
    if list.as_array().is_some_and(Vec::is_empty) {
        body.shift_remove(name);
    } else {
        body.insert(name.to_owned(), list);
    }
}
