//! A Slack workspace on this machine, as strict as the real one: Web API, events, Socket Mode, and a page to look at.
//!
//! `demo` and the tests talk to it as they would to Slack. It is written from Slack's rules, not from our client, so
//! that a misunderstanding cannot hide in both.
//!
//! - `web` answers the Web API, `blocks` says what Slack would refuse
//! - `delivery` brings events, clicks and commands to the app, over HTTP or Socket Mode
//! - `acting` is what people do: post, click, choose, type a command, fill in a modal
//! - `control` is the same over HTTP for the page and for tests in other processes
//! - `page` is the browser's view of it

mod acting;
mod blocks;
mod click;
mod config;
mod control;
mod delivery;
mod message;
mod oauth;
mod page;
mod peer;
mod respond;
mod sessions;
mod shortcut;
mod views;
mod web;
mod workspace;

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Notify, watch};

pub use self::config::Config;
use self::workspace::State;
use crate::model::Clock;

/// A running workspace; clones share it.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    config: Config,
    clock: Clock,
    state: Mutex<State>,
    version: watch::Sender<u64>,
    /// Rings when a Socket Mode connection is ready.
    connected: Notify,
    http: delivery::HttpClient,
}

/// Why the sandbox could not do what a person asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// There is no such channel, message, person, element or view.
    #[error("no such {0}")]
    Missing(String),
    /// Slack itself would not let the person do it.
    #[error("{0}")]
    Refused(String),
}

/// One call of the Web API, for assertions.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// For example `chat.postMessage`.
    pub method: String,
    /// The arguments, without the token.
    pub body: Value,
    /// The HTTP status; 0 where the connection was dropped.
    pub status: u16,
    /// The answer's body.
    pub answer: Value,
    /// When it came in.
    pub at: Timestamp,
}

/// How a delivery to the app went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// How often it was sent.
    pub attempts: u32,
    /// The last answer's status; none where nobody answered in time. An acknowledged envelope counts as 200.
    pub status: Option<u16>,
    /// The last answer's body.
    pub body: String,
    /// From the first attempt to the last answer.
    pub elapsed: Duration,
}

/// How an event is sent, when not simply once and well.
#[derive(Debug, Clone, Default)]
pub struct DeliveryOptions {
    /// Send it a second time with the same `event_id` after the first was acknowledged.
    pub duplicate: bool,
    /// Wait before sending, so that a later event overtakes it.
    pub delay: Option<Duration>,
    /// Sign it wrongly.
    pub corrupt_signature: bool,
    /// Pretend that it was signed this long ago.
    pub age: Duration,
}

/// What goes wrong with a Web API call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Answers 429 with this `Retry-After`.
    RateLimited {
        /// Rounded up to whole seconds in the header.
        retry_after: Duration,
    },
    /// Answers with this status and no JSON.
    ServerError(u16),
    /// Waits this long, then answers as usual if the caller is still there.
    Hang(Duration),
    /// Closes the connection without doing or answering anything.
    Drop,
    /// Does it, then closes the connection without an answer.
    Ambiguous,
}

/// What Slack would refuse about a message's blocks, or about a view: one sentence each, with where it stands.
pub fn problems(of: &Value) -> Vec<String> {
    let found = if of.is_array() { blocks::message_blocks(of, "/blocks") } else { blocks::view(of) };
    found.into_iter().map(|problem| format!("{}: {}", problem.pointer, problem.message)).collect()
}

impl Sandbox {
    /// A fresh workspace.
    pub fn new(config: Config, clock: Clock) -> Self {
        let state = State::new(&config, clock.now());
        Self(Arc::new(Inner {
            config,
            clock,
            state: Mutex::new(state),
            version: watch::Sender::new(0),
            connected: Notify::new(),
            http: delivery::http_client(),
        }))
    }

    /// The page, `/api/*`, `/sandbox/api/*`, `/ws`, uploads and response URLs.
    pub fn router(&self) -> axum::Router {
        web::router()
            .merge(control::router())
            .merge(delivery::router())
            .merge(respond::router())
            .merge(oauth::router())
            .merge(page::router())
            .with_state(self.clone())
    }

    /// Serves on `listener` until `stop` resolves; learns its base URL from the listener where none was set.
    pub async fn serve(self, listener: tokio::net::TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let port = listener.local_addr()?.port();
        if self.state().base_url.is_empty() {
            self.set_base_url(&format!("http://127.0.0.1:{port}"));
        }
        let service = self.router().into_make_service_with_connect_info::<peer::Peer>();
        // Event streams and sockets never end by themselves, so stopping does not wait for them.
        let server = axum::serve(peer::Listener(listener), service);
        tokio::select! {
            done = server => done,
            () = stop => Ok(()),
        }
    }

    /// `http://127.0.0.1:PORT`: the root of socket, upload and response URLs.
    pub fn set_base_url(&self, url: &str) {
        self.state().base_url = url.trim_end_matches('/').to_owned();
    }

    /// Where the app listens.
    pub fn set_app_urls(&self, events: &str, interactivity: &str, commands: &str) {
        self.state().urls = workspace::AppUrls {
            events: Some(events.to_owned()),
            interactivity: Some(interactivity.to_owned()),
            commands: Some(commands.to_owned()),
        };
    }

    /// The id of a channel, by its name.
    pub fn channel_id(&self, name: &str) -> Option<String> {
        self.state().channel(name).map(|c| c.id.clone())
    }

    /// The id of the app's bot user, as in `<@…>`.
    pub fn bot_user_id(&self) -> &'static str {
        workspace::BOT_USER
    }

    /// Adds a public channel; `with_bot` says whether the app is a member.
    pub fn create_channel(&self, name: &str, with_bot: bool) -> String {
        let now = self.0.clock.now();
        let id = self.state().add_channel(name, with_bot, now);
        self.bump();
        id
    }

    /// A person leaves the workspace: their account stays, deactivated.
    pub fn deactivate(&self, user: &str) -> Result<(), SandboxError> {
        let id = self.state().user(user).map(|u| u.id.clone()).ok_or_else(|| SandboxError::Missing(format!("person {user}")))?;
        for person in self.state().users.iter_mut().filter(|person| person.id == id) {
            person.deleted = true;
        }
        self.bump();
        Ok(())
    }

    /// Archives a channel.
    pub fn archive(&self, channel: &str) -> Result<(), SandboxError> {
        {
            let mut state = self.state();
            let place = state.channel_mut(channel).ok_or_else(|| SandboxError::Missing(format!("channel {channel}")))?;
            place.archived = true;
        }
        self.bump();
        Ok(())
    }

    /// A thread as `conversations.replies` gives it, parent first.
    pub fn thread(&self, channel: &str, root_ts: &str) -> Vec<Value> {
        let state = self.state();
        state.channel(channel).map(|c| c.thread(root_ts).map(|m| c.render(m, true)).collect()).unwrap_or_default()
    }

    /// The channel's top-level messages, oldest first.
    pub fn messages(&self, channel: &str) -> Vec<Value> {
        let state = self.state();
        state.channel(channel).map(|c| c.top_level().map(|m| c.render(m, true)).collect()).unwrap_or_default()
    }

    /// What only this person sees, oldest first; each with its `channel`.
    pub fn ephemeral(&self, user: &str) -> Vec<Value> {
        let state = self.state();
        let Some(id) = state.user(user).map(|u| u.id.clone()) else { return Vec::new() };
        let own = state.ephemeral.iter().filter(|e| e.user == id);
        own.map(|e| {
            let mut out = e.message.plain();
            out.insert("channel".to_owned(), e.channel.clone().into());
            out.insert("is_ephemeral".to_owned(), true.into());
            Value::Object(out)
        })
        .collect()
    }

    /// The modals that this person has open, the topmost last.
    pub fn open_views(&self, user: &str) -> Vec<Value> {
        let state = self.state();
        let Some(id) = state.user(user).map(|u| u.id.clone()) else { return Vec::new() };
        state.views.iter().filter(|v| v.user == id).map(workspace::View::render).collect()
    }

    /// The home tab that the app published for this person.
    pub fn home(&self, user: &str) -> Option<Value> {
        let state = self.state();
        let id = &state.user(user)?.id;
        state.homes.get(id).map(workspace::View::render)
    }

    /// Every Web API call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Makes the next `times` calls of `method` go wrong; `*` means any method.
    pub fn inject(&self, method: &str, fault: Fault, times: u32) {
        self.state().faults.push((method.to_owned(), fault, times));
    }

    /// Takes back every fault that is still to come.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Resolves at the next change of any message, view or ephemeral.
    pub async fn changed(&self) {
        // The sender lives as long as `self`, so an error cannot happen; returning is right in any case.
        let _ = self.subscribe().changed().await;
    }

    /// Counts the changes; wait on it without missing one between looking and waiting.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits that something changed, and sends the events that this caused.
    fn bump(&self) {
        self.0.version.send_modify(|version| *version += 1);
        self.flush();
    }
}
