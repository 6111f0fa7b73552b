//! MongoDB: end one operation, let the primary step down, set the profiler. The account needs `hostManager` and
//! `clusterManager` on `admin`, and `dbAdmin` where the profiler is set; diagnosis has an account of its own without them.

use std::time::Duration;

use mongodb::{
    Client,
    bson::{Bson, Document, doc},
    error::{Error, ErrorKind},
    options::{ReadPreference, SelectionCriteria},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    model::{Check, Preview},
    redact,
};

use super::{
    Systems,
    operate::{Doing, Failure, Seen},
};

/// How long one command may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an operation's command is shown.
const COMMAND_MAX: usize = 300;

pub fn failure(error: &Error) -> Failure {
    match error.kind.as_ref() {
        // 13: Unauthorized, 18: AuthenticationFailed. Source: MongoDB's error codes.
        ErrorKind::Command(command) if matches!(command.code, 13 | 18) => Failure::Refused(format!(
            "MongoDB does not allow it ({}): the account needs hostManager and clusterManager on admin, and dbAdmin for the profiler",
            command.code_name
        )),
        ErrorKind::Command(command) => {
            Failure::Refused(format!("MongoDB says: {} ({})", redact::text(&command.message), command.code_name))
        }
        ErrorKind::InvalidArgument { message, .. } => Failure::Refused(format!("the connection string cannot be used: {message}")),
        ErrorKind::Authentication { .. } => Failure::Refused("MongoDB does not take our credentials".to_owned()),
        ErrorKind::ServerSelection { .. } => Failure::Later("no server of the deployment answers".to_owned()),
        _ => Failure::Later("the connection broke".to_owned()),
    }
}

async fn run(client: &Client, database: &str, command: Document) -> Result<Document, Failure> {
    run_on(client, database, command, ReadPreference::Primary).await
}

async fn run_on(client: &Client, database: &str, command: Document, member: ReadPreference) -> Result<Document, Failure> {
    let database = client.database(database);
    let answer = database.run_command(command).selection_criteria(SelectionCriteria::ReadPreference(member));
    match tokio::time::timeout(TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(|error| failure(&error)),
        Err(_) => Err(Failure::Later(format!("no answer in {} s", TIMEOUT.as_secs()))),
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hex::encode(hasher.finalize())
}

fn operation_id(opid: &str) -> Bson {
    opid.parse::<i64>().map_or_else(|_| Bson::String(opid.to_owned()), Bson::Int64)
}

/// The running operation of this id; what MongoDB runs for itself is not among them.
async fn operation(client: &Client, opid: &str) -> Result<Option<Document>, Failure> {
    let command = doc! {
        "aggregate": 1,
        "pipeline": [{"$currentOp": {"allUsers": true, "idleConnections": false}}, {"$match": {"opid": operation_id(opid)}}, {"$limit": 1}],
        "cursor": {},
    };
    let answer = run(client, "admin", command).await?;
    let first = answer.get_document("cursor").ok().and_then(|cursor| cursor.get_array("firstBatch").ok()).and_then(|batch| batch.first());
    Ok(first.and_then(Bson::as_document).filter(|found| found.get("opid").is_some()).cloned())
}

fn word<'a>(document: &'a Document, name: &str) -> &'a str {
    document.get_str(name).unwrap_or_default()
}

fn whole(document: &Document, name: &str) -> i64 {
    match document.get(name) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        Some(Bson::Double(number)) => *number as i64,
        _ => 0,
    }
}

/// What tells one operation from another that got the same number later.
fn identity(found: &Document) -> String {
    digest(&[word(found, "ns"), word(found, "op"), word(found, "client"), &whole(found, "connectionId").to_string()])
}

pub async fn kill_op(systems: &Systems, deployment: &str, opid: &str) -> Result<(Preview, Vec<Check>), Failure> {
    let client = systems.deployment(deployment).await?;
    let Some(found) = operation(client, opid).await? else {
        return Err(Failure::Gone(format!("no operation {opid} is running on {deployment} any more")));
    };
    let namespace = word(&found, "ns");
    // Ending one of these can leave a member behind, or does nothing. Source: MongoDB's manual, "killOp".
    if namespace.starts_with("local.") || word(&found, "desc").starts_with("repl") || word(&found, "op") == "none" && namespace.is_empty() {
        return Err(Failure::Refused(format!(
            "operation {opid} is one of MongoDB's own ({}): it is not ended from here",
            word(&found, "desc")
        )));
    }
    let command: String =
        found.get("command").map(|command| redact::text(&command.to_string()).chars().take(COMMAND_MAX).collect()).unwrap_or_default();
    let preview = Preview {
        place: format!("looked at {deployment}; MongoDB has no dry run for this"),
        diff: vec![
            format!(
                "- operation {opid}: {} on {namespace}, running {} s, client {}",
                word(&found, "op"),
                whole(&found, "secs_running"),
                word(&found, "client")
            ),
            format!("  {command}"),
        ],
        effect: "its client gets the error Interrupted; a write that is half done in a transaction is rolled back".to_owned(),
        seen: identity(&found),
        facts: [("opid".to_owned(), json!(opid))].into(),
    };
    Ok((preview, Vec::new()))
}

pub async fn apply_kill(systems: &Systems, deployment: &str, opid: &str, doing: Doing<'_>) -> Result<String, Failure> {
    let client = systems.deployment(deployment).await?;
    match operation(client, opid).await? {
        None => return Ok("it had ended by itself".to_owned()),
        Some(found) if identity(&found) != doing.step.preview.seen => {
            return Err(Failure::Changed(format!("operation {opid} is another one now")));
        }
        Some(_) => {}
    }
    run(client, "admin", doc! {"killOp": 1, "op": operation_id(opid)}).await?;
    Ok(String::new())
}

pub async fn op_gone(systems: &Systems, deployment: &str, opid: &str) -> Result<Seen, Failure> {
    let found = operation(systems.deployment(deployment).await?, opid).await?;
    Ok(match found {
        None => Seen::so(format!("operation {opid} has ended")),
        Some(_) => Seen::not_yet(format!("operation {opid} is still running")),
    })
}

/// The primary's name and the set's. Every member says it, also while the driver still looks for the new primary.
async fn primary(client: &Client) -> Result<(String, String), Failure> {
    let hello = run_on(client, "admin", doc! {"hello": 1}, ReadPreference::PrimaryPreferred { options: None }).await?;
    let set = word(&hello, "setName");
    if set.is_empty() {
        return Err(Failure::Refused("it is no replica set, so that there is no other member".to_owned()));
    }
    let primary = word(&hello, "primary");
    if primary.is_empty() {
        return Err(Failure::Later("it has no primary at the moment".to_owned()));
    }
    Ok((primary.to_owned(), set.to_owned()))
}

pub async fn step_down(systems: &Systems, deployment: &str, seconds: u32) -> Result<(Preview, Vec<Check>), Failure> {
    let client = systems.deployment(deployment).await?;
    let (name, set) = primary(client).await?;
    let status = run(client, "admin", doc! {"replSetGetStatus": 1}).await?;
    let members = status.get_array("members").cloned().unwrap_or_default();
    let ready: Vec<String> = members
        .iter()
        .filter_map(Bson::as_document)
        .filter(|member| word(member, "stateStr") == "SECONDARY" && whole(member, "health") == 1)
        .map(|member| word(member, "name").to_owned())
        .collect();
    if ready.is_empty() {
        return Err(Failure::Refused(format!("{set} has no healthy secondary that could take over")));
    }
    let preview = Preview {
        place: format!("looked at {deployment}; MongoDB has no dry run for this"),
        diff: vec![format!("- primary: {name}"), format!("+ primary: one of {}", ready.join(", "))],
        effect: format!("writes fail for some seconds until {set} has elected another member; {name} stays secondary for {seconds} s"),
        seen: digest(&[&name, &set]),
        facts: [("primary".to_owned(), json!(name))].into(),
    };
    let check = Check::OtherPrimary { deployment: deployment.to_owned(), not: name };
    Ok((preview, vec![check]))
}

pub async fn apply_step_down(systems: &Systems, deployment: &str, seconds: u32, doing: Doing<'_>) -> Result<String, Failure> {
    let client = systems.deployment(deployment).await?;
    let (name, set) = primary(client).await?;
    if digest(&[&name, &set]) != doing.step.preview.seen {
        return if doing.again {
            Ok("it was done already".to_owned())
        } else {
            Err(Failure::Changed(format!("the primary is {name} now")))
        };
    }
    match run(client, "admin", doc! {"replSetStepDown": seconds, "secondaryCatchUpPeriodSecs": seconds.min(10)}).await {
        // Older servers close every connection when they step down: the check says whether they did.
        Ok(_) | Err(Failure::Later(_)) => Ok(String::new()),
        Err(other) => Err(other),
    }
}

pub async fn other_primary(systems: &Systems, deployment: &str, not: &str) -> Result<Seen, Failure> {
    match primary(systems.deployment(deployment).await?).await {
        Ok((name, _)) if name == not => Ok(Seen::not_yet(format!("the primary is still {name}"))),
        Ok((name, _)) => Ok(Seen::so(format!("the primary is {name}"))),
        Err(Failure::Later(says)) => Ok(Seen::not_yet(says)),
        Err(other) => Err(other),
    }
}

/// The profiler's level and threshold.
async fn profile(client: &Client, database: &str) -> Result<(i64, i64), Failure> {
    let answer = run(client, database, doc! {"profile": -1}).await?;
    Ok((whole(&answer, "was"), whole(&answer, "slowms")))
}

pub async fn profiler(
    systems: &Systems,
    deployment: &str,
    database: &str,
    level: u8,
    slow_ms: Option<u32>,
) -> Result<(Preview, Vec<Check>), Failure> {
    let (was, slow) = profile(systems.deployment(deployment).await?, database).await?;
    let wanted = slow_ms.map_or(slow, i64::from);
    if (was, slow) == (i64::from(level), wanted) {
        return Err(Failure::Refused(format!("the profiler of {database} is at level {was} already, with slowms {slow}")));
    }
    let effect = match level {
        0 => "no operation is recorded any more",
        1 => "operations slower than slowms are recorded in system.profile",
        _ => "every operation is recorded in system.profile: that costs on a busy server",
    };
    let preview = Preview {
        place: format!("looked at {deployment}; MongoDB has no dry run for this"),
        diff: vec![
            format!("  profiler of {database}"),
            format!("- level: {was}, slowms: {slow}"),
            format!("+ level: {level}, slowms: {wanted}"),
        ],
        effect: effect.to_owned(),
        seen: digest(&[&was.to_string(), &slow.to_string()]),
        facts: [("level".to_owned(), json!(was)), ("slowms".to_owned(), json!(slow))].into(),
    };
    Ok((preview, Vec::new()))
}

pub async fn apply_profiler(
    systems: &Systems,
    deployment: &str,
    database: &str,
    level: u8,
    slow_ms: Option<u32>,
    doing: Doing<'_>,
) -> Result<String, Failure> {
    let client = systems.deployment(deployment).await?;
    let (was, slow) = profile(client, database).await?;
    if (was, slow) == (i64::from(level), slow_ms.map_or(slow, i64::from)) && doing.again {
        return Ok("it was done already".to_owned());
    }
    if digest(&[&was.to_string(), &slow.to_string()]) != doing.step.preview.seen {
        return Err(Failure::Changed(format!("the profiler of {database} is at level {was} now, with slowms {slow}")));
    }
    set_profiler(client, database, i64::from(level), slow_ms.map_or(slow, i64::from)).await?;
    Ok(String::new())
}

pub async fn undo_profiler(systems: &Systems, deployment: &str, database: &str, doing: Doing<'_>) -> Result<String, Failure> {
    let fact = |name: &str| doing.step.preview.facts.get(name).and_then(Value::as_i64).unwrap_or(0);
    set_profiler(systems.deployment(deployment).await?, database, fact("level"), fact("slowms")).await?;
    Ok(format!("the profiler of {database} is at level {} again", fact("level")))
}

async fn set_profiler(client: &Client, database: &str, level: i64, slow: i64) -> Result<(), Failure> {
    run(client, database, doc! {"profile": level as i32, "slowms": slow as i32}).await.map(drop)
}

pub async fn profiler_level(systems: &Systems, deployment: &str, database: &str, level: u8) -> Result<Seen, Failure> {
    let (is, _) = profile(systems.deployment(deployment).await?, database).await?;
    let says = format!("the profiler of {database} is at level {is}");
    Ok(if is == i64::from(level) { Seen::so(says) } else { Seen::not_yet(says) })
}
