//! What the bot says, before anybody knows that it goes to Slack.
//!
//! A message is a list of parts made of typed spans; escaping, limits and layout are the sender's business.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::EvidenceId;

/// A run of text with one meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    Plain(String),
    Bold(String),
    /// An identifier, value or short command.
    Code(String),
    /// A link whose address comes from our own configuration, never from data.
    Link {
        url: String,
        text: String,
    },
    /// A person, by Slack user id; shown as a mention without being a new notification where that is possible.
    User(String),
    /// An instant, shown in the reader's own time zone where that is possible.
    Time(Timestamp),
    /// A reference to a piece of evidence.
    Evidence(EvidenceId),
    /// A colour or state mark by its emoji name, without colons.
    Emoji(String),
}

/// Text made of spans.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub Vec<Span>);

impl Text {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn plain(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Plain(text.into()));
        self
    }

    pub fn bold(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Bold(text.into()));
        self
    }

    pub fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Code(text.into()));
        self
    }

    pub fn time(mut self, at: Timestamp) -> Self {
        self.0.push(Span::Time(at));
        self
    }

    pub fn emoji(mut self, name: impl Into<String>) -> Self {
        self.0.push(Span::Emoji(name.into()));
        self
    }

    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.0.push(Span::User(id.into()));
        self
    }

    pub fn evidence(mut self, ids: &[EvidenceId]) -> Self {
        for id in ids {
            self.0.push(Span::Plain(" ".to_owned()));
            self.0.push(Span::Evidence(*id));
        }
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How a button looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionStyle {
    #[default]
    Plain,
    Primary,
    Danger,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What comes back when it is pressed: `ack`, `resolve`, `rerun`, `details`.
    pub id: String,
    pub label: String,
    /// What it is about, normally the incident.
    pub value: String,
    pub style: ActionStyle,
}

/// One block of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Section(Text),
    /// Small print.
    Context(Text),
    /// The source's own words, monospaced.
    Excerpt(String),
    Table {
        header: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    Actions(Vec<Action>),
    Divider,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The sentence for a lock screen and for screen readers.
    pub text: String,
    pub parts: Vec<Part>,
}
