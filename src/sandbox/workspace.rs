//! What the workspace holds: people, channels, messages, views, one-time ids, and the record of the traffic.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Call, Config, Fault,
    delivery::{Sent, Sockets},
    message::Message,
    web::Limits,
};

/// The workspace's id.
pub const TEAM: &str = "T01SANDBOX";
/// The app's id.
pub const APP: &str = "A01SANDBOX";
/// The app's bot user.
pub const BOT_USER: &str = "U00SREBOT";
/// The app's bot.
pub const BOT: &str = "B00SREBOT";
/// Slack's own voice, for errors that only one person sees.
pub const SLACKBOT: &str = "USLACKBOT";

/// A person, or the bot as a user.
#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub name: String,
    pub real_name: String,
    pub is_bot: bool,
    /// They left; their messages stay.
    pub deleted: bool,
}

/// Another app that posts here.
#[derive(Debug, Clone)]
pub struct Bot {
    pub id: String,
    pub app_id: String,
    pub user_id: String,
    pub name: String,
}

/// A channel, or a direct message with the app.
#[derive(Debug, Clone)]
pub struct Channel {
    pub id: String,
    pub name: String,
    /// The other person of a direct message.
    pub im: Option<String>,
    pub members: BTreeSet<String>,
    pub archived: bool,
    pub created: i64,
    pub messages: Vec<Message>,
}

/// A message that only one person sees.
#[derive(Debug, Clone)]
pub struct Ephemeral {
    pub user: String,
    pub channel: String,
    pub message: Message,
}

/// An open modal or a home tab.
#[derive(Debug, Clone)]
pub struct View {
    pub id: String,
    pub user: String,
    pub root: String,
    pub previous: Option<String>,
    pub hash: String,
    pub body: Map<String, Value>,
    pub state: Map<String, Value>,
    /// What the app answered to the last submission, by block id.
    pub errors: Map<String, Value>,
}

/// The right to open one modal.
#[derive(Debug, Clone)]
pub struct Trigger {
    pub user: String,
    pub expires: Timestamp,
    pub used: bool,
    /// The view from which it was given, for `views.push`.
    pub view: Option<String>,
}

/// The right to answer an interaction a few times.
#[derive(Debug, Clone)]
pub struct ResponseUrl {
    pub user: String,
    pub channel: String,
    /// The message that was clicked; a slash command has none.
    pub message: Option<String>,
    pub thread: Option<String>,
    pub expires: Timestamp,
    pub uses: u32,
}

/// A file on its way in or shared.
#[derive(Debug, Clone)]
pub struct File {
    pub name: String,
    pub title: Option<String>,
    /// What a picture shows, in words.
    pub alt: Option<String>,
    pub length: usize,
    pub content: Option<Vec<u8>>,
    pub shared: bool,
}

/// Where the app listens.
#[derive(Debug, Clone, Default)]
pub struct AppUrls {
    pub events: Option<String>,
    pub interactivity: Option<String>,
    pub commands: Option<String>,
}

/// Everything behind the one lock.
pub struct State {
    pub base_url: String,
    pub urls: AppUrls,
    pub users: Vec<User>,
    pub bots: Vec<Bot>,
    pub channels: Vec<Channel>,
    pub ephemeral: Vec<Ephemeral>,
    pub views: Vec<View>,
    pub homes: BTreeMap<String, View>,
    pub triggers: HashMap<String, Trigger>,
    pub response_urls: HashMap<String, ResponseUrl>,
    pub files: BTreeMap<String, File>,
    /// What the app says that it does, by channel and thread.
    pub sessions: BTreeMap<(String, String), String>,
    pub calls: Vec<Call>,
    pub sent: Vec<Sent>,
    pub faults: Vec<(String, Fault, u32)>,
    pub limits: Limits,
    pub sockets: Sockets,
    /// The codes of installations that were granted and not yet redeemed, with the address that each was sent to.
    pub codes: HashMap<String, String>,
    /// Events that wait to be sent once the lock is free.
    pub outbox: Vec<Value>,
    last_ts: i64,
    serial: u64,
}

/// More than any test or evening makes; older traffic is forgotten.
const KEPT: usize = 5000;

impl State {
    /// A fresh workspace with three people and the configured channels.
    pub fn new(config: &Config, now: Timestamp) -> Self {
        let person = |id: &str, name: &str, real: &str, is_bot| User {
            id: id.to_owned(),
            name: name.to_owned(),
            real_name: real.to_owned(),
            is_bot,
            deleted: false,
        };
        let mut state = Self {
            base_url: String::new(),
            urls: AppUrls {
                events: config.events_url.clone(),
                interactivity: config.interactivity_url.clone(),
                commands: config.commands_url.clone(),
            },
            users: vec![
                person("U01ALICE", "alice", "Alice Moreno", false),
                person("U02BOB", "bob", "Bob Tanaka", false),
                person("U03CAROL", "carol", "Carol Weiss", false),
                person(BOT_USER, &config.app_name, &config.app_name, true),
                person(SLACKBOT, "slackbot", "Slackbot", false),
            ],
            bots: Vec::new(),
            channels: Vec::new(),
            ephemeral: Vec::new(),
            views: Vec::new(),
            homes: BTreeMap::new(),
            triggers: HashMap::new(),
            response_urls: HashMap::new(),
            files: BTreeMap::new(),
            sessions: BTreeMap::new(),
            calls: Vec::new(),
            sent: Vec::new(),
            faults: Vec::new(),
            limits: Limits::default(),
            sockets: Sockets::default(),
            codes: HashMap::new(),
            outbox: Vec::new(),
            last_ts: 0,
            // Ids differ between workspaces, as Slack's do.
            serial: if config.team == TEAM { 0 } else { 100_000 },
        };
        for name in &config.channels {
            state.add_channel(name, true, now);
        }
        for user in ["U01ALICE", "U02BOB", "U03CAROL"] {
            state.channels.push(Channel {
                id: format!("D{}", &user.trim_start_matches('U')),
                name: String::new(),
                im: Some(user.to_owned()),
                members: [user, BOT_USER].iter().map(|m| (*m).to_owned()).collect(),
                archived: false,
                created: now.as_second(),
                messages: Vec::new(),
            });
        }
        state
    }

    /// Adds a public channel with everybody in it; `with_bot` says whether the app is a member too.
    pub fn add_channel(&mut self, name: &str, with_bot: bool, now: Timestamp) -> String {
        let count = self.channels.iter().filter(|c| c.im.is_none()).count() + 1;
        let id = format!("C{count:02}{}", shout(name));
        let mut members: BTreeSet<String> = self.users.iter().filter(|u| !u.is_bot && u.id != SLACKBOT).map(|u| u.id.clone()).collect();
        if with_bot {
            members.insert(BOT_USER.to_owned());
        }
        self.channels.push(Channel {
            id: id.clone(),
            name: name.to_owned(),
            im: None,
            members,
            archived: false,
            created: now.as_second(),
            messages: Vec::new(),
        });
        id
    }

    /// A new message id: the present in microseconds, later than every earlier one.
    pub fn next_ts(&mut self, now: Timestamp) -> String {
        self.last_ts = now.as_microsecond().max(self.last_ts + 1);
        format!("{}.{:06}", self.last_ts / 1_000_000, self.last_ts % 1_000_000)
    }

    /// A new id with this prefix.
    pub fn next_id(&mut self, prefix: &str) -> String {
        self.serial += 1;
        format!("{prefix}{:06}", self.serial)
    }

    /// A channel by id, `#name`, name, or the id of a person (their direct message).
    pub fn channel(&self, key: &str) -> Option<&Channel> {
        let index = self.channel_index(key)?;
        self.channels.get(index)
    }

    /// As [`State::channel`], to change it.
    pub fn channel_mut(&mut self, key: &str) -> Option<&mut Channel> {
        let index = self.channel_index(key)?;
        self.channels.get_mut(index)
    }

    fn channel_index(&self, key: &str) -> Option<usize> {
        let name = key.trim_start_matches('#');
        self.channels
            .iter()
            .position(|c| c.id == key || (c.im.is_none() && c.name == name) || c.im.as_deref().is_some_and(|user| user == key))
    }

    /// A person by id or name.
    pub fn user(&self, key: &str) -> Option<&User> {
        let key = key.trim_start_matches('@');
        self.users.iter().find(|u| u.id == key || u.name == key)
    }

    /// The bot of this name, made on first sight.
    pub fn bot(&mut self, name: &str) -> Bot {
        if let Some(bot) = self.bots.iter().find(|b| b.name == name) {
            return bot.clone();
        }
        let id = shout(name);
        let bot = Bot { id: format!("B0{id}"), app_id: format!("A0{id}"), user_id: format!("U0{id}"), name: name.to_owned() };
        self.bots.push(bot.clone());
        bot
    }

    /// A trigger id for this person, good for 3 s and one use.
    pub fn trigger(&mut self, user: &str, view: Option<&str>, now: Timestamp) -> String {
        let id = format!("{}.{}", self.next_id("13345224609."), "sandbox");
        let trigger =
            Trigger { user: user.to_owned(), expires: after(now, Duration::from_secs(3)), used: false, view: view.map(str::to_owned) };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// A response URL, good for 5 uses in 30 minutes.
    pub fn response_url(&mut self, place: ResponseUrl) -> String {
        let id = self.next_id("R");
        self.response_urls.insert(id.clone(), place);
        format!("{}/response/{TEAM}/{id}", self.base_url)
    }

    /// Records one Web API call.
    pub fn record_call(&mut self, call: Call) {
        if self.calls.len() >= KEPT {
            self.calls.drain(..KEPT / 10);
        }
        self.calls.push(call);
    }

    /// Records one delivery to the app.
    pub fn record_sent(&mut self, sent: Sent) {
        if self.sent.len() >= KEPT {
            self.sent.drain(..KEPT / 10);
        }
        self.sent.push(sent);
    }

    /// `{id, name, username, team_id}` of the person who acts, as interactions carry it.
    pub fn actor(&self, user: &str) -> Value {
        let name = self.user(user).map_or(user, |u| u.name.as_str());
        json!({"id": user, "username": name, "name": name, "team_id": TEAM})
    }
}

impl Channel {
    /// The message with this ts.
    pub fn message(&self, ts: &str) -> Option<&Message> {
        self.messages.iter().find(|m| m.ts == ts)
    }

    /// As [`Channel::message`], to change it.
    pub fn message_mut(&mut self, ts: &str) -> Option<&mut Message> {
        self.messages.iter_mut().find(|m| m.ts == ts)
    }

    /// What `channel_type` says of it in events.
    pub fn kind(&self) -> &'static str {
        if self.im.is_some() { "im" } else { "channel" }
    }
}

/// A moment later; the end of time where it would overflow.
pub fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// Letters and digits of a name in upper case, as ids are written.
fn shout(name: &str) -> String {
    let id: String = name.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
    format!("{:0<6}", id.to_ascii_uppercase())
}
