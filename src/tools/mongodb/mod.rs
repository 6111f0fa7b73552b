//! MongoDB, live: the diagnostic commands of a deployment, read-only, each with a time limit on the server.
//!
//! The account needs `clusterMonitor` on `admin` and `read` on the databases that are looked at. Nothing is ever written; the
//! list of commands below is all that this tool can say.

mod commands;
mod json;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{TryStreamExt as _, future::join_all};
use mongodb::{
    Client,
    bson::{Bson, Document, doc},
    error::{Error, ErrorKind},
    options::{ClientOptions, ReadPreference, ReadPreferenceOptions, SelectionCriteria},
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::OnceCell;

use self::commands::Command;
use super::{Asked, Backend, Cost, Output, Query, Tool, ToolError, ToolErrorKind, bundle, live};
use crate::model::{Entity, Finding, observation::Observations};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "mongodb";
/// How long the server may work on one command. Source: the issue of load: a diagnosis must not be one.
const MAX_TIME_MS: i32 = 2_000;
/// How long we wait for one command: its time on the server, and the way there and back.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(3_500);
/// How long a server is looked for.
const SELECTION_TIMEOUT: Duration = Duration::from_secs(3);
/// How many collections are looked at more closely.
const COLLECTIONS_MAX: usize = 4;
/// How many documents of a cursor are read.
const DOCUMENTS_MAX: usize = 200;
/// How many bytes of documents one command may bring. Source: the cap on a tool's answer.
const BYTES_MAX: usize = super::http::ANSWER_MAX;

/// One deployment: a server, a replica set or a sharded cluster.
pub struct MongoDb {
    instance: String,
    uri: SecretString,
    client: OnceCell<Client>,
}

/// One diagnostic command of a person or a model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    command: Command,
    /// For `dbStats`, `collStats`, `indexes`, `indexStats`, `profile` and `explain`.
    #[serde(default)]
    database: String,
    /// For `collStats`, `indexes`, `indexStats` and `explain`.
    #[serde(default)]
    collection: String,
    /// For `explain`: the filter of a `find`, whose plan is told without running it.
    #[serde(default)]
    filter: serde_json::Map<String, serde_json::Value>,
}

/// What a command brought, or why not.
type Answer = Result<Vec<Document>, Error>;

impl MongoDb {
    pub fn new(instance: &str, uri: SecretString) -> Self {
        Self { instance: instance.to_owned(), uri, client: OnceCell::new() }
    }

    async fn diagnose(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        use Command as C;
        let client = self.client(tool).await?;
        let mut gathering = live::Gathering::default();
        let first = [C::ServerStatus, C::ReplSetGetStatus, C::CurrentOp, C::GetLog];
        let answers = join_all(first.map(|command| self.run(client, command, "admin", "", None))).await;
        let mut operations = Vec::new();
        let host =
            answers.first().and_then(|answer| answer.as_ref().ok()?.first()?.get_str("host").ok()).unwrap_or(&self.instance).to_owned();
        for (command, answer) in first.into_iter().zip(answers) {
            if command == C::CurrentOp
                && let Ok(found) = &answer
            {
                operations.clone_from(found);
            }
            self.take(tool, &mut gathering, command, "", answer);
        }
        let databases = self.databases(client, &query).await;
        let profiles = join_all(databases.iter().map(|database| self.run(client, C::Profile, database, "", None))).await;
        for (database, answer) in databases.iter().zip(profiles) {
            if let Ok(found) = &answer {
                operations.extend(found.iter().cloned());
            }
            self.take(tool, &mut gathering, C::Profile, database, answer);
        }
        let busy = busy(&operations);
        let closer = busy.iter().flat_map(|space| [C::CollStats, C::IndexStats].map(|command| (command, space)));
        let closer: Vec<_> = closer.filter_map(|(command, space)| Some((command, space.split_once('.')?))).collect();
        let answers =
            join_all(closer.iter().map(|(command, (database, collection))| self.run(client, *command, database, collection, None))).await;
        for ((command, (database, collection)), answer) in closer.into_iter().zip(answers) {
            self.take(tool, &mut gathering, command, &format!("{database}.{collection}"), answer);
        }
        // The log does not say whose it is; the server has just said who it is.
        for log in gathering.observations().logs.iter_mut().filter(|log| log.entity.is_empty()) {
            log.entity = Entity::new("Database", "", &host);
        }
        gathering.finish()
    }

    async fn command(&self, tool: &str, wanted: Wanted) -> Result<Output, ToolError> {
        wanted.command.check(&wanted.database, &wanted.collection).map_err(|said| ToolError::arguments(tool, said))?;
        let client = self.client(tool).await?;
        let filter = json::document(&wanted.filter).map_err(|said| ToolError::arguments(tool, format!("`filter`: {said}")))?;
        let database = if wanted.database.is_empty() { "admin" } else { &wanted.database };
        let answer = self.run(client, wanted.command, database, &wanted.collection, Some(filter)).await;
        let mut gathering = live::Gathering::default();
        let space =
            if wanted.collection.is_empty() { wanted.database.clone() } else { format!("{}.{}", wanted.database, wanted.collection) };
        self.take(tool, &mut gathering, wanted.command, &space, answer);
        gathering.finish()
    }

    async fn client(&self, tool: &str) -> Result<&Client, ToolError> {
        self.client
            .get_or_try_init(|| async {
                let mut options = ClientOptions::parse(self.uri.expose_secret()).await?;
                options.app_name = Some("sre-agent".to_owned());
                options.server_selection_timeout = Some(SELECTION_TIMEOUT);
                options.connect_timeout = Some(SELECTION_TIMEOUT);
                options.max_pool_size = Some(4);
                options.retry_reads = Some(false);
                options.selection_criteria = Some(secondary_preferred());
                Client::with_options(options)
            })
            .await
            .map_err(|error| self.error(tool, "connecting", &error))
    }

    /// Runs one command in a task of its own: a driver's call that is dropped in the middle may leave its connection in doubt.
    async fn run(&self, client: &Client, command: Command, database: &str, collection: &str, filter: Option<Document>) -> Answer {
        let (client, database, collection) = (client.clone(), database.to_owned(), collection.to_owned());
        let task = tokio::spawn(async move { command.run(&client, &database, &collection, filter.unwrap_or_default()).await });
        match tokio::time::timeout(COMMAND_TIMEOUT, task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(Error::custom(error.to_string())),
            Err(_) => Err(Error::custom(Late)),
        }
    }

    /// The databases that are worth a look: those whose name the question says, else the largest.
    async fn databases(&self, client: &Client, query: &Query) -> Vec<String> {
        let Ok(found) = self.run(client, Command::ListDatabases, "admin", "", None).await else { return Vec::new() };
        let list = found.first().and_then(|answer| answer.get_array("databases").ok()).into_iter().flatten();
        let mut sized: Vec<(i64, String)> = list
            .filter_map(|entry| {
                let entry = entry.as_document()?;
                let size = entry.get("sizeOnDisk").map_or(0, |size| match size {
                    Bson::Int64(n) => *n,
                    Bson::Int32(n) => i64::from(*n),
                    Bson::Double(n) => *n as i64,
                    _ => 0,
                });
                Some((size, entry.get_str("name").ok()?.to_owned()))
            })
            .filter(|(_, name)| !["admin", "local", "config"].contains(&name.as_str()))
            .collect();
        let said = |name: &String| query.words.iter().any(|word| word == name);
        sized.sort_by_key(|(size, name)| (!said(name), -*size));
        sized.into_iter().take(2).map(|(_, name)| name).collect()
    }

    fn take(&self, tool: &str, gathering: &mut live::Gathering, command: Command, space: &str, answer: Answer) {
        let what = if space.is_empty() { command.name().to_owned() } else { format!("{} of {space}", command.name()) };
        let documents = match answer {
            Ok(documents) => documents,
            Err(error) if command.is_absent(&error) => return,
            Err(error) => return gathering.failed(self.error(tool, &what, &error)),
        };
        let source = format!("mongodb {}: {what}", self.instance);
        let value = command.shaped(documents.into_iter().map(|document| json::value(Bson::Document(document))).collect());
        let bytes = value.to_string();
        let mut found = if bytes.len() > BYTES_MAX {
            gathering.cut();
            Observations {
                gaps: vec![format!("{source}: the answer has {} MiB and was not read", bytes.len() >> 20)],
                ..Observations::default()
            }
        } else {
            bundle::answer(&source, bytes.as_bytes())
        };
        command.named(&source, value, &mut found);
        gathering.spent(Cost { calls: 1, bytes: bytes.len() as u64 });
        gathering.add(Asked { source, query: command.shell(space), ..Asked::default() }, found);
    }

    fn error(&self, tool: &str, what: &str, error: &Error) -> ToolError {
        let key = format!("sources.{KIND}.{}", self.instance);
        let (message, kind) = match error.kind.as_ref() {
            ErrorKind::Command(command) if command.code == 13 => (
                format!("not allowed ({what}): the account needs clusterMonitor on admin and read on the database"),
                ToolErrorKind::PermissionDenied,
            ),
            ErrorKind::Command(command) if command.code == 18 => {
                (format!("the user or password is wrong: check `{key}.uri`"), ToolErrorKind::Unauthenticated)
            }
            ErrorKind::Command(command) if command.code == 50 => {
                (format!("{what} took longer than {MAX_TIME_MS} ms and was stopped"), ToolErrorKind::Timeout)
            }
            ErrorKind::Command(command) => {
                (format!("{what} was refused ({}: {})", command.code_name, command.message), ToolErrorKind::BadAnswer)
            }
            ErrorKind::Authentication { message, .. } => {
                (format!("it does not let us in ({message}): check the user and password in `{key}.uri`"), ToolErrorKind::Unauthenticated)
            }
            ErrorKind::ServerSelection { .. } => (
                format!(
                    "no server answered in {} s: check `{key}.uri`, that the hosts are up, and the network between",
                    SELECTION_TIMEOUT.as_secs()
                ),
                ToolErrorKind::Unavailable,
            ),
            ErrorKind::DnsResolve { message, .. } => {
                (format!("its name does not resolve ({message}): check `{key}.uri`"), ToolErrorKind::Unavailable)
            }
            ErrorKind::InvalidArgument { message, .. } => (format!("`{key}.uri` cannot be used: {message}"), ToolErrorKind::NotAsked),
            ErrorKind::Custom(inner) if inner.is::<Late>() => {
                (format!("no answer to {what} in {:.1} s", COMMAND_TIMEOUT.as_secs_f32()), ToolErrorKind::Timeout)
            }
            _ => (format!("the connection broke ({what})"), ToolErrorKind::Unavailable),
        };
        ToolError::new(tool, format!("{KIND} {}: {message}", self.instance), kind)
    }
}

/// Nobody answered in time.
struct Late;

#[async_trait]
impl Backend for MongoDb {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(KIND, &self.instance, verb, says);
        let diagnose = spec("diagnose", "The state of a MongoDB deployment: serverStatus, replica set, running and slow operations, its log, busy collections and their indexes").about("database");
        let command = spec("command", "Runs one diagnostic command of MongoDB; none of them changes anything");
        vec![
            live::tool(diagnose, &self, |this: &Self, tool, query: Query| Box::pin(this.diagnose(tool, query))),
            live::tool(command, &self, |this: &Self, tool, wanted: Wanted| Box::pin(this.command(tool, wanted))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("MongoDB ({})", self.instance);
        let lost = "Reports go without this database until this works.";
        let client = match self.client(KIND).await {
            Ok(client) => client,
            Err(error) => return vec![Finding::lacking(what, error.message, lost)],
        };
        let answer = match self.run(client, Command::ServerStatus, "admin", "", None).await {
            Ok(answer) => answer,
            Err(error) => return vec![Finding::lacking(what, self.error(KIND, "serverStatus", &error).message, lost)],
        };
        let version = answer.first().and_then(|status| status.get_str("version").ok()).unwrap_or("?").to_owned();
        let needed = [Command::CurrentOp, Command::GetLog, Command::ListDatabases];
        let tried = join_all(needed.map(|command| self.run(client, command, "admin", "", None))).await;
        let missing: Vec<&str> =
            needed.iter().zip(&tried).filter(|(_, answer)| answer.is_err()).map(|(command, _)| command.name()).collect();
        if missing.is_empty() {
            return vec![Finding::fine(what, format!("version {version}, answers diagnostic commands"))];
        }
        vec![Finding::lacking(
            what,
            format!("version {version}; cannot run {}", missing.join(", ")),
            "Grant clusterMonitor on admin: db.grantRolesToUser(\"sre-agent\", [{role: \"clusterMonitor\", db: \"admin\"}])",
        )]
    }
}

fn secondary_preferred() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::SecondaryPreferred { options: Some(ReadPreferenceOptions::default()) })
}

/// The collections that the slow and running operations are about, the most frequent first.
fn busy(operations: &[Document]) -> Vec<String> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for operation in operations {
        let Ok(space) = operation.get_str("ns") else { continue };
        let is_own = space.split_once('.').is_none_or(|(database, collection)| {
            ["admin", "local", "config"].contains(&database) || collection.starts_with('$') || collection.starts_with("system.")
        });
        if !is_own {
            *counts.entry(space).or_default() += 1;
        }
    }
    let mut counted: Vec<(&str, usize)> = counts.into_iter().collect();
    counted.sort_by_key(|(space, count)| (std::cmp::Reverse(*count), *space));
    counted.into_iter().take(COLLECTIONS_MAX).map(|(space, _)| space.to_owned()).collect()
}

/// Reads a cursor up to its limits.
async fn drain(cursor: mongodb::Cursor<Document>) -> Answer {
    let (documents, _) = cursor
        .try_fold((Vec::new(), 0_usize), |(mut documents, bytes), document| async move {
            let size = document.to_vec().map_or(0, |bytes| bytes.len());
            if documents.len() < DOCUMENTS_MAX && bytes + size <= BYTES_MAX {
                documents.push(document);
            }
            Ok((documents, bytes + size))
        })
        .await?;
    Ok(documents)
}

/// A command's time limit, as every one of them carries it.
fn limited(mut command: Document) -> Document {
    command.extend(doc! {"maxTimeMS": MAX_TIME_MS});
    command
}
