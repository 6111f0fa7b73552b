//! The Slack workspaces that this bot serves, each with its own token.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use secrecy::SecretString;

use super::{Client, Connection};

/// Who we are in one workspace, so that our own messages are not taken for alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub bot_id: String,
    pub user_id: String,
    pub team_id: String,
    /// The workspace's own address, `https://example.slack.com/`; empty when it is not known.
    pub url: String,
}

impl Identity {
    /// The address of a message in this workspace, where the workspace's own address is known.
    pub fn permalink(&self, channel: &str, ts: &str) -> Option<String> {
        (!self.url.is_empty()).then(|| format!("{}/archives/{channel}/p{}", self.url.trim_end_matches('/'), ts.replace('.', "")))
    }
}

/// Something that not every workspace has: taken for there until Slack says otherwise, then left alone until the next start.
#[derive(Debug)]
pub struct Feature(AtomicBool);

impl Default for Feature {
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Feature {
    pub fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Slack said that it is not there; true the first time, when it is worth a line in the log.
    pub fn is_missing(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// One workspace: its client, and who we are in it once Slack has said so.
pub struct Workspace {
    pub client: Client,
    pub identity: OnceLock<Identity>,
    /// Messages that fill in before a person's eyes.
    pub streaming: Feature,
    /// Agent sessions, with their status and Stop button.
    pub sessions: Feature,
    /// Files in threads (the scope `files:write`).
    pub files: Feature,
}

impl Workspace {
    fn new(client: Client) -> Self {
        Self { client, identity: OnceLock::new(), streaming: Feature::default(), sessions: Feature::default(), files: Feature::default() }
    }
}

/// Every workspace by team id. The configured token's own workspace is the home: it stands for every team that has no
/// token of its own, since a Slack Connect channel's messages name the other organisation's team.
pub struct Workspaces {
    connection: Connection,
    home: Arc<Workspace>,
    others: RwLock<BTreeMap<String, Arc<Workspace>>>,
}

impl Workspaces {
    /// The home workspace alone.
    pub fn new(connection: Connection, bot_token: &SecretString) -> Self {
        let home = Arc::new(Workspace::new(Client::new(&connection, bot_token)));
        Self { connection, home, others: RwLock::default() }
    }

    /// Adds a workspace, or gives it a new token.
    pub fn add(&self, team: &str, bot_token: &SecretString) -> Arc<Workspace> {
        let workspace = Arc::new(Workspace::new(Client::new(&self.connection, bot_token)));
        self.others.write().unwrap_or_else(PoisonError::into_inner).insert(team.to_owned(), Arc::clone(&workspace));
        workspace
    }

    /// Forgets a workspace that removed the app.
    pub fn remove(&self, team: &str) {
        self.others.write().unwrap_or_else(PoisonError::into_inner).remove(team);
    }

    /// The workspace of a team.
    pub fn of(&self, team: &str) -> Arc<Workspace> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(others.get(team).unwrap_or(&self.home))
    }

    /// All of them, the home first.
    pub fn all(&self) -> Vec<Arc<Workspace>> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&self.home).chain(others.values()).map(Arc::clone).collect()
    }

    /// How to reach Slack.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}
