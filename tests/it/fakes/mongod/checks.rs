//! What a real server checks before it answers: where a command belongs, which fields it takes, and of which kind they are.

use mongodb::bson::{Bson, Document};

use super::{Failure, fails, matching::whole};

/// Commands that would change something, refused whatever is scripted.
#[rustfmt::skip]
pub const WRITES: &[&str] = &[
    "insert", "update", "delete", "findAndModify", "findandmodify", "bulkWrite", "mapReduce", "mapreduce", "create", "createIndexes",
    "drop", "dropDatabase", "dropIndexes", "deleteIndexes", "collMod", "convertToCapped", "cloneCollectionAsCapped", "renameCollection",
    "compact", "reIndex", "validate", "applyOps", "fsync", "fsyncUnlock", "setParameter", "setFeatureCompatibilityVersion",
    "setDefaultRWConcern", "setProfilingLevel", "setIndexCommitQuorum", "planCacheClear", "planCacheSetFilter", "planCacheClearFilters",
    "killOp", "killSessions", "killAllSessions", "killAllSessionsByPattern", "shutdown", "logRotate", "clearLog", "rotateCertificates",
    "replSetStepDown", "replSetReconfig", "replSetInitiate", "replSetFreeze", "replSetMaintenance", "replSetSyncFrom",
    "replSetResizeOplog", "createUser", "updateUser", "dropUser", "dropAllUsersFromDatabase", "grantRolesToUser", "revokeRolesFromUser",
    "createRole", "updateRole", "dropRole", "commitTransaction", "abortTransaction", "moveChunk", "movePrimary", "split", "addShard",
    "removeShard", "enableSharding", "shardCollection", "balancerStart", "balancerStop",
];
/// Commands that are answered in the database `admin` only.
#[rustfmt::skip]
pub const ADMIN: &[&str] = &[
    "currentOp", "getCmdLineOpts", "getDefaultRWConcern", "getLog", "getParameter", "hostInfo", "listDatabases", "replSetGetConfig",
    "replSetGetStatus", "top", "bulkWrite", "fsync", "fsyncUnlock", "killOp", "logRotate", "renameCollection", "replSetFreeze",
    "replSetInitiate", "replSetMaintenance", "replSetReconfig", "replSetResizeOplog", "replSetStepDown", "replSetSyncFrom",
    "rotateCertificates", "setDefaultRWConcern", "setFeatureCompatibilityVersion", "setParameter", "shutdown",
];
/// Commands that are answered without a login.
pub const OPEN: &[&str] =
    &["hello", "saslStart", "saslContinue", "ping", "buildInfo", "connectionStatus", "whatsmyuri", "logout", "endSessions"];
/// Commands of the driver itself, which nobody wrote and which take no `maxTimeMS`.
pub const OF_THE_DRIVER: &[&str] = &["hello", "saslStart", "saslContinue", "endSessions", "killCursors", "getMore"];
/// Fields that every command takes.
#[rustfmt::skip]
const GENERAL: &[&str] = &[
    "$db", "lsid", "$clusterTime", "$readPreference", "readConcern", "writeConcern", "maxTimeMS", "comment", "apiVersion", "apiStrict",
    "apiDeprecationErrors",
];

/// The names of a pipeline's stages.
pub fn stages(command: &Document) -> Vec<String> {
    let pipeline = command.get_array("pipeline").map(Vec::as_slice).unwrap_or_default();
    pipeline.iter().filter_map(Bson::as_document).flat_map(Document::keys).cloned().collect()
}

/// As a real server's parser: a field that nobody knows is an error.
pub fn known_fields(name: &str, command: &Document) -> Result<(), Failure> {
    #[rustfmt::skip]
    let own: &[&str] = match name {
        "find" => &[
            "find", "filter", "projection", "sort", "hint", "skip", "limit", "batchSize", "singleBatch", "min", "max", "returnKey",
            "showRecordId", "tailable", "awaitData", "noCursorTimeout", "allowPartialResults", "collation", "allowDiskUse", "let",
        ],
        "aggregate" => {
            &["aggregate", "pipeline", "cursor", "explain", "allowDiskUse", "bypassDocumentValidation", "collation", "hint", "let"]
        }
        "count" => &["count", "query", "limit", "skip", "hint", "collation", "fields"],
        "listCollections" => &["listCollections", "filter", "nameOnly", "authorizedCollections", "cursor"],
        "getMore" => &["getMore", "collection", "batchSize"],
        _ => return Ok(()),
    };
    match command.keys().find(|field| !own.contains(&field.as_str()) && !GENERAL.contains(&field.as_str())) {
        Some(unknown) => Err(fails(40415, "IDLUnknownField", format!("BSON field '{name}.{unknown}' is an unknown field."))),
        None => Ok(()),
    }
}

pub fn current_op_fields(argument: &Bson) -> Result<(), Failure> {
    const KNOWN: &[&str] =
        &["allUsers", "idleConnections", "idleCursors", "idleSessions", "localOps", "backtrace", "targetAllNodes", "truncateOps"];
    let Some(options) = argument.as_document() else {
        return Err(fails(9, "FailedToParse", "$currentOp options must be specified in an object"));
    };
    for (name, value) in options {
        if !KNOWN.contains(&name.as_str()) {
            return Err(fails(9, "FailedToParse", format!("Unrecognized option '{name}' in $currentOp stage.")));
        }
        if value.as_bool().is_none() {
            return Err(fails(9, "FailedToParse", format!("The '{name}' parameter of the $currentOp stage must be a boolean value")));
        }
    }
    Ok(())
}

pub fn inner(command: &Document, field: &str) -> Result<Document, Failure> {
    match command.get(field) {
        None => Ok(Document::new()),
        Some(Bson::Document(inner)) => Ok(inner.clone()),
        Some(_) => Err(fails(14, "TypeMismatch", format!("BSON field '{field}' is the wrong type, expected type 'object'"))),
    }
}

pub fn number(command: &Document, field: &str) -> Result<i64, Failure> {
    match command.get(field) {
        None => Ok(0),
        Some(value) => {
            whole(value).ok_or_else(|| fails(14, "TypeMismatch", format!("BSON field '{field}' is the wrong type, expected a number")))
        }
    }
}

/// A number that may not be negative.
pub fn natural(command: &Document, field: &str) -> Result<i64, Failure> {
    match number(command, field)? {
        value if value < 0 => {
            Err(fails(51024, "Location51024", format!("BSON field '{field}' value must be >= 0, actual value '{value}'")))
        }
        value => Ok(value),
    }
}

pub fn batch_of(options: &Document) -> Result<Option<usize>, Failure> {
    let batch = natural(options, "batchSize")?;
    Ok(options.contains_key("batchSize").then(|| usize::try_from(batch).unwrap_or(usize::MAX)))
}

pub fn collection(command: &Document) -> Result<&str, Failure> {
    let name = command.values().next().and_then(Bson::as_str).filter(|name| !name.is_empty());
    name.ok_or_else(|| fails(73, "InvalidNamespace", "collection name has invalid type or is empty"))
}
