//! Which methods there are, what each needs, and how a refusal looks.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Args, chat, conversations, files, limits::Tier, links, people, reactions, sessions, streams, views};
use crate::sandbox::{
    blocks::Problem,
    config::Config,
    workspace::{BOT_USER, Channel, State},
};

/// What a method works on.
pub struct Context<'a> {
    pub state: &'a mut State,
    pub config: &'a Config,
    pub now: Timestamp,
}

/// One method of the Web API.
pub struct Method {
    pub name: &'static str,
    pub tier: Tier,
    /// Any one of these scopes is enough; none at all is needed where the list is empty.
    scopes: &'static [&'static str],
    /// Takes the app-level token instead of the bot token.
    app_level: bool,
    /// Takes no token at all, but the app's id and secret.
    open: bool,
    /// Slack takes JSON bodies only for methods that write.
    json: bool,
    pub run: fn(&mut Context<'_>, &Args) -> Result<Value, Refusal>,
}

const READ: &[&str] = &["channels:read", "groups:read", "im:read", "mpim:read"];
const HISTORY: &[&str] = &["channels:history", "groups:history", "im:history", "mpim:history"];
const WRITE: &[&str] = &["chat:write"];

type Run = fn(&mut Context<'_>, &Args) -> Result<Value, Refusal>;

const fn write(name: &'static str, tier: Tier, scopes: &'static [&'static str], run: Run) -> Method {
    Method { name, tier, scopes, app_level: false, open: false, json: true, run }
}

const fn read(name: &'static str, tier: Tier, scopes: &'static [&'static str], run: Run) -> Method {
    Method { name, tier, scopes, app_level: false, open: false, json: false, run }
}

static METHODS: &[Method] = &[
    Method {
        name: "apps.connections.open",
        tier: Tier::One,
        scopes: &[],
        app_level: true,
        open: false,
        json: true,
        run: people::connections_open,
    },
    write("agents.sessions.setStatus", Tier::Three, WRITE, sessions::set_status),
    write("auth.test", Tier::Free, &[], people::auth_test),
    write("chat.appendStream", Tier::Four, WRITE, streams::append),
    write("chat.delete", Tier::Three, WRITE, chat::delete),
    read("chat.getPermalink", Tier::Free, &[], chat::permalink),
    write("chat.postEphemeral", Tier::Four, WRITE, chat::post_ephemeral),
    write("chat.postMessage", Tier::Posting, WRITE, chat::post),
    write("chat.startStream", Tier::Two, WRITE, streams::start),
    write("chat.stopStream", Tier::Two, WRITE, streams::stop),
    write("chat.unfurl", Tier::Three, &["links:write"], links::unfurl),
    write("chat.update", Tier::Three, WRITE, chat::update),
    read("conversations.history", Tier::Three, HISTORY, conversations::history),
    read("conversations.info", Tier::Three, READ, conversations::info),
    write("conversations.join", Tier::Three, &["channels:join"], conversations::join),
    read("conversations.list", Tier::Two, READ, conversations::list),
    write("conversations.open", Tier::Three, &["im:write"], conversations::open),
    read("conversations.replies", Tier::Three, HISTORY, conversations::replies),
    write("files.completeUploadExternal", Tier::Four, &["files:write"], files::complete),
    read("files.getUploadURLExternal", Tier::Four, &["files:write"], files::upload_url),
    write("reactions.add", Tier::Three, &["reactions:write"], reactions::add),
    write("reactions.remove", Tier::Two, &["reactions:write"], reactions::remove),
    Method { name: "oauth.v2.access", tier: Tier::Four, scopes: &[], app_level: false, open: true, json: false, run: people::access },
    read("usergroups.list", Tier::Two, &["usergroups:read"], people::usergroups),
    read("usergroups.users.list", Tier::Two, &["usergroups:read"], people::group_members),
    read("users.info", Tier::Four, &["users:read"], people::info),
    read("users.list", Tier::Two, &["users:read"], people::list),
    write("views.open", Tier::Four, &[], views::open),
    write("views.publish", Tier::Four, &[], views::publish),
    write("views.push", Tier::Four, &[], views::push),
    write("views.update", Tier::Four, &[], views::update),
];

/// The method of this name.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|m| m.name == name)
}

/// Whether this method reads a JSON body.
pub fn takes_json(name: &str) -> bool {
    find(name).is_none_or(|m| m.json)
}

impl Method {
    /// A workspace of some years ago does not know it.
    pub fn is_new(&self) -> bool {
        self.name.ends_with("Stream") || self.name.starts_with("agents.")
    }

    /// Token first, then scope.
    pub fn admit(&self, config: &Config, token: &str) -> Result<(), Refusal> {
        let (right, wrong) = if self.app_level { (&config.app_token, &config.bot_token) } else { (&config.bot_token, &config.app_token) };
        if self.open {
            return Ok(());
        }
        if token.is_empty() {
            return Err(Refusal::new("not_authed"));
        }
        if token == wrong {
            return Err(Refusal::new("not_allowed_token_type"));
        }
        if token != right {
            return Err(Refusal::new("invalid_auth"));
        }
        if self.scopes.is_empty() || self.scopes.iter().any(|s| config.scopes.iter().any(|have| have == s)) {
            return Ok(());
        }
        Err(Refusal::missing_scope(config, &self.scopes.join(",")))
    }
}

/// An answer with `ok: false`.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Slack's error code.
    pub error: String,
    extra: Map<String, Value>,
}

impl Refusal {
    /// A refusal that is only a code.
    pub fn new(error: &str) -> Self {
        Self { error: error.to_owned(), extra: Map::new() }
    }

    /// A refusal that points at what is wrong.
    pub fn pointing(error: &str, problems: &[Problem]) -> Self {
        let lines: Vec<String> = problems.iter().map(|p| format!("{} [json-pointer:{}]", p.message, p.pointer)).collect();
        let marked: Vec<String> = lines.iter().map(|line| format!("[ERROR] {line}")).collect();
        let mut refusal = Self::new(error);
        refusal.extra.insert("errors".to_owned(), lines.into());
        refusal.extra.insert("response_metadata".to_owned(), json!({"messages": marked}));
        refusal
    }

    /// A required argument is missing or makes no sense.
    pub fn arguments(message: &str) -> Self {
        let mut refusal = Self::new("invalid_arguments");
        let messages = json!({"messages": [format!("[ERROR] {message}")]});
        refusal.extra.insert("response_metadata".to_owned(), messages);
        refusal
    }

    /// The token lacks a scope.
    pub fn missing_scope(config: &Config, needed: &str) -> Self {
        let mut refusal = Self::new("missing_scope");
        refusal.extra.insert("needed".to_owned(), needed.into());
        refusal.extra.insert("provided".to_owned(), config.scopes.join(",").into());
        refusal
    }

    /// The JSON body.
    pub fn body(self) -> Value {
        let mut out = Map::new();
        out.insert("ok".to_owned(), false.into());
        out.insert("error".to_owned(), self.error.into());
        out.extend(self.extra);
        Value::Object(out)
    }
}

impl Args {
    /// A string argument that must be there.
    pub fn need(&self, name: &str) -> Result<&str, Refusal> {
        if self.is_broken() {
            return Err(Refusal::new("invalid_json"));
        }
        match self.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(Value::String(_)) | None => Err(Refusal::arguments(&format!("missing required field: {name}"))),
            Some(_) => Err(Refusal::arguments(&format!("must provide a string [json-pointer:/{name}]"))),
        }
    }
}

impl Context<'_> {
    /// The channel that `channel` names, or `channel_not_found`.
    pub fn place(&self, args: &Args) -> Result<&Channel, Refusal> {
        let key = args.need("channel")?;
        self.state.channel(key).ok_or_else(|| Refusal::new("channel_not_found"))
    }

    /// As [`Context::place`], where the app must be a member.
    pub fn joined(&self, args: &Args) -> Result<&Channel, Refusal> {
        let place = self.place(args)?;
        if place.members.contains(BOT_USER) { Ok(place) } else { Err(Refusal::new("not_in_channel")) }
    }
}
