//! The Slack workspaces that this bot serves, each with its own token.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
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
    /// Those of `others` that are there because the store says so.
    stored: Mutex<BTreeSet<String>>,
}

impl Workspaces {
    /// The home workspace alone.
    pub fn new(connection: Connection, bot_token: &SecretString) -> Self {
        let home = Arc::new(Workspace::new(Client::new(&connection, bot_token)));
        Self { connection, home, others: RwLock::default(), stored: Mutex::default() }
    }

    /// Adds a workspace, or gives it a new token; one that is there with this token stays as it is.
    pub fn add(&self, team: &str, bot_token: &SecretString) -> Arc<Workspace> {
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.get(team).filter(|known| known.client.has_token(bot_token)) {
            return Arc::clone(known);
        }
        let workspace = Arc::new(Workspace::new(Client::new(&self.connection, bot_token)));
        others.insert(team.to_owned(), Arc::clone(&workspace));
        workspace
    }

    /// Forgets a workspace that removed the app, and says whether it was there. The home stays.
    pub fn remove(&self, team: &str) -> bool {
        self.others.write().unwrap_or_else(PoisonError::into_inner).remove(team).is_some()
    }

    /// Makes the workspaces of the store, and no others of it, known. One that was added by [`Workspaces::add`] stays as it is.
    pub fn sync(&self, stored: BTreeMap<String, SecretString>) {
        let mut known = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.iter().filter(|team| !stored.contains_key(*team)) {
            self.remove(gone);
        }
        known.retain(|team| stored.contains_key(team));
        for (team, token) in stored {
            let given = !known.contains(&team) && self.others.read().unwrap_or_else(PoisonError::into_inner).contains_key(&team);
            if !given {
                self.add(&team, &token);
                known.insert(team);
            }
        }
    }

    /// Whether this is the home's team, as far as Slack has said.
    pub fn is_home(&self, team: &str) -> bool {
        self.home.identity.get().is_some_and(|us| us.team_id == team)
    }

    /// Every workspace with its team id, the home first; the home's is empty.
    pub fn named(&self) -> Vec<(String, Arc<Workspace>)> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let others = others.iter().map(|(team, workspace)| (team.clone(), Arc::clone(workspace)));
        std::iter::once((String::new(), Arc::clone(&self.home))).chain(others).collect()
    }

    /// The workspace of a team.
    pub fn of(&self, team: &str) -> Arc<Workspace> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(others.get(team).unwrap_or(&self.home))
    }

    /// The team under which we know a workspace: its id where it has a token of its own, nothing for the home and for the
    /// organisations that share a channel with it.
    pub fn own<'t>(&self, team: &'t str) -> &'t str {
        if self.others.read().unwrap_or_else(PoisonError::into_inner).contains_key(team) { team } else { "" }
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
