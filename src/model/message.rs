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
    /// A user group, by its Slack id: a notification to all its members, so only where the mention policy says so.
    Group(String),
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

/// What can be done with an [`Action`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    #[default]
    Button,
    /// A button that opens an address of ours or of the sender's configuration, and also tells us that it was pressed.
    Link { url: String },
    /// The menu behind "⋮"; the chosen choice's value comes back.
    More(Vec<Choice>),
    /// A menu with its label as placeholder.
    Menu(Vec<Choice>),
    /// A person of the workspace, with the label as placeholder.
    Person { chosen: Option<String> },
}

/// One entry of a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub label: String,
    pub value: String,
}

/// "Are you sure?" before an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    pub title: String,
    pub text: String,
    /// The verb on the button that does it.
    pub yes: String,
}

/// Something to press or choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Action {
    /// What comes back when it is used: `ack`, `resolve`, `rerun`, `details`.
    pub id: String,
    pub label: String,
    /// What it is about, normally the incident. Menus and people carry it in the block's id instead.
    pub value: String,
    pub style: ActionStyle,
    pub kind: ActionKind,
    pub confirm: Option<Confirm>,
}

impl Action {
    pub fn button(id: &str, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { id: id.to_owned(), label: label.into(), value: value.into(), ..Self::default() }
    }

    #[must_use]
    pub fn styled(mut self, style: ActionStyle) -> Self {
        self.style = style;
        self
    }

    #[must_use]
    pub fn of_kind(mut self, kind: ActionKind) -> Self {
        self.kind = kind;
        self
    }

    #[must_use]
    pub fn confirmed(mut self, title: &str, text: &str, yes: &str) -> Self {
        self.confirm = Some(Confirm { title: title.to_owned(), text: text.to_owned(), yes: yes.to_owned() });
        self
    }
}

/// How far one step of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    Pending,
    Running,
    Done,
    Failed,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: String,
    pub title: String,
    pub state: TaskState,
}

/// What a person can fill in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    Text {
        value: String,
        placeholder: String,
        lines: bool,
    },
    /// One of several, as a menu.
    Menu {
        choices: Vec<Choice>,
        chosen: Option<String>,
    },
    /// One of a few, all visible.
    Radio {
        choices: Vec<Choice>,
        chosen: Option<String>,
    },
    Person {
        chosen: Option<String>,
    },
}

/// One field of a form; its value comes back under `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub id: String,
    pub label: String,
    pub hint: String,
    pub optional: bool,
    /// Each change comes back at once, so that the form can show what it would mean.
    pub live: bool,
    pub kind: InputKind,
}

/// One block of a message, a form or the home tab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Header(String),
    Section(Text),
    /// A section with one button beside it.
    Item(Text, Action),
    /// Small print.
    Context(Text),
    /// The source's own words, monospaced.
    Excerpt(String),
    Table {
        header: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    Actions(Vec<Action>),
    /// Steps that fill in while people wait.
    Plan {
        title: String,
        tasks: Vec<Task>,
    },
    /// Thumbs up, thumbs down; `value` comes back with a leading `+` or `-`.
    Feedback {
        id: String,
        value: String,
        good: String,
        bad: String,
    },
    /// Only in forms.
    Input(Input),
    Divider,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The sentence for a lock screen and for screen readers.
    pub text: String,
    pub parts: Vec<Part>,
}

/// A modal that is filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// What comes back with the answers: which form it is.
    pub callback: String,
    pub title: String,
    /// The verb on the button; empty for a modal that only closes.
    pub submit: String,
    /// Comes back untouched: what the form is about.
    pub context: String,
    pub parts: Vec<Part>,
}
