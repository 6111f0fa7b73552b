//! The commands that may be run: an enumeration, so that there is no other.

use std::time::Duration;

use mongodb::{
    Client,
    bson::{Document, doc},
    error::{Error, ErrorKind},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, MAX_TIME_MS, drain, limited, secondary_preferred};
use crate::model::observation::{self, Observations};

/// How many operations of the profile are read, the slowest first.
const PROFILE_MAX: i64 = 30;
/// An operation that takes longer is of interest, in milliseconds. Source: MongoDB's own default for `slowms`.
const SLOW_MS: i64 = 100;

/// A diagnostic command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    Hello,
    BuildInfo,
    HostInfo,
    ServerStatus,
    ReplSetGetStatus,
    CurrentOp,
    Top,
    GetLog,
    ListDatabases,
    DbStats,
    CollStats,
    Indexes,
    IndexStats,
    Profile,
    Explain,
}

impl Command {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::BuildInfo => "buildInfo",
            Self::HostInfo => "hostInfo",
            Self::ServerStatus => "serverStatus",
            Self::ReplSetGetStatus => "replSetGetStatus",
            Self::CurrentOp => "currentOp",
            Self::Top => "top",
            Self::GetLog => "getLog",
            Self::ListDatabases => "listDatabases",
            Self::DbStats => "dbStats",
            Self::CollStats => "collStats",
            Self::Indexes => "indexes",
            Self::IndexStats => "indexStats",
            Self::Profile => "profile",
            Self::Explain => "explain",
        }
    }

    /// Whether it is given what it needs; otherwise the sentence that says what is missing.
    pub fn check(self, database: &str, collection: &str) -> Result<(), String> {
        let database_needed =
            matches!(self, Self::DbStats | Self::CollStats | Self::Indexes | Self::IndexStats | Self::Profile | Self::Explain);
        let collection_needed = matches!(self, Self::CollStats | Self::Indexes | Self::IndexStats | Self::Explain);
        if database_needed && database.is_empty() {
            return Err(format!("{} wants a `database`", self.name()));
        }
        if collection_needed && collection.is_empty() {
            return Err(format!("{} wants a `collection`", self.name()));
        }
        if database.len() > 63 || database.contains(['/', '\\', '.', ' ', '"', '$', '\0']) {
            return Err("`database` is no name that MongoDB knows".to_owned());
        }
        if collection.len() > 255 || collection.contains(['$', '\0']) {
            return Err("`collection` is no name that MongoDB knows".to_owned());
        }
        Ok(())
    }

    /// As a person would type it in mongosh.
    pub fn shell(self, space: &str) -> String {
        let collection = || space.split_once('.').map_or("", |(_, collection)| collection);
        match self {
            Self::ServerStatus => "db.serverStatus()".to_owned(),
            Self::ReplSetGetStatus => "rs.status()".to_owned(),
            Self::CurrentOp => "db.getSiblingDB(\"admin\").aggregate([{$currentOp: {allUsers: true}}])".to_owned(),
            Self::GetLog => "db.adminCommand({getLog: \"global\"})".to_owned(),
            Self::DbStats => "db.stats()".to_owned(),
            Self::CollStats => format!("db.getCollection(\"{}\").stats()", collection()),
            Self::Indexes => format!("db.getCollection(\"{}\").getIndexes()", collection()),
            Self::IndexStats => format!("db.getCollection(\"{}\").aggregate([{{$indexStats: {{}}}}])", collection()),
            Self::Profile => "db.system.profile.find().sort({millis: -1}).limit(30)".to_owned(),
            Self::Explain => format!("db.getCollection(\"{}\").find(…).explain(\"queryPlanner\")", collection()),
            Self::Hello | Self::BuildInfo | Self::HostInfo | Self::Top | Self::ListDatabases => {
                format!("db.adminCommand({{{}: 1}})", self.name())
            }
        }
    }

    pub async fn run(self, client: &Client, database: &str, collection: &str, filter: Document) -> Answer {
        let db = client.database(database);
        let admin = client.database("admin");
        let one = |command: Document| async move {
            client
                .database(database)
                .run_command(limited(command))
                .selection_criteria(secondary_preferred())
                .await
                .map(|answer| vec![answer])
        };
        let limit = Duration::from_millis(MAX_TIME_MS.unsigned_abs().into());
        match self {
            Self::Hello | Self::BuildInfo | Self::HostInfo | Self::ServerStatus | Self::ReplSetGetStatus | Self::Top => {
                admin.run_command(limited(doc! {self.name(): 1})).selection_criteria(secondary_preferred()).await.map(|answer| vec![answer])
            }
            Self::ListDatabases => {
                admin.run_command(limited(doc! {"listDatabases": 1, "authorizedDatabases": true})).await.map(|answer| vec![answer])
            }
            Self::GetLog => admin
                .run_command(limited(doc! {"getLog": "global"}))
                .selection_criteria(secondary_preferred())
                .await
                .map(|answer| vec![answer]),
            Self::CurrentOp => {
                drain(admin.aggregate([doc! {"$currentOp": {"allUsers": true, "idleConnections": false}}]).max_time(limit).await?).await
            }
            Self::DbStats => one(doc! {"dbStats": 1}).await,
            Self::CollStats => one(doc! {"collStats": collection}).await,
            Self::Indexes | Self::IndexStats => {
                drain(db.collection::<Document>(collection).aggregate([doc! {"$indexStats": {}}]).max_time(limit).await?).await
            }
            Self::Profile => {
                let slow = doc! {"millis": {"$gte": SLOW_MS}};
                drain(
                    db.collection::<Document>("system.profile")
                        .find(slow)
                        .sort(doc! {"millis": -1})
                        .limit(PROFILE_MAX)
                        .max_time(limit)
                        .await?,
                )
                .await
            }
            Self::Explain => one(doc! {"explain": {"find": collection, "filter": filter}, "verbosity": "queryPlanner"}).await,
        }
    }

    /// An error that says that there is no such thing here, which is no gap: a server without a replica set, a database without a profile.
    pub fn is_absent(self, error: &Error) -> bool {
        let ErrorKind::Command(command) = error.kind.as_ref() else { return false };
        match self {
            // NoReplicationEnabled; a mongos says CommandNotFound.
            Self::ReplSetGetStatus => [76, 59].contains(&command.code),
            Self::Profile | Self::CollStats | Self::IndexStats => [26, 166].contains(&command.code),
            _ => false,
        }
    }

    /// Its documents as the one value that readers know.
    pub fn shaped(self, mut documents: Vec<Value>) -> Value {
        match self {
            Self::CurrentOp | Self::Indexes | Self::IndexStats | Self::Profile => Value::Array(documents),
            _ if documents.len() == 1 => documents.remove(0),
            _ => Value::Array(documents),
        }
    }

    /// What no reader knows by its content is a document of the command's name.
    pub fn named(self, source: &str, value: Value, found: &mut Observations) {
        let empty = value.as_array().is_some_and(Vec::is_empty);
        let read = !found.documents.is_empty() || !found.logs.is_empty();
        if self == Self::GetLog || empty {
            return;
        }
        if !read || found.documents.iter().any(|document| document.kind == "text") {
            let kind = self.name().to_owned();
            *found = Observations {
                documents: vec![observation::Document { source: source.to_owned(), kind, body: value }],
                gaps: std::mem::take(&mut found.gaps),
                ..Observations::default()
            };
        }
    }
}
